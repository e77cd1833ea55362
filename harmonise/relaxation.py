"""T2 from the raw echoes of a multi-echo spin echo series."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.series import Role, Stack
from harmonise.volume import Volume

__all__ = ["fit_t2", "refitted_t2"]

FEWEST_ECHOES = 3
"""Two always lie on a line."""

SKIPPED = 1
"""The first echo lacks the stimulated echoes of all others, and is left out where enough are left
(Milford 2015, doi:10.1371/journal.pone.0145255)."""

LONGEST_MS = 1000.0
"""No muscle, nerve or fat is near it: above lies fluid the echoes do not reach, or noise."""

Values = NDArray[np.float64]


def fit_t2(signals: Values, times_ms: Values) -> Values:
    """Return T2 in ms of ``S = S0 exp(-TE / T2)``: the line through ln S, each weighted by S^2.

    The logarithm of a signal with noise sd scatters by sd / S, hence the weights. NaN where a
    signal is not positive, or T2 is not within 0 to :data:`LONGEST_MS`.

    Parameters
    ----------
    signals : ndarray, shape (echoes, ...)
    times_ms : ndarray, shape (echoes,)
        Echo times.
    """
    positive = (signals > 0).all(axis=0)
    safe = np.where(positive, signals, 1.0)
    logs, weights = np.log(safe), safe**2
    times = times_ms.reshape((-1, *(1,) * (signals.ndim - 1)))
    total = weights.sum(axis=0)
    centred = times - (weights * times).sum(axis=0) / total
    rate = -(weights * centred * logs).sum(axis=0) / (weights * centred**2).sum(axis=0)
    with np.errstate(divide="ignore"):
        t2 = 1.0 / rate
    return np.where(positive & (t2 > 0) & (t2 <= LONGEST_MS), t2, np.nan)


def refitted_t2(stacks: Sequence[Stack], read: Callable[[int], Volume], _role: Role) -> Volume:
    """Return the T2 map of the echoes of one series, read one at a time.

    Raises
    ------
    InconsistentSeries
        ``ECHO_TIME_MISSING``: an echo without (0018,0081) or (0018,9082), or fewer than three
        different ones; ``VOLUME_EMPTY``.
    """
    times = [stack.frames[0].echo_time_ms for stack in stacks]
    known = sorted({time for time in times if time is not None and time > 0})
    if None in times or len(known) < max(FEWEST_ECHOES, len(stacks)):
        detail = f"(0018,0081) {len(known)} different echo times of {len(stacks)} echoes"
        raise InconsistentSeries("ECHO_TIME_MISSING", detail)
    order = sorted(range(len(stacks)), key=lambda index: float(times[index] or 0.0))
    used = order[SKIPPED:] if len(order) > FEWEST_ECHOES else order
    volumes = [read(index) for index in used]
    used_ms = np.array([float(times[index] or 0.0) for index in used])
    signals = np.stack([volume.values.astype(np.float64) for volume in volumes])
    values = fit_t2(np.nan_to_num(signals), used_ms).astype(np.float32)
    covered = np.isfinite(values)
    if not covered.any():
        raise InconsistentSeries("VOLUME_EMPTY", "no voxel has a T2 that tissue can have")
    computed = {"maker": "t2_refit", "echo_times_ms": used_ms.tolist(), "codes": []}
    like = volumes[0]
    return Volume(
        values,
        like.grid,
        "ms",
        None if covered.all() else covered,
        True,
        {"computed": computed},
        like.field_of_view,
    )
