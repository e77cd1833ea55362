"""Layouts, scaling and diffusion tables, against dcm2niix and its authors' reference NIfTI."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset

from config.recipe import Recipe
from harmonise.classify import classify
from harmonise.encode.diffusion import fsl_vector
from harmonise.encode.nifti import ras_affine
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, plan_study
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders
from tests.support import needs

AFFINE_MM = 1e-4
RELATIVE = 2e-5
"""dcm2niix keeps slope and intercept of a Philips image in float32 and prints RS to four digits."""

SAME = {
    "MR/dcm_qa_nih-siemens-mosaic": 4,
    "MR/dcm_qa_uih": 3,
    "MR/dcm_qa_enh-siemens-xa10": 4,
    "MR/dcm_qa_enh-philips": 2,
    "MR/dcm_qa_philips-phantom-fmri": 3,
    "MR/dcm_qa_agfa-private-remap/Siemens": 1,
    "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800": 3,
    "MR/prostatex-0000-siemens-skyra/adc": 1,
    "MR/dcm_qa_toshiba-galan": 1,
    "PETCT/ibsi-sts_002/MR_T1": 1,
}
"""Real series and how many volumes each holds."""

REFERENCES = [
    ("MR/dcm_qa_nih-siemens-mosaic", "MR/dcm_qa_nih-ref/EPI_PE=AP_3.nii", "epi_pe_ap", 1.0),
    ("MR/dcm_qa_nih-siemens-mosaic", "MR/dcm_qa_nih-ref/EPI_PE=PA_4.nii", "epi_pe_pa", 1.0),
    ("MR/dcm_qa_enh-siemens-xa10", "MR/dcm_qa_enh-ref/Siemens_REST1_w_SMS_PF7-8_6.nii", "", 1.0),
    # the authors' own were written without precise scaling: FP x RS x SS, RS 57.5492063492063
    ("MR/dcm_qa_enh-philips", "MR/dcm_qa_enh-ref/Philips_WIP_B0_NS_801_e1.nii", "", None),
]


def converted(folder: Path, out: Path) -> list[nib.Nifti1Image]:
    """Return what dcm2niix makes of a folder, in one canonical order of axes."""
    tool = Path(sys.executable).parent / "dcm2niix"
    if not tool.exists():
        needs.absent("dcm2niix", "pip install dcm2niix")
    out.mkdir(exist_ok=True)
    command = [tool, "-z", "n", "-p", "y", "-f", "%s_%e_%u", "-o", out, folder]
    subprocess.run([str(part) for part in command], check=False, capture_output=True, timeout=60)
    return [nib.as_closest_canonical(nib.load(path)) for path in sorted(out.glob("*.nii"))]


def volumes_of(paths):
    stacks, refusals = read_stacks(paths)
    assert refusals == []
    return [(stack, load_volume(stack, judge(stack))) for stack in stacks]


def canonical(volume):
    return nib.as_closest_canonical(nib.Nifti1Image(volume.values.T, ras_affine(volume.grid)))


def parts(image):
    data = np.asarray(image.dataobj, dtype=np.float32)
    return [data] if data.ndim == 3 else list(np.moveaxis(data, 3, 0))


def agree(volume, images) -> bool:
    """Tell whether one of the images is the volume, voxel for voxel, at the same place."""
    ours = canonical(volume)
    values = np.asarray(ours.dataobj)
    for image in images:
        if image.shape[:3] != ours.shape or np.abs(image.affine - ours.affine).max() > AFFINE_MM:
            continue
        for part in parts(image):
            if np.abs(part - values).max() <= RELATIVE * np.ptp(part):
                return True
    return False


@pytest.mark.realdata
@pytest.mark.parametrize("folder", sorted(SAME))
def test_every_volume_is_the_one_dcm2niix_makes(realdata, tmp_path, folder):
    images = converted(realdata / folder, tmp_path / "ref")
    ours = volumes_of(sorted((realdata / folder).iterdir()))

    assert len(ours) == SAME[folder] == sum(len(parts(image)) for image in images)
    assert all(agree(volume, images) for _, volume in ours)


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "reference", "start", "factor"), REFERENCES)
def test_every_volume_is_the_one_the_authors_of_the_sample_published(
    realdata, folder, reference, start, factor
):
    image = nib.as_closest_canonical(nib.load(realdata / reference))
    paths = [p for p in sorted((realdata / folder).iterdir()) if p.name.startswith(start)]

    found = []
    for _, volume in volumes_of(paths):
        ours = canonical(volume)
        assert ours.affine == pytest.approx(image.affine, abs=AFFINE_MM)
        for part in parts(image):
            scale = factor or float(part.max() / volume.values.max())
            found.append(np.abs(part - scale * np.asarray(ours.dataobj)).max() / np.ptp(part))

    assert sum(error <= RELATIVE for error in found) >= len(parts(image))


@pytest.mark.realdata
@pytest.mark.parametrize(
    "folder", ["MR/dcm_qa_uih", "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800"]
)
def test_delivered_bval_and_bvec_are_those_of_dcm2niix(realdata, tmp_path, folder):
    images = converted(realdata / folder, tmp_path / "ref")
    b_values = np.loadtxt(next((tmp_path / "ref").glob("*.bval")), ndmin=1)
    vectors = np.loadtxt(next((tmp_path / "ref").glob("*.bvec")))
    (original,) = [nib.load(path) for path in (tmp_path / "ref").glob("*.nii")]
    plan = plan_study(sorted((realdata / folder).iterdir()), Recipe(name="native"))

    rows = apply_study(plan, tmp_path / "out")

    assert len(rows) == len(b_values)
    told = []
    for row in rows:
        nifti = tmp_path / "out" / row.nifti_path
        stem = nifti.name.removesuffix(".nii.gz")
        b_value = float(np.loadtxt(nifti.with_name(f"{stem}.bval")))
        vector = np.loadtxt(nifti.with_name(f"{stem}.bvec"))
        told.append((b_value, tuple(in_world(vector, nib.load(nifti).affine).round(4) + 0.0)))
    expected = [
        (float(b), tuple(in_world(v, original.affine).round(4) + 0.0))
        for b, v in zip(b_values, vectors.T, strict=True)
    ]
    assert sorted(told) == [
        (pytest.approx(b, abs=0.01), pytest.approx(v, abs=2e-4)) for b, v in sorted(expected)
    ]
    assert len(images) == 1


def in_world(vector, affine):
    """FSL's rule undone: along the voxel axes, the first reversed in a positive matrix."""
    axes = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    turned = np.array(vector) * (-1 if np.linalg.det(axes) > 0 else 1, 1, 1)
    return axes @ turned


