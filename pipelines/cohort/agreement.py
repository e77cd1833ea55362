"""How readers agree, with themselves and with each other, and whether they were blind.

Raw agreement and the share of accepts stand beside kappa: where nearly everything is accepted,
kappa falls to nothing though readers agree (Feinstein and Cicchetti 1990, J Clin Epidemiol 43:543).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

from scipy.stats import binomtest
from sqlalchemy import select

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead, Decision, Pack
from pipelines.cohort.controls import noticed
from pipelines.cohort.strata import site_and_role

__all__ = [
    "Agreement",
    "PairOfReaders",
    "ReaderFigures",
    "Share",
    "agreement",
    "alpha",
    "kappa",
    "vgc",
]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Share:
    """So many of so many, with the exact 95 % interval (Clopper and Pearson 1934)."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper limit, None of nothing."""
        if not self.of:
            return None
        found = binomtest(self.hits, self.of).proportion_ci(CONFIDENCE, "exact")
        return float(found.low), float(found.high)


@dataclass(frozen=True)
class ReaderFigures:
    """What the controls and the answers say of one reader.

    ``left`` is how often they preferred the left pane: a half, unless they favour a side.
    ``same_again`` is how often a repeat got the verdict of the first time.
    """

    reader: str
    pairs: int
    median_seconds: float | None
    accepted: Share
    left: Share
    saw_differences_in_identical: Share
    same_again: Share
    noticed_spoilt: Share


@dataclass(frozen=True)
class PairOfReaders:
    """Two readers on the pairs both read."""

    one: str
    other: str
    both: int
    agreed: Share
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """The figures an officer sees of a project's reading.

    ``blinding`` is the share of right guesses of which side was processed; a half is blind.
    ``blinding_index`` is Bang's (2004, Control Clin Trials 25:143): 0 blind, 1 not at all.
    """

    readers: tuple[ReaderFigures, ...]
    between: tuple[PairOfReaders, ...]
    alpha: float | None
    preferred_harmonised: Share
    blinding: Share
    vgc: dict[str, float] = field(default_factory=dict)
    """Area under the visual grading characteristics curve by criterion (Bath and Mansson 2007, Br J
    Radiol 80:169): how often the harmonised side is rated higher, ties by half; 0.5 is no
    difference. Ratings are ranks, so no mean is taken."""
    like_reference: dict[str, Share] = field(default_factory=dict)
    """How often the harmonised side was taken for the reference site's, by site; a half is no
    effect, one is a site that looks like the reference site."""

    @property
    def blinding_index(self) -> float | None:
        """Twice the share of right guesses, less one."""
        share = self.blinding.value
        return None if share is None else 2 * share - 1


def agreement(catalogue: Catalogue, project: str) -> Agreement:
    """Return the figures of a project; a reader's last word on a pair counts."""
    with catalogue.session() as session:
        packs = session.execute(select(Pack.sha256, Pack.stratum).where(Pack.project == project))
        shown = {row.sha256: row.stratum for row in packs}
        chosen = select(Decision).where(Decision.project == project, Decision.kind == "read")
        rows = session.scalars(chosen.order_by(Decision.decision_id)).all()
        controls = session.scalars(
            select(ControlRead).where(ControlRead.project == project).order_by(ControlRead.read_id)
        ).all()
        session.expunge_all()
    reads: dict[str, dict[str, Decision]] = defaultdict(dict)
    for row in rows:
        if row.pack_sha256 in shown:
            reads[row.reader][row.pack_sha256] = row
    verdicts = {r: {d: row.verdict for d, row in of.items()} for r, of in reads.items()}
    everything = [row for of in reads.values() for row in of.values()]
    return Agreement(
        tuple(_figures(r, reads[r], controls) for r in sorted(reads)),
        tuple(_between(a, b, verdicts) for a, b in combinations(sorted(verdicts), 2)),
        alpha(verdicts),
        _share(everything, "preferred", "after"),
        _share(everything, "guessed", "after"),
        _vgc_by_criterion(everything),
        _like_by_site(controls, shown),
    )


