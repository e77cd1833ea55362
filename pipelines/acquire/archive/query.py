"""The archive's answers to C-FIND (PS3.4 section C.4.1) and its choice of instances to retrieve."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pydicom import config as pydicom_config
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from pipelines.acquire.archive.index import Entry, Index, level_keywords, levels
from pipelines.acquire.archive.view import View
from pipelines.acquire.matching import matches
from pipelines.acquire.text import text, texts

__all__ = ["BadQueryError", "answers", "chosen", "query_level"]

Count = Callable[[Sequence[Entry]], Sequence[str]]


def _distinct(keyword: str) -> Count:
    return lambda group: sorted({entry.first(keyword) for entry in group} - {""})


def _number(keyword: str) -> Count:
    return lambda group: [str(len({entry.first(keyword) for entry in group}))]


# Attributes that are counted, not stored: PS3.4 section C.3.4 and Table C.6-2 (study), C.6-3.
_COUNTED: Final[dict[str, dict[str, Count]]] = {
    "PATIENT": {
        "NumberOfPatientRelatedStudies": _number("StudyInstanceUID"),
        "NumberOfPatientRelatedSeries": _number("SeriesInstanceUID"),
        "NumberOfPatientRelatedInstances": _number("SOPInstanceUID"),
    },
    "STUDY": {
        "ModalitiesInStudy": _distinct("Modality"),
        "SOPClassesInStudy": _distinct("SOPClassUID"),
        "NumberOfStudyRelatedSeries": _number("SeriesInstanceUID"),
        "NumberOfStudyRelatedInstances": _number("SOPInstanceUID"),
        "InstanceAvailability": lambda _: ["ONLINE"],
    },
    "SERIES": {"NumberOfSeriesRelatedInstances": _number("SOPInstanceUID")},
    "IMAGE": {"AvailableTransferSyntaxUID": lambda group: [group[0].transfer_syntax_uid]},
}
_NOT_KEYS: Final = frozenset({"QueryRetrieveLevel", "SpecificCharacterSet", "RetrieveAETitle"})


class BadQueryError(ValueError):
    """The identifier does not fit the information model: answered with A900."""


def query_level(identifier: Dataset, top: str) -> str:
    """Return the level asked for, once its upper unique keys are there (PS3.4 C.4.1.2.2.1).

    Parameters
    ----------
    identifier : Dataset
        The request's identifier.
    top : str
        Top level of the information model: PATIENT or STUDY.
    """
    level = text(identifier, "QueryRetrieveLevel")
    within = levels()[levels().index(top) :]
    if level not in within:
        raise BadQueryError("level")
    for upper in within[: within.index(level)]:
        values = texts(identifier, level_keywords(upper)[0])
        if len(values) != 1 or set(values[0]) & set("*?"):
            raise BadQueryError("upper unique key")
    return level


def chosen(index: Index, identifier: Dataset) -> list[Entry]:
    """Return the instances a retrieval asks for, matched by unique keys alone (PS3.4 C.4.2.2.1).

    In the order of their SOP Instance UIDs.
    """
    asked = {
        unique: set(texts(identifier, unique))
        for unique in (level_keywords(level)[0] for level in levels())
    }
    found = index.studies_with({unique: [*uids] for unique, uids in asked.items()})
    return [
        entry
        for entry in sorted(found, key=lambda one: one.key("IMAGE"))
        if all(not uids or entry.first(unique) in uids for unique, uids in asked.items())
    ]


def answers(index: Index, identifier: Dataset, top: str, view: View) -> Iterator[Dataset]:
    """Yield one response identifier for each entity that matches, in the order of its unique key.

    Parameters
    ----------
    index : Index
        What the archive holds.
    identifier : Dataset
        The request's identifier.
    top : str
        Top level of the information model.
    view : View
        What the archive shows of itself: which keywords it supports, what is there yet.

    Raises
    ------
    BadQueryError
        The identifier does not fit the information model.
    """
    level = query_level(identifier, top)
    supported = _supported(level)
    keys = [key for key in _keywords(identifier) if key not in view.ignored()]
    asked = {key: texts(identifier, key) for key in keys if key in supported}
    # A narrower set of studies holds every match: patients are not counted in it, though.
    within = index.studies_with(asked if level != "PATIENT" else {})
    for group in index.groups(level, (entry for entry in within if view.holds(entry))):
        held = {key: view.told(key, group, _values(index, group, key, level)) for key in asked}
        if all(matches(dictionary_VR(key), asked[key], held[key]) for key in held):
            yield _response(group, level, top, held)


def _keywords(identifier: Dataset) -> list[str]:
    found = (keyword_for_tag(tag) for tag in identifier.keys())  # noqa: SIM118 raw, no conversion
    return [keyword for keyword in found if keyword and keyword not in _NOT_KEYS]


def _supported(level: str) -> frozenset[str]:
    upwards = levels()[: levels().index(level) + 1]
    return frozenset(
        keyword for one in upwards for keyword in (*level_keywords(one), *_COUNTED[one])
    )


def _values(index: Index, group: Sequence[Entry], keyword: str, level: str) -> Sequence[str]:
    for one in levels()[: levels().index(level) + 1]:
        if keyword in _COUNTED[one]:
            whole = group
            if one != level:  # a study is counted whole, also in the answer about one series
                unique = level_keywords(one)[0]
                key = group[0].key(one)
                whole = [e for e in index.studies_with({unique: [key]}) if e.key(one) == key]
            return _COUNTED[one][keyword](whole)
    return next((entry.attributes[keyword] for entry in group if keyword in entry.attributes), ())


def _response(
    group: Sequence[Entry], level: str, top: str, held: dict[str, Sequence[str]]
) -> Dataset:
    response = Dataset()
    wanted = dict(held)
    for one in levels()[levels().index(top) : levels().index(level) + 1]:
        unique = level_keywords(one)[0]
        wanted.setdefault(unique, [group[0].first(unique)])
    if any(not value.isascii() for values in wanted.values() for value in values):
        _put(response, "SpecificCharacterSet", ["ISO_IR 192"])
    _put(response, "QueryRetrieveLevel", [level])
    for keyword, values in wanted.items():
        _put(response, keyword, values)
    return response


def _put(ds: Dataset, keyword: str, values: Sequence[str]) -> None:
    """Set an attribute without judging its value: an archive returns what it holds."""
    tag = tag_for_keyword(keyword)
    value: object = values[0] if len(values) == 1 else list(values)
    if dictionary_VR(keyword) == "US":  # a binary number, not text
        value = int(values[0]) if values and values[0].isdigit() else None
    mode = pydicom_config.IGNORE
    ds.add(DataElement(tag or 0, dictionary_VR(keyword), value or "", validation_mode=mode))
