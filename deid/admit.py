"""Which objects this room takes in at all: readable, storable, of a kind it knows how to clean."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import STANDARD_VR

from config.errors import UnreadableObject, UnsupportedObject
from deid.documents.replace import document_kind
from deid.iods import is_known
from deid.pixel_length import frame_bits, number
from deid.roots import original_uid

__all__ = ["Syntax", "admit", "syntax_of"]

_UNDEFINED_LENGTH = 0xFFFFFFFF
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_RAW_DATA = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.9.4.1")  # raw data; voice audio
_IMPLICIT = "1.2.840.10008.1.2"
_EXPLICIT = "1.2.840.10008.1.2.1"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_ENCAPSULATED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1")
"""JPEG, JPEG-LS, JPEG 2000, MPEG and their kin; RLE; Deflated Image Frame (PS3.5 A.4)."""


def admit(ds: Dataset, syntax: Syntax) -> str:
    """Return the SOP class of an object that may be de-identified.

    Raises
    ------
    UnreadableObject
        ``DEID_NO_UID``, ``DEID_NO_PIXELS``, ``DEID_TRUNCATED``, ``DEID_BAD_VR``.
    UnsupportedObject
        ``DOCUMENT_NOT_CLEANED``, ``SOP_CLASS_UNSUPPORTED``.
    """
    _require_whole_values(ds)
    sop_class = original_uid(ds, "SOPClassUID")
    if not sop_class:
        raise UnreadableObject("DEID_NO_UID", "SOPClassUID")
    is_document = bool(document_kind(sop_class))
    if ("EncapsulatedDocument" in ds) != is_document:
        if is_document:
            raise UnreadableObject("DEID_TRUNCATED", "(0042,0011)")
        raise UnsupportedObject("DOCUMENT_NOT_CLEANED", "an encapsulated document")
    if not sop_class.startswith(_STORAGE) or not is_known(sop_class) or sop_class in _RAW_DATA:
        is_standard = sop_class.startswith("1.2.840.10008.")
        raise UnsupportedObject(
            "SOP_CLASS_UNSUPPORTED", sop_class if is_standard else "a private SOP class"
        )
    if syntax.encapsulated and "PixelData" not in ds:
        raise UnreadableObject("DEID_NO_PIXELS", "a compressed image without pixel data")
    _require_whole_pixels(ds, syntax)
    return sop_class


@dataclass(frozen=True)
class Syntax:
    """A transfer syntax (PS3.5 A): how the bytes of an object are written."""

    uid: str
    implicit_vr: bool
    little_endian: bool
    deflated: bool
    encapsulated: bool


def syntax_of(ds: Dataset) -> Syntax:
    """Return the transfer syntax of the source, which is also that of the result.

    Raises
    ------
    UnsupportedObject
        ``TRANSFER_SYNTAX_UNSUPPORTED`` when it is unknown or contradicts the bytes.
    """
    implicit, little = ds.original_encoding
    meta = getattr(ds, "file_meta", None)
    uid = str(meta.get("TransferSyntaxUID") or "") if meta is not None else ""
    if not uid:
        uid = _native_uid(implicit=implicit is not False, little=little is not False)
    native = uid in {_IMPLICIT, _EXPLICIT, _BIG_ENDIAN, _DEFLATED}
    if not native and not uid.startswith(_ENCAPSULATED):
        raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", "not a transfer syntax of PS3.5")
    syntax = Syntax(uid, uid == _IMPLICIT, uid != _BIG_ENDIAN, uid == _DEFLATED, not native)
    if implicit is not None and (implicit, little) != (syntax.implicit_vr, syntax.little_endian):
        raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", "the bytes are encoded otherwise")
    return syntax


def _native_uid(*, implicit: bool, little: bool) -> str:
    if implicit:
        return _IMPLICIT
    return _EXPLICIT if little else _BIG_ENDIAN


def _require_whole_values(ds: Dataset) -> None:
    """Refuse an object with a value cut short or of no VR, whatever becomes of that value."""
    for item in ds._dict.values():  # noqa: SLF001, to look at an element must not decode it
        if not isinstance(item, RawDataElement):
            continue
        if item.length not in {len(item.value or b""), _UNDEFINED_LENGTH}:
            raise UnreadableObject("DEID_TRUNCATED", str(item.tag))
        if item.VR is not None and item.VR not in STANDARD_VR:
            raise UnreadableObject("DEID_BAD_VR", str(item.tag))


def _require_whole_pixels(ds: Dataset, syntax: Syntax) -> None:
    """Refuse native pixel data shorter than its own sizes say (PS3.5 8.1.1)."""
    if "PixelData" not in ds or syntax.encapsulated:
        return
    needed_bits = frame_bits(ds) * number(ds, "NumberOfFrames", 1)
    item = ds.get_item("PixelData")
    if len(item.value or b"") * 8 < needed_bits:
        raise UnreadableObject("DEID_TRUNCATED", "pixel data shorter than its own sizes say")
