"""What a report is made from: plain values that the catalogue knows, and pairs on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipelines.cohort.gate import Gate

__all__ = ["STAGES", "AskedRow", "PackRef", "ReportContext", "Spacing", "Stage", "VolumeRow"]

Stage = Literal["asked", "found", "complete", "deidentified", "harmonised", "accepted"]

STAGES: tuple[Stage, ...] = (
    "asked",
    "found",
    "complete",
    "deidentified",
    "harmonised",
    "accepted",
)
"""The way of a study, in order; each stage counts every study that came at least so far."""

Spacing = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class AskedRow:
    """One asked study: its outcome, the code that says why, and the last stage it came to."""

    row_id: str
    site: str
    outcome: str
    code: str
    reached: Stage = "asked"


@dataclass(frozen=True)
class VolumeRow:
    """One row of the manifest: an output volume, or a refused series (verdict ``REJECT``).

    Spacings are (slice, row, column) in millimetres, None where unknown. The means are those of the
    whole grid before and after the step that brings intensities together, None without one.
    """

    row_id: str
    site: str
    role: str | None
    verdict: str
    codes: tuple[str, ...] = ()
    source_spacing_mm: Spacing | None = None
    spacing_mm: Spacing | None = None
    mean_before: float | None = None
    mean_after: float | None = None


@dataclass(frozen=True)
class PackRef:
    """One sampled pair and what its readers said; no reader's name leaves the catalogue."""

    sha256: str
    site: str
    role: str
    verdicts: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportContext:
    """Everything a report says about one release."""

    project: str
    title: str
    version: int
    simulated: bool
    policy: str
    recipe: str
    program_version: str
    rows: tuple[AskedRow, ...]
    volumes: tuple[VolumeRow, ...]
    packs_root: Path
    packs: tuple[PackRef, ...]
    gate: Gate
    proof: str = ""
    """What became of the planted twin; empty in a draft."""
