"""One interpolation from a native grid onto a target grid; what was not measured stays NaN."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.grids import analytic_coverage, index_transform, known_spacing
from harmonise.itk import execute, from_image, on_one_thread, place, sitk, to_image
from harmonise.separable import is_separable, sampled_along_axes
from harmonise.volume import Grid, Volume

__all__ = ["ANTI_ALIAS_RATIO", "anti_alias_sigma", "interpolate", "resample_onto"]

ANTI_ALIAS_RATIO = 1.2
"""Smooth before sampling when the target spacing is more than this many native spacings."""

PAD_VOXELS = 2
"""Edge voxels repeated around the volume, so that the half voxel beyond the outermost centres is
interpolated and never depends on the rounding of a border index."""

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))


def anti_alias_sigma(native: Grid, target: Grid) -> tuple[float, float, float]:
    """Return the Gaussian's sigma in native voxels (slice, row, column); 0 leaves an axis alone.

    Full width at half maximum = the target spacing along that native axis, when it exceeds
    :data:`ANTI_ALIAS_RATIO` native spacings.
    """
    matrix = index_transform(native, target)[:3, :3]
    steps = np.linalg.norm(matrix, axis=1)  # native voxels per target voxel, by native axis
    sigmas = [
        round(float(step) / FWHM_PER_SIGMA, 9) if step > ANTI_ALIAS_RATIO else 0.0 for step in steps
    ]
    return sigmas[0], sigmas[1], sigmas[2]


def resample_onto(
    volume: Volume, target: Grid, *, order: int = 3, masked_value: float | None = None
) -> Volume:
    """Return ``volume`` on ``target`` by a single interpolation.

    A voxel is covered when its centre lies in the native field of view
    (:func:`harmonise.grids.analytic_coverage`) and the native voxel nearest to it was measured.
    Nothing is filled in: uncovered voxels are NaN. Scanner masks (``masked_value``) are not
    measurements either: they are kept out of the interpolation and come out NaN, while the
    coverage still speaks of the field of view.

    Parameters
    ----------
    volume : Volume
    target : Grid
    order : {1, 3}
        1 linear, 3 cubic B-spline. The spline is kept within the range of the input, so no value
        appears that the scanner did not span: cut above, replaced by the linear value below.
    masked_value : float, optional
        Value the scanner writes where it computed nothing (0 in vendors' ADC maps).

    Raises
    ------
    InconsistentSeries
        ``VOLUME_NOT_POSITIONED`` or ``VOLUME_EMPTY``.
    """
    native = volume.grid
    missing = ~np.isfinite(volume.values)
    if volume.coverage is not None:
        missing |= ~volume.coverage
    unmeasured = missing if masked_value is None else missing | (volume.values == masked_value)
    if unmeasured.all():
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel holds a measurement")
    filled = _fill(volume.values, unmeasured)
    smooth = _smooth(filled, anti_alias_sigma(native, target))
    values = interpolate(smooth, native, target, order=order)
    inside = analytic_coverage(native, target)
    if volume.field_of_view is not None:
        inside &= _nearest(volume.field_of_view, native, target)
    covered = inside & ~_nearest(missing, native, target) if missing.any() else inside
    measured = covered
    if masked_value is not None:
        measured = covered & ~_nearest(unmeasured, native, target)
    values[~measured] = np.nan
    return Volume(
        values=values,
        grid=target,
        unit=volume.unit,
        coverage=covered,
        quantitative=volume.quantitative,
        field_of_view=inside,
        meta=volume.meta,
    )


def interpolate(
    values: NDArray[np.float32], native: Grid, target: Grid, *, order: int
) -> NDArray[np.float32]:
    """Return ``values`` at the centres of ``target``; order 3 never leaves the input's range."""
    if order == 1:
        return _sampled(values, native, target, order)
    inside: NDArray[np.float32] = np.minimum(_sampled(values, native, target, order), values.max())
    low = inside < values.min()
    if not low.any():
        return inside
    linear = _sampled(values, native, target, 1)
    # cut at the lowest value an undershoot would become that value, in MR a 0 that says "nothing
    # was measured"; the linear value lies in range too and is 0 only among zeros
    return np.where(low, linear, inside)


def _sampled(
    values: NDArray[np.float32], native: Grid, target: Grid, order: int
) -> NDArray[np.float32]:
    matrix = index_transform(native, target)
    if is_separable(matrix, target.shape):
        return sampled_along_axes(values, matrix, target.shape, order=order, pad=PAD_VOXELS)
    how = sitk.sitkLinear if order == 1 else sitk.sitkBSpline
    return _sample(_image(values, native), target, how)


def _fill(values: NDArray[np.float32], unmeasured: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return ``values`` with every unmeasured voxel taking the nearest measured value."""
    if not unmeasured.any():
        return values
    nearest = ndimage.distance_transform_edt(
        unmeasured, return_distances=False, return_indices=True
    )
    filled: NDArray[np.float32] = values[tuple(nearest)]
    return filled


def _smooth(
    values: NDArray[np.float32], sigma_voxels: tuple[float, float, float]
) -> NDArray[np.float32]:
    smooth = values
    for axis, sigma in enumerate(sigma_voxels):
        if sigma and values.shape[axis] > 1:
            smooth = ndimage.gaussian_filter1d(smooth, sigma, axis=axis, mode="nearest")
    return smooth.astype(np.float32, copy=False)


def _nearest(mask: NDArray[np.bool_], native: Grid, target: Grid) -> NDArray[np.bool_]:
    image = _image(mask.astype(np.float32), native)
    return _sample(image, target, sitk.sitkNearestNeighbor) > 0.5


def _image(values: NDArray[np.float32], grid: Grid) -> Any:
    """Return an ITK image with its edge voxels repeated :data:`PAD_VOXELS` times all round."""
    spacing_mm = known_spacing(grid)
    origin = np.asarray(grid.origin_mm)
    for axis in range(3):
        origin = origin - np.asarray(grid.direction[axis]) * PAD_VOXELS * spacing_mm[axis]
    padded = np.pad(values, PAD_VOXELS, mode="edge")
    x, y, z = (float(value) for value in origin)
    return to_image(padded, replace(grid, shape=padded.shape, origin_mm=(x, y, z)))


def _sample(image: Any, target: Grid, interpolator: int) -> NDArray[np.float32]:
    spacing_mm, origin_mm, direction = place(target)
    resampler = on_one_thread(sitk.ResampleImageFilter())
    resampler.SetInterpolator(interpolator)
    resampler.SetOutputPixelType(sitk.sitkFloat32)
    resampler.SetDefaultPixelValue(math.nan)
    resampler.SetSize(target.shape[::-1])
    resampler.SetOutputSpacing(spacing_mm)
    resampler.SetOutputOrigin(origin_mm)
    resampler.SetOutputDirection(direction)
    return from_image(execute(resampler, image))
