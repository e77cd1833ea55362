"""The answer key: every identity that was planted, and every place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

from pydicom.charset import python_encoding
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pipelines.demo.exam import Exam
from pipelines.demo.series import MadeSeries

__all__ = ["Planted", "find_planted", "planted_strings"]

# Kind -> fields of the exam's context that hold such a value.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "name": ("pn", "birth_pn", "family", "family_plain", "given"),
    "id": ("ipp",),
    "nir": ("nir",),
    "date": ("birth_date", "birth_date_fr", "study_date", "study_date_fr"),
    "phone": ("phone", "phone_digits"),
    "address": ("address",),
    "institution": ("institution", "institution_address", "department"),
    "physician": (
        *("referring_pn", "referring_text", "performing_pn", "performing_text"),
        *("operator_pn", "operator_text"),
    ),
    "accession": ("accession",),
    "uid": ("study_uid", "frame_of_reference_uid"),
}


class Planted(TypedDict):
    """One value, one study, all its places.

    ``where`` lists paths: ``(gggg,eeee)`` for a public element, ``(gggg,"CREATOR",ee)`` for a
    private one, ``[i]/`` for item i of a sequence.
    """

    site: str
    project: str
    patient: str
    study_uid: str
    kind: str
    value: str
    where: list[str]


def find_planted(exam: Exam, made: Iterable[MadeSeries]) -> list[Planted]:
    """Return what a study really holds of the identities that its context names.

    The headers are searched, so the key says where a value *is*, not where it was meant to be.
    """
    facts = _facts(exam)
    places: dict[tuple[str, str], set[str]] = {}
    for series in made:
        facts[series.series_uid] = "uid"
        for path, text in _texts(series.shared):
            for value, kind in facts.items():
                if value in text:
                    places.setdefault((kind, value), set()).add(path)
        for image in series.images:
            uid = str(image.own.SOPInstanceUID)
            places.setdefault(("uid", uid), set()).update({"(0002,0003)", "(0008,0018)"})
    return [
        Planted(
            site=exam.site,
            project=exam.kind,
            patient=exam.person.key,
            study_uid=exam.study_uid,
            kind=kind,
            value=value,
            where=sorted(places[kind, value]),
        )
        for kind, value in sorted(places)
    ]


def planted_strings(answer_key: Iterable[Planted]) -> dict[str, list[str]]:
    """Return kind -> sorted distinct values: what must not be found after de-identification."""
    strings: dict[str, set[str]] = {}
    for entry in answer_key:
        strings.setdefault(entry["kind"], set()).add(entry["value"])
    return {kind: sorted(values) for kind, values in sorted(strings.items())}


def _facts(exam: Exam) -> dict[str, str]:
    """Return value -> kind; a physician's family and given names count by themselves too."""
    facts = {
        exam.context[field]: kind
        for kind, fields in _FIELDS.items()
        for field in fields
        if exam.context[field]
    }
    for role in ("referring_pn", "performing_pn", "operator_pn"):
        for part in exam.context[role].split("^")[:2]:
            facts.setdefault(part, "physician")
    if exam.person.birth_name:
        facts.setdefault(exam.person.birth_name, "name")
    return facts


def _texts(ds: Dataset, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (path, text) of every element at every level; bytes are read in the charset."""
    encoding = python_encoding[str(ds.get("SpecificCharacterSet", "ISO_IR 192"))]
    yield from _walk(ds, prefix, encoding)


def _walk(ds: Dataset, prefix: str, encoding: str) -> Iterator[tuple[str, str]]:
    for elem in ds:
        path = prefix + _name(ds, elem.tag.group, elem.tag.element)
        if elem.VR == "SQ":
            for index, item in enumerate(elem.value):
                yield from _walk(item, f"{path}[{index}]/", encoding)
        elif isinstance(elem.value, bytes):
            yield path, elem.value.decode(encoding, errors="replace")
        elif isinstance(elem.value, MultiValue):
            yield path, "\\".join(map(str, elem.value))
        else:
            yield path, str(elem.value)


def _name(ds: Dataset, group: int, element: int) -> str:
    """Return the name of an element; private ones by creator, for blocks move (PS3.5 7.8.1)."""
    if group % 2 == 0 or element < 0x1000:
        return f"({group:04X},{element:04X})"
    creator = ds[group, element >> 8].value
    return f'({group:04X},"{creator}",{element & 0xFF:02X})'