def vgc(before: Sequence[int], after: Sequence[int]) -> float:
    """Return how often a rating of ``after`` is above one of ``before``, ties by half."""
    won = sum((a > b) + 0.5 * (a == b) for a in after for b in before)
    return won / (len(before) * len(after))


def kappa(one: Mapping[str, str], other: Mapping[str, str]) -> float | None:
    """Return Cohen's kappa over what both judged (1960); None where chance alone would agree."""
    both = sorted(one.keys() & other.keys())
    if not both:
        return None
    observed = sum(one[k] == other[k] for k in both) / len(both)
    first, second = Counter(one[k] for k in both), Counter(other[k] for k in both)
    expected = sum(first[v] * second[v] for v in first) / len(both) ** 2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def alpha(verdicts: Mapping[str, Mapping[str, str]]) -> float | None:
    """Return Krippendorff's alpha for nominal data with missing reads (2011).

    None where nothing was read twice, or where every verdict is the same.
    """
    by_pair: dict[str, list[str]] = defaultdict(list)
    for of in verdicts.values():
        for digest, verdict in of.items():
            by_pair[digest].append(verdict)
    twice = [given for given in by_pair.values() if len(given) > 1]
    total = Counter(v for given in twice for v in given)
    n = sum(total.values())
    if len(total) < 2:
        return None
    unlike = sum(sum(a != b for a in given for b in given) / (len(given) - 1) for given in twice)
    expected = sum(total[a] * total[b] for a in total for b in total if a != b) / (n - 1)
    return 1 - unlike / expected


def _vgc_by_criterion(rows: Sequence[Decision]) -> dict[str, float]:
    given: dict[str, dict[str, list[int]]] = defaultdict(lambda: {"before": [], "after": []})
    for row in rows:
        for criterion, sides in row.answers.get("ratings", {}).items():
            for side, level in sides.items():
                given[criterion][side].append(level)
    return {name: vgc(sides["before"], sides["after"]) for name, sides in given.items()}


def _like_by_site(controls: Sequence[ControlRead], strata: Mapping[str, str]) -> dict[str, Share]:
    """Return the comparisons with the reference site by site; a reader's last word counts."""
    last = {(c.reader, c.pack_sha256): c for c in controls if c.kind == "match"}
    by_site: dict[str, list[bool]] = defaultdict(list)
    for (_, digest), row in last.items():
        if digest in strata:
            by_site[site_and_role(strata[digest])[0]].append(row.verdict == "after")
    return {site: Share(sum(hits), len(hits)) for site, hits in sorted(by_site.items())}


def _between(one: str, other: str, verdicts: Mapping[str, Mapping[str, str]]) -> PairOfReaders:
    both = verdicts[one].keys() & verdicts[other].keys()
    agreed = sum(verdicts[one][d] == verdicts[other][d] for d in both)
    found = kappa(verdicts[one], verdicts[other])
    return PairOfReaders(one, other, len(both), Share(agreed, len(both)), found)


def _figures(
    reader: str, reads: Mapping[str, Decision], controls: Sequence[ControlRead]
) -> ReaderFigures:
    mine: dict[str, dict[str, ControlRead]] = defaultdict(dict)
    for row in controls:
        if row.reader == reader:
            mine[row.kind][row.pack_sha256] = row
    seconds = [float(r.answers["seconds"]) for r in reads.values() if r.answers.get("seconds")]
    again = {d: row for d, row in mine["repeat"].items() if d in reads}
    spoilt = mine["spoilt"].values()
    return ReaderFigures(
        reader,
        len(reads),
        median(seconds) if seconds else None,
        Share(sum(r.verdict == "accept" for r in reads.values()), len(reads)),
        _share(list(reads.values()), "preferred_pane", "left"),
        Share(
            sum(bool(r.answers.get("only_on")) for r in mine["identical"].values()),
            len(mine["identical"]),
        ),
        Share(sum(row.verdict == reads[d].verdict for d, row in again.items()), len(again)),
        Share(sum(noticed(row) for row in spoilt), len(spoilt)),
    )


def _share(rows: Sequence[Decision], question: str, answer: str) -> Share:
    given = [row.answers[question] for row in rows if row.answers.get(question)]
    return Share(sum(one == answer for one in given), len(given))
