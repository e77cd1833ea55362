"""TLS of a DICOM or DICOMweb connection: who we are and whom we believe (PS3.15 Annex B.9)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from config.base import Frozen

__all__ = ["Tls"]


class Tls(Frozen):
    """TLS 1.2 or newer, with certificates of both sides."""

    certificate: Path
    """PEM file with our certificate and the chain above it."""
    private_key: Path
    """PEM file (mode 0600) with its private key."""
    ca: Path
    """PEM file with the authorities that vouch for the other side."""
    server_name: str | None = None
    """Name in the server's certificate; none takes the host's."""
    handshake_timeout_s: float = Field(default=3, gt=0)
    """Longest TLS handshake; a peer that says nothing is dropped after it."""
