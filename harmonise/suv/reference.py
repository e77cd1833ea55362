"""The moment a series is decay-corrected to when the header says START (PS3.3 C.8.9.1.1.5)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from config.errors import UnknownUnits
from harmonise.suv.facts import Pet
from harmonise.suv.moment import DAY_S, Moment

__all__ = ["SAME_MOMENT_S", "Reference", "average_time_s", "start_reference"]

SAME_MOMENT_S = 60.0
"""Times further apart than this are of different events: 0.6 % of an F-18 value."""
SAME_SCAN_START_S = 1.0


@dataclass(frozen=True)
class Reference:
    """A moment, how it was found, and flags."""

    moment: Moment
    why: str
    flags: tuple[str, ...] = ()


def average_time_s(decay_per_s: float, duration_s: float) -> float:
    """Return when in a frame the count rate is its average.

    ``T_ave = ln(a / (1 - e^-a)) / lambda`` with ``a = lambda T`` (IBSI SUV manual; QIBA profile).
    """
    decay = decay_per_s * duration_s
    return math.log(decay / -math.expm1(-decay)) / decay_per_s if decay > 0 else 0.0


def start_reference(
    frames: Sequence[Pet], scan_starts_s: Sequence[float | None], decay_per_s: float
) -> Reference:
    """Return the start that the series' frames are decay-corrected to.

    In this order: the maker's private scan start; the series time, when it is every frame's
    acquisition time; the acquisition time less the frame reference time, when all frames agree on
    it. A series time of later, as after a reconstruction, is not believed.

    Parameters
    ----------
    frames : sequence of Pet
        Every frame of the series.
    scan_starts_s : sequence of float or None
        Private scan start of each, seconds after the series date and time.
    decay_per_s : float

    Raises
    ------
    UnknownUnits
        ``PT_NO_ACQUISITION_TIME``, ``PT_NO_FRAME_DURATION``, ``PT_TIMES_CONTRADICT``.
    """
    series = _series(frames)
    acquired = [acquisition_moment(pet) for pet in frames]
    private = _private(series, scan_starts_s)
    if private is not None:
        return Reference(private, "the maker's scan start", _apart(private.seconds, series))
    for pet in frames:
        if not is_ge(pet):
            frame_duration_s(pet)  # Type 1: an object without it is not what its maker wrote
    first, last = (pick(moment.seconds for moment in acquired) for pick in (min, max))
    apart = None if series is None else max(abs(t - series.seconds) for t in (first, last))
    if series is not None and apart is not None and apart <= SAME_SCAN_START_S:
        return Reference(series, "series time, which is the acquisition time")
    middle = _agreed(frames, acquired, decay_per_s)
    if middle is not None and series is not None and abs(middle - series.seconds) <= SAME_MOMENT_S:
        return Reference(_at(middle, acquired[0]), "acquisition less frame reference time")
    if series is not None and apart is not None and apart <= SAME_MOMENT_S:
        return Reference(series, "series time, a minute at most from every acquisition time")
    if middle is None:
        detail = f"(0008,0032) over {last - first:.0f} s and (0054,1300) give no one start"
        raise UnknownUnits("PT_TIMES_CONTRADICT", detail)
    flags = _apart(middle, series)
    return Reference(_at(middle, acquired[0]), "acquisition less frame reference time", flags)


def _agreed(frames: Sequence[Pet], acquired: Sequence[Moment], decay_per_s: float) -> float | None:
    """Return the start that all frames' times give, None where they give none or several."""
    starts = [_back(pet, at, decay_per_s) for pet, at in zip(frames, acquired, strict=True)]
    known = [start for start in starts if start is not None]
    is_one = len(known) == len(starts) and max(known) - min(known) <= SAME_MOMENT_S
    return median(known) if is_one else None


def acquisition_moment(pet: Pet) -> Moment:
    """Return when a frame's acquisition began; without a date of its own, on the series' day.

    Raises
    ------
    UnknownUnits
        ``PT_NO_ACQUISITION_TIME``.
    """
    if pet.acquired is None:
        raise UnknownUnits("PT_NO_ACQUISITION_TIME", "no (0008,0032)")
    if pet.acquired.day is None and pet.series is not None:
        return Moment(pet.acquired.second, pet.series.day)
    return pet.acquired


def _series(frames: Sequence[Pet]) -> Moment | None:
    """Return the series date and time; None when absent, different, or on another clock."""
    found = {pet.series for pet in frames}
    series = found.pop() if len(found) == 1 else None
    dated = {acquisition_moment(pet).day is None for pet in frames}
    if series is None or dated != {series.day is None}:
        return None
    return series


def _private(series: Moment | None, offsets_s: Sequence[float | None]) -> Moment | None:
    known = [offset for offset in offsets_s if offset is not None]
    if series is None or len(known) < len(offsets_s):
        return None
    if max(known) - min(known) > SAME_SCAN_START_S:
        detail = f"private scan starts {max(known) - min(known):.0f} s apart in one series"
        raise UnknownUnits("PT_TIMES_CONTRADICT", detail)
    return _at(series.seconds + known[0], series)


def _back(pet: Pet, acquired: Moment, decay_per_s: float) -> float | None:
    """Return the start that a frame's own times give, None without a frame reference time.

    (0054,1300) is the offset of the average count rate, except that GE writes the offset of the
    frame's start (IBSI SUV manual), and that 0 can only be one: no average is reached at once.
    """
    if pet.offset_s is None:
        return None
    is_start = pet.offset_s == 0 or is_ge(pet)
    return acquired.seconds - pet.offset_s + (0.0 if is_start else _average(pet, decay_per_s))


def _average(pet: Pet, decay_per_s: float) -> float:
    return average_time_s(decay_per_s, frame_duration_s(pet))


def frame_duration_s(pet: Pet) -> float:
    """Return how long a frame was acquired.

    Raises
    ------
    UnknownUnits
        ``PT_NO_FRAME_DURATION``.
    """
    if pet.duration_s is None or not pet.duration_s > 0:
        raise UnknownUnits("PT_NO_FRAME_DURATION", "(0018,1242) absent or 0")
    return pet.duration_s


def is_ge(pet: Pet) -> bool:
    """Tell whether GE made the scanner."""
    maker = pet.manufacturer.strip().lower()
    return maker == "ge" or maker.startswith(("ge ", "general electric"))


def _apart(seconds: float, series: Moment | None) -> tuple[str, ...]:
    is_far = series is not None and abs(seconds - series.seconds) > SAME_MOMENT_S
    return ("PT_SERIES_TIME_DIFFERS",) if is_far else ()


def _at(seconds: float, like: Moment) -> Moment:
    """Return the moment at ``seconds`` on the line that ``like`` lies on."""
    if like.day is None:
        return Moment(seconds % DAY_S)
    day, second = divmod(seconds, DAY_S)
    return Moment(second, int(day))
