"""French numbers, addresses, dates and titles, told by their check digits and their words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.fold import fold
from deid.french import is_finess, is_nir, is_rpps, luhn, nir_key
from deid.hunt import Hunter
from deid.identity import Identity
from deid.patterns import findings

NOBODY = Hunter(Identity(), institutions=True)


def _kinds(text: str) -> set[str]:
    return {kind for kind, _, _ in findings(text, fold(text))}


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("2951099126111", 93),  # the example of python-stdnum's documentation
        ("1891275125012", 82),  # mathweb.fr, 13 June 2022
        ("1000175101001", 51),  # edeniau.org, clefs de controle
        ("2690519004123", 97 - 2690519004123 % 97),
    ],
)
def test_the_key_of_a_nir_is_97_less_its_remainder(body: str, key: int) -> None:
    assert nir_key(body) == key
    assert is_nir(f"{body}{key:02d}")
    assert not is_nir(f"{body}{key % 97 + 1:02d}")


def test_corsica_counts_as_19_and_18() -> None:
    assert nir_key("269052A004123") == 97 - 2690519004123 % 97
    assert nir_key("269052B004123") == 97 - 2690518004123 % 97
    assert is_nir(f"269052A004123{97 - 2690519004123 % 97:02d}")


@pytest.mark.parametrize("sex", "123478")
def test_born_abroad_and_provisional_numbers_are_nirs(sex: str) -> None:
    body = f"{sex}850799123456"
    assert is_nir(f"{body}{97 - int(body) % 97:02d}")


def test_luhn_of_published_numbers() -> None:
    assert luhn("79927398713")  # the textbook example
    assert luhn("732829320")  # SIREN in the documentation of INSEE
    assert not luhn("79927398710")


@given(st.integers(min_value=10**8, max_value=10**9 - 1))
def test_one_wrong_digit_breaks_luhn(number: int) -> None:
    digits = [d for d in range(10) if luhn(f"{number}{d}")]
    assert len(digits) == 1
    assert is_rpps(f"1{number}"[:10] + "x") is False


def test_finess_has_nine_characters_and_luhns_key() -> None:
    assert is_finess("732829320")
    assert not is_finess("732829321")
    assert is_finess("2A0000014")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("2 95 10 99 126 111 93", "NIR"),
        ("295109912611193", "NIR"),
        ("2.95.10.99.126.111/93", "NIR"),
        ("2 95 10 99 126 111 94", "NIR, wrong key"),
        ("2 69 05 2A 004 123 55", "NIR, wrong key"),
        ("2A0000014", "FINESS or ADELI"),
        ("IPP 8001234", "introduced number"),
        ("IEP : 12 345 678", "introduced number"),
        ("RPPS 10003456789", "introduced number"),
        ("FINESS 330781196", "introduced number"),
        ("N° 123456", "introduced number"),
        ("dossier 2018-445", "introduced number"),
        ("05 56 12 34 56", "telephone"),
        ("05.56.12.34.56", "telephone"),
        ("+33 (0)5 56 12 34 56", "telephone"),
        ("0033556123456", "telephone"),
        ("(555) 123-4567", "telephone"),
        ("a.b-c@chu-bordeaux.fr", "e-mail"),
        ("https://pacs.chu.fr/x?id=4", "web address"),
        ("14 bis rue des Glycines", "address"),
        ("3, place du Marché", "address"),
        ("avenue du Général Leclerc", "address"),
        ("12 impasse de l'Église", "address"),
        ("BP 40217", "address"),
        ("33076 Bordeaux Cedex", "address"),
        ("20090 Ajaccio", "address"),
        ("F-67091 STRASBOURG", "address"),
        ("742 Evergreen Terrace", "address"),
        ("Springfield, IL 62704", "address"),
        ("12/03/1957", "date"),
        ("12.03.57", "date"),
        ("1957-03-12", "date"),
        ("12 mars 1957", "date"),
        ("12 mars 57", "date"),
        ("1er avril 2020", "date"),
        ("12-MAR-1957", "date"),
        ("15 févr. 2020", "date"),
        ("March 12, 1957", "date"),
        ("née le 12/03/57", "date"),
        ("né en mars 1957", "date"),
        ("DDN : 12.03.1957", "date"),
        ("12 août 1957", "date"),
        ("93 ans", "age over 89"),
        ("095Y", "age over 89"),
        ("Mme Petit", "title and name"),
        ("M. de la Fontaine", "title and name"),
        ("Dr J. Martin", "title and name"),
        ("Docteur Noir", "title and name"),
        ("Professeur Roux", "title and name"),
        ("Maître Durand", "title and name"),
        ("M Durand", "title and name"),
        ("née DUPRÉ", "title and name"),
        ("épouse Martin", "title and name"),
        ("jeudi 5 avril", "date"),
        ("Nom : Durand", "labelled name"),
        ("Opérateur: Kevin", "labelled name"),
    ],
)
def test_each_kind_is_named_and_cut(text: str, kind: str) -> None:
    assert kind in _kinds(text)
    left = NOBODY.clean(f"IRM {text} SAG", patterns=True)
    allowed = {"IRM", "SAG", "Nom", "Opérateur"}
    assert {word.strip(" :") for word in left.split()} - {""} <= allowed, left


@pytest.mark.parametrize(
    "text",
    [
        "TE 90 TR 4500", "b 50 400 800", "b 0 50 100 200 400 800", "10 100 400 800", "1.5T",
        "T2 TSE AX 3MM", "12/15", "DWI b=0,1000", "TR 10000 TE 120", "FOV 320 320", "20000 hz",
        "1.5.10", "3 cours de chimiotherapie", "phase 01 02 03", "ISOVUE300/100", "64 ans",
        "DR CHEST", "MR PROSTATE", "PR HANCHE", "DR SEIN DROIT", "PROF THORAX", "Mr Prostate",
        "PR INTERVAL", "T1 2018", "120kV 200mAs",
        "512 512 16", "slice 3 mm gap 0.5", "VENDREDI", "mai", "en place", "voie lombaire",
        "Thorax^TAP (Adult)", "ep2d_diff_tra_DYNDIST", "matrix 320x256", "1/2", "T2 FLAIR 5/1.5",
        "1 2 3 4 5 6", "W/O CONTRAST", "AC 3D 4.0", "PE=AP", "b1000 5x5x5",
    ],
)  # fmt: skip
def test_numbers_of_technique_stay(text: str) -> None:
    assert NOBODY.clean(text, patterns=True) == text
