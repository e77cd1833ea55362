"""The report's account of intensities by site: a figure and small histograms, before and after."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from harmonise.site_effect import omega_squared
from pipelines.cohort.packs import ReviewPack, Side, load_pack
from pipelines.cohort.report.context import ReportContext, VolumeRow
from pipelines.cohort.report.pictures import (
    AIR_BINS,
    COLOURS,
    CURVE_BINS,
    Picture,
    data_uri,
    share_by_value,
    shared_range,
)
from pipelines.cohort.roles import role_label, role_rank

__all__ = ["EffectLine", "site_effects"]

SIDES: tuple[Side, Side] = ("before", "after")
FEWEST_A_SITE = 10
"""Fewer volumes at a site give a share that chance moves a lot."""

WIDTH_INCHES, HEIGHT_INCHES, DPI = 2.1, 1.3, 160


@dataclass(frozen=True)
class EffectLine:
    """One kind of volume: how many at each site, the site's share, how far sites lie apart.

    ``rough`` where a site has too few volumes for its share to be more than a hint.
    """

    label: str
    volumes: tuple[tuple[str, int], ...]
    before: str
    after: str
    apart_before: str
    apart_after: str
    rough: bool
    histograms: Picture | None


def site_effects(context: ReportContext) -> list[EffectLine]:
    """Return one line a role whose intensities a step brought together; anatomy first."""
    by_role: dict[str, list[VolumeRow]] = defaultdict(list)
    for volume in context.volumes:
        if volume.verdict != "REJECT" and volume.role and volume.mean_before is not None:
            by_role[volume.role].append(volume)
    return [
        _line(role, by_role[role], context)
        for role in sorted(by_role, key=lambda r: (role_rank(r), r))
    ]


def _line(role: str, volumes: list[VolumeRow], context: ReportContext) -> EffectLine:
    before: dict[str, list[float]] = defaultdict(list)
    after: dict[str, list[float]] = defaultdict(list)
    for volume in volumes:
        if volume.mean_before is not None and volume.mean_after is not None:
            before[volume.site].append(volume.mean_before)
            after[volume.site].append(volume.mean_after)
    packs: dict[str, list[ReviewPack]] = {}
    for ref in sorted(context.packs, key=lambda p: (p.site, p.sha256)):
        if ref.role == role:
            packs.setdefault(ref.site, []).append(load_pack(context.packs_root, ref.sha256))
    return EffectLine(
        label=role_label(role),
        volumes=tuple((site, len(before[site])) for site in sorted(before)),
        before=_text(omega_squared(before)),
        after=_text(omega_squared(after)),
        apart_before=_apart(before),
        apart_after=_apart(after),
        rough=min(len(values) for values in before.values()) < FEWEST_A_SITE,
        histograms=_histograms(role_label(role), packs) if packs else None,
    )


def _text(value: float | None) -> str:
    """Return a share as per cent; what cannot be told is not told."""
    return "cannot be told" if value is None else f"{100 * max(0.0, value):.0f} %"


def _apart(by_site: dict[str, list[float]]) -> str:
    """Return the largest difference between the sites' means, as per cent of their mean."""
    means = [float(np.mean(values)) for values in by_site.values()]
    middle = abs(float(np.mean(means)))
    if len(means) < 2 or middle == 0:
        return "cannot be told"
    return f"{100 * (max(means) - min(means)) / middle:.1f} %"


def _histograms(label: str, packs: dict[str, list[ReviewPack]]) -> Picture:
    """Return one small histogram a site, before above after; after, sites share one axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (WIDTH_INCHES * len(packs), HEIGHT_INCHES * len(SIDES))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    for row, side in enumerate(SIDES):
        everyone = [pack for found in packs.values() for pack in found]
        for column, (site, found) in enumerate(packs.items()):
            # before, one axis would leave the sites of small numbers a single spike
            shown = everyone if side == "after" else found
            low, high = shared_range([pack.header for pack in shown], side)
            edges = np.linspace(low, high if high > low else low + 1, CURVE_BINS + 1)
            share = share_by_value(found, side, edges)
            tallest = float(share[AIR_BINS:].max())
            place = row * len(packs) + column + 1
            axes: Any = figure.add_subplot(len(SIDES), len(packs), place)
            colour = COLOURS[column % len(COLOURS)]
            axes.fill_between((edges[:-1] + edges[1:]) / 2, share, color=colour, alpha=0.75)
            axes.set_title(f"{site}, {side}", fontsize=7, loc="left", color="#334155")
            axes.set_ylim(0, 1.2 * tallest if tallest > 0 else None)
            axes.set_yticks([])
            axes.tick_params(labelsize=6, colors="#475569")
            axes.spines[["top", "right", "left"]].set_visible(False)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    width, height = (int(inches * DPI / 2) for inches in size)
    alt = f"{label}: histogram of each of {', '.join(packs)}, before and after harmonising"
    return Picture(data_uri(buffer.getvalue()), alt, width, height)
