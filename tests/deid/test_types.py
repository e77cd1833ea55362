"""X/Z, X/D, Z/D: settled by the Type of the attribute in the IOD, each case with its clause."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.iods import attribute_type, is_image, is_known
from deid.make_types import make
from deid.rules import settle
from deid.tables import table_rows

MR, PT, CT = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.2"
MG = "1.2.840.10008.5.1.4.1.1.1.2"
ENHANCED_MR, SEG = "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT, KO = "1.2.840.10008.5.1.4.1.1.481.3", "1.2.840.10008.5.1.4.1.1.88.59"
PER_FRAME = ("PerFrameFunctionalGroupsSequence", "DerivationImageSequence")

CASES = [
    # PS3.3 C.7.3.1 General Series: Series Date Type 3
    (MR, (), "SeriesDate", "X/D", "X"),
    # PS3.3 C.8.9.1 PET Series: Series Date Type 1
    (PT, (), "SeriesDate", "X/D", "D"),
    # PS3.3 C.7.10.1 General Acquisition: Acquisition Date Type 3
    (MR, (), "AcquisitionDate", "X/Z", "X"),
    # PS3.3 C.8.9.4 PET Image: Acquisition Date Type 2
    (PT, (), "AcquisitionDate", "X/Z", "Z"),
    # PS3.3 C.7.6.1 General Image: Content Date Type 2C
    (CT, (), "ContentDate", "Z/D", "Z"),
    # PS3.3 C.7.6.16 Multi-frame Functional Groups: Content Date Type 1
    (ENHANCED_MR, (), "ContentDate", "Z/D", "D"),
    # PS3.3 C.7.5.2 Enhanced General Equipment: Device Serial Number Type 1
    (ENHANCED_MR, (), "DeviceSerialNumber", "X/Z/D", "D"),
    # PS3.3 C.7.5.1 General Equipment: Device Serial Number Type 3
    (CT, (), "DeviceSerialNumber", "X/Z/D", "X"),
    # PS3.3 C.7.1.1 Patient: Patient ID Type 2
    (MR, (), "PatientID", "Z/D", "Z"),
    # PS3.3 C.7.6.12 Contrast/Bolus: Contrast/Bolus Agent Type 2
    (CT, (), "ContrastBolusAgent", "Z/D", "Z"),
    # PS3.3 C.7.6.16.2.6 Derivation Image: Source Image Sequence Type 2 (U*)
    (SEG, PER_FRAME, "SourceImageSequence", "X/Z/U*", "U"),
    # PS3.3 C.12.4 General Reference: Referenced Image Sequence Type 3
    (MR, (), "ReferencedImageSequence", "X/Z/U*", "X"),
    # PS3.3 C.8.8.5 Structure Set: Instance Creation Date (SOP Common) Type 3
    (RTSTRUCT, (), "InstanceCreationDate", "X/D", "X"),
    # PS3.3 C.17.6.1 Key Object Document Series: Referenced Performed Procedure Step Type 2
    (KO, (), "ReferencedPerformedProcedureStepSequence", "X/Z/D", "Z"),
    # PS3.3 C.17.2 SR Document General: Requested Procedure ID Type 2, which the table removes
    (KO, ("ReferencedRequestSequence",), "RequestedProcedureID", "X", "Z"),
    (MR, ("RequestAttributesSequence",), "RequestedProcedureID", "X", "X"),
    # an attribute that no module of the IOD has counts as Type 3
    (MG, (), "ReviewerName", "X/Z", "X"),
]


@pytest.mark.parametrize(("sop_class", "path", "keyword", "action", "expected"), CASES)
def test_a_compound_action_follows_the_type_in_the_iod(
    sop_class: str, path: tuple[str, ...], keyword: str, action: str, expected: str
) -> None:
    assert settle(action, attribute_type(sop_class, path, keyword)) == expected


@pytest.mark.parametrize(
    ("action", "settled"),
    [
        ("X/Z", "ZZX"), ("X/D", "DDX"), ("Z/D", "DZZ"), ("X/Z/D", "DZX"), ("X/Z/U*", "UUX"),
        ("X", "XZX"), ("X*", "DZX"), ("Z", "ZZZ"), ("D", "DDD"), ("U", "UUU"),
    ],
)  # fmt: skip
def test_each_action_for_types_1_2_and_3(action: str, settled: str) -> None:
    assert "".join(settle(action, type_) for type_ in ("1", "2", "3")) == settled  # type: ignore[arg-type]


def test_what_the_table_removes_and_the_iod_requires_becomes_a_dummy(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    """Presentation Creation Date and Time: X in the table, Type 1 in PS3.3 C.11.10."""
    state = make(
        "1.2.840.10008.5.1.4.1.1.11.1",
        "PR",
        pixels=False,
        PresentationCreationDate="20180405",
        PresentationCreationTime="101112",
    )
    out = reread(state, basic)
    assert out.PresentationCreationDate == "19000101"
    assert out.PresentationCreationTime == "000000"
    assert "PresentationCreationDate" not in reread(
        make(PresentationCreationDate="20180405"), basic
    )


def test_an_attribute_inside_a_macro_no_module_prints_is_judged_by_its_own_sequence() -> None:
    hidden = ("2005140F", "DerivationImageSequence")
    assert attribute_type(SEG, hidden, "SourceImageSequence") == "2"


def test_a_deep_content_tree_counts_as_one_level() -> None:
    once = attribute_type(
        "1.2.840.10008.5.1.4.1.1.88.33", ("ContentSequence",), "ObservationDateTime"
    )
    deep = attribute_type(
        "1.2.840.10008.5.1.4.1.1.88.33", ("ContentSequence",) * 7, "ObservationDateTime"
    )
    assert once == deep


def test_image_classes_are_those_with_an_image_pixel_module() -> None:
    assert is_image(MR)
    assert not is_image(RTSTRUCT)
    assert is_known(SEG)
    assert not is_known("1.3.46.670589.5.0.1.1")


def test_the_types_shipped_are_those_highdicom_prints() -> None:
    shipped = (files("deid") / "data" / "attribute_types.json").read_text()
    assert json.loads(shipped) == make(), "run: python -m deid.make_types"


def _printed_types(sop_class: str) -> dict[tuple[str, str], set[str]]:
    """(path, keyword) -> every Type that highdicom's own tables print for one IOD."""
    from highdicom._standard_utils import (
        get_iod_module_map,
        get_module_attribute_map,
        get_sop_class_iod_map,
    )

    found: dict[tuple[str, str], set[str]] = {}
    for module in get_iod_module_map()[get_sop_class_iod_map()[sop_class]]:
        for attribute in get_module_attribute_map().get(module["key"], []):
            path = [
                p for i, p in enumerate(attribute["path"]) if p not in attribute["path"][i - 1 : i]
            ]
            key = ("/".join(path), attribute["keyword"])
            found.setdefault(key, set()).add(attribute["type"])
    return found


