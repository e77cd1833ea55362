"""Heads of which every voxel is known: the face is gone, the brain and all else as it was."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless
from scipy import ndimage

from config.errors import RejectedError
from deid.blank.entry import BlankedPixels
from deid.faces.deface import DefacedSeries, FaceWriter, deface_series
from deid.faces.plan import plan_faces
from deid.faces.settings import FaceSettings
from tests.support import heads
from tests.support.heads import BRAIN, CHIN, LID, LIPS, NOSE, Scan

AXIAL = Scan()
SCANS = {
    "ct axial": AXIAL,
    "ct with a tilted gantry": Scan(tilt_deg=-18, gantry=True),
    "mr t1 sagittal": Scan(
        "T1", "sagittal", rows=120, columns=110, slices=82, step_mm=2.2, spacing_mm=(2.1, 2.1)
    ),
    "mr t2 coronal": Scan("T2", "coronal", rows=130, columns=100, slices=60, step_mm=4.4),
    "mr t2 oblique, unequal pixels": Scan(
        "T2", tilt_deg=12, spacing_mm=(1.0, 1.6), rows=250, columns=145, slices=44, step_mm=5.0,
        centre_mm=(0, -5, -15),
    ),
    "mr enhanced": Scan("T1", enhanced=True),
    "chin down": Scan("T1", nod_deg=15),
    "chin up": Scan(nod_deg=-15),
    "ct whole body": Scan(
        trunk=True, spacing_mm=(4.0, 4.0), rows=64, columns=100, slices=160, step_mm=5.0,
        centre_mm=(0, -5, -290),
    ),
    "a small child": Scan("T1", size=0.75, slices=50, centre_mm=(0.0, -5.0, -20.0)),
}  # fmt: skip


def defaced(instances: list, settings: FaceSettings | None = None) -> tuple[dict, DefacedSeries]:
    made: dict[int, BlankedPixels] = {}
    found = deface_series(len(instances), instances.__getitem__, made.__setitem__, settings)
    return {i: b"".join(m.value) for i, m in made.items()}, found


@cache
def run(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, DefacedSeries]:
    """Labels, stored values before and after, and what was said of it."""
    scan = SCANS[name]
    values, found = defaced(heads.series(scan))
    new = np.frombuffer(b"".join(values[i] for i in sorted(values)), "<u2")
    numbers = range(scan.slices)
    old = np.stack([heads.stored(scan, n) for n in numbers])
    return np.stack([heads.labels(scan, n) for n in numbers]), old, new.reshape(old.shape), found


def air(name: str) -> int:
    return 24 if SCANS[name].contrast == "CT" else 0  # -1000 HU with intercept -1024


@pytest.mark.parametrize("name", SCANS)
def test_no_voxel_of_the_brain_is_changed_nor_any_within_2_mm_of_it(name: str) -> None:
    labels, old, new, _ = run(name)
    scan = SCANS[name]
    sides = (scan.step_mm, *scan.spacing_mm)
    near = ndimage.distance_transform_edt(labels != BRAIN, sampling=sides) <= 2.0
    assert (labels == BRAIN).sum() > 5000
    assert not (near & (old != new)).any()


@pytest.mark.parametrize("name", SCANS)
def test_nose_lips_and_chin_are_air_and_most_of_the_lids(name: str) -> None:
    labels, _, new, _ = run(name)
    for part, least in ((NOSE, 0.9), (LIPS, 1.0), (CHIN, 0.9), (LID, 0.6)):
        here = labels == part
        if part == CHIN and not here.any():
            continue  # below the last slice
        assert (new[here] == air(name)).mean() >= least


@pytest.mark.parametrize("name", SCANS)
def test_what_changed_is_air_now_and_all_else_is_what_it_was(name: str) -> None:
    _, old, new, _ = run(name)
    changed = old != new
    assert set(np.unique(new[changed])) == {air(name)}
    assert 0.005 < changed.mean() < 0.5


def test_below_the_throat_a_whole_body_is_left_as_it_was() -> None:
    labels, old, new, _ = run("ct whole body")
    z = np.array([SCANS["ct whole body"].first_mm(n)[2] for n in range(len(old))])
    assert (labels[z < -185] > 0).mean() > 0.3
    assert np.array_equal(old[z < -185], new[z < -185])


def test_no_ray_from_the_front_meets_the_skin_where_it_was() -> None:
    """Counted on the slices themselves, by the labels: -1000 + 200 HU is no tissue."""
    labels, old, new, _ = run("ct axial")
    z = np.array([AXIAL.first_mm(n)[2] for n in range(AXIAL.slices)])
    x = AXIAL.first_mm(0)[0] + 2.0 * np.arange(AXIAL.columns)
    face = ((z < -20) & (z > -130))[:, None] & (np.abs(x) < 35)
    before, after = ((v > 224).argmax(axis=1) * 2.0 for v in (old, new))
    moved = (after - before)[face & (labels > 0).any(axis=1)]
    assert (moved >= 6).mean() > 0.97
    assert np.median(moved) > 20


def test_two_noses_leave_the_same_surface() -> None:
    """What is left has the shape of the vault: nobody's nose shows in it."""
    fronts = []
    for nose in (18.0, 32.0):
        scan = replace(AXIAL, nose_mm=nose)
        values, _ = defaced(heads.series(scan))
        new = np.frombuffer(b"".join(values[i] for i in sorted(values)), "<u2")
        new = new.reshape(scan.slices, scan.rows, scan.columns)
        fronts.append((new > 524).argmax(axis=1) * 2.0)
    z = np.array([AXIAL.first_mm(n)[2] for n in range(AXIAL.slices)])
    lower = (z < -45) & (z > -130)
    assert np.abs(fronts[0] - fronts[1])[lower].mean() < 0.5


