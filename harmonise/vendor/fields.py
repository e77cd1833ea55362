"""Vendor fields of one frame: public elements first, then private ones by creator, then names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydicom.dataset import Dataset

from harmonise.data import table
from harmonise.series import Finding
from harmonise.vendor.csa import csa_values
from harmonise.vendor.directions import (
    UNCONFIRMED,
    canon_axes,
    in_patient_axes,
    is_unconfirmed,
    scaled_b,
)
from harmonise.vendor.groups import frame_levels
from harmonise.vendor.offset import seconds_after
from harmonise.vendor.orphans import orphan_findings
from harmonise.vendor.private import (
    numbers,
    private_blocks,
    private_value,
    text,
    value_in_block,
)

__all__ = ["frame_findings"]

GE_BIAS = 1e9
"""GE adds it to b of synthetic and multi-b series; (0043,"GEMS_PARM_01",7F) may name it."""

_SEQUENCE_B = re.compile(r"^\*?[a-z0-9]*_b(\d+)(?:t|#\d+)?$")
"""Siemens: ``*ep_b50t`` is one b-value; ``*ep_b50_800`` a range, and no b-value."""

_COMMENT_B = re.compile(r"^b=(\d+(?:\.\d+)?)\(([^)]*)\)?")
"""Canon and Toshiba: ``b=1500(0.445,0.000,0.895)`` in ImageComments."""

CSA_NAMES = frozenset({"B_value", "DiffusionGradientDirection"})

TOSHIBA_PROTOCOL = "TOSHIBA_MEC_MR3^10"

_PROTOCOL_B = re.compile(rb"<BVAL>(\d+(?:\.\d+)?)</BVAL>")
"""The largest b-value of a Toshiba protocol, s/mm2."""

SCALED_WHY = "times the squared length of the direction"

Level = tuple[Dataset, dict[tuple[int, str], list[int]]]
"""A level of the object with its private blocks."""


def frame_findings(ds: Dataset, frame: int) -> list[Finding]:
    """Return what one frame says, the believed finding of each field first.

    A b-value in the public element (PS3.3 C.8.13.5.9) goes before a private one, a private one
    before a name, and one of another level is used only where the nearer level has none. A b-value
    that GE tells by the length of a direction goes before all: the public one is the series'.
    """
    levels = list(frame_levels(ds, frame))
    private = list(_private(levels, ds))
    scaled = [finding for finding in private if finding.why == SCALED_WHY]
    found = [*scaled, *_public(levels), *private, *orphan_findings(ds), *_names(ds)]
    believed = next((f.value for f in found if f.field == "b_value"), None)
    return [_judged(finding, believed) for finding in found]


def _judged(finding: Finding, believed: float | None) -> Finding:
    if finding.field != "b_value" or finding.value == believed:
        return finding
    return Finding(finding.field, finding.value, finding.where, "not believed: another goes before")


def _public(levels: list[Dataset]) -> Iterator[Finding]:
    b_values = _first(levels, "DiffusionBValue")
    if b_values and b_values[0] >= 0:
        yield Finding("b_value", b_values[0], "(0018,9087)", "the public element")
    gradient = _first(levels, "DiffusionGradientOrientation")
    if len(gradient) == 3 and any(gradient):
        yield Finding("gradient", list(gradient), "(0018,9089)", "the public element")


def _first(levels: list[Dataset], keyword: str) -> tuple[float, ...]:
    for level in levels:
        found = numbers(level.get(keyword), "FD")
        if found:
            return found
    return ()


def _private(levels: list[Dataset], ds: Dataset) -> Iterator[Finding]:
    known = [(level, blocks) for level in levels if (blocks := private_blocks(level))]
    found = [finding for row in table("vendor_fields") for finding in _read(row, known, ds)]
    bias = next((f.value for f in found if f.field == "b_value_bias"), GE_BIAS)
    vector = next((f.value for f in found if f.field == "scan_gradient"), ())
    is_turned = any(f.field == "gradient" for f in found)
    for finding in found:
        if finding.field == "b_value":
            yield from _b_values(finding, bias, vector)
        elif finding.field != "b_value_bias" and not (
            finding.field == "scan_gradient" and is_turned
        ):
            yield finding


def _b_values(finding: Finding, bias: float, vector: Sequence[float]) -> Iterator[Finding]:
    """Yield a b-value without GE's bias; before it what a direction shorter than 1 makes of it."""
    value, why = finding.value, finding.why
    if value >= GE_BIAS:
        value, why = (value - bias) % GE_BIAS, f"less the bias {bias:g}"
    own = scaled_b(value, vector)
    if own != value:
        yield Finding(finding.field, own, finding.where, SCALED_WHY)
    yield Finding(finding.field, value, finding.where, why)


