"""Resolve: ask a PACS which studies match, and save what to expect of each before images move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice

from sqlalchemy import func, select

from config.errors import ConfigurationError, TransientError
from config.project import Project
from config.site import PacsNode, Site
from pipelines.acquire.asked.resolve_list import Ask, Choose, resolve_list
from pipelines.acquire.clock import Clock, SystemClock
from pipelines.acquire.expect import SETTLED, ToList, save_list, save_study, to_list
from pipelines.acquire.gentle import Guard
from pipelines.acquire.pacs import (
    ExpectedInstance,
    FoundStudy,
    find_by,
    find_instances,
    selected,
    sweep_studies,
)
from pipelines.acquire.pacs.windows import LEAST_CAP, Window, sweep
from pipelines.catalogue import identified as table
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["SAMPLE", "SETTLED", "pacs_of", "resolve"]

ASKS = 3
"""How often a study's instances are asked for while fewer are listed than counted."""

SAMPLE = 20
"""Studies of each modality that a forecast lists, to learn how large they are."""

_CHUNK = 25
"""Studies for which one association's place at the PACS is held."""


def pacs_of(site: Site) -> PacsNode:
    """Return the site's PACS.

    Raises
    ------
    ConfigurationError
        ``SITE_WITHOUT_PACS``.
    """
    if site.pacs is None:
        raise ConfigurationError("SITE_WITHOUT_PACS", site.name)
    return site.pacs


def resolve(
    ws: Workspace,
    project: Project,
    site: Site,
    *,
    since: date | None = None,
    until: date | None = None,
    sample: bool = False,
    clock: Clock | None = None,
) -> StageAccount:
    """Save a row and its expected instances for every study of the project at a site.

    A row whose study has not grown since it was listed is left alone, and nothing is asked of the
    PACS below study level; one that was fresh then is looked at again once.

    Parameters
    ----------
    since, until : date, optional
        Narrow the project's dates; a list is not narrowed.
    sample : bool
        For a forecast: list some studies of each modality only.
    clock : Clock, optional
        The machine's own when none is given.

    Raises
    ------
    TransientError
        The PACS refused, timed out or went away, or is left alone for now
        (``PACS_BREAKER_OPEN``); rows saved so far stay.
    ConfigurationError
        The list cannot be read, or the PACS does not answer such a query.
    """
    node = pacs_of(site)
    clock = clock or SystemClock()
    guard = Guard(ws.ledger, site.name, node, clock)
    with timed(StageAccount("resolve", project.name, site.name)) as account:
        if project.list is not None:
            resolve_list(ws, project, site, guard, _asker(node, clock, project))
        else:
            _sweep(ws, project, site, guard, (since, until), account)
        _list_all(ws, project, site, guard, account, sample=sample)
        account.skipped = _rows(ws, project, site) - account.done
    ws.keep_account(account)
    return account


@contextmanager
def _asking(guard: Guard, project: Project) -> Iterator[None]:
    """Hold a place at the PACS for queries; note whether it answered."""
    stop = guard.stop(images=False)
    if stop is not None:
        raise TransientError(stop.code)
    try:
        with guard.turn(project.name, studies=0):
            yield
    except TransientError as error:
        guard.failed(error.code)
        raise


def _asker(node: PacsNode, clock: Clock, project: Project) -> tuple[Ask, Choose]:
    """Return what asks the PACS for single keys, and what says which answers are selected."""

    def ask(keys: Sequence[Mapping[str, str]]) -> list[list[FoundStudy]]:
        answers = find_by(node, keys, wait=clock.wait)
        return [_whole(key, found) for key, found in zip(keys, answers, strict=True)]

    def _whole(key: Mapping[str, str], found: list[FoundStudy]) -> list[FoundStudy]:
        """Return every study of a patient who has more than a PACS might give at once."""
        if "PatientID" not in key or len(found) < LEAST_CAP:
            return found
        days = project.select.study_date

        def part(window: Window) -> list[FoundStudy]:
            times = {"StudyDate": window.study_date, "StudyTime": window.study_time}
            return find_by(node, [{**key, **times}], wait=clock.wait)[0]

        swept = sweep(Window(days.first, days.last), part, node.limits.answers_per_query)
        if swept.short:
            raise TransientError("PACS_ANSWERS_CAPPED", f"{len(swept.short)} windows")
        return [*({s.study_uid: s for s in found} | swept.studies).values()]

    def choose(studies: list[FoundStudy]) -> set[str]:
        return selected(node, studies, project.select)

    return ask, choose


def _sweep(
    ws: Workspace,
    project: Project,
    site: Site,
    guard: Guard,
    days: tuple[date | None, date | None],
    account: StageAccount,
) -> None:
    """Save every study of the project's days."""
    node, clock = guard.node, guard.clock
    with _asking(guard, project):
        found = sweep_studies(node, project.select, *days, wait=clock.wait)
    studies = sorted(found.studies.values(), key=lambda s: s.study_uid)
    while studies:
        with ws.ledger.session() as session:
            for study in studies[:200]:
                save_study(session, ws, project, site, study, clock.now())
        studies = studies[200:]
    for _ in found.short:
        account.refuse("PACS_ANSWERS_CAPPED")


def _list_all(
    ws: Workspace,
    project: Project,
    site: Site,
    guard: Guard,
    account: StageAccount,
    *,
    sample: bool,
) -> None:
    """List the instances of every row that needs it; of some of each modality for a forecast."""
    waiting = to_list(ws, project, site, guard.clock.now())
    if sample:
        waiting = _sample(ws, project, site, waiting)
    ws.progress.begin("resolve", 0)
    while chunk := list(islice(waiting, _CHUNK)):
        ws.progress.begin("resolve", len(chunk))
        with _asking(guard, project):
            for one in chunk:
                save_list(ws, one, _list(guard, one), guard.clock.now())
                account.done += 1
                ws.progress.advance("resolve")


def _list(guard: Guard, one: ToList) -> list[ExpectedInstance]:
    """Return the study's instances; asked again while they are fewer than the PACS counts."""
    found: dict[str, ExpectedInstance] = {}
    for _ in range(ASKS):
        listed = find_instances(guard.node, one.study_uid, wait=guard.clock.wait)
        found |= {instance.sop_uid: instance for instance in listed}
        if len(found) >= (one.instance_count or 0):
            break
    return [found[uid] for uid in sorted(found)]


def _sample(
    ws: Workspace, project: Project, site: Site, waiting: Iterator[ToList]
) -> Iterator[ToList]:
    """Yield rows until each modality has its sample, those listed before counted."""
    row, plan = table.RequestRow, table.StudyPlan
    query = (
        select(plan.modality, func.count())
        .join(row, row.row_id == plan.row_id)
        .where(row.project == project.name, row.site == site.name, plan.listed_at.is_not(None))
        .group_by(plan.modality)
    )
    with ws.ledger.session() as session:
        listed = Counter({str(row[0]): int(row[1]) for row in session.execute(query)})
    for one in waiting:
        if listed[one.modality] < SAMPLE:
            listed[one.modality] += 1
            yield one


def _rows(ws: Workspace, project: Project, site: Site) -> int:
    row = table.RequestRow
    query = select(func.count()).where(row.project == project.name, row.site == site.name)
    with ws.ledger.session() as session:
        return int(session.execute(query).scalar_one())
