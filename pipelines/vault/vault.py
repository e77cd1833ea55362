"""The vault: filled by anybody in the identified zone, opened by two holders, every access logged.

A record is sealed twice over: for the vault's public key, whose private half takes two holders, and
under the at-rest key, a file of mode 0600 that may lie on another disk than the catalogue.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError, RejectedError
from config.files import write_whole
from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import RequestRow, VaultRecord, VaultRing
from pipelines.store import read_secret
from pipelines.vault.chain import add_entry, keep_head, verify_chain
from pipelines.vault.ring import Ring, make_ring, open_ring, ring_from_json, ring_to_json
from pipelines.vault.seal import KEY_BYTES, open_sealed, seal

__all__ = ["Record", "Vault"]

Holders = Mapping[str, bytes]
"""Names and private keys of the two who open it."""


@dataclass(frozen=True)
class Record:
    """One patient of one project as one site knows them."""

    project: str
    subject: str
    """The site's pseudonym; the hub's subject is found by the row's number."""
    site: str
    issuer: str = field(repr=False)
    patient_id: str = field(repr=False)
    traits: dict[str, str] = field(default_factory=dict, repr=False, hash=False)


@dataclass(frozen=True)
class Vault:
    """The vault of one identified zone."""

    settings: Settings
    ledger: Catalogue

    @property
    def head(self) -> Path:
        """The file with the newest entry of the log."""
        return self.settings.identified_root / "vault" / "head.json"

    def exists(self) -> bool:
        """Tell whether the vault was made."""
        with self.ledger.session() as session:
            return session.scalars(select(VaultRing.generation)).first() is not None

    def init(self, holders: Mapping[str, bytes]) -> None:
        """Make an empty vault for holders (name -> public key).

        Raises
        ------
        ConfigurationError
            ``VAULT_EXISTS``, ``VAULT_TWO_HOLDERS``.
        """
        if self.exists():
            raise ConfigurationError("VAULT_EXISTS")
        ring, _ = make_ring(holders)
        self._new_key(1)
        with self.ledger.session() as session:
            session.add(VaultRing(generation=1, content=ring_to_json(ring)))
            self._log(session, "init", tuple(holders), f"{len(holders)} holders")

    def missing(self, wanted: Iterable[Record]) -> list[Record]:
        """Return the records that the vault does not have; without a vault, none."""
        if not self.exists():
            return []
        with self.ledger.session() as session:
            _, pepper = self._current(session)
            known = set(session.scalars(select(VaultRecord.record_id)))
        return [r for r in wanted if _record_id(pepper, r) not in known]

    def fill(self, records: Iterable[Record]) -> int:
        """Add records, or write them again; return how many. This needs no holder and reads none.

        Raises
        ------
        ConfigurationError
            ``VAULT_MISSING``, ``SECRET_MISSING`` or ``SECRET_READABLE``.
        """
        added = list(records)
        if not added:
            return 0
        with self.ledger.session() as session:
            ring, pepper = self._current(session)
            for record in added:
                session.merge(_closed(ring.public, pepper, record))
            self._log(session, "fill", (), f"{len(added)} records")
        return len(added)

    def lookup(self, name: str, holders: Holders) -> list[Record]:
        """Return who stands behind a pseudonym (S-...) or a row's number (R-...).

        The access is logged before anything is shown, also when nobody is found.

        Raises
        ------
        ConfigurationError
            ``VAULT_MISSING``, ``VAULT_TWO_HOLDERS``.
        RejectedError
            ``VAULT_UNKNOWN_SUBJECT``, ``VAULT_SEAL_BROKEN``.
        """
        with self.ledger.session() as session:
            ring, pepper = self._current(session)
            private = self._opened(session, ring, holders, "lookup", name)
        with self.ledger.session() as session:
            row = session.get(RequestRow, name)
            subject = row.subject if row is not None else name
            chosen = select(VaultRecord).where(VaultRecord.subject == subject)
            if row is not None:
                chosen = chosen.where(VaultRecord.project == row.project)
            found = session.scalars(chosen.order_by(VaultRecord.record_id)).all()
            records = [_opened_record(private, pepper, r.sealed) for r in found]
            if row is not None:
                who = (row.site, row.patient_id)
                records = [r for r in records if (r.site, r.patient_id) == who]
        if not records:
            raise RejectedError("VAULT_UNKNOWN_SUBJECT", name)
        return records

    def rotate(self, holders: Holders, register: Mapping[str, bytes] | None = None) -> int:
        """Change both keys, and the holders where ``register`` names them; return how many records.

        All records are closed again in one transaction; only then is the former key removed.

        Raises
        ------
        ConfigurationError
            ``VAULT_MISSING``, ``VAULT_TWO_HOLDERS``.
        """
        with self.ledger.session() as session:
            former = self._generation(session)
            ring, pepper = self._current(session)
            private = self._opened(session, ring, holders, "rotate", f"from key {former}")
        fresh, _ = make_ring(register or ring.holders)
        self._new_key(former + 1)
        with self.ledger.session() as session:
            if self._generation(session) != former:
                raise ConfigurationError("VAULT_MISSING", "rotated by somebody else meanwhile")
            sealed = session.scalars(select(VaultRecord.sealed)).all()
            records = [_opened_record(private, pepper, one) for one in sealed]
            session.execute(delete(VaultRecord))
            session.execute(delete(VaultRing))
            new_pepper = read_secret(self._key_path(former + 1))
            session.add_all(_closed(fresh.public, new_pepper, r) for r in records)
            session.add(VaultRing(generation=former + 1, content=ring_to_json(fresh)))
            self._log(session, "rotated", tuple(holders), f"{len(records)} records")
        self._key_path(former).unlink(missing_ok=True)
        return len(records)

    def export(self, project: str, receiver: bytes, holders: Holders) -> bytes:
        """Return the project's correspondence file, sealed for the trusted third party.

        Raises
        ------
        ConfigurationError
            ``VAULT_MISSING``, ``VAULT_TWO_HOLDERS``.
        """
        with self.ledger.session() as session:
            ring, pepper = self._current(session)
            private = self._opened(session, ring, holders, "export", project)
        with self.ledger.session() as session:
            chosen = select(VaultRecord.sealed).where(VaultRecord.project == project)
            records = [_opened_record(private, pepper, s) for s in session.scalars(chosen)]
        rows = sorted((asdict(r) for r in records), key=lambda r: json.dumps(r, sort_keys=True))
        text = json.dumps({"project": project, "records": rows}, ensure_ascii=False, indent=1)
        return seal(receiver, text.encode(), b"correspondence")

    def verify(self) -> tuple[int, str]:
        """Return the length and the last digest of the log of accesses.

        Raises
        ------
        RejectedError
            ``VAULT_CHAIN_BROKEN``.
        """
        return verify_chain(self.ledger, self.head)

    def _opened(
        self, session: Session, ring: Ring, holders: Holders, action: str, target: str
    ) -> bytes:
        """Return the private key and log the access, refused or not."""
        try:
            private = open_ring(ring, holders)
        except ConfigurationError:
            self._log(session, f"{action} refused", tuple(holders), target)
            session.commit()
            raise
        self._log(session, action, tuple(holders), target)
        return private

    def _log(self, session: Session, action: str, holders: tuple[str, ...], target: str) -> None:
        entry = add_entry(session, action, holders, target)
        number, digest = entry.number, entry.digest
        # After the entry is safe: a head ahead of its chain would look like a cut.
        event.listen(
            session, "after_commit", lambda _: keep_head(self.head, number, digest), once=True
        )

    def _generation(self, session: Session) -> int:
        found = session.scalars(select(VaultRing.generation)).first()
        if found is None:
            raise ConfigurationError("VAULT_MISSING")
        return found

    def _current(self, session: Session) -> tuple[Ring, bytes]:
        generation = self._generation(session)
        ring = ring_from_json(session.get_one(VaultRing, generation).content)
        return ring, read_secret(self._key_path(generation))

    def _key_path(self, generation: int) -> Path:
        default = self.settings.identified_root / "secrets"
        return (self.settings.vault_key_folder or default) / f"vault-{generation}.key"

    def _new_key(self, generation: int) -> None:
        write_whole(self._key_path(generation), secrets.token_bytes(KEY_BYTES), mode=0o600)


def _record_id(pepper: bytes, record: Record) -> str:
    who = (record.project, record.site, record.issuer, record.patient_id, record.subject)
    return hmac.new(pepper, json.dumps(who).encode(), "sha256").hexdigest()


def _closed(public: bytes, pepper: bytes, record: Record) -> VaultRecord:
    text = json.dumps(asdict(record), sort_keys=True).encode()
    return VaultRecord(
        record_id=_record_id(pepper, record),
        project=record.project,
        subject=record.subject,
        sealed=seal(public, text, b"record", pepper),
    )


def _opened_record(private: bytes, pepper: bytes, sealed: bytes) -> Record:
    return Record(**json.loads(open_sealed(private, sealed, b"record", pepper)))
