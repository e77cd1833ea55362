"""Slices tiled in one frame (Siemens MOSAIC, UIH VFRAME): where each tile lies, and its own frame.

What places the tiles is private, so it is read before de-identification and kept in the passport:
``tiles`` = {"grid": [rows, columns] of tiles, "positions_mm": one LPS position a slice}.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from harmonise.series import Finding, Frame
from harmonise.vendor.csa import csa_values
from harmonise.vendor.private import numbers, private_value

__all__ = ["Tiles", "is_tiled", "tile_frames", "tiles_of"]

CSA_NAMES = frozenset({"NumberOfImagesInMosaic", "SliceNormalVector"})
SIEMENS, CSA, UIH = "SIEMENS MR HEADER", "SIEMENS CSA HEADER", "Image Private Header"
MOST_TILES = 1024

Tiles = dict[str, Any]


def is_tiled(ds: Dataset) -> bool:
    """Tell whether a classic frame holds slices side by side (Siemens MOSAIC, UIH VFRAME)."""
    kinds = {str(kind).upper() for kind in ds.get("ImageType") or []}
    return bool(kinds & {"MOSAIC", "VFRAME"})


def tiles_of(ds: Dataset) -> tuple[Tiles, Finding] | None:
    """Return where the tiles of an object lie; None where its private elements do not say."""
    return (_siemens(ds) or _uih(ds)) if is_tiled(ds) else None


def _siemens(ds: Dataset) -> tuple[Tiles, Finding] | None:
    """Place tiles along the CSA header's slice normal, which may oppose rows x columns.

    ImagePositionPatient is that of the whole mosaic drawn about the centre of the slices, so the
    first tile begins half of (mosaic - tile) further in.
    """
    raw = private_value(ds, 0x0029, CSA, 0x10)
    said = csa_values(bytes(raw), CSA_NAMES) if isinstance(raw, (bytes, bytearray)) else {}
    count = numbers(private_value(ds, 0x0019, SIEMENS, 0x0A), "US")
    count = count or numbers("".join(said.get("NumberOfImagesInMosaic", ())[:1]), "IS")
    normal = numbers("\\".join(said.get("SliceNormalVector", ())), "DS")
    step_mm = numbers(ds.get("SpacingBetweenSlices"), "DS")
    corner = numbers(ds.get("ImagePositionPatient"), "DS")
    cosines = numbers(ds.get("ImageOrientationPatient"), "DS")
    spacing = numbers(ds.get("PixelSpacing"), "DS")
    lengths = (len(normal), len(step_mm), len(corner), len(cosines), len(spacing), len(count))
    if lengths != (3, 1, 3, 6, 2, 1) or not 0 < count[0] <= MOST_TILES:
        return None
    side = math.ceil(math.sqrt(count[0]))
    inwards = 0.5 * (1 - 1 / side)
    first = (
        np.asarray(corner)
        + np.asarray(cosines[:3]) * int(ds.Columns) * inwards * spacing[1]
        + np.asarray(cosines[3:]) * int(ds.Rows) * inwards * spacing[0]
    )
    steps = np.arange(int(count[0]))[:, np.newaxis] * step_mm[0] * np.asarray(normal)
    tiles = {"grid": [side, side], "positions_mm": (first + steps).round(6).tolist()}
    where = f'(0029,"{CSA}",10)'
    return tiles, Finding("tiles", int(count[0]), where, "slices along the CSA slice normal")


def _uih(ds: Dataset) -> tuple[Tiles, Finding] | None:
    """Read one position an item of the vendor's frame sequence."""
    items = private_value(ds, 0x0065, UIH, 0x51)
    if not items or isinstance(items, (bytes, str)) or len(items) > MOST_TILES:
        return None
    places = [numbers(item.get("ImagePositionPatient"), "DS") for item in items]
    if any(len(place) != 3 for place in places):
        return None
    columns = math.ceil(math.sqrt(len(places)))
    grid = [math.ceil(len(places) / columns), columns]
    tiles = {"grid": grid, "positions_mm": [list(place) for place in places]}
    return tiles, Finding("tiles", len(places), f'(0065,"{UIH}",51)', "slices, a position each")


def tile_frames(frame: Frame, tiles: Mapping[str, Any] | None) -> tuple[Frame, ...]:
    """Return one frame a tile, row by row; nothing where the tiles do not fit the frame."""
    if tiles is None:
        return ()
    down, across = (int(n) for n in tiles["grid"])
    if down < 1 or across < 1 or frame.rows % down or frame.columns % across:
        return ()
    rows, columns = frame.rows // down, frame.columns // across
    if not 0 < len(tiles["positions_mm"]) <= down * across:
        return ()
    return tuple(
        replace(
            frame,
            rows=rows,
            columns=columns,
            position_mm=(float(place[0]), float(place[1]), float(place[2])),
            tile=(index // across * rows, index % across * columns),
        )
        for index, place in enumerate(tiles["positions_mm"])
    )
