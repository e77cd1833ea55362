"""Passwords: kept as scrypt hashes with their parameters (RFC 7914), compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from config.errors import ConfigurationError

__all__ = ["COST", "LEAST_LENGTH", "hash_password", "is_password"]

COST = (15, 8, 3)
"""log2 N, r, p: 32 MB for each guess, one of the settings OWASP's password cheat sheet names."""

LEAST_LENGTH = 12

_LONGEST_BYTES = 1024
_SALT_BYTES = 16


def hash_password(password: str, cost: tuple[int, int, int] = COST) -> str:
    """Return what is kept of a password: ``scrypt$log2 N$r$p$salt$hash``, in hexadecimal.

    Raises
    ------
    ConfigurationError
        ``PASSWORD_UNFIT``: shorter than `LEAST_LENGTH`, or absurdly long.
    """
    if len(password) < LEAST_LENGTH or len(password.encode()) > _LONGEST_BYTES:
        raise ConfigurationError("PASSWORD_UNFIT", f"at least {LEAST_LENGTH} characters")
    salt = secrets.token_bytes(_SALT_BYTES)
    numbers = "$".join(str(number) for number in cost)
    return f"scrypt${numbers}${salt.hex()}${_scrypt(password, salt, cost).hex()}"


def is_password(kept: str | None, given: str) -> bool:
    """Return whether a password is the one that was kept; takes as long where none was."""
    log2_n, r, p, salt, digest = (kept or _nobodys()).split("$")[1:]
    if len(given.encode()) > _LONGEST_BYTES:
        return False
    found = _scrypt(given, bytes.fromhex(salt), (int(log2_n), int(r), int(p)))
    return hmac.compare_digest(found, bytes.fromhex(digest)) and kept is not None


def _nobodys() -> str:
    numbers = "$".join(str(number) for number in COST)
    return f"scrypt${numbers}${'00' * _SALT_BYTES}${'00' * 32}"


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    log2_n, r, p = cost
    memory = 2 * 128 * r * 2**log2_n + (1 << 20)
    return hashlib.scrypt(
        password.encode(), salt=salt, n=2**log2_n, r=r, p=p, dklen=32, maxmem=memory
    )
