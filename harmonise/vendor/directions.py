"""Diffusion directions: a vendor's own axes turned into the patient's.

GE writes a direction along its scan's frequency, phase and slice axes. The rule for axial slices of
a patient lying head first supine is old and validated; the one for other planes and positions is
GE's own report to dcm2niix (issues 737 and PR 736 of rordenlab/dcm2niix, issue 61 of
xiangruili/dicm2nii), which itself calls it of limited validation: it is taken, and flagged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from harmonise.vendor.private import numbers, text

__all__ = ["UNCONFIRMED", "canon_axes", "in_patient_axes", "is_unconfirmed", "scaled_b"]

UNCONFIRMED = "not axial or not head first supine: the rule is of limited validation"

LEAST_COSINE = 0.7
"""Least part of the normal along an axis of the patient: between two planes GE's rule is open."""

CORONAL, AXIAL = 1, 2
"""Index of the patient's axis that the normal of a coronal and of an axial slice follows."""

GE_AXES = {
    (0, "COL"): ((1, 0, 0), (0, 1, 0), (0, 0, -1)),
    (0, "ROW"): ((0, 1, 0), (-1, 0, 0), (0, 0, -1)),
    (1, "COL"): ((-1, 0, 0), (0, 1, 0), (0, 0, 1)),
    (1, "ROW"): ((0, 1, 0), (1, 0, 0), (0, 0, 1)),
    (2, "COL"): ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    (2, "ROW"): ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
}
"""Patient's axis along the normal (0 sagittal, 1 coronal, 2 axial) and phase direction ->
growing column, growing row and normal in GE's three numbers. The sign of a direction means nothing.
"""

SCALED = (0.03, 0.97)
"""Length of a GE direction that says another b-value than the series': b times length squared."""

B_STEP = 5.0
"""s/mm2: GE's six digits of a direction tell a scaled b-value no finer."""


def in_patient_axes(
    vector: Sequence[float], axes: str, ds: Dataset
) -> tuple[float, float, float] | None:
    """Return a unit direction in patient axes (LPS); None where the turn is not known.

    Parameters
    ----------
    vector : three floats
    axes : {"image", "scan"}
        ``image``: along growing column, row and slice index, as UIH writes it. ``scan``: as GE
        writes it into (0019,"GEMS_ACQU_01",BB-BD); which axis is which follows from the slice plane
        and from the direction of the phase (0018,1312).
    ds : Dataset
        With ImageOrientationPatient.
    """
    cosines = numbers(ds.get("ImageOrientationPatient"), "DS")
    length = float(np.linalg.norm(vector))
    if len(vector) != 3 or len(cosines) != 6 or not length:
        return None
    across, down = np.asarray(cosines[:3]), np.asarray(cosines[3:])
    normal = np.cross(across, down)
    parts = np.asarray(vector) / length
    if axes == "scan":
        plane = int(np.argmax(np.abs(normal)))
        turn = GE_AXES.get((plane, text(ds.get("InPlanePhaseEncodingDirection") or "")))
        if turn is None or abs(normal[plane]) < LEAST_COSINE:
            return None
        parts = np.asarray(turn) @ parts
    x, y, z = (float(v) for v in parts[0] * across + parts[1] * down + parts[2] * normal)
    return x, y, z


def canon_axes(vector: Sequence[float], ds: Dataset) -> tuple[float, float, float] | None:
    """Return a direction of Canon's image comment in patient axes; None where nobody knows how.

    Its three numbers are row, column and reversed slice direction, seen on data with the phase
    along columns only (dcm2niix issue 422, dcm_qa_canon); dcm2niix reads coronal slices otherwise.
    """
    cosines = numbers(ds.get("ImageOrientationPatient"), "DS")
    if len(vector) != 3 or len(cosines) != 6:
        return None
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    is_column = text(ds.get("InPlanePhaseEncodingDirection") or "") == "COL"
    if not is_column or int(np.argmax(normal)) == CORONAL or normal.max() < LEAST_COSINE:
        return None
    first, second, third = vector
    return in_patient_axes((second, first, -third), "image", ds)


def is_unconfirmed(ds: Dataset) -> bool:
    """Tell whether GE's rule for an image is one of limited validation."""
    cosines = numbers(ds.get("ImageOrientationPatient"), "DS")
    if len(cosines) != 6:
        return True
    normal = np.abs(np.cross(cosines[:3], cosines[3:]))
    return int(np.argmax(normal)) != AXIAL or text(ds.get("PatientPosition") or "") != "HFS"


def scaled_b(b_value: float, vector: Sequence[float]) -> float:
    """Return the b-value, s/mm2, that a GE direction shorter than 1 says (dcm2niix issue 245).

    GE acquires several shells as one series: each image names the largest b-value, and the length
    of its direction the square root of its own part of it.
    """
    length = float(np.linalg.norm(vector))
    if not SCALED[0] < length < SCALED[1]:
        return b_value
    return B_STEP * float(np.floor(b_value * length**2 / B_STEP + 0.5))
