"""QIDO-RS (PS3.18 section 10.6): the queries of C-FIND, asked by the web."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from pydicom.dataset import Dataset

from config.errors import TransientError
from config.site import PacsNode
from pipelines.acquire.pacs.status import status_error
from pipelines.acquire.text import text
from pipelines.acquire.web.http import get, status_of

__all__ = ["WebQuery"]

_ACCEPT = "application/dicom+json"
_PAGE = 1000
_PLAIN = re.compile(r"[^A-Za-z0-9*?.-]")
_LARGEST_ANSWER_BYTES = 256 << 20
_NO_CONTENT = 204
_UNIQUE = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


class WebQuery:
    """Asks a DICOMweb service what a C-FIND connection is asked."""

    def __init__(self, node: PacsNode) -> None:
        self._node = node

    def find(self, level: str, keys: Mapping[str, str]) -> Iterator[Dataset]:
        """Yield the matches of a query, page by page, each once.

        Parameters
        ----------
        level : str
            STUDY, SERIES or IMAGE.
        keys : Mapping[str, str]
            Keyword to value; an empty one asks for the attribute.

        Raises
        ------
        TransientError, ConfigurationError
            As :func:`pipelines.acquire.web.http.get`; ``PACS_ANSWER_UNREADABLE``.
        """
        seen: set[str] = set()
        while True:
            fresh = 0
            for match in self._page(level, keys, len(seen)):
                uid = text(match, _UNIQUE[level])
                if uid not in seen:  # an archive that knows no offset sends its first page again
                    seen.add(uid)
                    fresh += 1
                    yield match
            if not fresh:
                return

    def _page(self, level: str, keys: Mapping[str, str], offset: int) -> list[Dataset]:
        path, parameters = _resource(level, keys)
        parameters += [("limit", str(_PAGE)), ("offset", str(offset))]
        asked = f"{path}?{urlencode(parameters, safe='*?,', quote_via=quote)}"
        with get(self._node, asked, _ACCEPT) as answer:
            if answer.status == _NO_CONTENT:
                return []
            error = status_error(status_of(answer))
            if error is not None:
                raise error
            return _matches(answer)


def _matches(answer: http.client.HTTPResponse) -> list[Dataset]:
    body = answer.read(_LARGEST_ANSWER_BYTES)
    try:
        return [Dataset.from_json(one) for one in json.loads(body or b"[]")]
    except Exception as error:  # noqa: BLE001, whatever a strange answer makes the parsers raise
        raise TransientError("PACS_ANSWER_UNREADABLE", type(error).__name__) from None


def _resource(level: str, keys: Mapping[str, str]) -> tuple[str, list[tuple[str, str]]]:
    """Return the resource of a level and its query (PS3.18 Table 10.6.1-1)."""
    left = dict(keys)
    path = "/studies"
    if level != "STUDY":
        path += f"/{left.pop('StudyInstanceUID')}/series"
    if level == "IMAGE":
        path += f"/{left.pop('SeriesInstanceUID')}/instances"
    # Some services do not decode what is escaped (Orthanc's plugin of Debian 12): ? is any
    # character (PS3.4 C.2.2.2.4), and what it lets through besides is matched again by the caller.
    matched = [(keyword, _PLAIN.sub("?", value)) for keyword, value in left.items() if value]
    wanted = ",".join(keyword for keyword, value in left.items() if not value)
    return path, [*matched, ("includefield", wanted)]
