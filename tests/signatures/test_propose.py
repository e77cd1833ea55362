"""Proposals: enough patients, patterns that match what they came from, and a person who accepts."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pydicom
import pytest
import yaml
from PIL import Image

import cli
from config.check import check_all
from config.errors import ConfigurationError
from config.library import find_signatures
from config.loader import load_yaml
from config.signature import Proposal
from deid.signatures import match_signature, signature_look
from pipelines.progress import Silent
from pipelines.signatures.accept import accept_signature
from pipelines.signatures.propose import propose_signatures
from tests.signatures.exams import NAMES, draw_many, write_exams

DAY = date(2024, 5, 6)


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Source and target of a run over eight patients."""
    root = tmp_path_factory.mktemp("site")
    write_exams(root / "in", [exam.pixels for exam in draw_many(201, 8)])
    (root / "in" / "notes.txt").write_text("no image")
    (made,) = propose_signatures(root / "in", root / "out", Silent())
    assert (made.exams, made.code, made.unreadable) == (8, None, 0)
    return root / "in", root / "out"


def test_a_proposal_and_its_picture_are_for_their_owner_only(proposed: tuple[Path, Path]) -> None:
    files = sorted(proposed[1].iterdir())
    assert [path.suffix for path in files] == [".png", ".yaml"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    with Image.open(files[0]) as image:
        assert image.size == (640, 480)


def test_a_proposal_names_no_patient(proposed: tuple[Path, Path]) -> None:
    text = next(proposed[1].glob("*.yaml")).read_text()
    for word in (*NAMES, "NAME0", "P0"):
        assert word not in text
    made = load_yaml(next(proposed[1].glob("*.yaml")), Proposal)
    assert made.exams == 8
    assert made.blank


def test_an_accepted_proposal_holds_for_the_images_it_came_from_and_for_no_other_device(
    proposed: tuple[Path, Path], tmp_path: Path
) -> None:
    file = next(proposed[1].glob("*.yaml"))
    path = accept_signature(file, tmp_path, by="A. Martin", reason="seen on the picture", on=DAY)
    assert check_all(tmp_path) == []
    (signature,) = find_signatures(tmp_path)
    assert (signature.accepted_by, signature.accepted_on) == ("A. Martin", DAY)
    assert signature.reason == "seen on the picture (8 patients compared)"
    ds = pydicom.dcmread(next(proposed[0].glob("*.dcm")))
    look = signature_look(ds, (signature,))
    assert look is not None
    assert len(look.blank) == len(signature.blank)
    ds.ManufacturerModelName = "Sono Pro 5"  # the star in the model's name is no wildcard
    assert match_signature(ds, (signature,)) is None
    assert path.parent == tmp_path / "signatures"


def test_an_accepted_signature_is_not_replaced_unasked(
    proposed: tuple[Path, Path], tmp_path: Path
) -> None:
    file = next(proposed[1].glob("*.yaml"))
    accept_signature(file, tmp_path, by="A. Martin", reason="seen on the picture", on=DAY)
    with pytest.raises(ConfigurationError) as caught:
        accept_signature(file, tmp_path, by="B. Roux", reason="another day and look", on=DAY)
    assert caught.value.code == "SIGNATURE_EXISTS"
    accept_signature(
        file, tmp_path, by="B. Roux", reason="another look at it", on=DAY, replace=True
    )
    assert find_signatures(tmp_path)[0].accepted_by == "B. Roux"


@pytest.mark.parametrize(("by", "reason"), [("", "seen on the picture"), ("A. Martin", " ")])
def test_nobody_and_no_reason_accept_nothing(
    proposed: tuple[Path, Path], tmp_path: Path, by: str, reason: str
) -> None:
    file = next(proposed[1].glob("*.yaml"))
    with pytest.raises(ConfigurationError) as caught:
        accept_signature(file, tmp_path, by=by, reason=reason, on=DAY)
    assert caught.value.code == "CONFIG_INVALID"
    assert find_signatures(tmp_path) == ()


def test_a_place_may_be_called_safe_before_the_proposal_is_accepted(
    proposed: tuple[Path, Path], tmp_path: Path
) -> None:
    values = yaml.safe_load(next(proposed[1].glob("*.yaml")).read_text())
    values["safe"] = [values["blank"].pop()]
    corrected = tmp_path / "corrected.yaml"
    corrected.write_text(yaml.safe_dump(values))
    accept_signature(corrected, tmp_path, by="A. Martin", reason="the last is the scale", on=DAY)
    (signature,) = find_signatures(tmp_path)
    assert len(signature.safe) == 1


def test_many_images_of_one_patient_are_one_exam(tmp_path: Path) -> None:
    pixels = [exam.pixels for exam in draw_many(202, 6)]
    write_exams(tmp_path / "in", pixels)
    for path in (tmp_path / "in").iterdir():
        ds = pydicom.dcmread(path)
        ds.PatientID = "ONE"
        ds.save_as(path)
    (made,) = propose_signatures(tmp_path / "in", tmp_path / "out", Silent())
    assert (made.exams, made.code) == (1, "SIGNATURE_TOO_FEW_EXAMS")
    assert list((tmp_path / "out").iterdir()) == []


def test_images_of_nobody_are_not_compared(tmp_path: Path) -> None:
    write_exams(tmp_path / "in", [e.pixels for e in draw_many(203, 6)], patient="")
    assert propose_signatures(tmp_path / "in", tmp_path / "out", Silent()) == []


def test_kinds_of_one_device_are_kept_apart_and_a_broken_image_is_counted(tmp_path: Path) -> None:
    images = [exam.pixels for exam in draw_many(204, 6)]
    write_exams(tmp_path / "in", images)
    write_exams(tmp_path / "in" / "small", [image[:300] for image in images])
    for path in sorted((tmp_path / "in").glob("*.dcm"))[:1]:
        ds = pydicom.dcmread(path)
        ds.PixelData = ds.PixelData[:1000]
        ds.save_as(path)
    made = propose_signatures(tmp_path / "in", tmp_path / "out", Silent())
    assert sorted((one.exams, one.unreadable) for one in made) == [(5, 1), (6, 0)]
    assert len({one.name for one in made}) == 2


def test_the_same_images_give_the_same_bytes(proposed: tuple[Path, Path], tmp_path: Path) -> None:
    propose_signatures(proposed[0], tmp_path, Silent())
    for path in proposed[1].iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_the_commands_propose_and_accept(
    proposed: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def run(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["accordage", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return int(left.value.code or 0)

    assert run("pixels", "propose", proposed[0], "--out", tmp_path / "out") == 0
    file = next((tmp_path / "out").glob("*.yaml"))
    words = ("--by", "A. Martin", "--reason", "checked on the picture", "--home", tmp_path)
    assert run("pixels", "accept", file, *words) == 0
    assert run("pixels", "accept", file, *words) == 2
    assert "SIGNATURE_EXISTS" in capsys.readouterr().err
    assert len(find_signatures(tmp_path / "config")) == 1
    assert run("pixels", "propose", proposed[0], "--out", tmp_path / "no", "--exams", 9) == 1


def test_a_signed_image_is_shown_as_grey(tmp_path: Path) -> None:
    from pipelines.signatures.grey import first_frame

    write_exams(tmp_path, [np.arange(12, dtype=np.uint8).reshape(3, 4)])
    ds = pydicom.dcmread(tmp_path / "000.dcm")
    assert np.array_equal(first_frame(tmp_path / "000.dcm"), ds.pixel_array)
    ds.PhotometricInterpretation = "MONOCHROME1"
    ds.save_as(tmp_path / "one.dcm")
    assert np.array_equal(first_frame(tmp_path / "one.dcm"), 255 - ds.pixel_array)
