"""The boundary to SimpleITK: arrays to images and back, one thread, no types of theirs inside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from config.errors import InconsistentSeries
from harmonise.grids import known_spacing
from harmonise.volume import Grid

__all__ = ["execute", "from_image", "on_one_thread", "one_thread", "place", "sitk", "to_image"]

sitk: Any = SimpleITK
"""The package, untyped: its stubs are partial."""


def to_image(values: NDArray[Any], grid: Grid) -> Any:
    """Return an ITK image of ``values`` (slice, row, column) on ``grid``; ITK counts in reverse."""
    image = sitk.GetImageFromArray(values)
    spacing_mm, origin_mm, direction = place(grid)
    image.SetSpacing(spacing_mm)
    image.SetOrigin(origin_mm)
    image.SetDirection(direction)
    return image


def place(grid: Grid) -> tuple[tuple[float, ...], tuple[float, ...], list[float]]:
    """Return ITK's spacing, origin and direction of a grid: column, row, slice; LPS as ours."""
    direction: list[float] = np.asarray(grid.direction[::-1]).T.ravel().tolist()
    return known_spacing(grid)[::-1], grid.origin_mm, direction


def from_image(image: Any) -> NDArray[np.float32]:
    """Return an image's values as float32 (slice, row, column)."""
    values: NDArray[np.float32] = sitk.GetArrayFromImage(image).astype(np.float32, copy=False)
    return values


def execute(image_filter: Any, *images: Any) -> Any:
    """Run a filter and return what it gives.

    Raises
    ------
    InconsistentSeries
        ``VOLUME_NOT_PROCESSED``, for example an empty mask or a singular direction. The package's
        own message is left out: it quotes addresses of memory.
    """
    try:
        return image_filter.Execute(*images)
    except RuntimeError as error:
        name = type(image_filter).__name__
        raise InconsistentSeries("VOLUME_NOT_PROCESSED", f"SimpleITK {name}") from error


def on_one_thread(image_filter: Any) -> Any:
    """Return the filter held to one thread: workers are processes already."""
    image_filter.SetNumberOfThreads(1)
    return image_filter


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold everything of ITK to one thread for a while.

    A registration's metric does not ask its filter but the package: sums of several threads differ
    in their last bits from run to run, and what is decided by them would not be the same bytes.
    """
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)
