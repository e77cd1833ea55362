"""Each action of MIDI-B on values made by hand, and each hole of its validator that is closed."""

from __future__ import annotations

import pytest

from pipelines.audit.scorer.actions import Maps, judge
from pipelines.audit.scorer.key import ACTIONS, REMOVAL, Check

MAPS = Maps({"1.2.3": "2.25.9"}, {"P1": "S-1"})


def points(action: str, value: str | None, *, old: str = "", text: str = "") -> float:
    return judge(Check("<(0010,0010)>", "X", old, action, text), value, MAPS)


@pytest.mark.parametrize(
    ("action", "value", "old", "text", "expected"),
    [
        ("<tag_retained>", "", "", "", 1.0),
        ("<tag_retained>", None, "", "", 0.0),
        ("<text_notnull>", "x", "", "", 1.0),
        ("<text_notnull>", "", "", "", 0.0),
        ("<text_notnull>", None, "", "", 0.0),
        ("<text_retained>", "t2 tse ax", "", "T2 TSE AX", 1.0),
        ("<text_retained>", "T2 AX", "", "T2 TSE AX", 2 / 3),
        ("<text_retained>", None, "", "T2", 0.0),
        ("<text_retained>", "3.0", "", "3", 1.0),
        ("<text_retained>", "3.1", "", "3", 0.0),
        ("<text_retained>", "0.5\\0.5", "", "0.50\\0.50", 1.0),
        ("<text_removed>", "IRM", "", "QUINCAMPOIX Zoé", 1.0),
        ("<text_removed>", None, "", "QUINCAMPOIX", 1.0),
        ("<text_removed>", "irm quincampoix", "", "QUINCAMPOIX", 0.0),
        ("<date_shifted>", "20170301", "20180405", "", 1.0),
        ("<date_shifted>", None, "20180405", "", 1.0),
        ("<date_shifted>", "20180405", "20180405", "", 0.0),
        ("<uid_changed>", "2.25.9", "1.2.3", "", 1.0),
        ("<uid_changed>", None, "1.2.3", "", 1.0),
        ("<uid_changed>", "1.2.3.4", "1.2.3", "", 0.0),
        ("<uid_consistent>", "2.25.9", "1.2.3", "", 1.0),
        ("<uid_consistent>", None, "1.2.3", "", 1.0),
        ("<uid_consistent>", "2.25.8", "1.2.3", "", 0.0),
        ("<patid_consistent>", "S-1", "P1", "", 1.0),
        ("<patid_consistent>", None, "P1", "", 1.0),
        ("<patid_consistent>", "S-2", "P1", "", 0.0),
    ],
)
def test_an_action_gives_its_points(
    action: str, value: str | None, old: str, text: str, expected: float
) -> None:
    assert points(action, value, old=old, text=text) == pytest.approx(expected)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_missing_file_passes_removal_and_fails_everything_else(action: str) -> None:
    check = Check("<(0010,0010)>", "X", "", action)
    assert judge(check, None, MAPS, missing=True) == float(action in REMOVAL)


def test_accents_and_case_hide_no_name_and_cost_no_word() -> None:
    """Hole (d): a plain substring test misses what lost its accents."""
    assert points("<text_removed>", "vu LEFEVRE", text="Lefèvre") == 0.0
    assert points("<text_retained>", "Lesion peripherique", text="Lésion périphérique") == 1.0


def test_a_short_word_counts_only_where_it_stands_alone() -> None:
    """Hole (d): LY of Mme LY is not left in AXIALLY."""
    assert points("<text_removed>", "AXIALLY", text="LY") == 1.0
    assert points("<text_removed>", "IRM LY", text="LY") == 0.0


@pytest.mark.parametrize("value", ["00010101", "18990101", "20181345", "REMOVED"])
def test_a_date_that_is_none_is_not_a_moved_date(value: str) -> None:
    """Hole (b): MIDI takes any other text for a shifted date."""
    assert points("<date_shifted>", value, old="20180405") == 0.0


def test_a_date_inside_a_longer_value_is_still_the_old_one() -> None:
    assert points("<date_shifted>", "20180405101112.5", old="20180405101112.5") == 0.0


def test_a_uid_of_nobody_must_at_least_be_another() -> None:
    """Hole (c): a reference out of the cohort has no place in the map."""
    assert points("<uid_consistent>", "9.9.9", old="9.9.9") == 0.0
    assert points("<uid_consistent>", "2.25.1", old="9.9.9") == 1.0
