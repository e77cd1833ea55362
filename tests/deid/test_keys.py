"""Keys, subjects, UIDs and shifts: equal where they must be, unlinked where they must be."""

from __future__ import annotations

import uuid

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID

from deid.keys import Keys, derive_keys, keyed_text, new_uid, shift_days, site_token, subject_of

CROCKFORD = set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


@pytest.mark.parametrize("purpose", ["subject", "uid", "date", "frame_of_reference"])
def test_keys_are_hkdf_sha256_as_another_implementation_computes_it(purpose: str) -> None:
    info = f"accordage/1/prostate/{purpose}".encode()
    referee = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(b"secret")
    assert getattr(derive_keys(b"secret", "prostate"), purpose) == referee


def test_two_projects_have_no_key_in_common() -> None:
    one, two = derive_keys(b"secret", "one"), derive_keys(b"secret", "two")
    values = [getattr(k, f) for k in (one, two) for f in ("subject", "uid", "date")]
    assert len(set(values)) == 6


def test_keys_do_not_show_themselves() -> None:
    assert "secret" not in repr(Keys(b"secret", b"secret", b"secret", b"secret"))


def test_equal_numbers_of_two_issuers_stay_two_people() -> None:
    assert site_token(b"k", "A", "12") != site_token(b"k", "A1", "2")
    assert site_token(b"k", "A", "12") == site_token(b"k", "A", "12 ")


@given(st.binary(min_size=32, max_size=32))
def test_a_subject_is_ten_characters_of_crockford(token: bytes) -> None:
    subject = subject_of(derive_keys(b"s", "p"), token)
    assert subject[:2] == "S-"
    assert len(subject) == 12
    assert set(subject[2:]) <= CROCKFORD


@given(st.binary(min_size=32, max_size=32))
def test_a_shift_is_one_to_3650_days(token: bytes) -> None:
    keys = derive_keys(b"s", "p")
    assert 1 <= shift_days(keys, token) <= 3650
    assert shift_days(keys, token) == shift_days(keys, token)


@given(st.from_regex(r"1\.2\.[1-9][0-9]{0,20}", fullmatch=True))
def test_a_new_uid_is_valid_and_a_version_8_uuid(uid: str) -> None:
    made = new_uid(b"k" * 32, uid)
    assert UID(made).is_valid
    as_uuid = uuid.UUID(int=int(made.removeprefix("2.25.")))
    assert as_uuid.version == 8  # RFC 9562 5.8
    assert as_uuid.variant == uuid.RFC_4122


@given(st.sets(st.from_regex(r"1\.2\.[1-9][0-9]{0,12}", fullmatch=True), min_size=2, max_size=20))
def test_different_uids_stay_different_and_keys_do_not_agree(uids: set[str]) -> None:
    one = {new_uid(b"a" * 32, uid) for uid in uids}
    assert len(one) == len(uids)
    assert one.isdisjoint({new_uid(b"b" * 32, uid) for uid in uids})


def test_a_keyed_identifier_depends_on_attribute_and_value() -> None:
    keys = derive_keys(b"s", "p")
    made = {
        keyed_text(keys, k, v) for k in ("ContainerIdentifier", "SpecimenIdentifier") for v in "ab"
    }
    assert len(made) == 4