TURNED = (0.96, 0.28, 0.0, -0.2688, 0.9216, 0.28)
DIRECTIONS = [
    (0, 0, 0),
    (1, 0, 0),
    (0.6, 0.8, 0),
    (0.36, 0.48, 0.8),
    (-0.48, 0.6, 0.64),
    (0, 0.6, -0.8),
    (-0.8, 0, 0.6),
]


OBLIQUE = (0.0, 0.96, 0.28, 0.28, 0.2688, -0.9216)
PLANES = {
    "axial": builders.AXIAL,
    "turned": TURNED,
    "sagittal": builders.SAGITTAL,
    "oblique": OBLIQUE,
    "coronal": builders.CORONAL,
}


def ge_series(phase, orientation, directions=DIRECTIONS, **changes):
    series = []
    for number, vector in enumerate(directions):

        def private(index: int, ds: Dataset, number=number, vector=vector) -> None:
            b_value = 1_000_001_000 if number else 0
            builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x39, "IS", [b_value, 8, 0, 0])
            for element, part in zip((0xBB, 0xBC, 0xBD), vector, strict=True):
                builders.add_private(ds, 0x0019, "GEMS_ACQU_01", element, "DS", f"{part:.6f}")
            ds.InstanceNumber = number * 4 + index + 1

        series += builders.dwi(
            4,
            None,
            orientation=orientation,
            first_uid=100 + 10 * number,
            per_slice=private,
            **{
                "Manufacturer": "GE MEDICAL SYSTEMS",
                "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
                "SeriesDescription": "DTI",
                "ScanningSequence": ["EP", "SE"],
                "ScanOptions": "EPI_GEMS",
                "PatientPosition": "HFS",
                "InPlanePhaseEncodingDirection": phase,
                "AcquisitionNumber": 1,
                "SeriesNumber": 3,
                **changes,
            },
        )
    return series


