"""What people see on a terminal: bars, tables, one clear line for an error. Prints nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from config.codes import codes
from config.errors import AccordageError
from pipelines.progress import StageAccount

if TYPE_CHECKING:  # what replays loads SimpleITK: 110 MB that no other table needs
    from pipelines.prepare.replay_file import Replayed

__all__ = [
    "Bars",
    "accounts_table",
    "checks_table",
    "demo_summary",
    "error_lines",
    "forecast_view",
    "plan_table",
    "probe_view",
    "replay_lines",
    "status_view",
    "volumes_table",
]


UID_SHOWN = 10
"""Last characters of a UID shown in a table."""


class Bars:
    """Progress bars on standard error, one a stage; silent where it is not a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
        )
        self._stages: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def begin(self, stage: str, total: int) -> None:
        """Add ``total`` studies to the stage's bar."""
        if stage not in self._stages:
            self._stages[stage] = self._bars.add_task(stage, total=0)
        task = self._bars.tasks[self._bars.task_ids.index(self._stages[stage])]
        self._bars.update(self._stages[stage], total=(task.total or 0) + total)

    def advance(self, stage: str) -> None:
        """Move the stage's bar by one study."""
        self._bars.advance(self._stages[stage])


def error_lines(error: AccordageError) -> str:
    """Return one clear line: code, sentence, detail, what to do."""
    known = codes().get(error.code)
    if known is None:
        return f"error: {error}"
    detail = f" ({error.detail})" if error.detail and "\n" not in error.detail else ""
    below = f"\n{error.detail}" if "\n" in error.detail else ""
    return f"error: {error.code}: {known.en}{detail} {known.next_en}{below}"


def replay_lines(made: Replayed) -> str:
    """Return whether a file came out the same and, if not, where it first did not."""
    if made.identical:
        lines = [f"identical: {made.volume_id}, {made.steps} steps, bit for bit"]
    else:
        known = codes()[made.code]
        lines = [f"different: {made.detail}", f"{made.code}: {known.en} {known.next_en}"]
    if made.model:
        lines.append(f"model {made.model[:12]} is not in the store; its numbers are in the record")
    lines += [
        f"made with {name} {recorded}, replayed with {here}"
        for name, (recorded, here) in made.versions.items()
    ]
    return "\n".join(lines)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", min_width=60)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def accounts_table(accounts: Sequence[StageAccount], *, as_json: bool) -> Any:
    """Return what stages did."""
    if as_json:
        return [asdict(a) for a in accounts]
    names = ("stage", "site", "done", "as before", "refused", "waiting", "seconds")
    table = _table("", *names)
    for a in accounts:
        refused, waiting = (
            ", ".join(f"{code} {n}" for code, n in sorted(codes_of.items()))
            for codes_of in (a.refused, a.waiting)
        )
        cells = (a.stage, a.site, str(a.done), str(a.skipped), refused, waiting)
        table.add_row(*cells, f"{a.seconds:.1f}")
    return table


def forecast_view(forecasts: Sequence[Any]) -> RenderableType:
    """Return what would come from every site, how long it takes, and what would not come."""
    parts: list[RenderableType] = []
    for one in forecasts:
        table = _table(one.site, "what", "n")
        for modality, counts in sorted(one.by_modality.items()):
            table.add_row(f"{modality} studies", f"{counts['studies']}")
            table.add_row(f"{modality} images", f"{counts['instances']}")
        table.add_row("still to fetch", f"{one.waiting_studies} studies")
        table.add_row("size", f"{one.waiting_bytes / 1e9:.3f} GB of {one.bytes / 1e9:.3f} GB")
        table.add_row("nights", "never ends" if one.nights is None else str(one.nights))
        table.add_row("ends", one.ends_at)
        known = "measured" if one.rate_is_known else "supposed"
        table.add_row(f"rate, {known}", f"{one.bytes_per_s / 1e6:.1f} MB/s")
        for state, n in one.lines.items():
            table.add_row(f"lines {state}", str(n))
        for code, n in one.problems.items():
            table.add_row(f"  {code}: {codes()[code].en}", str(n))
        parts.append(table)
    return Group(*parts)


