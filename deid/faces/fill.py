"""The stored value that is put where the face was: air."""

from __future__ import annotations

from config.errors import RejectedError
from deid.blank.shape import PixelShape

__all__ = ["air_value"]

AIR = {"CT": -1000.0, "MR": 0.0}
"""Real values: HU of air, PS3.3 C.11.1.1.2, and no signal."""


def air_value(
    shape: PixelShape, slope: float, intercept: float, *, modality: str, threshold: float
) -> int:
    """Return the stored value nearest to air that the cells of an image can hold.

    Parameters
    ----------
    shape : PixelShape
        Bits and sign of the cells.
    slope, intercept : float
        Real value = stored value x slope + intercept.
    modality : str
        CT or MR.
    threshold : float
        Real value above which the image shows tissue.

    Raises
    ------
    RejectedError
        ``FACE_FAILED`` when no value of the cells shows as air.
    """
    span = 1 << shape.bits_stored
    lowest = -span // 2 if shape.signed else 0
    stored = min(max(round((AIR[modality] - intercept) / slope), lowest), lowest + span - 1)
    if not stored * slope + intercept < threshold:
        raise RejectedError("FACE_FAILED", "no stored value stands for air")
    return stored
