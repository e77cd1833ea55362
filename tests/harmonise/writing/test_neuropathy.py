"""Peripheral nerve MR: limbs, regions, echoes and muscle, each against arithmetic by hand."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest

from config.errors import InconsistentSeries
from config.library import find_recipe
from config.recipe import Recipe
from harmonise.classify import role_of
from harmonise.limbs import region_of, side_of
from harmonise.relaxation import fit_t2
from harmonise.steps.limb import half_of, halved
from harmonise.steps.reference_tissue import tissue_peak
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid
from pipelines.prepare.replay_file import replay_file
from pipelines.render import plan_table
from tests.harmonise import builders
from tests.support import referees

LIMBS = Recipe.model_validate({"name": "limbs", "roles": ["t2fs_ax"], "sides": "split"})
NEURO = find_recipe("neuropathy-mri")


def grid(x_from, x_to, n=16):
    step = (x_to - x_from) / (n - 1)
    return Grid((3, 4, n), (4.0, 1.0, step), (float(x_from), 0.0, 0.0))


SIDES = {
    "right of the table": ({}, grid(-200, -40), ("R",)),
    "left of the table": ({}, grid(20, 180), ("L",)),
    "nearly all left": ({}, grid(-8, 180), ("L",)),
    "narrow about the middle": ({}, grid(-80, 80), ()),
    "wide about the middle": ({}, grid(-190, 190), ("R", "L")),
    "the header of a narrow one": ({"Laterality": "R"}, grid(-80, 80), ("R",)),
    "the header of a wide one": ({"ImageLaterality": "L"}, grid(-190, 190), ("L",)),
    "words": ({"SeriesDescription": "T2_FS_cuisse_droite"}, grid(-80, 80), ("R",)),
    "words of both": ({"SeriesDescription": "STIR bilateral"}, grid(-80, 80), ("R", "L")),
    "right and left in words": ({"ProtocolName": "R+L thigh RT LT"}, grid(-80, 80), ("R", "L")),
    "header against place": ({"Laterality": "R"}, grid(20, 180), ()),
    "words against place": ({"SeriesDescription": "left calf"}, grid(-200, -40), ()),
}


@pytest.mark.parametrize(("header", "where", "expected"), SIDES.values(), ids=SIDES.keys())
def test_the_side_is_told_by_header_words_and_place_or_not_at_all(header, where, expected):
    """x grows to the patient's left (PS3.3 C.7.6.2.1.1)."""
    assert side_of(header, where).sides == expected


@pytest.mark.parametrize(
    ("header", "region"),
    [
        ({"BodyPartExamined": "THIGH"}, "thigh"),
        ({"BodyPartExamined": "LEG"}, "calf"),
        ({"SeriesDescription": "t2_tirm_cor_genou"}, "knee"),
        ({"SeriesDescription": "DTI avant-bras"}, "forearm"),
        ({"ProtocolName": "PLEXUS BRACHIAL"}, "brachial_plexus"),
        ({"SeriesDescription": "t2_tse"}, None),
    ],
)
def test_the_region_is_named_by_words(header, region):
    assert region_of(header) == region


@pytest.mark.parametrize("orientation", [builders.AXIAL, builders.SAGITTAL, builders.CORONAL])
@pytest.mark.parametrize("flipped", [1, -1])
def test_the_halves_of_a_grid_share_no_voxel_and_lie_on_their_side(orientation, flipped):
    across, down = np.array(orientation[:3]) * flipped, np.array(orientation[3:])
    directions = tuple(tuple(v) for v in (np.cross(across, down), down, across))
    start = -sum(np.array(d) * (9.5 * 10.0) for d in directions)
    whole = Grid((20, 20, 20), (10.0, 10.0, 10.0), tuple(start), directions)

    right, left = (half_of(whole, side) for side in "RL")

    assert right[2] + left[2] == 20
    for side, half in (("R", right), ("L", left)):
        part = halved(whole, half)
        corners = [part.affine() @ (i, j, k, 1) for i in (0, 9) for j in (0, 9) for k in (0, 9)]
        on_line = {round(float(corner[0]), 6) for corner in corners}
        assert all(x > 0 if side == "L" else x < 0 for x in on_line)


