"""Two spellings of one person agree, different people differ, and nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from deid.linkage import agreed, basis_of, linkage_token
from deid.traits import Traits, fold_name, name_key, read_traits

SECRET = b"l" * 32
NIR = "2840375123456"  # a woman, March 1984, Paris
NIR_WITH_KEY = NIR + f"{97 - int(NIR) % 97:02}"
CORSICAN = "184032A123456"
CORSICAN_WITH_KEY = CORSICAN + f"{97 - int('1840319123456') % 97:02}"  # 2A counts as 19

WORDS = st.text(st.sampled_from("abcdefghijklmnoprstuvz"), min_size=3, max_size=9)
ACCENTED = str.maketrans("aeiouc", "àéîôüç")


def header(name: str = "MARTIN^Anne", **changed: str) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientBirthName, ds.PatientName = name, name
    ds.PatientBirthDate, ds.PatientSex = "19840312", "F"
    for keyword, value in changed.items():
        setattr(ds, keyword, value)
    return ds


def traits(ds: Dataset, birth_name: str = "PatientBirthName", ins: str | None = None) -> Traits:
    return read_traits(ds, birth_name, ins)


def token(ds: Dataset, mode: str = "strict", ins: str | None = None) -> bytes | None:
    return linkage_token(SECRET, traits(ds, ins=ins), mode)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("A B", "a-b"),
        ("D'ESTAING", "d estaing"),
        ("DE LA TOUR", "Delatour"),
        ("LEFÈVRE", "Lefevre"),
        ("LECŒUR", "LECOEUR"),
        ("ST-MARTIN", "Saint Martin"),
        ("Ángel\u200b", "A\u0301NGEL"),
    ],
)
def test_two_spellings_of_a_name_agree(one: str, two: str) -> None:
    assert fold_name(one) == fold_name(two)


@pytest.mark.parametrize("name", ["Martin^Anne^", "MARTIN^ANNE^^^", "anne^martin", "MARTIN^Änne"])
def test_trailing_and_swapped_components_are_the_same_person(name: str) -> None:
    assert token(header(name)) == token(header()) is not None


@given(family=WORDS, given=WORDS)
def test_case_accents_hyphens_and_order_make_no_other_person(family: str, given: str) -> None:
    expected = name_key(family, given)
    assert name_key(family.upper(), given.capitalize()) == expected
    assert name_key(family.translate(ACCENTED), given.translate(ACCENTED)) == expected
    assert name_key("-".join((family[:2], family[2:])), given) == expected
    assert name_key(given, family) == expected


@given(one=st.tuples(WORDS, WORDS), two=st.tuples(WORDS, WORDS))
def test_different_names_are_different_people(one: tuple[str, str], two: tuple[str, str]) -> None:
    assume(sorted(map(fold_name, one)) != sorted(map(fold_name, two)))
    keys = name_key(*one), name_key(*two)
    assume(all(keys))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    "changed",
    [
        {"PatientBirthDate": "19840313"},
        {"PatientSex": "M"},
        {"PatientBirthName": "MARTIN^Annie"},
        {"PatientBirthName": "MARTINE^Anne"},
    ],
)
def test_one_trait_that_differs_is_another_person(changed: dict[str, str]) -> None:
    assert token(header(**changed)) not in {None, token(header())}


@pytest.mark.parametrize(
    "changed",
    [
        {"PatientBirthDate": ""},
        {"PatientBirthDate": "19000101"},
        {"PatientBirthDate": "18000101"},
        {"PatientBirthDate": "19840231"},
        {"PatientSex": "O"},
        {"PatientSex": ""},
        {"PatientBirthName": ""},
        {"PatientBirthName": "MARTIN", "PatientName": "MARTIN"},
        {"PatientBirthName": "INCONNU^Anne"},
        {"PatientBirthName": "MARTIN^X"},
        {"PatientBirthName": "MARTIN^12345"},
    ],
)
def test_without_every_plausible_trait_there_is_no_token(changed: dict[str, str]) -> None:
    assert token(header(**changed)) is None


def test_the_name_in_use_is_no_birth_name_unless_the_site_says_so() -> None:
    ds = header()
    del ds.PatientBirthName
    assert traits(ds).names == ""
    assert traits(ds, "PatientName").names == traits(header()).names != ""


@pytest.mark.parametrize("mode", ["none"])
def test_a_site_that_links_by_nothing_has_no_token(mode: str) -> None:
    assert token(header(), mode) is None


@pytest.mark.parametrize("written", [NIR_WITH_KEY, "2 84 03 75 123 456 " + NIR_WITH_KEY[13:]])
def test_an_ins_is_the_person_whatever_the_name(written: str) -> None:
    one = header(OtherPatientIDs=written)
    two = header("DURAND^Anne", OtherPatientIDs=NIR_WITH_KEY)
    assert token(one, "ins", "OtherPatientIDs") == token(two, "ins", "OtherPatientIDs") is not None
    assert token(one, "ins", "OtherPatientIDs") != token(one)


def test_a_corsican_ins_is_checked_with_19_for_2a() -> None:
    ds = header(OtherPatientIDs=CORSICAN_WITH_KEY, PatientSex="M")
    assert traits(ds, ins="OtherPatientIDs").ins == CORSICAN


@given(st.integers(1, 96))
def test_an_ins_with_a_wrong_key_counts_as_none(off: int) -> None:
    key = (int(NIR_WITH_KEY[13:]) + off - 1) % 97 + 1
    ds = header(OtherPatientIDs=f"{NIR}{key:02}")
    assert traits(ds, ins="OtherPatientIDs").ins == ""
    assert token(ds, "ins", "OtherPatientIDs") == token(ds)


@pytest.mark.parametrize(
    "changed", [{"PatientSex": "M"}, {"PatientBirthDate": "20150312"}, {"OtherPatientIDs": "x"}]
)
def test_the_number_of_an_insured_parent_is_not_the_childs(changed: dict[str, str]) -> None:
    ds = header(**{"OtherPatientIDs": NIR_WITH_KEY, **changed})
    assert traits(ds, ins="OtherPatientIDs").ins == ""


@pytest.mark.parametrize(
    ("oid", "found"), [("1.2.250.1.213.1.4.8", NIR), ("1.2.250.1.999", ""), ("", "")]
)
def test_in_a_sequence_only_the_issuer_of_the_ins_counts(oid: str, found: str) -> None:
    issuer, other = Dataset(), Dataset()
    issuer.UniversalEntityID, issuer.UniversalEntityIDType = oid, "ISO"
    other.PatientID, other.IssuerOfPatientIDQualifiersSequence = NIR_WITH_KEY, [issuer]
    ds = header()
    ds.OtherPatientIDsSequence = [other]
    assert traits(ds, ins="OtherPatientIDsSequence").ins == found


def test_objects_that_dispute_a_trait_link_nobody() -> None:
    one, silent = traits(header()), traits(header(PatientBirthDate=""))
    assert agreed([one, silent]) == one
    disputed = agreed([one, traits(header(PatientBirthDate="19840313"))])
    assert basis_of(disputed, "ins") == "none"
    assert agreed([]) == Traits()


def test_another_secret_gives_another_token() -> None:
    one = linkage_token(b"a" * 32, traits(header()), "strict")
    assert one != linkage_token(b"b" * 32, traits(header()), "strict")


def test_traits_do_not_show_themselves() -> None:
    text = repr(traits(header(OtherPatientIDs=NIR_WITH_KEY), ins="OtherPatientIDs"))
    assert sum(word in text for word in ("martin", "anne", "1984", NIR)) == 0