@pytest.mark.parametrize("phase", ["COL", "ROW"])
@pytest.mark.parametrize("position", ["HFS", "FFS"])
@pytest.mark.parametrize("orientation", PLANES.values(), ids=PLANES.keys())
def test_ge_directions_and_biased_b_values_are_read_as_dcm2niix_reads_them(
    tmp_path, phase, orientation, position
):
    series = ge_series(phase, orientation, PatientPosition=position)
    builders.write_all(series, tmp_path / "in")
    converted(tmp_path / "in", tmp_path / "ref")
    affine = nib.load(next((tmp_path / "ref").glob("*.nii"))).affine

    stacks, refusals = read_stacks(sorted((tmp_path / "in").iterdir()))

    assert refusals == []
    ordered = sorted(stacks, key=lambda stack: stack.frames[0].instance_number)
    vectors = np.array([fsl_vector(stack.frames[0].gradient, affine) for stack in ordered])
    theirs = np.loadtxt(next((tmp_path / "ref").glob("*.bvec"))).T
    assert vectors == pytest.approx(theirs, abs=1e-5)
    b_values = np.loadtxt(next((tmp_path / "ref").glob("*.bval")))
    assert [stack.b_value for stack in ordered] == list(b_values)
    is_old_rule = position == "HFS" and orientation in (builders.AXIAL, TURNED)
    flags = () if is_old_rule else ("MR_DIRECTIONS_UNCONFIRMED",)
    assert {stack.flags for stack in ordered if stack.b_value} == {flags}


def test_ge_shells_of_one_series_are_told_by_the_length_of_the_direction(tmp_path):
    """dcm2niix issue 245: b 1000 of the series, 0.651 squared of it 423.8, to the nearest 5."""
    lengths = {0.651: 425.0, 0.5: 250.0, 0.7: 490.0, 0.98: 1000.0}
    vectors = [(0, 0, 0)] + [tuple(v * n for v in (0.6, 0.0, 0.8)) for n in lengths]
    series = ge_series("COL", builders.AXIAL, directions=vectors, DiffusionBValue=None)
    for ds in series[4:]:
        ds.DiffusionBValue = 1000.0  # the public element names that of the series
    builders.write_all(series, tmp_path / "in")
    converted(tmp_path / "in", tmp_path / "ref")

    stacks, _ = read_stacks(sorted((tmp_path / "in").iterdir()))

    ordered = sorted(stacks, key=lambda stack: stack.frames[0].instance_number)
    assert [stack.b_value for stack in ordered] == [0.0, *lengths.values()]
    theirs = np.loadtxt(next((tmp_path / "ref").glob("*.bval")))
    assert [stack.b_value for stack in ordered] == list(theirs)
    for stack in ordered[1:]:
        assert np.linalg.norm(stack.frames[0].gradient) == pytest.approx(1.0)


def test_ge_phase_images_of_a_series_are_not_its_magnitude(tmp_path):
    """(0043,"GEMS_PARM_01",2F): 0 magnitude, 1 phase, 2 real, 3 imaginary; one ImageType."""
    series = []
    for component in (0, 1, 2, 3):

        def private(_index: int, ds: Dataset, component=component) -> None:
            builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x2F, "SS", component)

        series += builders.t2w(
            3,
            first_uid=100 + 10 * component,
            per_slice=private,
            Manufacturer="GE MEDICAL SYSTEMS",
            ImageType=["ORIGINAL", "PRIMARY", "OTHER"],
        )

    stacks, _ = read_stacks(builders.write_all(series, tmp_path))

    found = {(stack.frames[0].image_type[-1], classify(stack).name) for stack in stacks}
    assert found == {("OTHER", "t2w_ax"), ("P", "other"), ("R", "other"), ("I", "other")}
    assert {judge(stack).verdict for stack in stacks} == {"REGULAR"}


