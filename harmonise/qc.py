"""Quality metrics of a volume and the verdict its codes give; closed forms, no state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from config.codes import explain_code
from harmonise.volume import Volume

__all__ = [
    "Verdict",
    "coverage_fraction",
    "entropy_focus",
    "finite_fraction",
    "measure",
    "percentiles",
    "verdict_of",
]

Verdict = Literal["PASS", "REVIEW", "REJECT"]

LARGEST_LEVEL = 65535
"""Whole numbers up to this are counted by value, a hundred times faster on a mammogram."""

PERCENTILES = (1, 25, 50, 75, 99)


def finite_fraction(values: NDArray[np.floating]) -> float:
    """Return the share of voxels that hold a number."""
    return float(np.isfinite(values).mean())


def coverage_fraction(volume: Volume) -> float:
    """Return the share of the grid that lies in the source's field of view."""
    return 1.0 if volume.coverage is None else float(volume.coverage.mean())


def percentiles(values: NDArray[np.floating]) -> dict[str, float]:
    """Return the 1st, 25th, 50th, 75th and 99th percentile of the measured values."""
    measured = values[np.isfinite(values)]
    if not measured.size:
        return {}
    if measured.min() >= 0 and _is_whole(measured):
        found = _counted_percentiles(np.bincount(measured.astype(np.int32)))
    elif measured.dtype == np.float32:
        found = _sorted_percentiles(measured)
    else:
        found = np.percentile(measured, PERCENTILES)
    return {f"p{q}": float(value) for q, value in zip(PERCENTILES, found, strict=True)}


def entropy_focus(values: NDArray[np.floating]) -> float | None:
    """Return the entropy focus criterion (Atkinson 1997, doi:10.1109/42.650886), 0 to 1.

    ``EFC = -(1 / E_max) sum (x / r) ln (x / r)`` with ``r = sqrt(sum x^2)`` and ``E_max`` its value
    when all n voxels are equal, ``n (1 / sqrt n) ln(sqrt n)``. Unchanged by a change of scale; 1
    for a constant image, 0 for a single bright voxel. None when a value is negative or all are 0.
    """
    measured = values[np.isfinite(values)]
    if measured.size < 2 or measured.min() < 0:
        return None
    levels, counts = _levels(measured)
    energy = float(np.sqrt((counts * levels**2).sum()))
    if energy == 0.0:
        return None
    share = levels / energy
    largest = measured.size / np.sqrt(measured.size) * np.log(np.sqrt(measured.size))
    return float(-(counts * share * np.log(share)).sum() / largest) + 0.0


def _is_whole(measured: NDArray[np.floating]) -> bool:
    return bool(measured.max() <= LARGEST_LEVEL) and bool((measured == np.rint(measured)).all())


def _counted_percentiles(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the percentiles of whole numbers from how often each stands there.

    Linear between order statistics, as ``numpy.percentile``.
    """
    upto = np.cumsum(counts)
    place = (upto[-1] - 1) * np.asarray(PERCENTILES) / 100
    below, above = np.floor(place), np.ceil(place)
    low, high = (
        np.searchsorted(upto, at, side="right").astype(np.float64) for at in (below, above)
    )
    found: NDArray[np.float64] = low + (high - low) * (place - below)
    return found


def _sorted_percentiles(measured: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what ``numpy.percentile`` returns of the values in double precision, in half the time.

    Only those are sorted that share the upper half of a wanted one's bits.
    """
    place = (measured.size - 1) * (np.asarray(PERCENTILES) / 100)
    below = np.floor(place).astype(np.intp)
    ranks = np.concatenate([below, np.minimum(below + 1, measured.size - 1)])
    low, high = np.split(_at_ranks(measured, ranks), 2)
    share, span = place - below, high - low
    found: NDArray[np.float64] = np.where(
        share < 0.5, low + span * share, high - span * (1 - share)
    )
    return found


def _at_ranks(values: NDArray[np.float32], ranks: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the values that stand at ``ranks`` when all are sorted."""
    bits = np.ascontiguousarray(values).view(np.uint32)
    ordered = np.where(bits >> 31, ~bits, bits | 1 << 31)  # sorts as the numbers do (IEEE 754)
    upper = ordered >> 16
    counts = np.bincount(upper, minlength=1 << 16)
    upto = np.cumsum(counts)
    homes = np.searchsorted(upto, ranks, side="right")
    found = np.empty(ranks.size)
    for home in np.unique(homes):
        alike, mine = np.sort(values[upper == home]), homes == home
        found[mine] = alike[ranks[mine] - (upto[home] - counts[home])]
    return found


def _levels(measured: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the positive values and how often each stands there; whole ones are counted once."""
    if _is_whole(measured):
        counts = np.bincount(measured.astype(np.int32))
        levels = np.flatnonzero(counts)
        levels = levels[levels > 0]
        return levels.astype(np.float64), counts[levels]
    positive = measured[measured > 0].astype(np.float64)
    return positive, np.ones(positive.size, np.int64)


def measure(volume: Volume) -> dict[str, float | None]:
    """Return every metric of a volume, JSON-serialisable."""
    return {
        "finite_fraction": finite_fraction(volume.values),
        "coverage_fraction": coverage_fraction(volume),
        "entropy_focus": entropy_focus(volume.values),
        **percentiles(volume.values),
    }


def verdict_of(codes: Iterable[str]) -> Verdict:
    """Return the verdict of a volume with these codes: flags ask for a look, the rest rejects."""
    kinds = {explain_code(code).kind for code in codes}
    if kinds - {"flag"}:
        return "REJECT"
    return "REVIEW" if kinds else "PASS"
