"""A planned slide made: read, taken through its steps, written level by level, accounted for."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.files import write_whole
from harmonise.encode.derived import Labels
from harmonise.encode.private import canonical_json
from harmonise.series import Stack
from harmonise.slides.build import Pyramid
from harmonise.slides.levels import Levels
from harmonise.slides.lossy import earlier_losses
from harmonise.slides.slide import Slide
from harmonise.slides.write import write_pyramid

__all__ = ["SLIDE", "open_slide", "write_slide"]

SLIDE = "slide"
"""Role of a whole slide image."""

LEAST_SIMILARITY = 0.95
"""Structural similarity of tiles to their JPEG below which the quality was too low."""

Record = Callable[[list[str], dict[str, Any]], dict[str, Any]]
"""``record(codes, qc) -> provenance``: what the last step adds is known once all is encoded."""


def open_slide(stack: Stack) -> Slide:
    """Return a slide at its finest level, without any step; its levels must be closed after use."""
    levels = Levels(stack)
    first = levels.all[0]
    return Slide(levels, 0, (1.0, 1.0), (first.rows, first.columns))


def write_slide(
    slide: Slide, stack: Stack, target: Path, labels: Labels, record: Record
) -> tuple[str, ...]:
    """Write ``target/NNNN.dcm``, ``target.tissue.png`` and ``target.json``; return the codes.

    Raises
    ------
    RejectedError
        As reading and encoding refuse.
    EnvironmentFault
        The folder cannot be written.
    """
    with Pyramid(slide, target.parent) as pyramid:
        worst = min(pyramid.similarities)
        codes = ["WSI_REENCODING_POOR"] if worst < LEAST_SIMILARITY else []
        header = slide.levels.header(slide.level)
        if earlier_losses(header, slide.levels.stored_bytes(slide.level)) is None:
            codes.append("WSI_LOSSY_HISTORY_UNKNOWN")
        tiles = pyramid.levels[0].tiles
        qc = {
            **slide.meta.get("tissue", {}).get("qc", {}),
            "similarity": worst,
            "tiles": tiles[0] * tiles[1],
            "blank_tiles": pyramid.blank_tiles,
            "tiles_sha256": pyramid.sha256,
        }
        provenance = record(codes, qc)
        write_pyramid(pyramid, stack, target, labels, provenance)
    mask = slide.meta.get("tissue", {}).get("mask_png")
    if mask:
        write_whole(target.with_name(f"{target.name}.tissue.png"), base64.b64decode(mask))
    side = target.with_name(f"{target.name}.json")
    write_whole(side, canonical_json(provenance) + b"\n")
    return tuple(provenance["codes"])
