"""Key files of people: a public one to hand out, a private one under a passphrase."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from config.errors import ConfigurationError
from config.files import write_whole
from pipelines.store import read_secret

__all__ = ["make_pair", "read_private", "read_public"]


def make_pair(private: Path, public: Path, passphrase: str) -> None:
    """Write a new pair: PEM (RFC 7468), PKCS #8 under ``passphrase``; nothing is overwritten.

    Raises
    ------
    ConfigurationError
        ``VAULT_KEY_WRONG`` when a file is there already or the passphrase is empty.
    """
    if not passphrase:
        raise ConfigurationError("VAULT_KEY_WRONG", "an empty passphrase")
    for path in (private, public):
        if path.exists():
            raise ConfigurationError("VAULT_KEY_WRONG", "is there already", file=path)
    key = X25519PrivateKey.generate()
    locked = BestAvailableEncryption(passphrase.encode())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    write_whole(private, text, mode=0o600)
    spki = PublicFormat.SubjectPublicKeyInfo
    write_whole(public, key.public_key().public_bytes(Encoding.PEM, spki))


def read_public(path: Path) -> bytes:
    """Return the 32 bytes of a public key file.

    Raises
    ------
    ConfigurationError
        ``VAULT_KEY_WRONG``.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("VAULT_KEY_WRONG", type(error).__name__, file=path) from None
    if not isinstance(key, X25519PublicKey):
        raise ConfigurationError("VAULT_KEY_WRONG", "not X25519", file=path)
    return key.public_bytes_raw()


def read_private(path: Path, passphrase: str) -> bytes:
    """Return the 32 bytes of a private key file of mode 0600.

    Raises
    ------
    ConfigurationError
        ``VAULT_KEY_WRONG``, ``SECRET_MISSING`` or ``SECRET_READABLE``.
    """
    try:
        key = load_pem_private_key(read_secret(path), passphrase.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError("VAULT_KEY_WRONG", type(error).__name__, file=path) from None
    if not isinstance(key, X25519PrivateKey):
        raise ConfigurationError("VAULT_KEY_WRONG", "not X25519", file=path)
    return key.private_bytes_raw()
