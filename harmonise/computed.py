"""Volumes computed from several stacks of a study: planned from headers, then read and computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from harmonise.choose import Candidate
from harmonise.dynamic import relative_enhancement
from harmonise.planned import Part, PlannedVolume, StudyPlan
from harmonise.series import Role, Stack
from harmonise.steps import Native
from harmonise.vendor.pixels import load_volume
from harmonise.volume import Grid, Volume

__all__ = ["COMPUTED_FROM", "combined", "compute", "grouped", "natives_of", "read_planned"]

SAME_GRID_MM = 0.01

COMPUTED_FROM: Mapping[str, str] = MappingProxyType({"dce_re": "dce"})
"""Role that is computed -> role of the stacks it is computed from."""

Maker = Callable[[Sequence[Stack], Callable[[int], Volume]], Volume]
MAKERS: Mapping[str, Maker] = MappingProxyType({"dce_re": relative_enhancement})
"""Role -> how its real values are computed."""


def read_planned(planned: PlannedVolume) -> Volume:
    """Return the real values a planned volume starts from, read or computed.

    Raises
    ------
    RejectedError
        As the reading of pixels or the computation refuses.
    """
    if planned.parts:
        return compute(planned.role.name, planned.parts)
    return load_volume(planned.stack, planned.geometry)


def natives_of(plan: StudyPlan, study_uid: str) -> Callable[[str], list[Native]]:
    """Return what finds a study's volumes of one role, b-values ascending."""

    def natives(role: str) -> list[Native]:
        return [
            Native(one.stack, one.geometry.grid, partial(read_planned, one))
            for one in plan.volumes
            if one.role.name == role
            and one.stack.study_uid == study_uid
            and one.geometry.grid is not None
        ]

    return natives


def compute(role: str, parts: Sequence[Part]) -> Volume:
    """Return the volume of a computed role; its parts are read one at a time."""

    def read(index: int) -> Volume:
        return load_volume(parts[index].stack, parts[index].geometry)

    return MAKERS[role]([part.stack for part in parts], read)


def combined(parts: Sequence[Part]) -> Stack:
    """Return a stack of the frames of all parts, those of the first part first."""
    frames = [frame for part in parts for frame in part.stack.frames]
    return replace(parts[0].stack, frames=tuple(frames))


def grouped(candidates: Sequence[Candidate], role: str) -> list[Candidate]:
    """Return what a computed role could be made of: a candidate a series, with its parts.

    Stacks of one series on one grid belong together; of each series the largest such set.
    """
    by_series: dict[str, list[list[Candidate]]] = defaultdict(list)
    for one in candidates:
        sets = by_series[one.stack.series_uid]
        home = next((s for s in sets if _same_grid(s[0].grid, one.grid)), None)
        if home is None:
            sets.append([one])
        else:
            home.append(one)
    result = []
    for series_uid in sorted(by_series):
        largest = max(by_series[series_uid], key=len)
        parts = [Part(one.stack, one.geometry) for one in largest]
        why = f"computed from {len(parts)} volumes: {largest[0].role.why}"
        made = Candidate(combined(parts), largest[0].geometry, Role(role, why=why), tuple(parts))
        result.append(made)
    return result


def _same_grid(one: Grid, other: Grid) -> bool:
    return one.shape == other.shape and bool(
        np.abs(one.affine() - other.affine()).max() < SAME_GRID_MM
    )