def thighs(**changes):
    """Two thighs in one field of view of 320 mm: left 300, right 100, each voxel its own number."""
    values = 100 + builders.ramp(4, 8, 32) // 10
    said = {
        "SeriesDescription": "t2_tse_fs_tra",
        "EchoTime": 80.0,
        "ScanningSequence": "SE",
        "RepetitionTime": 4000.0,
        "PixelSpacing": [10.0, 10.0],
        "origin_mm": (-155.0, -35.0, 0.0),
        "values": values,
        "BodyPartExamined": "THIGH",
    }
    return builders.slices(4, **{**said, **changes}), values


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limbs")
    datasets, values = thighs()
    paths = builders.write_all(datasets, folder / "in")
    plan = plan_study(paths, LIMBS)
    rows = apply_study(plan, folder / "out")
    return folder, plan, {v.side: row for v in plan.volumes for row in rows
                          if row.volume_id == v.volume_id}, values  # fmt: skip


def test_an_image_of_both_limbs_becomes_a_volume_of_each_with_every_voxel_in_its_place(split):
    folder, _, by_side, values = split

    found = {}
    for side, row in by_side.items():
        image = nib.load(folder / "out" / row.nifti_path)
        for index in np.ndindex(image.shape):
            ras = image.affine @ (*index, 1)
            found[tuple(ras[:3].round(3))] = (side, float(image.dataobj[index]))
    assert len(found) == values.size
    for k, j, i in np.ndindex(values.shape):
        x, y, z = -155.0 + 10 * i, -35.0 + 10 * j, 3.0 * k
        side = "L" if x > 0 else "R"
        assert found[(-x, -y, z)] == (side, float(values[k, j, i]))


def test_each_half_names_its_limb_and_replays(split):
    folder, plan, by_side, _ = split

    assert set(by_side) == {"R", "L"}
    for side, row in by_side.items():
        files = sorted((folder / "out" / row.dicom_path).iterdir())
        assert {pydicom.dcmread(f).Laterality for f in files} == {side}
        assert f"t2fs_ax_{side.lower()}-" in row.volume_id
        known = referees.all_dciodvfy_errors((folder / "in").iterdir())
        assert referees.all_dciodvfy_errors(files) <= known
        replayed = replay_file(folder / "out" / row.nifti_path, folder / "in")
        assert (replayed.code, replayed.detail) == ("", "")
    rows = plan.rows()
    assert {row["side"] for row in rows} == {"R", "L"}
    assert {tuple(row["grid"]["shape"]) for row in rows} == {(4, 8, 16)}
    assert all("region thigh" in row["why"] for row in rows)


def test_a_limb_nobody_names_is_flagged_and_left_whole(tmp_path):
    datasets, _ = thighs(PixelSpacing=[5.0, 5.0], origin_mm=(-77.5, -35.0, 0.0))

    (row,) = apply_study(
        plan_study(builders.write_all(datasets, tmp_path / "in"), LIMBS), tmp_path / "out"
    )

    assert (row.verdict, row.codes, row.columns) == ("REVIEW", ("NERVE_SIDE_UNKNOWN",), 32)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"SeriesDescription": "t2_tirm_cor"}, "stir_ax"),
        ({"SeriesDescription": "STIR", "ScanningSequence": ["SE", "IR"]}, "stir_ax"),
        ({"ScanningSequence": ["SE", "IR"], "InversionTime": 160.0}, "stir_ax"),
        ({"ScanningSequence": ["SE", "IR"], "InversionTime": 2400.0}, "other"),
        ({"SeriesDescription": "t2_tirm_tra_dark-fluid", "EchoTime": 80.0}, "t2w_ax"),
        ({"SeriesDescription": "t2_tse_fs_tra", "EchoTime": 80.0}, "t2fs_ax"),
        ({"SeriesDescription": "SPAIR T2W", "EchoTime": 60.0}, "t2fs_ax"),
        ({"SeriesDescription": "T2 TSE", "EchoTime": 60.0, "ScanOptions": ["FS"]}, "t2fs_ax"),
        ({"SeriesDescription": "t2_tse_tra", "EchoTime": 80.0}, "t2w_ax"),
        ({"SeriesDescription": "t2_tse_dixon", "EchoTime": 80.0,
          "ImageType": ["DERIVED", "PRIMARY", "DIXON", "WATER"]}, "dixon_water"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "F", "FFE"]}, "dixon_fat"),
        ({"SeriesDescription": "T2 MAP", "ScanningSequence": "SE", "EchoTime": 20.0}, "mese"),
        ({"SeriesDescription": "t2map_mese", "ImageType": ["DERIVED", "PRIMARY", "T2 MAP"]},
         "t2map"),
        ({"SeriesDescription": "ep2d_diff_dti", "ScanOptions": ["FS"], "ScanningSequence": "EP"},
         "dwi"),
    ],
)  # fmt: skip
def test_nerve_sequences_have_roles_of_their_own(header, name):
    assert role_of({"Modality": "MR", **header}, orientation=builders.AXIAL).name == name


