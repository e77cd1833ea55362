"""Quality of MR images: noise, distortion and lost signal; closed forms and figures, no state.

Each figure stays the same when an image is multiplied by a number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import InconsistentSeries
from harmonise.grids import known_spacing
from harmonise.interpolate import resample_onto
from harmonise.steps.foreground import foreground_of
from harmonise.steps.statistics import box_about_centre
from harmonise.volume import Volume

__all__ = [
    "LEAST_SNR",
    "Outline",
    "dice",
    "largest_void_ml",
    "noise_of",
    "outline_of",
    "overlap_of_outlines",
    "signal_to_noise",
]

BOX_MM = (60.0, 80.0, 80.0)
"""Slice, row, column about the centre: the prostate and what surrounds it."""

LEAST_SNR = 3.0
"""Below it the noise of a magnitude image is no longer normal and lifts its mean (Gudbjartsson and
Patz 1995, doi:10.1002/mrm.1910340618), so that an ADC comes out too low."""

LAPLACE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
"""Difference of two Laplacians (Immerkaer 1996, doi:10.1006/cviu.1996.0060): blind to planes."""

OUTLINE_MM = 3.0
"""Pixels on which outlines are compared; distortion that matters is wider."""

MOST_AT_BORDER = 0.5
"""Share of the picture's border that is body: above it the field of view does not show where the
body ends, and what is dark inside is no air."""

VOID_SHARE = 0.1
"""Of the median signal of the body: below it there is gas, metal, a coil or cortical bone."""

Values = NDArray[np.floating]
Mask = NDArray[np.bool_]


def noise_of(values: Values) -> float | None:
    """Return the standard deviation of the noise, in the image's unit; None from too few voxels.

    ``sd = sqrt(pi / 2) / (6 (W - 2) (H - 2)) sum |I * N|`` over every slice, N of
    :data:`LAPLACE` (Immerkaer 1996). Edges add to it, so it is an upper estimate; an image that was
    interpolated by its scanner has less than it was measured with.

    Parameters
    ----------
    values : ndarray, shape (slices, rows, columns)
    """
    if min(values.shape[1:]) < 3 or not np.isfinite(values).all():
        return None
    left = [ndimage.convolve(plane.astype(np.float64), LAPLACE)[1:-1, 1:-1] for plane in values]
    return float(np.sqrt(np.pi / 2) / 6 * np.mean(np.abs(left)))


def signal_to_noise(volume: Volume) -> float | None:
    """Return the mean over the noise (:func:`noise_of`) in the box about the centre."""
    if None in volume.grid.spacing_mm:
        return None
    box = volume.values[box_about_centre(volume, BOX_MM)]
    noise = noise_of(box)
    return float(box.mean(dtype=np.float64)) / noise if noise else None


def dice(one: Mask, other: Mask) -> float | None:
    """Return ``2 |A and B| / (|A| + |B|)`` (Dice 1945, doi:10.2307/1932409); None of two empty."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else None


@dataclass(frozen=True)
class Outline:
    """The body on a coarse grid. ``is_whole`` is False where no air shows where it ends."""

    image: Volume
    body: Mask
    is_whole: bool


def outline_of(volume: Volume, like: Outline | None = None) -> Outline | None:
    """Return the body of an image on its own coarse grid, or on another's; None where none is."""
    try:
        coarse = resample_onto(volume, like.image.grid, order=1) if like else _coarse(volume)
        found = foreground_of(coarse.values)
    except InconsistentSeries:
        return None
    body = np.stack([ndimage.binary_fill_holes(plane) for plane in found.mask])
    edges = (body[:, 0], body[:, -1], body[:, :, 0], body[:, :, -1])
    at_border = float(np.concatenate([edge.ravel() for edge in edges]).mean())
    return Outline(coarse, body, found.air_below is not None and at_border < MOST_AT_BORDER)


def _coarse(volume: Volume) -> Volume:
    """Return the mean over blocks of pixels of about :data:`OUTLINE_MM`, slices as they are."""
    grid = volume.grid
    _, row_mm, column_mm = known_spacing(grid)
    down, across = (max(1, round(OUTLINE_MM / step)) for step in (row_mm, column_mm))
    rows, columns = grid.shape[1] // down, grid.shape[2] // across
    kept = volume.values[:, : rows * down, : columns * across]
    values = kept.reshape(grid.shape[0], rows, down, columns, across).mean(axis=(2, 4))
    start = np.asarray(grid.origin_mm)
    start = start + np.asarray(grid.direction[1]) * row_mm * (down - 1) / 2
    start = start + np.asarray(grid.direction[2]) * column_mm * (across - 1) / 2
    x, y, z = (float(v) for v in start)
    coarse = replace(
        grid,
        shape=(grid.shape[0], rows, columns),
        spacing_mm=(grid.spacing_mm[0], row_mm * down, column_mm * across),
        origin_mm=(x, y, z),
    )
    return Volume(values.astype(np.float32), coarse, volume.unit)


def overlap_of_outlines(one: Outline, other: Outline) -> float | None:
    """Return the Dice of two outlines on one grid where both images lie; a proxy of distortion.

    None unless air shows in both: a field of view inside the body has no outline.
    """
    if not (one.is_whole and other.is_whole):
        return None
    both = np.isfinite(one.image.values) & np.isfinite(other.image.values)
    return dice(one.body & both, other.body & both)


def largest_void_ml(outline: Outline) -> float:
    """Return the volume, millilitres, of the largest connected part of the box without signal.

    Gas in the rectum, an endorectal coil or metal: less than a tenth of the box's median.
    """
    image = outline.image
    values = image.values[box_about_centre(image, BOX_MM)]
    measured = np.isfinite(values)
    if not measured.any():
        return 0.0
    dark = measured & (np.nan_to_num(values) < VOID_SHARE * float(np.median(values[measured])))
    labels, count = ndimage.label(dark)
    voxel_ml = float(np.prod(known_spacing(image.grid))) / 1000.0
    return float(np.bincount(labels.ravel())[1:].max()) * voxel_ml if count else 0.0
