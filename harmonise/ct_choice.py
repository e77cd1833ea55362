"""Which CT series of a phase is taken: enough of the body, soft kernel, thin slices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harmonise.choose import Candidate, own_coverage
from harmonise.data import table
from harmonise.series import Stack

__all__ = ["best_ct", "kernel_class", "phase_of"]

ENOUGH = 0.9
"""Share of the longest series' extent that a thinner one must cover to be taken instead."""

_KERNELS = ("soft", "medium", "sharp")


def kernel_class(stack: Stack) -> str | None:
    """Return soft, medium or sharp as the passport has it; None for a kernel no table knows."""
    findings = stack.passport.findings if stack.passport else ()
    for finding in findings:
        if finding.field == "kernel_class" and isinstance(finding.value, str):
            return finding.value
    return None


def phase_of(stack: Stack) -> str:
    """Return the contrast phase that the description names, else what the agent says."""
    said = stack.header.get("SeriesDescription") or stack.header.get("ProtocolName") or ""
    text = " ".join(re.findall(r"[a-z0-9]+", str(said).lower()))
    for row in table("ct_phases"):
        if re.search(row["text"], text):
            return str(row["phase"])
    return "contrast" if stack.header.get("ContrastBolusAgent") else "unknown"


def best_ct(rivals: Sequence[Candidate]) -> tuple[Candidate, str]:
    """Return the series of one phase that is taken, and a line for the log.

    Of those that cover at least nine tenths of the longest one's extent: the softest kernel, then
    one that is no corrected copy, then the thinnest slices as stored, then the finest pixels.
    """
    extents = {id(one): own_coverage(one.grid, (), None) for one in rivals}
    longest = max(extents.values())

    def rank(one: Candidate) -> tuple[bool, int, bool, float, float, str]:
        kind = kernel_class(one.stack)
        in_plane_mm = (spacing or 0.0 for spacing in one.grid.spacing_mm[1:])
        return (
            extents[id(one)] < ENOUGH * longest,
            _KERNELS.index(kind) if kind in _KERNELS else len(_KERNELS),
            one.geometry.correction is not None,
            round(one.geometry.widest_gap_mm or 0.0, 2),
            round(max(in_plane_mm), 3),
            one.stack.series_uid,
        )

    ranked = sorted(rivals, key=rank)
    first = ranked[0]
    phase = f"phase {phase_of(first.stack)}, kernel {kernel_class(first.stack) or 'unknown'}"
    if len(ranked) == 1:
        return first, f"the only CT series of its phase; {phase}"
    reasons = (
        "covers the body",
        "softer kernel",
        "slices as they were stored",
        "thinner slices",
        "finer in plane",
        "series UID",
    )
    pairs = zip(reasons, rank(first), rank(ranked[1]), strict=True)
    why = next(reason for reason, a, b in pairs if a != b)
    return first, f"chosen of {len(ranked)}: {why}; {phase}"
