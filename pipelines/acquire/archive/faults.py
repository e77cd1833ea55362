"""What an archive may be told to do wrong, and what it remembers of those who asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from config.base import Frozen
from config.errors import ConfigurationError
from config.loader import load_yaml

__all__ = ["FaultFile", "Faults", "Request", "read_faults"]


class Faults(Frozen):
    """Misbehaviour seen in real archives; all off by default.

    What says *a retrieval* happens in each one, or in the first ``times`` of each study only.
    """

    times: int | None = None
    """Only the first n retrievals of a study are troubled; none: every one."""
    # Speed
    latency_s: float = 0.0
    """Wait before the answer to a query, and before each object that is sent."""
    bytes_per_s: float | None = None
    """Rate at which objects leave the archive."""
    slow_after_n: int | None = None
    """From the n-th retrieval on everything takes ``slow_factor`` times as long."""
    slow_factor: float = 4.0
    """See ``slow_after_n``."""
    drip_s: float = 0.0
    """Wait between fragments of 512 bytes of each object: a line that drips."""
    # Associations
    refuse_associations: int = 0
    """Reject the first n associations as transient, local limit exceeded (PS3.8 Table 9-21)."""
    stall_associations: int = 0
    """Never answer the first n association requests, the connection open."""
    down_from_s: float = 0.0
    """Start of an outage, in seconds after the archive was opened."""
    down_for_s: float = 0.0
    """Length of the outage, in which every association is rejected as transient."""
    reject_c_get: bool = False
    """Do not accept C-GET, as many archives do not."""
    # Queries
    stall_queries: int = 0
    """Never answer the first n C-FIND requests."""
    max_answers: int | None = None
    """Give no more answers than this to a C-FIND."""
    tells_max_answers: bool = False
    """End such a C-FIND with A700 out of resources; else with success, as if that were all."""
    ignore_modality: bool = False
    """Take no notice of (0008,0061) Modalities in Study: neither match it nor return it."""
    ignored_keys: frozenset[str] = frozenset()
    """Keywords of which no notice is taken: neither matched nor returned."""
    count_error: int = 0
    """Added to (0020,1208) Number of Study Related Instances."""
    late_instances: frozenset[str] = frozenset()
    """SOP Instance UIDs that are neither listed nor sent until their study was retrieved once."""
    offline_study_uids: frozenset[str] = frozenset()
    """Studies that are OFFLINE by (0008,0056) Instance Availability, and not delivered."""
    # Retrievals
    unavailable_study_uids: frozenset[str] = frozenset()
    """Studies that are listed but cannot be delivered: every sub-operation fails."""
    out_of_resources: int = 0
    """Answer the first n retrievals with A702."""
    zero_suboperations: bool = False
    """Answer a retrieval with success and no sub-operation, as overloaded archives do."""
    silent_success: bool = False
    """Count every sub-operation of a retrieval as completed and send nothing."""
    drop_after_n: int | None = None
    """Count as completed what follows the n-th instance of a retrieval, and do not send it."""
    drop_instances: frozenset[str] = frozenset()
    """SOP Instance UIDs counted as completed and never sent."""
    success_first: bool = False
    """Answer a C-MOVE with success before the first instance is sent."""
    duplicate_instances: frozenset[str] = frozenset()
    """SOP Instance UIDs sent twice, the second time with other bytes."""
    foreign_instances: frozenset[str] = frozenset()
    """SOP Instance UIDs sent with another patient's number in them."""
    abort_after_n: int | None = None
    """Abort the association once n instances of a retrieval were sent."""
    abort_in_object_n: int | None = None
    """Abort in the middle of the object that follows the n-th of a retrieval."""
    stall_after_n: int | None = None
    """Fall silent, association open, once n instances of a retrieval were sent."""


class FaultFile(Frozen):
    """A file of faults: for the whole archive, and for single studies instead."""

    archive: Faults = Faults()
    """Faults of every study that is not named below, of associations and of queries."""
    studies: Mapping[str, Faults] = {}
    """Study Instance UID to its own faults."""


def read_faults(given: str) -> FaultFile:
    """Return faults from a YAML file, or from words: ``silent_success,drop_after_n=3``.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNREADABLE`` or ``CONFIG_INVALID``, with the place.
    """
    if given.endswith((".yaml", ".yml")):
        return load_yaml(Path(given), FaultFile)
    values: dict[str, object] = {}
    for word in filter(None, (part.strip() for part in given.split(","))):
        name, _, value = word.partition("=")
        values[name.strip()] = yaml.safe_load(value) if value else True
    try:
        return FaultFile(archive=Faults.model_validate(values))
    except ValidationError as error:
        names = ", ".join(str(row["loc"][0]) for row in error.errors())
        raise ConfigurationError("CONFIG_INVALID", f"--faults: {names}") from error


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
    at: float = field(default=0.0, compare=False)
    """When it was answered, in seconds since 1970 by the archive's clock."""
