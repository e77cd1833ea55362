"""Claims about the fictitious people."""

from __future__ import annotations

import pytest
from pydicom.charset import python_encoding

from pipelines.demo.people import make_person, nir_key, plain
from pipelines.demo.tables import load_table

PERSONS = sorted(load_table("people")["persons"])


def test_the_published_example_of_a_nir_has_its_published_key() -> None:
    """The worked example of the French Wikipedia article: 2 69 05 49 588 157, key 80."""
    assert nir_key("2690549588157") == "80"


@pytest.mark.parametrize(("letters", "taken_away"), [("2A", 1_000_000), ("2B", 2_000_000)])
def test_the_key_of_a_corsican_nir_follows_the_rule_of_insee(letters: str, taken_away: int) -> None:
    """INSEE: put 0 for the letter and take away one (A) or two (B) million."""
    number = int("1850" + "720" + "999901") - taken_away
    assert nir_key(f"18507{letters}999901") == f"{97 - number % 97:02d}"


@pytest.mark.parametrize("key", PERSONS)
def test_every_nir_has_a_right_key_and_belongs_to_nobody(key: str) -> None:
    person = make_person(key, 2026)
    body, control = person.nir[:13], person.nir[13:]
    number = int(body.replace("2A", "19").replace("2B", "18"))
    assert (number + int(control)) % 97 == 0
    assert body[0] == ("1" if person.sex == "M" else "2")
    assert body[1:5] == f"{person.birth_date:%y%m}"
    # 99 999 is no country of the official code, 2A 999 and 2B 999 no commune.
    assert body[5:10] in {"99999", "2A999", "2B999"}


def test_telephone_numbers_are_in_the_ranges_kept_for_fiction() -> None:
    ranges = tuple(load_table("people")["phone_ranges"])
    assert all(make_person(key, 2026).phone.startswith(ranges) for key in PERSONS)


def test_a_person_is_the_same_whoever_asks_and_another_under_another_seed() -> None:
    assert make_person("lefevre", 1) == make_person("lefevre", 1)
    assert make_person("lefevre", 1).nir != make_person("lefevre", 2).nir


def test_plain_spelling_has_no_accents_left() -> None:
    assert plain("Crèvecœur d'Étang-Ça") == "CREVECOEUR D'ETANG-CA"


def test_every_patient_can_be_written_in_the_charset_of_the_hospital() -> None:
    for hospital in load_table("hospitals")["hospitals"].values():
        for row in hospital["patients"]:
            person = make_person(row["person"], 2026)
            charset = python_encoding[hospital["charset"]]
            text = f"{person.pn} {person.address}"
            assert text.encode(charset).decode(charset) == text


def test_names_are_long_enough_not_to_occur_by_chance() -> None:
    """Six bytes occur by chance once in 2.8e14 positions: a leak test may search for them."""
    for key in PERSONS:
        person = make_person(key, 2026)
        for name in (person.family, person.given, person.birth_name or "absent"):
            assert len(name.encode("latin-1", "replace")) >= 6, name
