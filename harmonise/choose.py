"""Which of several series fills a role: most of the grid covered, then finest in plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harmonise.grids import analytic_coverage
from harmonise.planned import Part
from harmonise.series import Geometry, Role, Stack
from harmonise.volume import Grid

__all__ = ["Candidate", "best", "own_coverage"]


@dataclass(frozen=True)
class Candidate:
    """A stack, or several, that could be made into a volume."""

    stack: Stack
    geometry: Geometry
    role: Role
    parts: tuple[Part, ...] = ()
    """What it is computed from, as of :class:`harmonise.planned.PlannedVolume`."""

    @property
    def grid(self) -> Grid:
        """Native grid; candidates are those whose geometry was trusted."""
        assert self.geometry.grid is not None
        return self.geometry.grid


def own_coverage(grid: Grid, spacing_mm: Sequence[float], shape: Sequence[int] | None) -> float:
    """Return the share of the recipe's grid, centred on ``grid`` itself, that ``grid`` covers.

    Without a fixed shape this is the extent along the normal in mm, so that more slices win.
    """
    steps = [spacing or 0.0 for spacing in grid.spacing_mm]
    if shape is None:
        return grid.shape[0] * steps[0]
    share = 1.0
    for count, step, wanted, target_mm in zip(grid.shape, steps, shape, spacing_mm, strict=True):
        share *= min(1.0, count * step / (wanted * target_mm))
    return share


def best(
    candidates: Sequence[Candidate],
    *,
    target: Grid | None,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    shape: Sequence[int] | None = None,
) -> tuple[Candidate, str]:
    """Return the best candidate and a line for the log.

    Parameters
    ----------
    candidates : sequence of Candidate
        At least one, all of one role (and one b-value).
    target : Grid or None
        The study's common grid; None compares each about its own centre.
    spacing_mm, shape
        The recipe's grid, for comparisons without a target.
    """

    def rank(one: Candidate) -> tuple[float, bool, bool, float, str, str]:
        grid = one.grid
        if target is not None and grid.positioned and None not in grid.spacing_mm:
            share = float(analytic_coverage(grid, target).mean())
        else:
            share = own_coverage(grid, spacing_mm, shape)
        in_plane_mm = max(spacing or 0.0 for spacing in grid.spacing_mm[1:])
        # rounded, so that header noise does not decide: 0.1 % of the grid, 1 micrometre
        is_corrected = one.geometry.correction is not None
        first_frame = one.stack.frames[0]
        has_direction = bool(first_frame.gradient or first_frame.scan_gradient)
        finest = (-round(share, 3), is_corrected, has_direction, round(in_plane_mm, 3))
        first_uid = min(frame.sop_instance_uid for frame in one.stack.frames)
        return (*finest, one.stack.series_uid, first_uid)

    ranked = sorted(candidates, key=rank)
    if len(ranked) == 1:
        return ranked[0], "the only series of its role"
    first, second = rank(ranked[0]), rank(ranked[1])
    reasons = (
        "covers more of the grid",
        "slices as they were stored",
        "averaged over directions",
        "finer in plane",
        "first by series UID, otherwise a tie",
        "first of its series by instance UID, otherwise a tie",
    )
    differing = (r for r, a, b in zip(reasons, first, second, strict=True) if a != b)
    why = next(differing, "first frame of one object, otherwise a tie")
    return ranked[0], f"chosen of {len(ranked)}: {why}"
