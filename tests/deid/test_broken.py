"""Broken and unsupported input: refused with a code of the table, never a crash, never released."""

from __future__ import annotations

import io
import logging
import struct
import warnings
from collections.abc import Callable

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from config.codes import codes
from config.errors import RejectedError, UnreadableObject, UnsupportedObject
from config.policy import Policy
from deid.engine import Deidentifier
from deid.identity import Identity, harvest_identity
from deid.keys import Keys

ROOT = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_study_or_series_is_released_in_one_of_its_own(
    keyword: str, make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    def without() -> Dataset:
        ds = make()
        del ds[keyword]
        return ds

    whole, one, again = reread(make(), basic), reread(without(), basic), reread(without(), basic)
    assert one[keyword].value.startswith("2.25.")
    assert one[keyword].value == again[keyword].value != whole[keyword].value


def test_class_and_instance_missing_in_an_object_are_those_of_its_file_meta(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    ds = make()
    del ds.SOPClassUID, ds.SOPInstanceUID
    out, whole = reread(ds, basic), reread(make(), basic)
    assert out.file_meta.MediaStorageSOPClassUID == whole.SOPClassUID
    assert out.SOPInstanceUID == whole.SOPInstanceUID


def test_an_object_of_no_class_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make()
    del ds.SOPClassUID, ds.file_meta.MediaStorageSOPClassUID
    with pytest.raises(UnreadableObject) as caught:
        release(ds, basic)
    assert (caught.value.code, caught.value.detail) == ("DEID_NO_UID", "SOPClassUID")


def test_an_object_of_no_instance_is_named_by_its_pixels_or_refused(
    make: Callable[..., Dataset],
    release: Callable[..., object],
    reread: Callable[..., Dataset],
    basic: Policy,
) -> None:
    def nameless(**values: object) -> Dataset:
        ds = make(**values)
        del ds.SOPInstanceUID, ds.file_meta.MediaStorageSOPInstanceUID
        return ds

    uid = reread(nameless(), basic).SOPInstanceUID
    assert uid == reread(nameless(), basic).SOPInstanceUID
    assert uid != reread(nameless(PixelData=b"\0" * 8), basic).SOPInstanceUID
    with pytest.raises(UnreadableObject) as caught:
        release(nameless(pixels=False), basic)
    assert (caught.value.code, caught.value.detail) == ("DEID_NO_UID", "SOPInstanceUID")


@pytest.mark.parametrize("suffix", ["104.3", "104.4", "104.5"])
def test_models_inside_objects_are_refused(
    suffix: str, make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make(ROOT + suffix, "M3D", pixels=False, EncapsulatedDocument=b"solid LEFEVRE ")
    with pytest.raises(UnsupportedObject) as caught:
        release(ds, basic)
    assert caught.value.code == "DOCUMENT_NOT_CLEANED"


def test_an_image_that_carries_a_document_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    with pytest.raises(UnsupportedObject) as caught:
        release(make(EncapsulatedDocument=b"%PDF"), basic)
    assert caught.value.code == "DOCUMENT_NOT_CLEANED"


@pytest.mark.parametrize(
    "sop_class", ["1.3.46.670589.5.0.1.1", "1.2.840.10008.1.3.10", ROOT + "66"]
)
def test_private_classes_directories_and_raw_data_are_refused(
    sop_class: str, make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    with pytest.raises(UnsupportedObject) as caught:
        release(make(sop_class, pixels=False), basic)
    assert caught.value.code == "SOP_CLASS_UNSUPPORTED"
    assert "670589" not in caught.value.detail


def test_an_image_whose_pixels_a_publisher_took_out_stays_a_header(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    out = reread(make(pixels=False), basic)
    assert "PixelData" not in out
    assert str(out.PatientName).startswith("S-")


def test_pixel_data_without_its_sizes_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make()
    del ds.Rows
    with pytest.raises(UnreadableObject) as caught:
        release(ds, basic)
    assert caught.value.code == "DEID_NO_PIXELS"


def test_short_pixel_data_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    with pytest.raises(UnreadableObject) as caught:
        release(make(PixelData=b"\0\0"), basic)
    assert caught.value.code == "DEID_TRUNCATED"


def test_an_unknown_transfer_syntax_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make()
    ds.file_meta.TransferSyntaxUID = "1.2.840.113619.5.2"
    with pytest.raises(UnsupportedObject) as caught:
        release(ds, basic)
    assert caught.value.code == "TRANSFER_SYNTAX_UNSUPPORTED"


def test_an_unforeseen_failure_is_a_refusal_that_names_its_kind_only(
    make: Callable[..., Dataset], basic: Policy, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("LEFEVRE^Elodie")

    monkeypatch.setattr("deid.engine.encode", fail)
    with pytest.raises(UnreadableObject) as caught:
        Deidentifier(basic, keys).release(make(), token=b"t", identity=Identity())
    assert str(caught.value) == "DEID_FAILED: RuntimeError"
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_sequence_nested_a_thousand_deep_is_refused_not_a_crash(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make()
    item = Dataset()
    for _ in range(1500):
        outer = Dataset()
        outer.ViewCodeSequence = [item]
        item = outer
    ds.ViewCodeSequence = [item]
    with pytest.raises(UnreadableObject) as caught:
        release(ds, basic)
    assert caught.value.code == "DEID_TOO_DEEP"


def test_sequences_that_travel_as_un_are_walked(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    name = b"LEFEVRE^Elodie"
    item = struct.pack("<HHL", 0x0010, 0x0010, len(name)) + name
    value = b"\xfe\xff\x00\xe0" + struct.pack("<L", len(item)) + item  # implicit, PS3.5 6.2.2

    ds = make()
    raw = RawDataElement(Tag(0x00540220), "UN", len(value), value, 0, False, True, True)
    ds[0x0054, 0x0220] = raw  # View Code Sequence
    out = reread(ds, basic)
    assert str(out.ViewCodeSequence[0].PatientName).startswith("S-")


def test_an_element_of_an_unknown_kind_is_refused(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make()
    ds[0x0018, 0x0050] = RawDataElement(Tag(0x00180050), "ZZ", 2, b"5 ", 0, False, True, True)
    with pytest.raises(UnreadableObject) as caught:
        release(ds, basic)
    assert (caught.value.code, caught.value.detail) == ("DEID_BAD_VR", "(0018,0050)")


def test_a_broken_object_does_not_cost_the_study_the_identity_of_the_others(
    make: Callable[..., Dataset],
) -> None:
    broken = make()
    broken[0x0018, 0x0050] = RawDataElement(Tag(0x00180050), "ZZ", 2, b"5 ", 0, False, True, True)
    identity = harvest_identity([broken, make(PatientName="MERCIER^Paul")])
    assert identity.names == {"MERCIER^Paul"}


def test_a_warning_or_log_line_never_quotes_a_value(
    make: Callable[..., Dataset],
    release: Callable[..., object],
    basic: Policy,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def change(ds: Dataset) -> Dataset:
        ds.BodyPartExamined = "X"
        ds["BodyPartExamined"]._value = "lefevre elodie too long"
        ds.RescaleSlope = "1"
        return ds

    release(make(change=change), basic)
    assert caplog.text == ""


@pytest.fixture(scope="module")
def engine(basic: Policy, keys: Keys) -> Deidentifier:
    return Deidentifier(basic, keys)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_mutated_bytes_are_released_or_refused_never_a_crash(
    data: st.DataObject, engine: Deidentifier, part10: Callable[..., bytes]
) -> None:
    original = bytearray(part10(SeriesDescription="T2", OtherPatientNames="MERCIER^Elodie"))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(132, len(original) - 1))
        original[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(200, len(original)))
    ds = _read_or_none(bytes(original[:cut]))
    if ds is None:
        return  # pydicom cannot read the file at all; the reader's boundary refuses it
    identity = Identity(names=frozenset({"MERCIER^Elodie", "LEFEVRE^Elodie"}))
    try:
        released = engine.release(ds, token=b"t" * 32, identity=identity)
    except RejectedError as error:
        if error.code not in codes():
            raise
    else:
        assert b"MERCIER" not in released.to_bytes()


def _read_or_none(data: bytes) -> Dataset | None:
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(io.BytesIO(data), force=True)
    except Exception:  # noqa: BLE001, whatever pydicom says of mutated bytes
        return None
    finally:
        logging.disable(logging.NOTSET)
