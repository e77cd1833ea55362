"""Names in text: particles, initials, spellings; and the words of the vocabulary that stay."""

from __future__ import annotations

import time

import pytest

from deid.hunt import Hunter
from deid.identity import Identity


def _hunter(*names: str) -> Hunter:
    return Hunter(Identity(names=frozenset(names)), institutions=True)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("DE LA TOUR^Jean-Paul", "Jean Paul Delatour"),
        ("DE LA TOUR^Jean-Paul", "J-P DE LA TOUR"),
        ("DE LA TOUR^Jean-Paul", "JP DELATOUR"),
        ("DE LA TOUR^Jean-Paul", "J.P. de la Tour"),
        ("DE LA TOUR^Jean-Paul", "LA TOUR jean"),
        ("LEGOFF^Yann", "LE GOFF"),
        ("LE GOFF^Yann", "Legoff Y"),
        ("O'NEIL^Sean", "ONEIL"),
        ("O'NEIL^Sean", "Sean O’Neil"),
        ("MCDONALD^Ian", "Mc Donald"),
        ("EL KHOURY^Rami", "Elkhoury"),
        ("BEN ALI^Nour", "BENALI Nour"),
        ("VAN DER BERG^Piet", "P. Vanderberg"),
        ("D'ARTAGNAN^Charles", "Dartagnan"),
        ("SAINT-MARTIN^Eve", "ST MARTIN"),
        ("LECOEUR^Zoé", "LECŒUR"),
        ("LECŒUR^Zoé", "lecoeur"),
        ("MÜLLER^Jörg", "MUELLER"),
        ("MÜLLER^Jörg", "Muller, Jorg"),
        ("LEFEVRE^Elodie^Marie", "E. LEFEVRE"),
        ("LEFEVRE^Elodie^Marie", "LEFEVRE E"),
        ("LEFEVRE^Elodie^Marie", "E.M. LEFEVRE"),
        ("LEFEVRE^Elodie", "Le\u0301fe\u0300vre"),  # accents as characters of their own
        ("LEFEVRE^Elodie", "Le\u00adfe\u200bvre"),  # a soft hyphen, a zero-width blank
        ("LEFEVRE^Elodie", "L E F E V R E"),
        ("LEFEVRE^Elodie", "l.e.f.e.v.r.e"),
        ("NGUYEN THI^Lan", "Lan NGUYEN"),
        ("LY^An", "AN LY"),
        ("LY^An", "A. LY"),
        ("LY^An", "LYAN"),
        ("Kim^Heejung=김^희중", "김희중"),
        ("Elodie Lefevre", "LEFEVRE, Elodie"),
        ("LEFEVRE-MERCIER^Elodie", "Mme Mercier"),
    ],
)
def test_a_name_goes_however_it_is_spelled(name: str, written: str) -> None:
    assert _hunter(name).clean(f"T2 {written} / SAG", patterns=True).replace("/", " ").split() == [
        "T2",
        "SAG",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DROIT^Marie", "SEIN DROIT"),
        ("SEIN^Marie", "SEIN DROIT"),
        ("DROIT^Marie", "GENOU DROIT PROFIL"),
        ("AXIAL^Anne", "T2 AXIAL 3MM"),
        ("THORAX^Anne", "SCANNER THORAX"),
        ("COEUR^Anne", "IRM CŒUR"),
        ("PETIT^Jean", "IRM PETIT BASSIN"),
        ("BLACK^John", "T2 BLACK BLOOD"),
        ("LONG^Marc", "CINE LONG AXE"),
        ("LY^An", "POLYANGLE"),
        ("LY^An", "LY"),
        ("T2^Anne", "T2 TSE"),
        ("FLAIR^Lea", "FLAIR FS"),
        ("THORA^Lea", "THORAX"),
        ("MAMMOG^Lea", "MAMMOGRAPHIE"),
        ("DUPONT^Thomas", "T2 TSE"),
    ],
)
def test_a_word_of_the_vocabulary_stays_whoever_bears_it(name: str, text: str) -> None:
    assert _hunter(name).clean(text, patterns=True) == text


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("DROIT^Marie", "SEIN Marie DROIT", "SEIN"),
        ("DROIT^Marie", "IRM SEIN DROIT DE Mme DROIT", "IRM SEIN DROIT DE"),
        ("DROIT^Marie", "DROIT", ""),
        ("DROIT^Emile", "IRM E. DROIT", "IRM"),
        ("AXIAL^Anne", "T2 AXIAL ANNE", "T2"),
        ("PETIT^Jean", "IRM PETIT", "IRM"),
        ("PETIT^Jean", "petit jean PETIT BASSIN", "PETIT BASSIN"),
        ("BLANC^Luc", "SEIN BLANC", "SEIN"),
        ("MARTIN^Luc", "CT MARTIN", "CT"),
        ("LEGRAND^Luc", "LEGRAND AXE", "AXE"),
        ("ROUX^Luc", "DR ROUX THORAX", "THORAX"),
    ],
)
def test_it_goes_where_the_context_makes_it_a_name(name: str, text: str, left: str) -> None:
    assert _hunter(name).clean(text, patterns=True) == left


