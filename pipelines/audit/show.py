"""An audit's report as a table for a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from pipelines.audit.findings import AuditReport, kinds

__all__ = ["findings_table"]

_SHOWN = 40


def findings_table(report: AuditReport) -> RenderableType:
    """Return the first findings and how many there are of each kind."""
    against = "" if report.against is None else f" against {report.against} originals"
    head = f"{report.files} files ({report.dicom} DICOM){against}: {len(report.findings)} findings"
    if report.clean:
        return head
    table = Table(header_style="bold")
    for column in ("file", "place", "kind"):
        table.add_column(column, overflow="fold")
    for finding in report.findings[:_SHOWN]:
        table.add_row(escape(finding.file), escape(finding.place), escape(finding.kind))
    more = len(report.findings) - _SHOWN
    counts = ", ".join(f"{kind} {n}" for kind, n in kinds(report.findings).items())
    return Group(head, table, *([f"and {more} more"] if more > 0 else []), counts)
