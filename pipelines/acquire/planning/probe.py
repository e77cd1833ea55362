"""The probe: what a PACS can do, what it does wrong, and how fast each way to it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import yaml
from pynetdicom import build_context

from config.errors import AccordageError
from config.site import PacsNode, Site
from pipelines.acquire.clock import Clock, SystemClock
from pipelines.acquire.pacs import (
    ExpectedInstance,
    FoundStudy,
    ReceivedObject,
    echo,
    find_by,
    find_instances,
    retrieve_study,
)
from pipelines.acquire.pacs.connection import connect
from pipelines.acquire.pacs.windows import Window, sweep
from pipelines.acquire.planning.probe_web import probe_web
from pipelines.acquire.planning.speed import Speed
from pipelines.acquire.resolve import pacs_of

__all__ = ["Probe", "probe", "proposed_site"]

SERVICES = {
    "C-FIND patient root": "1.2.840.10008.5.1.4.1.2.1.1",  # PS3.4 sections C.4.1.1 to C.4.3.1
    "C-FIND study root": "1.2.840.10008.5.1.4.1.2.2.1",
    "C-MOVE patient root": "1.2.840.10008.5.1.4.1.2.1.2",
    "C-MOVE study root": "1.2.840.10008.5.1.4.1.2.2.2",
    "C-GET patient root": "1.2.840.10008.5.1.4.1.2.1.3",
    "C-GET study root": "1.2.840.10008.5.1.4.1.2.2.3",
}
_BACK_DAYS = (2, 14, 90, 365, 3650, 36500)
_IMPROBABLE = {"AccessionNumber": "ZZ0ACCORDAGE", "PatientID": "ZZ0ACCORDAGE"}
_LARGEST = 2000
"""Instances of the largest study that is fetched to measure speed."""


@dataclass
class Probe:
    """What was found out of one PACS; holds nothing of a patient."""

    site: str
    echo_ms: float = 0.0
    services: list[str] = field(default_factory=list)
    """Services it accepts a presentation context for."""
    levels: list[str] = field(default_factory=list)
    """Levels at which a query was answered."""
    tells: list[str] = field(default_factory=list)
    """Optional attributes it returns."""
    quirks: list[str] = field(default_factory=list)
    answers_per_query: int | None = None
    speeds: list[Speed] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    """Recommended order."""

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**vars(self), "speeds": [one.as_json() for one in self.speeds]}


def probe(
    site: Site,
    *,
    dicomweb: str | None = None,
    clock: Clock | None = None,
    today: date | None = None,
) -> Probe:
    """Ask a PACS what it can do, and fetch one small study by each method, thrown away.

    Parameters
    ----------
    dicomweb : str, optional
        URL of its DICOMweb service.
    clock : Clock, optional
        Measures speed; the machine's own when none is given.
    today : date, optional
        From which day back studies are looked for.

    Raises
    ------
    TransientError, ConfigurationError
        The PACS cannot be reached or does not know us: there is nothing to find out.
    """
    node, clock = pacs_of(site), clock or SystemClock()
    found = Probe(site.name)
    found.echo_ms = round(1000 * echo(node), 1)
    found.services = _services(node)
    studies, window = _some_studies(node, today or datetime.now().date())  # noqa: DTZ005 a day
    if not studies:
        found.quirks.append("no study was found at all")
        return found
    found.levels.append("STUDY")
    _look_at_answers(found, studies)
    _look_for_cap(found, node, window, len(studies))
    _look_at_keys(found, node, studies)
    study = min(studies, key=lambda s: (s.instance_count or _LARGEST, s.study_uid))
    instances = find_instances(node, study.study_uid)
    _look_at_list(found, study, instances)
    if 0 < len(instances) <= _LARGEST:
        found.speeds = _speeds(found, node, study, instances, clock)
        if dicomweb:
            found.speeds.append(probe_web(dicomweb, study.study_uid, clock))
    works = [s for s in found.speeds if s.instances == len(instances)]
    found.methods = [s.method for s in sorted(works, key=lambda s: s.seconds)]
    return found


def _services(node: PacsNode) -> list[str]:
    """Return the services for which a presentation context is accepted."""
    with connect(node, [build_context(uid) for uid in SERVICES.values()]) as connection:
        accepted = {str(one.abstract_syntax) for one in connection.assoc.accepted_contexts}
    return [name for name, uid in SERVICES.items() if uid in accepted]


def _some_studies(node: PacsNode, today: date) -> tuple[list[FoundStudy], Window]:
    """Return the studies of the last days, of ever more of them until there are some."""
    window = Window(today, today)
    for days in _BACK_DAYS:
        window = Window(today - timedelta(days=min(days, (today - date(1900, 1, 1)).days)), today)
        (found,) = find_by(node, [{"StudyDate": window.study_date}])
        if found:
            return found, window
    return [], window


def _look_at_answers(found: Probe, studies: list[FoundStudy]) -> None:
    told = {
        "NumberOfStudyRelatedInstances": lambda s: s.instance_count is not None,
        "NumberOfStudyRelatedSeries": lambda s: s.series_count is not None,
        "ModalitiesInStudy": lambda s: bool(s.modalities),
        "InstanceAvailability": lambda s: bool(s.availability),
        "StudyTime": lambda s: bool(s.study_time),
        "IssuerOfPatientID": lambda s: bool(s.issuer),
    }
    found.tells = [name for name, is_told in told.items() if any(map(is_told, studies))]


def _look_for_cap(found: Probe, node: PacsNode, window: Window, number: int) -> None:
    """Split the days in two and compare: a cap shows itself by halves that hold more."""

    def ask(part: Window) -> list[FoundStudy]:
        keys = {"StudyDate": part.study_date, "StudyTime": part.study_time}
        return find_by(node, [keys])[0]

    swept = sweep(window, ask)
    found.answers_per_query = swept.cap
    if swept.cap is not None:
        found.quirks.append(f"gives at most {swept.cap} answers and calls that success")
    elif len(swept.studies) != number:
        found.quirks.append("gives other answers to the same question")


def _look_at_keys(found: Probe, node: PacsNode, studies: list[FoundStudy]) -> None:
    """Ask for what cannot be there: answers show that a key is ignored."""
    for keyword, value in _IMPROBABLE.items():
        if find_by(node, [{keyword: value}])[0]:
            found.quirks.append(f"ignores {keyword} in queries")
    day = studies[0].study_date
    for keys in ({"ModalitiesInStudy": "ZZ"}, {"StudyTime": "000000-000000"}):
        name = next(iter(keys))
        answers = find_by(node, [{"StudyDate": day} | keys])[0]
        if name == "StudyTime":
            answers = [s for s in answers if s.study_time.strip("0.:")]
        if answers:
            found.quirks.append(f"ignores {name} in queries")


def _look_at_list(found: Probe, study: FoundStudy, listed: list[ExpectedInstance]) -> None:
    if listed:
        found.levels += ["SERIES", "IMAGE"]
    else:
        found.quirks.append("lists no instance of a study")
    if study.instance_count is not None and study.instance_count != len(listed):
        found.quirks.append(f"counts {study.instance_count} instances and lists {len(listed)}")
    if any(one.pixel_bytes for one in listed):
        found.tells.append("Rows, Columns")
    if any(one.transfer_syntax_uid for one in listed):
        found.tells.append("AvailableTransferSyntaxUID")


def _speeds(
    found: Probe,
    node: PacsNode,
    study: FoundStudy,
    instances: list[ExpectedInstance],
    clock: Clock,
) -> list[Speed]:
    """Fetch the study by each DIMSE method it accepts."""
    offered = {"c-get": "C-GET study root", "c-move": "C-MOVE study root"}
    return [
        _speed(node, method, study, instances, clock)
        for method, service in offered.items()
        if service in found.services
    ]


def _speed(
    node: PacsNode,
    method: str,
    study: FoundStudy,
    instances: list[ExpectedInstance],
    clock: Clock,
) -> Speed:
    sizes: list[int] = []
    sink: Callable[[ReceivedObject], None] = lambda one: sizes.append(len(one.dataset))  # noqa: E731
    only = node.model_copy(update={"methods": (method,), "retries": 0})
    start, code = clock.now(), None
    try:
        report = retrieve_study(only, study.study_uid, instances, sink, wait=clock.wait)
        code = next(iter(report.flags), report.code)
    except AccordageError as error:
        code = error.code
    return Speed(method, len(sizes), sum(sizes), clock.now() - start, code)


def proposed_site(site: Site, found: Probe) -> str:
    """Return the site file a probe proposes, as YAML with the numbers it rests on."""
    facts = site.model_dump(mode="json", exclude_defaults=True)
    retrieving = {"c-get", "c-move"}
    if retrieving & set(found.methods):
        facts["pacs"]["methods"] = found.methods
    if found.answers_per_query is not None:
        facts["pacs"].setdefault("limits", {})["answers_per_query"] = found.answers_per_query
    lines = ["# Proposed by `accordage pacs probe`; read it before you use it."]
    lines += [f"# {one.as_text()}" for one in found.speeds]
    lines += [f"# Quirk: {quirk}." for quirk in found.quirks]
    lines.append(f"# Tells: {', '.join(found.tells) or 'nothing beyond what it must'}.")
    return "\n".join(lines) + "\n" + yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)
