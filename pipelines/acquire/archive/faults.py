"""What an archive may be told to do wrong, and what it remembers of those who asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Faults", "Request"]


@dataclass(frozen=True)
class Faults:
    """Misbehaviour seen in real archives; all off by default."""

    latency_s: float = 0.0
    """Wait before each response."""
    refuse_associations: int = 0
    """Reject the first n associations as transient, local limit exceeded (PS3.8 Table 9-21)."""
    unavailable_study_uids: frozenset[str] = frozenset()
    """Studies that are listed but cannot be delivered: every sub-operation fails."""
    abort_after_n: int | None = None
    """Abort the association once n instances of a retrieval were sent."""
    stall_after_n: int | None = None
    """Fall silent, association open, once n instances of a retrieval were sent."""
    silent_success: bool = False
    """Answer a retrieval with success and no sub-operation, as overloaded archives do."""
    drop_instances: frozenset[str] = frozenset()
    """SOP Instance UIDs counted as completed and never sent."""
    out_of_resources: int = 0
    """Answer the first n retrievals with A702."""
    reject_c_get: bool = False
    """Do not accept C-GET, as many archives do not."""
    ignore_modality: bool = False
    """Take no notice of (0008,0061) Modalities in Study: neither match it nor return it."""


@dataclass(frozen=True)
class Request:
    """One request as the archive saw it; holds nothing of a patient."""

    operation: str
    """C-ECHO, C-FIND, C-GET, C-MOVE or C-STORE."""
    level: str = ""
    """Query/Retrieve level."""
    results: int = 0
    """Matches returned, or instances delivered."""
    sent_bytes: int = 0
    """Bytes of the datasets delivered or received."""
