"""Pictures for models: a projection as PNG of 16 bits, whole or fitted into a fixed size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.files import write_whole
from harmonise.area import area_mean
from harmonise.encode.png import encode_png
from harmonise.volume import Volume

__all__ = ["fitted", "may_be_picture", "write_picture"]

PNG_LEVEL = 1
LARGEST = 65535.0


def may_be_picture(volume: Volume) -> bool:
    """Tell whether a volume is one image without a place whose numbers fit 16 bits."""
    values = volume.values
    return (
        not volume.grid.positioned
        and volume.grid.shape[0] == 1
        and bool(np.isfinite(values).all())
        and float(values.min()) >= 0
        and float(values.max()) <= LARGEST
    )


def write_picture(volume: Volume, path: Path, *, shape: tuple[int, int] | None = None) -> Path:
    """Write a projection as PNG of 16 bits, values rounded; equal values give equal bytes.

    Parameters
    ----------
    volume : Volume
        One for which `may_be_picture` holds.
    path : Path
    shape : tuple of int, optional
        Rows and columns to fit it into; None keeps its own.
    """
    image = volume.values[0] if shape is None else fitted(volume.values[0], shape)
    return write_whole(path, encode_png(np.rint(image).astype(np.uint16), level=PNG_LEVEL))


def fitted(image: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return an image shrunk to fit, at the top left, black elsewhere; it is never enlarged.

    One factor for both directions, by area mean, so that nothing is stretched.
    """
    ratio = max(1.0, image.shape[0] / shape[0], image.shape[1] / shape[1])
    small = image if ratio == 1.0 else area_mean(image, ratio, ratio)
    rows, columns = min(small.shape[0], shape[0]), min(small.shape[1], shape[1])
    result = np.zeros(shape, np.float32)
    result[:rows, :columns] = small[:rows, :columns]
    return result
