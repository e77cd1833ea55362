"""How an acquisition compares with a published protocol: figures of quality, never a refusal.

Spacing of the pixels says how finely an image was written; (0018,1310) how finely it was measured,
which is what a protocol is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harmonise.data import table
from harmonise.series import Geometry, Stack

__all__ = ["acquired_pixel_mm", "deviations", "measured_protocol"]

TOLERANCE = 0.02
"""Decimal strings and actual b-values differ by so much from what was asked for."""

B_FIGURES = ("low_b_s_mm2", "intermediate_b_s_mm2", "high_b_s_mm2")

Figures = dict[str, float | None]


def acquired_pixel_mm(header: Mapping[str, Any], rows_mm: float, columns_mm: float) -> Figures:
    """Return the acquired resolution along phase and frequency, millimetres (PS3.3 C.8.3.1).

    (0018,1310) holds frequency rows, frequency columns, phase rows, phase columns; with the phase
    along rows (0018,1312) the frequency steps share the height of the image. None where unknown.

    Parameters
    ----------
    header : mapping
        Plain values by keyword.
    rows_mm, columns_mm : float
        Height and width of the image.
    """
    matrix = header.get("AcquisitionMatrix")
    phase = header.get("InPlanePhaseEncodingDirection")
    unknown: Figures = {"phase_mm": None, "frequency_mm": None}
    if not isinstance(matrix, list) or len(matrix) != 4 or phase not in {"ROW", "COL", "COLUMN"}:
        return unknown
    frequencies, phases = (max(pair) for pair in (matrix[:2], matrix[2:]))
    if not frequencies or not phases:
        return unknown
    along_phase, along_frequency = (
        (columns_mm, rows_mm) if phase == "ROW" else (rows_mm, columns_mm)
    )
    return {"phase_mm": along_phase / phases, "frequency_mm": along_frequency / frequencies}


def measured_protocol(
    stack: Stack, geometry: Geometry, b_values: Iterable[float], computed: Mapping[str, Any]
) -> Figures:
    """Return what a protocol may ask of a volume; None where the header does not say.

    Parameters
    ----------
    stack : Stack
    geometry : Geometry
        With a grid.
    b_values : iterable of float
        Those of the study, acquired or calculated by the scanner.
    computed : mapping
        What a computed volume says of its making: times of a dynamic series.
    """
    grid = geometry.grid
    if grid is None or None in grid.spacing_mm:
        return {}
    row_mm, column_mm = (float(v or 0.0) for v in grid.spacing_mm[1:])
    rows_mm, columns_mm = grid.shape[1] * row_mm, grid.shape[2] * column_mm
    said = stack.header.get("SliceThickness")
    thickness = float(said) if isinstance(said, (int, float)) else None
    gap = geometry.widest_gap_mm
    is_2d = stack.header.get("MRAcquisitionType") != "3D"  # slabs overlap by design
    is_stack = is_2d and grid.shape[0] > 1
    between = None if thickness is None or gap is None else max(0.0, gap - thickness)
    seconds = computed.get("seconds")
    figures: Figures = {
        "slice_thickness_mm": thickness,
        "slice_gap_mm": between if is_stack else None,
        "field_of_view_mm": max(rows_mm, columns_mm),
        **acquired_pixel_mm(stack.header, rows_mm, columns_mm),
        "temporal_resolution_s": computed.get("temporal_resolution_s"),
        "duration_s": float(seconds[-1]) if seconds else None,
    }
    there = list(b_values)
    for name in B_FIGURES:
        low, high = table("protocols")["pirads-2.1"]["dwi"][name]
        figures[name] = next((b for b in sorted(there) if _within(b, low, high)), None)
    return figures


def deviations(protocol: str, role: str, figures: Figures) -> list[str]:
    """Return the names of the figures that lie outside what a protocol asks of a role.

    A figure that is not known deviates from nothing, but for a b-value, which is then not there.
    """
    asked: Mapping[str, Any] = table("protocols")[protocol].get(role, {})
    found = []
    for name, (low, high) in asked.items():
        value = figures.get(name)
        is_missing = value is None and name in B_FIGURES
        if is_missing or (value is not None and not _within(value, low, high)):
            found.append(name)
    return found


def _within(value: float, low: float | None, high: float | None) -> bool:
    above = low is None or value >= low * (1 - TOLERANCE)
    return above and (high is None or value <= high * (1 + TOLERANCE) + 1e-3)
