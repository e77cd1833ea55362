"""Slides: labels stay behind, specimens keep one pseudonym, the pyramid can still be read."""

from __future__ import annotations

import importlib
import importlib.util
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from config.policy import ClearedPixels, Policy
from deid.blank.region import Rectangle
from deid.engine import Deidentifier
from deid.identity import harvest_identity
from deid.keys import Keys, derive_keys
from deid.looks import Look
from deid.slides import slide_look
from pipelines.prepare.part10 import read_part10
from tests.support import needs
from tests.support.content import content_item

pytestmark = pytest.mark.filterwarnings("ignore")

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
TOKEN = b"t" * 32
PLANTED = {
    "PatientName": "KERVADEC^Maëlle",
    "PatientID": "IPP8005551234",
    "AccessionNumber": "H23X0077123",
    "ContainerIdentifier": "H23-44551-A2",
    "LabelText": "KERVADEC MAELLE 12/03/1957 H23-44551",
    "BarcodeValue": "9988776655443",
}


def slide(kind: str = "VOLUME", **values: Any) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.Modality = WHOLE_SLIDE, "SM"
    ds.ImageType = ["DERIVED", "PRIMARY", kind, "NONE"]
    ds.Rows, ds.Columns = 300, 400
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def code(value: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, "DCM", meaning
    return ds


def text_item(concept: str, meaning: str, text: str) -> Dataset:
    item = content_item("TEXT", TextValue=text)
    item.ConceptNameCodeSequence = [code(concept, meaning)]
    return item


def specimen(number: str, *steps: Dataset) -> Dataset:
    ds = Dataset()
    ds.SpecimenIdentifier, ds.SpecimenUID = number, "1.2.826.0.1.3680043.9.7.55.1"
    issuer = Dataset()
    issuer.LocalNamespaceEntityID = "LABO-KERGUELEN"
    ds.IssuerOfTheSpecimenIdentifierSequence = [issuer]
    ds.SpecimenShortDescription = "prostate apex"
    ds.SpecimenDetailedDescription = "prostate apex, Mme KERVADEC"
    step = Dataset()
    step.SpecimenPreparationStepContentItemSequence = list(steps)
    ds.SpecimenPreparationSequence = [step] if steps else []
    return ds


# --- what an instance shows ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["LABEL", "OVERVIEW", "LOCALIZER", "label", " OVERVIEW"])
def test_label_and_overview_are_dropped(kind: str) -> None:
    look = slide_look(slide(kind, SpecimenLabelInImage="NO"))
    assert look is not None
    assert look.decision == "drop"
    assert kind.strip().upper() in look.reason


@pytest.mark.parametrize("kind", ["LABEL", "OVERVIEW"])
def test_a_policy_may_have_them_blanked_whole_instead(kind: str) -> None:
    look = slide_look(slide(kind), "blank")
    assert look is not None
    assert look.blank == (Rectangle(0, 300, 0, 400),)


@pytest.mark.parametrize("labels", ["drop", "blank"])
def test_tissue_with_a_label_in_it_is_dropped_whatever_the_policy(labels: Any) -> None:
    look = slide_look(slide("VOLUME", SpecimenLabelInImage="YES"), labels)
    assert look == Look("drop", "SpecimenLabelInImage says that the label shows")


@pytest.mark.parametrize("value", ["MAYBE", "yes"])
def test_a_label_flag_that_is_not_no_counts_as_yes(value: str) -> None:
    look = slide_look(slide("VOLUME", SpecimenLabelInImage=value))
    assert look is not None
    assert look.decision == "drop"


@pytest.mark.parametrize(
    ("flag", "decision"), [("NO", "not_needed"), ("YES", "drop"), ("", "drop")]
)
def test_a_thumbnail_stays_only_when_it_says_that_no_label_shows(flag: str, decision: str) -> None:
    look = slide_look(slide("THUMBNAIL", SpecimenLabelInImage=flag))
    assert look is not None
    assert look.decision == decision


@pytest.mark.parametrize("values", [{}, {"SpecimenLabelInImage": "NO", "ImagedVolumeWidth": 24.0}])
def test_tissue_needs_no_look(values: dict[str, Any]) -> None:
    look = slide_look(slide("VOLUME", **values))
    assert look is not None
    assert look.decision == "not_needed"


@pytest.mark.parametrize(
    "values", [{"ImagedVolumeHeight": 74.5}, {"BurnedInAnnotation": "YES"}], ids=str
)
def test_tissue_beyond_the_cover_glass_or_marked_is_read(values: dict[str, Any]) -> None:
    look = slide_look(slide("VOLUME", SpecimenLabelInImage="NO", **values))
    assert look is not None
    assert look.decision == "read"


def test_a_slide_that_does_not_say_what_it_shows_is_dropped() -> None:
    ds = slide()
    for image_type in (["DERIVED", "PRIMARY"], "ORIGINAL", ["DERIVED", "PRIMARY", "ZZZ"], None):
        ds.ImageType = image_type
        look = slide_look(ds)
        assert look is not None
        assert look.decision == "drop"


def test_what_is_no_slide_is_left_to_other_rules(make: Callable[..., Dataset]) -> None:
    assert slide_look(make()) is None
    assert slide_look(Dataset()) is None


# --- numbers of specimens -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cleared(research: Policy) -> Policy:
    rule = ClearedPixels(modality="SM", image_type=("VOLUME",), reason="tissue of a test slide")
    return research.model_copy(update={"cleared_pixels": (rule,)})


def released(
    ds: Dataset, policy: Policy, keys: Keys, token: bytes = TOKEN, *study: Dataset
) -> Dataset:
    identity = harvest_identity([ds, *study])
    made = Deidentifier(policy, keys).release(ds, token=token, identity=identity)
    return pydicom.dcmread(io.BytesIO(made.to_bytes()))


@pytest.fixture
def tissue(make: Callable[..., Dataset]) -> Callable[..., Dataset]:
    def _tissue(**values: Any) -> Dataset:
        image_type = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
        return make(WHOLE_SLIDE, "SM", **({"ImageType": image_type} | values))

    return _tissue


STEPS = (
    text_item("121041", "Specimen Identifier", "H23-44551-A"),
    text_item("111705", "Parent Specimen Identifier", "H23-44551"),
    text_item("111706", "Issuer of Parent Specimen Identifier", "LABO-KERGUELEN"),
    text_item("111724", "Issuer of Specimen Identifier", "LABO-KERGUELEN"),
    text_item("111703", "Processing step description", "section of H23-44551-A, Dr KERVADEC"),
)


def test_one_number_has_one_pseudonym_wherever_it_stands(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    ds = tissue(
        ContainerIdentifier="H23-44551-A",
        SpecimenDescriptionSequence=[specimen("H23-44551-A", *STEPS)],
    )
    out = released(ds, cleared, keys)
    one = out.SpecimenDescriptionSequence[0]
    items = one.SpecimenPreparationSequence[0].SpecimenPreparationStepContentItemSequence
    assert one.SpecimenIdentifier.startswith("K-")
    assert out.ContainerIdentifier == one.SpecimenIdentifier == items[0].TextValue
    assert items[1].TextValue.startswith("K-")
    assert items[1].TextValue != one.SpecimenIdentifier


def test_nothing_a_laboratory_wrote_of_numbers_issuers_or_people_stays(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    issuer = Dataset()
    issuer.LocalNamespaceEntityID = "LABO-KERGUELEN"
    ds = tissue(
        **PLANTED,
        IssuerOfTheContainerIdentifierSequence=[issuer],
        SpecimenDescriptionSequence=[specimen("H23-44551-A", *STEPS)],
    )
    for policy in (cleared, cleared.model_copy(update={"options": ()})):
        out = released(ds, policy, keys)
        out.remove_private_tags()
        text = str(out).upper()
        planted = ("KERVADEC", "44551", "KERGUELEN", "IPP8005551234", "9988776655443", "H23X")
        assert [word for word in planted if word in text] == []
        assert not out.get("LabelText")
        assert not out.get("BarcodeValue")
        assert not out.IssuerOfTheContainerIdentifierSequence
        one = out.SpecimenDescriptionSequence[0]
        assert not one.IssuerOfTheSpecimenIdentifierSequence
        assert one.SpecimenUID.startswith("2.25.")


def test_descriptions_keep_their_words_without_the_name(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    ds = tissue(
        PatientName="KERVADEC^Maelle", SpecimenDescriptionSequence=[specimen("H23-1", *STEPS)]
    )
    one = released(ds, cleared, keys).SpecimenDescriptionSequence[0]
    assert one.SpecimenShortDescription == "prostate apex"
    assert one.SpecimenDetailedDescription.startswith("prostate apex")
    items = one.SpecimenPreparationSequence[0].SpecimenPreparationStepContentItemSequence
    assert items[4].TextValue.startswith("section of")


def test_label_text_goes_even_where_descriptors_are_cleaned(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    out = released(tissue(LabelText="Durand Marcel bloc B3"), cleared, keys)
    assert not out.get("LabelText")


def test_slides_of_one_specimen_stay_together_and_projects_patients_and_specimens_apart(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    def number(value: str = "H23-44551", keys: Keys = keys, token: bytes = TOKEN) -> str:
        ds = tissue(SpecimenDescriptionSequence=[specimen(value)], SOPInstanceUID=generate_uid())
        out = released(ds, cleared, keys, token)
        return str(out.SpecimenDescriptionSequence[0].SpecimenIdentifier)

    assert number() == number() == number("H23-44551 ")
    other_project = derive_keys(b"published test secret", "another")
    apart = {number(), number("H23-44552"), number(keys=other_project), number(token=b"u" * 32)}
    assert len(apart) == 4


def test_a_slide_finds_its_parent_specimen_in_the_preparation_of_another(
    tissue: Callable[..., Dataset], cleared: Policy, keys: Keys
) -> None:
    ds = tissue(SpecimenDescriptionSequence=[specimen("H23-44551")])
    cut = tissue(SpecimenDescriptionSequence=[specimen("other", STEPS[1])])
    one = released(ds, cleared, keys).SpecimenDescriptionSequence[0]
    two = released(cut, cleared, keys).SpecimenDescriptionSequence[0]
    item = two.SpecimenPreparationSequence[0].SpecimenPreparationStepContentItemSequence[0]
    assert item.TextValue == one.SpecimenIdentifier


def test_a_slide_released_by_its_header_alone_bears_the_same_numbers(
    part10: Callable[..., bytes], tmp_path: Path, cleared: Policy, keys: Keys
) -> None:
    path = tmp_path / "slide.dcm"
    values = {"ImageType": ["DERIVED", "PRIMARY", "VOLUME", "NONE"], **PLANTED}
    nested = [specimen("H23-44551-A", *STEPS)]
    path.write_bytes(
        part10(sop_class=WHOLE_SLIDE, modality="SM", SpecimenDescriptionSequence=nested, **values)
    )
    ds, engine = pydicom.dcmread(path), Deidentifier(cleared, keys)
    identity = harvest_identity([ds])
    header = read_part10(path)
    assert header is not None
    made = engine.patch(engine.fast(TOKEN, identity), header)
    assert made is not None
    data = path.read_bytes()
    by_header = b"".join(
        piece if isinstance(piece, bytes) else data[piece.offset : piece.offset + piece.length]
        for piece in made.pieces
    )
    assert by_header == engine.release(ds, token=TOKEN, identity=identity).to_bytes()


# --- a real pyramid -----------------------------------------------------------------------------


def picture(text: str) -> bytes:
    image = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(image).text((20, 100), text, fill="black")
    return image.tobytes()


def glass(level: Dataset, kind: str, **values: Any) -> Dataset:
    """An uncompressed picture of the label or of the whole glass, beside the pyramid's levels."""
    ds = Dataset()
    for keyword in (
        "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "Modality",
        "DimensionOrganizationSequence", "DimensionOrganizationType", "ImageOrientationSlide",
        "SharedFunctionalGroupsSequence", "ImagedVolumeWidth", "ImagedVolumeHeight",
    ):  # fmt: skip
        if keyword in level:
            ds[keyword] = level[keyword]
    ds.SOPInstanceUID, ds.InstanceNumber = generate_uid(), 90
    ds.ImageType = ["ORIGINAL", "PRIMARY", kind, "NONE"]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.Rows, ds.Columns, ds.NumberOfFrames = 300, 400, 1
    ds.TotalPixelMatrixRows, ds.TotalPixelMatrixColumns = 300, 400
    ds.SpecimenLabelInImage, ds.BurnedInAnnotation = "YES", "YES"
    ds.PixelData = picture("KERVADEC MAELLE 12/03/1957")
    for keyword, value in (PLANTED | values).items():
        setattr(ds, keyword, value)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


@pytest.fixture
def scanned(realdata: Path, tmp_path: Path) -> Path:
    """The pyramid with an identity in its headers, and two pictures of the glass beside it."""
    folder = tmp_path / "scanned"
    folder.mkdir()
    level = Dataset()
    for path in sorted((realdata / "SM" / "cmu-1-small-region-pyramid").glob("*.dcm")):
        level = pydicom.dcmread(path)
        for keyword, value in PLANTED.items():
            setattr(level, keyword, value)
        level.SpecimenDescriptionSequence = [specimen("H23-44551-A", *STEPS)]
        level.save_as(folder / path.name)
    for kind in ("LABEL", "OVERVIEW"):
        glass(level, kind).save_as(folder / f"{kind}.dcm", enforce_file_format=True)
    return folder


@pytest.mark.realdata
def test_a_real_pyramid_comes_out_readable_with_neither_label_nor_overview(
    scanned: Path, tmp_path: Path, cleared: Policy, keys: Keys
) -> None:
    if not importlib.util.find_spec("wsidicom"):
        needs.absent("wsidicom", "install the test group")
    wsidicom = importlib.import_module("wsidicom")
    out = tmp_path / "released"
    out.mkdir()
    objects = {path.stem: pydicom.dcmread(path) for path in sorted(scanned.glob("*.dcm"))}
    identity = harvest_identity(objects.values())
    dropped = set()
    for name, ds in objects.items():
        look = slide_look(ds)
        assert look is not None
        if look.decision == "drop":
            dropped.add(name)
            continue
        made = Deidentifier(cleared, keys).release(ds, token=TOKEN, identity=identity)
        (out / f"{made.sop_uid}.dcm").write_bytes(made.to_bytes())
    assert dropped == {"LABEL", "OVERVIEW"}
    with wsidicom.WsiDicom.open(scanned) as before:
        assert (len(before.labels or []), len(before.overviews or [])) == (1, 1)
        sizes = [level.size for level in before.levels]
        region = np.asarray(before.read_region((300, 300), 1, (200, 200)))
    with wsidicom.WsiDicom.open(out) as after:
        assert not after.labels
        assert not after.overviews
        assert [level.size for level in after.levels] == sizes
        assert np.array_equal(np.asarray(after.read_region((300, 300), 1, (200, 200))), region)
    everything = b"".join(path.read_bytes() for path in out.iterdir()).upper()
    for planted in ("KERVADEC", "IPP8005551234", "44551", "9988776655443", "H23X", "KERGUELEN"):
        assert planted.encode() not in everything
    numbers = {str(pydicom.dcmread(path).ContainerIdentifier) for path in out.iterdir()}
    assert len(numbers) == 1
