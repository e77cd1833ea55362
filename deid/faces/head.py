"""The head in a volume: its boundary with the air, and an ellipsoid that fits its vault."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from config.errors import UnsupportedObject
from deid.faces.grid import Grid, ball
from deid.faces.settings import HeadSettings

__all__ = ["Head", "air_threshold", "find_head", "tissue"]

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Head:
    """A head on a grid.

    Parameters
    ----------
    grid : Grid
        Of the masks, (z, y, x).
    seen : array of bool
        Cells inside the volume.
    raw : array of bool
        Tissue that hangs together, with nose and ears.
    mask : array of bool
        The same without ears, tubes and headrest, its cavities closed.
    threshold : float
        Real value above which a cell is tissue.
    centre_mm, axes_mm : tuple
        LPS (x, y, z) of the centre of the vault's ellipsoid, and how far it reaches from there
        to the side, to the front and up.
    terms : tuple
        Of x2, y2, z2 and y z in its equation from the centre, 1 / mm2: it may nod, not turn.
    residual_mm : float
        90th percentile of the distance of the vault's skin from it.
    scale : float
        Its breadth over an adult's.
    """

    grid: Grid
    seen: Mask
    raw: Mask
    mask: Mask
    threshold: float
    centre_mm: tuple[float, float, float]
    axes_mm: tuple[float, float, float]
    terms: tuple[float, float, float, float]
    residual_mm: float
    scale: float

    def outside(self, grown_mm: float) -> Mask:
        """Tell which cells lie outside the ellipsoid, each half axis longer by a length."""
        z, y, x = (
            (q - c) / (1 + grown_mm / half)
            for q, c, half in zip(
                self.grid.axes(), reversed(self.centre_mm), reversed(self.axes_mm), strict=True
            )
        )
        xx, yy, zz, yz = self.terms
        return np.asarray(xx * x * x + yy * y * y + zz * z * z + yz * y * z > 1.0)


def find_head(
    grid: Grid, values: NDArray[np.float32], *, modality: str, settings: HeadSettings
) -> Head:
    """Return the head of a volume.

    Parameters
    ----------
    grid : Grid
        Of ``values``.
    values : array
        Real values (z, y, x), CT in HU; NaN outside the volume.
    modality : str
        CT or MR.
    settings : HeadSettings
        Thresholds and lengths.

    Raises
    ------
    UnsupportedObject
        ``FACE_HEAD_NOT_FOUND`` when nothing in it has the shape of the upper part of a head.
    """
    seen = np.isfinite(values)
    threshold = air_threshold(values[seen], modality, settings)
    raw = tissue(values, threshold)
    mask = _solid(raw, seen, grid.step_mm, settings)
    bottom, top, clipped_mm = _vertex(mask, seen, grid)
    scale = 1.0
    for _ in range(3):
        vault = _ellipsoid(_skin(mask, seen, grid, top - settings.cap_mm * scale))
        new = float(np.clip(2 * vault.axes_mm[0] / settings.adult_breadth_mm, 0.55, 1.25))
        if abs(new - scale) < 0.02:
            break
        scale = new
    _require_head(vault, settings, scale)
    centre, axes = vault.centre_mm, vault.axes_mm
    if abs(centre[2] + axes[2] - top) > 15 * scale + clipped_mm or bottom > centre[2]:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "the vault's top is elsewhere")
    return Head(
        grid, seen, raw, mask, threshold, centre, axes, vault.terms, vault.residual_mm, scale
    )


def _require_head(vault: _Vault, settings: HeadSettings, scale: float) -> None:
    limits = (settings.breadth_mm, settings.length_mm, settings.height_mm)
    words = ("broad", "long", "high")
    for half, (least, most), word in zip(vault.axes_mm, limits, words, strict=True):
        if not least <= 2 * half <= most:
            raise UnsupportedObject("FACE_HEAD_NOT_FOUND", f"{2 * half:.0f} mm {word}")
    if vault.residual_mm > settings.fit_residual_mm * scale:
        raise UnsupportedObject(
            "FACE_HEAD_NOT_FOUND", f"{vault.residual_mm:.1f} mm from an ellipsoid"
        )
    if vault.share < settings.coverage_share:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", f"{vault.share:.0%} of the vault seen")


def air_threshold(values: NDArray[np.float32], modality: str, settings: HeadSettings) -> float:
    """Return the real value above which a cell is tissue.

    Raises
    ------
    UnsupportedObject
        ``FACE_HEAD_NOT_FOUND`` when all values are alike.
    """
    if modality == "CT":
        return settings.ct_air_hu
    low, high = (float(v) for v in np.percentile(values, (1, 99.5))) if values.size else (0.0, 0.0)
    if not high > low:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "an even image")
    counts, edges = np.histogram(np.clip(values, low, high), 256)
    middle = (edges[1:] + edges[:-1]) / 2
    # Otsu 1979: the threshold with the largest variance between the two classes.
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    otsu = float(middle[int(np.nanargmax(between[:-1]))])
    return low + settings.mr_fraction * (otsu - low)


def tissue(values: NDArray[np.float32], threshold: float) -> Mask:
    """Return the largest connected part above the threshold.

    Raises
    ------
    UnsupportedObject
        ``FACE_HEAD_NOT_FOUND`` when there is none.
    """
    above = np.nan_to_num(values, nan=-np.inf) > threshold
    return _largest(above)


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if not count:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "no tissue")
    return np.asarray(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))


def _solid(raw: Mask, seen: Mask, step_mm: float, settings: HeadSettings) -> Mask:
    """Close cavities, then cut off what is thin: ears, tubes, a headrest."""
    radius = settings.closing_mm
    pad = round(radius / step_mm) + 1
    padded = np.pad(raw, pad)
    closed = _closing(padded, radius, step_mm)
    for axis in range(3):  # cavities open at a cut end of the volume are closed plane by plane
        for plane in range(closed.shape[axis]):
            at = [slice(None)] * 3
            at[axis] = plane  # type: ignore[call-overload]
            closed[tuple(at)] = ndimage.binary_fill_holes(closed[tuple(at)])
    filled = closed[pad:-pad, pad:-pad, pad:-pad]
    # Outside the volume the head goes on, so that a cut end is not taken for something thin.
    carried = np.pad(filled | ~seen, pad, mode="edge")
    opened = _opening(carried, settings.opening_mm, step_mm)[pad:-pad, pad:-pad, pad:-pad]
    return _largest(opened & filled & seen)


def _closing(mask: Mask, radius_mm: float, step_mm: float) -> Mask:
    grown = ndimage.distance_transform_edt(~mask) * step_mm <= radius_mm
    return np.asarray(mask | (ndimage.distance_transform_edt(grown) * step_mm > radius_mm))


def _opening(mask: Mask, radius_mm: float, step_mm: float) -> Mask:
    core = ndimage.distance_transform_edt(mask) * step_mm > radius_mm
    if not core.any():
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "nothing as thick as a head")
    return np.asarray(mask & (ndimage.distance_transform_edt(~core) * step_mm <= radius_mm))


def _vertex(mask: Mask, seen: Mask, grid: Grid) -> tuple[float, float, float]:
    """Return lowest and highest z of the head, and how much of the vertex was cut off.

    An ellipsoid cut near its end at area A lacks about A x height / (2 pi breadth length) there.
    """
    area = mask.sum(axis=(1, 2)) * grid.step_mm**2
    planes = np.flatnonzero(area > 400)
    if not planes.size:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "no tissue")
    last = int(planes[-1])
    covered = seen.sum(axis=(1, 2))
    edge = last + 2 >= len(area) or covered[last + 2] < 0.5 * covered.max()
    clipped = area[last] * 80 / (2 * np.pi * 76 * 95) if edge else 0.0
    if clipped > 12:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "the top of the head is not in the volume")
    z = grid.origin_mm[2] + grid.step_mm * planes
    return float(z[0]), float(z[-1] + clipped), float(clipped)


def _skin(mask: Mask, seen: Mask, grid: Grid, lowest_mm: float) -> Points:
    """Return LPS points of the boundary with seen air above a height."""
    air = seen & ~mask
    cells = mask & ndimage.binary_dilation(air, ball(grid.step_mm, grid.step_mm))
    first = max(0, int(np.ceil((lowest_mm - grid.origin_mm[2]) / grid.step_mm)))
    index = np.argwhere(cells[first:]) + np.array([first, 0, 0])
    return np.asarray(np.array(grid.origin_mm) + grid.step_mm * index[:, ::-1])


@dataclass(frozen=True)
class _Vault:
    centre_mm: tuple[float, float, float]
    axes_mm: tuple[float, float, float]
    terms: tuple[float, float, float, float]
    residual_mm: float
    share: float


def _ellipsoid(points: Points) -> _Vault:
    """Fit an ellipsoid that may nod but not turn.

    Least squares of the quadric, four times, each without what lay far off the last.
    """
    if len(points) < 200:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "too little skin")
    middle = points.mean(axis=0)
    p = (points - middle) / 100
    kept = np.ones(len(p), bool)
    for _ in range(4):
        matrix, centre = _quadric(p[kept])
        rays = p - centre
        radius = np.sqrt(np.einsum("ni,ij,nj->n", rays, matrix, rays))
        off = np.linalg.norm(rays, axis=1) * (1 - 1 / radius) * 100
        spread = float(np.percentile(np.abs(off), 80))
        kept = np.abs(off) <= max(3.0, 2.0 * spread)
    half = np.sqrt(np.diag(np.linalg.inv(matrix))) * 100
    mm = centre * 100 + middle
    flat = matrix / 1e4
    return _Vault(
        (float(mm[0]), float(mm[1]), float(mm[2])),
        (float(half[0]), float(half[1]), float(half[2])),
        (float(flat[0, 0]), float(flat[1, 1]), float(flat[2, 2]), float(2 * flat[1, 2])),
        float(np.percentile(np.abs(off), 90)),
        _share((rays / (half / 100))[kept]),
    )


def _quadric(p: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the matrix and the centre of the ellipsoid nearest to points around the origin."""
    x, y, z = p.T
    found = np.linalg.lstsq(np.stack([x * x, y * y, z * z, y * z, x, y, z], 1), np.ones(len(p)))[0]
    matrix = np.diag(found[:3])
    matrix[1, 2] = matrix[2, 1] = found[3] / 2
    if np.linalg.eigvalsh(matrix).min() <= 0:
        raise UnsupportedObject("FACE_HEAD_NOT_FOUND", "not convex")
    centre = -np.linalg.solve(matrix, found[4:]) / 2
    return matrix / (1 + centre @ matrix @ centre), centre


def _share(rays: Points) -> float:
    """Share of the directions between 10 and 75 degrees up, 24 around, that have skin."""
    up = np.degrees(np.arctan2(rays[:, 2], np.hypot(rays[:, 0], rays[:, 1])))
    around = (np.degrees(np.arctan2(rays[:, 1], rays[:, 0])) % 360 // 15).astype(int)
    bands = np.digitize(up, (10, 25, 40, 55, 75))
    cells = {(a, b) for a, b in zip(around.tolist(), bands.tolist(), strict=True) if 1 <= b <= 4}
    return len(cells) / (24 * 4)
