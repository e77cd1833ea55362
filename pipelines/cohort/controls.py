"""Controls: pairs mixed among the others to learn how a reader reads; never announced.

About one in ten pairs is shown again with its sides swapped, one in ten with one side twice, one in
twenty spoilt on purpose. They say nothing of a volume and do not count for the gate, but for what
readers must have noticed at least.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import delete, select

from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ControlRead, SpoiltPair
from pipelines.cohort.gate import Vigilance
from pipelines.cohort.packs import build_spoilt, load_pack
from pipelines.cohort.spoil import spoil

__all__ = [
    "Control",
    "ControlKind",
    "controls",
    "make_spoilt",
    "noticed",
    "record_control",
    "spoilt_of",
    "vigilance",
]

Kind = Literal["identical", "repeat", "spoilt"]
ControlKind = Literal["identical", "repeat", "spoilt", "match"]
"""What is kept beside the verdicts: controls, and comparisons of `pipelines.cohort.site_match`."""

SHARES: dict[Kind, float] = {"identical": 0.10, "repeat": 0.10, "spoilt": 0.05}
"""How many controls of a kind there are for each pair; one at least from `LEAST_PAIRS` on."""

LEAST_PAIRS = 5
"""Fewer pairs have no controls: they would be half of what is read."""


@dataclass(frozen=True)
class Control:
    """One control: what it is, and the pair that is shown."""

    kind: Kind
    sha256: str


def controls(pairs: Iterable[str], spoilt: Mapping[str, str]) -> list[Control]:
    """Return the controls of a project's pairs, the same on every call.

    Parameters
    ----------
    pairs : iterable of str
        Digests of the pairs.
    spoilt : mapping
        Digest of a pair -> digest of its spoilt copy.
    """
    known = list(pairs)
    made = []
    for kind in SHARES:
        for digest in chosen(known, kind):
            shown = spoilt.get(digest) if kind == "spoilt" else digest
            if shown is not None:
                made.append(Control(kind, shown))
    return made


def chosen(pairs: Iterable[str], kind: Kind) -> list[str]:
    """Return the pairs of which controls of a kind are made."""
    ordered = sorted(pairs, key=lambda d: hashlib.sha256(f"{kind}:{d}".encode()).digest())
    if len(ordered) < LEAST_PAIRS:
        return []
    return ordered[: max(1, round(SHARES[kind] * len(ordered)))]


def make_spoilt(
    catalogue: Catalogue, project: str, pairs: Iterable[str], packs_root: Path
) -> set[str]:
    """Make the spoilt copies of a project's pairs; return those that are not needed any more."""
    wanted = chosen(pairs, "spoilt")
    former = spoilt_of(catalogue, project)
    made = {}
    for digest in wanted:
        spoilt = former.get(digest)
        if spoilt is None or not (packs_root / spoilt / "pack.json").is_file():
            pack = load_pack(packs_root, digest)
            spoilt = build_spoilt(pack, spoil(pack.after, digest), packs_root)
        made[digest] = spoilt
    with catalogue.session() as session:
        session.execute(delete(SpoiltPair).where(SpoiltPair.project == project))
        session.add_all(
            [SpoiltPair(project=project, sha256=s, of_sha256=d) for d, s in sorted(made.items())]
        )
        session.flush()
        used = set(session.scalars(select(SpoiltPair.sha256)))
    return set(former.values()) - used


def spoilt_of(catalogue: Catalogue, project: str) -> dict[str, str]:
    """Return the spoilt copies of a project: digest of the pair -> digest of the copy."""
    with catalogue.session() as session:
        rows = session.scalars(select(SpoiltPair).where(SpoiltPair.project == project))
        return {row.of_sha256: row.sha256 for row in rows}


def record_control(
    catalogue: Catalogue,
    project: str,
    kind: ControlKind,
    sha256: str,
    *,
    reader: str,
    verdict: str,
    answers: Mapping[str, Any],
) -> None:
    """Keep what a reader said of a control, or chose in a match."""
    with catalogue.session() as session:
        session.add(
            ControlRead(
                project=project,
                kind=kind,
                pack_sha256=sha256,
                reader=reader,
                verdict=verdict,
                answers=dict(answers),
                decided_at=datetime.now(UTC),
            )
        )


def noticed(read: ControlRead) -> bool:
    """Return whether a reader noticed a spoilt pair: rejected, or something on one side alone."""
    return read.verdict == "reject" or bool(read.answers.get("only_on"))


def vigilance(catalogue: Catalogue, project: str) -> Vigilance:
    """Return how many spoilt pairs were shown, and how many noticed."""
    chosen_rows = select(ControlRead).where(
        ControlRead.project == project, ControlRead.kind == "spoilt"
    )
    with catalogue.session() as session:
        rows = session.scalars(chosen_rows.order_by(ControlRead.read_id)).all()
        last = {(row.reader, row.pack_sha256): row for row in rows}
        return Vigilance(len(last), sum(noticed(row) for row in last.values()))
