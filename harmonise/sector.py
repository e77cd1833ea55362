"""The field of view of an ultrasound probe: a fan or a rectangle fitted to what is lit.

Pure functions on arrays; pixels, rows down and columns right.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Sector", "fit_sector", "sector_mask"]

LIT = 6.0
"""Grey levels above the black around the fan; its own darkest parts are noise above it."""

CLOSING_PIXELS = 7
"""Dark vessels and cysts narrower than this are inside."""

SMALLEST_SHARE = 0.04
"""Of the picture: less that is lit shows no field of view."""

FILLED_SHARE = 0.85
"""Of the picture: where so much is lit, the box itself is the field of view."""

ACROSS_SHARE = 0.8
"""Of the width between upright edges that is lit in a row of the picture."""

STRAIGHT_SHARE = 0.03
"""Of the width: an edge that moves less from row to row is upright."""

UPRIGHT_ROWS = 0.75
"""Share of the rows in which both edges are upright, for a rectangle."""

EDGE_SAMPLES = 80
INLIER_PIXELS = 2.5
SHALLOW_SHARE = 0.5

LEAST_INLIERS = 0.25
"""Share of an edge's rows that lie on its line."""

OUTSIDE_SHARE = 0.01
"""Of what is lit: with more of it outside, the fan is not the one that was looked through."""

