"""Headers name the part of the body in two languages; what they do not name is not "no face"."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid.faces.anatomy import face_may_show, read_anatomy
from deid.faces.settings import FaceSettings

SETTINGS = FaceSettings()


def header(**values: Any) -> Dataset:
    ds = Dataset()
    ds.Modality, ds.Rows = "CT", 512
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def answer(settings: FaceSettings = SETTINGS, **values: Any) -> str:
    return read_anatomy([header(**values)], settings).answer


# Defined terms of PS3.16 Annex L and what French and English protocols are called.
@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("BodyPartExamined", "HEAD"),
        ("BodyPartExamined", "BRAIN"),
        ("BodyPartExamined", "SKULL"),
        ("BodyPartExamined", "HEADNECK"),
        ("BodyPartExamined", "NECKCHESTABDPELV"),
        ("BodyPartExamined", "CSPINE"),
        ("BodyPartExamined", "WHOLEBODY"),
        ("BodyPartExamined", "JAW"),
        ("StudyDescription", "TDM CÉRÉBRALE SANS INJECTION"),
        ("StudyDescription", "Scanner du crâne"),
        ("StudyDescription", "IRM encéphalique"),
        ("StudyDescription", "TDM massif facial"),
        ("SeriesDescription", "SINUS 0.6 OS"),
        ("SeriesDescription", "Ax T2 FLAIR"),
        ("SeriesDescription", "T1MPRAGE"),
        ("ProtocolName", "ORL^COU"),
        ("ProtocolName", "Head_routine"),
        ("ProtocolName", "TEP corps entier"),
        ("ReceiveCoilName", "HeadNeck_64"),
    ],
)
def test_words_of_head_and_neck_are_a_head(keyword: str, text: str) -> None:
    assert answer(**{keyword: text}) == "head"


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        ("BodyPartExamined", "PROSTATE"),
        ("BodyPartExamined", "CHEST"),
        ("BodyPartExamined", "KNEE"),
        ("StudyDescription", "IRM mammaire"),
        ("StudyDescription", "TDM thoraco-abdomino-pelvienne"),
        ("SeriesDescription", "Foie artériel"),
    ],
)
def test_another_part_of_the_body_is_not_a_head(keyword: str, text: str) -> None:
    assert answer(**{keyword: text}) == "not_head"


@pytest.mark.parametrize("text", ["", "Localizer", "Bone 1.0 B70f", "SMITH JOHN", "EXTREMITY"])
def test_nothing_named_is_unknown_and_not_no_face(text: str) -> None:
    assert answer(SeriesDescription=text) == "unknown"


def test_head_beside_another_part_is_a_head() -> None:
    assert answer(SeriesDescription="Cou thorax abdomen") == "head"


def test_a_series_of_another_part_in_a_study_of_the_head_is_unknown() -> None:
    found = answer(StudyDescription="TDM cérébrale et abdominale", SeriesDescription="Abdomen")
    assert found == "unknown"


def test_a_trunk_longer_than_a_trunk_may_begin_at_the_head() -> None:
    """267 slices of 3.27 mm under BodyPartExamined EXTREMITY are known from a public collection."""
    rows = [
        header(BodyPartExamined="CHEST", ImagePositionPatient=[0, 0, 3.27 * n]) for n in range(267)
    ]
    assert read_anatomy(rows, SETTINGS).answer == "unknown"
    assert read_anatomy(rows[:200], SETTINGS).answer == "not_head"


def test_one_instance_that_says_head_decides_for_the_series() -> None:
    rows = [header(BodyPartExamined="CHEST"), header(BodyPartExamined="HEAD")]
    assert read_anatomy(rows, SETTINGS).answer == "head"


@pytest.mark.parametrize(
    ("value", "scheme", "shows"),
    [
        ("69536005", "SCT", "head"),
        ("12738006", "SCT", "head"),
        ("818981001", "SCT", "not_head"),
        ("T-D1100", "SRT", "head"),
    ],
)
def test_a_code_counts_whatever_the_language_of_its_meaning(
    value: str, scheme: str, shows: str
) -> None:
    """Head, Brain, Abdomen, Head as coded of old; with a meaning in no language of ours."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "xx"
    assert answer(AnatomicRegionSequence=Sequence([item])) == shows


def test_the_anatomy_of_enhanced_objects_is_in_their_functional_groups() -> None:
    region, anatomy, shared = Dataset(), Dataset(), Dataset()
    region.CodeMeaning = "Brain"
    anatomy.AnatomicRegionSequence = Sequence([region])
    shared.FrameAnatomySequence = Sequence([anatomy])
    assert answer(SharedFunctionalGroupsSequence=Sequence([shared])) == "head"


def test_a_site_adds_words_of_its_own() -> None:
    own = FaceSettings(also_head=("K7 protocole",), also_not_head=("Bilan B*",))
    assert answer(own, SeriesDescription="k7 PROTOCOLE") == "head"
    assert answer(own, SeriesDescription="bilan BX") == "not_head"


def test_what_is_said_holds_words_of_the_table_and_nothing_of_the_header() -> None:
    why = read_anatomy([header(StudyDescription="LEFEVRE Elodie CRANE")], SETTINGS).why
    assert why == ("StudyDescription: crane*",)


@pytest.mark.parametrize(
    ("modality", "sop_class", "shows"),
    [
        ("CT", "1.2.840.10008.5.1.4.1.1.2", True),
        ("MR", "1.2.840.10008.5.1.4.1.1.4.1", True),
        ("CT", "1.2.840.10008.5.1.4.1.1.7", True),
        ("OT", "1.2.840.10008.5.1.4.1.1.7.4", True),
        ("XA", "1.2.840.10008.5.1.4.1.1.13.1.1", True),
        ("PT", "1.2.840.10008.5.1.4.1.1.128", False),
        ("US", "1.2.840.10008.5.1.4.1.1.6.1", False),
        ("SEG", "1.2.840.10008.5.1.4.1.1.66.4", False),
    ],
)
def test_ct_mr_and_their_captures_can_show_a_face(
    modality: str, sop_class: str, *, shows: bool
) -> None:
    assert face_may_show(header(Modality=modality, SOPClassUID=sop_class)) is shows


def test_an_object_without_pixels_shows_nothing() -> None:
    ds = header()
    del ds.Rows
    assert not face_may_show(ds)
