"""Ultrasound regions: which parts of a frame are pictures, and how large a pixel is (C.8.5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from harmonise.data import table
from harmonise.series import Region
from harmonise.vendor.private import numbers

__all__ = ["Picture", "drawn_boxes", "pictures_of"]

CENTIMETRES = 3
"""Value of PhysicalUnitsXDirection (0018,6024): cm."""

MM_PER_CM = 10.0

EDGE_PIXELS = 1
"""A box may end one pixel beyond the image: some devices write the first pixel outside."""

DEPTH_MM = (20.0, 300.0)
"""What a probe looks into: less and more is a calibration of something else."""

SMALLEST_SHARE = 0.25
"""Of the largest picture: smaller ones are thumbnails."""

OVERLAP_SHARE = 0.05
"""Of the smaller of two boxes: what lies in both makes them one picture said twice."""

INSIDE_SHARE = 0.9
"""Of a colour box: what of it lies on the picture of tissue that it belongs to."""

BOX_KEYWORDS = (
    "RegionLocationMinX0",
    "RegionLocationMinY0",
    "RegionLocationMaxX1",
    "RegionLocationMaxY1",
)

Box = tuple[int, int, int, int]
"""First row, first column, row and column after the last."""


@dataclass(frozen=True)
class Picture:
    """One picture on a frame: its box, its pixel spacing and what is known of both."""

    box: Box
    spacing_mm: tuple[float, float] | None
    region: Region


def pictures_of(ds: Dataset) -> list[Picture]:
    """Return the pictures that every frame of an object shows, left to right, top to bottom.

    Two-dimensional pictures of tissue and colour flow; where there are none, spectral and M-mode
    traces, so that they can be named. Colour flow inside a picture of tissue makes it one of
    colour. Without any region the whole frame, in pixels.
    """
    whole: Box = (0, 0, int(ds.Rows), int(ds.Columns))
    items = list(ds.get("SequenceOfUltrasoundRegions") or [])
    if not items:
        region = Region("none", "US_NO_REGION", "", "no (0018,6011)")
        return [Picture(whole, None, region)]
    found = [_picture(item, whole) for item in items]
    flat = _with_colour([p for p in found if p.region.kind in {"tissue", "colour"}])
    traces = [p for p in found if p.region.kind in {"spectral", "mmode"}]
    wanted = flat or traces or [replace(found[0], box=whole)]
    largest = max(_area(p.box) for p in wanted)
    wanted = [p for p in wanted if _area(p.box) >= SMALLEST_SHARE * largest]
    return sorted(_ambiguous(wanted), key=lambda p: (p.box[1], p.box[0]))


def drawn_boxes(ds: Dataset) -> list[Box]:
    """Return the boxes of bars, waveforms and other graphics, which may lie on a picture."""
    whole: Box = (0, 0, int(ds.Rows), int(ds.Columns))
    found = [_picture(item, whole) for item in ds.get("SequenceOfUltrasoundRegions") or []]
    boxes = [p.box for p in found if p.region.kind not in {"tissue", "colour"}]
    return [box for box in boxes if 0 < _area(box) < _area(whole) / 2]


def _picture(item: Dataset, whole: Box) -> Picture:
    left, top, right, bottom = (int(_number(item, k, -1)) for k in BOX_KEYWORDS)
    kind = _kind(
        int(_number(item, "RegionSpatialFormat", 0)), int(_number(item, "RegionDataType", 0))
    )
    said = f"({left},{top})-({right},{bottom}) in {whole[3]} x {whole[2]}"
    fits = (
        0 <= left < right <= whole[3] - 1 + EDGE_PIXELS
        and 0 <= top < bottom <= whole[2] - 1 + EDGE_PIXELS
    )
    box = (
        max(top, 0),
        max(left, 0),
        min(bottom, whole[2] - 1) + 1,
        min(right, whole[3] - 1) + 1,
    )
    if not fits:
        region = Region(kind, "", "US_REGION_OUT_OF_BOUNDS", f"(0018,6018) {said}")
        return Picture(whole, None, region)
    spacing, flag, why = _spacing(item, box)
    return Picture(box, spacing, Region(kind, flag, "", why))


def _number(item: Dataset, keyword: str, default: float) -> float:
    found = numbers(item.get(keyword), "DS")
    return found[0] if found else default


def _kind(spatial: int, data: int) -> str:
    for rule in table("us_regions"):
        if rule.get("format", spatial) == spatial and data in rule.get("data", [data]):
            return str(rule["kind"])
    return "graphics"


def _spacing(item: Dataset, box: Box) -> tuple[tuple[float, float] | None, str, str]:
    """Return the spacing (row, column) in mm, a flag where there is none, and where it is from."""
    units = [int(_number(item, f"PhysicalUnits{axis}Direction", 0)) for axis in "XY"]
    if units != [CENTIMETRES, CENTIMETRES]:
        return None, "US_UNITS_NOT_CM", f"(0018,6024), (0018,6026) {units[0]}, {units[1]}"
    # negative where the axis runs the other way (C.8.5.5.1.15); a length has no sign
    column_mm, row_mm = (abs(_number(item, f"PhysicalDelta{axis}", 0)) * MM_PER_CM for axis in "XY")
    depth_mm = row_mm * (box[2] - box[0])
    if min(row_mm, column_mm) <= 0 or not DEPTH_MM[0] <= depth_mm <= DEPTH_MM[1]:
        return None, "US_DEPTH_IMPLAUSIBLE", f"(0018,602E) {depth_mm:.1f} mm deep"
    return (row_mm, column_mm), "", "(0018,602C), (0018,602E) in cm"


def _with_colour(flat: list[Picture]) -> list[Picture]:
    """Make one picture of tissue and the colour flow that lies on it."""
    tissue = [p for p in flat if p.region.kind == "tissue"]
    colour = [p for p in flat if p.region.kind == "colour"]
    alone = [c for c in colour if not any(_inside(c.box, t.box) for t in tissue)]
    made = []
    for one in tissue:
        holds = any(_inside(c.box, one.box) for c in colour)
        region = replace(one.region, kind="colour") if holds else one.region
        made.append(replace(one, region=region))
    return made + alone


def _ambiguous(pictures: Sequence[Picture]) -> list[Picture]:
    """Refuse pictures that overlap: which of two calibrations holds there is not known."""
    clash = any(
        _common(a.box, b.box) > OVERLAP_SHARE * min(_area(a.box), _area(b.box))
        for n, a in enumerate(pictures)
        for b in pictures[n + 1 :]
        if not (a.region.refusal or b.region.refusal)
    )
    if not clash:
        return list(pictures)
    first = pictures[0]
    why = f"(0018,6011) {len(pictures)} pictures overlap"
    return [
        replace(first, region=replace(first.region, refusal="US_MULTI_REGION_AMBIGUOUS", why=why))
    ]


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _common(a: Box, b: Box) -> int:
    return _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def _inside(inner: Box, outer: Box) -> bool:
    return _common(inner, outer) > INSIDE_SHARE * _area(inner)
