"""Device signatures: which one an object has, what it blanks, and the alarm when text has moved.

Of several signatures that match, the most specific one holds. Where two are equally specific,
what either blanks is blanked, and safe is only what both call so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydicom.dataset import Dataset

from config.signature import Box, Signature
from deid.blank.region import Rectangle, disjoint, outside
from deid.burned_in import said
from deid.fold import fold
from deid.looks import Look

__all__ = [
    "DeviceKey",
    "blanked_by",
    "device_key",
    "match_signature",
    "rectangles",
    "signature_alarm",
    "signature_look",
    "text_outside",
]

_MOVED = "SIGNATURE_MOVED"
_COVERED = 0.9
"""Share of a line that must lie in known places; readers draw boxes a little differently."""


@dataclass(frozen=True, order=True)
class DeviceKey:
    """What tells one kind of image of one kind of device from another, folded for comparison."""

    manufacturer: str
    model: str
    software: str
    rows: int
    columns: int
    image_type: tuple[str, ...]


def device_key(ds: Dataset) -> DeviceKey:
    """Return the key of an object; what its header does not say is empty, sizes 0."""
    return DeviceKey(
        _folded(said(ds, "Manufacturer")),
        _folded(said(ds, "ManufacturerModelName")),
        _folded(said(ds, "SoftwareVersions")),
        _number(ds, "Rows"),
        _number(ds, "Columns"),
        tuple(_folded(part) for part in said(ds, "ImageType").split("\\")),
    )


def match_signature(ds: Dataset, signatures: Sequence[Signature]) -> Signature | None:
    """Return the signature that holds for an object, or None."""
    key = device_key(ds)
    found = [signature for signature in signatures if _matches(signature, key)]
    if not found:
        return None
    best = max(map(_specificity, found))
    first, *others = sorted(
        (s for s in found if _specificity(s) == best), key=lambda signature: signature.name
    )
    for other in others:
        safe = tuple(box for box in first.safe if _place(box) in map(_place, other.safe))
        blank = tuple(_box(place) for one in (first, other) for place in blanked_by(one))
        first = first.model_copy(update={"blank": blank, "keep": (), "safe": safe})
    return first


def blanked_by(signature: Signature) -> tuple[Rectangle, ...]:
    """Return all that a signature blanks: its places, and what lies outside those it keeps."""
    kept = rectangles(signature.keep)
    around = outside(kept, rows=signature.rows, columns=signature.columns) if kept else ()
    return (*rectangles(signature.blank), *around)


def rectangles(boxes: Iterable[Box]) -> tuple[Rectangle, ...]:
    """Return the places of a signature as rectangles of every frame."""
    return tuple(Rectangle(*box.rows, *box.columns) for box in boxes)


def signature_look(ds: Dataset, signatures: Sequence[Signature]) -> Look | None:
    """Return what the object's signature has done to its pixels; None where it has none."""
    signature = match_signature(ds, signatures)
    if signature is None:
        return None
    return Look("signature", f"device signature {signature.name}", blanked_by(signature))


def text_outside(
    found: Iterable[Rectangle], signature: Signature, margin_px: int = 8
) -> tuple[Rectangle, ...]:
    """Return the lines of text that lie outside the places the signature knows.

    Parameters
    ----------
    found : iterable of Rectangle
        Where text was found, in any frame, before or after the places were blanked.
    margin_px : int
        How far outside a known place still counts as in it.
    """
    known = [
        _grown(place, margin_px) for place in (*blanked_by(signature), *rectangles(signature.safe))
    ]
    return tuple(line for line in found if _covered(line, known) < _COVERED * line.area)


def signature_alarm(
    found: Iterable[Rectangle], signature: Signature, margin_px: int = 8
) -> str | None:
    """Return ``SIGNATURE_MOVED`` when text stands where the signature knows of none, else None.

    Give it the lines that may not stay: a laterality marker, which may stand anywhere, is no alarm.
    """
    return _MOVED if text_outside(found, signature, margin_px) else None


def _matches(signature: Signature, key: DeviceKey) -> bool:
    return (
        (signature.rows, signature.columns) == (key.rows, key.columns)
        and fnmatchcase(key.manufacturer, _folded(signature.manufacturer))
        and fnmatchcase(key.model, _folded(signature.model))
        and fnmatchcase(key.software, _folded(signature.software))
        and {_folded(part) for part in signature.image_type} <= set(key.image_type)
    )


def _specificity(signature: Signature) -> tuple[int, int, int]:
    """Return how many fields are given, how many values of ImageType, how many letters."""
    patterns = [_folded(p) for p in (signature.manufacturer, signature.model, signature.software)]
    given = sum(pattern != "*" for pattern in patterns)
    letters = sum(character not in "*?[]" for pattern in patterns for character in pattern)
    return given, len(set(signature.image_type)), letters


def _place(box: Box) -> tuple[tuple[int, int], tuple[int, int]]:
    return box.rows, box.columns


def _box(place: Rectangle) -> Box:
    return Box(
        rows=(place.row_start, place.row_stop), columns=(place.column_start, place.column_stop)
    )


def _grown(place: Rectangle, by: int) -> Rectangle:
    return Rectangle(
        max(place.row_start - by, 0),
        place.row_stop + by,
        max(place.column_start - by, 0),
        place.column_stop + by,
    )


def _covered(line: Rectangle, places: Iterable[Rectangle]) -> int:
    """Return how many pixels of a line lie in any of the places."""
    shared = []
    for place in places:
        top, bottom = max(line.row_start, place.row_start), min(line.row_stop, place.row_stop)
        left = max(line.column_start, place.column_start)
        right = min(line.column_stop, place.column_stop)
        if top < bottom and left < right:
            shared.append(Rectangle(top, bottom, left, right))
    return sum(part.area for part in disjoint(shared))


def _folded(text: str) -> str:
    return " ".join(fold(text).split())


def _number(ds: Dataset, keyword: str) -> int:
    value = ds.get(keyword)
    return value if isinstance(value, int) else 0
