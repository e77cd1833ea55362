"""Asking a PACS: is it there (C-ECHO), which studies match, which instances they have (C-FIND)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date

from pydicom import config as pydicom_config
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pynetdicom import build_context

from config.errors import TransientError
from config.project import Selection
from config.site import PacsNode
from pipelines.acquire.matching import matches
from pipelines.acquire.pacs.backoff import Wait, with_retries
from pipelines.acquire.pacs.connection import Connection, connect
from pipelines.acquire.pacs.objects import FoundStudy
from pipelines.acquire.pacs.qido import WebQuery
from pipelines.acquire.pacs.status import judge_status, status_error
from pipelines.acquire.pacs.windows import Sweep, Window, sweep
from pipelines.acquire.text import text, texts

__all__ = [
    "FIND_STUDY_ROOT",
    "asking",
    "count_of",
    "echo",
    "find",
    "find_by",
    "find_studies",
    "selected",
    "sweep_studies",
]

_VERIFICATION = "1.2.840.10008.1.1"
FIND_STUDY_ROOT = "1.2.840.10008.5.1.4.1.2.2.1"  # PS3.4 section C.4.1.1
_STUDY_KEYS = (
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyDescription",
    "AccessionNumber",
    "PatientID",
    "IssuerOfPatientID",
    "ModalitiesInStudy",
    "NumberOfStudyRelatedSeries",
    "NumberOfStudyRelatedInstances",
    "InstanceAvailability",
)


def echo(node: PacsNode) -> float:
    """Ask a PACS whether it is there and return the seconds its answer took.

    Raises
    ------
    TransientError, ConfigurationError
        It is not, or does not know us.
    """
    with connect(node, [build_context(_VERIFICATION)]) as connection:
        start = time.monotonic()
        status = connection.assoc.send_c_echo()
        if "Status" not in status:
            raise connection.lost()
        error = status_error(int(status.Status))
        if error is not None:
            raise error
        return time.monotonic() - start


def find_studies(
    node: PacsNode,
    selection: Selection,
    since: date | None = None,
    until: date | None = None,
    *,
    wait: Wait = time.sleep,
) -> list[FoundStudy]:
    """Return the studies that match, ordered by date and UID.

    Archives differ in which keys they match; what one ignores is matched here again, and where it
    does not tell a study's modalities its series are asked.

    Parameters
    ----------
    node : PacsNode
        The PACS.
    selection : Selection
        Modality, description pattern and dates.
    since, until : date, optional
        Narrow the selection's dates, both ends included.
    wait : callable
        Waits between tries.

    Raises
    ------
    TransientError
        The PACS refused, timed out or went away, ``node.retries`` times over.
        Or gives fewer answers than it has (``PACS_ANSWERS_CAPPED``).
    ConfigurationError
        It rejects our AE title, or does not answer such a query.
    """
    found = sweep_studies(node, selection, since, until, wait=wait)
    if found.short:
        raise TransientError("PACS_ANSWERS_CAPPED", f"{len(found.short)} windows")
    return list(found.studies.values())


def sweep_studies(
    node: PacsNode,
    selection: Selection,
    since: date | None = None,
    until: date | None = None,
    *,
    wait: Wait = time.sleep,
) -> Sweep:
    """Return the studies that match, by date and UID, and the windows that may hold more.

    As :func:`find_studies`, which raises where this one says which days were cut short.
    """
    first = max(selection.study_date.first, since or selection.study_date.first)
    last = min(selection.study_date.last, until or selection.study_date.last)
    if first > last:
        return Sweep()
    days = f"{first:%Y%m%d}-{last:%Y%m%d}"
    # Orthanc does not match a lone * with a study that has no description; an empty key it does.
    description = selection.study_description if selection.study_description.strip("*") else ""

    def ask() -> Sweep:
        with asking(node) as connection:

            def matches_in(window: Window) -> list[FoundStudy]:
                query = dict.fromkeys(_STUDY_KEYS, "") | {
                    "StudyDate": window.study_date,
                    "StudyTime": window.study_time,
                    "StudyDescription": description,
                    "ModalitiesInStudy": selection.modality,
                }
                found = map(_study, find(connection, "STUDY", query))
                return [study for study in found if study.study_uid]

            cap = node.limits.answers_per_query
            found = sweep(Window(first, last), matches_in, cap)
            kept = [
                study
                for study in found.studies.values()
                if _is_wanted(study, selection, days)
                and (study.modalities or _has_modality(connection, study, selection.modality))
            ]
            kept.sort(key=lambda study: (study.study_date, study.study_uid))
            found.studies = {study.study_uid: study for study in kept}
            return found

    return with_retries(node, ask, wait)


def find_by(
    node: PacsNode, asked: Iterable[Mapping[str, str]], *, wait: Wait = time.sleep
) -> list[list[FoundStudy]]:
    """Return the answers to several study-level queries, asked over one association.

    Parameters
    ----------
    node : PacsNode
        The PACS.
    asked : Iterable of Mapping
        Keyword to value of each query, for example ``{"AccessionNumber": "0012"}``.

    Raises
    ------
    TransientError, ConfigurationError
        As :func:`find_studies`; none of the answers counts then.
    """
    queries = [dict.fromkeys(_STUDY_KEYS, "") | dict(keys) for keys in asked]

    def ask() -> list[list[FoundStudy]]:
        with asking(node) as connection:
            return [list(map(_study, find(connection, "STUDY", query))) for query in queries]

    return with_retries(node, ask, wait)


@contextmanager
def asking(node: PacsNode) -> Iterator[Connection | WebQuery]:
    """Yield what answers queries: an association for C-FIND, or the site's QIDO-RS."""
    if node.dicomweb is not None and node.dicomweb.query:
        yield WebQuery(node)
        return
    with connect(node, [build_context(FIND_STUDY_ROOT)]) as connection:
        yield connection


