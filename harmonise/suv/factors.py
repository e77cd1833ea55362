"""SUVbw and SUL of a PET series: one factor a frame, by the IBSI SUV manual's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from config.errors import UnknownUnits
from harmonise.suv.body import SIZES, body_size, height_cm, weight_kg
from harmonise.suv.decay import Part, Private, undone, unusual_uptake
from harmonise.suv.dose import injected, the_dose
from harmonise.suv.facts import Pet
from harmonise.suv.reference import start_reference
from harmonise.suv.uptake import uptake_s

__all__ = ["SUL_FORMULA", "Private", "Suv", "suv_of_frames"]

SUL_FORMULA = "LBMJANMA"
"""Lean mass of SUL: Janmahasatian, as EANM's FDG guideline 2.0 and PERCIST's authors advise."""

USUAL = {
    "PT_DOSE_UNUSUAL": (50e6, 800e6),  # Bq
    "PT_WEIGHT_UNUSUAL": (30.0, 250.0),  # kg
}

FACTORS_AGREE = 0.01
"""Share by which the two Philips factors may disagree: their own rounding is 0.1 %."""


@dataclass(frozen=True)
class Suv:
    """How rescaled values become SUVbw in g/ml: multiplied by the factor of their frame.

    ``sul_per_suv`` turns SUVbw into SUL (lean mass over weight), None without height and sex.
    ``facts`` says how the factors were found, as JSON.
    """

    factors: tuple[float, ...]
    sul_per_suv: float | None
    flags: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def suv_of_frames(frames: Sequence[Pet], private: Sequence[Private]) -> Suv:
    """Return the factors of a series.

    Parameters
    ----------
    frames : sequence of Pet
        At least one; all frames of the series.
    private : sequence of Private
        One a frame.

    Raises
    ------
    UnknownUnits
        One of the ``PT_`` refusals of ``config/codes/harmonise.yaml``; the detail names tag and
        value. Nothing is guessed.
    """
    first = _alike(frames)
    rule = _RULES.get(first.units)
    if rule is None:
        raise UnknownUnits("PT_UNITS_UNSUPPORTED", f"(0054,1001) {first.units or 'absent'}")
    part = rule(frames, private)
    flags = [*part.flags, *_odd(first)]
    if "uptake_s" not in part.facts:
        flags += _clock(frames, private)
    sul = _sul(first)
    facts = {
        "units": first.units,
        **part.facts,
        "factor": [min(part.factors), max(part.factors)],
        "sul_per_suv": sul,
        "sul_formula": SUL_FORMULA if sul is not None else None,
    }
    return Suv(tuple(part.factors), sul, tuple(dict.fromkeys(flags)), facts)


def _alike(frames: Sequence[Pet]) -> Pet:
    """Return the first frame when all agree in what a series can have only one of."""
    for name, tag in _ONE_A_SERIES.items():
        if len({getattr(pet, name) for pet in frames}) > 1:
            raise UnknownUnits("PT_SERIES_DIFFERS", f"{tag} differs between images of one series")
    return frames[0]


_ONE_A_SERIES = {
    "manufacturer": "(0008,0070)",
    "units": "(0054,1001)",
    "suv_type": "(0054,1006)",
    "decay_correction": "(0054,1102)",
    "weight": "(0010,1030)",
    "size": "(0010,1020)",
    "sex": "(0010,0040)",
    "doses": "(0054,0016)",
}


def _activity(frames: Sequence[Pet], scale: Sequence[float], private: Sequence[Private]) -> Part:
    """Return SUV = U W / (D decayed), with U in Bq/ml after ``scale``."""
    first = frames[0]
    weight_g = weight_kg(first) * 1000.0
    dose = injected(first)
    decay = undone(frames, dose, private)
    factors = [
        unit * weight_g / dose.dose_bq * grown
        for unit, grown in zip(scale, decay.factors, strict=True)
    ]
    low, high = USUAL["PT_DOSE_UNUSUAL"]
    odd = () if low <= dose.dose_bq <= high else ("PT_DOSE_UNUSUAL",)
    facts = {"dose_bq": dose.dose_bq, "half_life_s": dose.half_life_s, **decay.facts}
    return Part(factors, (*dose.flags, *decay.flags, *odd), facts)


def _becquerels(frames: Sequence[Pet], private: Sequence[Private]) -> Part:
    return _activity(frames, [1.0] * len(frames), private)


def _grams(frames: Sequence[Pet], _private: Sequence[Private]) -> Part:
    """GML: a SUV already; divided by the weight or another size (PS3.3 C.8.9.1.1.3)."""
    kind = frames[0].suv_type or "BW"
    if kind == "BW":
        return Part([1.0] * len(frames), (), {"suv_type": kind})
    if kind not in SIZES or kind == "BSA":
        raise UnknownUnits("PT_SUV_TYPE_UNSUPPORTED", f"(0054,1006) {kind} with Units GML")
    factor = weight_kg(frames[0]) / body_size(frames[0], kind)
    return Part([factor] * len(frames), (), {"suv_type": kind})


def _surface(frames: Sequence[Pet], _private: Sequence[Private]) -> Part:
    """CM2ML: divided by the body surface in cm2."""
    kind = frames[0].suv_type or "BSA"
    if kind != "BSA":
        raise UnknownUnits("PT_SUV_TYPE_UNSUPPORTED", f"(0054,1006) {kind} with Units CM2ML")
    factor = weight_kg(frames[0]) * 1e3 / (body_size(frames[0], kind) * 1e4)
    return Part([factor] * len(frames), (), {"suv_type": kind})


def _counts(frames: Sequence[Pet], private: Sequence[Private]) -> Part:
    """CNTS: by the SUV factor of Philips, else by its activity factor as BQML.

    The SUV factor is of a decay-corrected series: it cannot undo the decay of single frames.
    """
    if "philips" not in frames[0].manufacturer.lower():
        maker = frames[0].manufacturer or "an unknown maker"
        raise UnknownUnits("PT_CNTS_NO_FACTOR", f"(0054,1001) CNTS of {maker}")
    by_suv = _all([one.suv_factor for one in private])
    by_activity = _all([one.activity_factor for one in private])
    if by_suv is not None and frames[0].decay_correction in {"START", "ADMIN"}:
        flags = _compared(frames, by_suv, by_activity, private)
        return Part(by_suv, flags, {"counts": '(7053,"Philips PET Private Group",00)'})
    if by_activity is None:
        detail = '(7053,"Philips PET Private Group",00) and 09 absent or 0'
        if by_suv is not None:
            detail = f"only the SUV factor, (0054,1102) {frames[0].decay_correction or 'absent'}"
        raise UnknownUnits("PT_CNTS_NO_FACTOR", detail)
    part = _activity(frames, by_activity, private)
    facts = {"counts": '(7053,"Philips PET Private Group",09)', **part.facts}
    return Part(part.factors, part.flags, facts)


def _all(values: Sequence[float | None]) -> list[float] | None:
    """Return the values when every frame has one above 0."""
    known = [value for value in values if value is not None and value > 0]
    return known if len(known) == len(values) else None


def _compared(
    frames: Sequence[Pet],
    by_suv: Sequence[float],
    by_activity: Sequence[float] | None,
    private: Sequence[Private],
) -> tuple[str, ...]:
    """Flag a SUV factor that the activity factor, where it can be used, does not confirm."""
    if by_activity is None:
        return ()
    try:
        other = _activity(frames, by_activity, private)
    except UnknownUnits:
        return ()
    apart = max(abs(a / b - 1) for a, b in zip(by_suv, other.factors, strict=True))
    return (*other.flags, *(("PT_FACTORS_DISAGREE",) if apart > FACTORS_AGREE else ()))


_RULES: dict[str, Callable[[Sequence[Pet], Sequence[Private]], Part]] = {
    "BQML": _becquerels,
    "CM2ML": _surface,
    "CNTS": _counts,
    "GML": _grams,
}
"""(0054,1001) -> how its values become SUVbw; every other unit is refused."""


def _sul(pet: Pet) -> float | None:
    """Return lean mass over weight; None without weight, height and sex M or F."""
    if pet.weight is None or height_cm(pet) is None or pet.sex.upper() not in {"M", "F"}:
        return None
    try:
        return body_size(pet, SUL_FORMULA) / weight_kg(pet)
    except UnknownUnits:
        return None


def _clock(frames: Sequence[Pet], private: Sequence[Private]) -> tuple[str, ...]:
    """Flag an unusual FDG uptake where the values need no clock and the times can be read."""
    try:
        dose = injected(frames[0])
        starts = [one.scan_start_s for one in private]
        reference = start_reference(frames, starts, dose.decay_per_s)
        seconds, _ = uptake_s(the_dose(frames[0]), reference.moment, dose.half_life_s)
    except UnknownUnits:
        return ()
    return unusual_uptake(frames[0], seconds)


def _odd(pet: Pet) -> list[str]:
    flags = []
    low, high = USUAL["PT_WEIGHT_UNUSUAL"]
    if pet.weight is not None and pet.weight > 0 and not low <= weight_kg(pet) <= high:
        flags.append("PT_WEIGHT_UNUSUAL")
    if not pet.corrected:
        flags.append("PT_CORRECTION_UNKNOWN")
    return flags
