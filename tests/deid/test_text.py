"""The hunt: names in any order, case and accent; numbers; dates; medical words spared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.fold import fold
from deid.hunt import Hunter
from deid.identity import Identity

IDENTITY = Identity(
    names=frozenset(
        {"LEFÈVRE^Élodie^Marie", "LY^An", "DE LA TOUR^Jean-Paul", "Yamada^Tarou=山田^太郎"}
    ),
    ids=frozenset({"8001234567", "AC12", "7"}),
    institutions=frozenset({"CHU de Bordeaux"}),
    birth_dates=frozenset({"19570312"}),
    dates=frozenset({"20180405"}),
)
HUNTER = Hunter(IDENTITY, institutions=True)

GONE = [
    "Lefevre", "LEFÈVRE", "lefèvre", "Elodie", "Élodie LEFEVRE", "LEFEVRE^ELODIE", "lefevre,elodie",
    "ElodieLefevre", "lefevreelodie", "LY An", "AN^LY", "Jean-Paul", "jean paul", "DE LA TOUR",
    "山田太郎", "8001234567", "Bordeaux", "CHU de Bordeaux", "12/03/1957", "12.03.1957",
    "1957-03-12", "19570312", "12031957", "03/12/1957", "12 mars 1957", "5 avril 2018", "05/04/18",
    "20180405",
]  # fmt: skip
STAYS = [
    "T2 TSE AX", "SEIN DROIT", "t2_tse_tra_320_p2", "ep2d_diff_b50_400_800", "DWI b1000", "LY",
    "CHU", "MR PROSTATE", "DR CHEST", "5.0 x 5.0", "1.2.20180405", "PROSTATE 3T 2018",
    "7", "T1 VIBE DCE",
]  # fmt: skip


@pytest.mark.parametrize("text", GONE)
def test_the_identity_goes_and_what_stands_around_it_stays(text: str) -> None:
    assert HUNTER.clean(text) == ""
    left = HUNTER.clean(f"T2 {text} AX")
    assert left.split() == ["T2", "AX"], left


@pytest.mark.parametrize("text", STAYS)
def test_medical_words_stay(text: str) -> None:
    assert HUNTER.clean(text) == text


@pytest.mark.parametrize("text", [t for t in STAYS if "2018" not in t])
def test_medical_words_stay_under_the_patterns_too(text: str) -> None:
    assert HUNTER.clean(text, patterns=True) == text


@pytest.mark.parametrize(
    "text",
    ["M. Durand", "Mme Petit", "Dr Roux", "DR ROUX", "Pr. Blanc", "Docteur Noir", "01/02/2003",
     "3 janvier 1999", "1 57 03 33 063 123 45", "2A", "0556123456", "+33 5 56 12 34 56", "98765432",
     "a.b@chu.fr", "33000 bordeaux"],
)  # fmt: skip
def test_what_looks_like_identity_goes_under_the_patterns(text: str) -> None:
    expected = "AX 2A" if text == "2A" else "AX"  # a department of Corsica alone says nothing
    assert HUNTER.clean(f"AX {text}", patterns=True) == expected


def test_a_name_inside_a_word_of_six_letters_goes_a_short_one_does_not() -> None:
    hunter = Hunter(Identity(names=frozenset({"DUPONT^Anna"})), institutions=True)
    assert hunter.clean("DUPONTMARIE") == "MARIE"
    assert hunter.clean("HOSANNA") == "HOSANNA"


def test_whole_names_only_where_a_part_may_stand_by_chance() -> None:
    hunter = Hunter(Identity(names=frozenset({"PHILIPS^Anton"})), institutions=True)
    assert hunter.clean("Philips Medical Systems", whole=True) == "Philips Medical Systems"
    assert hunter.clean("Anton Philips", whole=True) == ""


def test_institutions_stay_when_they_are_retained() -> None:
    assert Hunter(IDENTITY, institutions=False).clean("CHU de Bordeaux") == "CHU de Bordeaux"


def test_no_identity_finds_nothing() -> None:
    assert Hunter(Identity(), institutions=True).clean("LEFEVRE 12/03/1957") == "LEFEVRE 12/03/1957"


@given(st.text(max_size=40))
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(max_size=60))
def test_cleaning_any_text_leaves_nothing_to_find(text: str) -> None:
    clean = HUNTER.clean(f"{text} LEFEVRE {text}")
    assert "lefevre" not in fold(clean)
