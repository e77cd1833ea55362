"""The leak check: it finds what an engine gone wrong would let through, and says only where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from config.errors import IdentityLeak
from config.policy import Policy
from deid.engine import ReleasedDataset
from deid.identity import Identity

NAME = Identity(names=frozenset({"LEFÈVRE^Élodie"}), ids=frozenset({"8001234567"}))


def _hidden(value: bytes) -> Callable[[Dataset], Dataset]:
    """Hide bytes in a lookup table, which no rule touches."""

    def change(ds: Dataset) -> Dataset:
        ds.RedPaletteColorLookupTableData = value + b" " * (len(value) % 2)
        return ds

    return change


def _forms(text: str) -> list[bytes]:
    return [text.encode(code) for code in ("latin-1", "utf-8", "utf-16-le", "utf-16-be")]


@pytest.mark.parametrize(
    "value",
    [
        *_forms("LEFÈVRE^Élodie"), *_forms("lefevre elodie"), *_forms("ELODIE LEFEVRE"),
        *_forms("Elodie^Lefevre"), *_forms("8001234567"),
    ],
)  # fmt: skip
def test_a_name_or_number_in_binary_is_found_in_every_encoding_and_order(
    value: bytes, make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make(PatientName="", PatientID="", PatientBirthDate="", change=_hidden(value))
    with pytest.raises(IdentityLeak) as caught:
        release(ds, basic, NAME)
    assert (caught.value.code, caught.value.detail) == ("IDENTITY_LEAK", "(0028,1201)")


def test_an_original_uid_left_behind_is_found(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make(change=_hidden(b"1.2.826.0.1.3680043.9.7.1.1.1"))
    with pytest.raises(IdentityLeak, match="original UID"):
        release(ds, basic)


@pytest.mark.parametrize("text", ["19570312", "12/03/1957", "1957-03-12", "12031957"])
def test_a_birth_date_in_bytes_is_found_in_four_spellings(
    text: str, make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    def change(ds: Dataset) -> Dataset:
        ds.add_new(0x00281201, "OB", text.encode())  # wrong VR, as in the wild
        return ds

    with pytest.raises(IdentityLeak):
        release(make(change=change), basic)


def test_a_moved_date_that_equals_another_original_date_is_no_leak(
    make: Callable[..., Dataset], release: Callable[..., ReleasedDataset], research: Policy
) -> None:
    shift = release(make(), research).shift_days
    from datetime import date, timedelta

    earlier = (date(2018, 4, 5) - timedelta(days=shift)).strftime("%Y%m%d")
    ds = make(AcquisitionDate=earlier)  # the study date moves exactly onto this one
    assert release(ds, research)


def test_digits_inside_a_uid_or_a_number_are_no_date(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    assert release(make(RescaleSlope="1.19570312"), basic)


def test_a_patient_called_like_a_plane_or_a_vendor_is_no_leak(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    ds = make(
        PatientName="PHILIPS^Axial",
        Manufacturer="Philips Medical Systems",
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
    )
    assert release(ds, basic)


def test_the_message_of_a_leak_holds_nothing_of_the_patient(
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy
) -> None:
    with pytest.raises(IdentityLeak) as caught:
        release(make(change=_hidden(b"LEFEVRE^ELODIE")), basic)
    assert "lefevre" not in str(caught.value).lower()


def test_a_released_dataset_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError, match=r"Deidentifier\.release"):
        ReleasedDataset("S-1", "1", "2", "3", 1, (), {}, None, object())  # type: ignore[arg-type]
