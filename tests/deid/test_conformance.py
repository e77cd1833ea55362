"""The conformance table says what happened to the object, whatever the policy says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.conformance import account_of, conformance_table, observe

PT = "1.2.840.10008.5.1.4.1.1.128"
Reread = Callable[..., Dataset]


def _pair(before: dict[str, Any], after: dict[str, Any]) -> tuple[Dataset, Dataset]:
    pair = []
    for values in (before, after):
        ds = Dataset()
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        pair.append(ds)
    return pair[0], pair[1]


@pytest.mark.parametrize(
    ("before", "after", "tag", "action"),
    [
        ({"StationName": "MR2"}, {}, 0x00081010, "X"),
        ({"StationName": "MR2"}, {"StationName": ""}, 0x00081010, "Z"),
        ({"StationName": "MR2"}, {"StationName": "REMOVED"}, 0x00081010, "D"),
        ({"StationName": "MR2"}, {"StationName": "MR2"}, 0x00081010, "K"),
        ({"StudyInstanceUID": "1.2"}, {"StudyInstanceUID": "2.25.3"}, 0x0020000D, "U"),
        ({"StudyDate": "20180405"}, {"StudyDate": "20170101"}, 0x00080020, "C"),
        ({"StudyDate": "20180405"}, {"StudyDate": "19000101"}, 0x00080020, "D"),
        ({"StudyDescription": "T2 LEFEVRE"}, {"StudyDescription": "T2"}, 0x00081030, "C"),
        ({}, {"PatientIdentityRemoved": "YES"}, 0x00120062, "added"),
    ],
)
def test_each_action_is_known_by_its_effect(
    before: dict[str, Any], after: dict[str, Any], tag: int, action: str
) -> None:
    assert observe(*_pair(before, after)) == {(tag, action): 1}


def test_what_was_empty_and_stays_empty_is_no_action() -> None:
    assert not observe(*_pair({"StudyDescription": ""}, {"StudyDescription": ""}))


def test_nested_elements_are_counted_with_those_at_the_top() -> None:
    def made(name: str) -> dict[str, Any]:
        inner = Dataset()
        inner.PersonName = name
        return {"PersonName": name, "ViewCodeSequence": [inner]}

    seen = observe(*_pair(made("LEFEVRE"), made("REMOVED")))
    assert seen == {(0x0040A123, "D"): 2, (0x00540220, "K"): 1}


def test_all_private_elements_are_one_row_without_their_creators_names() -> None:
    before, after = Dataset(), Dataset()
    before.private_block(0x0029, "LEFEVRE LAB", create=True).add_new(1, "LO", "x")
    before.private_block(0x0031, "OTHER LAB", create=True).add_new(1, "LO", "x")
    before.SOPClassUID = after.SOPClassUID = PT
    text = conformance_table([account_of(before, after)])
    assert "| Private Attributes | (gggg,eeee), gggg odd | X | N | removed 2 |" in text
    assert "LAB" not in text


def _options_of(text: str) -> dict[str, str]:
    """The attribute rows of a table by the heading they stand under."""
    found, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("| **"):
            heading = line.strip("| *")
        elif match := re.match(r"\| [^|]+ \| (\([0-9A-F]{4},[0-9A-F]{4}\)) \| (\S+) \|", line):
            found[f"{match[1]} {match[2]}"] = heading
    return found


def test_what_an_option_kept_stands_under_that_option(
    make: Callable[..., Dataset], reread: Reread, research: Policy
) -> None:
    ds = make(
        PatientWeight="71", StationName="MR2", SeriesDescription="T2", InstitutionName="CHU X"
    )
    rows = _options_of(conformance_table([account_of(ds, reread(ds, research))]))
    assert rows["(0010,1030) K"] == "Retain Patient Characteristics Option (113108)"
    assert rows["(0008,1010) K"] == "Retain Device Identity Option (113109)"
    assert rows["(0008,103E) K"] == "Clean Descriptors Option (113105)"
    dates = "Retain Longitudinal Temporal Information Modified Dates Option (113107)"
    assert rows["(0008,0020) C"] == dates
    assert rows["(0008,0080) X"] == "Basic Profile"
    assert rows["(0010,0010) D"] == "Basic Profile"


def test_an_option_of_the_policy_that_did_nothing_is_not_in_the_table(
    make: Callable[..., Dataset], reread: Reread, research: Policy
) -> None:
    ds = make(StudyDate="", StudyTime="", PatientSex="")
    text = conformance_table([account_of(ds, reread(ds, research))])
    assert re.findall(r"\| (113\d{3}) \|", text) == ["113100"]
    assert "Option" not in text


def test_what_is_kept_without_an_option_is_shown_as_such(
    make: Callable[..., Dataset], reread: Reread
) -> None:
    own = {"attribute": "StationName", "action": "keep", "reason": "agreed with the board"}
    policy = Policy(name="own", overrides=(own,))  # type: ignore[arg-type]
    ds = make(StationName="MR2")
    rows = _options_of(conformance_table([account_of(ds, reread(ds, policy))]))
    assert rows["(0008,1010) K"] == "Retained by the site's own rule"


def test_the_table_holds_no_value_of_the_object(
    make: Callable[..., Dataset], reread: Reread, research: Policy
) -> None:
    ds = make(InstitutionName="Pellegrin", SeriesDescription="T2 Lefevre", PatientAge="061Y")
    text = conformance_table([account_of(ds, reread(ds, research))]).casefold()
    words = ("lefevre", "8001234567", "19570312", "20180405", "pellegrin", "061y")
    assert [words.index(word) for word in words if word in text] == []


def test_instances_of_a_class_are_summed(
    make: Callable[..., Dataset], reread: Reread, basic: Policy
) -> None:
    ds = make(StationName="MR2")
    account = account_of(ds, reread(ds, basic))
    account.add(make(), reread(make(), basic))
    assert account.instances == 2
    assert account.codes == {"113100": 2}
    assert account.deeds[0x00081010, "X"] == 1
    assert account.deeds[0x00100010, "D"] == 2


def test_the_codes_of_every_instance_are_those_of_the_steps_that_ran(
    make: Callable[..., Dataset], release: Callable[..., Any], reread: Reread, research: Policy
) -> None:
    for values in ({}, {"PatientWeight": "71"}, {"SeriesDescription": "T2"}, {"StudyDate": ""}):
        ds = make(**values)
        codes = tuple(account_of(ds, reread(ds, research)).codes)
        assert codes == release(ds, research).steps
