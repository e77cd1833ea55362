"""The research zone's tables: studies without identity, volumes, reading, releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pipelines.catalogue.stage_run import StageRunColumns

__all__ = [
    "Base",
    "ControlRead",
    "Decision",
    "Draft",
    "ExamView",
    "Pack",
    "Release",
    "RequestEntry",
    "RequestEvent",
    "ResearchObject",
    "SeriesResult",
    "SpoiltPair",
    "StageRun",
    "StudyRow",
    "Withdrawal",
]


class Base(DeclarativeBase):
    """Metadata of the research zone's catalogue."""


class StudyRow(Base):
    """One asked study as the hub knows it: every row of every request, delivered or not."""

    __tablename__ = "study_row"

    row_id: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(index=True)
    site: Mapped[str]
    subject: Mapped[str | None]
    study_uid: Mapped[str | None]
    outcome: Mapped[str]
    acquired_as: Mapped[str]
    code: Mapped[str | None]
    detail: Mapped[str] = mapped_column(default="")
    expected: Mapped[int] = mapped_column(default=0)
    received: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    bundle: Mapped[str | None]
    result_key: Mapped[str | None]


class ResearchObject(Base):
    """One de-identified object."""

    __tablename__ = "research_object"

    row_id: Mapped[str] = mapped_column(ForeignKey("study_row.row_id"), primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    series_uid: Mapped[str]
    sop_uid: Mapped[str]
    size: Mapped[int]


class SeriesResult(Base):
    """One output volume, or one refused series: a row of the manifest."""

    __tablename__ = "series_result"

    row_id: Mapped[str] = mapped_column(ForeignKey("study_row.row_id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(index=True)
    site: Mapped[str]
    volume_id: Mapped[str | None] = mapped_column(index=True)
    role: Mapped[str | None]
    verdict: Mapped[str]
    codes: Mapped[list[str]] = mapped_column(JSON)
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    folder: Mapped[str]


class Pack(Base):
    """One before/after pair to read; approvals bind to its digest."""

    __tablename__ = "pack"

    project: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    volume_id: Mapped[str]
    stratum: Mapped[str]


class ExamView(Base):
    """One image of an exam of which something is read: in the sample, or hung beside it."""

    __tablename__ = "exam_view"

    project: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    """Digest of its pack."""
    exam: Mapped[str] = mapped_column(primary_key=True)
    """The study's row."""
    volume_id: Mapped[str]
    place: Mapped[str]
    """Where it hangs, a name of ``hanging.yaml``; empty for what has no place."""


class Decision(Base):
    """One reader's verdict on one pack; append-only."""

    __tablename__ = "decision"

    decision_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project: Mapped[str] = mapped_column(index=True)
    pack_sha256: Mapped[str]
    reader: Mapped[str]
    verdict: Mapped[str]
    reasons: Mapped[list[str]] = mapped_column(JSON)
    simulated: Mapped[bool]
    decided_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(default="read")
    """``read``, or ``settled``: what a senior reader said where others disagreed."""
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What else was asked of the reader, by question."""


class SpoiltPair(Base):
    """A pair spoilt on purpose, to see whether it is noticed; no release knows it."""

    __tablename__ = "spoilt_pair"

    project: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    of_sha256: Mapped[str]


class ControlRead(Base):
    """What one reader said of a control, or which side they took for the reference site's.

    It counts for no volume.
    """

    __tablename__ = "control_read"

    read_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    project: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    """``identical``, ``repeat`` (sides swapped), ``spoilt``, or ``match``."""
    pack_sha256: Mapped[str]
    reader: Mapped[str]
    verdict: Mapped[str]
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)
    decided_at: Mapped[datetime]


class Draft(Base):
    """What a reader has filled in and not sent."""

    __tablename__ = "draft"

    item: Mapped[str] = mapped_column(primary_key=True)
    """Token of what the reader was shown, which names the reader too."""
    project: Mapped[str] = mapped_column(index=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON)


class Release(Base):
    """One immutable version of a cohort."""

    __tablename__ = "release"

    project: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    manifest_sha256: Mapped[str]
    folder: Mapped[str]
    released_at: Mapped[datetime]
    gate: Mapped[dict[str, Any]] = mapped_column(JSON)
    simulated: Mapped[bool]
    closed_at: Mapped[datetime | None]
    """When its files were removed, after a patient's opposition."""


class RequestEntry(Base):
    """A request for a cohort, as its requester last filled it in, and the state it is in."""

    __tablename__ = "request"

    name: Mapped[str] = mapped_column(primary_key=True)
    requester: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str]


class RequestEvent(Base):
    """One step of a request: who took it, as what, when; append-only."""

    __tablename__ = "request_event"

    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime]
    who: Mapped[str]
    role: Mapped[str]
    step: Mapped[str]
    note: Mapped[str] = mapped_column(default="")


class Withdrawal(Base):
    """One opposition: a keyed mark by which a later study of the subject is known, and refused."""

    __tablename__ = "withdrawal"

    project: Mapped[str] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    receipt: Mapped[dict[str, Any]] = mapped_column(JSON)


class StageRun(StageRunColumns, Base):
    """How long a stage took in this zone."""
