"""Rows of acquisitions.parquet: how every series was acquired, in one vocabulary and one unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harmonise.acquired import acquired_row
from harmonise.data import table
from harmonise.manifest import ManifestRow
from harmonise.planned import StudyPlan
from harmonise.series import Refusal, Stack

__all__ = ["Row", "acquisition_rows", "codes_by_series", "row_order"]

Row = dict[str, Any]


def acquisition_rows(plan: StudyPlan, codes: Mapping[str, Sequence[str]]) -> list[Row]:
    """Return one JSON row a series of the plan, made or declined.

    Parameters
    ----------
    plan : StudyPlan
    codes : mapping
        Codes that the volumes of a series came to bear, by series UID.
    """
    stacks: dict[str, list[Stack]] = {}
    for stack in _acquired(plan):
        stacks.setdefault(stack.series_uid, []).append(stack)
    bare = {d.refusal.series_uid: d.refusal for d in plan.declined if d.stack is None}
    rows = [acquired_row(parts, codes.get(uid, ())) for uid, parts in stacks.items()]
    rows += [
        _unread(refusal, codes.get(uid, ()))
        for uid, refusal in bare.items()
        if uid and uid not in stacks
    ]
    return sorted(rows, key=row_order)


def _acquired(plan: StudyPlan) -> list[Stack]:
    """Return the stacks of a plan, each once; of a computed volume those it is computed from."""
    held = [(v.stack, v.parts) for v in plan.volumes]
    held += [(d.stack, d.parts) for d in plan.declined if d.stack is not None]
    found = [s for stack, parts in held for s in ([p.stack for p in parts] or [stack])]
    return list({id(stack): stack for stack in found}.values())


def codes_by_series(rows: Iterable[ManifestRow]) -> dict[str, list[str]]:
    """Return the codes of a manifest by the series they fell on."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for uid in row.source_series_uids:
            found.setdefault(uid, []).extend(row.codes)
    return found


def _unread(refusal: Refusal, codes: Sequence[str]) -> Row:
    """Return the row of a series no volume could be read of: names and codes alone."""
    row: Row = {column["name"]: None for column in table("acquisition_columns")}
    return row | {
        "subject": refusal.subject,
        "study_uid": refusal.study_uid,
        "series_uid": refusal.series_uid,
        "modality": refusal.modality or None,
        "codes": sorted(set(codes)),
    }


def row_order(row: Row) -> tuple[str, str, str]:
    """Return the place of a row in its table."""
    return row["subject"] or "", row["study_uid"] or "", row["series_uid"] or ""
