"""Pixels to real values: decoded frame by frame, rescaled, in a known unit, on the stack's grid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels.processing import apply_modality_lut

from config.errors import InconsistentSeries, UnreadableObject, UnsupportedObject
from harmonise.classify import classify
from harmonise.series import Geometry, Stack
from harmonise.straighten import field_of_view, straighten
from harmonise.vendor.decode import stored_frame
from harmonise.vendor.headers import FOREIGN, quiet
from harmonise.vendor.private import numbers
from harmonise.vendor.realworld import Scale, frame_scale, one_rescale
from harmonise.vendor.suv import in_suv, suv_of_role
from harmonise.vendor.ultrasound import load_ultrasound
from harmonise.vendor.units import in_known_unit
from harmonise.volume import Volume

__all__ = ["load_volume"]

Stored = NDArray[Any]


def load_volume(stack: Stack, geometry: Geometry) -> Volume:
    """Return the real values of a stack.

    Stored values go through each frame's own rescale (PS3.3 C.11.1, C.7.6.16.2.9), or through the
    real world value map of a quantitative one (C.7.6.16.2.11), then the vendor's scale (Philips
    magnitude images) or the SUV factor (PET), and end in float32. Pixels of the padding value are
    NaN and outside the coverage (C.7.5.1.1.2); a projection keeps them, since there they are the
    air beside the breast. Slices that are sheared or uneven are then brought onto the grid of their
    corrected copy.

    Parameters
    ----------
    stack : Stack
    geometry : Geometry
        Its verdict must have a grid.

    Returns
    -------
    Volume
        Shape (slice, row, column). ``meta`` tells ``scaling``, of ADC ``adc_unit``, of PET ``suv``.

    Raises
    ------
    InconsistentSeries
        The geometry's own code: no volume where the gate refused.
    UnreadableObject
        ``PIXELS_UNREADABLE``.
    UnsupportedObject
        ``PIXELS_NOT_MONOCHROME``.
    UnknownUnits
        ``RESCALE_INVALID``, ``CT_NOT_HU``, ``RWV_UNIT_UNKNOWN``, ``MR_ADC_UNIT_UNKNOWN``,
        ``MR_T2_UNIT_UNKNOWN``, and of PET the refusals of
        :func:`harmonise.vendor.suv.suv_of`.
    """
    if geometry.grid is None:
        raise InconsistentSeries(geometry.code or "GEOMETRY_REFUSED", geometry.detail)
    if stack.frames[0].region is not None:
        return load_ultrasound(stack, geometry.grid, geometry.order)
    role = classify(stack)
    suv = suv_of_role(stack, role.name)
    correction = geometry.correction
    shape = (len(geometry.order), *correction.slice_shape) if correction else geometry.grid.shape
    values = np.empty(shape, dtype=np.float32)
    covered = np.ones(shape, dtype=np.bool_)
    scales = []
    keeps_padding = geometry.verdict == "PLANAR"
    for slot, ds, stored in _decoded(stack, geometry):
        frame = stack.frames[geometry.order[slot]]
        scale = frame_scale(ds, frame, stack, role.name)
        if suv is not None:
            scale = in_suv(scale, suv.factors[geometry.order[slot]])
        values[slot] = _real(ds, stored, scale)
        if not keeps_padding:
            covered[slot] = ~_padding(ds, stored)
        scales.append(scale)
    one_rescale(scales)
    if not keeps_padding:
        values[~covered] = np.nan
    values, unit, quantitative, said = in_known_unit(values, scales, stack, role.name)
    if correction is not None:
        values = straighten(values, geometry.grid, correction)
        covered = np.isfinite(values)
    return Volume(
        values=values,
        grid=geometry.grid,
        unit=unit,
        coverage=None if bool(covered.all()) else covered,
        quantitative=quantitative,
        field_of_view=field_of_view(geometry.grid, correction) if correction else None,
        meta={"scaling": scales[0].why, **said, **({"suv": suv.facts} if suv else {})},
    )


def _decoded(stack: Stack, geometry: Geometry) -> Iterator[tuple[int, FileDataset, Stored]]:
    """Yield (slot, dataset, stored values); every file is opened once."""
    by_path: dict[Path, list[int]] = {}
    for slot, index in enumerate(geometry.order):
        by_path.setdefault(stack.frames[index].path, []).append(slot)
    for path, slots in by_path.items():
        try:
            with quiet():
                ds = pydicom.dcmread(path)
                arrays = [_frame(ds, stack, geometry.order[slot]) for slot in slots]
        except MemoryError:
            raise
        except FOREIGN as error:
            raise UnreadableObject("PIXELS_UNREADABLE", type(error).__name__) from error
        for slot, stored in zip(slots, arrays, strict=True):
            yield slot, ds, stored


def _frame(ds: FileDataset, stack: Stack, index: int) -> Stored:
    frame = stack.frames[index]
    kind = str(ds.get("PhotometricInterpretation") or "")
    if kind not in {"MONOCHROME1", "MONOCHROME2"}:
        raise UnsupportedObject("PIXELS_NOT_MONOCHROME", f"(0028,0004) {kind}")
    if str(ds.SOPInstanceUID) != frame.sop_instance_uid:
        raise UnreadableObject("PIXELS_UNREADABLE", "(0008,0018) changed since it was read")
    if int(ds.get("HighBit") or 0) >= int(ds.get("BitsStored") or 16):
        # samples begin above bit 0, as before 1993: nobody decodes them (PS3.5 8.1.1)
        raise UnreadableObject("PIXELS_UNREADABLE", "(0028,0102) is not (0028,0101) less 1")
    stored: Stored = stored_frame(ds, frame.frame_index)
    if frame.tile is not None:
        row, column = frame.tile
        stored = stored[row : row + frame.rows, column : column + frame.columns]
    if stored.shape != (frame.rows, frame.columns):
        raise UnreadableObject("PIXELS_UNREADABLE", "rows or columns differ from the header")
    return stored


def _real(ds: FileDataset, stored: Stored, scale: Scale) -> NDArray[np.float32]:
    if scale.uses_lut:
        try:
            with quiet():
                looked_up: Stored = apply_modality_lut(stored, ds)
        except FOREIGN as error:
            raise UnreadableObject("PIXELS_UNREADABLE", "(0028,3000)") from error
        return looked_up.astype(np.float32)
    if scale.slope == 1.0 and scale.intercept == 0.0:
        return stored.astype(np.float32)
    real: NDArray[np.float64] = stored.astype(np.float64) * scale.slope + scale.intercept
    return real.astype(np.float32)


def _padding(ds: FileDataset, stored: Stored) -> NDArray[np.bool_]:
    """Return where stored values are padding, between the value and the limit, both included.

    The value is signed as the pixels are (PS3.3 C.7.5.1.1.2), whatever VR it was written with:
    63536 beside signed pixels of 16 bits is -2000.
    """
    value = numbers(ds.get("PixelPaddingValue"), "SS")
    if not value:
        return np.zeros(stored.shape, dtype=np.bool_)
    limit = numbers(ds.get("PixelPaddingRangeLimit"), "SS") or value
    span = 1 << int(ds.get("BitsAllocated") or 16)
    is_signed = bool(ds.get("PixelRepresentation"))
    low, high = sorted(_as_stored(v, span, is_signed=is_signed) for v in (value[0], limit[0]))
    return (stored >= low) & (stored <= high)


def _as_stored(value: float, span: int, *, is_signed: bool) -> float:
    if is_signed and value >= span / 2:
        return value - span
    return value + span if not is_signed and value < 0 else value