def echoes(times_ms, t2_ms=40.0, **changes):
    """One series of a decay; the first echo is too dark, as without stimulated echoes."""
    datasets = []
    for n, te in enumerate(times_ms):
        signal = 20000 * np.exp(-te / t2_ms) * (0.7 if n == 0 else 1.0)
        datasets += builders.slices(
            3,
            values=np.full((3, 6, 8), round(signal)),
            first_uid=100 + 10 * n,
            SeriesDescription="t2_map",
            ScanningSequence="SE",
            **{"EchoTime": te, "RepetitionTime": 3000.0, **changes},
        )
    return datasets


T2 = Recipe.model_validate({"name": "t2", "roles": ["t2map_refit"]})


def test_t2_is_fitted_to_the_echoes_without_the_first(tmp_path):
    paths = builders.write_all(echoes([10.0, 20.0, 30.0, 40.0, 60.0]), tmp_path / "in")

    (row,) = [r for r in apply_study(plan_study(paths, T2), tmp_path / "out") if r.volume_id]

    values = np.asarray(nib.load(tmp_path / "out" / row.nifti_path).dataobj)
    assert (row.role, row.unit, row.codes) == ("t2map_refit", "ms", ())
    assert values == pytest.approx(40.0, rel=1e-3)
    record = json.loads((tmp_path / "out" / f"{row.dicom_path}.json").read_bytes())
    assert record["computed"]["echo_times_ms"] == [20.0, 30.0, 40.0, 60.0]
    files = sorted((tmp_path / "out" / row.dicom_path).iterdir())
    (mapping,) = pydicom.dcmread(files[0]).RealWorldValueMappingSequence
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "ms"
    known = referees.all_dciodvfy_errors((tmp_path / "in").iterdir())
    assert referees.all_dciodvfy_errors(files) <= known
    assert replay_file(tmp_path / "out" / row.nifti_path, tmp_path / "in").code == ""


@pytest.mark.parametrize("times", [[10.0, 20.0], [None, None, None]])
def test_echoes_that_cannot_be_told_apart_give_no_t2(times, tmp_path):
    datasets = echoes([10.0, 20.0, 30.0][: len(times)])
    for ds, te in zip(datasets, np.repeat(np.array(times, object), 3), strict=True):
        builders.changed(ds, {"EchoTime": te})
    rows = apply_study(plan_study(builders.write_all(datasets, tmp_path / "in"), T2), tmp_path)

    refused = [row for row in rows if "t2map_refit" in (row.role or "")]
    codes = {code for row in rows for code in row.codes}
    assert codes <= {"ECHO_TIME_MISSING", "MR_DUPLICATE_SLICE"}
    assert not [row for row in rows if row.volume_id]
    assert refused or codes == {"MR_DUPLICATE_SLICE"}


def test_the_fit_weighs_signals_by_their_square():
    """By hand: numpy's own weighted line through the logarithms (weights are per residual)."""
    rng = np.random.default_rng(4)
    times = np.array([20.0, 40.0, 60.0, 80.0])
    signals = (1000 * np.exp(-times / 45))[:, None] + rng.normal(0, 5, (4, 50))

    expected = [-1 / np.polyfit(times, np.log(s), 1, w=s)[0] for s in signals.T]

    assert fit_t2(signals, times) == pytest.approx(np.array(expected))
    assert np.isnan(fit_t2(np.array([[1.0], [2.0], [3.0]]), times[:3])).all()


@pytest.mark.parametrize(
    ("value", "unit_factor"), [(42, 1.0), (0.042, 1000.0), (420, None), (4200, None)]
)
def test_the_scanners_t2_map_is_in_ms_or_refused(value, unit_factor, tmp_path):
    scale = 1e-3 if value < 1 else 1.0
    datasets = builders.slices(
        3,
        values=np.full((3, 6, 8), round(value / scale)) + np.arange(8),
        ImageType=["DERIVED", "PRIMARY", "T2 MAP", "NONE"],
        RescaleSlope=scale,
        RescaleIntercept=0,
    )
    recipe = Recipe.model_validate({"name": "map", "roles": ["t2map"]})

    (row,) = apply_study(
        plan_study(builders.write_all(datasets, tmp_path / "in"), recipe), tmp_path / "out"
    )

    if unit_factor is None:
        assert row.codes == ("MR_T2_UNIT_UNKNOWN",)
    else:
        values = np.asarray(nib.load(tmp_path / "out" / row.nifti_path).dataobj)
        assert row.unit == "ms"
        assert values.min() == pytest.approx(42.0)


