"""The hiding places that any object may have, beside the attributes of its own class."""

from __future__ import annotations

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from pipelines.audit.twin.header import Study
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter, where

__all__ = ["hide", "hide_in_image"]

_SIEMENS = "SIEMENS MR HEADER"
"""A creator of PS3.15 Table E.3.10-1; (0019,xx0C) is the b-value."""


def hide(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Plant in nested, private, unknown, retired and trailing places."""
    _nested(ds, planter, names, study)
    _private(ds, planter, names, study)
    _unknown(ds, planter, names)
    other = names.person()
    ds.add_new(0xFFFCFFFC, "OB", _even(planter.secret(other.family, "DataSetTrailingPadding")))
    text = planter.secret(names.family(), where("TextComments"))
    ds.add_new(0x40004000, "LT", f"vu par M. {text}")
    arbitrary = planter.secret(names.family(), where("Arbitrary"))
    ds.add_new(0x40000010, "LT", arbitrary)


def hide_in_image(ds: Dataset, planter: Planter, names: Names) -> None:
    """Plant in the icon, overlays, a curve and the bytes after native pixels."""
    icon = Dataset()
    icon.Rows, icon.Columns, icon.SamplesPerPixel = 4, 8, 1
    icon.BitsAllocated, icon.BitsStored, icon.HighBit = 8, 8, 7
    icon.PixelRepresentation, icon.PhotometricInterpretation = 0, "MONOCHROME2"
    icon.PixelData = _latin(planter.secret(names.family(), "IconImageSequence")).ljust(32)[:32]
    ds.IconImageSequence = [icon]
    ds.add_new(0x60000010, "US", 8)
    ds.add_new(0x60000011, "US", 16)
    ds.add_new(0x60000040, "CS", "G")
    ds.add_new(0x60000050, "SS", [1, 1])
    ds.add_new(0x60000100, "US", 1)
    ds.add_new(0x60000102, "US", 0)
    hidden = _latin(planter.secret(names.family(), "OverlayData"))
    ds.add_new(0x60003000, "OW", hidden.ljust(16)[:16])
    ds.add_new(0x60001500, "LO", planter.secret(names.family(), "OverlayLabel"))
    ds.add_new(0x60004000, "LT", planter.secret(names.family(), "OverlayComments"))
    ds.add_new(0x50000005, "US", 1)
    ds.add_new(0x50002500, "LO", planter.secret(names.family(), "CurveLabel"))
    ds.add_new(0x50003000, "OW", _even(planter.secret(names.family(), "CurveData")))


def _nested(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Identity inside sequences where no table expects it, and in what was changed before."""
    patient, deep = study.patient, Dataset()
    path = ("AnatomicRegionSequence", 0, "AnatomicRegionModifierSequence", 0)
    stranger = names.person()
    deep.CodeValue, deep.CodingSchemeDesignator, deep.CodeMeaning = "G-A100", "SRT", "Right"
    planter.remove(deep, where(*path, "OperatorsName"), stranger.pn, stranger.family)
    planter.day(deep, where(*path, "StudyDate"), study.date)
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "T-9200B", "SRT"
    item.CodeMeaning = "Prostate"
    planter.check(where(*path[:2], "CodeMeaning"), "<text_retained>", "Prostate", "Prostate")
    planter.remove(item, where(*path[:2], "PatientName"), patient.pn, patient.person.family)
    planter.remove(item, where(*path[:2], "PatientID"), patient.patient_id, kind="number")
    item.AnatomicRegionModifierSequence = [deep]
    ds.AnatomicRegionSequence = [item]
    before, original = Dataset(), Dataset()
    former = names.person()
    before.PatientName = former.pn
    planter.secret(former.family, where("OriginalAttributesSequence"))
    original.ModifiedAttributesSequence = [before]
    original.AttributeModificationDateTime = study.date + "120000"
    original.ModifyingSystem = planter.secret(f"PACS{names.digits(6)}", "ModifyingSystem", "number")
    original.SourceOfPreviousValues, original.ReasonForTheAttributeModification = "", "COERCE"
    ds.OriginalAttributesSequence = [original]


def _private(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Add a creator no one knows with every kind of value, and safe elements of a known one."""
    block = ds.private_block(0x0029, f"{names.family().upper()} LAB", create=True)
    other = names.person()
    block.add_new(0x10, "LO", planter.secret(other.family, "private LO"))
    wide = planter.secret(names.family(), "private OB, UTF-16")
    block.add_new(0x11, "OB", wide.encode("utf-16-le"))
    block.add_new(0x15, "OB", planter.secret(names.family(), "private OB, BE").encode("utf-16-be"))
    inner = Dataset()
    person = names.person()
    inner.PatientName = person.pn
    planter.secret(person.family, "private SQ")
    block.add_new(0x12, "SQ", [inner])
    unnamed = planter.secret(names.family(), "private UN").encode("utf-8")
    block.add_new(0x13, "UN", unnamed + b" " * (len(unnamed) % 2))
    block.add_new(0x14, "UI", f"{study.uid}.77")
    safe = ds.private_block(0x0019, _SIEMENS, create=True)
    safe.add_new(0x0C, "IS", "800")
    planter.check(f'<(0019,"{_SIEMENS}",0C)>', "<private_safe_kept>", "800", "800", needs="113111")
    safe.add_new(0x0E, "FD", [0.0, 0.6, 0.8])


def _unknown(ds: Dataset, planter: Planter, names: Names) -> None:
    """Add standard attributes that travel as UN (PS3.5 6.2.2), a sequence among them."""
    person = names.person()
    name = planter.secret(person.family, where("ConsultingPhysicianName"))
    _unnamed(ds, 0x0008009C, _even(f"{name}^{person.given}", "utf-8"))
    employer = planter.secret(names.family(), where("Occupation"))
    _unnamed(ds, 0x00102180, _even(f"chez Mme {employer}"))
    inside = _even(planter.secret(names.family(), "UN sequence"))
    element = b"\x08\x00\x90\x00" + len(inside).to_bytes(4, "little") + inside
    item = b"\xfe\xff\x00\xe0" + len(element).to_bytes(4, "little") + element
    _unnamed(ds, 0x00081110, item)
    _unnamed(ds, 0x00104001, _even(planter.secret(names.family(), "(0010,4001)")))


def _unnamed(ds: Dataset, tag: int, value: bytes) -> None:
    """Add an element as UN, whatever VR the dictionary gives it."""
    ds[tag] = RawDataElement(BaseTag(tag), "UN", len(value), value, 0, False, True, True)


def _latin(text: str) -> bytes:
    return text.encode("latin-1", "replace") if text.isascii() else text.encode("utf-8")


def _even(text: str, codec: str = "utf-8") -> bytes:
    raw = text.encode(codec)
    return raw + b" " * (len(raw) % 2)
