"""Give a received object its subject: the hub's own, in place of the site's pseudonym.

Both have the same length (twelve characters), so only these bytes change; a file is copied, never
held in memory, except where its data set is deflated (PS3.5 A.5).
"""

from __future__ import annotations

import mmap
import shutil
import zlib
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian

from config.errors import RejectedError
from config.files import disk_faults, partial_of, sha256_file

__all__ = ["rekey"]

_GROUP_LENGTH_END = 144
"""Bytes up to the end of (0002,0000), from which the file meta's length counts (PS3.10 7.1)."""


def rekey(source: Path, folder: Path, old: str, new: str) -> tuple[Path, str]:
    """Write ``source`` with ``new`` for ``old`` under a working name; return it and its SHA-256.

    Raises
    ------
    RejectedError
        ``BUNDLE_INCOMPLETE`` when the object does not bear the pseudonym its bundle names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    partial = partial_of(folder / source.name)
    with disk_faults():
        shutil.copyfile(source, partial)
        found = _replace_in(partial, old.encode(), new.encode())
        if not found:
            found = _replace_deflated(partial, old.encode(), new.encode())
    if not found:
        partial.unlink()
        raise RejectedError("BUNDLE_INCOMPLETE", "an object without its pseudonym")
    return partial, sha256_file(partial)


def _replace_in(path: Path, old: bytes, new: bytes) -> int:
    """Replace ``old`` in place; return how often it was there."""
    count = 0
    if not path.stat().st_size or len(old) != len(new):
        return count
    with path.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as view:
        place = view.find(old)
        while place >= 0:
            view[place : place + len(old)] = new
            count += 1
            place = view.find(old, place + len(old))
        view.flush()
    return count


def _replace_deflated(path: Path, old: bytes, new: bytes) -> int:
    raw = path.read_bytes()
    if raw[128:132] != b"DICM":
        return 0
    if read_file_meta_info(path).get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return 0
    start = _GROUP_LENGTH_END + int.from_bytes(raw[140:_GROUP_LENGTH_END], "little")
    try:
        body = zlib.decompress(raw[start:], wbits=-zlib.MAX_WBITS)
    except zlib.error:
        return 0
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflater.compress(body.replace(old, new)) + deflater.flush()
    path.write_bytes(raw[:start] + packed + b"\0" * (len(packed) % 2))
    return body.count(old)
