"""What refers to images: presentation states, structures, segmentations; and documents."""

from __future__ import annotations

import zlib

from pydicom.dataset import Dataset

from pipelines.audit.twin.header import Study
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter, where

__all__ = ["DERIVED", "DOCUMENTS"]

_BASE = "1.2.840.10008.5.1.4.1.1."


def _reference(planter: Planter, study: Study, *path: str | int) -> Dataset:
    ds = Dataset()
    ds.ReferencedSOPClassUID = _BASE + "2"
    planter.uid(ds, where(*path, "ReferencedSOPInstanceUID"), f"{study.uid}.1.1")
    return ds


def presentation(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Grayscale Softcopy Presentation State (PS3.3 A.33.1): a label and a drawn text."""
    ds.ContentLabel, author = "ARROWS", names.person()
    planter.remove(ds, where("ContentCreatorName"), author.pn, author.family)
    other = names.family()
    planter.clean(ds, where("ContentDescription"), "sein droit", f"Dr {other}")
    ds.PresentationCreationDate, ds.PresentationCreationTime = study.date, "120000"
    planter.check(where("PresentationCreationDate"), "<date_shifted>", study.date, study.date)
    series = Dataset()
    path = ("ReferencedSeriesSequence", 0)
    planter.uid(series, where(*path, "SeriesInstanceUID"), f"{study.uid}.1")
    series.ReferencedImageSequence = [
        _reference(planter, study, *path, "ReferencedImageSequence", 0)
    ]
    ds.ReferencedSeriesSequence = [series]
    graphic, text = Dataset(), Dataset()
    graphic.GraphicLayer = "LAYER1"
    drawn = study.patient.person.family
    place = ("GraphicAnnotationSequence", 0, "TextObjectSequence", 0, "UnformattedTextValue")
    planter.clean(text, where(*place), "apex", drawn, needs="113103")
    text.AnchorPointAnnotationUnits, text.AnchorPoint = "PIXEL", [3.0, 4.0]
    text.AnchorPointVisibility = "N"
    graphic.TextObjectSequence = [text]
    ds.GraphicAnnotationSequence = [graphic]
    layer = Dataset()
    layer.GraphicLayer, layer.GraphicLayerOrder = "LAYER1", 1
    ds.GraphicLayerSequence = [layer]
    ds.PresentationLUTShape = "IDENTITY"


def structures(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """RT Structure Set (PS3.3 A.19): names of regions, who drew them, and what they lie on."""
    planter.clean(ds, where("StructureSetLabel"), "PROSTATE", study.patient.person.family)
    planter.day(ds, where("StructureSetDate"), study.date)
    ds.StructureSetTime = "130000"
    frame, in_study, in_series = Dataset(), Dataset(), Dataset()
    path = ("ReferencedFrameOfReferenceSequence", 0)
    planter.uid(frame, where(*path, "FrameOfReferenceUID"), study.frame_of_reference)
    deep = (*path, "RTReferencedStudySequence", 0, "RTReferencedSeriesSequence", 0)
    in_series.SeriesInstanceUID = f"{study.uid}.1"
    image = _reference(planter, study, *deep, "ContourImageSequence", 0)
    in_series.ContourImageSequence = [image]
    in_study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    in_study.ReferencedSOPInstanceUID = study.uid
    in_study.RTReferencedSeriesSequence = [in_series]
    frame.RTReferencedStudySequence = [in_study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    region, contours, contour, seen = Dataset(), Dataset(), Dataset(), Dataset()
    region.ROINumber, region.ReferencedFrameOfReferenceUID = 1, study.frame_of_reference
    region.ROIGenerationAlgorithm = "MANUAL"
    drawer = names.family()
    roi = ("StructureSetROISequence", 0)
    planter.clean(region, where(*roi, "ROIName"), "PROSTATE", f"Dr {drawer}", needs="113105")
    ds.StructureSetROISequence = [region]
    contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
    data = ["1", "1", "33", "5", "1", "33", "3", "6", "33"]
    place = ("ROIContourSequence", 0, "ContourSequence", 0, "ContourData")
    planter.keep(contour, where(*place), data)
    contours.ReferencedROINumber, contours.ContourSequence = 1, [contour]
    ds.ROIContourSequence = [contours]
    seen.ObservationNumber, seen.ReferencedROINumber, seen.RTROIInterpretedType = 1, 1, "ORGAN"
    who = names.person()
    planter.remove(
        seen, where("RTROIObservationsSequence", 0, "ROIInterpreter"), who.pn, who.family
    )
    ds.RTROIObservationsSequence = [seen]


def segmentation(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Segmentation (PS3.3 A.51): binary frames and the images they were drawn on."""
    ds.ImageType, ds.ContentLabel = ["DERIVED", "PRIMARY"], "SEG"
    author = names.person()
    planter.remove(ds, where("ContentCreatorName"), author.pn, author.family)
    planter.uid(ds, where("FrameOfReferenceUID"), study.frame_of_reference)
    ds.SegmentationType, ds.SegmentsOverlap = "BINARY", "NO"
    segment, code = Dataset(), Dataset()
    segment.SegmentNumber, segment.SegmentAlgorithmType = 1, "MANUAL"
    label = ("SegmentSequence", 0, "SegmentLabel")
    planter.clean(segment, where(*label), "PROSTATE", study.patient.patient_id)
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "T-92000", "SRT", "Prostate"
    segment.SegmentedPropertyCategoryCodeSequence = [code]
    segment.SegmentedPropertyTypeCodeSequence = [code]
    ds.SegmentSequence = [segment]
    series = Dataset()
    path = ("ReferencedSeriesSequence", 0)
    planter.uid(series, where(*path, "SeriesInstanceUID"), f"{study.uid}.1")
    series.ReferencedInstanceSequence = [
        _reference(planter, study, *path, "ReferencedInstanceSequence", 0)
    ]
    ds.ReferencedSeriesSequence = [series]
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 1
    ds.HighBit, ds.PixelRepresentation, ds.NumberOfFrames = 0, 0, 1
    ds.LossyImageCompression = "00"
    ds.PixelData = bytes(range(32))
    planter.check(where("PixelData"), "<pixels_retained>")


def pdf(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill an Encapsulated PDF (PS3.3 A.45.1): names in its text, its pieces and its properties."""
    _document(ds, planter, names, study, "application/pdf")
    other, title = names.family(), names.family()
    for text in (other, title):
        planter.secret(text, where("EncapsulatedDocument"))
    number = study.patient.patient_id.encode()
    shown = f"(vue avec Mme {other})".encode("cp1252")
    page = b"BT /F1 12 Tf 50 700 Td " + shown + b" Tj [(IPP ) 0 ("
    page += number[:5] + b") -20 (" + number[5:] + b")] TJ ET"
    ds.EncapsulatedDocument = _pdf_file(page, f"Mme {title}")


def cda(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill an Encapsulated CDA (PS3.3 A.45.2): its patient is the one of the object."""
    _document(ds, planter, names, study, "text/XML")
    person, author = study.patient.person, names.family()
    planter.secret(author, where("EncapsulatedDocument"))
    born = study.patient.born
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
        f'<recordTarget><patientRole><id extension="{study.patient.patient_id}"/><patient><name>'
        f"<family>{person.family}</family><given>{person.given}</given></name>"
        f'<birthTime value="{born}"/></patient></patientRole></recordTarget><author>'
        f"<assignedAuthor><name>{author}</name></assignedAuthor></author><component>"
        f"<section><text>Compte rendu de Mme {person.family}</text></section></component>"
        "</ClinicalDocument>"
    ).encode()
    ds.EncapsulatedDocument = text + b" " * (len(text) % 2)


def _document(ds: Dataset, planter: Planter, names: Names, study: Study, kind: str) -> None:
    other = names.family()
    planter.remove(ds, where("DocumentTitle"), f"Compte rendu de M. {other}", other)
    ds.BurnedInAnnotation, ds.MIMETypeOfEncapsulatedDocument = "YES", kind
    ds.ConceptNameCodeSequence, ds.ConversionType = [], "WSD"
    planter.day(ds, where("AcquisitionDateTime"), study.date + "101530")
    if "XML" in kind:
        ds.HL7InstanceIdentifier = f"2.16.840.1.113883.19^{names.digits(9)}"
        planter.secret(ds.HL7InstanceIdentifier.split("^")[1], "HL7InstanceIdentifier", "number")


def _pdf_file(page: bytes, title: str) -> bytes:
    """Return a PDF of one page (PDF 32000-1 7.5) with its content deflated."""
    packed = zlib.compress(page)
    fonts = b"<</Font<</F1 5 0 R>>>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources " + fonts,
        b"<</Length %d/Filter/FlateDecode>>stream\n" % len(packed) + packed + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Title<" + (b"\xfe\xff" + title.encode("utf-16-be")).hex().encode() + b">>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + body + b"endobj\n"
    start = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % o for o in offsets)
    out += b"trailer<</Size 7/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF\n" % start
    return out + b"\n" * (len(out) % 2)


DERIVED = (
    (_BASE + "11.1", "PR", presentation),
    (_BASE + "481.3", "RTSTRUCT", structures),
    (_BASE + "66.4", "SEG", segmentation),
)
DOCUMENTS = ((_BASE + "104.1", "DOC", pdf), (_BASE + "104.2", "DOC", cda))
"""SOP class, modality, what fills it."""
