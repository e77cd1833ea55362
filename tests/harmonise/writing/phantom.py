"""A phantom on the grid of the IBSI CT phantom, from formulas: body, spine, texture, lesion.

Read by the tests and by the referees' own environment, so nothing here but numpy.
"""

from __future__ import annotations

import numpy as np

SHAPE = (60, 201, 204)
SPACING_MM = (3.0, 0.977, 0.977)
"""Slice, row, column: 204 x 201 x 60 voxels of 0.977 x 0.977 x 3 mm, as IBSI's."""

ROWS = {
    "B": {"spacing_mm": (3.0, 2.0, 2.0), "order": 1},
    "C, D": {"spacing_mm": (2.0, 2.0, 2.0), "order": 1},
    "E": {"spacing_mm": (2.0, 2.0, 2.0), "order": 3},
}
"""Configurations of IBSI 1 that resample: target spacing and order of the image's interpolation."""


def _places():
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(SHAPE, SPACING_MM, strict=True)]
    return np.meshgrid(*axes, indexing="ij")


def image():
    """Return whole Hounsfield units, shape (slice, row, column)."""
    z, y, x = _places()
    body = (x / 85) ** 2 + (y / 80) ** 2 < 1
    texture = 60 * np.sin(x / 5) * np.cos(y / 7) * np.sin(z / 9) + 0.3 * x - 0.2 * z
    values = np.where(body, 20 + texture, -1000)
    spine = (x / 12) ** 2 + ((y - 55) / 12) ** 2 < 1
    values = np.where(spine, 700 + texture, values)
    return np.rint(values).astype(np.int16)


def mask():
    """Return an irregular lesion of about 50 mm as 0 and 1."""
    z, y, x = _places()
    radius = np.sqrt((x - 20) ** 2 + (y + 10) ** 2 + (z - 5) ** 2)
    angle = np.arctan2(y + 10, x - 20)
    return (radius < 25 + 4 * np.sin(3 * angle) + 0.1 * z).astype(np.int16)
