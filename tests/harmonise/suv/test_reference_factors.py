"""The eight vendors' factors of cornerstonejs/calculate-suv (MIT), and its body sizes."""

from __future__ import annotations

import json

import pytest

from harmonise.suv.body import body_size
from harmonise.suv.factors import Private, suv_of_frames
from harmonise.suv.facts import Dose, Pet
from harmonise.suv.moment import date_and_time, date_time

FACTORS = {
    "PHILIPS_BQML": ("Philips", 0.0007463747013889488),
    "PHILIPS_CNTS_AND_BQML_SUV": ("Philips", 0.000551),
    "PHILIPS_CNTS_AND_SUV": ("Philips", 0.000728),
    "SIEMENS": ("SIEMENS", 0.00042748316187197236),
    "GE_MEDICAL_AND_BQML": ("GE MEDICAL SYSTEMS", 0.0005367387681819742),
    "BQML_AC_DT_lessThan_S_DT_SIEMENS": ("SIEMENS", 0.0004069156854009332),
    "CPS_AND_BQML_AC_DT_-_S_DT": ("CPS", 0.00026503312764157046),
    "RADIOPHARM_DATETIME_UNDEFINED": ("SIEMENS", 0.0003721089202818729),
}
"""File -> manufacturer, which the files leave to their name, and the factor its authors expect."""


def pet_of(row, manufacturer):
    stamp, time = (row.get(f"RadiopharmaceuticalStart{kind}", "") for kind in ("DateTime", "Time"))
    dose = Dose(
        amount=row["RadionuclideTotalDose"],
        half_life_s=row["RadionuclideHalfLife"],
        started=date_time(stamp),
        start_time=date_and_time("", time),
    )
    return Pet(
        manufacturer=manufacturer,
        units=row["Units"],
        decay_correction=row["DecayCorrection"],
        corrected=tuple(row["CorrectedImage"]),
        weight=row["PatientWeight"],
        size=row.get("PatientSize"),
        sex=row["PatientSex"],
        doses=(dose,),
        series=date_and_time(row["SeriesDate"], row["SeriesTime"]),
        acquired=date_and_time(row["AcquisitionDate"], row["AcquisitionTime"]),
        offset_s=row["FrameReferenceTime"] / 1000,
        duration_s=row["ActualFrameDuration"] / 1000,
    )


def private_of(row):
    group = row["PhilipsPETPrivateGroup"]
    found = {key: float(value) for key, value in group.items()}
    return Private(found.get("SUVScaleFactor"), found.get("ActivityConcentrationScaleFactor"))


@pytest.mark.parametrize("name", FACTORS)
def test_the_factor_of_each_vendor_is_that_of_its_authors(name, reference):
    manufacturer, expected = FACTORS[name]
    rows = json.loads((reference / "suv_factors" / f"{name}.json").read_text())

    found = suv_of_frames([pet_of(row, manufacturer) for row in rows], [*map(private_of, rows)])

    assert found.factors == pytest.approx([expected] * len(rows), abs=1e-6)
    assert found.factors == pytest.approx([expected] * len(rows), rel=2e-4)


@pytest.mark.parametrize(
    ("kind", "sex", "grams"),
    [
        ("LBM", "M", 62777.57), ("LBM", "F", 55925.68),
        ("LBMJANMA", "M", 60915.34), ("LBMJANMA", "F", 49214.38),
    ],
)  # fmt: skip
def test_lean_mass_of_75_kg_and_185_cm_is_the_published_one(kind, sex, grams):
    pet = Pet(weight=75, size=1.85, sex=sex)

    assert body_size(pet, kind) * 1000 == pytest.approx(grams, abs=0.005)


def test_the_surface_of_75_kg_and_185_cm_is_the_published_one():
    assert body_size(Pet(weight=75, size=1.85), "BSA") * 1e4 == pytest.approx(19813.76, abs=0.01)
