"""Whether a data set was read to the end of its file; readers meet an early end in silence."""

from __future__ import annotations

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from config.errors import UnreadableObject

__all__ = ["require_whole"]

_UNDEFINED_LENGTH = 0xFFFFFFFF
_DELIMITER_BYTES = 8
_SEQUENCE_ENDS = (b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xff\xfe\xe0\xdd\0\0\0\0")
"""Sequence Delimitation Item (PS3.5 7.5.2) in either byte order."""


def require_whole(ds: Dataset, size_bytes: int, last_bytes: bytes) -> None:
    """Refuse a data set of which bytes are left that no element holds.

    Parameters
    ----------
    ds : Dataset
        Read from a file that is not deflated, pixels included, and not changed since.
    size_bytes : int
        Length of the file.
    last_bytes : bytes
        The last eight bytes of the file.

    Raises
    ------
    UnreadableObject
        ``DEID_TRUNCATED``.
    """
    ends = last_sequence = 0
    for item in ds._dict.values():  # noqa: SLF001, to look at an element must not decode it
        if isinstance(item, RawDataElement):
            ends = max(ends, _end(item))
        else:
            last_sequence = max(last_sequence, item.file_tell or 0)
    by_delimiter = last_sequence > ends and last_bytes in _SEQUENCE_ENDS
    is_whole = by_delimiter or ends == size_bytes
    if not is_whole:
        raise UnreadableObject("DEID_TRUNCATED", "bytes at the end that belong to no element")


def _end(item: RawDataElement) -> int:
    if item.length == _UNDEFINED_LENGTH:
        return item.value_tell + len(item.value or b"") + _DELIMITER_BYTES
    return item.value_tell + item.length