def test_muscle_becomes_0_and_its_own_spread_1():
    rng = np.random.default_rng(7)
    values = np.concatenate([rng.normal(300, 25, 60000), rng.normal(900, 60, 8000)])

    mode, sd = tissue_peak(values, "largest")

    assert mode == pytest.approx(300, abs=6)
    assert sd == pytest.approx(25, rel=0.15)


def dti(count=3, **changes):
    """A tensor scan of a narrow field of view on the left: b 0 and three directions of 800."""
    datasets = []
    vectors = [None, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    for n, vector in enumerate(vectors):
        datasets += builders.dwi(
            count,
            800.0 if vector else 0.0,
            SeriesInstanceUID=builders.uid(12),
            SeriesDescription="ep2d_diff_dti",
            DiffusionGradientOrientation=list(vector) if vector else None,
            first_uid=600 + 10 * n,
            origin_mm=(40.0, -20.0, -30.0),
            **changes,
        )
    return datasets


def limb_image(rows=60, columns=60):
    rng = np.random.default_rng(3)
    y, x = np.indices((rows, columns))
    inside = (x - columns / 2) ** 2 + (y - rows / 2) ** 2 < (rows / 2.5) ** 2
    plane = np.where(inside, 400.0, 3.0)
    return np.abs(np.stack([plane + rng.normal(0, 20, plane.shape) for _ in range(5)]))


@pytest.fixture(scope="module")
def nerves(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nerves")
    datasets = builders.slices(
        5,
        values=np.round(limb_image()),
        SeriesDescription="t2_tse_fs_tra",
        EchoTime=80.0,
        RepetitionTime=4000.0,
        ScanningSequence="SE",
        PixelSpacing=[0.5, 0.5],
        origin_mm=(40.0, -20.0, -30.0),
        spacing_mm=3.6,
    )
    datasets += dti()
    datasets += builders.slices(
        3,
        first_uid=900,
        SeriesInstanceUID=builders.uid(13),
        SeriesDescription="pd_tse_cor",
        ScanningSequence="SE",
        EchoTime=20.0,
        RepetitionTime=3000.0,
    )
    paths = builders.write_all(datasets, folder / "in")
    plan = plan_study(paths, NEURO)
    return folder, plan, apply_study(plan, folder / "out")


def test_images_are_resampled_in_plane_only_and_scaled_to_muscle(nerves):
    folder, _, rows = nerves
    (row,) = [row for row in rows if row.role == "t2fs_ax"]

    assert (row.verdict, row.slices, row.spacing_mm) == ("PASS", 5, (3.6, 0.3, 0.3))
    image = nib.load(folder / "out" / row.nifti_path)
    assert image.affine[2, 3] == pytest.approx(-30.0), "slices stay where they were"
    values = np.asarray(image.dataobj)
    middle = values[40:60, 40:60]
    assert np.median(middle) == pytest.approx(0.0, abs=0.3)
    assert row.unit == "1"


def test_every_diffusion_volume_is_native_with_its_own_direction(nerves):
    folder, _, rows = nerves
    made = [row for row in rows if row.role == "dwi" and row.volume_id]

    assert sorted(row.b_value for row in made) == [0.0, 800.0, 800.0, 800.0]
    vectors = set()
    for row in made:
        stem = folder / "out" / row.dicom_path
        vectors.add(tuple(np.loadtxt(stem.with_name(f"{stem.name}.bvec")).round(3) + 0.0))
        assert row.codes == ()
        assert row.spacing_mm == pytest.approx((3.0, 2.0, 1.5))
    # axial LPS to RAS: x and y reversed, and FSL's first axis again
    assert {tuple(np.abs(v)) for v in vectors} == {(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)}


def test_proton_density_is_left_aside_and_the_dry_run_says_it_all(nerves):
    _, plan, rows = nerves

    (aside,) = [row for row in rows if row.role == "pd"]
    assert aside.codes == ("NOT_SELECTED",)
    table = plan_table(plan.rows())
    cells = ["".join(column.cells) for column in table.columns]
    assert "t2fs_ax L" in cells[1]
    assert "dwi b 800 L" in cells[1]
    assert "resample, reference_tissue" in cells[3]
    assert "as it is" in cells[3]


def test_tensors_without_directions_are_refused_by_name(tmp_path):
    datasets = dti()
    for ds in datasets:
        builders.changed(ds, {"DiffusionGradientOrientation": None})

    rows = apply_study(
        plan_study(builders.write_all(datasets, tmp_path / "in"), NEURO), tmp_path / "out"
    )

    assert {row.codes for row in rows if row.b_value} == {("DTI_NO_DIRECTIONS",)}


def test_an_image_that_lies_on_neither_side_has_no_half():
    with pytest.raises(InconsistentSeries, match="VOLUME_EMPTY"):
        half_of(grid(20, 180), "R")
