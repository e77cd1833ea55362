"""The UIDs of the demo's own objects: derived from the seed, so that every run gives the same."""

from __future__ import annotations

import hashlib
from uuid import UUID

__all__ = ["demo_uid"]


def demo_uid(*names: object) -> str:
    """Return ``2.25.<n>`` (PS3.5 B.2), n a version 8 UUID (RFC 9562) over the names."""
    digest = bytearray(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:16])
    digest[6] = (digest[6] & 0x0F) | 0x80
    digest[8] = (digest[8] & 0x3F) | 0x80
    return f"2.25.{UUID(bytes=bytes(digest)).int}"
