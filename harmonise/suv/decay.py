"""What undoes the decay between the administration and the moment a PET value is of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.errors import UnknownUnits
from harmonise.suv.dose import Injected, is_fdg, the_dose
from harmonise.suv.facts import Pet
from harmonise.suv.reference import (
    Reference,
    acquisition_moment,
    frame_duration_s,
    start_reference,
)
from harmonise.suv.uptake import uptake_s

__all__ = ["Part", "Private", "undone", "unusual_uptake"]

FDG_UPTAKE_S = (50 * 60.0, 75 * 60.0)
"""EANM and UPICT: 60 minutes, at most 10 less and 15 more."""


@dataclass(frozen=True)
class Private:
    """What the maker says of one frame outside the standard; None where it says nothing."""

    suv_factor: float | None = None
    activity_factor: float | None = None
    scan_start_s: float | None = None


@dataclass(frozen=True)
class Part:
    """Factors of one rule, with flags and facts."""

    factors: list[float]
    flags: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def undone(frames: Sequence[Pet], dose: Injected, private: Sequence[Private]) -> Part:
    """Return what undoes the decay between administration and the values' moment, by frame."""
    kind = frames[0].decay_correction
    rule = _DECAY.get(kind)
    if rule is None:
        raise UnknownUnits("PT_DECAY_UNKNOWN", f"(0054,1102) {kind or 'absent'}")
    part = rule(frames, dose, private)
    said = frames[0].corrected
    contradicts = bool(said) and ("DECY" in said) is (kind == "NONE")
    flags = (*part.flags, "PT_DECAY_CONTRADICTION") if contradicts else part.flags
    return Part(part.factors, flags, {"decay_correction": kind, **part.facts})


def _administered(frames: Sequence[Pet], _dose: Injected, _private: Sequence[Private]) -> Part:
    """ADMIN: dose and pixels are of the same moment."""
    return Part([1.0] * len(frames), (), {"reference": "administration"})


def _started(frames: Sequence[Pet], dose: Injected, private: Sequence[Private]) -> Part:
    """START: all pixels are of one moment."""
    starts = [one.scan_start_s for one in private]
    return _since(frames, dose, start_reference(frames, starts, dose.decay_per_s))


def _corrected_to(frames: Sequence[Pet], dose: Injected, _private: Sequence[Private]) -> Part:
    """YES of an enhanced object: all pixels are of the moment it names (PS3.3 C.8.22.4)."""
    moments = {pet.corrected_to for pet in frames}
    moment = moments.pop() if len(moments) == 1 else None
    if moment is None:
        raise UnknownUnits("PT_TIMES_CONTRADICT", "no one (0018,9701)")
    return _since(frames, dose, Reference(moment, "decay correction date and time"))


def _since(frames: Sequence[Pet], dose: Injected, reference: Reference) -> Part:
    seconds, flags = uptake_s(the_dose(frames[0]), reference.moment, dose.half_life_s)
    facts = {"reference": reference.why, "uptake_s": seconds}
    factor = math.exp(dose.decay_per_s * seconds)
    odd = unusual_uptake(frames[0], seconds)
    return Part([factor] * len(frames), (*reference.flags, *flags, *odd), facts)


def _as_measured(frames: Sequence[Pet], dose: Injected, _private: Sequence[Private]) -> Part:
    """NONE: each frame's own mean activity; ``a / (1 - e^-a) e^(lambda (t_acq - t_adm))``."""
    _times_of_their_own(frames)
    rate = dose.decay_per_s
    factors: list[float] = []
    flags: list[str] = []
    uptakes: list[float] = []
    for pet in frames:
        during = rate * frame_duration_s(pet)
        seconds, odd = uptake_s(the_dose(pet), acquisition_moment(pet), dose.half_life_s)
        factors.append(during / -math.expm1(-during) * math.exp(rate * seconds))
        uptakes.append(seconds)
        flags += odd
    facts = {"reference": "each frame's acquisition", "uptake_s": min(uptakes)}
    return Part(factors, (*flags, *unusual_uptake(frames[0], min(uptakes))), facts)


def _times_of_their_own(frames: Sequence[Pet]) -> None:
    """Refuse frames of different moments that all name the same acquisition time."""
    offsets = {pet.offset_s for pet in frames}
    if len({acquisition_moment(pet) for pet in frames}) == 1 < len(offsets):
        detail = "(0008,0032) is the same where (0054,1300) differs, (0054,1102) NONE"
        raise UnknownUnits("PT_TIMES_CONTRADICT", detail)


def _at_reference(frames: Sequence[Pet], dose: Injected, _private: Sequence[Private]) -> Part:
    """NO of an enhanced object: each frame's value is of its reference moment (0018,9151)."""
    factors: list[float] = []
    flags: list[str] = []
    uptakes: list[float] = []
    for pet in frames:
        if pet.reference is None:
            raise UnknownUnits("PT_TIMES_CONTRADICT", "no (0018,9151)")
        seconds, odd = uptake_s(the_dose(pet), pet.reference, dose.half_life_s)
        factors.append(math.exp(dose.decay_per_s * seconds))
        uptakes.append(seconds)
        flags += odd
    facts = {"reference": "each frame's reference date and time", "uptake_s": min(uptakes)}
    return Part(factors, (*flags, *unusual_uptake(frames[0], min(uptakes))), facts)


_DECAY: dict[str, Callable[[Sequence[Pet], Injected, Sequence[Private]], Part]] = {
    "ADMIN": _administered,
    "NO": _at_reference,
    "NONE": _as_measured,
    "START": _started,
    "YES": _corrected_to,
}
"""(0054,1102), or (0018,9758) of an enhanced object -> how to undo the decay."""


def unusual_uptake(pet: Pet, seconds: float) -> tuple[str, ...]:
    """Flag an FDG uptake outside 50 to 75 minutes."""
    low, high = FDG_UPTAKE_S
    usual = low <= seconds <= high or not is_fdg(the_dose(pet))
    return () if usual else ("PT_UPTAKE_UNUSUAL",)
