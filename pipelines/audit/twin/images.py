"""The image classes of the twin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pydicom.dataset import Dataset

from pipelines.audit.twin.header import Study
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter, where

__all__ = ["IMAGES", "SIDE", "Filler", "capture", "ct", "mr"]

Filler = Callable[[Dataset, Planter, Names, Study], None]
SIDE = 32
"""Rows and columns of every image."""


def pixels(ds: Dataset, planter: Planter, names: Names, *, frames: int = 1, bits: int = 16,
           samples: int = 1, signed: bool = False) -> None:  # fmt: skip
    """Add native pixels (PS3.3 C.7.6.3) whose decoded samples must not change."""
    shape = (frames, SIDE, SIDE, samples)
    count = int(np.prod(shape))
    start = names.integer(100)
    values = (np.arange(count) * 7 + start) % (200 if bits == 8 else 3000)
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel = samples
    ds.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
    if samples == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = bits
    ds.BitsStored, ds.HighBit = (8, 7) if bits == 8 else (12, 11)
    ds.PixelRepresentation = int(signed)
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.PixelData = values.astype("u1" if bits == 8 else "<u2").tobytes()
    planter.check(where("Rows"), "<text_retained>", str(SIDE), str(SIDE))
    planter.check(where("PixelData"), "<pixels_retained>")


def plane(ds: Dataset, planter: Planter, study: Study) -> None:
    """Add the geometry that everything measured depends on (PS3.3 C.7.6.2)."""
    planter.uid(ds, where("FrameOfReferenceUID"), study.frame_of_reference)
    planter.keep(ds, where("ImagePositionPatient"), ["-120.5", "-98.25", "33.0"])
    planter.keep(ds, where("ImageOrientationPatient"), ["1", "0", "0", "0", "1", "0"])
    planter.keep(ds, where("PixelSpacing"), ["0.5", "0.5"])
    planter.keep(ds, where("SliceThickness"), "3.0")
    ds.PositionReferenceIndicator = ""


def ct(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """CT Image IOD (PS3.3 A.3)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    planter.keep(ds, where("KVP"), "120")
    planter.keep(ds, where("RescaleIntercept"), "-1024")
    planter.keep(ds, where("RescaleSlope"), "1")
    planter.keep(ds, where("ConvolutionKernel"), "Br40d")
    ds.AcquisitionNumber, ds.RescaleType = 1, "HU"
    plane(ds, planter, study)
    pixels(ds, planter, names)