COHORT_CLASSES = {
    "MG": MG, "DBT": "1.2.840.10008.5.1.4.1.1.13.1.3", "MR": MR, "enhanced MR": ENHANCED_MR,
    "US multi-frame": "1.2.840.10008.5.1.4.1.1.3.1", "CT": CT, "PET": PT, "SEG": SEG,
    "dose SR": "1.2.840.10008.5.1.4.1.1.88.67", "RTSTRUCT": RTSTRUCT, "KO": KO,
    "VL WSI": "1.2.840.10008.5.1.4.1.1.77.1.6",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(COHORT_CLASSES))
def test_at_every_level_the_type_is_the_strictest_that_any_module_prints(name: str) -> None:
    """A condition (1C, 2C) counts as met: the attribute is there, so it was called for."""
    compound = {row.keyword for row in table_rows() if "/" in row.basic}
    sop_class, levels = COHORT_CLASSES[name], set()
    for (path, keyword), types in _printed_types(sop_class).items():
        if keyword not in compound:
            continue
        expected = min(type_[0] for type_ in types if type_[0] in "123")
        steps = tuple(path.split("/")) if path else ()
        found = attribute_type(sop_class, steps, keyword)
        levels.add(len(steps))
        assert found == expected, f"{path}/{keyword}"
    assert max(levels) >= 1
