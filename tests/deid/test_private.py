"""Private elements: gone, unless 113111 is on and their creator's table calls them safe."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.safe_private import safe_private

SAFE = Policy(name="safe", options=("113107", "113111"))
SYNTAXES = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]


def _with_private(ds: Dataset) -> Dataset:
    siemens = ds.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    siemens.add_new(0x0C, "IS", "800")  # B Value, PS3.15 Table E.3.10-1
    siemens.add_new(0xFE, "LO", "LEFEVRE")
    philips = ds.private_block(0x2001, "Philips Imaging DD 001", create=True)
    philips.add_new(0x03, "FL", 800.0)  # Diffusion B-Factor
    ge = ds.private_block(0x0043, "GEMS_PARM_01", create=True)
    ge.add_new(0x39, "IS", ["800", "0", "0", "0"])  # b-value
    pet = ds.private_block(0x0009, "GEMS_PETD_01", create=True)
    pet.add_new(0x0D, "DT", "20180405101112.00")  # Scan Date Time
    pet.add_new(0x0A, "LO", "1.2.840.113619.2.99.1.2.3")  # Scan ID
    pet.add_new(0x36, "LO", "FDG for Lefevre")  # Tracer Name
    unknown = ds.private_block(0x0029, "NOBODY KNOWS", create=True)
    unknown.add_new(0x10, "LO", "x")
    return ds


@pytest.fixture(params=SYNTAXES)
def vendor(request: pytest.FixtureRequest, make: Callable[..., Dataset]) -> Dataset:
    return make(syntax=request.param, change=_with_private)


def test_basic_leaves_no_private_element(
    vendor: Dataset, basic: Policy, reread: Callable[..., Dataset]
) -> None:
    assert not any(tag.is_private for tag in reread(vendor, basic).keys())  # noqa: SIM118


def test_vendor_b_values_survive_by_creator(
    vendor: Dataset, reread: Callable[..., Dataset]
) -> None:
    out = reread(vendor, SAFE)
    assert out.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 800
    assert out.private_block(0x2001, "Philips Imaging DD 001")[0x03].value == 800.0
    assert out.private_block(0x0043, "GEMS_PARM_01")[0x39].value[0] == 800
    assert 0xFE not in out.private_block(0x0019, "SIEMENS MR HEADER")
    with pytest.raises(KeyError):
        out.private_block(0x0029, "NOBODY KNOWS")


def test_private_dates_move_uids_change_and_text_is_hunted(
    vendor: Dataset, reread: Callable[..., Dataset]
) -> None:
    out = reread(vendor, SAFE)
    block = out.private_block(0x0009, "GEMS_PETD_01")
    assert block[0x0D].value == out.StudyDate + "101112.00"
    assert str(block[0x0A].value).startswith("2.25.")
    assert block[0x36].value == "FDG for"


def test_private_dates_go_when_no_date_option_is_on(
    vendor: Dataset, reread: Callable[..., Dataset]
) -> None:
    out = reread(vendor, Policy(name="safe", options=("113111",)))
    assert 0x0D not in out.private_block(0x0009, "GEMS_PETD_01")


def test_a_block_may_lie_anywhere_in_its_group(
    make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    def moved(ds: Dataset) -> Dataset:
        ds.add_new(0x00190042, "LO", "SIEMENS MR HEADER")
        ds.add_new(0x0019420C, "IS", "400")
        ds.add_new(0x00190010, "LO", "SOMETHING ELSE")
        ds.add_new(0x0019100C, "IS", "123")
        return ds

    out = reread(make(change=moved), SAFE)
    assert out[0x0019, 0x420C].value == 400
    assert (0x0019, 0x100C) not in out
    assert (0x0019, 0x0010) not in out


def test_a_private_element_without_a_creator_is_removed(
    make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    def orphan(ds: Dataset) -> Dataset:
        ds.add_new(0x0019100C, "IS", "400")
        return ds

    assert (0x0019, 0x100C) not in reread(make(change=orphan), SAFE)


def test_the_table_is_by_group_creator_and_offset() -> None:
    assert safe_private(0x0019, "SIEMENS MR HEADER", 0x0C) is not None
    assert safe_private(0x0019, "SIEMENS CSA HEADER", 0x0C) is None
    assert safe_private(0x0029, "SIEMENS CSA HEADER", 0x10) is None
