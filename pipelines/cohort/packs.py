"""Review packs: one volume before and after harmonising, on one grid, named by its content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from config.errors import RejectedError
from config.files import disk_faults, partial_of
from harmonise.volume import Grid, Volume
from pipelines.cohort.pack_header import FORMAT, RANKS, SIDES, PackHeader, Side, read_header

__all__ = [
    "RANKS",
    "SIDES",
    "PackHeader",
    "ReviewPack",
    "Side",
    "build_colour_pack",
    "build_pack",
    "build_spoilt",
    "load_pack",
    "verify_pack",
]

GRID_TOLERANCE_MM = 1e-4
"""Largest difference of two grids' matrices that still counts as one grid."""


@dataclass(frozen=True)
class ReviewPack:
    """A pair read back; the arrays are memory maps, shape (slice, row, column), NaN uncovered.

    Of a pair in colours the arrays are uint8, shape (field, row, column, 3).
    """

    sha256: str
    header: PackHeader
    before: NDArray[Any]
    after: NDArray[Any]

    def values(self, side: Side) -> NDArray[Any]:
        """Return the array of one side."""
        return self.before if side == "before" else self.after


def build_pack(
    before: Volume,
    after: Volume,
    packs_root: Path,
    *,
    role: str,
    recipe: str,
    model: str | None = None,
) -> str:
    """Write a pair under ``packs_root/<sha256>/`` and return the digest of its content.

    The folder is whole or absent; equal pairs give equal bytes and are written once.

    Raises
    ------
    RejectedError
        ``PACK_GRIDS_DIFFER`` when the two are not on one grid, ``PACK_EMPTY`` when a side holds
        no measured value.
    EnvironmentFault
        When the disk is full or read-only.
    """
    _demand_one_grid(before.grid, after.grid)
    arrays = _arrays(before, after)
    header = PackHeader(
        format=FORMAT,
        shape=after.grid.shape,
        spacing_mm=after.grid.spacing_mm,
        direction=_plain_direction(after.grid),
        role=role,
        recipe=recipe,
        unit={"before": before.unit, "after": after.unit},
        quantitative={"before": before.quantitative, "after": after.quantitative},
        percentiles={side: _percentiles(arrays[side]) for side in SIDES},
        model=model,
    )
    return _keep(header, arrays, packs_root)


def build_colour_pack(
    sides: Mapping[Side, NDArray[np.uint8]],
    spacing_mm: tuple[float, float],
    packs_root: Path,
    *,
    role: str,
    recipe: str,
    model: str | None = None,
) -> str:
    """Write a pair of pictures in colours and return its digest, as `build_pack` does.

    Parameters
    ----------
    sides : mapping of Side to ndarray of uint8, shape (field, row, column, 3)
    spacing_mm : tuple of float
        Of rows and columns.
    """
    arrays: dict[Side, NDArray[Any]] = {s: np.ascontiguousarray(sides[s]) for s in SIDES}
    fields, rows, columns = arrays["after"].shape[:3]
    if arrays["before"].shape != arrays["after"].shape:
        raise RejectedError(
            "PACK_GRIDS_DIFFER", f"{sides['before'].shape[:3]} and {(fields, rows, columns)}"
        )
    header = PackHeader(
        format=FORMAT,
        shape=(fields, rows, columns),
        spacing_mm=(None, *spacing_mm),
        direction=None,
        role=role,
        recipe=recipe,
        unit=dict.fromkeys(SIDES, "1"),
        quantitative=dict.fromkeys(SIDES, False),
        percentiles={side: _percentiles(arrays[side]) for side in SIDES},
        model=model,
        colours=True,
    )
    return _keep(header, arrays, packs_root)


def build_spoilt(pack: ReviewPack, after: NDArray[np.float32], packs_root: Path) -> str:
    """Write a pair with another harmonised side, of its shape; return its digest.

    Number type and grid stay those of the pair, so that nothing but the picture tells.
    """
    is_whole = pack.after.dtype.kind in "iu"
    values = np.rint(after) if is_whole else np.where(np.isfinite(pack.after), after, np.nan)
    arrays: dict[Side, NDArray[Any]] = {
        "before": np.ascontiguousarray(pack.before),
        "after": np.ascontiguousarray(values.astype(pack.after.dtype)),
    }
    percentiles: dict[str, tuple[float, ...]] = {s: _percentiles(arrays[s]) for s in SIDES}
    return _keep(replace(pack.header, percentiles=percentiles), arrays, packs_root)


