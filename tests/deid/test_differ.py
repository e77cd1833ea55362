"""Two policies compared: what differs is listed, what does not is not."""

from __future__ import annotations

import pytest

from config.policy import Policy
from deid.differ import difference_table, policy_differences

PT = "1.2.840.10008.5.1.4.1.1.128"


def _rows(
    first: Policy, second: Policy, sop_class: str | None = None
) -> dict[str, tuple[str, str]]:
    found = policy_differences(first, second, sop_class)
    return {d.attribute: (d.first, d.second) for d in found}


def test_a_policy_does_not_differ_from_itself(basic: Policy, research: Policy) -> None:
    for policy in (basic, research):
        assert policy_differences(policy, policy) == []
    assert "alike" in difference_table(("a", "b"), [])


def test_one_option_changes_the_rows_of_its_column_and_no_others(basic: Policy) -> None:
    """PS3.15 Table E.1-1, Retain Institution Identity: ten attributes."""
    rows = _rows(basic, Policy(name="one", options=("113112",)))
    assert len(rows) == 10
    assert rows["Institution Name"] == ("removed or emptied or dummy value", "kept")


def test_a_sop_class_settles_what_is_compared(basic: Policy) -> None:
    """Series Date is Type 1 in PET Series (PS3.3 C.8.9.1)."""
    moved = Policy(name="moved", options=("113107",))
    assert _rows(basic, moved, PT)["Series Date"] == ("dummy value", "moved with the patient")


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"unlisted": "deny"}, "attributes outside the table"),
        ({"oldest_age_years": 79}, "ages"),
        ({"unknown_words": "remove"}, "words outside the vocabulary"),
        ({"options": ("113102",)}, "option 113102"),
    ],
)
def test_settings_that_no_attribute_shows_are_compared_too(
    changed: dict[str, object], name: str, basic: Policy
) -> None:
    assert name in _rows(basic, basic.model_copy(update=changed))


def test_an_overridden_attribute_outside_the_table_is_compared(basic: Policy) -> None:
    own = {"attribute": "SequenceName", "action": "remove", "reason": "a site's free text"}
    rows = _rows(basic, Policy(name="own", overrides=(own,)))  # type: ignore[arg-type]
    absent, here = rows["SequenceName"]
    assert absent == "as every attribute outside the table"
    assert here.startswith("removed")
