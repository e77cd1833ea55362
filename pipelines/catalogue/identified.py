"""The identified zone's tables: the ledger of what was asked, expected and received."""

from __future__ import annotations

from sqlalchemy import BigInteger, Double, ForeignKey, Index, LargeBinary
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pipelines.catalogue.stage_run import StageRunColumns

__all__ = [
    "AskedRow",
    "AskedStudy",
    "Base",
    "ExpectedInstance",
    "PacsEvent",
    "PacsHealth",
    "PacsLease",
    "PatientToken",
    "ReceivedObject",
    "ReleasedObject",
    "RequestRow",
    "SetAsideObject",
    "StageRun",
    "StudyPlan",
    "VaultAccess",
    "VaultRecord",
    "VaultRing",
]


class Base(DeclarativeBase):
    """Metadata of the identified zone's catalogue."""


class RequestRow(Base):
    """One asked study: never lost, ends in a named outcome."""

    __tablename__ = "request_row"

    row_id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(index=True)
    site: Mapped[str]
    study_uid: Mapped[str]
    patient_id: Mapped[str]
    issuer: Mapped[str]
    accession_number: Mapped[str]
    study_date: Mapped[str]
    outcome: Mapped[str]
    code: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")
    expected: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    subject: Mapped[str | None]
    research_study_uid: Mapped[str | None]
    deid_key: Mapped[str | None]


class ExpectedInstance(Base):
    """One instance a PACS says it has (image-level C-FIND)."""

    __tablename__ = "expected_instance"

    row_id: Mapped[str] = mapped_column(ForeignKey("request_row.row_id"), primary_key=True)
    sop_uid: Mapped[str] = mapped_column(primary_key=True)
    series_uid: Mapped[str]
    sop_class_uid: Mapped[str]


class ReceivedObject(Base):
    """One object as received. The same SOP UID with other bytes is a conflict: both are kept."""

    __tablename__ = "received_object"
    __table_args__ = (Index("received_by_study", "site", "study_uid"),)

    site: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    sop_uid: Mapped[str] = mapped_column(index=True)
    series_uid: Mapped[str]
    study_uid: Mapped[str]
    transfer_syntax_uid: Mapped[str]
    path: Mapped[str]
    size: Mapped[int]
    conflict: Mapped[bool] = mapped_column(default=False)


class ReleasedObject(Base):
    """What de-identification made of one received object: a digest, or a code."""

    __tablename__ = "released_object"

    row_id: Mapped[str] = mapped_column(ForeignKey("request_row.row_id"), primary_key=True)
    source_sha256: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str | None]
    path: Mapped[str | None]
    size: Mapped[int] = mapped_column(default=0)
    code: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")
    pixels: Mapped[str] = mapped_column(default="", server_default="")
    """What was decided of its pixels and done to them, as JSON without anything that was read."""


class PatientToken(Base):
    """The token a patient was first given under one setting of linkage: it stays."""

    __tablename__ = "patient_token"

    site: Mapped[str] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(primary_key=True)
    setting: Mapped[str] = mapped_column(primary_key=True)
    basis: Mapped[str]
    token: Mapped[bytes] = mapped_column(LargeBinary)


class VaultRing(Base):
    """The vault's public key, its holders and the shares of its private key, as JSON."""

    __tablename__ = "vault_ring"

    generation: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[str]


class VaultRecord(Base):
    """Who a subject is, sealed: the identified zone's own programs cannot read it either."""

    __tablename__ = "vault_record"

    record_id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(index=True)
    subject: Mapped[str] = mapped_column(index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class VaultAccess(Base):
    """One access to the vault; holds the digest of the entry before."""

    __tablename__ = "vault_access"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str]
    action: Mapped[str]
    holders: Mapped[str]
    target: Mapped[str]
    former: Mapped[str]
    digest: Mapped[str]


class StageRun(StageRunColumns, Base):
    """How long a stage took in this zone."""


class AskedRow(Base):
    """One line of a list that was handed in: never lost, ends in a named outcome."""

    __tablename__ = "asked_row"
    __table_args__ = (Index("asked_by_state", "project", "site", "state", "line"),)

    project: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    given: Mapped[str]
    """What the line says, before any accepted repair."""
    accession_number: Mapped[str]
    patient_id: Mapped[str]
    study_date: Mapped[str]
    shown: Mapped[str]
    """The number with the leading zeros the sheet's format shows; empty when it shows none."""
    state: Mapped[str]
    code: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")
    proposal: Mapped[str] = mapped_column(default="")
    accepted_by: Mapped[str] = mapped_column(default="")


class AskedStudy(Base):
    """A study that a line of a list led to."""

    __tablename__ = "asked_study"

    project: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(primary_key=True)
    list_id: Mapped[str] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class StudyPlan(Base):
    """What a PACS says of a study before any image moves: its size, age and whether it is there."""

    __tablename__ = "study_plan"

    row_id: Mapped[str] = mapped_column(ForeignKey("request_row.row_id"), primary_key=True)
    modality: Mapped[str]
    instances: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    """Estimated from the images' dimensions; 0 while the study has not been listed."""
    availability: Mapped[str]
    listed_at: Mapped[float | None] = mapped_column(Double)
    look_again_at: Mapped[float | None] = mapped_column(Double)
    """When a study that was fresh is listed once more (seconds since 1970)."""


class PacsLease(Base):
    """One association of a PACS in use, by whichever host; free again when it expires."""

    __tablename__ = "pacs_lease"

    site: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    holder: Mapped[str]
    until: Mapped[float] = mapped_column(Double)


class PacsEvent(Base):
    """What was asked and taken of a PACS, and when; holds nothing of a patient."""

    __tablename__ = "pacs_event"
    __table_args__ = (Index("event_by_site", "site", "at"),)

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    site: Mapped[str]
    at: Mapped[float] = mapped_column(Double)
    kind: Mapped[str]
    project: Mapped[str]
    studies: Mapped[int] = mapped_column(default=0)
    instances: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    """Received; while the request runs, and if it was killed, what was reserved for it."""
    seconds: Mapped[float] = mapped_column(Double, default=0.0)
    code: Mapped[str | None]


class PacsHealth(Base):
    """How a PACS has been answering: failures in a row, the usual response time, our pause."""

    __tablename__ = "pacs_health"

    site: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    open_until: Mapped[float] = mapped_column(Double, default=0.0)
    code: Mapped[str | None]
    pace: Mapped[str] = mapped_column(default="{}")


class SetAsideObject(Base):
    """An object that no expectation explains: kept as it came, never processed."""

    __tablename__ = "set_aside_object"

    site: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    sop_uid: Mapped[str]
    study_uid: Mapped[str]
    asked_study_uid: Mapped[str] = mapped_column(index=True)
    code: Mapped[str]
    path: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[float] = mapped_column(Double)
