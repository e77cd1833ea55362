"""Our side of a PACS: query, retrieve and receive over DIMSE, with the bytes kept as they came."""

from pipelines.acquire.pacs.listing import find_instances
from pipelines.acquire.pacs.objects import (
    ExpectedInstance,
    FoundStudy,
    ReceivedObject,
    RetrieveReport,
)
from pipelines.acquire.pacs.query import (
    echo,
    find_by,
    find_studies,
    selected,
    sweep_studies,
)
from pipelines.acquire.pacs.receiver import StoreReceiver
from pipelines.acquire.pacs.retrieve import retrieve_study

__all__ = [
    "ExpectedInstance",
    "FoundStudy",
    "ReceivedObject",
    "RetrieveReport",
    "StoreReceiver",
    "echo",
    "find_by",
    "find_instances",
    "find_studies",
    "retrieve_study",
    "selected",
    "sweep_studies",
]
