"""What one object as a whole needs after its elements were treated: its UIDs and its document."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID

from config.errors import IdentityLeak, UnreadableObject
from deid.codestream import without_asides
from deid.documents.replace import document_kind, replace_document
from deid.keys import new_uid
from deid.leak import holds_needle
from deid.pixel_length import number, surplus_bytes
from deid.roots import original_uid
from deid.tally import Context, Tally, map_uids
from deid.values import Element, new_text, text_of

__all__ = ["finish"]

_RLE = "1.2.840.10008.1.2.5"
_MIME_TYPES = {"pdf": "application/pdf", "cda": "text/XML"}
"""PS3.3 C.24.2, by kind of document."""


def finish(out: Dataset, ds: Dataset, context: Context, tally: Tally) -> None:
    """Give ``out``, made of ``ds``, the UIDs it lacks, and its document cleaned or replaced.

    A study or series without a UID gets one of its own, so that the object can be named; it joins
    nothing. SOP class and instance are those of the file meta group when the object has none.

    Raises
    ------
    UnreadableObject
        ``DEID_NO_UID``, ``DEID_TRUNCATED``.
    IdentityLeak
        ``IDENTITY_LEAK`` where a video or an unknown codestream names the patient.
    """
    _name(out, ds, context, tally)
    if document_kind(context.sop_class):
        _replace(out, ds, context, tally)
    elif "PixelData" in out:
        _trim(out, ds, context)


def _name(out: Dataset, ds: Dataset, context: Context, tally: Tally) -> None:
    if not out.get("SOPClassUID"):  # stays where it was: in the file meta group alone
        out.file_meta = FileMetaDataset()
        out.file_meta.MediaStorageSOPClassUID = UID(context.sop_class)
    instance = ""
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if out.get(keyword):
            continue
        instance = instance or original_uid(ds, "SOPInstanceUID") or _content(ds)
        given = original_uid(ds, keyword)
        if given and "113110" not in context.rules.options:
            uid = map_uids(given, keyword, context, tally)
        else:
            uid = given or new_uid(context.keys.uid, f"{keyword} of {instance}")
        out[Tag(keyword)] = new_text(Tag(keyword), "UI", uid)
        tally.count("uid_made")


def _content(ds: Dataset) -> str:
    """Return a name for an object without one: its pixels' digest, its place in the series."""
    item = ds.get_item("PixelData") if "PixelData" in ds else None
    if item is None or not isinstance(item.value, bytes):
        raise UnreadableObject("DEID_NO_UID", "SOPInstanceUID")
    words = ("PatientID", "SeriesNumber", "InstanceNumber", "AcquisitionNumber", "Rows", "Columns")
    texts = [str(ds.get(word) or "") for word in words]
    return "\\".join([hashlib.sha256(item.value).hexdigest(), *texts])


def _trim(out: Dataset, ds: Dataset, context: Context) -> None:
    """Take out what lies in the pixel data and is no sample: no reader shows it.

    The value is bytes, or a place in the source file (a frozen value with a ``length``). What is
    neither an image nor RLE (a video) stays as it is, unless it names the patient.
    """
    item = out.get_item("PixelData")
    value: Any = item.value
    if not value:
        return
    if _is_encapsulated(item):
        if isinstance(value, bytes):
            trimmed = without_asides(value, _rle_plane_bytes(ds))
            if any(holds_needle(part.lower(), context.hunter) for part in trimmed.unread):
                raise IdentityLeak("IDENTITY_LEAK", str(item.tag))
            _put_pixels(out, item, trimmed.value)
        return
    surplus = surplus_bytes(ds, len(value))
    if surplus:
        left = len(value) - surplus
        whole = value[:left] if isinstance(value, bytes) else replace(value, length=left)
        _put_pixels(out, item, whole)


def _put_pixels(out: Dataset, item: Element, value: Any) -> None:
    if isinstance(item, RawDataElement):
        length = item.length if _is_encapsulated(item) else len(value)
        out[item.tag] = item._replace(value=value, length=length)
        return
    element = DataElement(item.tag, item.VR, value)
    element.is_undefined_length = item.is_undefined_length
    out[item.tag] = element


def _rle_plane_bytes(ds: Dataset) -> int:
    """Return the samples of one byte plane of an RLE frame (PS3.5 G.2), 0 in another syntax."""
    meta = getattr(ds, "file_meta", None)
    is_rle = meta is not None and str(meta.get("TransferSyntaxUID")) == _RLE
    return number(ds, "Rows") * number(ds, "Columns") if is_rle else 0


def _is_encapsulated(item: Element) -> bool:
    if isinstance(item, RawDataElement):
        return item.length == 0xFFFFFFFF  # PS3.5 A.4
    return bool(item.is_undefined_length)


def _replace(out: Dataset, ds: Dataset, context: Context, tally: Tally) -> None:
    kind = document_kind(context.sop_class)
    item = ds.get_item("EncapsulatedDocument")
    data = item.value or b""
    if not isinstance(data, bytes):
        raise UnreadableObject("DEID_TRUNCATED", "(0042,0011)")
    length = ds.get("EncapsulatedDocumentLength")
    if isinstance(length, int) and 0 < length <= len(data):
        data = data[:length]
    named = ds.get_item("HL7InstanceIdentifier") if "HL7InstanceIdentifier" in ds else None
    source = text_of(named, ()) if named is not None else original_uid(ds, "SOPInstanceUID")
    uid = new_uid(context.keys.uid, source)
    made = replace_document(kind, data, context.hunter, context.rules.options, uid)
    tally.count("document_cleaned" if made.option else "document_blank", made.option)
    value = made.data + b"\0" * (len(made.data) % 2)
    out[Tag("EncapsulatedDocument")] = DataElement(Tag("EncapsulatedDocument"), "OB", value)
    length_tag = Tag("EncapsulatedDocumentLength")
    out[length_tag] = DataElement(length_tag, "UL", len(made.data))
    for keyword, vr, text in (
        ("MIMETypeOfEncapsulatedDocument", "LO", _MIME_TYPES[kind]),
        ("BurnedInAnnotation", "CS", "NO"),
    ):
        out[Tag(keyword)] = new_text(Tag(keyword), vr, text)
    if kind == "cda":  # Type 1C, required for CDA (PS3.3 C.24.2)
        out[Tag("HL7InstanceIdentifier")] = new_text(Tag("HL7InstanceIdentifier"), "ST", uid)
