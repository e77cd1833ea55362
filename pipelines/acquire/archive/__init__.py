"""An embedded PACS: the demo's hospitals, and the double that tests break on purpose."""

from pipelines.acquire.archive.faults import FaultFile, Faults, Request, read_faults
from pipelines.acquire.archive.index import Entry
from pipelines.acquire.archive.server import Archive

__all__ = ["Archive", "Entry", "FaultFile", "Faults", "Request", "read_faults"]
