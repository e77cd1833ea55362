"""How many bad volumes a sample leaves possible: exact one-sided bounds, and how much to read."""

from __future__ import annotations

from scipy import stats

__all__ = ["CONFIDENCE", "largest_share", "pairs_to_read"]

CONFIDENCE = 0.95
"""One-sided. A group passes that is worse than its limit at most once in twenty."""


def largest_share(rejected: int, read: int, size: int) -> float:
    """Return the upper bound of the share of bad volumes in a group.

    Of ``size`` volumes ``read`` were drawn without replacement and ``rejected`` of them were bad:
    the bound is the largest number of bad volumes with which so few rejects are seen more often
    than once in twenty (hypergeometric, exact), over ``size``. For a very large group it becomes
    Clopper and Pearson's bound (doi:10.1093/biomet/26.4.404).

    Parameters
    ----------
    rejected, read, size : int
        0 <= rejected <= read <= size, size > 0.
    """
    if not 0 <= rejected <= read <= size or size < 1:
        msg = f"{rejected} of {read} of {size}"
        raise ValueError(msg)
    low, high = rejected, size - (read - rejected)  # what is possible at all
    while low < high:  # the probability falls as the number of bad volumes grows
        bad = (low + high + 1) // 2
        if stats.hypergeom.cdf(rejected, size, bad, read) > 1 - CONFIDENCE:
            low = bad
        else:
            high = bad - 1
    return low / size


def pairs_to_read(size: int, max_share: float, rejected: int = 0) -> int | None:
    """Return the fewest pairs of a group that show its share of bad volumes to be within a limit.

    None where ``rejected`` is more than the limit allows of the whole group.
    """
    if largest_share(rejected, size, size) > max_share:
        return None
    low, high = rejected, size
    while low < high:
        read = (low + high) // 2
        if largest_share(rejected, read, size) <= max_share:
            high = read
        else:
            low = read + 1
    return low
