"""French identifiers, told by their check digits."""

from __future__ import annotations

import pytest

from pipelines.audit.french import identifiers, luhn, nir_key


def test_the_key_of_a_nir_is_97_less_the_remainder() -> None:
    """2 55 08 14 168 025 has key 38, the specimen of the health insurance card."""
    assert nir_key("2 55 08 14 168 025") == 38


@pytest.mark.parametrize(("letters", "digits"), [("2A", "19"), ("2B", "18")])
def test_corsica_counts_as_19_and_18(letters: str, digits: str) -> None:
    assert nir_key(f"25508{letters}168025") == nir_key(f"25508{digits}168025")


def test_luhn_is_that_of_the_standard() -> None:
    """79927398713 is the worked example of ISO/IEC 7812-1 in its textbooks."""
    assert luhn("79927398713")
    assert not luhn("79927398714")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NIR 2 55 08 14 168 025 38", "NIR"),
        ("255081416802538", "NIR"),
        ("écrire à jean.dupont@chu-exemple.fr", "mail address"),
        ("tél. 05 56 12 34 56", "telephone number"),
        ("+33 5 56 12 34 56", "telephone number"),
        ("FINESS : 330781196", "FINESS"),
    ],
)
def test_an_identifier_is_told_by_its_kind(text: str, kind: str) -> None:
    assert list(identifiers(text)) == [kind]


@pytest.mark.parametrize(
    "text", ["255081416802539", "1.2.840.10008.1.2.1", "0.0123456789", "T2 TSE AX 3 mm", "12345678"]
)
def test_what_is_no_identifier_is_left_alone(text: str) -> None:
    assert list(identifiers(text)) == []
