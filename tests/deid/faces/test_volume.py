"""Frames of real and built series come to lie where their headers say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest

from config.codes import codes
from config.errors import RejectedError
from deid.faces.anatomy import face_may_show
from deid.faces.deface import deface_series
from deid.faces.frames import read_frames
from deid.faces.settings import FaceSettings
from deid.faces.volume import Coarse, stacks_of
from tests.support import heads
from tests.support.heads import Scan

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.mark.parametrize(
    "scan",
    [
        Scan(slices=14),
        Scan("T1", "sagittal", rows=40, columns=30, slices=14),
        Scan("T1", "coronal", rows=40, columns=30, slices=14, tilt_deg=9, spacing_mm=(1.5, 2.5)),
        Scan(slices=14, tilt_deg=-18, gantry=True),
        Scan("T2", slices=14, enhanced=True),
    ],
    ids=lambda scan: f"{scan.plane}-{scan.tilt_deg}-{scan.enhanced}",
)
def test_the_affine_puts_every_corner_where_the_slice_has_it(scan: Scan) -> None:
    frames = [f for i, ds in enumerate(heads.series(scan)) for f in read_frames(ds, i)]
    (stack,) = stacks_of(frames, FaceSettings())
    for frame in (frames[0], frames[9]):
        number = stack.slices[frame.instance, frame.index]
        points = scan.points_mm(max(frame.instance, frame.index))
        for row, column in ((0, 0), (scan.rows - 1, scan.columns - 1)):
            mm = (stack.affine @ [number, row, column, 1.0])[:3]
            assert np.allclose(mm, points[row, column], atol=0.01)


def test_instances_in_any_order_make_the_same_stack() -> None:
    scan = Scan(slices=14)
    instances = heads.series(scan)
    one = stacks_of([f for i, d in enumerate(instances) for f in read_frames(d, i)], FaceSettings())
    two = stacks_of(
        [f for i, d in enumerate(instances[::-1]) for f in read_frames(d, i)], FaceSettings()
    )
    assert np.allclose(one[0].affine, two[0].affine)
    assert one[0].slices[0, 0] == two[0].slices[13, 0]


def test_three_planes_in_one_series_are_three_stacks() -> None:
    frames = []
    for plane in ("axial", "sagittal", "coronal"):
        scan = Scan("T1", plane, rows=40, columns=40, slices=13)
        frames += [f for ds in heads.series(scan) for f in read_frames(ds, len(frames))]
    assert len(stacks_of(frames, FaceSettings())) == 3


def test_a_block_is_the_mean_of_its_pixels_at_the_middle_of_them() -> None:
    """0.5 mm pixels on a 2 mm grid: 4 x 4 of them, the middle 1.5 pixels in."""
    scan = Scan(rows=8, columns=8, spacing_mm=(0.5, 0.5), slices=12, step_mm=2.0)
    frames = [f for i, ds in enumerate(heads.series(scan)) for f in read_frames(ds, i)]
    (stack,) = stacks_of(frames, FaceSettings())
    coarse = Coarse(stack, 2.0)
    values = np.arange(64).reshape(8, 8)
    coarse.put(frames[0], values)
    assert coarse.values.shape == (12, 2, 2)
    expected = [[13.5 - 1024, 17.5 - 1024], [45.5 - 1024, 49.5 - 1024]]
    assert np.allclose(coarse.values[stack.slices[0, 0]], expected)
    assert np.allclose(coarse.affine @ [0, 0, 0, 1], stack.affine @ [0, 1.5, 1.5, 1])


@pytest.mark.realdata
@pytest.mark.slow
def test_every_real_ct_and_mr_series_is_refused_with_a_code_since_none_is_a_whole_head(
    realdata: Path,
) -> None:
    """Phantoms, single slices, prostates: nothing of it may come out as a defaced head."""
    series: dict[str, list[Path]] = {}
    for path in sorted([*(realdata / "CT").rglob("*"), *(realdata / "MR").rglob("*")]):
        if path.is_file():
            try:
                ds = pydicom.dcmread(path, stop_before_pixels=True)
            except pydicom.errors.InvalidDicomError:
                continue
            if face_may_show(ds):
                series.setdefault(str(ds.SeriesInstanceUID), []).append(path)
    assert len(series) > 15
    for paths in series.values():
        with pytest.raises(RejectedError) as caught:
            deface_series(
                len(paths), lambda i, p=paths: pydicom.dcmread(p[i]), lambda _i, _made: None
            )
        assert caught.value.code in codes()
        assert caught.value.code != "FACE_FAILED"
