"""Our own private block: provenance as deflated JSON, the recipe's hash and the volume id."""

from __future__ import annotations

import json
import zlib
from typing import Any

from pydicom.dataset import Dataset

from config.errors import UnreadableObject

__all__ = ["CREATOR", "GROUP", "canonical_json", "deflated", "read_provenance", "write_block"]

GROUP = 0x0AC1
CREATOR = "ACCORDAGE"
PROVENANCE, RECIPE_HASH, VOLUME_ID = 0x01, 0x02, 0x03
"""Element offsets within the block (PS3.5 7.8.1)."""

DEFLATE_LEVEL = 9
LARGEST_JSON_BYTES = 64 * 1024 * 1024
"""A provenance that inflates beyond this is not one of ours."""


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys, so that equal records are equal bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8")


def deflated(provenance: dict[str, Any]) -> bytes:
    """Return the provenance as it is stored: deflated JSON, of even length (PS3.5 7.1.1)."""
    data = zlib.compress(canonical_json(provenance), DEFLATE_LEVEL)
    return data + b"\0" * (len(data) % 2)


def write_block(ds: Dataset, record: bytes, *, recipe_hash: str, volume_id: str) -> None:
    """Write our block into ``ds``; ``record`` comes from :func:`deflated`."""
    block = ds.private_block(GROUP, CREATOR, create=True)
    block.add_new(PROVENANCE, "OB", record)
    block.add_new(RECIPE_HASH, "LO", recipe_hash)
    block.add_new(VOLUME_ID, "LO", volume_id)


def read_provenance(ds: Dataset) -> dict[str, Any]:
    """Return the provenance held by a derived object.

    Raises
    ------
    UnreadableObject
        ``PROVENANCE_MISSING`` when there is no block of ours, or it does not read.
    """
    try:
        stored = bytes(ds.private_block(GROUP, CREATOR)[PROVENANCE].value)
        text = zlib.decompressobj().decompress(stored, LARGEST_JSON_BYTES)
        record: dict[str, Any] = json.loads(text)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise UnreadableObject("PROVENANCE_MISSING", type(error).__name__) from error
    return record
