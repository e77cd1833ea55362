"""Resolves a list: every line asked of the PACS, its answer judged, what was broken proposed.

Lines lie in the catalogue from the start and are settled in batches: a run that is killed goes on
where it was, and memory does not grow with the list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError, TransientError
from config.project import Project
from config.site import Site
from pipelines.acquire.asked.judge import Verdict, judge
from pipelines.acquire.asked.lines import Line, batches, read_lines
from pipelines.acquire.asked.repair import Proposal, proposals
from pipelines.acquire.expect import save_study
from pipelines.acquire.gentle import Guard
from pipelines.acquire.pacs import FoundStudy
from pipelines.catalogue.identified import AskedRow, AskedStudy
from pipelines.workspace import Workspace

__all__ = ["Ask", "Choose", "list_id", "resolve_list", "take_in"]

Ask = Callable[[Sequence[Mapping[str, str]]], list[list[FoundStudy]]]
"""Asks the PACS several study-level queries over one association."""
Choose = Callable[[list[FoundStudy]], set[str]]
"""Says which studies the project selects, by UID."""

BATCH = 50
"""Lines asked over one association and settled at once."""
_IGNORED = 10
"""Answers with other numbers than asked from which the PACS takes no notice of the key."""
_NEW, _UNTRIED = "new", "ASKED_NOT_FOUND"


def list_id(path: Path) -> str:
    """Return what names a list: the start of its SHA-256, so that an edited file is another."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ConfigurationError("LIST_UNREADABLE", error.strerror or "", file=path) from None


def resolve_list(
    ws: Workspace, project: Project, site: Site, guard: Guard, asker: tuple[Ask, Choose]
) -> None:
    """Ask for every line that is still open, save the studies found, propose for the rest.

    Raises
    ------
    TransientError
        The PACS went away; the lines settled so far stay settled.
    ConfigurationError
        ``LIST_UNREADABLE``, ``LIST_COLUMN_MISSING``, ``PACS_KEY_IGNORED``.
    """
    assert project.list is not None, "resolve_list is for projects with a list"
    name = take_in(ws, project, site)
    for state, code in ((_NEW, None), ("not_found", _UNTRIED)):
        while page := _page(ws, project, site, name, state, code):
            _settle(ws, project, site, page, guard, asker, repair=state != _NEW)


def take_in(ws: Workspace, project: Project, site: Site) -> str:
    """Copy a list's lines for a site into the catalogue, once; return the list's name."""
    assert project.list is not None, "only a project with a list takes one in"
    path = project.list.file
    name = list_id(path)
    key = (AskedRow.project == project.name, AskedRow.site == site.name, AskedRow.list_id == name)
    known = {one.lower() for one in project.sites}
    with ws.ledger.session() as session:
        last = session.execute(select(func.max(AskedRow.line)).where(*key)).scalar() or 0
    mine = (
        line
        for line in read_lines(path, project.list)
        if line.number > last and _is_mine(line, project, site, known)
    )
    for batch in batches(mine, 500):
        with ws.ledger.session() as session:
            session.add_all(_row(project, site, name, line, known) for line in batch)
    return name


def _is_mine(line: Line, project: Project, site: Site, known: set[str]) -> bool:
    """Tell whether a line is this site's; one that names no site of ours is the first site's."""
    if not line.site:
        return True
    if line.site in known:
        return line.site == site.name.lower()
    return site.name == project.sites[0]


def _row(project: Project, site: Site, name: str, line: Line, known: set[str]) -> AskedRow:
    problem = line.problem
    if line.site and line.site not in known:
        problem = "a site that is not one of the project's"
    return AskedRow(
        project=project.name,
        site=site.name,
        list_id=name,
        line=line.number,
        given=line.accession or line.patient,
        accession_number=line.accession,
        patient_id=line.patient,
        study_date=line.study_date,
        shown=line.shown,
        state="refused" if problem else _NEW,
        code="ASKED_UNUSABLE" if problem else None,
        detail=problem,
        proposal="",
        accepted_by="",
    )