Points = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Sector:
    """A fitted field of view; every length in pixels, angles in radians from straight down.

    Parameters
    ----------
    kind : {"fan", "rectangle", "hull", "whole"}
        ``hull``, the convex hull of what is lit, where neither of the first two could be fitted;
        ``whole`` where what is lit fills the picture, or nothing is.
    lit : float
        Share of the picture that is lit.
    box : tuple of int
        First row, first column, row and column after the last; of a rectangle.
    apex : tuple of float
        Row and column where the edges of a fan meet.
    angles : tuple of float
        Left and right edge.
    radii : tuple of float
        From the apex to the probe's face and to the deepest pixel.
    hull : tuple of (float, float)
        Corners (row, column), in turn.
    """

    kind: Literal["fan", "rectangle", "hull", "whole"]
    lit: float = 0.0
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    apex: tuple[float, float] = (0.0, 0.0)
    angles: tuple[float, float] = (0.0, 0.0)
    radii: tuple[float, float] = (0.0, 0.0)
    hull: tuple[tuple[float, float], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON."""
        return asdict(self)

    def is_shallow(self, rows: int) -> bool:
        """Tell whether a fan ends in the upper half of a picture of so many rows: black below."""
        return self.kind == "fan" and self.apex[0] + self.radii[1] < SHALLOW_SHARE * rows

    def reaching(self, rows: int) -> Sector:
        """Return the same fan as deep as the picture."""
        return replace(self, radii=(self.radii[0], rows - 1 - self.apex[0]))

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Sector:
        """Return a sector read back."""
        lists = {k: tuple(said[k]) for k in ("box", "apex", "angles", "radii")}
        hull = tuple((row, column) for row, column in said["hull"])
        return cls(said["kind"], said["lit"], **lists, hull=hull)


def fit_sector(image: NDArray[np.float32], drawn: Mask | None = None) -> Sector:
    """Return the field of view of a picture, or of the brightest of a cine.

    What is lit, closed and the largest, has a left and a right edge. Upright ones make a rectangle.
    Two slanting ones make a fan: each is the line most rows lie on with nothing lit beyond, the
    apex is where they meet, the arcs are the nearest and farthest lit pixel from there.

    Parameters
    ----------
    image : ndarray, shape (rows, columns)
        0 to 255.
    drawn : ndarray of bool, optional
        What was drawn over the picture, and tells nothing.
    """
    black = float(np.percentile(image, 2))
    lit = image > black + LIT
    if drawn is not None:
        lit &= ~drawn
    all_lit = _closed(ndimage.binary_opening(lit))
    lit = _largest(all_lit)
    share = float(lit.mean())
    if not SMALLEST_SHARE <= share <= FILLED_SHARE:
        return Sector("whole", share)
    rows = np.flatnonzero(lit.any(axis=1))
    left = lit[rows].argmax(axis=1).astype(np.float64)
    right = lit.shape[1] - 1 - lit[rows, ::-1].argmax(axis=1).astype(np.float64)
    found = _rectangle(all_lit, rows, left, right)
    found = found or _fan(lit, rows.astype(np.float64), left, right) or _hull(lit)
    return replace(found, lit=share)


def sector_mask(sector: Sector, shape: tuple[int, int]) -> Mask:
    """Return the pixels that a sector holds, shape (rows, columns)."""
    if sector.kind == "whole":
        return np.ones(shape, np.bool_)
    if sector.kind == "rectangle":
        mask = np.zeros(shape, np.bool_)
        top, first, bottom, last = sector.box
        mask[top:bottom, first:last] = True
        return mask
    if sector.kind == "hull":
        return _inside_hull(np.asarray(sector.hull), shape)
    radius, angle = _polar(sector.apex, shape)
    near, far = sector.radii
    low, high = sector.angles
    inside = (radius >= near) & (radius <= far) & (angle >= low) & (angle <= high)
    return np.asarray(inside)


def _inside_hull(corners: Points, shape: tuple[int, int]) -> Mask:
    """Return the pixels on the inner side of every edge; corners run round in one sense."""
    down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    centre = corners.mean(axis=0)
    mask = np.ones(shape, np.bool_)
    for (row, column), (next_row, next_column) in zip(
        corners, np.roll(corners, -1, 0), strict=True
    ):
        normal = np.asarray([next_column - column, row - next_row])
        sense = np.sign(normal @ (centre - (row, column)))
        mask &= ((down - row) * normal[0] + (across - column) * normal[1]) * sense >= 0
    return mask


def _polar(apex: tuple[float, float], shape: tuple[int, int]) -> tuple[Points, Points]:
    down, across = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    down -= apex[0]
    across -= apex[1]
    return np.hypot(down, across), np.arctan2(across, down)


def _closed(mask: Mask) -> Mask:
    """Return a mask without its narrow gaps; the picture's edge is no gap."""
    wide = np.pad(mask, CLOSING_PIXELS)
    closed = ndimage.binary_closing(wide, iterations=CLOSING_PIXELS)
    return np.asarray(closed[CLOSING_PIXELS:-CLOSING_PIXELS, CLOSING_PIXELS:-CLOSING_PIXELS])


def _largest(mask: Mask) -> Mask:
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return np.asarray(labels == int(sizes.argmax()))


def _rectangle(lit: Mask, rows: NDArray[Any], left: Points, right: Points) -> Sector | None:
    """Return upright edges, as high as any row that is lit from one to the other."""
    first, last = float(np.median(left)), float(np.median(right))
    slack = STRAIGHT_SHARE * (last - first)
    upright = (np.abs(left - first) <= slack) & (np.abs(right - last) <= slack)
    if upright.mean() < UPRIGHT_ROWS:
        return None
    across = lit[:, int(first) : int(last) + 1].mean(axis=1) >= ACROSS_SHARE
    found = np.union1d(rows, np.flatnonzero(across))
    box = (int(found[0]), int(first), int(found[-1]) + 1, int(last) + 1)
    return Sector("rectangle", box=box)


def _hull(lit: Mask) -> Sector:
    """Return the convex hull of what is lit."""
    from scipy.spatial import ConvexHull  # takes 6 MB, and only ultrasound asks for it

    edge = lit & ~ndimage.binary_erosion(lit)
    points = np.argwhere(edge)
    corners = points[ConvexHull(points).vertices]
    return Sector("hull", hull=tuple((float(row), float(column)) for row, column in corners))


def _fan(lit: Mask, rows: Points, left: Points, right: Points) -> Sector | None:
    on_left, on_right = _edge(rows, left, -1.0), _edge(rows, right, 1.0)
    if on_left is None or on_right is None:
        return None
    (start_l, slope_l), (start_r, slope_r) = on_left, on_right
    if slope_r - slope_l < STRAIGHT_SHARE:  # parallel, or closing downwards
        return None
    row = (start_l - start_r) / (slope_r - slope_l)
    apex = (float(row), float(start_l + slope_l * row))
    if apex[0] > float(np.median(rows)):
        return None
    radius, angle = _polar(apex, (lit.shape[0], lit.shape[1]))
    low, high = float(np.arctan(slope_l)), float(np.arctan(slope_r))
    found = radius[lit & (angle >= low) & (angle <= high)]
    if not found.size:
        return None
    near, far = (float(v) for v in np.percentile(found, (0.05, 99.95)))
    sector = Sector("fan", apex=apex, angles=(low, high), radii=(max(near, 0.0), far))
    outside = lit & ~ndimage.binary_dilation(sector_mask(sector, lit.shape), iterations=2)
    return sector if outside.sum() <= OUTSIDE_SHARE * lit.sum() else None


def _edge(rows: Points, columns: Points, outward: float) -> tuple[float, float] | None:
    """Return (column at row 0, columns a row) of the line most rows lie on, none beyond it."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, EDGE_SAMPLES).astype(int))
    y, x = rows[chosen], columns[chosen]
    first, second = np.triu_indices(len(y), 1)
    slopes = (x[second] - x[first]) / (y[second] - y[first])
    starts = x[first] - slopes * y[first]
    beyond = (x[None, :] - (starts[:, None] + slopes[:, None] * y[None, :])) * outward
    inliers = (np.abs(beyond) <= INLIER_PIXELS).sum(axis=1)
    allowed = (beyond > INLIER_PIXELS).sum(axis=1) <= max(1, len(y) // 40)
    score = np.where(allowed, inliers, 0)
    best = int(score.argmax())
    if score[best] < LEAST_INLIERS * len(y):
        return None
    on_line = np.abs(beyond[best]) <= INLIER_PIXELS
    slope, start = np.polyfit(y[on_line], x[on_line], 1)
    return float(start), float(slope)
