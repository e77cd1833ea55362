"""What was done to an instance, seen by comparing what went in with what came out.

Nothing here asks the policy: the source and the released object are laid side by side, and the
codes are those that stand in the released object. The result is the table of a conformance
statement (PS3.2 N.11.2.6, Table N.11-6), for one instance or summed over many; it holds no values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydicom.datadict import dictionary_description, dictionary_has_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import UID

from deid.stamp import OWN_TAGS
from deid.tables import Row, methods, table_rows

__all__ = ["Account", "account_of", "conformance_table", "observe"]

Action = Literal["X", "Z", "D", "U", "C", "K", "added"]
"""The codes of PS3.15 E.1 as seen: removed, no value, another value, another UID, part of the value
or a moved date, the same value."""

_PRIVATE = 0x00010000
"""Stands for all private attributes, whose creators may be anyone's words."""
_DATES = frozenset({"DA", "DT"})
_DUMMY_DATE = "19000101"


@dataclass
class Account:
    """What was done to the instances of one SOP class; ``deeds`` counts (tag, action)."""

    sop_class: str
    instances: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    deeds: Counter[tuple[int, Action]] = field(default_factory=Counter)

    def add(self, source: Dataset, released: Dataset) -> None:
        """Add one instance."""
        self.instances += 1
        items = released.get("DeidentificationMethodCodeSequence") or ()
        self.codes.update(str(item.CodeValue) for item in items)
        self.deeds.update(observe(source, released))


def account_of(source: Dataset, released: Dataset) -> Account:
    """Return the account of one instance."""
    account = Account(str(released.SOPClassUID))
    account.add(source, released)
    return account


def observe(source: Dataset, released: Dataset) -> Counter[tuple[int, Action]]:
    """Return how often each action was seen on each attribute, at any level.

    Parameters
    ----------
    source, released : Dataset
        One object before and after; pixel data is not looked at and may be absent.
    """
    return Counter(_observed(source, released))


def conformance_table(accounts: Iterable[Account]) -> str:
    """Return PS3.2 Table N.11-6 as Markdown, one for each SOP class that occurred."""
    parts = ["# De-identified elements and actions", "", _PREAMBLE]
    for account in sorted(accounts, key=lambda account: account.sop_class):
        name = UID(account.sop_class).name
        parts += ["", f"## {name}", "", f"{account.sop_class}, instances: {account.instances}", ""]
        parts += ["| code | method | instances |", "|---|---|---|"]
        for code, count in sorted(account.codes.items()):
            meaning = methods()[code].meaning if code in methods() else "unknown"
            parts.append(f"| {code} | {meaning} | {count} |")
        parts += ["", "| Attribute Name | Tag | Action | Encrypted | Comments |"]
        parts += ["|---|---|---|---|---|", *_rows(account)]
    return "\n".join(parts) + "\n"


_PREAMBLE = """\
Made by comparing each object with what was released of it (PS3.2 N.11.2.6); codes are those in
(0012,0064). X removed, Z no value, D another value, U another UID, C part of the value or a moved
date, K the same value, each with how often it was seen at any level. Nothing is encrypted: no
original value is carried along. References stay whole within a project: equal UIDs, patients and
intervals stay equal over instances, studies and runs."""


def _rows(account: Account) -> Iterator[str]:
    """Yield the rows under the option that brought them about, Basic Profile first."""
    table = {row.tag: row for row in table_rows() if isinstance(row.tag, int)}
    sections: dict[str, dict[int, list[tuple[Action, int]]]] = {}
    for (tag, action), count in sorted(account.deeds.items()):
        section = _section(tag, action, table.get(tag), frozenset(account.codes))
        if section:
            sections.setdefault(section, {}).setdefault(tag, []).append((action, count))
    for section in sorted(sections, key=lambda name: (name not in _FIRST, name)):
        yield f"| **{section}** | | | | |"
        for tag, seen in sorted(sections[section].items()):
            counts = ", ".join(f"{_WORDS[action]} {count}" for action, count in seen)
            actions = "/".join(action for action, _ in seen)
            yield f"| {_name(tag)} | {_printed(tag)} | {actions} | N | {counts} |"


