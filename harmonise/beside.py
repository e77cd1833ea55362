"""What is written beside a volume: pictures, and masks of what was measured and of regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.recipe import Outputs
from harmonise.encode import (
    Labels,
    may_be_picture,
    segment_of,
    write_mask,
    write_picture,
    write_segmentation,
)
from harmonise.planned import PlannedVolume
from harmonise.qc import coverage_fraction
from harmonise.volume import Volume

__all__ = ["write_masks", "write_pictures"]


def write_pictures(outputs: Outputs, volume: Volume, stem: Path) -> None:
    """Write the pictures the recipe asks for: ``<volume_id>.png`` and ``<volume_id>.model.png``."""
    if not may_be_picture(volume):
        return
    if outputs.png:
        write_picture(volume, stem.with_name(f"{stem.name}.png"))
    if outputs.model_ready is not None:
        target = stem.with_name(f"{stem.name}.model.png")
        write_picture(volume, target, shape=outputs.model_ready)


def _regions(volume: Volume) -> list[str]:
    """Return the masks to write: where the field of view does not fill the grid, and regions."""
    uncovered = ["coverage"] if coverage_fraction(volume) < 1.0 else []
    return uncovered + sorted(name for name, mask in volume.regions.items() if mask.any())


def _may_be_segmented(volume: Volume, region: str) -> bool:
    """Tell whether a Segmentation can hold a mask: without a place it holds one frame only."""
    return volume.grid.positioned or (region != "coverage" and volume.grid.shape[0] == 1)


def write_masks(
    planned: PlannedVolume,
    volume: Volume,
    folder: Path,
    images: Sequence[Path],
    labels: Labels,
    provenance: dict[str, Any],
    *,
    is_segmented: bool,
) -> None:
    """Write where something was measured, and regions, as NIfTI and, if asked, Segmentations."""
    for region in _regions(volume):
        mask = folder / f"{planned.volume_id}.{region}"
        write_mask(segment_of(volume, region), volume.grid, mask.with_name(f"{mask.name}.nii.gz"))
        if is_segmented and _may_be_segmented(volume, region):
            write_segmentation(
                volume,
                planned.stack,
                mask.with_name(f"{mask.name}.dcm"),
                images=images,
                labels=labels,
                provenance=provenance,
                region=region,
            )
