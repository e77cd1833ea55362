"""The hand-over between zones: one signed bundle a study, holding no identity.

A bundle is ``<row_id>.json`` (row, objects by digest, passports) with an Ed25519 signature
(RFC 8032) over its canonical bytes. Objects travel beside it by digest.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from config.errors import RejectedError
from config.files import write_whole

__all__ = ["Bundle", "read_bundle", "sign_key", "write_bundle"]


@dataclass(frozen=True)
class Bundle:
    """What crosses from the identified to the research zone for one asked study."""

    row: dict[str, Any]
    objects: tuple[dict[str, Any], ...]
    passports: dict[str, dict[str, Any]]
    signature: str


def sign_key(seed: bytes) -> Ed25519PrivateKey:
    """Return the zone's signing key from its 32-byte seed."""
    return Ed25519PrivateKey.from_private_bytes(seed)


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def write_bundle(
    folder: Path,
    key: Ed25519PrivateKey,
    row: dict[str, Any],
    objects: list[dict[str, Any]],
    passports: dict[str, dict[str, Any]],
) -> Path:
    """Write a signed bundle and return its path; equal content gives equal bytes."""
    content = {
        "row": row,
        "objects": sorted(objects, key=lambda o: str(o["sha256"])),
        "passports": passports,
    }
    signature = base64.b64encode(key.sign(_canonical(content))).decode()
    path = folder / f"{row['row_id']}.json"
    write_whole(path, _canonical({"content": content, "signature": signature}))
    return path


def read_bundle(path: Path, trusted: Ed25519PublicKey) -> Bundle:
    """Return a bundle whose signature holds.

    Raises
    ------
    RejectedError
        ``BUNDLE_NOT_TRUSTED``: changed on the way, or signed by somebody else.
    """
    try:
        outer = json.loads(path.read_bytes())
        content = outer["content"]
        trusted.verify(base64.b64decode(outer["signature"]), _canonical(content))
        return Bundle(
            content["row"], tuple(content["objects"]), content["passports"], outer["signature"]
        )
    except (InvalidSignature, ValueError, KeyError, TypeError) as error:
        raise RejectedError("BUNDLE_NOT_TRUSTED", type(error).__name__) from error
