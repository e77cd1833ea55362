"""The unit of a volume: from the header where it says, from the values of ADC where it must."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import UnknownUnits
from harmonise.data import table
from harmonise.series import Stack
from harmonise.vendor.realworld import Scale

__all__ = ["in_known_unit"]

ARBITRARY = "[arb'U]"
HOUNSFIELD = "[hnsf'U]"
ADC = "um2/s"
"""1e-6 mm2/s."""

ADC_RANGES = (
    ((200.0, 3000.0), 1.0, "1e-6 mm2/s"),
    ((20.0, 200.0), 10.0, "1e-5 mm2/s"),
    ((0.2, 3.0), 1000.0, "1e-3 mm2/s"),
    ((0.0002, 0.003), 1e6, "mm2/s"),
)
"""Range of the central median, factor to 1e-6 mm2/s, name. Tissue lies between 0.2 and 3 x 1e-3
mm2/s (free water at 37 degrees: 3.0), so a median tells the power of ten."""

T2_RANGES = (((15.0, 250.0), 1.0, "ms"), ((0.015, 0.25), 1000.0, "s"))
"""As :data:`ADC_RANGES`, to ms; a tenth of a millisecond could be seconds of fluid: not guessed."""

CENTRAL_FRACTION = 1 / 3
"""Part of each axis, about the middle, that the ADC median is taken over: body, not air."""

Values = NDArray[np.float32]


def in_known_unit(
    values: Values, scales: Sequence[Scale], stack: Stack, role: str
) -> tuple[Values, str, bool, dict[str, Any]]:
    """Return values, their UCUM unit, whether they are quantitative, and what was found.

    Raises
    ------
    UnknownUnits
        Where neither header nor values tell: never guessed.
    """
    named = {scale.unit for scale in scales}
    if len(named) > 1:
        raise UnknownUnits("RWV_UNIT_UNKNOWN", "(0040,08EA) differs between images of one series")
    unit = next(iter(named))
    if unit is not None:
        return values, unit, True, {}
    if role == "adc":
        return _adc(values)
    if role == "t2map":
        return _t2(values)
    if stack.modality == "CT":
        return values, _hounsfield(stack), True, {}
    if stack.modality == "PT":
        return values, _pet(stack, scales), True, {}
    return values, ARBITRARY, False, {}


def _adc(values: Values) -> tuple[Values, str, bool, dict[str, Any]]:
    """Scale an ADC map to 1e-6 mm2/s: vendors write integers and no unit."""
    median = _median_inside(values)
    for (low, high), factor, name in ADC_RANGES:
        if low <= median <= high:
            said = {"adc_unit": name, "adc_median": median}
            return (values * np.float32(factor)), ADC, True, said
    raise UnknownUnits("MR_ADC_UNIT_UNKNOWN", f"median of the central box {median:.6g}")


def _t2(values: Values) -> tuple[Values, str, bool, dict[str, Any]]:
    """Scale a T2 map to ms: muscle, nerve and fat lie between 20 and 200 ms."""
    median = _median_inside(values)
    for (low, high), factor, name in T2_RANGES:
        if low <= median <= high:
            said = {"t2_unit": name, "t2_median": median}
            return (values * np.float32(factor)), "ms", True, said
    raise UnknownUnits("MR_T2_UNIT_UNKNOWN", f"median of the central box {median:.6g}")


def _median_inside(values: Values) -> float:
    middle = values[tuple(_central(length) for length in values.shape)]
    inside = middle[np.isfinite(middle) & (middle > 0)]
    return float(np.median(inside)) if inside.size else 0.0


def _central(length: int) -> slice:
    """Return the middle part of an axis, at least one voxel."""
    margin = int(length * (1 - CENTRAL_FRACTION) / 2)
    return slice(margin, length - margin)


def _hounsfield(stack: Stack) -> str:
    """PS3.3 C.8.2.1.1.2: RescaleType HU, or none with the rescale that CT must have."""
    kind = str(stack.header.get("RescaleType") or "HU").upper()
    if kind != "HU":
        raise UnknownUnits("CT_NOT_HU", f"(0028,1054) {kind}")
    enhanced = "enhanced" in _layout(stack)
    if not enhanced and stack.header.get("RescaleSlope") is None:
        raise UnknownUnits("CT_NOT_HU", "no (0028,1053)")
    return HOUNSFIELD


def _pet(stack: Stack, scales: Sequence[Scale]) -> str:
    units = str(stack.header.get("Units") or "")
    unit = table("pet_units").get(units)
    if unit is None:
        raise UnknownUnits("PT_UNITS_UNSUPPORTED", f"(0054,1001) {units or 'absent'}")
    odd = [scale.intercept for scale in scales if scale.intercept != 0]
    if odd:  # PS3.3 C.8.9.4.1.2: the intercept shall be 0
        raise UnknownUnits("PT_INTERCEPT_NONZERO", f"(0028,1052) {odd[0]:g}")
    return str(unit)


def _layout(stack: Stack) -> str:
    row = table("sop_classes").get(stack.frames[0].sop_class_uid) or {}
    return str(row.get("layout", ""))
