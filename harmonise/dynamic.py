"""A dynamic series: when each phase was acquired, how many precede the contrast, how much it adds.

Times are those of the frames, never a phase's number times a nominal resolution.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.series import Stack
from harmonise.volume import Volume

__all__ = ["Timing", "relative_enhancement", "timing_of"]

DAY_S = 86400.0
LEAST_PHASES = 3
IRREGULAR = 0.2
"""Intervals that differ from their median by a larger share make the series irregular."""

BRIGHTEST = 0.05
"""Share of voxels, those that brighten most, that tell when the contrast arrives."""
ONSET = 0.1
"""Of their whole rise: the first phase above it is the first with contrast."""
LEAST_RISE = 0.05
"""Of their first signal: less is no contrast."""
DARKEST = 0.05
"""Of the 99th percentile of the baseline: a ratio to less is a ratio to noise."""

CLOCK = re.compile(r"(?:\d{8})?(\d{2})(\d{2})(\d{2}(?:\.\d+)?)(?:[+-]\d{4})?$")
"""TM, or DT with its date left out (PS3.5 6.2)."""


@dataclass(frozen=True)
class Timing:
    """Phases in order of time. ``order`` indexes the stacks; seconds count from the first."""

    order: tuple[int, ...]
    seconds: tuple[float, ...]

    @property
    def resolution_s(self) -> float:
        """Median interval between phases."""
        return float(np.median(np.diff(self.seconds)))

    @property
    def regular(self) -> bool:
        """Tell whether every interval is within :data:`IRREGULAR` of the median."""
        intervals = np.diff(self.seconds)
        return bool((np.abs(intervals / self.resolution_s - 1) <= IRREGULAR).all())


def timing_of(stacks: Sequence[Stack]) -> Timing:
    """Return when each phase began, by (0008,0032), (0018,9074) or (0018,1060).

    Where the acquisition times are all one, as a vendor writes who counts from the first phase,
    trigger times are read instead.

    Raises
    ------
    InconsistentSeries
        ``MR_DCE_TIMES_UNKNOWN``: too few phases, a time missing, two phases at one time, or an
        order that contradicts the temporal positions.
    """
    if len(stacks) < LEAST_PHASES:
        raise InconsistentSeries("MR_DCE_TIMES_UNKNOWN", f"{len(stacks)} phases")
    clock = [_clock_s(stack) for stack in stacks]
    if len(set(clock)) == 1:
        clock = [_trigger_s(stack) for stack in stacks]
    known = [time for time in clock if time is not None]
    if len(known) < len(stacks):
        missing = len(stacks) - len(known)
        detail = f"{missing} of {len(stacks)} phases without (0008,0032) or (0018,1060)"
        raise InconsistentSeries("MR_DCE_TIMES_UNKNOWN", detail)
    if max(known) - min(known) > DAY_S / 2:  # past midnight
        known = [time + DAY_S if time < DAY_S / 2 else time for time in known]
    order = sorted(range(len(stacks)), key=known.__getitem__)
    seconds = [known[index] - known[order[0]] for index in order]
    positions = [stacks[index].frames[0].temporal_position for index in order]
    numbered = [position for position in positions if position is not None]
    if numbered != sorted(numbered) or (np.diff(seconds) <= 0).any():
        detail = "times of two phases are equal or contradict (0020,0100)"
        raise InconsistentSeries("MR_DCE_TIMES_UNKNOWN", detail)
    return Timing(tuple(order), tuple(round(value, 6) for value in seconds))


def _clock_s(stack: Stack) -> float | None:
    """Return the earliest time of day of a phase's frames; None when one has none."""
    found = [CLOCK.match((frame.acquisition_time or "").strip()) for frame in stack.frames]
    times = [3600.0 * int(m[1]) + 60.0 * int(m[2]) + float(m[3]) for m in found if m is not None]
    return min(times) if len(times) == len(found) else None


def _trigger_s(stack: Stack) -> float | None:
    value = stack.header.get("TriggerTime")
    return float(value) / 1000 if isinstance(value, (int, float)) else None


def relative_enhancement(stacks: Sequence[Stack], read: Callable[[int], Volume]) -> Volume:
    """Return the largest relative enhancement after contrast, per cent of the baseline.

    ``100 (max S_k - S_0) / S_0``, k over the phases with contrast, S_0 the mean of those before.
    Phases are read one at a time, twice; ``meta["computed"]`` tells times and baseline.

    Parameters
    ----------
    stacks : sequence of Stack
        One a phase, in any order, all on one grid.
    read : callable
        Index of a stack -> its real values.

    Raises
    ------
    InconsistentSeries
        ``MR_DCE_TIMES_UNKNOWN``, or ``MR_DCE_NO_ENHANCEMENT`` where no phase is above, or none
        before, the arrival of contrast.
    """
    timing = timing_of(stacks)
    first = read(timing.order[0])
    highest = first.values.copy()
    for index in timing.order[1:]:
        highest = np.fmax(highest, read(index).values)
    rise = highest - first.values
    measured = np.isfinite(rise)
    if not measured.any():
        raise InconsistentSeries("MR_DCE_NO_ENHANCEMENT", "no voxel holds a measurement")
    bright = measured & (rise >= np.quantile(rise[measured], 1 - BRIGHTEST))
    before, baseline, peak = _parted(timing, read, bright, float(rise[bright].mean()))
    values = _ratio(baseline, peak)
    computed = {
        "maker": "relative_enhancement",
        "seconds": list(timing.seconds),
        "temporal_resolution_s": timing.resolution_s,
        "baseline_phases": before,
        "codes": [] if timing.regular else ["MR_DCE_IRREGULAR_TIMES"],
    }
    covered = np.isfinite(baseline)
    return Volume(
        values, first.grid, "%", None if covered.all() else covered, True, {"computed": computed}
    )


def _parted(
    timing: Timing, read: Callable[[int], Volume], bright: NDArray[np.bool_], rise: float
) -> tuple[int, NDArray[np.float64], NDArray[np.float32]]:
    """Return how many phases precede the contrast, their mean, and the highest of the others."""
    total: NDArray[np.float64] | None = None
    peak: NDArray[np.float32] | None = None
    before, start, top = 0, 0.0, 0.0
    for index in timing.order:
        values = read(index).values
        signal = float(values[bright].mean(dtype=np.float64))
        if total is None:
            total, start, before = values.astype(np.float64), signal, 1
        elif peak is None and signal - start <= ONSET * rise:
            total += values
            before += 1
        else:
            peak = values.copy() if peak is None else np.fmax(peak, values)
            top = max(top, signal)
    if total is None or peak is None or top - start < LEAST_RISE * abs(start):
        detail = f"the signal rises from {start:.4g} to {top:.4g} at most"
        raise InconsistentSeries("MR_DCE_NO_ENHANCEMENT", detail)
    return before, total / before, peak


def _ratio(baseline: NDArray[np.float64], peak: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return per cent of the baseline; NaN where the baseline is no more than noise."""
    measured = np.isfinite(baseline)
    least = DARKEST * float(np.percentile(baseline[measured], 99))
    values = np.full(baseline.shape, np.nan, dtype=np.float32)
    usable = measured & np.isfinite(peak) & (baseline > max(least, 0.0))
    values[usable] = (100.0 * (peak[usable] - baseline[usable]) / baseline[usable]).astype("f4")
    return values
