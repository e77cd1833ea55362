"""What a derived ultrasound picture says of itself: 8 bits, and the region that calibrates it."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from harmonise.volume import Volume

__all__ = ["ULTRASOUND", "write_region"]

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"

OF_A_CINE = (
    "ActualFrameDuration",
    "CineRate",
    "EffectiveDuration",
    "FrameDelay",
    "FrameIncrementPointer",
    "FrameTime",
    "FrameTimeVector",
    "HeartRate",
    "PreferredPlaybackSequencing",
    "RecommendedDisplayFrameRate",
    "StartTrim",
    "StopTrim",
    "PixelAspectRatio",
    "PixelSpacing",
)
"""Not of one frame; and a spacing is said by a region alone (PS3.3 C.8.5.5)."""

MM_PER_CM = 10.0
CENTIMETRES, TISSUE, TWO_DIMENSIONAL = 3, 1, 1


def write_region(ds: Dataset, volume: Volume) -> None:
    """Write the one region of the picture, in centimetres (PS3.3 C.8.5.5); none where unknown."""
    for keyword in (*OF_A_CINE, "SequenceOfUltrasoundRegions"):
        if keyword in ds:
            delattr(ds, keyword)
    _, row_mm, column_mm = volume.grid.spacing_mm
    if row_mm is None or column_mm is None:
        return
    item = Dataset()
    item.RegionSpatialFormat = TWO_DIMENSIONAL
    item.RegionDataType = TISSUE
    item.RegionFlags = 0
    item.RegionLocationMinX0 = item.RegionLocationMinY0 = 0
    item.RegionLocationMaxX1 = volume.grid.shape[2] - 1
    item.RegionLocationMaxY1 = volume.grid.shape[1] - 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = CENTIMETRES
    item.PhysicalDeltaX = column_mm / MM_PER_CM
    item.PhysicalDeltaY = row_mm / MM_PER_CM
    ds.SequenceOfUltrasoundRegions = DicomSequence([item])
