"""New UIDs and ids of derived objects: the same inputs always give the same ones.

The key is a published label, not a secret: the source UIDs it is applied to are pseudonyms already.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence

from pydicom.uid import UID

__all__ = ["derived_uid", "evidence_uid", "implementation_uid", "volume_id"]

LABEL = b"accordage derived object 1"
"""Raised when what is hashed changes, so that old and new objects keep different UIDs."""

ID_HEX_DIGITS = 8


def _digest(parts: object) -> bytes:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hmac.new(LABEL, text.encode(), hashlib.sha256).digest()


def _uid(digest: bytes) -> UID:
    """Return ``2.25.<n>`` from the first 128 bits made a UUID (RFC 9562, PS3.5 B.2)."""
    number = int.from_bytes(digest[:16], "big")
    number = number & ~(0xF << 76) | (8 << 76)  # version 8: custom
    number = number & ~(0x3 << 62) | (2 << 62)  # variant 10
    return UID(f"2.25.{number}")


def derived_uid(
    source_uids: Iterable[str],
    *,
    recipe_hash: str,
    model_hash: str | None,
    volume: str,
    part: str,
) -> UID:
    """Return the UID of a derived series (``part="series"``) or of one of its instances.

    Parameters
    ----------
    source_uids : iterable of str
        SOP and series instance UIDs of everything the object was made from.
    recipe_hash : str
    model_hash : str or None
        Hash of a fitted model; None where the recipe fits nothing.
    volume : str
        Volume id.
    part : str
        ``series`` or the instance's number.
    """
    return _uid(_digest([sorted(source_uids), recipe_hash, model_hash or "", volume, part]))


def implementation_uid() -> UID:
    """Return our Implementation Class UID (PS3.7 D.3.3.2)."""
    return _uid(_digest(["implementation class"]))


def volume_id(
    role: str, b_value: float | None, sources: Sequence[str], recipe_hash: str, view: str = ""
) -> str:
    """Return a readable id, unique across a cohort: ``dwi_b800-1a2b3c4d``.

    Parameters
    ----------
    role : str
    b_value : float or None
        In s/mm2.
    sources : sequence of str
        Series UID and every source frame as ``<sop uid>#<frame>``.
    recipe_hash : str
    view : str
        Side and view of a mammogram, for example ``rmlo``.
    """
    name = role.lower()
    if view:
        name += f"_{view.lower()}"
    if b_value is not None:
        name += f"_b{b_value:g}"
    parts = [sorted(sources), None if b_value is None else f"{b_value:g}", recipe_hash]
    return f"{name}-{_digest(parts).hex()[:ID_HEX_DIGITS]}"


def evidence_uid(*parts: str) -> UID:
    """Return the UID of a document about derived objects: of the same facts always the same."""
    return _uid(_digest(["evidence", *parts]))
