"""A policy file says only what a policy may say; what it may not is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.loader import load_yaml
from config.overrides import find_sop_class
from config.policy import Policy

HEAD = "name: own\noverrides:\n"


def _load(folder: Path, text: str) -> Policy:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return load_yaml(path, Policy)


def _override(attribute: str, action: str, reason: str = "agreed with the ethics board") -> str:
    return f"  - attribute: {attribute}\n    action: {action}\n    reason: {reason}\n"


def test_a_policy_with_every_kind_of_setting_is_read(tmp_path: Path) -> None:
    text = (
        "name: own\noptions: ['113107', '113108']\nunlisted: deny\noldest_age_years: null\n"
        "overrides:\n"
        + _override("InstitutionName", "keep")
        + _override("StudyDescription", "remove")
        + "    sop_classes: [MRImageStorage, 1.2.840.10008.5.1.4.1.1.2]\n"
    )
    policy = _load(tmp_path, text)
    assert policy.unlisted == "deny"
    assert policy.oldest_age_years is None
    assert policy.overrides[1].sop_classes == (
        "1.2.840.10008.5.1.4.1.1.4",
        "1.2.840.10008.5.1.4.1.1.2",
    )


@pytest.mark.parametrize("action", ["keep", "clean"])
@pytest.mark.parametrize(
    "attribute",
    [
        "PatientName", "PatientID", "OtherPatientIDs", "PatientAddress", "AccessionNumber",
        "ReferringPhysicianName", "OperatorsName", "PatientBirthDate", "PersonTelephoneNumbers",
        "ResponsiblePerson",
    ],
)  # fmt: skip
def test_no_override_retains_a_direct_identifier(
    attribute: str, action: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=rf"own\.yaml:3: .*{attribute} may not be") as e:
        _load(tmp_path, HEAD + _override(attribute, action))
    assert e.value.code == "CONFIG_INVALID"


@pytest.mark.parametrize("action", ["remove", "empty", "dummy"])
def test_a_direct_identifier_may_be_taken_away_in_any_manner(action: str, tmp_path: Path) -> None:
    policy = _load(tmp_path, HEAD + _override("PatientName", action))
    assert policy.overrides[0].action == action


@pytest.mark.parametrize(
    ("attribute", "action", "says"),
    [
        ("StudyDate", "keep", "113106 or 113107"),
        ("FrameOfReferenceUID", "keep", "113110"),
        ("PatientWeight", "clean", "VR DS cannot be cleaned"),
        ("SOPInstanceUID", "remove", "the object depends on it"),
        ("PixelData", "remove", "the object depends on it"),
        ("'60003000'", "keep", "no attribute of PS3.6"),
        ("DeidentificationMethodCodeSequence", "keep", "the object depends on it"),
        ("NoSuchThing", "keep", "no attribute of PS3.6"),
        ("'00091001'", "keep", "no attribute of PS3.6"),
        ("InstitutionName", "shuffle", "Input should be"),
    ],
)
def test_what_no_override_can_do_is_refused_with_its_reason(
    attribute: str, action: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=rf"own\.yaml:[345]: .*{says}"):
        _load(tmp_path, HEAD + _override(attribute, action))


@pytest.mark.parametrize("reason", ["''", "short"])
def test_an_override_needs_a_written_reason(reason: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"own\.yaml:5: overrides\.0\.reason"):
        _load(tmp_path, HEAD + _override("InstitutionName", "keep", reason))
    without = HEAD + "  - attribute: InstitutionName\n    action: keep\n"
    with pytest.raises(ConfigurationError, match="reason: Field required"):
        _load(tmp_path, without)


def test_an_attribute_has_one_override_for_one_class(tmp_path: Path) -> None:
    twice = HEAD + _override("InstitutionName", "keep") + _override("InstitutionName", "empty")
    with pytest.raises(ConfigurationError, match="two overrides of InstitutionName"):
        _load(tmp_path, twice)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("['113106', '113107']", "choose one"),
        ("['113108', '113108']", "given twice"),
        ("['113100']", "Input should be"),
        ("['113113']", "Input should be"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=rf"own\.yaml:2: .*{says}"):
        _load(tmp_path, f"name: own\noptions: {options}\n")


@pytest.mark.parametrize("name", ["MRImageStorage", "1.2.840.10008.5.1.4.1.1.4"])
def test_a_sop_class_goes_by_uid_or_keyword(name: str) -> None:
    assert find_sop_class(name) == "1.2.840.10008.5.1.4.1.1.4"


@pytest.mark.parametrize("name", ["MRImage", "1.2.3", "ImplicitVRLittleEndian", "UID", ""])
def test_what_is_no_sop_class_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no SOP class"):
        find_sop_class(name)
