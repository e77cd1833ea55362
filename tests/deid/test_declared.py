"""What creators declare of their private elements (PS3.3 C.12.1, PS3.15 E.3.10) is followed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.errors import IdentityLeak
from config.policy import Policy
from deid.declared import declared_in

Reread = Callable[..., Dataset]
SAFE_PRIVATE = Policy(name="safe-private", options=("113111",))
CREATOR, GROUP = "ATELIER 7", 0x0029


def _item(status: str, **values: Any) -> Dataset:
    item = Dataset()
    item.PrivateGroupReference, item.PrivateCreatorReference = GROUP, CREATOR
    item.BlockIdentifyingInformationStatus = status
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _action(action: str, *elements: int) -> Dataset:
    item = Dataset()
    item.IdentifyingPrivateElements, item.DeidentificationAction = list(elements), action
    return item


def _with_block(*items: Dataset) -> Callable[[Dataset], Dataset]:
    def change(ds: Dataset) -> Dataset:
        block = ds.private_block(GROUP, CREATOR, create=True)
        block.add_new(0x01, "DS", "1.5")
        block.add_new(0x02, "LO", "gradient of LEFEVRE^Elodie")
        block.add_new(0x03, "LO", "8001234567")
        block.add_new(0x04, "UI", "1.2.3.4.5.6.7.8.9")
        ds.PrivateDataElementCharacteristicsSequence = list(items)
        return ds

    return change


def _kept(out: Dataset) -> dict[int, str]:
    return {
        tag.element & 0xFF: str(out[tag].value)
        for tag in out.keys()  # noqa: SIM118, decoded elements would do as well
        if tag.is_private and not tag.is_private_creator
    }


def _codes(out: Dataset) -> set[str]:
    return {item.CodeValue for item in out.DeidentificationMethodCodeSequence}


def test_a_safe_block_stays_without_the_study_s_identity(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    kept = _kept(reread(make(change=_with_block(_item("SAFE"))), SAFE_PRIVATE))
    assert kept[1] == "1.5"
    assert kept[2] == "gradient of"
    assert kept[3] == "REMOVED"
    assert kept[4].startswith("2.25.")


def test_of_a_mixed_block_the_nonidentifying_elements_stay(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    item = _item("MIXED", NonidentifyingPrivateElements=[0x01])
    out = reread(make(change=_with_block(item)), SAFE_PRIVATE)
    assert _kept(out) == {1: "1.5"}
    assert "113111" in _codes(out)


@pytest.mark.parametrize("status", ["UNSAFE", "", "SAFEISH"])
def test_any_other_status_keeps_nothing(
    status: str, make: Callable[..., Dataset], reread: Reread
) -> None:
    out = reread(make(change=_with_block(_item(status))), SAFE_PRIVATE)
    assert _kept(out) == {}
    assert "PrivateDataElementCharacteristicsSequence" not in out
    assert _codes(out) == {"113100"}


def test_the_creator_s_own_actions_are_followed(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    actions = [_action("X", 1), _action("Z", 2), _action("D", 3), _action("U", 4)]
    item = _item("SAFE", DeidentificationActionSequence=actions)
    kept = _kept(reread(make(change=_with_block(item)), SAFE_PRIVATE))
    assert set(kept) == {2, 3, 4}
    assert (kept[2], kept[3]) == ("", "REMOVED")
    assert kept[4].startswith("2.25.")


def test_an_action_comes_before_the_table_of_safe_elements(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    """Diffusion B-Factor of Philips is in PS3.15 Table E.3.10-1."""

    def change(ds: Dataset) -> Dataset:
        ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(3, "FL", 800.0)
        item = _item("UNSAFE", DeidentificationActionSequence=[_action("X", 3)])
        item.PrivateGroupReference = 0x2001
        item.PrivateCreatorReference = "Philips Imaging DD 001"
        ds.PrivateDataElementCharacteristicsSequence = [item]
        return ds

    assert _kept(reread(make(change=change), SAFE_PRIVATE)) == {}


def test_the_declaration_is_made_anew_for_what_stays(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    gone = _item("SAFE")
    gone.PrivateCreatorReference = "NOT HERE"
    definition = Dataset()
    definition.PrivateDataElement, definition.PrivateDataElementName = 2, "for Dr Garnier"
    stays = _item("MIXED", NonidentifyingPrivateElements=[1])
    stays.PrivateDataElementDefinitionSequence = [definition]
    out = reread(make(change=_with_block(gone, stays)), SAFE_PRIVATE)
    (item,) = out.PrivateDataElementCharacteristicsSequence
    assert (item.PrivateGroupReference, item.PrivateCreatorReference) == (GROUP, CREATOR)
    assert item.BlockIdentifyingInformationStatus == "SAFE"
    assert len(item) == 3


def test_without_113111_nothing_declared_counts(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    out = reread(make(change=_with_block(_item("SAFE"))), basic)
    assert _kept(out) == {}
    assert "PrivateDataElementCharacteristicsSequence" not in out


def test_a_creator_named_after_the_patient_is_not_believed(
    make: Callable[..., Dataset], release: Callable[..., object]
) -> None:
    def change(ds: Dataset) -> Dataset:
        ds.private_block(GROUP, "LEFEVRE ELODIE", create=True).add_new(1, "LO", "x")
        item = _item("SAFE")
        item.PrivateCreatorReference = "LEFEVRE ELODIE"
        ds.PrivateDataElementCharacteristicsSequence = [item]
        return ds

    try:
        data = release(make(change=change), SAFE_PRIVATE).to_bytes()  # type: ignore[attr-defined]
    except IdentityLeak:
        return
    assert b"LEFEVRE" not in data


def test_an_element_whose_vr_nobody_says_is_not_kept(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    implicit = "1.2.840.10008.1.2"
    bare = make(change=_with_block(_item("SAFE")), syntax=implicit)
    assert _kept(reread(bare, SAFE_PRIVATE)) == {}
    definition = Dataset()
    definition.PrivateDataElement, definition.PrivateDataElementValueRepresentation = 1, "DS"
    named = _item("SAFE", PrivateDataElementDefinitionSequence=[definition])
    out = reread(make(change=_with_block(named), syntax=implicit), SAFE_PRIVATE)
    assert set(_kept(out)) == {1}


@pytest.mark.parametrize("broken", ["group", "creator", "even"])
def test_an_entry_that_cannot_be_read_declares_nothing(broken: str) -> None:
    item = _item("SAFE")
    if broken == "group":
        del item.PrivateGroupReference
    elif broken == "creator":
        item.PrivateCreatorReference = ""
    else:
        item.PrivateGroupReference = 0x0028
    ds = Dataset()
    ds.PrivateDataElementCharacteristicsSequence = [item]
    assert not declared_in(ds)
