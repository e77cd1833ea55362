"""The score of a cohort: leaks first, then removal and retention, each on its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.audit.scorer.actions import Maps, judge
from pipelines.audit.scorer.cohort import cohort_faults, maps_of
from pipelines.audit.scorer.key import REMOVAL, VALIDITY, Check, KeyObject
from pipelines.audit.scorer.leaks import Leak, find_leaks
from pipelines.audit.scorer.objects import codes_honest, sr_tree_valid, suv_computable
from pipelines.audit.scorer.released import Released, read_released
from pipelines.audit.scorer.samples import box_is_constant, digest_of, samples_of

__all__ = ["Score", "score"]

Errors = Callable[[bytes], set[str]]
"""What an independent checker says of a file: its kinds of error."""


@dataclass
class Score:
    """``passed`` and ``total`` go by action; ``faults`` name object, path and action."""

    planted: int
    objects: int
    refused: list[str]
    leaks: tuple[Leak, ...]
    passed: Counter[str] = field(default_factory=Counter)
    total: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, str, str]] = field(default_factory=list)
    new_errors: int = 0

    def add(self, name: str, path: str, action: str, points: float) -> None:
        """Count one check."""
        self.passed[action] += points  # type: ignore[assignment]
        self.total[action] += 1
        if points < 1:
            self.faults.append((name, path, action))

    @property
    def leaked(self) -> int:
        """How many planted strings are in any released file."""
        return len({leak.string for leak in self.leaks})

    @property
    def removal(self) -> float:
        """Share of removal checks passed, 0 to 1."""
        return self._share(lambda action: action in REMOVAL)

    @property
    def retention(self) -> float:
        """Share of retention checks passed, 0 to 1."""
        return self._share(lambda action: action not in {*REMOVAL, *VALIDITY})

    @property
    def validity(self) -> float:
        """Share of released objects whose codes are honest, and valid where that was checked."""
        return self._share(lambda action: action in VALIDITY)

    def _share(self, wanted: Callable[[str], bool]) -> float:
        total = sum(n for action, n in self.total.items() if wanted(action))
        passed = sum(self.passed[action] for action in self.total if wanted(action))
        return passed / total if total else 1.0

    def as_json(self) -> dict[str, Any]:
        """Return the score as plain values; it holds no planted string."""
        actions = {a: [round(self.passed[a], 4), n] for a, n in sorted(self.total.items())}
        return {
            "planted": self.planted,
            "leaks": self.leaked,
            "objects": self.objects,
            "refused": len(self.refused),
            "removal": round(self.removal, 6),
            "retention": round(self.retention, 6),
            "validity": round(self.validity, 6),
            "new_iod_errors": self.new_errors,
            "by_action": actions,
        }


def score(
    key: Mapping[str, KeyObject],
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    options: frozenset[str],
    *,
    maps: Maps | None = None,
    errors: Errors | None = None,
) -> Score:
    """Score released files against a key; all mappings go by the object's name.

    Parameters
    ----------
    key, before, after : mapping
        The key, the original files, and the released ones; a refused file is not in ``after``.
    options : frozenset of str
        CID 7050 codes of the policy: they say what had to stay.
    maps : Maps, optional
        Old -> new as the tool delivers it; by default as the pairs of files show it.
    errors : callable, optional
        An independent checker of IODs; without it ``<iod_valid>`` is not counted.
    """
    old = {name: _read(data) for name, data in before.items()}
    now = {name: _read(data) for name, data in after.items()}
    maps = maps or maps_of(old, now)
    planted = len({s.text for one in key.values() for s in one.secrets})
    refused = sorted(key.keys() - now.keys())
    made = Score(planted, len(key), refused, find_leaks(key, now, options))
    for name, one in key.items():
        for check in one.checks:
            if check.due(options):
                points = _points(check, old[name], now.get(name), maps)
                made.add(name, check.tag_ds, check.action, points)
        if name in now:
            honest = codes_honest(one, now[name], options)
            made.add(name, "<(0012,0064)>", "<codes_honest>", float(honest))
            if errors is not None:
                new = errors(after[name]) - errors(before[name])
                made.new_errors += len(new)
                made.add(name, "", "<iod_valid>", float(not new))
    for name, fault in cohort_faults(key, now, maps, moved="113107" in options):
        made.add(name, fault, "<uid_consistent>" if "moved" not in fault else "<date_interval>", 0)
    return made


def _points(check: Check, old: Released, now: Released | None, maps: Maps) -> float:
    if now is None:
        return judge(check, None, maps, missing=True)
    if check.action == "<pixels_retained>":
        return float(digest_of(old.data) == digest_of(now.data))
    if check.action == "<pixels_hidden>":
        box = json.loads(check.action_text)
        corners = (*box["top_left"], *box["bottom_right"])
        return float(box_is_constant(samples_of(now.data), corners))
    if check.action == "<suv_computable>":
        return float(suv_computable(old, now))
    if check.action == "<sr_tree_valid>":
        return float(sr_tree_valid(check, now))
    return judge(check, now.value(check.tag_ds), maps)


def _read(data: bytes) -> Released:
    found = read_released(data)
    if found is None:
        raise ValueError("not a DICOM file")
    return found
