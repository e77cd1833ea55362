"""A site's words: counted by study, accepted by a person, read by nobody else."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.policy import Policy
from pipelines.prepare.vocabulary import (
    accept_words,
    note_words,
    read_words,
    with_words,
    words_file,
)


def test_words_are_counted_by_study_and_kept_from_other_eyes(tmp_path: Path) -> None:
    path = words_file(tmp_path, "site-a")
    assert note_words(path, [("zorglub", "bulgroz"), ("zorglub",)]) == 2
    note_words(path, [("zorglub",)])
    assert read_words(path).waiting == {"bulgroz": 1, "zorglub": 3}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_accepted_word_waits_no_more(tmp_path: Path) -> None:
    path = words_file(tmp_path, "site-a")
    note_words(path, [("zorglub", "bulgroz")])
    assert accept_words(path, ["Zörglub"]).accepted == ("zorglub",)
    note_words(path, [("zorglub",)])
    assert read_words(path).waiting == {"bulgroz": 1}


def test_only_a_policy_that_removes_unknown_words_takes_up_a_sites(tmp_path: Path) -> None:
    path = words_file(tmp_path, "site-a")
    accept_words(path, ["zorglub"])
    keeps = Policy(name="p")
    removes = Policy(name="p", unknown_words="remove", accepted_words=("bulgroz",))
    assert with_words(keeps, path) is keeps
    assert with_words(removes, path).accepted_words == ("bulgroz", "zorglub")


@pytest.mark.parametrize("site", ["../x", "A", "", "a/b"])
def test_a_site_that_cannot_be_is_refused(tmp_path: Path, site: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        words_file(tmp_path, site)
    assert caught.value.code == "CONFIG_UNKNOWN_NAME"


def test_a_file_that_is_no_list_of_words_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site-a.json"
    path.write_text(json.dumps({"accepted": 5}))
    with pytest.raises(ConfigurationError) as caught:
        read_words(path)
    assert caught.value.code == "CONFIG_INVALID"
