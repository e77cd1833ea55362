"""Volumes computed from several stacks of a study: planned from headers, then read and computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from config.errors import RejectedError
from config.recipe import Recipe
from harmonise.choose import Candidate
from harmonise.dynamic import relative_enhancement
from harmonise.planned import Declined, Part, PlannedVolume, StudyPlan
from harmonise.refit import calculated_image, common_pair, refitted_adc
from harmonise.relaxation import refitted_t2
from harmonise.series import Refusal, Role, Stack
from harmonise.steps import Native
from harmonise.vendor.pixels import load_volume
from harmonise.volume import Grid, Volume

__all__ = [
    "COMPUTED_FROM",
    "Made",
    "combined",
    "compute",
    "grouped",
    "made_of",
    "natives_of",
    "read_planned",
]

SAME_GRID_MM = 0.01


@dataclass(frozen=True)
class Made:
    """How a computed role is made.

    ``base`` is the role of what it is computed from, ``derivation`` a keyword of CID 7203,
    ``image_type`` what ImageType says after its second value; empty keeps the source's.
    """

    base: str
    maker: Callable[[Sequence[Stack], Callable[[int], Volume], Role], Volume]
    derivation: str
    image_type: tuple[str, ...] = ()


def _enhancement(stacks: Sequence[Stack], read: Callable[[int], Volume], _role: Role) -> Volume:
    return relative_enhancement(stacks, read)


MADE: Mapping[str, Made] = MappingProxyType(
    {
        "dce_re": Made("dce", _enhancement, "PerfusionImageAnalysis"),
        "adc_refit": Made("dwi", refitted_adc, "DiffusionImageAnalysis", ("DIFFUSION", "ADC")),
        "t2map_refit": Made("mese", refitted_t2, "PixelByPixelDivision", ("T2 MAP",)),
        "dwi_calc_refit": Made(
            "dwi", calculated_image, "DiffusionImageAnalysis", ("DIFFUSION", "CALC_BVALUE")
        ),
    }
)

COMPUTED_FROM: Mapping[str, str] = MappingProxyType(
    {role: made.base for role, made in MADE.items()}
)
"""Role that is computed -> role of the stacks it is computed from."""


def made_of(role: str) -> Made | None:
    """Return how a role is made; None for one that is read."""
    return MADE.get(role)


def read_planned(planned: PlannedVolume) -> Volume:
    """Return the real values a planned volume starts from, read or computed.

    Raises
    ------
    RejectedError
        As the reading of pixels or the computation refuses.
    """
    if planned.parts:
        return compute(planned.role, planned.parts)
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


def compute(role: Role, parts: Sequence[Part]) -> Volume:
    """Return the volume of a computed role; its parts are read one at a time."""

    def read(index: int) -> Volume:
        return load_volume(parts[index].stack, parts[index].geometry)

    return MADE[role.name].maker([part.stack for part in parts], read, role)


def combined(parts: Sequence[Part], b_value: float | None = None) -> Stack:
    """Return a stack of the frames of all parts, those of the first part first."""
    frames = [frame for part in parts for frame in part.stack.frames]
    return replace(parts[0].stack, frames=tuple(frames), b_value=b_value)


def grouped(
    candidates: Sequence[Candidate], role: str, recipe: Recipe
) -> tuple[list[Candidate], list[Declined]]:
    """Return what a computed role could be made of: a candidate a series, with its parts.

    Stacks of one series on one grid belong together: other series have another gain. Where
    diffusion images give no common b set in any series, one refusal says why.
    """
    is_diffusion = MADE[role].base == "dwi"
    sets = [own for series in _sets_of(candidates) for own in series]
    if not is_diffusion:
        sets = [max(series, key=len) for series in _sets_of(candidates)]
    made, refused = [], []
    for own in sets:
        try:
            chosen = _common(own, recipe) if is_diffusion else own
        except RejectedError as error:
            refused.append(_refused(own[0], role, error))
        else:
            made.append(_made(chosen, role, recipe))
    return made, [] if made else refused[:1]


def _sets_of(candidates: Sequence[Candidate]) -> list[list[list[Candidate]]]:
    """Return of every series, in order of their UIDs, its stacks by grid, the most first."""
    by_series: dict[str, list[list[Candidate]]] = defaultdict(list)
    for one in candidates:
        sets = by_series[one.stack.series_uid]
        home = next((s for s in sets if _same_grid(s[0].grid, one.grid)), None)
        if home is None:
            sets.append([one])
        else:
            home.append(one)
    return [sorted(by_series[uid], key=len, reverse=True) for uid in sorted(by_series)]


def _common(own: Sequence[Candidate], recipe: Recipe) -> list[Candidate]:
    acquired = [one for one in own if one.role.calculated is not True]
    chosen = common_pair([one.stack for one in acquired], recipe.b_set)
    return [acquired[index] for index in chosen]


def _made(own: Sequence[Candidate], role: str, recipe: Recipe) -> Candidate:
    parts = tuple(Part(one.stack, one.geometry) for one in own)
    why = f"computed from {len(parts)} volumes: {own[0].role.why}"
    is_image = role == "dwi_calc_refit"
    b_value = recipe.b_set.calculated if is_image else None
    named = Role(role, b_value, True if is_image else None, why)
    return Candidate(combined(parts, b_value), own[0].geometry, named, parts)


def _refused(one: Candidate, role: str, error: RejectedError) -> Declined:
    stack = one.stack
    refusal = Refusal(
        stack.series_uid, stack.study_uid, stack.subject, stack.modality, error.code, error.detail
    )
    return Declined(refusal, stack, Role(role))


def _same_grid(one: Grid, other: Grid) -> bool:
    return one.shape == other.shape and bool(
        np.abs(one.affine() - other.affine()).max() < SAME_GRID_MM
    )
