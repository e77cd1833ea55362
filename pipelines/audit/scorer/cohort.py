"""What only the whole cohort shows: one shift a patient, references that still resolve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from pipelines.audit.scorer.actions import Maps, is_day
from pipelines.audit.scorer.key import KeyObject
from pipelines.audit.scorer.released import Released

__all__ = ["cohort_faults", "maps_of"]

_OWN = ("<(0020,000D)>", "<(0020,000E)>", "<(0008,0018)>", "<(0020,0052)>")


def maps_of(before: Mapping[str, Released], now: Mapping[str, Released]) -> Maps:
    """Return old -> new of UIDs and patients, as pairs of files show them; the first pair counts.

    A tool that delivers its own maps is scored with those.
    """
    uids: dict[str, str] = {}
    patients: dict[str, str] = {}
    for name in sorted(now):
        old, new = before[name], now[name]
        for path in _OWN:
            if old.value(path):
                uids.setdefault(str(old.value(path)), str(new.value(path) or ""))
        patients.setdefault(str(old.value("<(0010,0020)>")), str(new.value("<(0010,0020)>") or ""))
    return Maps(uids, patients)


def cohort_faults(
    key: Mapping[str, KeyObject], now: Mapping[str, Released], maps: Maps, *, moved: bool
) -> Iterator[tuple[str, str]]:
    """Yield (object, fault): a date moved otherwise, a reference that leads nowhere, a collision.

    ``moved`` says that dates are moved and not removed.
    """
    yield from _shifts(key, now) if moved else ()
    yield from _references(key, now, maps)
    for kind, table in (("UID", maps.uids), ("patient", maps.patients)):
        values = [value for value in table.values() if value]
        if len(set(values)) < len(values):
            yield "", f"two of one {kind}"


def _shifts(key: Mapping[str, KeyObject], now: Mapping[str, Released]) -> Iterator[tuple[str, str]]:
    """Compare how many days every date of a patient moved."""
    first: dict[str, int] = {}
    for name, one in key.items():
        for check in one.checks if name in now else ():
            value = now[name].value(check.tag_ds) or ""
            if check.action != "<date_shifted>" or not is_day(value[:8]):
                continue
            days = (_day(check.value) - _day(value)).days
            if first.setdefault(one.patient_id, days) != days:
                yield name, f"{check.tag_ds} moved otherwise"
            if value[8:14].strip() and value[8:14] != check.value[8:14]:
                yield name, f"{check.tag_ds} changed its time of day"


def _references(
    key: Mapping[str, KeyObject], now: Mapping[str, Released], maps: Maps
) -> Iterator[tuple[str, str]]:
    """Look whether what pointed into the cohort still does."""
    there = {str(one.value("<(0008,0018)>")) for one in now.values()}
    olds = {one.sop_uid for one in key.values()}
    for name, one in key.items():
        for check in one.checks if name in now else ():
            points = check.action == "<uid_changed>" and check.value in olds
            if not points or maps.uids.get(check.value) not in there:
                continue
            value = now[name].value(check.tag_ds)
            if value and value not in there:
                yield name, f"{check.tag_ds} leads nowhere"


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