def test_ears_that_stick_out_are_gone() -> None:
    labels, _, new, _ = run("ct axial")
    assert (new[labels == heads.EAR] == 24).mean() > 0.6


def test_the_same_series_gives_the_same_bytes_in_any_order() -> None:
    *_, first, one = run("ct axial")
    second, two = defaced(heads.series(AXIAL)[::-1])
    last = AXIAL.slices - 1
    assert all(first[i].tobytes() == second[last - i] for i in range(AXIAL.slices))
    assert one.pictures == two.pictures
    assert one.record == two.record


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_a_compressed_series_is_defaced_in_its_own_syntax(syntax: str) -> None:
    instances = heads.series(AXIAL)
    for ds in instances:
        ds.compress(syntax, generate_instance_uid=False)
    made: dict[int, BlankedPixels] = {}
    deface_series(len(instances), instances.__getitem__, made.__setitem__)
    _, _, new, _ = run("ct axial")
    for index in (20, 28, 40):
        ds = instances[index]
        assert made[index].transfer_syntax_uid == syntax
        ds.PixelData = b"".join(made[index].value)
        ds["PixelData"].is_undefined_length = True
        assert np.array_equal(ds.pixel_array, new[index])


def test_several_times_at_one_place_are_emptied_alike() -> None:
    """Dynamic and diffusion series: the same pixels of each, whatever its contrast."""
    once, again = (heads.series(replace(AXIAL, contrast=c)) for c in ("T1", "T2"))
    for ds in again:
        ds.SOPInstanceUID += ".2"
    values, _ = defaced(once + again)
    number = 28
    for instances, offset in ((once, 0), (again, len(once))):
        old = instances[number].pixel_array
        new = np.frombuffer(values[number + offset], "<u2").reshape(old.shape)
        labels = heads.labels(AXIAL, number)
        assert (new[np.isin(labels, (NOSE, LIPS))] == 0).all()
        assert np.array_equal(new[labels == BRAIN], old[labels == BRAIN])


def test_signed_cells_and_a_rescale_of_their_own_get_their_own_air() -> None:
    """-1000 HU = -2000 x 0.5 + 0 in signed cells."""
    instances = heads.series(AXIAL)
    for ds in instances:
        real = ds.pixel_array.astype(np.int64) - 1024
        ds.PixelRepresentation, ds.BitsStored, ds.HighBit = 1, 16, 15
        ds.RescaleSlope, ds.RescaleIntercept = 0.5, 0
        ds.PixelData = (real * 2).astype("<i2").tobytes()
    values, _ = defaced(instances)
    labels = heads.labels(AXIAL, 28)
    new = np.frombuffer(values[28], "<i2").reshape(labels.shape)
    assert set(np.unique(new[np.isin(labels, (NOSE, LIPS))])) == {-2000}


def test_the_picture_is_a_png_and_the_record_holds_numbers_only() -> None:
    import io

    import matplotlib.image as mpimg

    *_, found = run("ct axial")
    picture = mpimg.imread(io.BytesIO(found.pictures[0]), format="png")
    assert picture.ndim == 2
    assert picture.std() > 0.1
    stack = found.record["stacks"][0]
    assert all(isinstance(v, int | float | list) for v in stack.values())
    assert found.record["why"] == ["BodyPartExamined: head*"]


def test_nothing_is_vouched_for_before_every_instance_was_written() -> None:
    instances = heads.series(AXIAL)
    plan = plan_faces(len(instances), instances.__getitem__, FaceSettings())
    writer = FaceWriter(plan, FaceSettings())
    writer.replace_pixels(0, instances[0])
    with pytest.raises(RejectedError, match="FACE_FAILED"):
        writer.finish()


def test_an_instance_that_changed_since_it_was_planned_is_refused() -> None:
    instances = heads.series(replace(AXIAL, enhanced=True))
    plan = plan_faces(1, instances.__getitem__, FaceSettings())
    instances[0].NumberOfFrames = 3
    with pytest.raises(RejectedError, match="FACE_FAILED"):
        FaceWriter(plan, FaceSettings()).replace_pixels(0, instances[0])
