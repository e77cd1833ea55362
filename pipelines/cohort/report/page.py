"""Write the report of a release: one HTML file that asks nothing of any other machine."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from config.files import write_whole
from pipelines.cohort.report import tables
from pipelines.cohort.report.context import ReportContext
from pipelines.cohort.report.pictures import galleries
from pipelines.cohort.report.site_effect import site_effects

__all__ = ["write_report"]


def write_report(folder: Path, context: ReportContext) -> Path:
    """Write ``folder/report.html`` and return its path; equal contexts give equal bytes.

    Pictures and style are inside the file: it can be mailed, archived and opened offline.

    Raises
    ------
    RejectedError
        ``PACK_UNREADABLE`` when a pair named in the context is missing or damaged.
    EnvironmentFault
        When the disk is full or read-only.
    KeyError
        When a row bears a code that the table of codes does not know: a defect.
    """
    environment = Environment(
        loader=PackageLoader("pipelines.cohort.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["commands"] = _commands
    html = environment.get_template("report.html.j2").render(
        context=context,
        sites=tables.sites_of(context),
        attrition=tables.attrition(context),
        outcomes=tables.outcome_lines(context),
        refused=tables.code_lines(context.volumes, refused=True),
        flagged=tables.code_lines(context.volumes, refused=False),
        reads=tables.read_lines(context),
        spacings=tables.spacing_lines(context),
        gate_reasons=tables.gate_sentences(context),
        galleries=galleries(context),
        effects=site_effects(context),
        delivered=sum(v.verdict != "REJECT" for v in context.volumes),
    )
    target = folder / "report.html"
    write_whole(target, html.encode("utf-8"))
    return target


def _commands(sentence: str) -> Markup:
    """Return a sentence with what stands between backticks set as code."""
    parts = [escape(part) for part in sentence.split("`")]
    pieces = [Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts)]
    return Markup("").join(pieces)
