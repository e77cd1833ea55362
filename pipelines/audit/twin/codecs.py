"""The transfer syntaxes of the twin (PS3.5 A)."""

from __future__ import annotations

__all__ = ["DEFLATED", "EXPLICIT", "IMPLICIT", "JPEG2000", "RLE"]

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
JPEG2000, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
