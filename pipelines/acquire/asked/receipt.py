"""The receipt of a list: every line with its outcome; and the acceptance of proposed repairs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import groupby

from sqlalchemy import Select, select

from config.codes import explain_code
from pipelines.acquire.expect import SETTLED
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.identified import AskedRow, AskedStudy, RequestRow

__all__ = ["LineReceipt", "Proposed", "accept", "proposed", "receipt", "receipt_csv"]

_LEAST = ("refused", "not_found", "filtered", "ambiguous", "offline", "partial", "found")
"""Outcomes that say of a line with several studies that one of them is missing, worst first."""


@dataclass(frozen=True)
class LineReceipt:
    """What became of one line. Names the line, not what it says."""

    line: int
    site: str
    outcome: str
    code: str
    detail: str
    studies: int
    sentence_en: str
    sentence_fr: str
    next_en: str
    next_fr: str


@dataclass(frozen=True)
class Proposed:
    """A repair that waits for somebody to accept it. Identified."""

    site: str
    line: int
    given: str
    proposal: str
    evidence: str


def receipt(ledger: Catalogue, project: str) -> Iterator[LineReceipt]:
    """Yield every line of a project's lists once for each site that knows it, in order.

    A line that one site found is not listed as missing at the others.
    """
    for _, answers in groupby(_answers(ledger, project), key=lambda one: one.line):
        mine = list(answers)
        known = [one for one in mine if one.outcome != "not_found"]
        yield from known or mine[:1]


def receipt_csv(ledger: Catalogue, project: str) -> str:
    """Return the receipt as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [f.name for f in fields(LineReceipt)], lineterminator="\n")
    writer.writeheader()
    for one in receipt(ledger, project):
        writer.writerow(asdict(one))
    return stream.getvalue()


def _answers(ledger: Catalogue, project: str) -> Iterator[LineReceipt]:
    query = (
        select(AskedRow)
        .where(AskedRow.project == project)
        .order_by(AskedRow.list_id, AskedRow.line, AskedRow.site)
        .execution_options(yield_per=500)
    )
    with ledger.session() as session:
        for row in session.scalars(query):
            rows = session.execute(
                select(RequestRow.outcome, RequestRow.code, RequestRow.detail)
                .join(AskedStudy, AskedStudy.row_id == RequestRow.row_id)
                .where(
                    AskedStudy.project == project,
                    AskedStudy.site == row.site,
                    AskedStudy.list_id == row.list_id,
                    AskedStudy.line == row.line,
                )
            ).all()
            yield _of(row, [(o, c, d) for o, c, d in rows])


def _of(row: AskedRow, studies: Sequence[tuple[str, str | None, str]]) -> LineReceipt:
    outcome, code, detail = row.state, row.code, row.detail
    if outcome == "new":
        outcome, code, detail = "not_asked", "FOUND", "not asked yet"
    elif outcome == "found" and studies:
        worst = [s for name in _LEAST for s in studies if s[0] == name]
        outcome, code, detail = (worst or list(studies))[0]
    known = "COMPLETE" if outcome in SETTLED else "FOUND"
    words = explain_code(code or known)
    return LineReceipt(
        row.line,
        row.site,
        outcome,
        code or known,
        detail,
        len(studies),
        words.en,
        words.fr,
        words.next_en,
        words.next_fr,
    )


def proposed(ledger: Catalogue, project: str) -> list[Proposed]:
    """Return the repairs that wait, in order of site and line."""
    with ledger.session() as session:
        return [
            Proposed(row.site, row.line, row.given, one["number"], one["evidence"])
            for row in session.scalars(_waiting(project))
            for one in json.loads(row.proposal)
        ]


def accept(ledger: Catalogue, project: str, lines: Sequence[int] | None, by: str) -> int:
    """Accept the only proposal of each line (of all lines when None); return how many.

    The line keeps what was given and who accepted the repair; it is asked for anew. A line with
    several proposals is left: which is right is for its author to say, in the list.
    """
    accepted = 0
    with ledger.session() as session:
        for row in session.scalars(_waiting(project)):
            made = json.loads(row.proposal)
            if len(made) != 1 or (lines is not None and row.line not in lines):
                continue
            if row.accession_number:
                row.accession_number = made[0]["number"]
            else:
                row.patient_id = made[0]["number"]
            row.state, row.code, row.accepted_by = "new", None, by
            row.detail, row.proposal = "", ""
            accepted += 1
    return accepted


def _waiting(project: str) -> Select[tuple[AskedRow]]:
    return (
        select(AskedRow)
        .where(AskedRow.project == project, AskedRow.code == "ASKED_PROPOSED")
        .order_by(AskedRow.site, AskedRow.list_id, AskedRow.line)
    )
