"""The geometry gate: a verdict on the slice positions of one stack, before any pixel is read.

Positions are ImagePositionPatient along the normal (PS3.3 C.7.6.2.1.1); never InstanceNumber or
SliceLocation, which are the maker's own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harmonise.places import Array, Shear, Slices, arranged, fitted, holes, lengths, shear_of
from harmonise.series import Geometry, Stack
from harmonise.split import ORIENTATION_TOLERANCE
from harmonise.straighten import corrected_grid
from harmonise.us import judge_ultrasound
from harmonise.volume import Grid

__all__ = ["POSITION_TOLERANCE_MM", "judge"]

POSITION_TOLERANCE_MM = 0.1
"""Largest distance of a slice from the fitted regular grid. Real PET steps jitter by 0.04 mm; a
resampled voxel moved by 0.1 mm is a fifth of the finest in-plane spacing of the recipes."""

POSITION_TOLERANCE_SLICES = 0.1
"""The same in slice spacings, for stacks so thin that 0.1 mm could hide a missing slice."""

WIDEST_GAP_MM = 5.0
"""Slices farther apart than this are not joined by interpolation: too much lies between them."""

ISOLATED_GAP = 1.75
"""A gap this many times as wide as both its neighbours is a slice that is missing, not a protocol
of two spacings, whose wide gaps come in runs."""

LARGEST_TILT_DEGREES = 45.0
"""No gantry tilts this far: such slices were written with the wrong orientation."""

SAME_PLACE_MM = 0.01
"""Slices closer than this are at one place: no scanner steps so little."""


def judge(stack: Stack) -> Geometry:
    """Return the verdict on a stack.

    ``REGULAR``
        Every slice within ``POSITION_TOLERANCE_MM`` of a fitted regular grid, slices ascending
        along the normal (row direction x column direction). A single slice is regular; where only
        SliceThickness tells its extent it bears the flag ``*_SLICE_SPACING_ASSUMED``.
    ``PLANAR``
        Images without a place. A projection gets a grid that is not positioned; a slice of MR, CT
        or PET without a position is refused: ``*_NO_POSITION``.
    ``TILT``, ``UNEVEN``
        Slices sheared along a straight line, or at unequal distances (a stack that is both is a
        ``TILT``): given the grid of a corrected copy, with the flags ``*_TILT_CORRECTED`` and
        ``*_UNEVEN_CORRECTED``. Refused where a gap exceeds ``WIDEST_GAP_MM``, where slices are
        displaced at random, or beyond ``LARGEST_TILT_DEGREES``: ``*_UNEVEN_SPACING``, ``*_TILT``.
    ``MIXED``, ``DUPLICATE``, ``MISSING``
        Refused, in this order of precedence, with a code and no grid.

    Parameters
    ----------
    stack : Stack

    Returns
    -------
    Geometry
        ``largest_error_mm`` is the largest distance of a slice from the grid that was fitted.
    """
    frames = stack.frames
    if any(f.position_mm is None or f.orientation is None for f in frames):
        return _planar(stack)
    turns = np.asarray([f.orientation for f in frames], dtype=np.float64)
    if float(np.abs(turns - turns[0]).max()) >= ORIENTATION_TOLERANCE:
        count = len({f.orientation for f in frames})
        return _refused(stack, "MIXED", "MIXED_ORIENTATION", f"(0020,0037) {count} orientations")
    if frames[0].pixel_spacing_mm is None or min(frames[0].pixel_spacing_mm) <= 0:
        return _refused(stack, "UNEVEN", "NO_PIXEL_SPACING", "no (0028,0030)")
    slices = arranged(stack)
    if slices is None:
        return _refused(stack, "MIXED", "MIXED_ORIENTATION", "(0020,0037) spans no plane")
    if len(frames) == 1:
        return _single(stack, slices)
    return _series(stack, slices)


def _refused(stack: Stack, verdict: str, ending: str, detail: str, error: float = 0.0) -> Geometry:
    code = f"{stack.modality}_{ending}"
    return Geometry(verdict, None, (), code, detail, error)  # type: ignore[arg-type]  # a literal


def _planar(stack: Stack) -> Geometry:
    """Judge images without a place: fine for projections, a refusal for slices."""
    if stack.frames[0].region is not None:
        return judge_ultrasound(stack)
    is_slide = stack.modality == "SM"  # its frames are levels of one image
    is_volume = stack.modality in {"MR", "CT", "PT"} or (len(stack.frames) > 1 and not is_slide)
    if is_volume:
        return _refused(stack, "PLANAR", "NO_POSITION", "no (0020,0032) or no (0020,0037)")
    frame = stack.frames[0]
    row, column = frame.pixel_spacing_mm or (None, None)
    grid = Grid((1, frame.rows, frame.columns), (None, row, column), positioned=False)
    source = stack.header.get("PixelSpacingSource", "")
    return Geometry("PLANAR", grid, (0,), None, f"spacing: {source}" if source else "")


def _single(stack: Stack, slices: Slices) -> Geometry:
    between = stack.header.get("SpacingBetweenSlices")
    thickness = stack.header.get("SliceThickness")
    if isinstance(between, (int, float)) and between > 0:
        return _regular(stack, slices, float(between), "one slice, spacing from (0018,0088)")
    code = f"{stack.modality}_SLICE_SPACING_ASSUMED"
    if isinstance(thickness, (int, float)) and thickness > 0:
        geometry = _regular(stack, slices, float(thickness), "one slice, spacing from (0018,0050)")
        return replace(geometry, code=code)
    geometry = _regular(stack, slices, None, "one slice of unknown thickness")
    return replace(geometry, code=code)


def _series(stack: Stack, slices: Slices) -> Geometry:
    gaps = np.diff(slices.along)
    if gaps.min() < SAME_PLACE_MM:
        count = int((gaps < SAME_PLACE_MM).sum())
        place = int(np.argmax(gaps < SAME_PLACE_MM))
        detail = f"(0020,0032) {count} of {len(gaps) + 1} slices repeated, first after {place + 1}"
        return _refused(stack, "DUPLICATE", "DUPLICATE_SLICE", detail)
    steps, spacing, start = fitted(slices.along, gaps)
    tolerance = min(POSITION_TOLERANCE_MM, POSITION_TOLERANCE_SLICES * spacing)
    off = np.abs(slices.along - (start + spacing * steps))
    aside = lengths(slices.aside)
    error = float(np.hypot(off, aside).max())
    uneven = float(off.max()) > tolerance
    tilted = float(aside.max()) > POSITION_TOLERANCE_MM
    shear = shear_of(slices) if tilted else None
    refusal = _displaced(stack, shear, error) if shear is not None else None
    if refusal is None and uneven:
        refusal = _too_uneven(stack, gaps, error)
    elif refusal is None and steps[-1] != len(gaps):
        refusal = _refused(stack, "MISSING", "MISSING_SLICE", holes(steps, spacing), error)
    if refusal is not None:
        return refusal
    if shear is not None or uneven:
        return _corrected(stack, slices, shear, uneven=uneven, error=error)
    moved = replace(slices, first=slices.first + start * slices.directions[0])
    geometry = _regular(stack, moved, spacing, "")
    return replace(geometry, largest_error_mm=error)


def _displaced(stack: Stack, shear: Shear, error: float) -> Geometry | None:
    """Return the refusal of slices that no tilted gantry displaces like this."""
    if shear.rest_mm > POSITION_TOLERANCE_MM:
        detail = f"(0020,0032) slices displaced in plane by up to {shear.drift_mm:.2f} mm"
        return _refused(stack, "UNEVEN", "UNEVEN_SPACING", detail, error)
    if shear.angle_degrees > LARGEST_TILT_DEGREES:
        return _refused(stack, "TILT", "TILT", shear.said, error)
    return None


def _too_uneven(stack: Stack, gaps: Array, error: float) -> Geometry | None:
    """Return the refusal of gaps that no interpolation may bridge."""
    said = f"(0020,0032) steps of {gaps.min():.3f} to {gaps.max():.3f} mm"
    around = np.pad(gaps, 1, constant_values=0.0)
    neighbours = np.maximum(around[:-2], around[2:])
    alone = np.flatnonzero(gaps >= ISOLATED_GAP * neighbours)
    if alone.size:
        detail = f"{said}: a lone gap after slice {int(alone[0]) + 1}"
        return _refused(stack, "MISSING", "MISSING_SLICE", detail, error)
    if gaps.max() > WIDEST_GAP_MM + SAME_PLACE_MM:
        detail = f"{said}, wider than {WIDEST_GAP_MM:g} mm"
        return _refused(stack, "UNEVEN", "UNEVEN_SPACING", detail, error)
    return None


def _corrected(
    stack: Stack, slices: Slices, shear: Shear | None, *, uneven: bool, error: float
) -> Geometry:
    """Give a sheared or uneven stack the grid of its corrected copy."""
    along, kinds, said = slices.along, [], []
    if shear is not None:
        kinds.append("TILT_CORRECTED")
        said.append(shear.said)
    if uneven:
        kinds.append("UNEVEN_CORRECTED")
        gaps = np.diff(along)
        said.append(f"(0020,0032) steps of {gaps.min():.3f} to {gaps.max():.3f} mm")
    else:  # jitter within the tolerance is not followed
        along = np.linspace(0.0, along[-1], len(along))
    native = _regular(stack, slices, float(np.diff(along).min()), "").grid
    assert native is not None
    in_plane = np.asarray(slices.directions[1:]).T
    grid, correction = corrected_grid(native, along, slices.aside @ in_plane)
    codes = tuple(f"{stack.modality}_{kind}" for kind in kinds)
    return Geometry(
        "TILT" if shear is not None else "UNEVEN",
        grid,
        slices.order,
        codes[0],
        "; ".join(said),
        error,
        replace(correction, codes=codes),
    )


def _regular(stack: Stack, slices: Slices, spacing: float | None, detail: str) -> Geometry:
    frame = stack.frames[0]
    assert frame.pixel_spacing_mm is not None
    x, y, z = (float(value) for value in slices.first)
    grid = Grid(
        shape=(len(slices.order), frame.rows, frame.columns),
        spacing_mm=(spacing, *frame.pixel_spacing_mm),
        origin_mm=(x, y, z),
        direction=tuple(tuple(float(v) for v in axis) for axis in slices.directions),  # type: ignore[arg-type]  # three by three
    )
    return Geometry("REGULAR", grid, slices.order, None, detail)