def selected(node: PacsNode, studies: Sequence[FoundStudy], selection: Selection) -> set[str]:
    """Return the UIDs of those studies that a project selects; asks only what was not told."""
    days = f"{selection.study_date.first:%Y%m%d}-{selection.study_date.last:%Y%m%d}"
    wanted = [study for study in studies if _is_wanted(study, selection, days)]
    told = {study.study_uid for study in wanted if study.modalities}
    untold = [study for study in wanted if not study.modalities]
    if untold:
        with asking(node) as connection:
            modality = selection.modality
            told |= {s.study_uid for s in untold if _has_modality(connection, s, modality)}
    return told


def find(
    connection: Connection | WebQuery, level: str, keys: Mapping[str, str]
) -> Iterator[Dataset]:
    """Send one C-FIND and yield its matches; the caller reads them to the end."""
    if isinstance(connection, WebQuery):
        yield from connection.find(level, keys)
        return
    query = Dataset()
    if not all(value.isascii() for value in keys.values()):
        _put(query, "SpecificCharacterSet", "ISO_IR 192")
    for keyword, value in {"QueryRetrieveLevel": level, **keys}.items():
        _put(query, keyword, value)
    for status, match in list(connection.assoc.send_c_find(query, FIND_STUDY_ROOT)):
        connection.touch()
        if "Status" not in status:
            raise connection.lost()
        if judge_status(int(status.Status)).kind == "pending":
            if match is None:  # pynetdicom could not decode it: a match must never be lost
                raise TransientError("PACS_ANSWER_UNREADABLE", f"{level} level")
            yield match
            continue
        error = status_error(int(status.Status))
        if error is not None:
            raise error


def _put(ds: Dataset, keyword: str, value: str) -> None:
    """Set a key without validation: ranges and wildcards are no valid values of their VR."""
    mode = pydicom_config.IGNORE
    tag = tag_for_keyword(keyword) or 0
    ds.add(DataElement(tag, dictionary_VR(keyword), value, validation_mode=mode))


def _study(match: Dataset) -> FoundStudy:
    return FoundStudy(
        study_uid=text(match, "StudyInstanceUID"),
        patient_id=text(match, "PatientID"),
        issuer=text(match, "IssuerOfPatientID"),
        accession_number=text(match, "AccessionNumber"),
        study_date=text(match, "StudyDate"),
        study_description=text(match, "StudyDescription"),
        modalities=texts(match, "ModalitiesInStudy"),
        series_count=count_of(match, "NumberOfStudyRelatedSeries"),
        instance_count=count_of(match, "NumberOfStudyRelatedInstances"),
        study_time=text(match, "StudyTime"),
        availability=text(match, "InstanceAvailability").upper(),
    )


def count_of(match: Dataset, keyword: str) -> int | None:
    """Return a number written as text (IS); None when there is none."""
    value = text(match, keyword)
    return int(value) if value.isdigit() else None


def _is_wanted(study: FoundStudy, selection: Selection, days: str) -> bool:
    """Match again what the PACS may have ignored; what is not known to match is not taken."""
    pattern = selection.study_description.casefold()
    return (
        matches("DA", [days], [study.study_date])
        and matches("LO", [pattern], [study.study_description.casefold()])
        and (not study.modalities or selection.modality in study.modalities)
    )


def _has_modality(connection: Connection | WebQuery, study: FoundStudy, modality: str) -> bool:
    keys = {"StudyInstanceUID": study.study_uid, "SeriesInstanceUID": "", "Modality": ""}
    return modality in {text(one, "Modality") for one in find(connection, "SERIES", keys)}
