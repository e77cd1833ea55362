"""A release that is out: verified, compared, found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import RejectedError
from pipelines.cohort.diff import diff
from pipelines.cohort.review import project_gate, recognised, review_items
from pipelines.cohort.verify import verify
from pipelines.progress import Silent
from pipelines.withdraw.holdings import holders
from pipelines.workspace import Workspace
from tests.withdraw.conftest import reject


@pytest.fixture
def version(ws: Workspace) -> Path:
    return ws.research.cohorts("tiny") / "v1"


def test_a_release_as_it_was_made_is_whole(version: Path) -> None:
    found = verify(version, Silent())
    assert found.whole
    assert found.files == len((version / "checksums.sha256").read_text().splitlines())


def test_a_changed_bit_a_lost_file_and_an_added_one_are_each_named(version: Path) -> None:
    first, second, *_ = sorted(version.rglob("*.nii.gz"))
    data = bytearray(first.read_bytes())
    data[-1] ^= 1
    first.chmod(0o644)
    first.write_bytes(data)
    second.unlink()
    (version / "notes.txt").write_text("mine")
    found = verify(version, Silent())
    assert not found.whole
    assert found.changed == (first.relative_to(version).as_posix(),)
    assert found.missing == (second.relative_to(version).as_posix(),)
    assert found.added == ("notes.txt",)


def test_a_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="RELEASE_WITHOUT_CHECKSUMS"):
        verify(tmp_path, Silent())


def test_the_diff_names_the_volume_that_a_reader_rejected(ws: Workspace, version: Path) -> None:
    found = diff(version, version.with_name("v2"))
    first = review_items(ws.catalogue, "tiny")[0]
    assert [name.partition("/")[2] for name in found.gone] == [first.volume_id]
    assert (found.added, found.made_anew, found.judged_anew) == ((), (), ())
    assert found.unchanged > 0
    assert diff(version.with_name("v2"), version).added == found.gone


def test_a_version_does_not_differ_from_itself(version: Path) -> None:
    same = diff(version, version)
    assert (same.added, same.gone, same.made_anew, same.judged_anew, same.rows) == (
        (), (), (), (), {},
    )  # fmt: skip


def test_a_recognised_patient_blocks_and_the_versions_that_hold_the_image_are_listed(
    ws: Workspace,
) -> None:
    first, second, *_ = review_items(ws.catalogue, "tiny")
    reject(ws, "tiny", first.sha256, "identifiable")
    reject(ws, "tiny", second.sha256, "identifiable")
    gate = project_gate(ws.catalogue, ws.project("tiny"))
    assert any(reason.startswith("GATE_IDENTIFIABLE: 2 of ") for reason in gate.reasons)
    assert recognised(ws.catalogue, "tiny") == sorted([first.volume_id, second.volume_id])
    held = {v: holders(ws.research, ws.catalogue, "tiny", v)
            for v in (first.volume_id, second.volume_id)}  # fmt: skip
    assert held == {first.volume_id: [1], second.volume_id: [1, 2]}