BETWEEN = (0.70711, 0.0, -0.70711, 0.40825, 0.8165, 0.40825)
"""A normal that is as near to every axis of the patient."""


@pytest.mark.parametrize(
    "changes",
    [{"InPlanePhaseEncodingDirection": None}, {"ImageOrientationPatient": list(BETWEEN)}],
)
def test_a_ge_direction_whose_axes_are_not_known_parts_volumes_and_is_not_written(
    tmp_path, changes
):
    series = ge_series("COL", builders.AXIAL)[4:12]  # two directions of b 1000
    for index, ds in enumerate(series):
        builders.changed(ds, changes)
        if "ImageOrientationPatient" in changes:
            normal = np.cross(BETWEEN[:3], BETWEEN[3:])
            ds.ImagePositionPatient = [f"{v:.6f}" for v in normal * 3.0 * (index % 4)]
    paths = builders.write_all(series, tmp_path / "in")

    stacks, _ = read_stacks(paths)
    rows = apply_study(plan_study(paths, Recipe(name="native")), tmp_path / "out")

    assert {stack.frames[0].gradient for stack in stacks} == {None}
    assert [(row.verdict, row.codes) for row in rows] == [
        ("REVIEW", ("MR_DIRECTIONS_UNKNOWN",))
    ] * 2
    for row in rows:
        stem = tmp_path / "out" / row.dicom_path
        assert float(np.loadtxt(stem.with_name(f"{stem.name}.bval"))) == 1000.0
        assert not stem.with_name(f"{stem.name}.bvec").exists()


def canon_series(orientation, phase):
    series = []
    for number, vector in enumerate(DIRECTIONS[1:]):
        comment = "b=1500({:.3f},{:.3f},{:.3f})".format(*vector)

        def private(index: int, ds: Dataset, number=number) -> None:
            ds.InstanceNumber = number * 4 + index + 1

        series += builders.dwi(
            4,
            1500.0,
            orientation=orientation,
            first_uid=100 + 10 * number,
            per_slice=private,
            Manufacturer="CANON_MEC",
            ImageType=["ORIGINAL", "PRIMARY", "GDC"],
            SeriesDescription="DTI",
            PatientPosition="HFS",
            InPlanePhaseEncodingDirection=phase,
            ImageComments=comment,
            AcquisitionNumber=1,
            SeriesNumber=3,
        )
    return series


@pytest.mark.parametrize("name", ["axial", "turned", "sagittal", "oblique"])
def test_canon_directions_of_the_image_comment_are_read_as_dcm2niix_reads_them(tmp_path, name):
    builders.write_all(canon_series(PLANES[name], "COL"), tmp_path / "in")
    converted(tmp_path / "in", tmp_path / "ref")
    affine = nib.load(next((tmp_path / "ref").glob("*.nii"))).affine

    stacks, refusals = read_stacks(sorted((tmp_path / "in").iterdir()))

    assert refusals == []
    ordered = sorted(stacks, key=lambda stack: stack.frames[0].instance_number)
    theirs = np.loadtxt(next((tmp_path / "ref").glob("*.bvec"))).T
    for stack, other in zip(ordered, theirs, strict=True):
        ours = fsl_vector(stack.frames[0].gradient, affine)
        # the sign of a direction means nothing
        assert abs(float(np.dot(ours, other))) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(("name", "phase"), [("coronal", "COL"), ("axial", "ROW")])
def test_canon_directions_nobody_has_validated_are_not_turned(tmp_path, name, phase):
    stacks, _ = read_stacks(builders.write_all(canon_series(PLANES[name], phase), tmp_path))

    assert len(stacks) == len(DIRECTIONS) - 1
    assert {stack.flags for stack in stacks} == {("MR_DIRECTIONS_UNKNOWN",)}
