"""Secrets that are shown once and kept as digests: sessions, invitations, tokens."""

from __future__ import annotations

import hashlib
import secrets

__all__ = ["digest_of", "new_secret"]


def new_secret() -> str:
    """Return 256 random bits in letters that stand in an address."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return the SHA-256 by which a secret is found; it has too many bits to be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
