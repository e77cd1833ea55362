"""A male pelvis: body, muscle, bone, bladder, rectum, and a gland with zones and one lesion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harmonise.volume import Grid
from pipelines.demo.phantom.ellipsoids import ENDLESS_MM, Ellipsoid, block_coordinates, paint
from pipelines.demo.tables import load_table

__all__ = ["Anatomy", "make_anatomy", "tissue_maps"]


@dataclass(frozen=True)
class Anatomy:
    """One patient's pelvis; positions in LPS millimetres from the scanner's isocentre."""

    shapes: tuple[Ellipsoid, ...]
    gland_centre_mm: tuple[float, float, float]
    gland_radii_mm: tuple[float, float, float]
    lesion_centre_mm: tuple[float, float, float]
    lesion_radius_mm: float
    texture_seed: int


def make_anatomy(rng: np.random.Generator) -> Anatomy:
    """Return a pelvis with this patient's own proportions."""
    cx, cy, cz = (float(v) for v in rng.uniform([-4, -6, -5], [4, 2, 5]))
    size = float(rng.uniform(0.9, 1.25))
    gland = (26.0 * size, 18.0 * size, 21.0 * size)
    side = float(rng.choice([-1.0, 1.0]))
    lesion_radius = float(rng.uniform(5.5, 8.5))
    lesion = (
        cx + side * 0.55 * gland[0],
        cy + 0.48 * gland[1],
        cz + float(rng.uniform(-0.3, 0.2)) * gland[2],
    )
    shapes = (
        *_pelvis(rng, cx, cy),
        *_organs(rng, (cx, cy, cz), gland),
        *_gland(rng, (cx, cy, cz), gland),
        Ellipsoid("lesion", lesion, (lesion_radius, lesion_radius * 0.8, lesion_radius)),
    )
    seed = int(rng.integers(2**31))
    return Anatomy(shapes, (cx, cy, cz), gland, lesion, lesion_radius, seed)


def tissue_maps(anatomy: Anatomy, grid: Grid, channels: tuple[str, ...]) -> NDArray[np.float32]:
    """Return the named columns of ``tissues.yaml`` on a grid, shape (channel, slice, row, column).

    ``adc`` is in 1e-6 mm2/s, ``t2w`` and ``s0`` in arbitrary units.
    """
    tissues = load_table("tissues")
    maps = np.zeros((len(channels), *grid.shape), np.float32)
    for shape in anatomy.shapes:
        paint(maps, grid, shape, [float(tissues[shape.tissue][name]) for name in channels])
    texture = _texture(anatomy, grid)
    for index, name in enumerate(channels):
        maps[index] *= 1.0 + texture * np.float32(0.5 if name == "adc" else 1.0)
    return maps


def _pelvis(rng: np.random.Generator, cx: float, cy: float) -> list[Ellipsoid]:
    wide, deep = float(rng.uniform(165, 190)), float(rng.uniform(105, 122))
    shapes = [
        Ellipsoid("fat", (0, 0, 0), (wide, deep, ENDLESS_MM)),
        Ellipsoid("muscle", (0, 6, 0), (wide - 24, deep - 22, ENDLESS_MM)),
        Ellipsoid("pelvic_fat", (cx, cy + 4, 0), (62, 58, ENDLESS_MM)),
    ]
    for side in (-1.0, 1.0):
        shapes += [
            Ellipsoid("cortex", (side * 92, -8, 18), (29, 29, 29)),
            Ellipsoid("marrow", (side * 92, -8, 18), (25, 25, 25)),
            Ellipsoid("muscle", (cx + side * 48, cy + 2, 0), (13, 34, 70)),
            Ellipsoid("cortex", (side * 20, -56, -12), (19, 12, 24)),
            Ellipsoid("marrow", (side * 20, -56, -12), (16, 9, 21)),
            Ellipsoid("muscle", (side * 58, 62, 0), (34, 24, ENDLESS_MM)),
        ]
    return shapes


def _organs(
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    gland: tuple[float, float, float],
) -> list[Ellipsoid]:
    cx, cy, cz = centre
    bladder = (cx, cy - 12, cz + gland[2] + 20)
    filling = float(rng.uniform(0.85, 1.15))
    rectum = (cx + float(rng.uniform(-4, 4)), cy + gland[1] + 15, 0.0)
    shapes = [
        Ellipsoid("bladder_wall", bladder, (40 * filling, 30 * filling, 25)),
        Ellipsoid("urine", bladder, (36.5 * filling, 26.5 * filling, 22)),
        Ellipsoid("rectal_wall", rectum, (16, 14, ENDLESS_MM)),
        Ellipsoid("rectal_content", rectum, (12, 10, ENDLESS_MM)),
    ]
    for side in (-1.0, 1.0):
        vesicle = (cx + side * 15, cy + 12, cz + gland[2] + 2)
        shapes.append(Ellipsoid("seminal", vesicle, (14, 6, 8)))
    return shapes


def _gland(
    rng: np.random.Generator,
    centre: tuple[float, float, float],
    gland: tuple[float, float, float],
) -> list[Ellipsoid]:
    cx, cy, cz = centre
    rx, ry, rz = gland
    shapes = [
        Ellipsoid("stroma", centre, (rx + 1.2, ry + 1.2, rz + 1.2)),
        Ellipsoid("peripheral", centre, gland),
        Ellipsoid("transition", (cx, cy - 0.22 * ry, cz + 2), (0.7 * rx, 0.68 * ry, 0.75 * rz)),
        Ellipsoid("stroma", (cx, cy - 0.8 * ry, cz), (0.4 * rx, 0.16 * ry, 0.7 * rz)),
    ]
    for _ in range(int(rng.integers(4, 8))):
        tissue = "nodule_glandular" if rng.random() < 0.5 else "nodule_stromal"
        radius = float(rng.uniform(2.5, 5.5))
        spread = rng.uniform(-0.42, 0.42, 3)
        where = (
            cx + float(spread[0]) * rx,
            cy - 0.2 * ry + float(spread[1]) * 0.7 * ry,
            cz + float(spread[2]) * rz,
        )
        shapes.append(Ellipsoid(tissue, where, (radius, radius * 0.9, radius)))
    shapes.append(Ellipsoid("urine", (cx, cy - 0.1 * ry, cz), (1.3, 1.3, rz)))
    return shapes


def _texture(anatomy: Anatomy, grid: Grid) -> NDArray[np.float32]:
    """Return a smooth relative variation of a few per cent, the same on every grid.

    A sum of plane waves in patient coordinates, so T2W, DWI and ADC show one and the same tissue.
    """
    rng = np.random.default_rng(anatomy.texture_seed)
    whole = (slice(0, grid.shape[0]), slice(0, grid.shape[1]), slice(0, grid.shape[2]))
    x, y, z = block_coordinates(grid, whole)
    total = np.zeros(grid.shape, np.float32)
    for _ in range(4):
        kx, ky, kz = (np.float32(v) for v in rng.normal(0.0, 2 * np.pi / 22.0, 3))
        total += np.sin(kx * x + ky * y + kz * z + np.float32(rng.uniform(0, 2 * np.pi)))
    return total * np.float32(0.016)
