"""Listing a study: every instance the PACS says it has, also where it caps its answers."""

from __future__ import annotations

import time

from pydicom.dataset import Dataset
from pynetdicom import build_context

from config.errors import TransientError
from config.site import PacsNode
from pipelines.acquire.pacs.backoff import Wait, with_retries
from pipelines.acquire.pacs.connection import Connection, connect
from pipelines.acquire.pacs.objects import ExpectedInstance
from pipelines.acquire.pacs.query import FIND_STUDY_ROOT, count_of, find
from pipelines.acquire.pacs.windows import is_round
from pipelines.acquire.text import text

__all__ = ["find_instances"]

_IMAGE_KEYS = (
    "SOPInstanceUID",
    "SOPClassUID",
    "InstanceNumber",
    "AvailableTransferSyntaxUID",
    "Rows",
    "Columns",
    "BitsAllocated",
    "SamplesPerPixel",
    "NumberOfFrames",
)


def find_instances(
    node: PacsNode, study_uid: str, *, wait: Wait = time.sleep
) -> list[ExpectedInstance]:
    """Return every instance of a study that the PACS lists, ordered by series and instance UID.

    Where it lists fewer of a series than it counts, and as many as a cap may give, each is asked
    for by its Instance Number.

    Raises
    ------
    TransientError, ConfigurationError
        As :func:`find_studies`.
    """

    def ask() -> list[ExpectedInstance]:
        with connect(node, [build_context(FIND_STUDY_ROOT)]) as connection:
            keys = ("SeriesInstanceUID", "Modality", "NumberOfSeriesRelatedInstances")
            query = {"StudyInstanceUID": study_uid} | dict.fromkeys(keys, "")
            counted = {
                text(one, "SeriesInstanceUID"): count_of(one, "NumberOfSeriesRelatedInstances")
                for one in find(connection, "SERIES", query)
            }
            counted.pop("", None)
            found: dict[str, ExpectedInstance] = {}
            cap = node.limits.answers_per_query
            for series_uid in sorted(counted):
                upper = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
                for one in _series(connection, upper, counted[series_uid], cap):
                    found.setdefault(one.sop_uid, one)
            return sorted(found.values(), key=lambda one: (one.series_uid, one.sop_uid))

    return with_retries(node, ask, wait)


def _series(
    connection: Connection, upper: dict[str, str], counted: int | None, cap: int | None
) -> list[ExpectedInstance]:
    """Return a series' instances, one number at a time where the PACS gives only the first."""
    found: dict[str, ExpectedInstance] = {}
    is_cut = False
    try:
        _take(connection, upper, {}, found)
    except TransientError as error:
        if error.code != "PACS_OUT_OF_RESOURCES" or counted is None:
            raise
        is_cut = True
    listed = len(found)
    is_short = counted is not None and listed < counted
    if is_short and (is_cut or listed == cap or is_round(listed)):
        for number in range(1, 2 * (counted or 0) + 2):
            if len(found) >= (counted or 0):
                break
            _take(connection, upper, {"InstanceNumber": str(number)}, found)
    return list(found.values())


def _take(
    connection: Connection,
    upper: dict[str, str],
    keys: dict[str, str],
    found: dict[str, ExpectedInstance],
) -> None:
    """Add what one query answers."""
    query = upper | dict.fromkeys(_IMAGE_KEYS, "") | keys
    for one in find(connection, "IMAGE", query):
        instance = _instance(one, upper["SeriesInstanceUID"])
        if not instance.sop_uid:
            raise TransientError("PACS_ANSWER_UNREADABLE", "no SOPInstanceUID")
        found.setdefault(instance.sop_uid, instance)


def _instance(match: Dataset, series_uid: str) -> ExpectedInstance:
    syntax = text(match, "AvailableTransferSyntaxUID")
    sop_uid, sop_class_uid = text(match, "SOPInstanceUID"), text(match, "SOPClassUID")
    return ExpectedInstance(series_uid, sop_uid, sop_class_uid, syntax, _pixel_bytes(match))


def _pixel_bytes(match: Dataset) -> int | None:
    """Return the size of the uncompressed pixels (PS3.3 section C.7.6.3); None when not told."""
    rows, columns, bits = (_short(match, name) for name in ("Rows", "Columns", "BitsAllocated"))
    if not rows or not columns or not bits:
        return None
    samples, frames = _short(match, "SamplesPerPixel"), count_of(match, "NumberOfFrames")
    return rows * columns * (samples or 1) * (frames or 1) * bits // 8


def _short(match: Dataset, keyword: str) -> int | None:
    """Return a US value (PS3.5 section 6.2), which is a binary number."""
    value = match.get(keyword)
    return value if isinstance(value, int) else None
