"""A prostate MR study: T2W, DWI at several b-values, and the ADC map a scanner makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from harmonise.volume import Grid
from pipelines.demo.dialects import DIALECTS, Frame
from pipelines.demo.exam import Exam, clock
from pipelines.demo.faults import damage, hides_b
from pipelines.demo.phantom.prostate import Anatomy, make_anatomy, tissue_maps
from pipelines.demo.phantom.scanner import Coil, fit_adc, record, sensitivity, tilted_grid
from pipelines.demo.series import Image, MadeSeries, merge_templates
from pipelines.demo.tables import load_table, load_template
from pipelines.demo.template import fill

__all__ = ["anatomy_of", "make_prostate_study"]

_SERIES_NUMBER = {"t2w": 3, "dwi": 6, "adc": 7}


@dataclass(frozen=True)
class _Volume:
    """One stored volume: b (None for T2W and ADC) and whole numbers (slice, row, column)."""

    b_value: int | None
    stored: NDArray[np.uint16]


def anatomy_of(exam: Exam) -> Anatomy:
    """Return the pelvis of the person examined; the same at every hospital."""
    return make_anatomy(np.random.default_rng([exam.seed[0], *exam.person.key.encode()]))


def make_prostate_study(exam: Exam, *, tiny: bool) -> Iterator[MadeSeries]:
    """Yield the series of one study in the dialect of the hospital's scanner.

    Parameters
    ----------
    exam : Exam
    tiny : bool
        Few slices and pixels over the same field of view, for tests.
    """
    scanner = load_table("scanners")[exam.hospital["mr"]]
    anatomy = anatomy_of(exam)
    coil = Coil(tuple(scanner["bias"]["linear"]), scanner["bias"]["quadratic"])
    t2w, dwi = scanner["t2w"], scanner["dwi"]
    slope = float(_template(exam, "adc").get("RescaleSlope", "1"))

    grid = _grid(anatomy, t2w, scanner["tilt_deg"], tiny=tiny)
    signal = tissue_maps(anatomy, grid, ("t2w",))[0] * sensitivity(grid, coil)
    stored = record(signal, t2w["gain"], t2w["noise"], exam.rng(1))
    yield _make_series(exam, "t2w", grid, [_Volume(None, stored)])

    tilt = scanner["tilt_deg"] if dwi["tilted"] else [0.0, 0.0]
    grid = _grid(anatomy, dwi, tilt, tiny=tiny)
    s0, adc = tissue_maps(anatomy, grid, ("s0", "adc"))
    s0 = s0 * sensitivity(grid, coil)
    volumes = [
        _Volume(b, record(s0 * np.exp(-b * 1e-6 * adc), dwi["gain"], dwi["noise"], exam.rng(2, b)))
        for b in dwi["b_values"]
    ]
    yield _make_series(exam, "dwi", grid, volumes)

    floor = 4.0 * dwi["gain"] * dwi["noise"]
    fitted = fit_adc([v.stored for v in volumes], dwi["b_values"], floor)
    yield _make_series(
        exam, "adc", grid, [_Volume(None, np.rint(fitted / slope).astype(np.uint16))]
    )


def _grid(anatomy: Anatomy, protocol: dict[str, Any], tilt: list[float], *, tiny: bool) -> Grid:
    slices, rows, columns = protocol["shape"]
    between, down, across = protocol["spacing_mm"]
    if tiny:
        slices, rows, columns = 6, rows // 4, columns // 4
        down, across = down * 4, across * 4
    # The technologist centres on the gland to the millimetre.
    cx, cy, cz = (float(round(v)) for v in anatomy.gland_centre_mm)
    return tilted_grid(
        (slices, rows, columns), (between, down, across), (cx, cy, cz), (tilt[0], tilt[1])
    )


def _template(exam: Exam, role: str) -> dict[str, Any]:
    vendor = load_template(exam.hospital["mr"])
    return merge_templates(
        load_template("common"),
        load_template("mr_common"),
        vendor["common"],
        vendor["roles"][role],
    )


def _make_series(exam: Exam, role: str, grid: Grid, volumes: list[_Volume]) -> MadeSeries:
    template = _template(exam, role)
    scale_slope = template.pop("scale_slope", None)
    start_s = exam.start_s + 60 * _SERIES_NUMBER[role]
    series_uid = exam.uid(role)
    context = {
        **exam.context,
        **_geometry_fields(grid),
        **_window_fields(volumes),
        "series_uid": series_uid,
        "series_number": str(_SERIES_NUMBER[role]),
        "series_time": clock(start_s),
        "slice_count": str(grid.shape[0]),
        "image_count": str(grid.shape[0] * len(volumes)),
    }
    shared = fill(template, context)
    images: list[Image] = []
    for volume in volumes:
        for k in range(grid.shape[0]):
            b_value = None if hides_b(exam, role) else volume.b_value
            position = grid.affine()[:3] @ (k, 0, 0, 1)
            frame = Frame(role, k, _triple(position), b_value, _number(scale_slope))
            own = _own_elements(exam, frame, len(images) + 1, grid, start_s)
            DIALECTS[exam.hospital["mr"]](own, shared, frame)
            images.append(Image(own, volume.stored[k].astype("<u2").tobytes()))
    return MadeSeries(role, series_uid, shared, tuple(damage(exam, role, images)))


def _own_elements(exam: Exam, frame: Frame, number: int, grid: Grid, start_s: int) -> Dataset:
    own = Dataset()
    own.SOPInstanceUID = exam.uid(frame.role, number)
    own.InstanceNumber = str(number)
    own.ImagePositionPatient = [_decimal(v) for v in frame.position_mm]
    own.SliceLocation = _decimal(float(np.dot(frame.position_mm, grid.direction[0])))
    own.AcquisitionTime = own.ContentTime = clock(start_s + 0.07 * number)
    return own


def _geometry_fields(grid: Grid) -> dict[str, str | list[str]]:
    between, down, across = grid.spacing_mm
    return {
        "rows": str(grid.shape[1]),
        "columns": str(grid.shape[2]),
        # PS3.3 10.7.1.3: row spacing first, the distance between rows.
        "pixel_spacing": [_decimal(down or 0.0), _decimal(across or 0.0)],
        "slice_spacing_mm": _decimal(between or 0.0),
        # A gap of 10 % where slices are wider apart than 3 mm.
        "thickness_mm": _decimal(
            min(between or 0.0, 3.0) if (between or 0) < 3.4 else between or 0
        ),
        # PS3.3 C.7.6.2.1.1: direction of a growing column index, then of a growing row index.
        "orientation": [_decimal(v) for v in (*grid.direction[2], *grid.direction[1])],
    }


def _window_fields(volumes: list[_Volume]) -> dict[str, str]:
    low, high = np.percentile(volumes[0].stored[:, ::4, ::4], (2.0, 99.5))
    return {
        "window_center": str(int((low + high) / 2)),
        "window_width": str(max(2, int(high - low))),
    }


def _decimal(value: float) -> str:
    """Return a DS of at most 16 characters (PS3.5 section 6.2)."""
    return f"{value:.9f}" if abs(value) < 1000 else f"{value:.6f}"


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(values[0]), float(values[1]), float(values[2]))
