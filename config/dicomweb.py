"""Where a PACS speaks DICOMweb (PS3.18), and how we say who we are."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from config.base import Frozen
from config.tls import Tls

__all__ = ["DicomWeb"]


class DicomWeb(Frozen):
    """The DICOMweb service of a site: QIDO-RS and WADO-RS under one root."""

    url: str = Field(pattern=r"^https?://[^\s/]+(/\S*)?$")
    """Root of the service, for example https://pacs.example.org/dicom-web."""
    tls: Tls | None = None
    """Client certificate and authorities for https; none uses the system's authorities."""
    token_file: Path | None = None
    """File (mode 0600) with what follows ``Authorization:``, for example ``Bearer ...``."""
    query: bool = False
    """Ask by QIDO-RS instead of C-FIND, for an archive without DIMSE."""
