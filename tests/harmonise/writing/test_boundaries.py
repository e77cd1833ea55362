"""Boundaries: a full disk, a read-only folder, a foreign exception; one clear code each."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from config.codes import codes
from config.errors import EnvironmentFault, InconsistentSeries
from config.files import write_whole
from config.library import find_recipe
from harmonise.encode.files import folder_name
from harmonise.encode.shared import Shared
from harmonise.grids import centred_grid
from harmonise.interpolate import resample_onto
from harmonise.itk import execute, sitk
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume
from tests.harmonise import builders

MINE = [
    "ENCODE_FAILED",
    "ENCODE_UNSUPPORTED",
    "MG_BREAST_UNUSUAL",
    "MG_BRIGHT_OBJECTS",
    "MG_DIGITISED_FILM",
    "MG_EMPTY_BREAST",
    "MG_IMPLANT",
    "MG_INCOMPLETE_EXAM",
    "MG_INTENT_MIXED",
    "MG_LATERALITY_CONFLICT",
    "MG_MISSING_SLICE",
    "MG_NO_POSITION",
    "MG_NO_VIEW",
    "MG_VIEW_CONFLICT",
    "MR_ADC_FROM_WRONG_B",
    "MR_B_NOT_AS_SAID",
    "MR_CALCULATED_B",
    "MR_CALCULATED_B_AS_ACQUIRED",
    "MR_FOV_NOT_COVERED",
    "MR_FRAME_OF_REFERENCE_DIFFERS",
    "NOT_SELECTED",
    "NO_REFERENCE_SERIES",
    "PROVENANCE_MISSING",
    "QUANTITATIVE_NOT_NORMALISED",
    "SPACING_UNKNOWN",
    "STEP_PARAMS_INVALID",
    "STEP_UNKNOWN",
    "US_COLOUR_FLOW",
    "US_DEPTH_IMPLAUSIBLE",
    "US_MMODE",
    "US_MULTI_REGION_AMBIGUOUS",
    "US_NO_REGION",
    "US_OVERLAY_BLANKED",
    "US_REGION_OUT_OF_BOUNDS",
    "US_REPORT_PAGE",
    "US_SECTOR_NOT_FITTED",
    "US_SPECTRAL",
    "US_UNCALIBRATED",
    "US_UNITS_NOT_CM",
    "VOLUME_CONSTANT",
    "VOLUME_EMPTY",
    "VOLUME_NOT_POSITIONED",
    "VOLUME_NOT_PROCESSED",
    "VOLUME_UNKNOWN",
]


@pytest.mark.parametrize("code", MINE)
def test_every_code_of_the_writing_side_has_its_sentences(code):
    row = codes()[code]

    assert all((row.en, row.fr, row.next_en, row.next_fr))


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "DISK_FULL"), (errno.EACCES, "DISK_READ_ONLY")],
)
def test_a_failed_write_leaves_nothing_behind(number, code, tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(EnvironmentFault, match=code):
        write_whole(tmp_path / "a.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_an_old_file_survives_a_failed_write(tmp_path, monkeypatch):
    write_whole(tmp_path / "a.json", b"old")

    def fail(_descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(EnvironmentFault):
        write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"old"


@pytest.mark.parametrize(
    ("text", "name"),
    [("S-0123456789", "S-0123456789"), ("..", "unknown"), ("", "unknown"), ("a/b\\c", "a_b_c")],
)
def test_a_name_is_one_folder(text, name):
    assert folder_name(text) == name


def test_a_full_disk_stops_the_study(tmp_path, monkeypatch):
    paths = builders.write_all(builders.ct(), tmp_path / "in")
    plan = plan_study(paths, find_recipe("native"))

    def fail(_descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(EnvironmentFault, match="DISK_FULL"):
        apply_study(plan, tmp_path / "out")
    assert [p for p in (tmp_path / "out").rglob("*") if p.is_file()] == []


def test_a_direction_that_spans_no_space_is_named_by_code():
    flat = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (0.0, 1.0, 1e-9))
    good = Grid((4, 4, 4), (1.0, 1.0, 1.0))
    bad = Grid((4, 4, 4), (1.0, 1.0, 1.0), direction=flat)
    volume = Volume(np.ones((4, 4, 4), np.float32), bad, "1")

    with pytest.raises(InconsistentSeries, match="VOLUME_NOT_POSITIONED: axes that span no space"):
        resample_onto(volume, centred_grid(good, (2.0, 2.0, 2.0)))


def test_a_filter_that_fails_is_named_without_its_message():
    """A mask of another size gives a message full of addresses; ours names the filter."""
    small = sitk.Image([4, 4, 4], sitk.sitkUInt8)
    image = sitk.Image([8, 8, 8], sitk.sitkFloat32)

    with pytest.raises(InconsistentSeries) as caught:
        execute(sitk.N4BiasFieldCorrectionImageFilter(), image, small)

    assert str(caught.value) == ("VOLUME_NOT_PROCESSED: SimpleITK N4BiasFieldCorrectionImageFilter")


def test_a_header_that_cannot_be_written_again_refuses_its_series_only(tmp_path, monkeypatch):
    paths = builders.write_all(builders.ct(), tmp_path / "in")
    plan = plan_study(paths, find_recipe("native"))

    def fail(*_args, **_kwargs):
        raise ValueError("value of a patient")

    monkeypatch.setattr(Shared, "encode", fail)
    (row,) = apply_study(plan, tmp_path / "out")

    assert (row.verdict, row.codes) == ("REJECT", ("ENCODE_FAILED",))