def test_a_department_of_plain_words_costs_no_description() -> None:
    places = frozenset({"IRM 3T PROSTATE", "RADIOLOGIE 2", "CHU", "Pellegrin"})
    hunter = Hunter(
        Identity(institutions=places, ids=frozenset({"ABDOMEN", "HEAD"})), institutions=True
    )
    assert hunter.clean("IRM 3T PROSTATE RADIOLOGIE 2") == "IRM 3T PROSTATE RADIOLOGIE 2"
    assert hunter.clean("SCANNER ABDOMEN HEAD") == "SCANNER ABDOMEN HEAD"
    assert hunter.clean("CHU Pellegrin") == "CHU"


def test_an_acronym_of_an_institution_goes_joined_or_apart() -> None:
    hunter = Hunter(Identity(institutions=frozenset({"AP-HP"})), institutions=True)
    assert hunter.clean("IRM APHP T2") == hunter.clean("IRM AP HP T2") == "IRM T2"


def test_underscores_around_a_name_close_up() -> None:
    assert _hunter("LEFEVRE^Elodie").clean("T2_LEFEVRE_AX") == "T2_AX"


@pytest.mark.parametrize("text", ["menisque interne droit", "3 mm droit", "30 ms droit"])
def test_a_unit_is_no_title(text: str) -> None:
    assert _hunter("DROIT^Marie").clean(text, patterns=True) == text


def test_two_halves_that_a_cut_brings_together_go_too() -> None:
    hunter = Hunter(Identity(names=frozenset({"LY^An", "LEFEVRE^Zoe"})), institutions=True)
    assert hunter.clean("AX LY LEFEVRE AN T2") == "AX T2"


def test_a_number_goes_with_blanks_inside_and_without_its_zeros() -> None:
    hunter = Hunter(Identity(ids=frozenset({"0008001234567"})), institutions=True)
    assert hunter.clean("AX 800 123 4567 T2").split() == ["AX", "T2"]
    assert hunter.clean("AX 8001234567 T2").split() == ["AX", "T2"]
    assert hunter.clean("TR 4500 TE 90 b 50 400 800") == "TR 4500 TE 90 b 50 400 800"


def test_a_date_counted_in_seconds_since_1970_goes() -> None:
    hunter = Hunter(Identity(dates=frozenset({"20180405"})), institutions=True)
    assert hunter.clean("IMG 1522923072 AX").split() == ["IMG", "AX"]  # 2018-04-05 10:11:12 UTC
    assert hunter.clean("IMG 1522923072000 AX").split() == ["IMG", "AX"]
    assert hunter.clean("IMG 1422923072 AX") == "IMG 1422923072 AX"


def test_ten_times_the_text_takes_ten_times_as_long_and_not_a_hundred() -> None:
    hunter = _hunter(*(f"NAME{chr(97 + i)}X DE LA TOURELLE^Jean^Marie" for i in range(20)))
    prose = "le patient présente une lésion du lobe droit de 12 mm sans extension. "

    def seconds(size: int) -> float:
        started = time.process_time()
        for text in (
            prose * 50 * size,
            "1" * 3000 * size,
            "a1" * 1000 * size + "@",
            "M. " * 500 * size,
        ):
            hunter.clean(text, patterns=True)
        return time.process_time() - started

    seconds(4)  # warm
    assert seconds(40) < 30 * seconds(4)
