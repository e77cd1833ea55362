"""The report's pictures: the middle slice of a pair, and intensity curves by site."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harmonise.encode.png import encode_png
from pipelines.cohort.frames import frame_size_mm, grey
from pipelines.cohort.packs import RANKS, PackHeader, ReviewPack, Side, load_pack
from pipelines.cohort.report.context import PackRef, ReportContext
from pipelines.cohort.roles import role_label, role_rank

__all__ = [
    "AIR_BINS",
    "COLOURS",
    "CURVE_BINS",
    "Gallery",
    "Picture",
    "data_uri",
    "galleries",
    "share_by_value",
    "shared_range",
]

LARGEST_SIDE_PX = 480
"""Pictures are averaged down to this size: the report travels by mail."""

SHOWN_WIDTH_PX = 320
"""Width at which a picture stands on the page."""

CURVE_VOXELS = 1_000_000
"""About as many voxels of a pair go into its intensity curve."""

CURVE_BINS = 96

AIR_BINS = 6
"""Lowest bins, where air or empty border piles up; they do not set the height of a plot."""

CURVES_INCHES = (8.8, 2.6)

CURVES_DPI = 200
"""Drawn at twice the size shown, for dense screens and print."""

LOW_RANK, HIGH_RANK = RANKS.index(0.5), RANKS.index(99.5)

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Told apart by people with any colour vision (Okabe and Ito 2008); dashes differ as well."""

DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Picture:
    """One picture as a data URI with the words that stand for it."""

    uri: str
    alt: str
    width: int
    height: int


@dataclass(frozen=True)
class Gallery:
    """One role: a row of pictures before, a row after, and the curves of both."""

    role: str
    label: str
    sites: tuple[str, ...]
    before: tuple[Picture, ...]
    after: tuple[Picture, ...]
    curves: Picture


def galleries(context: ReportContext) -> list[Gallery]:
    """Return one gallery a role, anatomy first, with one pair of every site."""
    by_role: dict[str, dict[str, list[PackRef]]] = {}
    for ref in sorted(context.packs, key=lambda p: (role_rank(p.role), p.role, p.site, p.sha256)):
        by_role.setdefault(ref.role, {}).setdefault(ref.site, []).append(ref)
    return [_gallery(role, sites, context.packs_root) for role, sites in by_role.items()]


def _gallery(role: str, by_site: dict[str, list[PackRef]], root: Path) -> Gallery:
    label = role_label(role)
    packs = {site: [load_pack(root, ref.sha256) for ref in refs] for site, refs in by_site.items()}
    rows: dict[Side, tuple[Picture, ...]] = {}
    sides: tuple[Side, Side] = ("before", "after")
    shared = shared_range([p.header for found in packs.values() for p in found], "after")
    for side in sides:
        rows[side] = tuple(
            _picture(
                found[0],
                side,
                # Before, the loudest site would leave the others black.
                shared if side == "after" else shared_range([found[0].header], side),
                f"{label}, {site}, {side} harmonising",
            )
            for site, found in packs.items()
        )
    return Gallery(role, label, tuple(packs), rows["before"], rows["after"], _curves(label, packs))


def shared_range(headers: list[PackHeader], side: Side) -> tuple[float, float]:
    """Return one window for all of these: what differs in the pictures differs in the numbers."""
    lows = [header.percentiles[side][LOW_RANK] for header in headers]
    highs = [header.percentiles[side][HIGH_RANK] for header in headers]
    return min(lows), max(highs)


