"""The vault: two holders open it, one does not; what was changed is found; nothing lies open."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from config.errors import ConfigurationError, RejectedError
from config.settings import load_settings
from pipelines.catalogue.database import open_identified
from pipelines.catalogue.identified import VaultAccess, VaultRecord
from pipelines.store import IdentifiedStore
from pipelines.vault.keyfiles import make_pair, read_private, read_public
from pipelines.vault.ring import make_ring, open_ring, ring_from_json, ring_to_json
from pipelines.vault.seal import open_sealed, public_bytes, seal
from pipelines.vault.vault import Record, Vault

HOLDERS = {name: bytes([number]) * 32 for number, name in enumerate(("ada", "bob", "eve"), 1)}
PUBLIC = {name: public_bytes(private) for name, private in HOLDERS.items()}
PARTY = b"t" * 32
RECORD = Record("p", "S-0123456789", "chu-a", "IPP-A", "PLANTED-8001", {"ins": "PLANTED-NIR"})


def holders(*names: str) -> dict[str, bytes]:
    return {name: HOLDERS[name] for name in names}


@dataclass
class Zone:
    vault: Vault
    root: Path


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Zone]:
    settings = load_settings(tmp_path, {})
    IdentifiedStore(settings).prepare()
    ledger = open_identified(settings)
    vault = Vault(settings, ledger)
    vault.init(PUBLIC)
    vault.fill([RECORD])
    yield Zone(vault, settings.identified_root)
    ledger.close()


def entries(vault: Vault) -> list[tuple[str, str, str]]:
    with vault.ledger.session() as session:
        found = session.scalars(select(VaultAccess).order_by(VaultAccess.number))
        return [(e.action, e.holders, e.target) for e in found]


@given(st.binary(max_size=200), st.binary(min_size=32, max_size=32))
def test_only_the_receiver_opens_a_box(message: bytes, private: bytes) -> None:
    box = seal(public_bytes(private), message, b"p", b"pepper")
    assert open_sealed(private, box, b"p", b"pepper") == message
    for key, purpose, pepper in (
        (b"x" * 32, b"p", b"pepper"),
        (private, b"q", b"pepper"),
        (private, b"p", b""),
    ):
        with pytest.raises(RejectedError, match="VAULT_SEAL_BROKEN"):
            open_sealed(key, box, purpose, pepper)


@given(st.data())
def test_a_box_with_one_bit_changed_does_not_open(data: st.DataObject) -> None:
    box = bytearray(seal(public_bytes(PARTY), b"message", b"p"))
    box[data.draw(st.integers(0, len(box) - 1))] ^= 1 << data.draw(st.integers(0, 6))
    with pytest.raises(RejectedError, match="VAULT_SEAL_BROKEN"):
        open_sealed(PARTY, bytes(box), b"p")


@pytest.mark.parametrize("pair", [*combinations(HOLDERS, 2)])
def test_any_two_holders_open_the_ring(pair: tuple[str, str]) -> None:
    ring, private = make_ring(PUBLIC)
    assert open_ring(ring_from_json(ring_to_json(ring)), holders(*pair)) == private


@pytest.mark.parametrize(
    "given_keys",
    [
        {},
        holders("ada"),
        holders("ada", "bob", "eve"),
        {"ada": HOLDERS["ada"], "bob": HOLDERS["ada"]},
        {"ada": HOLDERS["ada"], "mallory": b"m" * 32},
    ],
)
def test_one_person_does_not_open_the_ring(given_keys: dict[str, bytes]) -> None:
    ring, _ = make_ring(PUBLIC)
    with pytest.raises(ConfigurationError, match="VAULT_TWO_HOLDERS"):
        open_ring(ring, given_keys)


def test_one_share_says_nothing_of_the_key() -> None:
    ring, private = make_ring(PUBLIC)
    shares = [
        open_sealed(HOLDERS["ada"], box, b"share")
        for pair, boxes in ring.shares.items()
        for name, box in zip(pair, boxes, strict=True)
        if name == "ada"
    ]
    combined = {bytes(a ^ b for a, b in zip(x, y, strict=True)) for x in shares for y in shares}
    assert len(shares) == 2
    assert private not in {*shares, *combined}


@pytest.mark.parametrize("registered", [{}, {"ada": PUBLIC["ada"]}, dict.fromkeys("ab", b"k" * 32)])
def test_a_vault_is_not_made_for_one_person(registered: dict[str, bytes]) -> None:
    with pytest.raises(ConfigurationError, match="VAULT_TWO_HOLDERS"):
        make_ring(registered)


def test_two_holders_find_the_patient_and_both_are_in_the_log(zone: Zone) -> None:
    assert zone.vault.lookup(RECORD.subject, holders("ada", "eve")) == [RECORD]
    assert entries(zone.vault)[-1] == ("lookup", "ada, eve", RECORD.subject)


def test_a_refused_lookup_is_in_the_log_too(zone: Zone) -> None:
    with pytest.raises(ConfigurationError, match="VAULT_TWO_HOLDERS"):
        zone.vault.lookup(RECORD.subject, holders("bob"))
    assert entries(zone.vault)[-1] == ("lookup refused", "bob", RECORD.subject)
    assert zone.vault.verify()[0] == 3


def test_an_unknown_subject_is_said_and_logged(zone: Zone) -> None:
    with pytest.raises(RejectedError, match="VAULT_UNKNOWN_SUBJECT"):
        zone.vault.lookup("S-ZZZZZZZZZZ", holders("ada", "bob"))
    assert entries(zone.vault)[-1][0] == "lookup"


def test_no_identity_lies_open_in_the_zone(zone: Zone) -> None:
    zone.vault.lookup(RECORD.subject, holders("ada", "bob"))
    files = [p.read_bytes() for p in zone.root.rglob("*") if p.is_file()]
    assert len(files) >= 3
    assert sum(word in data for word in (b"PLANTED", b"IPP-A") for data in files) == 0


def test_filling_twice_keeps_one_record(zone: Zone) -> None:
    assert zone.vault.missing([RECORD]) == []
    zone.vault.fill([RECORD])
    with zone.vault.ledger.session() as session:
        assert len(session.scalars(select(VaultRecord.record_id)).all()) == 1


def test_after_a_rotation_new_keys_open_and_former_ones_do_not(zone: Zone) -> None:
    with zone.vault.ledger.session() as session:
        before = session.scalars(select(VaultRecord.sealed)).one()
    keys = {p.name: p.read_bytes() for p in (zone.root / "secrets").glob("vault-*")}
    register = {name: PUBLIC[name] for name in ("ada", "bob")}
    assert zone.vault.rotate(holders("bob", "eve"), register) == 1
    with zone.vault.ledger.session() as session:
        assert session.scalars(select(VaultRecord.sealed)).one() != before
    now = {p.name: p.read_bytes() for p in (zone.root / "secrets").glob("vault-*")}
    assert (list(keys), list(now)) == (["vault-1.key"], ["vault-2.key"])
    assert keys["vault-1.key"] != now["vault-2.key"]
    assert zone.vault.lookup(RECORD.subject, holders("ada", "bob")) == [RECORD]
    with pytest.raises(ConfigurationError, match="VAULT_TWO_HOLDERS"):
        zone.vault.lookup(RECORD.subject, holders("ada", "eve"))


def test_without_the_at_rest_key_two_holders_open_nothing(zone: Zone) -> None:
    (zone.root / "secrets" / "vault-1.key").write_bytes(b"o" * 32)
    with pytest.raises(RejectedError, match="VAULT_SEAL_BROKEN"):
        zone.vault.lookup(RECORD.subject, holders("ada", "bob"))
    (zone.root / "secrets" / "vault-1.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="SECRET_READABLE"):
        zone.vault.lookup(RECORD.subject, holders("ada", "bob"))


def test_the_correspondence_opens_for_the_third_party_alone(zone: Zone) -> None:
    sealed = zone.vault.export("p", public_bytes(PARTY), holders("ada", "bob"))
    assert b"PLANTED" not in sealed
    opened = json.loads(open_sealed(PARTY, sealed, b"correspondence"))
    assert [r["patient_id"] for r in opened["records"]] == [RECORD.patient_id]
    for private in HOLDERS.values():
        with pytest.raises(RejectedError, match="VAULT_SEAL_BROKEN"):
            open_sealed(private, sealed, b"correspondence")


@pytest.mark.parametrize("column", ["at", "action", "holders", "target", "former", "digest"])
def test_a_changed_entry_breaks_the_chain(zone: Zone, column: str) -> None:
    with zone.vault.ledger.session() as session:
        session.execute(text(f"UPDATE vault_access SET {column} = 'x' WHERE number = 1"))
    with pytest.raises(RejectedError, match="VAULT_CHAIN_BROKEN: entry 1"):
        zone.vault.verify()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_removed_entry_breaks_the_chain_also_the_last(zone: Zone, number: int) -> None:
    zone.vault.lookup(RECORD.subject, holders("ada", "bob"))
    assert zone.vault.verify()[0] == 3
    with zone.vault.ledger.session() as session:
        session.execute(delete(VaultAccess).where(VaultAccess.number == number))
    with pytest.raises(RejectedError, match="VAULT_CHAIN_BROKEN"):
        zone.vault.verify()


def test_a_vault_is_made_once_and_one_that_is_missing_says_so(zone: Zone, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="VAULT_EXISTS"):
        zone.vault.init(PUBLIC)
    settings = load_settings(tmp_path / "other", {})
    ledger = open_identified(settings)
    with pytest.raises(ConfigurationError, match="VAULT_MISSING"):
        Vault(settings, ledger).lookup("S-1", holders("ada", "bob"))
    ledger.close()


def test_a_key_file_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    private, public = tmp_path / "a.pem", tmp_path / "a.pub"
    make_pair(private, public, "correct horse")
    assert public_bytes(read_private(private, "correct horse")) == read_public(public)
    assert private.stat().st_mode & 0o777 == 0o600
    for path, phrase in ((private, "wrong"), (private, "")):
        with pytest.raises(ConfigurationError, match="VAULT_KEY_WRONG"):
            read_private(path, phrase)
    with pytest.raises(ConfigurationError, match="VAULT_KEY_WRONG"):
        make_pair(private, public, "another")
    with pytest.raises(ConfigurationError, match="VAULT_KEY_WRONG"):
        read_public(private)
