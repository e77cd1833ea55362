"""The keys of a project, and what is derived from them: subjects, UIDs and date shifts."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

__all__ = ["Keys", "derive_keys", "keyed_text", "new_uid", "shift_days", "site_token", "subject_of"]

_LONGEST_SHIFT_DAYS = 3650
"""Whole days back: 1 to 3,650."""


@dataclass(frozen=True)
class Keys:
    """The separate keys of one project (32 bytes each); never shown."""

    subject: bytes = field(repr=False)
    uid: bytes = field(repr=False)
    date: bytes = field(repr=False)
    frame_of_reference: bytes = field(repr=False)


def derive_keys(project_secret: bytes, project: str) -> Keys:
    """Return the keys of ``project``: HKDF-SHA256 (RFC 5869), one label for each purpose."""
    extracted = hmac.digest(b"\0" * 32, project_secret, "sha256")  # RFC 5869 2.2, no salt

    def expand(purpose: str) -> bytes:
        info = f"accordage/1/{project}/{purpose}".encode()
        return hmac.digest(extracted, info + b"\x01", "sha256")  # RFC 5869 2.3, one block

    names = ("subject", "uid", "date", "frame_of_reference")
    return Keys(**{name: expand(name) for name in names})


def site_token(site_secret: bytes, issuer: str, patient_id: str) -> bytes:
    """Return the 32-byte token of a patient whom only one site knows.

    The issuer's length goes in front, so that no two (issuer, number) pairs read the same.
    """
    issuer = issuer.strip(" \0")
    message = f"{len(issuer)}:{issuer}:{patient_id.strip(chr(32) + chr(0))}".encode()
    return hmac.digest(site_secret, message, "sha256")


def subject_of(keys: Keys, token: bytes) -> str:
    """Return ``S-`` and ten characters of Crockford base 32 (50 bits)."""
    return "S-" + _crockford(hmac.digest(keys.subject, token, "sha256"), 10)


def keyed_text(keys: Keys, keyword: str, value: str) -> str:
    """Return a pseudonym for an identifier whose different values must stay different."""
    message = f"{keyword}:{value}".encode()
    return "K-" + _crockford(hmac.digest(keys.subject, message, "sha256"), 10)


def shift_days(keys: Keys, token: bytes) -> int:
    """Return how many days back all dates of the patient go: 1 to 3,650."""
    number = int.from_bytes(hmac.digest(keys.date, token, "sha256")[:8], "big")
    return 1 + number % _LONGEST_SHIFT_DAYS


def new_uid(key: bytes, uid: str) -> str:
    """Return ``2.25.<n>``, n the HMAC of ``uid`` as a version-8 UUID (RFC 9562 5.8, PS3.5 B.2)."""
    number = int.from_bytes(hmac.digest(key, uid.encode(), "sha256")[:16], "big")
    number = number & ~(0xF << 76) | (0x8 << 76)  # version 8
    number = number & ~(0x3 << 62) | (0x2 << 62)  # variant 10
    return f"2.25.{number}"


def _crockford(digest: bytes, length: int) -> str:
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    number = int.from_bytes(digest, "big")
    return "".join(alphabet[number >> (5 * place) & 31] for place in range(length))
