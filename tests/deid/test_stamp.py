"""What an object says of its own de-identification follows from the steps that ran, by rule."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.rules import OVERRIDE, WEAKER, resolve_policy
from deid.stamp import stamp, steps_that_ran
from deid.tally import Tally

ALL = ("113101", "113102", "113103", "113104", "113105", "113107", "113108", "113109", "113110",
       "113111", "113112")  # fmt: skip


def _stamped(*steps: str) -> Dataset:
    ds = Dataset()
    stamp(ds, Policy(name="own", options=ALL), steps, "S-0000000001")  # type: ignore[arg-type]
    return ds


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("113100",), "REMOVED"),
        (("113100", "113107"), "MODIFIED"),
        (("113100", "113106"), "UNMODIFIED"),
        (("113100", "113105", "113108"), "REMOVED"),
    ],
)
def test_what_became_of_the_dates_follows_from_the_steps(steps: tuple[str, ...], said: str) -> None:
    """PS3.3 C.7.1.1: REMOVED, MODIFIED or UNMODIFIED."""
    assert _stamped(*steps).LongitudinalTemporalInformationModified == said


def test_pixels_are_said_clean_only_when_they_were_cleaned() -> None:
    """PS3.15 E.3.1: the option adds Burned In Annotation NO."""
    assert "BurnedInAnnotation" not in _stamped("113100")
    assert _stamped("113100", "113101").BurnedInAnnotation == "NO"
    assert "RecognizableVisualFeatures" not in _stamped("113100", "113101")
    assert _stamped("113100", "113102").RecognizableVisualFeatures == "NO"


def test_the_codes_are_those_of_the_steps_with_the_meanings_of_cid_7050() -> None:
    from pydicom.sr.codedict import codes

    written = _stamped("113100", *ALL).DeidentificationMethodCodeSequence
    concepts = [getattr(codes.cid7050, name) for name in codes.cid7050.dir()]
    known = {concept.value: concept for concept in concepts}
    assert [item.CodeValue for item in written] == ["113100", *ALL]
    for item in written:
        assert item.CodeMeaning == known[item.CodeValue].meaning
        assert item.CodingSchemeDesignator == "DCM"


def test_only_what_the_tally_saw_and_the_policy_asks_for_is_a_step() -> None:
    rules = resolve_policy(Policy(name="own", options=("113105", "113108")))
    tally = Tally()
    assert steps_that_ran(rules, tally) == ("113100",)
    for ran in ("113108", "113111", OVERRIDE, ""):
        tally.count("keep", ran)
    assert steps_that_ran(rules, tally) == ("113100", "113108")
    tally.count("keep", WEAKER)
    assert steps_that_ran(rules, tally) == ("113108",)


def test_the_method_fits_its_element_whatever_the_policy_is_called() -> None:
    """LO: 64 characters a value (PS3.5 6.2)."""
    ds = Dataset()
    stamp(ds, Policy(name="p" * 63), (), "S-0000000001")
    assert all(len(value) <= 64 for value in ds.DeidentificationMethod)
    assert "DeidentificationMethodCodeSequence" not in ds
