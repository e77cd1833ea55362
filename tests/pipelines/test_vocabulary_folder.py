"""``accordage deid`` counts unknown words in its report and keeps them in the identified zone."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from config.library import find_policy
from config.settings import load_settings
from pipelines.prepare.deid_command import DeidAsked, run_deid
from pipelines.prepare.vocabulary import accept_words, read_words, words_file
from pipelines.progress import Silent
from tests.deid.conftest import build, encode


@pytest.fixture
def deid(tmp_path: Path) -> Callable[..., object]:
    source = tmp_path / "in"
    source.mkdir()
    ds = build(StudyDescription="IRM zorglub Lefevre", SeriesDescription="T2 TSE AX")
    (source / "a.dcm").write_bytes(encode(ds))
    settings = load_settings(tmp_path / "home", {})

    def _deid(name: str, **changes: object) -> object:
        policy = find_policy("research-longitudinal").model_copy(update=changes)
        target = tmp_path / name
        made, _ = run_deid(settings, DeidAsked(source, target, policy), Silent())
        return made, target, settings

    return _deid


def test_the_report_counts_and_the_identified_zone_keeps(deid: Callable[..., tuple]) -> None:
    report, target, settings = deid("out")
    path = words_file(settings.identified_root, "folder")
    assert report.unknown_words == 1
    assert read_words(path).waiting == {"zorglub": 1}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"zorglub" not in (target / "report.json").read_bytes()


def test_a_word_passes_a_strict_policy_once_it_is_accepted(deid: Callable[..., tuple]) -> None:
    def released(target: Path) -> bool:
        (path,) = target.rglob("*.dcm")
        return b"zorglub" in path.read_bytes()

    _, before, settings = deid("before", unknown_words="remove")
    accept_words(words_file(settings.identified_root, "folder"), ["zorglub"])
    _, after, _ = deid("after", unknown_words="remove")
    assert (released(before), released(after)) == (False, True)
