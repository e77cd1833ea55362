"""Of an ultrasound image what its regions hold is kept; the rest is what is blanked."""

from __future__ import annotations

from pydicom.dataset import Dataset

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.region import Rectangle, outside

__all__ = ["outside_ultrasound_regions", "ultrasound_regions"]


def ultrasound_regions(ds: Dataset) -> tuple[Rectangle, ...]:
    """Return the rectangles of Sequence of Ultrasound Regions.

    Location Min and Max name the first and the last column and row, PS3.3 C.8.5.5.1.1. Scanners
    that name the number of columns as the last one are off by one; that much is tolerated.

    Raises
    ------
    UnsupportedObject
        ``US_REGIONS_MISSING`` without a region; ``US_REGION_OUT_OF_BOUNDS`` when one leaves the
        image, is turned round or lacks a corner.
    UnreadableObject
        ``DEID_NO_PIXELS`` without Rows and Columns.
    """
    items = ds.get("SequenceOfUltrasoundRegions") or ()
    if not items:
        raise UnsupportedObject("US_REGIONS_MISSING")
    rows, columns = _size(ds)
    return tuple(_rectangle(item, index, rows, columns) for index, item in enumerate(items))


def outside_ultrasound_regions(ds: Dataset) -> tuple[Rectangle, ...]:
    """Return what lies outside every region, as rectangles without overlap, for all frames.

    Raises
    ------
    UnsupportedObject, UnreadableObject
        As ``ultrasound_regions``.
    """
    rows, columns = _size(ds)
    return outside(ultrasound_regions(ds), rows=rows, columns=columns)


def _rectangle(item: Dataset, index: int, rows: int, columns: int) -> Rectangle:
    try:
        top, bottom = int(item.RegionLocationMinY0), int(item.RegionLocationMaxY1)
        left, right = int(item.RegionLocationMinX0), int(item.RegionLocationMaxX1)
    except (AttributeError, TypeError, ValueError) as err:
        raise UnsupportedObject("US_REGION_OUT_OF_BOUNDS", f"region {index}: no corner") from err
    if not (0 <= top <= bottom <= rows and 0 <= left <= right <= columns):
        detail = f"region {index}: rows {top} to {bottom}, columns {left} to {right}"
        raise UnsupportedObject("US_REGION_OUT_OF_BOUNDS", f"{detail} of {rows} x {columns}")
    stop_row, stop_column = min(bottom + 1, rows), min(right + 1, columns)
    if top >= stop_row or left >= stop_column:
        raise UnsupportedObject("US_REGION_OUT_OF_BOUNDS", f"region {index} is beside the image")
    return Rectangle(top, stop_row, left, stop_column)


def _size(ds: Dataset) -> tuple[int, int]:
    try:
        return int(ds.Rows), int(ds.Columns)
    except (AttributeError, TypeError, ValueError) as err:
        raise UnreadableObject("DEID_NO_PIXELS", "no Rows or Columns") from err
