"""Only markers that stand alone stay; expected roles from CID 4014, CID 4010 and French usage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deid.hunt import Hunter
from deid.identity import Identity
from deid.text.judge import Judge
from deid.text.line import Kind, Line

Make = Callable[..., Line]


def judge(*names: str, ids: tuple[str, ...] = (), allowed: tuple[str, ...] = ()) -> Judge:
    identity = Identity(names=frozenset(names), ids=frozenset(ids))
    return Judge(Hunter(identity, institutions=True), allowed)


@pytest.mark.parametrize(
    "text", ["R", "L", "D", "G", "CC", "MLO", "ML", "LM", "RMLO", "LCC", "R MLO", "L-CC", "(R)",
             "XCCL", "RXCCL", "R CC MAG", "rcc", "ML0", "RML0"],
)  # fmt: skip
def test_sides_and_views_stay_in_a_mammogram(line: Make, text: str) -> None:
    found = judge("DUPONT^MARIE").judge(line(text), "mammogram")
    assert (found.keep, found.reason) == (True, "marker")


@pytest.mark.parametrize("text", ["0", "5", "10", "15", "cm", "10 cm", "2.5", "7.5 MHz", "45 dB"])
def test_scales_stay_in_ultrasound_only(line: Make, text: str) -> None:
    assert judge().judge(line(text), "ultrasound").reason == "scale"
    assert not judge().judge(line(text), "mammogram").keep


@pytest.mark.parametrize("text", ["1957", "123", "67 ans", "R L", "CC MLO", "RMLO 5", "DUPONT R",
                                  "K", "LE", "R R", "cm cm", "", "-", "AP AP AP AP"])  # fmt: skip
def test_what_is_no_marker_goes(line: Make, text: str) -> None:
    for kind in ("mammogram", "ultrasound", "radiograph", "capture", "other"):
        assert not judge().judge(line(text), kind).keep


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("LEFEVRE Elodie", "identity"),
        ("LEFÈVRE", "identity"),
        ("LEFEVRE 3L0DIE", "identity"),
        ("IPP 80O1234S67", "identity"),
        ("12/03/1957", "pattern"),
        ("Mme BERNARD", "pattern"),
        ("Hologic", "not_allowed"),
    ],
)
def test_the_reason_says_what_it_was(line: Make, text: str, reason: str) -> None:
    found = judge("LEFÈVRE^Élodie", ids=("8001234567",)).judge(line(text), "capture")
    assert (found.keep, found.reason) == (False, reason)


@pytest.mark.parametrize("text", ["d", "l", "r", "g"])
def test_a_small_letter_is_no_side(line: Make, text: str) -> None:
    assert not Judge().judge(line(text), "radiograph").keep
    assert Judge().judge(line(text.upper()), "radiograph").keep


@pytest.mark.parametrize(("name", "text"), [("LE^MLO", "MLO"), ("CC^Anne", "CC"), ("ML", "ML")])
def test_a_marker_that_is_the_patients_name_goes(line: Make, name: str, text: str) -> None:
    found = judge(name).judge(line(text), "mammogram")
    assert (found.keep, found.reason) == (False, "identity")


def test_a_side_stays_for_a_patient_with_that_initial(line: Make) -> None:
    assert judge("DUPONT^MARIE^R").judge(line("R"), "mammogram").keep


def test_what_could_not_be_read_goes(line: Make) -> None:
    found = judge().judge(line("RMLO", score=0.2), "mammogram")
    assert (found.keep, found.reason) == (False, "unreadable")


def test_a_marker_in_too_wide_a_box_goes(line: Make) -> None:
    """24 rows high: two letters fill at most 24 x (1 + 2) = 72 columns."""
    assert judge().judge(line("CC", wide=72), "mammogram").keep
    assert not judge().judge(line("CC", wide=73), "mammogram").keep


def test_a_policy_lets_further_words_stay(line: Make) -> None:
    assert judge(allowed=("VENTRE VIDE",)).judge(line("Ventre vide"), "ultrasound").keep
    assert not judge(allowed=("VENTRE VIDE",)).judge(line("Ventre"), "ultrasound").keep


@pytest.mark.parametrize("kind", ["radiograph", "capture", "other"])
def test_projections_stay_where_they_belong(line: Make, kind: Kind) -> None:
    assert judge().judge(line("PA"), kind).keep
    assert not judge().judge(line("XCCL"), kind).keep


def test_nothing_that_was_read_is_in_a_representation(line: Make) -> None:
    found = judge("LEFÈVRE^Élodie").judge(line("LEFEVRE"), "capture")
    assert "LEFEVRE" not in repr(found)
    assert "VENTRE" not in repr(judge(allowed=("VENTRE VIDE",)))
