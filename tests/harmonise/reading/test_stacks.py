"""Series split into stacks, and what is refused before any pixel is read."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.codes import codes
from harmonise.geometry import judge
from harmonise.series import Passport
from harmonise.stacks import read_stacks
from harmonise.vendor.harvest import harvest
from tests.harmonise import builders


def read(datasets, folder, passports=None):
    return read_stacks(builders.write_all(datasets, folder), passports)


def test_one_series_is_one_stack_with_the_facts_others_need(tmp_path):
    (stack,), refusals = read(builders.t2w(5), tmp_path)

    assert refusals == []
    assert (stack.subject, stack.modality, stack.b_value) == ("S-TEST", "MR", None)
    assert len(stack.frames) == 5
    assert stack.header["SeriesDescription"] == "t2_tse_tra"
    assert stack.frame_of_reference_uid == builders.uid(2)
    assert stack.passport is not None
    assert stack.flags == ()


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("EchoTime", [20.0, 80.0]),
        ("TemporalPositionIdentifier", [1, 2]),
        ("ImageType", [["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"]]),
        ("PixelSpacing", [[2.0, 1.5], [1.0, 1.5]]),
        ("FrameOfReferenceUID", [builders.uid(2), builders.uid(3)]),
        ("ImageOrientationPatient", [list(builders.AXIAL), list(builders.CORONAL)]),
        ("AcquisitionNumber", [1, 2]),
    ],
)
def test_what_differs_within_a_series_parts_it(tmp_path, keyword, values):
    first = builders.t2w(4, **{keyword: values[0]})
    second = builders.t2w(4, first_uid=200, **{keyword: values[1]})

    stacks, refusals = read(first + second, tmp_path)

    assert refusals == []
    assert [len(stack.frames) for stack in stacks] == [4, 4]


def test_echo_times_that_only_jitter_are_one_echo(tmp_path):
    def jitter(index: int, ds: Dataset) -> None:
        ds.EchoTime = 104.0 + 0.01 * index

    stacks, _ = read(builders.t2w(5, per_slice=jitter), tmp_path)

    assert len(stacks) == 1


def test_a_three_plane_localizer_gives_three_stacks_and_a_turning_series_stays_whole(tmp_path):
    planes = [builders.AXIAL, builders.SAGITTAL, builders.CORONAL]
    localizer = [
        ds
        for n, plane in enumerate(planes)
        for ds in builders.t2w(2, orientation=plane, first_uid=100 + 10 * n)
    ]
    radial = []
    for n in range(6):
        angle = np.pi * n / 6
        turn = (np.cos(angle), np.sin(angle), 0.0, 0.0, 0.0, -1.0)
        radial += builders.t2w(1, orientation=turn, first_uid=100 + n)

    assert [len(s.frames) for s in read(localizer, tmp_path / "l")[0]] == [2, 2, 2]
    assert [len(s.frames) for s in read(radial, tmp_path / "r")[0]] == [6]


def test_b_values_part_a_series_in_growing_order(tmp_path):
    series = [
        ds
        for n, b in enumerate((800.0, 50.0, 1400.0))
        for ds in builders.dwi(4, b, first_uid=100 + 10 * n)
    ]

    stacks, refusals = read(series, tmp_path)

    assert refusals == []
    assert [(s.b_value, len(s.frames)) for s in stacks] == [(50.0, 4), (800.0, 4), (1400.0, 4)]


def test_directions_at_one_b_value_are_stacks_of_their_own(tmp_path):
    series = [
        ds
        for n, gradient in enumerate(([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
        for ds in builders.dwi(
            3, 1000.0, first_uid=100 + 10 * n, DiffusionGradientOrientation=gradient
        )
    ]

    stacks, _ = read(series, tmp_path)

    assert sorted(s.frames[0].gradient for s in stacks) == [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0)]


def test_volumes_repeated_without_a_temporal_position_are_parted_when_the_header_counts_them(
    tmp_path,
):
    series = builders.t2w(3, NumberOfTemporalPositions=2) + builders.t2w(
        3, NumberOfTemporalPositions=2, first_uid=200
    )
    for number, ds in enumerate(series):
        ds.InstanceNumber = number + 1

    stacks, _ = read(series, tmp_path)

    assert [[f.instance_number for f in s.frames] for s in stacks] == [[1, 2, 3], [4, 5, 6]]


def test_a_diffusion_series_without_a_b_value_is_refused_and_the_others_go_on(tmp_path):
    unknown = builders.dwi(4, None, SeriesInstanceUID=builders.uid(20), first_uid=200)

    stacks, (refusal,) = read(builders.t2w(4) + unknown, tmp_path)

    assert [s.series_uid for s in stacks] == [builders.uid(10)]
    assert (refusal.code, refusal.series_uid) == ("MR_B_UNKNOWN", builders.uid(20))
    assert (refusal.subject, refusal.modality) == ("S-TEST", "MR")
    assert "4 of 4 images: no (0018,9087)" in refusal.detail


def test_one_image_without_its_b_value_refuses_its_series(tmp_path):
    def forget(index: int, ds: Dataset) -> None:
        if index == 2:
            del ds.DiffusionBValue

    stacks, (refusal,) = read(builders.dwi(4, 800.0, per_slice=forget), tmp_path)

    assert stacks == []
    assert refusal.code == "MR_B_UNKNOWN"
    assert refusal.detail.startswith("1 of 4")


def test_a_passport_gives_the_b_value_that_the_objects_lost(tmp_path):
    series = builders.dwi(3, 400.0)
    passport = harvest(series)
    for ds in series:
        del ds.DiffusionBValue

    (stack,), refusals = read(series, tmp_path, {passport.series_uid: passport})

    assert refusals == []
    assert stack.b_value == 400.0
    assert stack.passport is passport


def test_a_passport_that_knows_nothing_leaves_what_the_objects_say(tmp_path):
    (stack,), _ = read(
        builders.dwi(3, 400.0), tmp_path, {builders.uid(10): Passport(builders.uid(10), "", "")}
    )

    assert stack.b_value == 400.0


def test_the_same_file_twice_is_used_once_and_flagged(tmp_path):
    paths = builders.write_all(builders.t2w(4), tmp_path)
    shutil.copy(paths[1], tmp_path / "copy.dcm")

    (stack,), refusals = read_stacks([*paths, tmp_path / "copy.dcm"])

    assert refusals == []
    assert len(stack.frames) == 4
    assert stack.flags == ("DUPLICATE_INSTANCE",)


def test_one_uid_on_two_different_objects_is_a_conflict(tmp_path):
    series = builders.t2w(4)
    other = builders.t2w(4, values=builders.ramp(4, 6, 8) + 1)[1]

    stacks, (refusal,) = read([*series, other], tmp_path)

    assert stacks == []
    assert refusal.code == "INSTANCE_CONFLICT"


def test_a_series_of_two_patients_is_refused(tmp_path):
    def other(index: int, ds: Dataset) -> None:
        ds.PatientID = "S-OTHER" if index else "S-TEST"

    stacks, (refusal,) = read(builders.t2w(3, per_slice=other), tmp_path)

    assert (stacks, refusal.code) == ([], "SERIES_INCONSISTENT")


@pytest.mark.parametrize("kind", ["MOSAIC", "VFRAME"])
def test_tiled_slices_are_refused(tmp_path, kind):
    series = builders.t2w(1, ImageType=["ORIGINAL", "PRIMARY", "M", kind])

    stacks, (refusal,) = read(series, tmp_path)

    assert (stacks, refusal.code) == ([], "MR_MOSAIC_UNSUPPORTED")


def test_objects_of_other_kinds_are_one_refusal_a_series(tmp_path):
    series = builders.t2w(3, SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    colour = builders.t2w(
        1, SamplesPerPixel=3, SeriesInstanceUID=builders.uid(20), PixelData=bytes(6 * 8 * 6)
    )

    stacks, refusals = read(series + colour, tmp_path)

    assert stacks == []
    assert [r.code for r in refusals] == ["UNSUPPORTED_MODALITY"] * 2
    assert "Secondary Capture" in refusals[0].detail
    assert "3 samples per pixel" in refusals[1].detail


def test_a_file_that_cannot_be_read_is_a_refusal_of_its_own_and_names_no_path(tmp_path):
    folder = tmp_path / "DUPONT_JEAN"
    paths = builders.write_all(builders.t2w(4), folder)
    (folder / "notes.txt").write_text("not DICOM")
    (folder / "empty").touch()

    (stack,), refusals = read_stacks([*paths, folder / "notes.txt", folder / "empty"])

    assert len(stack.frames) == 4
    assert [r.code for r in refusals] == ["FILE_UNREADABLE"] * 2
    assert "DUPONT" not in repr(refusals)


@pytest.mark.parametrize("cut", [0, 2, 3])
def test_a_series_with_a_file_cut_short_is_refused_even_at_its_end(tmp_path, cut):
    """Without its last slice the rest would look whole, and a shorter volume would leave."""
    paths = builders.write_all(builders.t2w(4), tmp_path)
    paths[cut].write_bytes(paths[cut].read_bytes()[:-40])
    other = builders.write_all(
        builders.t2w(3, SeriesInstanceUID=builders.uid(20), first_uid=200), tmp_path / "other"
    )

    (stack,), (refusal,) = read_stacks([*paths, *other])

    assert stack.series_uid == builders.uid(20)
    assert (refusal.code, refusal.series_uid) == ("FILE_UNREADABLE", builders.uid(10))
    assert refusal.detail == "1 of 4 files: fewer bytes than its pixels need"


def test_a_position_that_is_not_three_numbers_is_no_position(tmp_path):
    (path,) = builders.write_all(builders.t2w(1), tmp_path)
    path.write_bytes(path.read_bytes().replace(b"-10\\-20\\-30", b"abc\\-20\\-30"))

    (stack,), refusals = read_stacks([path])

    assert refusals == []
    assert stack.frames[0].position_mm is None
    assert judge(stack).code == "MR_NO_POSITION"


def test_the_order_of_the_files_changes_nothing(tmp_path):
    paths = builders.write_all(
        builders.dwi(3, 50.0) + builders.dwi(3, 800.0, first_uid=200), tmp_path
    )

    assert read_stacks(paths) == read_stacks(paths[::-1])


def test_an_enhanced_object_is_parted_by_its_frames(tmp_path):
    def diffusion(index: int, group: Dataset) -> None:
        item = Dataset()
        item.DiffusionBValue = [50.0, 800.0][index % 2]
        group.MRDiffusionSequence = Items([item])

    ds = builders.enhanced_mr(
        builders.ramp(6, 3, 4),
        places_mm=[(0, 0, 3.0 * (i // 2)) for i in range(6)],
        per_frame=diffusion,
        SeriesDescription="DWI",
    )

    stacks, refusals = read([ds], tmp_path)

    assert refusals == []
    assert [s.b_value for s in stacks] == [50.0, 800.0]
    assert [[f.frame_index for f in s.frames] for s in stacks] == [[0, 2, 4], [1, 3, 5]]


def test_every_mammogram_of_a_series_is_a_stack_of_its_own(tmp_path):
    pair = [
        builders.mammogram(np.zeros((4, 5)), SOPInstanceUID=builders.uid(300 + n)) for n in (0, 1)
    ]

    stacks, _ = read(pair, tmp_path)

    assert [len(s.frames) for s in stacks] == [1, 1]
    assert stacks[0].header["ImageLaterality"] == "L"
    assert stacks[0].header["PatientOrientation"] == ["A", "FR"]


def test_every_code_this_side_raises_is_in_the_table():
    prefixes = ("MR", "CT", "PT")
    endings = (
        "MISSING_SLICE",
        "DUPLICATE_SLICE",
        "UNEVEN_SPACING",
        "UNEVEN_CORRECTED",
        "TILT",
        "TILT_CORRECTED",
        "MIXED_ORIENTATION",
        "NO_POSITION",
        "NO_PIXEL_SPACING",
        "SLICE_SPACING_ASSUMED",
    )
    others = {
        "CT_NOT_HU",
        "DUPLICATE_INSTANCE",
        "FILE_UNREADABLE",
        "GEOMETRY_REFUSED",
        "INSTANCE_CONFLICT",
        "MG_VOI_LUT_BAD_DESCRIPTOR",
        "MR_ADC_UNIT_UNKNOWN",
        "MR_B_UNKNOWN",
        "MR_MOSAIC_UNSUPPORTED",
        "PASSPORT_UNREADABLE",
        "PIXELS_NOT_MONOCHROME",
        "PIXELS_UNREADABLE",
        "PT_INTERCEPT_NONZERO",
        "PT_UNITS_UNSUPPORTED",
        "RWV_UNIT_UNKNOWN",
        "SERIES_INCONSISTENT",
        "UNSUPPORTED_MODALITY",
    }

    wanted = {f"{prefix}_{ending}" for prefix in prefixes for ending in endings} | others

    assert wanted <= codes().keys()
    assert codes()["DUPLICATE_INSTANCE"].kind == "flag"
    assert codes()["PT_SLICE_SPACING_ASSUMED"].kind == "flag"


@pytest.mark.realdata
def test_the_real_prostate_diffusion_series_is_three_b_values_of_19(realdata):
    folder = realdata / "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800"

    stacks, refusals = read_stacks(sorted(folder.glob("*")))

    assert refusals == []
    assert [(s.b_value, len(s.frames)) for s in stacks] == [(50.0, 19), (400.0, 19), (800.0, 19)]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "sizes"),
    [
        ("MR/dcm_qa_philips-phantom-fmri", [9, 9, 9]),
        ("MR/dcm_qa_enh-siemens-xa10", [6, 6, 6, 6]),
        ("MR/dcm_qa_enh-philips", [32, 32]),
        ("MR/dcm_qa_nih-ge-epi", [15, 15, 15, 5]),
    ],
)
def test_real_series_of_several_volumes_are_parted(realdata, folder, sizes):
    stacks, refusals = read_stacks(sorted((realdata / folder).glob("*")))

    assert refusals == []
    assert [len(s.frames) for s in stacks] == sizes


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("folder", "code"),
    [
        ("MR/prostate-mri-philips-dwi", "MR_B_UNKNOWN"),
        ("CT/dcm_qa_ct-philips-exam-summary", "UNSUPPORTED_MODALITY"),
        ("PETCT/ibsi-sts_002/RTSTRUCT", "UNSUPPORTED_MODALITY"),
    ],
)
def test_real_series_that_cannot_be_trusted_are_refused(realdata, folder, code):
    stacks, refusals = read_stacks(sorted((realdata / folder).glob("*")))

    assert stacks == []
    assert {r.code for r in refusals} == {code}


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["broken", "TS", "charset", "US", "SR", "SEG", "SM", "RT"])
def test_whatever_real_or_broken_file_comes_every_one_is_accounted_for(realdata, folder):
    """No exception leaves, and what is refused says why."""
    paths = sorted(path for path in (realdata / folder).rglob("*") if path.is_file())

    _, refusals = read_stacks(paths)

    assert {r.code for r in refusals} <= codes().keys()
    assert all(r.detail for r in refusals)