def _picture(pack: ReviewPack, side: Side, limits: tuple[float, float], alt: str) -> Picture:
    middle = np.asarray(pack.values(side)[pack.header.shape[0] // 2], dtype=np.float64)
    height_mm, width_mm = frame_size_mm(pack.header, "slice")
    png = _png(_averaged(middle), limits)
    height = round(SHOWN_WIDTH_PX * height_mm / width_mm)
    return Picture(data_uri(png), f"{alt}: middle slice", SHOWN_WIDTH_PX, height)


def _png(frame: NDArray[np.float64], limits: tuple[float, float]) -> bytes:
    """Return a frame through its window; in colours, shape (row, column, 3), as it is."""
    if frame.ndim == 2:
        return encode_png(grey(frame, *limits), level=9)
    stream = io.BytesIO()
    Image.fromarray(np.rint(frame).astype(np.uint8)).save(stream, "PNG", compress_level=9)
    return stream.getvalue()


def _averaged(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the frame averaged over square blocks down to the largest side allowed."""
    factor = -(-max(frame.shape[:2]) // LARGEST_SIDE_PX)
    rows, columns = (max(1, size // factor) for size in frame.shape[:2])
    if factor == 1:
        return frame
    whole = frame[: rows * factor, : columns * factor]
    blocks = whole.reshape(rows, factor, columns, factor, *frame.shape[2:])
    mean: NDArray[np.float64] = blocks.mean(axis=(1, 3))
    return mean


def _curves(label: str, packs: dict[str, list[ReviewPack]]) -> Picture:
    """Return the share of voxels by value, one curve a site, before beside after."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    headers = [pack.header for found in packs.values() for pack in found]
    figure = Figure(figsize=CURVES_INCHES, dpi=CURVES_DPI, layout="constrained")
    sides: tuple[Side, Side] = ("before", "after")
    for column, side in enumerate(sides, start=1):
        _plot(figure.add_subplot(1, 2, column), side, headers, packs)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    # No name and version of the program that drew it: equal curves give equal bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    alt = f"{label}: share of voxels by value, one curve for each of {', '.join(packs)}"
    width, height = (int(inches * CURVES_DPI / 2) for inches in CURVES_INCHES)
    return Picture(data_uri(buffer.getvalue()), alt, width, height)


def _plot(
    axes: Any, side: Side, headers: list[PackHeader], packs: dict[str, list[ReviewPack]]
) -> None:
    low, high = shared_range(headers, side)
    edges = np.linspace(low, high if high > low else low + 1, CURVE_BINS + 1)
    tallest = 0.0
    for number, (site, found) in enumerate(packs.items()):
        percent = share_by_value(found, side, edges)
        tallest = max(tallest, float(percent[AIR_BINS:].max()))
        axes.plot(
            (edges[:-1] + edges[1:]) / 2,
            percent,
            color=COLOURS[number % len(COLOURS)],
            linestyle=DASHES[number % len(DASHES)],
            linewidth=1.8,
            label=site,
        )
    units = sorted({header.unit[side] for header in headers})
    axes.set_title(f"{side} harmonising", fontsize=10, loc="left", color="#334155")
    axes.set_xlabel(f"value ({', '.join(units)})", fontsize=8, color="#475569")
    axes.set_ylabel("% of voxels", fontsize=8, color="#475569")
    axes.tick_params(labelsize=8, colors="#475569")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(0, 1.25 * tallest if tallest > 0 else None)
    # a fixed corner: to look for the best one is slow, and matplotlib warns by the clock
    axes.legend(loc="upper right", fontsize=8, frameon=False)


def share_by_value(
    packs: list[ReviewPack], side: Side, edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the per cent of the pairs' voxels in each bin."""
    counts = sum((_counts(pack, side, edges) for pack in packs), np.zeros(len(edges) - 1))
    share: NDArray[np.float64] = 100 * counts / max(1.0, counts.sum())
    return share


def _counts(pack: ReviewPack, side: Side, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    values = pack.values(side)
    step = max(1, values.size // CURVE_VOXELS)
    sample = np.asarray(values.reshape(-1)[::step], dtype=np.float64)
    return np.histogram(sample[np.isfinite(sample)], bins=edges)[0].astype(np.float64)


def data_uri(png: bytes) -> str:
    """Return a PNG as the source of an image on the page."""
    return "data:image/png;base64," + b64encode(png).decode("ascii")
