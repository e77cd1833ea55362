"""The passport as JSON, and under new UIDs: it crosses de-identification beside the objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from config.errors import UnreadableObject
from harmonise.series import Finding, Passport

__all__ = ["passport_from_json", "passport_to_json", "remap"]


def passport_to_json(passport: Passport) -> dict[str, Any]:
    """Return the passport as plain JSON values."""
    return asdict(passport) | {"findings": [asdict(finding) for finding in passport.findings]}


def passport_from_json(data: Mapping[str, Any]) -> Passport:
    """Return the passport that ``passport_to_json`` wrote.

    Raises
    ------
    UnreadableObject
        ``PASSPORT_UNREADABLE`` when a field is missing or unknown.
    """
    try:
        return Passport(
            series_uid=str(data["series_uid"]),
            vendor=str(data["vendor"]),
            model=str(data["model"]),
            findings=tuple(Finding(**finding) for finding in data["findings"]),
            per_instance={str(uid): dict(row) for uid, row in data["per_instance"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableObject("PASSPORT_UNREADABLE", type(error).__name__) from error


def remap(passport: Passport, new_series_uid: str, uid_map: Mapping[str, str]) -> Passport:
    """Return the passport under new UIDs; objects that have no new UID are left out.

    Parameters
    ----------
    passport : Passport
    new_series_uid : str
    uid_map : mapping
        Old SOPInstanceUID to new.
    """
    rows = {uid_map[uid]: row for uid, row in passport.per_instance.items() if uid in uid_map}
    return replace(
        passport, series_uid=new_series_uid, per_instance={uid: rows[uid] for uid in sorted(rows)}
    )