def volumes_table(rows: Sequence[Any], *, as_json: bool) -> Any:
    """Return the manifest's rows."""
    if as_json:
        return [asdict(r) for r in rows]
    table = _table("", "subject", "volume", "role", "verdict", "codes", "spacing mm", "unit")
    for r in rows:
        spacing = " ".join("-" if s is None else f"{s:g}" for s in r.spacing_mm or [])
        cells = (r.subject, r.volume_id, r.role, r.verdict, " ".join(r.codes), spacing, r.unit)
        table.add_row(*(escape(str(c or "")) for c in cells))
    return table


def plan_table(rows: Sequence[dict[str, Any]]) -> RenderableType:
    """Return what would be made of every series, short enough for a terminal; JSON has it all."""
    table = _table("planned, no pixel read", "series", "role", "geometry", "steps or codes")
    for row in rows:
        steps = [str(step["step"]) for step in row.get("steps") or ()]
        does = (", ".join(steps) or "as it is") if row.get("volume_id") else ""
        codes_of = " ".join(row.get("codes") or ())
        b_value = row.get("b_value")
        role = str(row.get("role") or "") + ("" if b_value is None else f" b {b_value:g}")
        role += f" {row['side']}" if row.get("side") else ""
        cells = (_ending(str(row.get("series_uid") or "")), role, str(row.get("geometry") or ""))
        table.add_row(*(escape(c) for c in (*cells, " ".join(filter(None, (does, codes_of))))))
    return table


def _ending(uid: str) -> str:
    """Return the part of a UID that tells series apart."""
    return uid if len(uid) <= UID_SHOWN else f"…{uid[-UID_SHOWN:]}"


def checks_table(checks: Sequence[Any]) -> RenderableType:
    """Return what ``doctor`` looked at."""
    table = _table("", "check", "", "found", "to mend")
    for c in checks:
        table.add_row(c.name, "fine" if c.fine else "MEND", c.found, "" if c.fine else c.mend)
    return table


def probe_view(found: Any) -> RenderableType:
    """Return what was found out of a PACS, and which order of methods follows from it."""
    table = _table(found.site, "what", "found")
    table.add_row("C-ECHO", f"{found.echo_ms:g} ms")
    table.add_row("services", ", ".join(found.services))
    table.add_row("query levels", ", ".join(found.levels))
    table.add_row("tells", ", ".join(found.tells))
    cap = found.answers_per_query
    table.add_row("answers a query", "no limit seen" if cap is None else str(cap))
    for one in found.speeds:
        table.add_row("speed", one.as_text())
    for quirk in found.quirks:
        table.add_row("quirk", quirk)
    table.add_row("recommended", ", ".join(found.methods) or "none worked")
    return table


def status_view(facts: dict[str, Any]) -> RenderableType:
    """Return the state of every project."""
    parts: list[RenderableType] = [
        f"{facts['home']}, {facts['disk_free_bytes'] / 1024**3:.1f} GiB free"
    ]
    for p in facts["projects"]:
        table = _table(f"{p['project']}: {p['rows']} studies, {p['volumes']} volumes", "what", "n")
        for outcome, n in p["outcomes"].items():
            table.add_row(outcome, str(n))
        for code, n in p["refusals"].items():
            table.add_row(f"  {code}: {codes()[code].en}" if code in codes() else code, str(n))
        parts.append(table)
        if p["gate"] is not None:
            gate = "green" if p["gate"]["green"] else "; ".join(p["gate"]["reasons"])
            parts.append(f"gate: {gate}")
        parts += [f"release v{r['version']}" for r in p["releases"]]
    return Group(*parts)


def demo_summary(releases: Sequence[Any]) -> RenderableType:
    """Return where the demo's cohorts and reports lie."""
    lines = []
    for r in releases:
        lines.append(f"[bold]{r.project}[/bold] v{r.version} (SIMULATED reader)")
        lines += [f"  cohort  {r.folder}", f"  report  {r.folder / 'report.html'}"]
        lines.append(f"  manifest sha256 {r.manifest_sha256}")
    return "\n".join(lines)
