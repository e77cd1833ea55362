"""Part 10 bytes of a released object (PS3.10 7): zero preamble, a file meta group made anew."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag

from deid.admit import Syntax
from deid.roots import original_uid
from deid.span import Span
from deid.values import Element

__all__ = ["PREAMBLE", "Encoded", "encode", "encode_part", "file_meta", "pixel_pieces"]

PREAMBLE = bytes(128) + b"DICM"
"""What every Part 10 file of ours begins with (PS3.10 7.1)."""
_PIXEL_TAGS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_UNDEFINED_LENGTH = 0xFFFFFFFF
_IMPLEMENTATION_UID = "2.25.115420113925462803921562471338018426721"
_SEQUENCE_END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True)
class Encoded:
    """A Part 10 file in pieces; ``searchable`` is every byte of it but the pixel values."""

    pieces: tuple[bytes | Span, ...]
    searchable: bytes

    def joined(self) -> bytes:
        """Return the whole file.

        Raises
        ------
        TypeError
            Its pixels were not read: they are where ``pieces`` says.
        """
        pieces = [piece for piece in self.pieces if not isinstance(piece, Span)]
        if len(pieces) < len(self.pieces):
            raise TypeError("the pixels of this object are in its source")
        return b"".join(pieces)


def encode(out: Dataset, syntax: Syntax) -> Encoded:
    """Return ``out`` encoded in ``syntax``; pixel values are carried along as they lie."""
    pixel_tag = next((BaseTag(tag) for tag in _PIXEL_TAGS if tag in out), None)
    tags = sorted(out.keys())
    before = encode_part(out, [t for t in tags if pixel_tag is None or t < pixel_tag], syntax)
    pieces: list[bytes | Span] = [before]
    after = b""
    if pixel_tag is not None:
        pieces += pixel_pieces(out.get_item(pixel_tag), syntax)
        after = encode_part(out, [t for t in tags if t > pixel_tag], syntax)
        pieces.append(after)
    meta = file_meta(original_uid(out, "SOPClassUID"), str(out.SOPInstanceUID), syntax)
    searchable = b"".join((meta, before, after))
    if syntax.deflated:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # PS3.5 A.5
        body = deflater.compress(Encoded(tuple(pieces), b"").joined()) + deflater.flush()
        pieces = [body + b"\0" * (len(body) % 2)]
    return Encoded((PREAMBLE, meta, *pieces), searchable)


def encode_part(out: Dataset, tags: list[BaseTag], syntax: Syntax) -> bytes:
    """Return some elements of ``out`` encoded in ``syntax``."""
    charset = out.original_character_set or "iso8859"
    part = Dataset({tag: out.get_item(tag) for tag in tags}, parent_encoding=charset)
    part.set_original_encoding(syntax.implicit_vr, syntax.little_endian, charset)
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = syntax.implicit_vr, syntax.little_endian
    write_dataset(file, part, charset if isinstance(charset, str) else list(charset))
    return bytes(file.getvalue())


def pixel_pieces(item: Element, syntax: Syntax) -> list[bytes | Span]:
    """Return header, value and delimiter of the pixel element without copying the value."""
    value = item.value or b""
    is_native = not syntax.encapsulated
    length = len(value) if is_native else _UNDEFINED_LENGTH  # PS3.5 A.4
    order = "<" if syntax.little_endian else ">"
    header = struct.pack(order + "HH", item.tag.group, item.tag.element)
    if not syntax.implicit_vr:
        vr = item.VR if item.VR in {"OB", "OW", "OF", "OD"} else "OW"
        header += str(vr if is_native else "OB").encode() + b"\0\0"
    header += struct.pack(order + "L", length)
    return [header, value] if is_native else [header, value, _SEQUENCE_END]


def file_meta(sop_class: str, sop_uid: str, syntax: Syntax) -> bytes:
    """Return the file meta group, nothing of the source's in it (PS3.10 7.1)."""
    body = _brief(0x0001, b"OB\0\0", struct.pack("<L", 2), b"\0\1")
    for element, vr, text in (
        (0x0002, b"UI", sop_class),
        (0x0003, b"UI", sop_uid),
        (0x0010, b"UI", syntax.uid),
        (0x0012, b"UI", _IMPLEMENTATION_UID),
        (0x0013, b"SH", "ACCORDAGE"),
    ):
        value = text.encode("ascii")
        value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
        body += _brief(element, vr, struct.pack("<H", len(value)), value)
    return struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(body)) + body


def _brief(element: int, *parts: bytes) -> bytes:
    return struct.pack("<HH", 2, element) + b"".join(parts)
