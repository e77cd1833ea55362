"""Where a frame shows body, cheaply: there a weak trace of text needs a second look."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.text.line import Kind

__all__ = ["tissue_mask"]

Mask = NDArray[np.bool_]

_WORKED_PX = 384
"""Longer side of the picture the mask is found in."""
_LEAST_SHARE, _MOST_SHARE = 0.01, 0.98
_TEXT_STROKE = 0.02
"""Of the longer side: what is thinner is no tissue."""


def tissue_mask(ground: NDArray[Any], kind: Kind) -> Mask:
    """Return where tissue is, (row, column); nowhere when it cannot be told or none is sought.

    Text at the border or beside the tissue is not part of it. A mask that is too small only costs
    weak traces that were nothing; it keeps no text.

    Parameters
    ----------
    ground : array
        (row, column), larger is brighter.
    kind : Kind
        Captures and other frames have none.
    """
    if kind in {"capture", "other"}:
        return np.zeros(ground.shape, bool)
    scale = min(_WORKED_PX / max(ground.shape), 1.0)
    size = (max(round(ground.shape[1] * scale), 1), max(round(ground.shape[0] * scale), 1))
    small = cv2.resize(ground.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    small = cv2.blur(small, (3, 3))
    found = _largest(_standing_out(np.asarray(small, np.float32)), kind)
    if not _LEAST_SHARE <= found.mean() <= _MOST_SHARE:
        return np.zeros(ground.shape, bool)
    wide = cv2.resize(found.astype(np.uint8), ground.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.asarray(wide > 0, bool)


def _standing_out(small: NDArray[np.float32]) -> Mask:
    """Return what differs from the background, the value that most of the picture has."""
    low, high = float(small.min()), float(small.max())
    if high <= low:
        return np.zeros(small.shape, bool)
    counts, edges = np.histogram(small, bins=64, range=(low, high))
    background = float(edges[int(counts.argmax())] + edges[int(counts.argmax()) + 1]) / 2
    return np.asarray(np.abs(small - background) > 0.04 * (high - low), bool)


def _largest(mask: Mask, kind: Kind) -> Mask:
    """Return the largest connected part without what hangs on it by a thread; holes filled."""
    stroke = max(round(max(mask.shape) * _TEXT_STROKE), 3) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (stroke, stroke))
    flat = mask.astype(np.uint8)
    if kind == "ultrasound":  # speckle has dark grains
        flat = np.asarray(cv2.morphologyEx(flat, cv2.MORPH_CLOSE, kernel), np.uint8)
    flat = np.asarray(cv2.morphologyEx(flat, cv2.MORPH_OPEN, kernel), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    if count < 2:
        return np.zeros(mask.shape, bool)
    largest = (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(largest), outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled > 0, bool)
