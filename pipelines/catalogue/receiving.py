"""The identified zone's tables of what came unasked: pushed by a rule, or explained by nothing."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.catalogue.identified import Base

__all__ = ["PushedInstance", "QuarantinedObject"]


class PushedInstance(Base):
    """One object that a site sent by a push rule; settled once its study was quiet."""

    __tablename__ = "pushed_instance"
    __table_args__ = (Index("pushed_by_study", "site", "settled", "project", "study_uid"),)

    site: Mapped[str] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    study_uid: Mapped[str]
    series_uid: Mapped[str]
    sop_uid: Mapped[str]
    sop_class_uid: Mapped[str]
    patient_id: Mapped[str]
    accession_number: Mapped[str]
    study_date: Mapped[str]
    quiet_s: Mapped[float]
    arrived_at: Mapped[float]
    """Seconds since 1970-01-01 UTC."""
    settled: Mapped[bool] = mapped_column(default=False)


class QuarantinedObject(Base):
    """One object that neither an expectation nor a push rule explains; it is never processed."""

    __tablename__ = "quarantined_object"

    site: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    sop_uid: Mapped[str]
    study_uid: Mapped[str]
    asked_study_uid: Mapped[str] = mapped_column(default="", index=True)
    """The study that was asked for when it came; empty when none was."""
    transfer_syntax_uid: Mapped[str]
    path: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    arrived_at: Mapped[float]
    """Seconds since 1970-01-01 UTC."""
