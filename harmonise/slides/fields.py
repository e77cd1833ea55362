"""Fields of a slide before and after: what a pathologist compares, since nobody compares it all."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from config.errors import ConfigurationError
from harmonise.planned import PlannedVolume, StudyPlan
from harmonise.slides.make import SLIDE, open_slide
from harmonise.slides.slide import Rgb, Slide
from harmonise.slides.tissue import BACKGROUND, tissue_of
from harmonise.stacks import read_stacks
from harmonise.steps import Context

__all__ = ["FIELDS", "SIDE_PX", "SlideFields", "slide_fields"]

FIELDS = 8
"""Fields at full size; before them comes the whole slide."""

SIDE_PX = 512

OVERVIEW_UM = 16.0
LEAST_TISSUE = 0.5
"""Share of a field that is tissue, where a slide has so much."""

COLOURS = "srgb"
"""The step that shows a slide as its maker meant it to be seen; it belongs to the original."""


@dataclass(frozen=True)
class SlideFields:
    """The whole slide and fields of it, RGB, shape (field, row, column, 3), on one grid.

    ``spacing_mm`` (row, column) is that of the fields; the whole slide is as large as it happens.
    """

    before: Rgb
    after: Rgb
    spacing_mm: tuple[float, float]


def slide_fields(plan: StudyPlan, volume_id: str, folder: Path) -> SlideFields:
    """Return fields of a slide as it was scanned, and of the pyramid that was written of it.

    Parameters
    ----------
    folder : Path
        The written levels, ``NNNN.dcm``.

    Raises
    ------
    ConfigurationError
        ``VOLUME_UNKNOWN`` when the plan makes no such slide.
    RejectedError
        As reading refuses.
    """
    planned = next((one for one in plan.volumes if one.volume_id == volume_id), None)
    if planned is None or planned.role.name != SLIDE:
        raise ConfigurationError("VOLUME_UNKNOWN", volume_id)
    stacks, _ = read_stacks(sorted(folder.glob("*.dcm")))
    with closing(open_slide(planned.stack)) as native, closing(open_slide(stacks[0])) as after:
        before = _as_scanned(planned, native)
        overview, microns = after.overview(OVERVIEW_UM)
        places = _places(tissue_of(overview, microns).labels != BACKGROUND, after.shape)
        sides = [
            np.stack([_whole(side, after.shape), *(_field(side, place) for place in places)])
            for side in (before, after)
        ]
        row_um, column_um = after.microns
    return SlideFields(sides[0], sides[1], (row_um / 1000, column_um / 1000))


def _as_scanned(planned: PlannedVolume, slide: Slide) -> Slide:
    """Return the source at the scale of the result, in the colours its maker meant."""
    context = Context(planned.stack, planned.role.name, planned.reference, {}, planned.model)
    for step, params in planned.steps:
        if step.kind == "geometry" or step.name == COLOURS:
            slide = step.apply(slide, step.decide(slide, params, context))
    return slide


def _places(tissue: NDArray[np.bool_], shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the top left corners of the fields: evenly among those with enough tissue in them."""
    down, across = (max(1, n // SIDE_PX) for n in shape)
    rows = np.linspace(0, tissue.shape[0], down + 1).astype(int)
    columns = np.linspace(0, tissue.shape[1], across + 1).astype(int)
    share = np.array(
        [
            [_mean(tissue[top:bottom, left:right]) for left, right in pairwise(columns)]
            for top, bottom in pairwise(rows)
        ]
    ).ravel()
    full = np.flatnonzero(share >= LEAST_TISSUE)
    if full.size < FIELDS:  # the fullest there are, in the order of the slide
        full = np.sort(np.argsort(-share, kind="stable")[:FIELDS])
    chosen = full[np.unique(np.linspace(0, full.size - 1, FIELDS).round().astype(int))]
    return [(int(n) // across * SIDE_PX, int(n) % across * SIDE_PX) for n in chosen]


def _mean(part: NDArray[np.bool_]) -> float:
    return float(part.mean()) if part.size else 0.0


def _field(slide: Slide, place: tuple[int, int]) -> Rgb:
    return slide.region(*place, SIDE_PX, SIDE_PX)


def _whole(slide: Slide, shape: tuple[int, int]) -> Rgb:
    """Return the whole slide, fitted into a field and centred on white."""
    scale = SIDE_PX / max(shape)
    size = [max(1, round(n * scale)) for n in shape]
    overview, _ = slide.overview(max(slide.microns) / scale)
    small = Image.fromarray(overview).resize((size[1], size[0]), Image.Resampling.BOX)
    result = np.full((SIDE_PX, SIDE_PX, 3), 255, np.uint8)
    top, left = ((SIDE_PX - n) // 2 for n in size)
    result[top : top + size[0], left : left + size[1]] = np.asarray(small)
    return result