def _page(
    ws: Workspace, project: Project, site: Site, name: str, state: str, code: str | None
) -> list[AskedRow]:
    """Return the next lines in a state, detached; lines not found are tried once for repair."""
    query = (
        select(AskedRow)
        .where(
            AskedRow.project == project.name,
            AskedRow.site == site.name,
            AskedRow.list_id == name,
            AskedRow.state == state,
            AskedRow.proposal == "",
            AskedRow.code.is_(None) if code is None else AskedRow.code == code,
        )
        .order_by(AskedRow.line)
        .limit(BATCH)
    )
    with ws.ledger.session() as session:
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def _settle(
    ws: Workspace,
    project: Project,
    site: Site,
    page: list[AskedRow],
    guard: Guard,
    asker: tuple[Ask, Choose],
    *,
    repair: bool,
) -> None:
    """Ask for a page of lines, as written or as they may be meant, and write the answers."""
    tried = [_repairs(ws, site, row) if repair else [] for row in page]
    numbers = [[p.number for p in made] if repair else [_asked(row)] for row, made in
               zip(page, tried, strict=True)]  # fmt: skip
    keys = [_key(row, n) for row, mine in zip(page, numbers, strict=True) for n in mine]
    answers, chosen = _ask(project, guard, asker, keys) if keys else ([], set())
    rest = iter(answers)
    with ws.ledger.session() as session:
        for detached, mine, made in zip(page, numbers, tried, strict=True):
            row = session.merge(detached)
            verdicts = [judge(row, number, next(rest), chosen) for number in mine]
            if repair:
                _propose(row, made, verdicts)
            else:
                _write(session, ws, project, site, row, verdicts[0], guard.clock.now())


def _asked(row: AskedRow) -> str:
    return row.accession_number or row.patient_id


def _key(row: AskedRow, number: str) -> dict[str, str]:
    return {"AccessionNumber" if row.accession_number else "PatientID": number}


def _ask(
    project: Project, guard: Guard, asker: tuple[Ask, Choose], keys: list[dict[str, str]]
) -> tuple[list[list[FoundStudy]], set[str]]:
    """Return the answers to each key, and the UIDs of those the project selects."""
    ask, choose = asker
    stop = guard.stop(images=False)
    if stop is not None:
        raise TransientError(stop.code)
    try:
        with guard.turn(project.name, studies=0):
            answers = ask(keys)
            for key, found in zip(keys, answers, strict=True):
                _check_key(key, found)
            exact = {s.study_uid: s for found in answers for s in found}
            return answers, choose(list(exact.values()))
    except TransientError as error:
        guard.failed(error.code)
        raise


def _check_key(key: Mapping[str, str], found: Sequence[FoundStudy]) -> None:
    """Stop before thousands of questions to a PACS that answers each with everything it has."""
    keyword, number = next(iter(key.items()))
    own = [s.accession_number if keyword == "AccessionNumber" else s.patient_id for s in found]
    if len(own) >= _IGNORED and number not in own:
        raise ConfigurationError("PACS_KEY_IGNORED", keyword)


def _repairs(ws: Workspace, site: Site, row: AskedRow) -> list[Proposal]:
    known = site.identifiers
    digits = known.accession_digits if row.accession_number else known.patient_digits
    return proposals(_asked(row), row.shown, digits, _found_digits(ws, row))


def _found_digits(ws: Workspace, row: AskedRow) -> Iterator[int]:
    """Yield the lengths of the list's numbers that the PACS knows, the most frequent first."""
    column = AskedRow.accession_number if row.accession_number else AskedRow.patient_id
    query = (
        select(func.length(column))
        .where(
            AskedRow.project == row.project,
            AskedRow.site == row.site,
            AskedRow.list_id == row.list_id,
            AskedRow.state == "found",
            column != "",
        )
        .group_by(func.length(column))
        .order_by(func.count().desc())
        .limit(2)
    )
    with ws.ledger.session() as session:
        yield from session.scalars(query).all()


def _propose(row: AskedRow, made: Sequence[Proposal], verdicts: Sequence[Verdict]) -> None:
    """Write the repairs under which the PACS has a study; the line itself stays as it is."""
    fitting = [
        {"number": proposal.number, "evidence": proposal.evidence}
        for proposal, verdict in zip(made, verdicts, strict=True)
        if verdict.state == "found"
    ]
    row.proposal = json.dumps(fitting, ensure_ascii=False)
    if fitting:
        row.code = "ASKED_PROPOSED"
        row.detail = "; ".join(one["evidence"] for one in fitting)


def _write(
    session: Session,
    ws: Workspace,
    project: Project,
    site: Site,
    row: AskedRow,
    verdict: Verdict,
    now: float,
) -> None:
    row.state, row.code, row.detail = verdict.state, verdict.code, verdict.detail
    for study in verdict.studies:
        row_id = save_study(session, ws, project, site, study, now)
        key = (row.project, row.site, row.list_id, row.line, row_id)
        if session.get(AskedStudy, key) is None:
            session.add(
                AskedStudy(project=key[0], site=key[1], list_id=key[2], line=key[3], row_id=row_id)
            )
