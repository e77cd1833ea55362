"""Diffusion directions: a vendor's own axes turned into the patient's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from harmonise.vendor.private import numbers

__all__ = ["in_patient_axes"]

AXIAL_COSINE = 0.7
"""Least part of the normal along the patient's axis: GE's rule is known for axial slices."""


def in_patient_axes(
    vector: Sequence[float], axes: str, ds: Dataset
) -> tuple[float, float, float] | None:
    """Return a direction in patient axes (LPS); None where the turn is not known.

    Parameters
    ----------
    vector : three floats
    axes : {"image", "scan"}
        ``image``: along growing column, row and slice index, as UIH writes it.
        ``scan``: as GE writes it into (0019,"GEMS_ACQU_01",BB-BD). With the phase along columns
        (0018,1312) these are growing column and row index and the reversed normal; with the phase
        along rows the first two change places. This is known for axial slices of a patient lying
        head first supine only. dcm2niix agrees with both; the sign of a direction means nothing.
    ds : Dataset
        With ImageOrientationPatient.
    """
    cosines = numbers(ds.get("ImageOrientationPatient"), "DS")
    if len(vector) != 3 or len(cosines) != 6:
        return None
    across, down = np.asarray(cosines[:3]), np.asarray(cosines[3:])
    normal = np.cross(across, down)
    first, second, third = vector
    if axes == "scan":
        phase = str(ds.get("InPlanePhaseEncodingDirection") or "")
        head_first = ds.get("PatientPosition") == "HFS"
        if phase not in {"COL", "ROW"} or not head_first or abs(normal[2]) < AXIAL_COSINE:
            return None
        first, second = (-first, -second) if phase == "COL" else (-second, first)
    x, y, z = (float(part) for part in first * across + second * down + third * normal)
    return x, y, z
