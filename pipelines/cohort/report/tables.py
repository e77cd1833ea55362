"""The report's tables, counted from the rows; nothing here reads a pixel."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from config.codes import Code, explain_code
from pipelines.cohort.report.context import STAGES, AskedRow, ReportContext, Spacing, VolumeRow
from pipelines.cohort.roles import role_label, role_rank

__all__ = [
    "AttritionLine",
    "CodeLine",
    "OutcomeLine",
    "ReadLine",
    "SpacingLine",
    "attrition",
    "code_lines",
    "gate_sentences",
    "outcome_lines",
    "read_lines",
    "sites_of",
    "spacing_lines",
]


@dataclass(frozen=True)
class AttritionLine:
    """How many studies came at least as far as a stage, in all and by site."""

    stage: str
    total: int
    by_site: tuple[int, ...]
    lost: int
    percent: int


@dataclass(frozen=True)
class OutcomeLine:
    """One asked study with its sentences; no code where the outcome says it all."""

    row: AskedRow
    code: str | None
    said: Code


@dataclass(frozen=True)
class CodeLine:
    """One code: how many series bear it, where, and what it says."""

    said: Code
    series: int
    sites: tuple[str, ...]
    roles: tuple[str, ...]
    row_ids: tuple[str, ...]


@dataclass(frozen=True)
class ReadLine:
    """What came of one group (site x role): volumes made, pairs drawn, what readers said."""

    site: str
    role: str
    volumes: int
    flagged: int
    pairs: int
    accepted: int
    rejected: int
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SpacingLine:
    """Distinct spacings of one group, as text."""

    site: str
    role: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def sites_of(context: ReportContext) -> tuple[str, ...]:
    """Return the sites asked, sorted."""
    return tuple(sorted({row.site for row in context.rows}))


def attrition(context: ReportContext) -> list[AttritionLine]:
    """Return one line a stage; a study counts at every stage up to the one it reached."""
    lines: list[AttritionLine] = []
    for depth, stage in enumerate(STAGES):
        there = [row for row in context.rows if STAGES.index(row.reached) >= depth]
        counts = Counter(row.site for row in there)
        earlier = lines[-1].total if lines else len(there)
        lines.append(
            AttritionLine(
                stage=stage,
                total=len(there),
                by_site=tuple(counts[site] for site in sites_of(context)),
                lost=earlier - len(there),
                percent=round(100 * len(there) / max(1, len(context.rows))),
            )
        )
    return lines


def outcome_lines(context: ReportContext) -> list[OutcomeLine]:
    """Return one line an asked study, in the order of site and row."""
    ordered = sorted(context.rows, key=lambda r: (r.site, r.row_id))
    return [
        OutcomeLine(r, None if r.code == r.outcome.upper() else r.code, explain_code(r.code))
        for r in ordered
    ]


def code_lines(volumes: tuple[VolumeRow, ...], *, refused: bool) -> list[CodeLine]:
    """Return one line a code, of refused series or of flagged volumes; most frequent first."""
    found: dict[str, list[VolumeRow]] = defaultdict(list)
    for volume in volumes:
        if (volume.verdict == "REJECT") == refused:
            for code in sorted(set(volume.codes)):
                found[code].append(volume)
    return [
        CodeLine(
            said=explain_code(code),
            series=len(rows),
            sites=tuple(sorted({r.site for r in rows})),
            roles=tuple(sorted({role_label(r.role) for r in rows})),
            row_ids=tuple(sorted({r.row_id for r in rows})),
        )
        for code, rows in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


def read_lines(context: ReportContext) -> list[ReadLine]:
    """Return one line a group that has volumes or pairs."""
    made = [v for v in context.volumes if v.verdict != "REJECT" and v.role]
    groups = {(v.site, str(v.role)) for v in made} | {(p.site, p.role) for p in context.packs}
    lines = []
    for site, role in sorted(groups, key=lambda g: (g[0], role_rank(g[1]), g[1])):
        volumes = [v for v in made if (v.site, v.role) == (site, role)]
        packs = [p for p in context.packs if (p.site, p.role) == (site, role)]
        verdicts = Counter(verdict for p in packs for verdict in p.verdicts)
        lines.append(
            ReadLine(
                site=site,
                role=role_label(role),
                volumes=len(volumes),
                flagged=sum(v.verdict == "REVIEW" for v in volumes),
                pairs=len(packs),
                accepted=verdicts["accept"],
                rejected=verdicts["reject"],
                reasons=tuple(sorted({reason for p in packs for reason in p.reasons})),
            )
        )
    return lines


def spacing_lines(context: ReportContext) -> list[SpacingLine]:
    """Return the spacings of every group before and after harmonising."""
    before: dict[tuple[str, str], set[str]] = defaultdict(set)
    after: dict[tuple[str, str], set[str]] = defaultdict(set)
    for volume in context.volumes:
        if volume.verdict == "REJECT" or not volume.role:
            continue
        key = (volume.site, volume.role)
        before[key].add(_spacing_text(volume.source_spacing_mm))
        after[key].add(_spacing_text(volume.spacing_mm))
    return [
        SpacingLine(site, role_label(role), tuple(sorted(before[key])), tuple(sorted(after[key])))
        for key in sorted(before, key=lambda k: (role_rank(k[1]), k[1], k[0]))
        for site, role in [key]
    ]


def gate_sentences(context: ReportContext) -> list[tuple[Code, str]]:
    """Return each reason of a red gate with its sentence and its numbers."""
    split = [reason.partition(": ") for reason in context.gate.reasons]
    return [(explain_code(code), numbers) for code, _, numbers in split]


def _spacing_text(spacing_mm: Spacing | None) -> str:
    """Return ``row × column × slice``, as radiologists write a voxel."""
    if spacing_mm is None:
        return "unknown"
    slices, rows, columns = spacing_mm
    return " × ".join("?" if v is None else f"{v:.4g}" for v in (rows, columns, slices))
