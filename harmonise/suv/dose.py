"""The dose and its nuclide: becquerels and half-life, or a refusal."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from config.errors import UnknownUnits
from harmonise.data import table
from harmonise.suv.facts import Dose, Pet

__all__ = ["Injected", "dose_bq", "injected", "is_fdg", "the_dose"]

LEAST_BQ = 1e6
"""A dose below it cannot be in becquerels: no PET scan is made with less than 1 MBq."""
MEGABECQUERELS = (25.0, 5000.0)
"""Numbers that can only be MBq: below 25 they may be mCi, above 5000 kBq."""
HALF_LIFE_TOLERANCE = 0.05
"""Share by which a stated half-life may differ from the nuclide's own."""

_FDG = re.compile(r"fdg|fluorodeoxy ?glucose|fludeoxy ?glucose|fluorodesoxy ?glucose|c-?b1031")


@dataclass(frozen=True)
class Injected:
    """The dose at its administration."""

    dose_bq: float
    half_life_s: float
    flags: tuple[str, ...] = ()

    @property
    def decay_per_s(self) -> float:
        """Decay constant."""
        return math.log(2.0) / self.half_life_s


def the_dose(pet: Pet) -> Dose:
    """Return the one injection of a frame.

    Raises
    ------
    UnknownUnits
        ``PT_NO_DOSE`` without any, ``PT_SEVERAL_DOSES`` with different ones.
    """
    different = list(dict.fromkeys(pet.doses))
    if not different:
        raise UnknownUnits("PT_NO_DOSE", "no (0054,0016)")
    if len(different) > 1:
        raise UnknownUnits("PT_SEVERAL_DOSES", f"(0054,0016) {len(different)} items")
    return different[0]


def injected(pet: Pet) -> Injected:
    """Return dose and half-life.

    The half-life is the header's, the nuclide's own where there is none.

    Raises
    ------
    UnknownUnits
        ``PT_NO_DOSE``, ``PT_SEVERAL_DOSES``, ``PT_DOSE_UNIT``, ``PT_NO_HALF_LIFE``,
        ``PT_HALF_LIFE_WRONG``.
    """
    dose = the_dose(pet)
    amount_bq, flags = dose_bq(dose)
    half_life_s, more = _half_life(dose)
    return Injected(amount_bq, half_life_s, flags + more)


def dose_bq(dose: Dose) -> tuple[float, tuple[str, ...]]:
    """Return the dose in becquerels, with ``PT_DOSE_IN_MBQ`` where it was written in MBq.

    A dose of about 4e2 is in MBq (IBSI SUV manual); other numbers that are no plausible Bq are
    refused.

    Raises
    ------
    UnknownUnits
        ``PT_NO_DOSE``, ``PT_DOSE_UNIT``.
    """
    amount = dose.amount
    if amount is None or not amount > 0:
        raise UnknownUnits("PT_NO_DOSE", f"(0018,1074) {'absent' if amount is None else amount}")
    if amount >= LEAST_BQ:
        return amount, ()
    low, high = MEGABECQUERELS
    if not low <= amount < high:
        raise UnknownUnits("PT_DOSE_UNIT", f"(0018,1074) {amount:g}")
    return amount * 1e6, ("PT_DOSE_IN_MBQ",)


def _half_life(dose: Dose) -> tuple[float, tuple[str, ...]]:
    known = _known_half_life(dose)
    stated = dose.half_life_s
    if stated is None or not stated > 0:
        if known is None:
            raise UnknownUnits("PT_NO_HALF_LIFE", "no (0018,1075) and no known (0054,0300)")
        return known, ("PT_HALF_LIFE_FROM_TABLE",)
    if known is not None and abs(stated / known - 1) > HALF_LIFE_TOLERANCE:
        detail = f"(0018,1075) {stated:g} s where the nuclide's is {known:g} s"
        raise UnknownUnits("PT_HALF_LIFE_WRONG", detail)
    return stated, ()


def _known_half_life(dose: Dose) -> float | None:
    """Return the half-life of the nuclide that code value or meaning name; None for neither."""
    said = {re.sub(r"[^a-z0-9]", "", name.lower()) for name in dose.nuclide}
    for row in table("pet_nuclides"):
        if said & set(row["names"]):
            return float(row["half_life_s"])
    return None


def is_fdg(dose: Dose) -> bool:
    """Tell whether the drug is fluorodeoxyglucose."""
    return any(_FDG.search(name.lower()) for name in dose.nuclide)
