"""PET series built one trap each, after the digital reference objects of the IBSI SUV manual.

Stored 20, 100 and 400 give SUV 0.20, 1.00 and 4.00: 70 kg, injection 10:00, scan 11:00. Read by
the tests and by the referees' own environment, so nothing here but pydicom and numpy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from tests.harmonise import builders

VALUES = np.tile(np.array([20, 100, 400]), (3, 6, 3))[:, :, :8]
DECAY = math.log(2) / 6586.2
DOSE_BQ = 3.68e8
HOUR = math.exp(DECAY * 3600)
PER_SUV = DOSE_BQ / 70_000 / HOUR
"""Bq/ml of SUV 1 an hour after the injection."""


def average_s(duration_s: float) -> float:
    """Return when the count rate of a frame is its average."""
    return math.log(DECAY * duration_s / (1 - math.exp(-DECAY * duration_s))) / DECAY


def drug(**changes: Any) -> Any:
    said = {
        "RadionuclideTotalDose": DOSE_BQ,
        "RadiopharmaceuticalStartTime": "100000.00",
        "RadiopharmaceuticalStartDateTime": "20250101100000.00",
    }
    return builders.injection(**{**said, **changes})


def _slope(slope: float) -> str:
    return f"{slope:.14g}"[:16]


def series(**changes: Any) -> list[Dataset]:
    """Return the plain case: BQML, START, all times right."""
    said = {
        "Manufacturer": "Synthetic",
        "PatientSex": "M",
        "PatientSize": 1.75,
        "SeriesDate": "20250101",
        "AcquisitionDate": "20250101",
        "SeriesTime": "110000.00",
        "AcquisitionTime": "110000.00",
        "DecayCorrection": "START",
        "ActualFrameDuration": 300000,
        "FrameReferenceTime": _slope(average_s(300) * 1000),
        "RescaleSlope": _slope(PER_SUV / 100),
        "RadiopharmaceuticalInformationSequence": drug(),
        "values": VALUES,
    }
    made = builders.pet(3, **{**said, **changes})
    for ds in made:
        ds.SeriesDescription = "PET"
        ds.NumberOfSlices = 3
    return made


def _private(group: int, creator: str, elements: dict[int, tuple[str, str]]) -> Any:
    def add(_index: int, ds: Dataset) -> None:
        for element, (vr, value) in elements.items():
            builders.add_private(ds, group, creator, element, vr, value)

    return add


def _own_slope(index: int, ds: Dataset) -> None:
    ds.RescaleSlope = _slope(PER_SUV / 100 * (index + 1))


def _own_times(index: int, ds: Dataset) -> None:
    ds.AcquisitionTime = f"11{5 * index:02d}00.00"
    ds.FrameReferenceTime = 300_000 * (index + 1)
    during = DECAY * 300
    decayed = math.exp(-DECAY * 300 * index) * (1 - math.exp(-during)) / during
    ds.RescaleSlope = _slope(PER_SUV / 100 * decayed)


def _body(units: str, suv_type: str | None, size: float, **more: Any) -> list[Dataset]:
    return series(Units=units, SUVType=suv_type, RescaleSlope=_slope(size), **more)


PHILIPS = {"Manufacturer": "Philips Medical Systems", "Units": "CNTS", "RescaleSlope": 1}
GROUP = (0x7053, "Philips PET Private Group")
BED = 360 + average_s(300)
NIGHT = {
    "AcquisitionDate": "20250102",
    "SeriesDate": "20250102",
    "AcquisitionTime": "003000.00",
    "SeriesTime": "003000.00",
}
BARE = {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None}


def _night(**start: str) -> list[Dataset]:
    return series(**NIGHT, RadiopharmaceuticalInformationSequence=drug(**{**BARE, **start}))


def cases() -> dict[str, list[Dataset]]:
    """Return every series by the name of its trap."""
    james = 1.10 * 70 - 128 * (70 / 175) ** 2
    janma = 9270 * 70 / (6680 + 216 * 70 / 1.75**2)
    ideal = 48 + 1.06 * (175 - 152)
    bsa_m2 = 0.007184 * 70**0.425 * 175**0.725
    gallium = math.exp(math.log(2) / 4062.6 * 3600)
    return {
        "plain": series(),
        "slope-per-slice": series(per_slice=_own_slope),
        "gml-bw": _body("GML", "BW", 0.01),
        "gml-no-type": _body("GML", None, 0.01),
        "gml-lbmjames128": _body("GML", "LBMJAMES128", 0.01 * james / 70),
        "gml-lbmjanma": _body("GML", "LBMJANMA", 0.01 * janma / 70),
        "gml-ibw": _body("GML", "IBW", 0.01 * ideal / 70),
        "cm2ml": _body("CM2ML", None, 0.1 * bsa_m2 / 70),
        "cnts-suv": series(per_slice=_private(*GROUP, {0x00: ("DS", "0.01")}), **PHILIPS),
        "cnts-activity": series(
            per_slice=_private(*GROUP, {0x09: ("DS", _slope(PER_SUV / 100))}), **PHILIPS
        ),
        "dose-mbq": series(RadiopharmaceuticalInformationSequence=drug(RadionuclideTotalDose=368)),
        "weight-grams": series(PatientWeight=70_000),
        "admin": series(DecayCorrection="ADMIN", RescaleSlope=_slope(PER_SUV / 100 * HOUR)),
        "series-time-after": series(
            SeriesTime="140000.00",
            AcquisitionTime="110600.00",
            FrameReferenceTime=_slope(BED * 1000),
        ),
        "ge-scan-start": series(
            Manufacturer="GE MEDICAL SYSTEMS",
            SeriesTime="140000.00",
            AcquisitionTime="110600.00",
            FrameReferenceTime=360_000,
            per_slice=_private(0x0009, "GEMS_PETD_01", {0x0D: ("DT", "20250101110000.00")}),
        ),
        "siemens-scan-start": series(
            Manufacturer="SIEMENS",
            per_slice=_private(0x0071, "SIEMENS MED PT", {0x22: ("DT", "20250101110000.00")}),
        ),
        "none": series(
            DecayCorrection="NONE",
            CorrectedImage=["ATTN", "SCAT"],
            per_slice=_own_times,
        ),
        "start-datetime-only": series(
            RadiopharmaceuticalInformationSequence=drug(RadiopharmaceuticalStartTime=None)
        ),
        "start-time-only": series(
            RadiopharmaceuticalInformationSequence=drug(RadiopharmaceuticalStartDateTime=None)
        ),
        "midnight-datetime": _night(RadiopharmaceuticalStartDateTime="20250101233000.00"),
        "midnight-time": _night(RadiopharmaceuticalStartTime="233000.00"),
        "gallium": series(
            FrameReferenceTime=0,
            SeriesTime="110000.00",
            RescaleSlope=_slope(PER_SUV / 100 * HOUR / gallium),
            RadiopharmaceuticalInformationSequence=drug(
                RadionuclideHalfLife=4062.6,
                Radiopharmaceutical="DOTATATE",
                RadionuclideCodeSequence=builders.nuclide("C-131A3", "^68^Gallium"),
            ),
        ),
    }
