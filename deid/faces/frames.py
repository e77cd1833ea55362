"""Where each frame of an object lies in the patient and what its stored values mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydicom.dataset import Dataset

from config.errors import UnsupportedObject

__all__ = ["Frame", "read_frames"]

Triple = tuple[float, float, float]
IMAGES = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT, enhanced CT .1, legacy converted .2
    "1.2.840.10008.5.1.4.1.1.4",  # MR, enhanced MR .1, legacy converted .4
)
NO_SLICES = frozenset({"LOCALIZER", "MOSAIC", "SCREEN", "PROJECTION IMAGE", "VOLUME RENDERING"})


@dataclass(frozen=True)
class Frame:
    """One frame.

    Parameters
    ----------
    instance, index : int
        Of the object in the series, of the frame in the object, from 0.
    position_mm : tuple
        Centre of the first pixel in LPS.
    along_row, along_column : tuple
        Unit vectors in LPS towards higher columns and towards higher rows, PS3.3 C.7.6.2.1.1.
    spacing_mm : tuple
        Between rows, between columns.
    size : tuple
        Rows, columns.
    slope, intercept : float
        Real value = stored value x slope + intercept.
    """

    instance: int
    index: int
    position_mm: Triple
    along_row: Triple
    along_column: Triple
    spacing_mm: tuple[float, float]
    size: tuple[int, int]
    slope: float
    intercept: float


def read_frames(ds: Dataset, instance: int) -> list[Frame]:
    """Return the frames of a CT or MR image, classic or enhanced.

    Raises
    ------
    UnsupportedObject
        ``FACE_NOT_A_VOLUME`` for captures, localizers, mosaics and frames without a place.
    """
    sop_class = str(ds.get("SOPClassUID") or "")
    if not any(sop_class == uid or sop_class.startswith(uid + ".") for uid in IMAGES):
        raise UnsupportedObject("FACE_NOT_A_VOLUME", "not a CT or MR image")
    kinds = {str(part).strip().upper() for part in _several(ds.get("ImageType"))}
    found = sorted(kinds & NO_SLICES)
    if found:
        raise UnsupportedObject("FACE_NOT_A_VOLUME", found[0])
    try:
        frames = [_frame(groups, ds, instance, index) for index, groups in enumerate(_groups(ds))]
    except (AttributeError, TypeError, ValueError, IndexError, KeyError) as err:
        raise UnsupportedObject("FACE_NOT_A_VOLUME", "a frame does not say where it lies") from err
    if not frames or len(frames) != int(ds.get("NumberOfFrames") or 1):
        raise UnsupportedObject("FACE_NOT_A_VOLUME", "frames without a place")
    return frames


def _several(value: object) -> tuple[object, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]


def _groups(ds: Dataset) -> Iterator[tuple[Dataset, ...]]:
    """Yield for each frame the datasets that speak of it, the most particular first."""
    per_frame = ds.get("PerFrameFunctionalGroupsSequence")
    shared = tuple(ds.get("SharedFunctionalGroupsSequence") or ())
    if per_frame:
        for item in per_frame:
            yield (item, *shared)
    else:
        yield (ds,)


def _frame(groups: tuple[Dataset, ...], ds: Dataset, instance: int, index: int) -> Frame:
    place = _item(groups, "PlanePositionSequence").ImagePositionPatient
    turned = [float(v) for v in _item(groups, "PlaneOrientationSequence").ImageOrientationPatient]
    spacing = [float(v) for v in _item(groups, "PixelMeasuresSequence").PixelSpacing]
    slope, intercept = _rescale(groups)
    x, y, z = (float(v) for v in place)
    rx, ry, rz, cx, cy, cz = turned
    row_mm, column_mm = spacing
    square = abs(rx * cx + ry * cy + rz * cz)
    lengths = (rx * rx + ry * ry + rz * rz, cx * cx + cy * cy + cz * cz)
    if min(spacing) <= 0 or square > 1e-2 or max(abs(v - 1) for v in lengths) > 1e-2:
        raise ValueError("no grid")
    if slope == 0:
        raise ValueError("no values")
    return Frame(
        instance, index, (x, y, z), (rx, ry, rz), (cx, cy, cz), (row_mm, column_mm),
        (int(ds.Rows), int(ds.Columns)), slope, intercept,
    )  # fmt: skip


def _item(groups: tuple[Dataset, ...], keyword: str) -> Dataset:
    """Return the item of a functional group, PS3.3 C.7.6.16; of a classic image the image."""
    for group in groups:
        if keyword in group:
            item: Dataset = group[keyword].value[0]
            return item
    return groups[0]


def _rescale(groups: tuple[Dataset, ...]) -> tuple[float, float]:
    item = _item(groups, "PixelValueTransformationSequence")
    slope, intercept = item.get("RescaleSlope"), item.get("RescaleIntercept")
    return (1.0 if slope is None else float(slope)), float(intercept or 0.0)
