"""Bounded runs of what ``make night`` and ``make accession-list`` run whole."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_three_simulated_sites_keep_budgets_and_hours_and_lose_no_study(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.acquire.resolve.SAMPLE", 3)  # fewer than a site's ten studies
    night = SimpleNamespace(**runpy.run_path(str(BENCHMARKS / "simulated_night.py")))
    problems, figures = night.run(30, cap=8)
    assert problems == []
    assert set(figures) == {"slow", "failing", "capped"}


def test_a_list_is_resolved_by_a_process_that_was_killed_and_went_on() -> None:
    accessions = SimpleNamespace(**runpy.run_path(str(BENCHMARKS / "accession_list.py")))
    problems, figures = accessions.run(200, kill_after_s=4.0)
    assert problems == []
    assert figures["studies"] == 178, "89 of 100 lines are found as they are written"
