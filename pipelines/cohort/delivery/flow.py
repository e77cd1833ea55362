"""The way of the studies as a figure: how many were asked for, and where the others were left.

A CONSORT flow diagram (Hopewell et al. 2025) as SVG text: no font is embedded, nothing is loaded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from pipelines.cohort.report.context import STAGES, AskedRow

__all__ = ["flow_svg"]

WORDS = {
    "asked": "asked for",
    "found": "found in an archive",
    "complete": "received complete",
    "deidentified": "de-identified",
    "harmonised": "harmonised",
    "accepted": "in this release",
}

BOX, GAP, LINE = (260, 46), 44, 16
LEFT, RIGHT_BOX = 20, 340
SHOWN = 4
"""Reasons named beside a step; the others are in requests.parquet."""


def flow_svg(rows: Sequence[AskedRow]) -> str:
    """Return the figure: a box a stage with its studies, beside each step who left and why."""
    reached = dict.fromkeys(STAGES, 0)
    lost: dict[str, Counter[str]] = {stage: Counter() for stage in STAGES}
    for row in rows:
        last = STAGES.index(row.reached)
        for stage in STAGES[: last + 1]:
            reached[stage] += 1
        if row.reached != STAGES[-1]:
            lost[row.reached][row.code] += 1
    parts, top = [], 20
    for number, stage in enumerate(STAGES):
        parts.append(_box(LEFT, top, [f"{reached[stage]} studies", WORDS[stage]], bold=True))
        bottom = top + BOX[1]
        left = lost[stage]
        if number + 1 < len(STAGES):
            height = _aside(parts, bottom, left)
            top = bottom + max(GAP, height)
            parts.append(_arrow(LEFT + BOX[0] / 2, bottom, LEFT + BOX[0] / 2, top))
    width, height = RIGHT_BOX + 380, top + BOX[1] + 20
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" font-family="sans-serif" font-size="13">'
        "<title>From the studies asked for to those released</title>"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _aside(parts: list[str], bottom: int, left: Counter[str]) -> int:
    """Add the box of those who left here; return how much room the step needs."""
    if not left:
        return GAP
    named = sorted(left.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{sum(left.values())} left"] + [f"{n} {code}" for code, n in named[:SHOWN]]
    others = sum(n for _, n in named[SHOWN:])
    lines += [f"{others} for other reasons"] if others else []
    height = 14 + LINE * len(lines)
    parts.append(_box(RIGHT_BOX, bottom + 10, lines, size=(360, height)))
    middle = bottom + 10 + height / 2
    parts.append(_arrow(LEFT + BOX[0] / 2, middle, RIGHT_BOX, middle))
    return height + 20


def _box(
    x: int, y: int, lines: Sequence[str], *, size: tuple[int, int] = BOX, bold: bool = False
) -> str:
    weight = ' font-weight="bold"' if bold else ""
    words = "".join(
        f'<text x="{x + 12}" y="{y + 19 + LINE * n}"{weight if n == 0 else ""}>'
        f"{escape(line)}</text>"
        for n, line in enumerate(lines)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{size[0]}" height="{size[1]}" fill="#f4f7f8" '
        f'stroke="#17717c"/>{words}'
    )


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="#333" marker-end="url(#tip)"/>'