def _read(row: dict[str, Any], levels: list[Level], ds: Dataset) -> list[Finding]:
    """Return what one row of the table finds at the nearest level that has all its elements."""
    parts = row.get("parts") or [row["element"]]
    for level, blocks in levels:
        raws = [value_in_block(level, blocks, row["group"], row["creator"], n) for n in parts]
        if all(raw is not None for raw in raws):
            break
    else:
        return []
    where = f'({row["group"]:04X},"{row["creator"]}",{parts[0]:02X})'
    why = f"private element of {row['vendor']}"
    if "axes" in row:
        return _directions(row, raws, ds, where, why)
    value = _value(row, raws, ds)
    return [] if value is None else [Finding(row["field"], value, where, why)]


def _value(row: dict[str, Any], raws: list[Any], ds: Dataset) -> Any:
    if "offset_s" in row:
        return seconds_after(text(raws[0]), ds, row["offset_s"])
    found = tuple(number for raw in raws for number in numbers(raw, row["vr"]))
    if "index" in row:
        value = found[row["index"]] if len(found) > row["index"] else None
        return value if "words" not in row else row["words"].get(value)
    return list(found) if any(found) else None


def _directions(
    row: dict[str, Any], raws: list[Any], ds: Dataset, where: str, why: str
) -> list[Finding]:
    """Return a direction in patient axes; where its own axes are not known, as it was written.

    The latter still tells images apart; nothing else is made of it. GE's is always kept, for its
    length.
    """
    vector = [number for raw in raws for number in numbers(raw, row["vr"])]
    if len(vector) != 3 or not any(vector):
        return []
    turned = in_patient_axes(vector, row["axes"], ds)
    found = []
    if turned is not None:
        found.append(Finding("gradient", list(turned), where, why))
        if row["axes"] == "scan" and is_unconfirmed(ds):
            found.append(Finding("gradient_unconfirmed", True, where, UNCONFIRMED))
    if turned is None or row["axes"] == "scan":
        found.append(Finding("scan_gradient", vector, where, "along axes that are not known"))
    return found


def _names(ds: Dataset) -> Iterator[Finding]:
    vendor = text(ds.get("Manufacturer") or "").lower()
    if "siemens" in vendor:
        yield from _csa(ds)
        match = _SEQUENCE_B.match(text(ds.get("SequenceName") or "").lower())
        if match:
            yield Finding("b_value", float(match[1]), "(0018,0024)", "part of the sequence name")
    if "toshiba" in vendor or "canon" in vendor:
        match = _COMMENT_B.match(text(ds.get("ImageComments") or ""))
        if match:
            yield Finding("b_value", float(match[1]), "(0020,4000)", "part of the image comment")
            yield from _canon_direction(match[2], ds)
        else:
            yield from _toshiba_b0(ds)


def _csa(ds: Dataset) -> Iterator[Finding]:
    """Yield what scanners before software VB13 wrote into the CSA header alone."""
    raw = private_value(ds, 0x0029, "SIEMENS CSA HEADER", 0x10)
    newer = private_value(ds, 0x0019, "SIEMENS MR HEADER", 0x0C)
    if not isinstance(raw, (bytes, bytearray)) or newer is not None:
        return
    said = csa_values(bytes(raw), CSA_NAMES)
    where, why = '(0029,"SIEMENS CSA HEADER",10)', "named value of the CSA header"
    b_value = numbers("\\".join(said.get("B_value", ())[:1]), "IS")
    vector = numbers("\\".join(said.get("DiffusionGradientDirection", ())), "DS")
    if b_value:
        yield Finding("b_value", b_value[0], where, why)
    if len(vector) == 3 and any(vector):
        yield Finding("gradient", list(vector), where, why)


def _canon_direction(said: str, ds: Dataset) -> Iterator[Finding]:
    vector = numbers(said.replace(",", "\\"), "DS")
    if len(vector) != 3 or not any(vector):
        return
    turned = canon_axes(vector, ds)
    why = "part of the image comment"
    if turned is not None:
        yield Finding("gradient", list(turned), "(0020,4000)", why)
    else:
        yield Finding("scan_gradient", list(vector), "(0020,4000)", "along axes that are not known")


def _toshiba_b0(ds: Dataset) -> Iterator[Finding]:
    """Yield b = 0 for an acquired image of a diffusion protocol that names no gradient.

    Toshiba and Canon write (0018,9087) only into images a gradient was applied to. The protocol
    kept in each image proves that the sequence had one, and that the header is whole.
    """
    raw = private_value(ds, 0x700D, TOSHIBA_PROTOCOL, 0x19)
    if not isinstance(raw, (bytes, bytearray)) or "ORIGINAL" not in (ds.get("ImageType") or []):
        return
    match = _PROTOCOL_B.search(bytes(raw))
    if match and float(match[1]) > 0:
        where = f'(700D,"{TOSHIBA_PROTOCOL}",19)'
        why = "no (0018,9087), which is written where a gradient is; the protocol has one"
        yield Finding("b_value", 0.0, where, why)
