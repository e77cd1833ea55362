"""Body sizes that SUVs are divided by: lean mass, ideal weight, surface."""

from __future__ import annotations

from collections.abc import Callable

from config.errors import UnknownUnits
from harmonise.suv.facts import Pet

__all__ = ["SIZES", "body_size", "height_cm", "weight_kg"]

GRAMS_ABOVE = 1000.0
"""kg: nobody weighs more, so a larger number is in grams (IBSI SUV manual)."""

CENTIMETRES_ABOVE = 3.0
"""m: nobody is taller, so a larger number is in centimetres; (0010,1020) shall be in metres."""


def _james(male_square: float) -> Callable[[float, float, bool], float]:
    """James 1976, with the square's factor of men as DICOM's LBM (120) or LBMJAMES128 has it."""

    def lean_kg(weight: float, height: float, male: bool) -> float:  # noqa: FBT001  # one signature
        linear, square = (1.10, male_square) if male else (1.07, 148.0)
        return linear * weight - square * (weight / height) ** 2

    return lean_kg


def _janmahasatian(weight: float, height: float, male: bool) -> float:  # noqa: FBT001
    """Janmahasatian 2005, doi:10.2165/00003088-200544100-00004."""
    bmi = weight / (height / 100.0) ** 2
    base, slope = (6680.0, 216.0) if male else (8780.0, 244.0)
    return 9270.0 * weight / (base + slope * bmi)


def _ideal(_weight: float, height: float, male: bool) -> float:  # noqa: FBT001
    """Ideal body weight of Sugawara 1999, doi:10.1148/radiology.213.2.r99nv37521."""
    return 48.0 + 1.06 * (height - 152.0) if male else 45.5 + 0.91 * (height - 152.0)


def _surface(weight: float, height: float, _male: bool) -> float:  # noqa: FBT001
    """Du Bois 1916, in square metres."""
    return float(0.007184 * weight**0.425 * height**0.725)


SIZES: dict[str, Callable[[float, float, bool], float]] = {
    "LBM": _james(120.0),
    "LBMJAMES128": _james(128.0),
    "LBMJANMA": _janmahasatian,
    "IBW": _ideal,
    "BSA": _surface,
}
"""SUVType (0054,1006) -> size in kg (BSA: m2) of weight in kg, height in cm and whether male."""

_SEXLESS = frozenset({"BSA"})


def weight_kg(pet: Pet) -> float:
    """Return the patient's weight.

    Raises
    ------
    UnknownUnits
        ``PT_NO_WEIGHT``.
    """
    if pet.weight is None or not pet.weight > 0:
        raise UnknownUnits("PT_NO_WEIGHT", f"(0010,1030) {_said(pet.weight)}")
    return pet.weight / 1000.0 if pet.weight > GRAMS_ABOVE else pet.weight


def height_cm(pet: Pet) -> float | None:
    """Return the patient's height, None where the header does not say one."""
    if pet.size is None or not pet.size > 0:
        return None
    return pet.size if pet.size > CENTIMETRES_ABOVE else pet.size * 100.0


def body_size(pet: Pet, kind: str) -> float:
    """Return the size that a SUVType divides by: kg, or m2 for BSA.

    Sex O takes the mean of both formulas, as the IBSI SUV manual does.

    Raises
    ------
    UnknownUnits
        ``PT_NO_WEIGHT``, ``PT_NO_HEIGHT``, ``PT_NO_SEX``.
    """
    weight, height, sex = weight_kg(pet), height_cm(pet), pet.sex.upper()
    if height is None:
        raise UnknownUnits("PT_NO_HEIGHT", f"(0010,1020) {_said(pet.size)}, SUVType {kind}")
    if sex not in {"M", "F", "O"} and kind not in _SEXLESS:
        raise UnknownUnits("PT_NO_SEX", f"(0010,0040) {'absent' if not sex else 'not M, F or O'}")
    either = [SIZES[kind](weight, height, male) for male in (True, False)]
    size = {"M": either[0], "F": either[1]}.get(sex, sum(either) / 2)
    if not size > 0:
        detail = f"(0010,1020) {height:g} cm with (0010,1030) {weight:g} kg"
        raise UnknownUnits("PT_NO_HEIGHT", detail)
    return size


def _said(number: float | None) -> str:
    return "absent" if number is None else f"{number:g}"