_FIRST = frozenset({"Basic Profile"})
_WORDS = {
    "X": "removed",
    "Z": "without value",
    "D": "replaced",
    "U": "UID replaced",
    "C": "cleaned or moved",
    "K": "unchanged",
    "added": "added",
}


def _section(tag: int, action: Action, row: Row | None, codes: frozenset[str]) -> str:
    """Return the heading for what was seen; "" for what needs no row."""
    if tag == _PRIVATE:
        return "Basic Profile" if action == "X" else _titled("113111", codes)
    if action == "added":
        return "Added"
    if action in {"X", "Z", "D", "U"}:
        return "Basic Profile" if row is not None else "Beyond Table E.1-1"
    if row is None:
        return "" if action == "K" else "Beyond Table E.1-1"
    columns = {methods()[code].column: code for code in codes if code in methods()}
    for column in row.columns:
        if column in columns:
            return _titled(columns[column], codes)
    return "Retained by the site's own rule" if action in {"K", "C"} else "Basic Profile"


def _titled(code: str, codes: frozenset[str]) -> str:
    if code not in codes:
        return "Retained by the site's own rule"
    return f"{methods()[code].meaning} ({code})"


def _observed(source: Dataset, released: Dataset) -> Iterator[tuple[int, Action]]:
    for tag in sorted({*source.keys(), *released.keys()}):
        if tag.element == 0 or tag.group in {0x0002, 0x7FE0} or tag.is_private_creator:
            continue
        key = _PRIVATE if tag.is_private else _folded(tag)
        if tag in OWN_TAGS:
            yield key, "added"
        elif tag not in released:
            yield key, "X"
        elif tag not in source:
            yield key, "added"
        else:
            yield from _seen(key, tag, source, released)


def _seen(
    key: int, tag: BaseTag, source: Dataset, released: Dataset
) -> Iterator[tuple[int, Action]]:
    try:
        yield from _compared(key, source[tag], released[tag])
    except Exception:  # noqa: BLE001 - a source value that cannot be read is not the one released
        yield key, "D"


def _compared(key: int, before: DataElement, after: DataElement) -> Iterator[tuple[int, Action]]:
    if "SQ" in {before.VR, after.VR}:
        yield from _sequences(key, before, after)
    elif after.is_empty:
        if not before.is_empty:
            yield key, "Z"
    elif _text(before) == _text(after):
        yield key, "K"
    elif after.VR == "UI":
        yield key, "U"
    elif after.VR in _DATES:
        yield key, "D" if str(after.value).startswith(_DUMMY_DATE) else "C"
    else:
        yield key, "C" if _is_part(_text(after), _text(before)) else "D"


def _sequences(key: int, before: DataElement, after: DataElement) -> Iterator[tuple[int, Action]]:
    items = [list(e.value) if e.VR == "SQ" and e.value else [] for e in (before, after)]
    if not items[1]:
        if items[0]:
            yield key, "Z"
    elif len(items[0]) == len(items[1]):
        yield key, "K"  # kept; what it holds is seen for itself
        for one, two in zip(*items, strict=True):
            yield from _observed(one, two)
    else:
        yield key, "D"


def _text(element: DataElement) -> str:
    value = element.value
    if isinstance(value, bytes):
        return value.hex()
    is_many = not isinstance(value, str) and isinstance(value, Iterable)
    return "\\".join(str(part) for part in value) if is_many else str(value)


def _is_part(after: str, before: str) -> bool:
    """Tell whether every word that is left was there before."""
    return set(after.replace("\\", " ").split()) <= set(before.replace("\\", " ").split())


def _folded(tag: BaseTag) -> int:
    """Return the tag, of repeating groups the first one (60XX as 6000)."""
    is_repeating = tag.group & 0xFF00 in {0x5000, 0x6000}
    return int(tag) & 0xFF00FFFF if is_repeating else int(tag)


def _name(tag: int) -> str:
    if tag == _PRIVATE:
        return "Private Attributes"
    return dictionary_description(tag) if dictionary_has_tag(tag) else "not in PS3.6"


def _printed(tag: int) -> str:
    return "(gggg,eeee), gggg odd" if tag == _PRIVATE else f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
