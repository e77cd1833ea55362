"""What is mutated: small real objects, and built ones that hold planted identity everywhere."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset

from deid.documents.pdf_write import write_pdf

FAMILY, GIVEN, NUMBER = "QUINZAVOL", "Thibaudine", "7755331199"
WHOLE = f"{FAMILY}^{GIVEN}"
ROOT = "1.2.840.10008.5.1.4.1.1."
LARGEST_BYTES = 150_000
_SKIPPED = {".json", ".png", ".md", ".gz", ".nii", ".txt"}
_CDA = f"""<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><id root="1.2.3"/>
<code code="18748-4" codeSystem="2.16.840.1.113883.6.1"/><title>CR {FAMILY} {GIVEN}</title>
<recordTarget><patientRole><id extension="{NUMBER}"/></patientRole></recordTarget><component>
<structuredBody><component><section><text><paragraph>{GIVEN} {FAMILY}, sein droit</paragraph></text>
</section></component></structuredBody></component></ClinicalDocument>"""


def seeds(realdata: Path | None, per_folder: int = 1) -> list[bytes]:
    """Return Part 10 files: the built ones, and the first small ones of each folder."""
    found = built()
    if realdata is None:
        return found
    folders = sorted({path.parent for path in realdata.rglob("*") if path.is_file()})
    for folder in folders:
        files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix not in _SKIPPED)
        small = [p for p in files if 300 < p.stat().st_size < LARGEST_BYTES]
        found += [path.read_bytes() for path in small[:per_folder]]
    return [data for data in found if data[128:132] == b"DICM"]


def built() -> list[bytes]:
    """Return objects of several kinds and transfer syntaxes, full of the planted person."""
    made = [_encoded(_image(), syntax) for syntax in ("", ".1", ".2", ".1.99")]
    for sop_class, fill in (
        ("88.11", _report),
        ("11.1", _presentation),
        ("104.1", _pdf),
        ("104.2", _cda),
    ):
        ds = _common(ROOT + sop_class)
        fill(ds)
        made += [_encoded(ds, ".1"), _encoded(ds, "")]
    return made


def _common(sop_class: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, "1.2.826.0.1.3680043.9.7.5.1.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (
        "1.2.826.0.1.3680043.9.7.5",
        "1.2.826.0.1.3680043.9.7.5.1",
    )
    ds.Modality = "OT"
    ds.PatientName, ds.PatientID = WHOLE, NUMBER
    ds.PatientBirthDate, ds.StudyDate, ds.StudyTime = "19410723", "20180405", "101112"
    ds.StudyDescription = f"IRM {FAMILY} {GIVEN}"
    ds.SeriesDescription = f"T2 TSE {NUMBER}"
    ds.PatientComments = f"{GIVEN} {FAMILY}"
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = "T-1", "99X"
    item.CodeMeaning = f"{FAMILY} {GIVEN}"
    item.PatientName = WHOLE
    ds.ProcedureCodeSequence = [item]
    block = ds.private_block(0x0029, "FUZZ MAKER", create=True)
    block.add_new(0x10, "LO", WHOLE)
    block.add_new(0x11, "SQ", [item])
    ds.add_new(0xFFFCFFFC, "OB", WHOLE.encode() + b" ")
    return ds


def _image() -> Dataset:
    ds = _common(ROOT + "4")
    ds.Modality, ds.ImageType = "MR", ["ORIGINAL", "PRIMARY", "M"]
    ds.Rows = ds.Columns = 4
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.SliceThickness, ds.EchoTime = "3.5", "80"
    ds.PixelData = bytes(range(32))
    icon = Dataset()
    icon.Rows = icon.Columns = 4
    icon.add_new(0x7FE00010, "OW", WHOLE.encode()[:16])
    ds.IconImageSequence = [icon]
    return ds


def _report(ds: Dataset) -> None:
    texts = []
    for kind, keyword, value in (
        ("TEXT", "TextValue", f"Patiente {FAMILY} {GIVEN}, sein droit normal"),
        ("PNAME", "PersonName", WHOLE),
        ("DATE", "Date", "20180405"),
        ("UIDREF", "UID", "1.2.826.0.1.3680043.9.7.5.9"),
    ):
        item = Dataset()
        item.RelationshipType, item.ValueType = "CONTAINS", kind
        setattr(item, keyword, value)
        texts.append(item)
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ContentSequence = texts


def _presentation(ds: Dataset) -> None:
    text = Dataset()
    text.UnformattedTextValue = f"{FAMILY} {GIVEN}"
    note = Dataset()
    note.GraphicLayer, note.TextObjectSequence = "ONE", [text]
    ds.GraphicAnnotationSequence = [note]
    ds.ContentLabel, ds.ContentDescription = "ONE", f"{NUMBER}"
    ds.ContentCreatorName = WHOLE


def _pdf(ds: Dataset) -> None:
    ds.MIMETypeOfEncapsulatedDocument, ds.DocumentTitle = "application/pdf", f"CR {FAMILY} {GIVEN}"
    ds.EncapsulatedDocument = write_pdf(f"{FAMILY} {GIVEN} {NUMBER}\nsein droit normal.") + b" "


def _cda(ds: Dataset) -> None:
    ds.MIMETypeOfEncapsulatedDocument, ds.DocumentTitle = "text/XML", f"CR {FAMILY} {GIVEN}"
    data = _CDA.encode()
    ds.EncapsulatedDocument = data + b" " * (len(data) % 2)


def _encoded(ds: Dataset, suffix: str) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2" + suffix)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.SourceApplicationEntityTitle = FAMILY
    ds.preamble = WHOLE.encode().ljust(128, b"\0")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()
