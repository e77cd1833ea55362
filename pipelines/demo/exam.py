"""One examination to be made: who, where, when, and every field a header template may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from pipelines.demo.people import Person, local_number, make_person, plain
from pipelines.demo.uids import demo_uid

__all__ = ["Exam", "clock", "make_exam"]

_DESCRIPTION = {"prostate": "IRM PROSTATE MULTIPARAMETRIQUE", "mammography": "MAMMOGRAPHIE BILAN"}
_FIRST_DAY = date(2019, 1, 7)
_DAYS = 1700
"""Studies fall between January 2019 and September 2023."""


@dataclass(frozen=True)
class Exam:
    """One study of one person at one hospital.

    ``folder`` and ``name`` hold a running number only, nothing of the person.
    """

    site: str
    name: str
    kind: str
    person: Person
    fault: str | None
    study_uid: str
    start_s: int
    hospital: Mapping[str, Any]
    context: Mapping[str, str]
    seed: tuple[int, ...]

    def uid(self, *names: object) -> str:
        """Return a UID of this study's own."""
        return demo_uid(self.study_uid, *names)

    def rng(self, *names: int) -> np.random.Generator:
        """Return this study's own stream of random numbers."""
        return np.random.default_rng([*self.seed, *names])


def clock(seconds: float) -> str:
    """Return seconds after midnight as a DICOM TM with microseconds."""
    whole = int(seconds)
    fraction = round((seconds - whole) * 1e6)
    return f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}.{fraction:06d}"


def make_exam(
    site: str, hospital: Mapping[str, Any], row: Mapping[str, Any], number: int, seed: int
) -> Exam:
    """Return the examination described by one row of ``hospitals.yaml``."""
    person = make_person(row["person"], seed)
    key = (seed, *site.encode(), *person.key.encode())
    rng = np.random.default_rng(key)
    day = _FIRST_DAY + timedelta(days=int(rng.integers(0, _DAYS)))
    start_s = int(rng.integers(8 * 3600, 18 * 3600))
    study_uid = demo_uid(seed, site, person.key, "study")
    context = {
        **_person_fields(person),
        **_hospital_fields(hospital),
        "ipp": local_number(person.key, site, seed, hospital["ipp"]),
        "accession": hospital["accession"].format(int(rng.integers(10_000_000, 99_999_999))),
        "study_uid": study_uid,
        "frame_of_reference_uid": demo_uid(study_uid, "frame of reference"),
        "study_date": f"{day:%Y%m%d}",
        "study_date_fr": f"{day:%d/%m/%Y}",
        "study_time": clock(start_s),
        "age": f"{(day - person.birth_date).days * 4 // 1461:03d}Y",
        "size_m": f"{rng.uniform(1.55, 1.9):.2f}",
        "weight_kg": f"{rng.uniform(55, 95):.0f}",
    }
    context |= _texts(row, context)
    return Exam(
        site=site,
        name=f"{'mr' if row['kind'] == 'prostate' else 'mg'}-{number:02d}",
        kind=row["kind"],
        person=person,
        fault=row.get("fault"),
        study_uid=study_uid,
        start_s=start_s,
        hospital=hospital,
        context=context,
        seed=key,
    )


def _person_fields(person: Person) -> dict[str, str]:
    return {
        "pn": person.pn,
        "birth_pn": f"{person.birth_name}^{person.given}" if person.birth_name else "",
        "family": person.family,
        "family_plain": plain(person.family),
        "given": person.given,
        "civil": person.civil,
        "sex": person.sex,
        "nir": person.nir,
        "birth_date": f"{person.birth_date:%Y%m%d}",
        "birth_date_fr": f"{person.birth_date:%d/%m/%Y}",
        "address": person.address,
        "phone": person.phone,
        "phone_digits": person.phone.replace(" ", ""),
    }


def _hospital_fields(hospital: Mapping[str, Any]) -> dict[str, str]:
    fields = {
        "charset": hospital["charset"],
        "issuer": hospital["patient_id_issuer"],
        "institution": hospital["institution"],
        "institution_address": hospital["institution_address"],
        "department": hospital["department"],
    }
    for role in ("referring", "performing", "operator"):
        fields |= {f"{role}_{form}": hospital[role][form] for form in ("pn", "text")}
    return fields


def _texts(row: Mapping[str, Any], context: Mapping[str, str]) -> dict[str, str]:
    """Free text as people type it: names in descriptions, telephone numbers in comments."""
    description = row.get("description", _DESCRIPTION[row["kind"]]).format_map(context)
    texts = {
        "study_description": description[:64],
        "reason": f"Adressé par {context['referring_text']}",
        "image_comments": "",
        "patient_comments": "",
    }
    if row.get("comment"):
        texts["image_comments"] = (
            "{civil} {family}, né(e) le {birth_date_fr}, vu(e) par {performing_text} "
            "le {study_date_fr}"
        ).format_map(context)
        texts["patient_comments"] = "Rappeler {given} au {phone_digits}".format_map(context)
    return texts