def load_pack(packs_root: Path, sha256: str) -> ReviewPack:
    """Return a pair; its pixels stay on disk until a slice is asked for.

    Raises
    ------
    RejectedError
        ``PACK_UNREADABLE`` when there is no such pack or a file of it is damaged.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise RejectedError("PACK_UNREADABLE", "not a digest")
    folder = packs_root / sha256
    try:
        header = read_header(folder / "pack.json")
        before, after = (
            np.load(folder / f"{side}.npy", mmap_mode="r", allow_pickle=False) for side in SIDES
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RejectedError("PACK_UNREADABLE", type(error).__name__) from error
    if before.shape != header.stored_shape or after.shape != header.stored_shape:
        raise RejectedError("PACK_UNREADABLE", "shape differs from the header")
    return ReviewPack(sha256, header, before, after)


def verify_pack(packs_root: Path, sha256: str) -> ReviewPack:
    """Return a pair whose content still has its digest; a verdict binds to nothing else.

    Raises
    ------
    RejectedError
        ``PACK_UNREADABLE``, or ``PACK_CHANGED`` when the content has another digest.
    """
    pack = load_pack(packs_root, sha256)
    digest = hashlib.sha256(pack.header.to_bytes())
    for side in SIDES:
        for plane in pack.values(side):
            digest.update(np.ascontiguousarray(plane).tobytes())
    if digest.hexdigest() != sha256:
        raise RejectedError("PACK_CHANGED", sha256)
    return pack


def _keep(header: PackHeader, arrays: dict[Side, NDArray[Any]], packs_root: Path) -> str:
    digest = hashlib.sha256(header.to_bytes())
    for side in SIDES:
        digest.update(arrays[side].data)
    sha256 = digest.hexdigest()
    target = packs_root / sha256
    if not _is_whole(target, header, arrays):
        _write(target, header, arrays)
    return sha256


def _demand_one_grid(one: Grid, other: Grid) -> None:
    same = (
        one.shape == other.shape
        and one.positioned == other.positioned
        and [s is None for s in one.spacing_mm] == [s is None for s in other.spacing_mm]
        and np.allclose(one.affine(), other.affine(), rtol=0, atol=GRID_TOLERANCE_MM)
    )
    if not same:
        raise RejectedError("PACK_GRIDS_DIFFER", f"{one.shape} and {other.shape}")


def _plain_direction(grid: Grid) -> tuple[tuple[float, float, float], ...] | None:
    if not grid.positioned:
        return None
    return tuple((float(x), float(y), float(z)) for x, y, z in grid.direction)


def _arrays(before: Volume, after: Volume) -> dict[Side, NDArray[Any]]:
    """Return both sides in one number type: the type must not tell which side is which."""
    sides: dict[Side, NDArray[Any]] = {"before": _measured(before), "after": _measured(after)}
    if all(_fits_int16(array) for array in sides.values()):
        return {side: array.astype("<i2") for side, array in sides.items()}
    return sides


def _measured(volume: Volume) -> NDArray[np.float32]:
    """Return the values with one kind of NaN wherever nothing was measured."""
    known = np.isfinite(volume.values)
    if volume.coverage is not None:
        known &= volume.coverage
    if not known.any():
        raise RejectedError("PACK_EMPTY", "no measured value")
    return np.ascontiguousarray(np.where(known, volume.values, np.float32(np.nan)), dtype="<f4")


def _fits_int16(array: NDArray[np.float32]) -> bool:
    limits = np.iinfo(np.int16)
    return all(
        bool(np.all((plane == np.rint(plane)) & (plane >= limits.min) & (plane <= limits.max)))
        for plane in array
    )


def _percentiles(array: NDArray[Any]) -> tuple[float, ...]:
    measured = array[np.isfinite(array)]
    return tuple(float(v) for v in np.percentile(measured, RANKS))


def _is_whole(folder: Path, header: PackHeader, arrays: dict[Side, NDArray[Any]]) -> bool:
    """Return whether a pack is already in place, by sizes; `verify_pack` reads every byte."""
    try:
        if (folder / "pack.json").read_bytes() != header.to_bytes():
            return False
        sizes = {side: (folder / f"{side}.npy").stat().st_size for side in SIDES}
    except OSError:
        return False
    return all(sizes[side] > arrays[side].nbytes for side in SIDES)


def _write(target: Path, header: PackHeader, arrays: dict[Side, NDArray[Any]]) -> None:
    partial = partial_of(target)
    broken = partial_of(target.with_name(f"{target.name}.broken"))
    with disk_faults():
        partial.mkdir(parents=True, exist_ok=True)
        try:
            for side in SIDES:
                with (partial / f"{side}.npy").open("wb") as stream:
                    np.lib.format.write_array(
                        stream, arrays[side], version=(1, 0), allow_pickle=False
                    )
                    _flush(stream)
            with (partial / "pack.json").open("wb") as stream:
                stream.write(header.to_bytes())
                _flush(stream)
            if target.exists():
                target.rename(broken)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
            shutil.rmtree(broken, ignore_errors=True)


def _flush(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())
