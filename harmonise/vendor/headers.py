"""Headers read from files: no pixels, no warnings let out, foreign errors translated."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.valuerep import IS, DSfloat, PersonName

from config.errors import UnreadableObject
from harmonise.data import table

__all__ = [
    "FOREIGN",
    "PlainView",
    "dataset_digest",
    "parse_header",
    "plain",
    "plain_header",
    "quiet",
    "read_header",
]

FOREIGN = (
    InvalidDicomError,
    BytesLengthException,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
)
"""What pydicom and its codecs raise on objects that are not what they say."""

REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
"""Without these an object cannot be named (PS3.3 C.12.1, C.7.2.1, C.7.3.1)."""


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings about odd values out of the log: they quote the values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(path: Path) -> FileDataset:
    """Return the dataset of a file up to its pixels.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE``: not DICOM, an identifier missing, or fewer bytes than the header needs.
    """
    ds, damage = parse_header(path)
    if damage:
        raise UnreadableObject("FILE_UNREADABLE", damage)
    return ds


def parse_header(path: Path) -> tuple[FileDataset, str]:
    """Return the dataset up to its pixels, and what is wrong with what follows; "" for nothing.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE`` where the header itself cannot be used.
    """
    try:
        with quiet(), path.open("rb") as stream:
            ds = pydicom.dcmread(stream, stop_before_pixels=True)
            left = path.stat().st_size - stream.tell()
            missing = [keyword for keyword in REQUIRED if not ds.get(keyword)]
            short = not missing and _is_cut_short(ds, left)
    except FOREIGN as error:
        raise UnreadableObject("FILE_UNREADABLE", type(error).__name__) from error
    if missing:
        raise UnreadableObject("FILE_UNREADABLE", f"no {missing[0]}")
    return ds, "fewer bytes than its pixels need" if short else ""


def _is_cut_short(ds: FileDataset, left: int) -> bool:
    """Tell whether fewer bytes are left than grey native pixels take (PS3.5 section 8.1.1)."""
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if syntax is None or syntax.is_compressed or syntax.is_deflated:
        return False
    if not ds.get("Rows") or int(ds.get("SamplesPerPixel") or 1) != 1:
        return False
    bits = int(ds.Rows) * int(ds.Columns) * int(ds.get("BitsAllocated") or 8)
    return left < bits * int(ds.get("NumberOfFrames") or 1) // 8


def plain(value: Any) -> Any:
    """Return a value as JSON would hold it: str, int, float, list or None."""
    if value is None or (isinstance(value, str) and not value):
        return None
    if isinstance(value, MultiValue) or (
        hasattr(value, "__iter__") and not isinstance(value, (str, bytes, PersonName))
    ):
        return [plain(part) for part in value]
    if isinstance(value, (DSfloat, float)):
        return float(value)
    if isinstance(value, (IS, int)):
        return int(value)
    return value.decode("latin-1") if isinstance(value, bytes) else str(value).strip()


OF_VIEW = ("ViewCode", "ViewModifierCodes")
"""What a mammogram's view is called among its plain values; they lie in sequences."""


class PlainView(Mapping[str, Any]):
    """The public attributes of an object as plain values, each read when it is asked for.

    Whoever notes what an object is asked for (:mod:`deid.fast_asked`) finds no more than is used:
    values that differ from slice to slice, which nobody here looks at, make no slice a new case.
    """

    def __init__(self, ds: Dataset) -> None:
        self._ds = ds

    def __getitem__(self, keyword: str) -> Any:
        """Return an attribute as `plain` does; ``KeyError`` where it is missing or empty."""
        value = _of_view(self._ds).get(keyword) if keyword in OF_VIEW else None
        value = plain(self._ds.get(keyword)) if value is None else value
        if value is None:
            raise KeyError(keyword)
        return value

    def __iter__(self) -> Iterator[str]:
        """Yield the keywords of ``header_keywords.yaml`` that are there."""
        return (k for k in table("header_keywords") if plain(self._ds.get(k)) is not None)

    def __len__(self) -> int:
        """Count them."""
        return sum(1 for _ in self)


def plain_header(ds: Dataset) -> dict[str, Any]:
    """Return the public attributes of ``header_keywords.yaml`` the object has, as plain values.

    Mammograms also give ``ViewCode`` and ``ViewModifierCodes`` (CID 4014, 4015) out of their
    sequences, and every object ``SOPClassUID``, ``HasVOILUT`` and ``HasModalityLUT``.
    """
    header = {}
    with quiet():
        for keyword in table("header_keywords"):
            value = plain(ds.get(keyword))
            if value is not None:
                header[keyword] = value
        header |= _of_view(ds)
        header["SOPClassUID"] = str(ds.get("SOPClassUID"))
    header["HasVOILUT"] = bool(ds.get("VOILUTSequence"))
    header["HasModalityLUT"] = bool(ds.get("ModalityLUTSequence"))
    return header


def dataset_digest(path: Path) -> str:
    """Return the SHA-256 (hex) of the bytes after the file meta group, which agree by any route.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE`` when the meta group does not parse.
    """
    try:
        with quiet(), path.open("rb") as stream:
            pydicom.filereader.read_preamble(stream, force=False)
            pydicom.filereader._read_file_meta_info(stream)  # noqa: SLF001  # the one reader of it
            return hashlib.sha256(stream.read()).hexdigest()
    except FOREIGN as error:
        raise UnreadableObject("FILE_UNREADABLE", type(error).__name__) from error


def _of_view(ds: Dataset) -> dict[str, Any]:
    """Return the codes of a mammogram's view and of its modifiers (CID 4014, 4015)."""
    view = ds.get("ViewCodeSequence") or []
    if not view:
        return {}
    modifiers = view[0].get("ViewModifierCodeSequence") or []
    modifiers = modifiers or ds.get("ViewModifierCodeSequence") or []
    return {
        "ViewCode": plain(view[0].get("CodeValue")),
        "ViewModifierCodes": [plain(item.get("CodeValue")) for item in modifiers],
    }
