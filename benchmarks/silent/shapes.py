"""Cases of geometry: series of a linear scene whose slices are missing, sheared, uneven, repeated.

The scene is linear in the patient's coordinates, so that any interpolation keeps it and a slice
shown in another place shows another value.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from silent.known import Case, Known, known_of

from tests.harmonise import builders

__all__ = ["shapes"]

GRADIENT = np.array([2.0, 3.0, 5.0])
"""Change of the scene by x, y and z, a millimetre."""

ERROR_MM = 0.1
BASE, STEP = 530.0, 0.02
"""The scene at the origin, and the rescale slope: all stored values fit signed 16 bits."""

COUNT, ROWS, COLUMNS = 9, 24, 26
MARGIN = 3
"""Pixels at a slice's edge that are not asked for: a spline has no neighbours there."""
EVEN = np.arange(COUNT) * 2.5
UNEVEN = np.array([0.0, 2.0, 4.5, 6.5, 9.5, 12.0, 14.1, 17.1, 19.0])
TILT = float(np.tan(np.radians(18.5)))


def _series(
    folder: Path,
    along_mm: Any,
    shear: float = 0.0,
    orientation: tuple[float, ...] = builders.AXIAL,
    offset: Any = None,
    first_uid: int = 100,
    pixel_mm: tuple[float, float] = (1.5, 1.5),
) -> list[Path]:
    """Write a CT series; slice ``i`` lies ``along_mm[i]`` up the normal, sheared along rows.

    ``pixel_mm`` is the distance of rows and of columns.
    """
    across, down = np.array(orientation).reshape(2, 3)
    normal = np.cross(across, down)
    row, column = np.indices((ROWS, COLUMNS)).reshape(2, ROWS, COLUMNS, 1)
    starts = [np.array([-20.0, -25, -30]) + d * normal + d * shear * down for d in along_mm]
    values = np.stack(
        [
            BASE + (start + row * pixel_mm[0] * down + column * pixel_mm[1] * across) @ GRADIENT
            for start in starts
        ]
    )
    if offset is not None:
        values = values + np.reshape(offset, (-1, 1, 1))

    def place(index: int, ds: Any) -> None:
        ds.ImagePositionPatient = [f"{v:.10g}" for v in starts[index]]

    made = builders.ct(
        len(starts),
        values=np.round(values / STEP),
        orientation=orientation,
        per_slice=place,
        first_uid=first_uid,
        RescaleSlope=STEP,
        RescaleIntercept=0,
        SliceThickness=2.5,
        PixelSpacing=list(pixel_mm),
        SeriesNumber=7,
        AcquisitionNumber=1,
        PixelRepresentation=1,  # dcm2niix mends tilt and uneven steps of signed integers only
        PatientPosition="HFS",
        ProtocolName="test",
        GantryDetectorTilt=float(np.degrees(np.arctan(shear))),
    )
    for index, ds in enumerate(made):
        ds.InstanceNumber = first_uid - 100 + index + 1
    return [
        builders.write(ds, folder / f"{first_uid + index:04d}.dcm") for index, ds in enumerate(made)
    ]


def _mixed(folder: Path) -> None:
    _series(folder, EVEN)
    _series(folder, EVEN, orientation=builders.SAGITTAL, first_uid=200)


def _repeated(folder: Path) -> None:
    """A place acquired twice, with contrast the second time."""
    along, offset = np.insert(EVEN, 4, EVEN[4]), np.zeros(COUNT + 1)
    offset[4] = 100.0
    _series(folder, along, offset=offset)


def _whole(folder: Path, start: str = "") -> list[Known]:
    paths = [path for path in sorted(folder.iterdir()) if path.name.startswith(start)]
    tolerance = ERROR_MM * float(np.linalg.norm(GRADIENT))
    return [known_of(paths, tolerance=tolerance, margin=MARGIN)]


def _two(folder: Path) -> list[Known]:
    return [*_whole(folder, "01"), *_whole(folder, "02")]


def _copied(source: Path) -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for path in sorted(source.iterdir()):
            shutil.copyfile(path, folder / path.name)

    return fill


def shapes(realdata: Path) -> list[Case]:
    """Return the cases, built ones first."""

    def built(name: str, fill: Callable[[Path], object], known: Any = _whole) -> Case:
        return Case(name, "geometry", "places", "linear scene, 0.1 mm", fill, known)

    prostate = realdata / "MR" / "prostatex-0000-siemens-skyra"
    real = Case(
        "complete (PROSTATEx T2)",
        "geometry",
        "places",
        "each slice's own position",
        _copied(prostate / "t2_tse_tra"),
        lambda folder: [known_of(sorted(folder.iterdir()))],
    )
    return [
        built("complete", lambda f: _series(f, EVEN)),
        built("pixels not square", lambda f: _series(f, EVEN, pixel_mm=(2.0, 1.5))),
        built("missing slice", lambda f: _series(f, np.delete(EVEN, 4))),
        built("repeated slice", _repeated),
        built("uneven", lambda f: _series(f, UNEVEN)),
        built("tilt 18.5 degrees", lambda f: _series(f, EVEN, TILT)),
        built("tilted and uneven", lambda f: _series(f, UNEVEN, TILT)),
        built("two orientations", _mixed, _two),
        real,
        replace(
            real,
            name="missing slice (PROSTATEx)",
            fill=_copied(prostate / "calc_bval_missing_slice"),
        ),
    ]
