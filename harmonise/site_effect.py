"""How much of a measurement's spread is the site's doing: omega squared, one way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["omega_squared"]


def omega_squared(by_site: Mapping[str, Sequence[float]]) -> float | None:
    """Return the share of the variance that the site explains, corrected for chance.

    ``(SS_between - (k - 1) MS_within) / (SS_total + MS_within)`` with k sites (Hays, Statistics
    for Psychologists, 1963). 0 where sites differ no more than chance makes them, below 0 where
    they differ less; 1 where nothing else varies.

    Parameters
    ----------
    by_site : mapping of sequence of float
        One number a volume. Sites of one volume say nothing about spread within sites but count.

    Returns
    -------
    float or None
        None for fewer than two sites, no more volumes than sites, or no spread at all.
    """
    groups = [np.asarray(values, np.float64) for values in by_site.values() if len(values)]
    count = sum(group.size for group in groups)
    if len(groups) < 2 or count <= len(groups):
        return None
    everything = np.concatenate(groups)
    total = float(((everything - everything.mean()) ** 2).sum())
    within = float(sum(((group - group.mean()) ** 2).sum() for group in groups))
    mean_within = within / (count - len(groups))
    if total + mean_within <= 0:
        return None
    return (total - within - (len(groups) - 1) * mean_within) / (total + mean_within)
