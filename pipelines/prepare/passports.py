"""The vendor passports of a study's series, made from what was peeked of each file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deid.keys import Keys, new_uid
from harmonise.series import Passport
from harmonise.vendor.harvest import merge, passport_to_json, public_attributes, remap
from pipelines.prepare.peek import Peek

__all__ = ["passports_of", "public_of", "remapped"]


def passports_of(peeks: Iterable[Peek]) -> dict[str, Passport]:
    """Return a passport for every series, before its private elements go (PS3.15 E.3.10)."""
    by_series: dict[str, list[Peek]] = {}
    for peek in peeks:
        by_series.setdefault(peek.names.series_uid, []).append(peek)
    return {uid: _merged(uid, group) for uid, group in sorted(by_series.items()) if uid}


def _merged(series_uid: str, peeks: Sequence[Peek]) -> Passport:
    named = {peek.sop_uid: peek for peek in peeks}
    first = named[min(named)].names
    rows = {uid: named[uid].row for uid in sorted(named) if uid}
    return merge(rows, series_uid=series_uid, vendor=first.vendor, model=first.model)


def public_of(peek: Peek, passports: Mapping[str, Passport]) -> dict[str, Any]:
    """Return what the passport says that a public attribute of this object can hold."""
    passport = passports.get(peek.names.series_uid)
    return public_attributes(passport, peek.sop_uid) if passport and peek.sop_uid else {}


def remapped(
    passports: Mapping[str, Passport], sop_uids: Iterable[str], keys: Keys
) -> dict[str, dict[str, Any]]:
    """Return the passports under their new UIDs, as JSON; they hold no identity."""
    uids = {uid: new_uid(keys.uid, uid) for uid in sop_uids if uid}
    result = {}
    for uid, passport in passports.items():
        series = new_uid(keys.uid, uid)
        result[series] = passport_to_json(remap(passport, series, uids))
    return result
