"""Cases of SUV: reference objects of the IBSI manual, built traps, and series without hope."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from silent.known import Case

from tests.harmonise import builders
from tests.harmonise.suv import cases

__all__ = ["doses"]

OBJECTS = {
    "DRO_0_0": "BQML, START",
    "DRO_2_1": "GML as LBMJAMES128",
    "DRO_2_5": "CNTS, scale in (7053,1009)",
    "DRO_3_1": "decay corrected to ADMIN",
    "DRO_3_4": "SeriesTime after AcquisitionTime",
}
MANY_SCALES = "slope-per-slice"
"""Gives another SUV in every slice: not the three values."""


def _series(**changes: Any) -> Callable[[Path], object]:
    return lambda folder: builders.write_all(cases.series(**changes), folder)


HOPELESS: dict[str, Callable[[Path], object]] = {
    "CNTS without a factor": _series(Units="CNTS", Manufacturer="Philips Medical Systems"),
    "PROPCPS": _series(Units="PROPCPS"),
    "no weight": _series(PatientWeight=None),
    "no dose": _series(
        RadiopharmaceuticalInformationSequence=cases.drug(RadionuclideTotalDose=None)
    ),
}
"""Series of which no SUV can be known: only a refusal is right."""


def doses(realdata: Path) -> list[Case]:
    """Return the cases; ``asked`` is the mask's file, "all", or None where nothing can be known."""
    base = realdata / "PT" / "suv-dro"

    def copied(name: str) -> Callable[[Path], None]:
        def fill(folder: Path) -> None:
            for path in sorted((base / name / "PT").iterdir()):
                shutil.copyfile(path, folder / path.name)

        return fill

    def written(made: list[Any]) -> Callable[[Path], object]:
        return lambda folder: builders.write_all(made, folder)

    real = [
        Case(
            f"{name}: {what}",
            "SUV",
            "suv",
            "0.20 / 1.00 / 4.00 (IBSI manual)",
            copied(name),
            asked=str(base / name / "mask" / "DRO_mask.nii.gz"),
        )
        for name, what in OBJECTS.items()
    ]
    built = [
        Case(name, "SUV", "suv", "0.20 / 1.00 / 4.00, by hand", written(made), asked="all")
        for name, made in cases.cases().items()
        if name != MANY_SCALES
    ]
    hopeless = [
        Case(name, "SUV", "suv", "cannot be known", fill) for name, fill in HOPELESS.items()
    ]
    return [*real, *built, *hopeless]
