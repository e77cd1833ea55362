"""What passes between us and a PACS: studies found, instances expected, objects received."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.acquire.receive.spool import FileSpool

__all__ = ["ExpectedInstance", "FoundStudy", "ReceivedObject", "RetrieveReport"]


@dataclass(frozen=True)
class FoundStudy:
    """A study the PACS lists. Identified: stays in the hospital's zone; prints its UID only."""

    study_uid: str
    patient_id: str = field(repr=False)
    issuer: str = field(repr=False)
    accession_number: str = field(repr=False)
    study_date: str = field(repr=False)
    """YYYYMMDD as the PACS wrote it, empty when it did not."""
    study_description: str = field(repr=False)
    modalities: tuple[str, ...]
    series_count: int | None
    """NumberOfStudyRelatedSeries; None when the PACS does not count."""
    instance_count: int | None
    """NumberOfStudyRelatedInstances; None when the PACS does not count."""
    study_time: str = field(default="", repr=False)
    """HHMMSS as the PACS wrote it, empty when it did not."""
    availability: str = ""
    """(0008,0056) Instance Availability: ONLINE, NEARLINE, OFFLINE, UNAVAILABLE, or not told."""


@dataclass(frozen=True)
class ExpectedInstance:
    """An instance the PACS lists, so one that a retrieval must bring."""

    series_uid: str
    sop_uid: str
    sop_class_uid: str
    """Empty when the PACS does not tell."""
    transfer_syntax_uid: str = ""
    """(0008,3002) Available Transfer Syntax UID; empty when the PACS does not tell."""
    pixel_bytes: int | None = None
    """Size of the uncompressed pixels by its dimensions; None when the PACS does not tell."""


@dataclass(frozen=True)
class ReceivedObject:
    """An instance as it came: the encoded dataset is exactly what was on the wire."""

    sop_class_uid: str
    sop_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax_uid: str
    dataset: bytes = field(repr=False)
    """The encoded dataset, without preamble and file meta group; empty when it is spooled."""
    spool: FileSpool | None = field(default=None, repr=False, compare=False)
    """The file it was written to while it came; whoever keeps the object gives it its name."""


@dataclass(frozen=True)
class RetrieveReport:
    """What a retrieval brought, counted by SOP Instance UID and not by what the PACS called it."""

    received: tuple[str, ...]
    """Expected SOP Instance UIDs that came, sorted."""
    missing: tuple[str, ...]
    """Expected SOP Instance UIDs that did not come, sorted."""
    unexpected: tuple[str, ...]
    """SOP Instance UIDs that came and were not expected, sorted; never given to the sink."""
    method: str
    """The method that brought instances last; empty when none did."""
    attempts: int
    """Retrieve requests sent."""
    statuses: tuple[int, ...]
    """Final DIMSE status of each request that had one, in order."""
    code: str | None
    """Why the study is not whole; None when it is."""
    flags: tuple[str, ...] = ()
    """Codes of what was odd on the way, sorted: a success without instances, a lost association."""
    strangers: tuple[str, ...] = ()
    """SOP Instance UIDs that came with another study's or patient's identity, sorted."""
    transient: str | None = None
    """Code of a failure that may be gone another time; None when waiting will not help."""

    @classmethod
    def nothing_to_do(cls) -> RetrieveReport:
        """Return the report of a retrieval that nothing was asked of."""
        return cls((), (), (), "", 0, (), None)

    @property
    def complete(self) -> bool:
        """Whether every expected instance came."""
        return not self.missing
