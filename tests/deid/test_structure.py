"""Every place a value can hide: nothing of the patient leaves it, and what stays is valid."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.errors import RejectedError
from config.policy import Policy
from deid.identity import Identity
from deid.pixel_length import surplus_bytes
from deid.shape import fits, is_bulk, is_code_string
from tests.support.content import content_item

ROOT = "1.2.840.10008.5.1.4.1.1."
NAME = b"LEFEVRE^Elodie"


def _raw(tag: int, vr: str | None, value: bytes, length: int | None = None) -> RawDataElement:
    size = len(value) if length is None else length
    return RawDataElement(Tag(tag), vr, size, value, 0, vr is None, True, True)


def _with(ds: Dataset, *items: RawDataElement) -> Dataset:
    for item in items:
        ds[item.tag] = item
    return ds


def _planted(data: bytes) -> bool:
    return any(form in data.lower() for form in (b"lefevre", b"elodie", b"8001234567"))


@pytest.mark.parametrize(
    "item",
    [
        _raw(0x00180050, "DS", NAME),  # Slice Thickness that is a name
        _raw(0x00280010, "US", b"\x02\0LEFEVRE^Elodie"),  # Rows with more than one number
        _raw(0x00181030, "SQ", NAME),  # Protocol Name as a sequence
        _raw(0x00082218, "UN", NAME),  # a sequence that is none
        _raw(0x04000120, "OB", NAME),  # Signature
        _raw(0x00282000, "OB", NAME),  # an ICC profile that is none
        _raw(0x00080016, "UI", b"1.2.840.10008.LEFEVRE^Elodie"),
        _raw(0x00686300, "OB", NAME),  # HPGL Document
        _raw(0x00104000, "OB", NAME, 0xFFFFFFFF),
        _raw(0x0018A001, "UN", b""),
    ],
    ids=lambda item: f"{item.tag} {item.VR}",
)
def test_an_element_that_is_not_what_it_says_is_cleaned_or_refused(
    item: RawDataElement, make: Callable[..., Dataset], release: Callable[..., object],
    research: Policy,
) -> None:  # fmt: skip
    try:
        data = release(_with(make(), item), research).to_bytes()  # type: ignore[attr-defined]
        code = ""
    except RejectedError as error:
        data, code = b"", error.code
    assert code in {"", "DEID_SEQUENCE", "SOP_CLASS_UNSUPPORTED", "DEID_NO_PIXELS"}
    assert not _planted(data)


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        ("DS", b"1.5\\-2E3 ", True), ("DS", b"1,5", False), ("IS", b"12\0", True),
        ("US", b"\1\0", True), ("US", b"\1\0\2\0", False), ("UI", b"1.2.3\0", True),
        ("UI", b"1.2.a", False), ("DA", b"20180405", True), ("TM", b"101112.5", True),
        ("LO", b"anything \xff", True),
    ],
)  # fmt: skip
def test_a_value_is_held_to_the_letters_and_sizes_of_its_kind(
    vr: str, value: bytes, expected: bool
) -> None:
    assert fits(_raw(0x00280010, vr, value), vr) is expected  # Rows: one value


def test_code_strings_are_sixteen_capitals_at_most() -> None:
    assert is_code_string("ORIGINAL\\PRIMARY\\M_SE 2")
    assert not is_code_string("Lefevre")
    assert not is_code_string("A" * 17)


def test_an_icc_profile_is_told_by_its_signature_and_its_size() -> None:
    profile = struct.pack(">L", 128) + bytes(32) + b"acsp" + bytes(88)
    assert is_bulk(_raw(0x00282000, "OB", profile))
    assert not is_bulk(_raw(0x00282000, "OB", profile + NAME))


def test_bytes_behind_the_last_sample_are_cut(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    pixels = b"\1\0\2\0\3\0\4\0"
    assert reread(make(PixelData=pixels + NAME), basic).PixelData == pixels
    two = make(PixelData=pixels * 2)  # a second frame that nobody counted is no surplus
    assert surplus_bytes(two, 16) == 0
    assert reread(two, basic).PixelData == pixels * 2


def test_a_private_sequence_of_undefined_length_goes_with_all_it_holds(
    make: Callable[..., Dataset], release: Callable[..., object], research: Policy
) -> None:
    def change(ds: Dataset) -> Dataset:
        item = Dataset()
        item.PatientName, item.PatientID = "LEFEVRE^Elodie", "8001234567"
        item.is_undefined_length_sequence_item = True
        block = ds.private_block(0x0029, "MAKER", create=True)
        block.add_new(0x10, "SQ", [item])
        ds[0x00291010].is_undefined_length = True
        return ds

    for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"):
        released = release(make(change=change, syntax=syntax), research)
        assert not _planted(released.to_bytes())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("charset", "encoding", "name"),
    [
        ("ISO_IR 100", "latin-1", "Lefèvre"), ("ISO_IR 192", "utf-8", "Lefèvre"),
        ("ISO_IR 192", "utf-8", "山田太郎"), ("GB18030", "gb18030", "王小东"),
        ("GBK", "gbk", "王小东"), ("ISO_IR 144", "iso8859-5", "Люкceмбypг"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田太郎"), ("ISO_IR 13", "shift_jis", "ﾔﾏﾀﾞﾀﾛｳ"),
        ("ISO_IR 100", "utf-8", "Lefèvre"),  # bytes that are not what the attribute says
        ("ISO_IR 192", "latin-1", "Lefèvre"),
        ("utf-16", "utf-8", "Lefèvre"),  # no term of PS3.3
    ],
)  # fmt: skip
def test_a_name_is_found_in_the_character_set_it_was_written_in(
    charset: str, encoding: str, name: str, make: Callable[..., Dataset],
    reread: Callable[..., Dataset], research: Policy,
) -> None:  # fmt: skip
    text = name.encode(encoding)
    value = b"T2 " + text
    ds = _with(
        make(),
        _raw(0x00080005, "CS", charset.encode()),
        _raw(0x00100010, "PN", text + b"^X"),
        _raw(0x0008103E, "LO", value + b" " * (len(value) % 2)),
    )
    out = reread(ds, research, Identity(names=frozenset({f"{name}^X"})))
    assert out.SeriesDescription.strip() == "T2"


@pytest.mark.filterwarnings("ignore:Invalid value for VR DT")
def test_the_text_of_a_report_is_cleaned_in_place_and_its_tree_kept(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    tree = [
        content_item("TEXT", TextValue="Mme LEFEVRE Elodie, sein droit sans masse"),
        content_item("PNAME", PersonName="LEFEVRE^Elodie"),
        content_item("DATE", Date="20180405"),
        content_item("DATETIME", DateTime="99999999999999"),
        content_item("UIDREF", UID="1.2.826.0.1.3680043.9.7.9"),
        content_item(
            "CONTAINER", ContentSequence=[content_item("TEXT", TextValue="IPP 8001234567")]
        ),
    ]
    ds = make(ROOT + "88.11", "SR", pixels=False, ValueType="CONTAINER", ContentSequence=tree)
    out = reread(ds, research)
    texts = list(out.ContentSequence)
    assert [str(one.ValueType) for one in texts] == [str(one.ValueType) for one in tree]
    assert texts[0].TextValue == "sein droit sans masse"
    assert not {"LEFEVRE", "Elodie"} & set(str(texts[1].PersonName).split("^"))
    assert texts[2].Date not in {"", "20180405"}
    assert len(texts[2].Date) == 8
    assert texts[3].DateTime[:4] == "1900"  # a DT of nines is no date
    assert texts[4].UID.startswith("2.25.")
    assert "8001234567" not in texts[5].ContentSequence[0].TextValue
    codes = [one.CodeValue for one in out.DeidentificationMethodCodeSequence]
    assert "113104" in codes


def test_annotations_of_a_presentation_state_keep_their_place_and_lose_their_names(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    text = Dataset()
    text.UnformattedTextValue, text.AnchorPoint = "LEFEVRE Elodie sein droit", [1.0, 2.0]
    note = Dataset()
    note.GraphicLayer, note.TextObjectSequence = "ONE", [text]
    ds = make(ROOT + "11.1", "PR", pixels=False, GraphicAnnotationSequence=[note])
    out = reread(ds, research)
    left = out.GraphicAnnotationSequence[0].TextObjectSequence[0]
    assert left.UnformattedTextValue == "sein droit"
    assert list(left.AnchorPoint) == [1.0, 2.0]
    codes = [one.CodeValue for one in out.DeidentificationMethodCodeSequence]
    assert "113103" in codes


def test_dates_and_comments_of_each_frame_are_treated(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    content = Dataset()
    content.FrameAcquisitionDateTime = "20180405101112"
    content.FrameReferenceDateTime = "20180405101113.5"
    content.FrameComments = "LEFEVRE bouge"
    frame = Dataset()
    frame.FrameContentSequence = [content]
    ds = make(ROOT + "4.1", "MR", PerFrameFunctionalGroupsSequence=[frame])
    out = reread(ds, research)
    left = out.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0]
    assert left.FrameAcquisitionDateTime[:8] == left.FrameReferenceDateTime[:8] != "20180405"
    assert left.FrameAcquisitionDateTime[8:] == "101112"
    assert left.FrameReferenceDateTime[8:] == "101113.5"
    assert left.FrameComments == "bouge"
