"""A box that anybody may close for the holder of an X25519 key, and only the holder may open.

An ephemeral X25519 key (RFC 7748) agrees with the holder's on a secret, HKDF-SHA256 (RFC 5869)
makes of it a key that serves once, ChaCha20-Poly1305 (RFC 8439) encrypts under it.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from config.errors import RejectedError

__all__ = ["KEY_BYTES", "open_sealed", "public_bytes", "seal"]

KEY_BYTES = 32
_MAGIC = b"ACCSEAL1"
_NONCE = bytes(12)
"""A fixed nonce is safe: each key encrypts one message."""


def seal(public: bytes, message: bytes, purpose: bytes, pepper: bytes = b"") -> bytes:
    """Return ``message`` closed for the holder of ``public``.

    Parameters
    ----------
    purpose : bytes
        What the box is for: one made for another purpose does not open.
    pepper : bytes
        A second secret without which the holder cannot open it either.

    Raises
    ------
    ValueError
        When ``public`` is no X25519 key, or one of the few points of small order.
    """
    ephemeral = X25519PrivateKey.generate()
    sender = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    key = _key(shared, sender, public, purpose, pepper)
    return _MAGIC + sender + ChaCha20Poly1305(key).encrypt(_NONCE, message, purpose)


def open_sealed(private: bytes, sealed: bytes, purpose: bytes, pepper: bytes = b"") -> bytes:
    """Return the message of a box.

    Raises
    ------
    RejectedError
        ``VAULT_SEAL_BROKEN``: changed, for another holder or purpose, or no box at all.
    """
    start = len(_MAGIC) + KEY_BYTES
    sender, body = sealed[len(_MAGIC) : start], sealed[start:]
    if not sealed.startswith(_MAGIC):
        raise RejectedError("VAULT_SEAL_BROKEN", "no box")
    try:
        own = X25519PrivateKey.from_private_bytes(private)
        shared = own.exchange(X25519PublicKey.from_public_bytes(sender))
        key = _key(shared, sender, own.public_key().public_bytes_raw(), purpose, pepper)
        return ChaCha20Poly1305(key).decrypt(_NONCE, body, purpose)
    except (InvalidTag, ValueError) as error:
        raise RejectedError("VAULT_SEAL_BROKEN", type(error).__name__) from None


def public_bytes(private: bytes) -> bytes:
    """Return the public half of a private key."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _key(shared: bytes, sender: bytes, receiver: bytes, purpose: bytes, pepper: bytes) -> bytes:
    info = b"accordage/seal/1/" + purpose + b"\0" + sender + receiver
    return HKDF(SHA256(), KEY_BYTES, salt=pepper or None, info=info).derive(shared)
