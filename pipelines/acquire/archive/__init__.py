"""An embedded PACS: the demo's hospitals, and the double that tests break on purpose."""

from pipelines.acquire.archive.faults import Faults, Request
from pipelines.acquire.archive.server import Archive

__all__ = ["Archive", "Faults", "Request"]