def mr(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """MR Image IOD (PS3.3 A.4), with what the scanner writes of the diffusion."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions = "SE", "SK", ""
    ds.MRAcquisitionType = "2D"
    planter.keep(ds, where("RepetitionTime"), "4200")
    planter.keep(ds, where("EchoTime"), "102")
    planter.keep(ds, where("MagneticFieldStrength"), "3")
    planter.keep(ds, where("DiffusionBValue"), 800.0)
    ds.EchoTrainLength = 15
    name = study.patient.person.family
    planter.clean(ds, where("SequenceName"), "*tse2d1", name, needs="")
    plane(ds, planter, study)
    pixels(ds, planter, names)


def enhanced_mr(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Enhanced MR Image IOD (PS3.3 A.36): dates and comments in every frame."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    planter.uid(ds, where("FrameOfReferenceUID"), study.frame_of_reference)
    planter.day(ds, where("AcquisitionDateTime"), study.date + "101530")
    frames = []
    for number in range(2):
        path = ("PerFrameFunctionalGroupsSequence", number, "FrameContentSequence", 0)
        content, position, group = Dataset(), Dataset(), Dataset()
        for keyword in ("FrameAcquisitionDateTime", "FrameReferenceDateTime"):
            planter.day(content, where(*path, keyword), study.date + f"10160{number}.5")
        content.FrameAcquisitionDuration = 12.5
        other = names.family()
        text = f"avec le Dr {other}"
        planter.remove(content, where(*path, "FrameComments"), text, other)
        planter.keep(
            position,
            where(
                "PerFrameFunctionalGroupsSequence", number, "PlanePositionSequence", 0,
                "ImagePositionPatient",
            ),
            ["0", "0", str(number * 3)],
        )  # fmt: skip
        group.FrameContentSequence, group.PlanePositionSequence = [content], [position]
        frames.append(group)
    ds.PerFrameFunctionalGroupsSequence = frames
    shared, measures = Dataset(), Dataset()
    path2 = ("SharedFunctionalGroupsSequence", 0, "PixelMeasuresSequence", 0, "PixelSpacing")
    planter.keep(measures, where(*path2), ["0.7", "0.7"])
    measures.SliceThickness = "3"
    shared.PixelMeasuresSequence = [measures]
    ds.SharedFunctionalGroupsSequence = [shared]
    pixels(ds, planter, names, frames=2)


def mammogram(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Digital Mammography X-Ray Image IOD (PS3.3 A.27)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.PresentationIntentType = "FOR PRESENTATION"
    planter.keep(ds, where("ImageLaterality"), "R")
    planter.keep(ds, where("CompressionForce"), "98")
    planter.keep(ds, where("BodyPartThickness"), "54")
    planter.keep(ds, where("ImagerPixelSpacing"), ["0.085", "0.085"])
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", -1
    ds.PatientOrientation, ds.BurnedInAnnotation = ["P", "F"], "NO"
    view = Dataset()
    view.CodeValue, view.CodingSchemeDesignator = "R-10242", "SRT"
    planter.keep(view, where("ViewCodeSequence", 0, "CodeMeaning"), "cranio-caudal")
    ds.ViewCodeSequence = [view]
    text = names.family()
    drop = f"M. {text}"
    planter.clean(ds, where("AcquisitionDeviceProcessingDescription"), "PREMIUM VIEW", drop)
    pixels(ds, planter, names)


def projection(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """CR, DX and XA share what matters here (PS3.3 A.2, A.26, A.14)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    planter.keep(ds, where("KVP"), "70")
    planter.keep(ds, where("ViewPosition"), "AP")
    planter.keep(ds, where("ImagerPixelSpacing"), ["0.14", "0.14"])
    ds.PatientOrientation, ds.BurnedInAnnotation = ["L", "F"], "NO"
    ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LIN", 1
    plate = f"PLATE{names.digits(6)}"
    planter.remove(ds, where("PlateID"), plate, kind="number", unless="113109")
    planter.day(ds, where("DateOfLastCalibration"), study.date)
    pixels(ds, planter, names)


def ultrasound(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """US Image IOD (PS3.3 A.6)."""
    _ultrasound(ds, planter, names, frames=1)


def cine(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """US Multi-frame Image IOD (PS3.3 A.7)."""
    ds.FrameTime = "33.3"
    ds.FrameIncrementPointer = 0x00181063
    _ultrasound(ds, planter, names, frames=3)


def _ultrasound(ds: Dataset, planter: Planter, names: Names, *, frames: int) -> None:
    ds.ImageType = ["ORIGINAL", "PRIMARY", "", "0001"]
    ds.BurnedInAnnotation = "NO"
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0 = region.RegionLocationMinY0 = 0
    region.RegionLocationMaxX1 = region.RegionLocationMaxY1 = 31
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    for axis in "XY":
        keyword = f"PhysicalDelta{axis}"
        planter.keep(region, where("SequenceOfUltrasoundRegions", 0, keyword), 0.012)
    ds.SequenceOfUltrasoundRegions = [region]
    probe = names.family()
    planter.clean(ds, where("TransducerData"), "L12-3", f"Mme {probe}", needs="")
    pixels(ds, planter, names, frames=frames, bits=8, samples=3)


def pet(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """PET Image IOD (PS3.3 A.21): units, dose and times of which SUV is made."""
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    planter.keep(ds, where("Units"), "BQML")
    planter.keep(ds, where("CorrectedImage"), ["DECY", "ATTN", "SCAT"])
    planter.keep(ds, where("DecayCorrection"), "START")
    ds.SeriesType, ds.CountsSource, ds.ImageIndex = ["STATIC", "IMAGE"], "EMISSION", 1
    ds.CollimatorType, ds.NumberOfSlices, ds.ActualFrameDuration = "NONE", 1, "120000"
    ds.FrameReferenceTime, ds.RescaleIntercept, ds.RescaleSlope = "0", "0", "1.5"
    planter.day(ds, where("AcquisitionDate"), study.date)
    ds.AcquisitionTime, ds.DecayFactor = "101530", "1.1"
    path = ("RadiopharmaceuticalInformationSequence", 0)
    dose = Dataset()
    planter.keep(dose, where(*path, "RadionuclideTotalDose"), "281000000")
    planter.keep(dose, where(*path, "RadionuclideHalfLife"), "6586.2")
    dose.RadiopharmaceuticalStartTime = "091000"
    planter.day(dose, where(*path, "RadiopharmaceuticalStartDateTime"), study.date + "091000")
    dose.RadionuclideCodeSequence = []
    ds.RadiopharmaceuticalInformationSequence = [dose]
    planter.check(where(path[0]), "<suv_computable>", needs="113107")
    plane(ds, planter, study)
    pixels(ds, planter, names)


def nuclear(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """NM Image IOD (PS3.3 A.5)."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"]
    planter.keep(ds, where("CountsAccumulated"), "510234")
    planter.keep(ds, where("ActualFrameDuration"), "300000")
    ds.PatientOrientationCodeSequence = []
    other = names.family()
    planter.remove(ds, where("AcquisitionComments"), f"reprise par M. {other}", other)
    pixels(ds, planter, names)


def capture(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Secondary Capture Image IOD (PS3.3 A.8)."""
    ds.ImageType, ds.ConversionType = ["DERIVED", "SECONDARY"], "WSD"
    ds.BurnedInAnnotation = "NO"
    planter.day(ds, where("DateOfSecondaryCapture"), study.date)
    device = f"SCD{names.digits(6)}"
    planter.remove(ds, where("SecondaryCaptureDeviceID"), device, kind="number", unless="113109")
    other = names.family()
    planter.remove(ds, where("DerivationDescription"), f"reconstruit pour Mme {other}", other)
    pixels(ds, planter, names, bits=8)


def slide(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """VL Whole Slide Microscopy Image IOD (PS3.3 A.32.8): label text and specimens."""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    ds.BurnedInAnnotation, ds.VolumetricProperties = "NO", "VOLUME"
    planter.uid(ds, where("FrameOfReferenceUID"), study.frame_of_reference)
    for keyword in ("LabelText", "BarcodeValue", "ContainerIdentifier"):
        planter.remove(ds, where(keyword), f"H{names.digits(8)}", kind="number")
    specimen = Dataset()
    path = ("SpecimenDescriptionSequence", 0)
    number = f"B{names.digits(8)}"
    planter.remove(specimen, where(*path, "SpecimenIdentifier"), number, kind="number")
    planter.uid(specimen, where(*path, "SpecimenUID"), f"{ds.SOPInstanceUID}.5")
    other = names.family()
    drop = f"Dr {other}"
    planter.clean(specimen, where(*path, "SpecimenShortDescription"), "prostate apex", drop)
    specimen.SpecimenPreparationSequence = []
    ds.SpecimenDescriptionSequence = [specimen]
    planter.keep(ds, where("ImagedVolumeWidth"), 15.0)
    planter.day(ds, where("AcquisitionDateTime"), study.date + "141500")
    pixels(ds, planter, names, bits=8, samples=3)


_BASE = "1.2.840.10008.5.1.4.1.1."
IMAGES: tuple[tuple[str, str, Filler], ...] = (
    (_BASE + "2", "CT", ct),
    (_BASE + "4", "MR", mr),
    (_BASE + "4.1", "MR", enhanced_mr),
    (_BASE + "1.2", "MG", mammogram),
    (_BASE + "13.1.3", "MG", enhanced_mr),
    (_BASE + "1", "CR", projection),
    (_BASE + "1.1", "DX", projection),
    (_BASE + "12.1", "XA", projection),
    (_BASE + "6.1", "US", ultrasound),
    (_BASE + "3.1", "US", cine),
    (_BASE + "128", "PT", pet),
    (_BASE + "20", "NM", nuclear),
    (_BASE + "7", "OT", capture),
    (_BASE + "77.1.6", "SM", slide),
)
"""SOP class, modality, what fills it. Breast tomosynthesis is multi-frame as enhanced MR is."""
