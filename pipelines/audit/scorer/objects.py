"""The added checks of one object: honest codes, SUV, the content tree."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from pipelines.audit.scorer.key import Check, KeyObject
from pipelines.audit.scorer.released import Released
from pipelines.audit.structure import claimed_codes

__all__ = ["codes_honest", "sr_tree_valid", "suv_computable", "suv_factor"]

_DATES = ("<(0008,0020)>", "<(0008,0021)>")
_DEVICE = ("<(0018,1000)>", "<(0008,1010)>")
_PATIENT = ("<(0010,1020)>", "<(0010,1030)>", "<(0010,0040)>", "<(0010,1010)>")
_VALUE_OF = {
    "TEXT": "(0040,A160)", "PNAME": "(0040,A123)", "NUM": "(0040,A300)", "CODE": "(0040,A168)",
    "DATETIME": "(0040,A120)", "DATE": "(0040,A121)", "TIME": "(0040,A122)",
    "UIDREF": "(0040,A124)", "IMAGE": "(0008,1199)", "COMPOSITE": "(0008,1199)",
}  # fmt: skip
_FORMS = {
    "DATETIME": r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?", "DATE": r"\d{8}",
    "TIME": r"\d{2,6}(\.\d{1,6})?", "UIDREF": r"[0-9.]+",
}  # fmt: skip


def codes_honest(original: KeyObject, now: Released, options: frozenset[str]) -> bool:
    """Tell whether (0012,0064) says what the object itself shows, no more and no less.

    113100 always; an option only of the policy; 113107, 113109 and 113111 exactly when a moved
    date, a planted device number or a private element is there; 113108 only with characteristics.
    """
    codes = claimed_codes(now.part, now.found)
    if now.value("<(0012,0062)>") != "YES" or "113100" not in codes:
        return False
    if not codes - {"113100"} <= options:
        return False
    planted = {s.text for s in original.secrets if s.unless == "113109"}
    shown = {
        "113107": any(now.value(path) for path in _DATES) and "113106" not in codes,
        "113109": any(now.value(path) in planted for path in _DEVICE),
        "113111": any(leaf.tag >> 16 & 1 for leaf in now.found),
    }
    exact = all((code in codes) == shown[code] for code in shown.keys() & options)
    has_characteristics = any(now.value(path) for path in _PATIENT)
    return exact and ("113108" in codes) <= has_characteristics


def suv_computable(before: Released, now: Released) -> bool:
    """Tell whether the SUV factor is the same before and after, to 1e-6."""
    one, two = suv_factor(before), suv_factor(now)
    return one is not None and two is not None and abs(one - two) <= 1e-6 * abs(one)


def suv_factor(one: Released) -> float | None:
    """Return body weight over decayed dose (g/Bq), None when a part of it is missing.

    The dose decays from injection to the series' start (Decay Correction START), PS3.3 C.8.9.
    """
    prefix = "<(0054,0016)>[<0000>]"
    try:
        weight = float(one.value("<(0010,1030)>") or "")
        dose = float(one.value(prefix + "<(0018,1074)>") or "")
        half_life_s = float(one.value(prefix + "<(0018,1075)>") or "")
        injected = _moment(one.value(prefix + "<(0018,1078)>") or "")
        start = _moment((one.value("<(0008,0021)>") or "") + (one.value("<(0008,0031)>") or ""))
    except ValueError:
        return None
    elapsed_s: timedelta = start - injected
    return weight * 1000 / (dose * 2 ** (-elapsed_s.total_seconds() / half_life_s))


def sr_tree_valid(check: Check, now: Released) -> bool:
    """Tell whether the tree has its outline, and every item a value of its type's form."""
    items = _items(now)
    outline = " ".join(f"{path.count('<(0040,A730)>')}:{kind}" for path, kind in items.items())
    if outline != check.action_text:
        return False
    for path, kind in items.items():
        if path and not now.value(path + "<(0040,A010)>"):
            return False
        tag = _VALUE_OF.get(kind)
        value = now.value(f"{path}<{tag}>") if tag else ""
        if tag and value is None:
            return False
        form = _FORMS.get(kind)
        if form and not re.fullmatch(form, value or ""):
            return False
        if kind in {"TEXT", "PNAME"} and not value:
            return False
    return True


def _items(now: Released) -> dict[str, str]:
    """Return path of a content item -> its value type, in the order of the file.

    Concept names come after the nested items in the order of tags, so value types are collected
    in the order in which a reader meets the items.
    """
    paths = {}
    for path, value in now.values.items():
        if path.endswith("<(0040,A040)>"):
            paths[path.removesuffix("<(0040,A040)>")] = value
    return dict(sorted(paths.items(), key=lambda pair: _order(pair[0])))


def _order(path: str) -> list[int]:
    return [int(number) for number in re.findall(r"<\(0040,A730\)>\[<(\d{4})>\]", path)]


def _moment(text: str) -> datetime:
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S")  # noqa: DTZ007 - both without a zone
