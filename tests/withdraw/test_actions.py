from __future__ import annotations

from pipelines.cohort.actions import actions, reason_table
from pipelines.cohort.review import REASONS, record_decision, review_items
from pipelines.workspace import Workspace

from .conftest import reject


def test_every_reason_asks_for_something_in_both_languages() -> None:
    assert set(reason_table()) == set(REASONS)
    assert all(row["en"] and row["fr"] for row in reason_table().values())


def test_rejects_ask_for_what_their_reasons_say_and_a_recall_names_the_versions(
    ws: Workspace,
) -> None:
    first, second, *_ = review_items(ws.catalogue, "other")
    assert actions(ws.research, ws.catalogue, "other") == []
    reject(ws, "other", first.sha256, "over-smoothed")
    reject(ws, "other", second.sha256, "identifiable")
    found = actions(ws.research, ws.catalogue, "other")
    assert [(a.kind, a.reason, a.volumes, a.held_by) for a in found] == [
        ("recall", "identifiable", (second.volume_id,), (1,)),
        ("rerun", "over-smoothed", (first.volume_id,), ()),
    ]
    # The reader looked again: what is no longer rejected asks for nothing.
    record_decision(ws.catalogue, "other", first.sha256, reader="r1", verdict="accept")
    assert [a.kind for a in actions(ws.research, ws.catalogue, "other")] == ["recall"]
