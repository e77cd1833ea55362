"""Which limb an image shows, and where on the body it lies: by header, words and position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from harmonise.data import table
from harmonise.volume import Grid

__all__ = ["Side", "region_of", "side_of"]

ONE_SIDE = 0.9
"""Least part of the width beyond the middle of the table for an image to be of one side."""

BOTH_MM = 280.0
"""A field of view this wide about the middle of the table shows both limbs."""


class Side(NamedTuple):
    """``sides`` are R and L, both of them, or empty where nobody can tell; ``why`` says how."""

    sides: tuple[str, ...]
    why: str


def side_of(header: Mapping[str, Any], grid: Grid) -> Side:
    """Return the side of the patient an image shows.

    The header, then words of the description, then the place: x grows to the patient's left
    (PS3.3 C.7.6.2.1.1) whatever the patient position, but is counted from the table, so a narrow
    field of view about its middle may be either limb. Where two of them contradict nobody can tell.
    """
    said = _said(header)
    place = _place(grid)
    if said in {"R", "L"} and place in {"R", "L"} and said != place:
        return Side((), f"header says {said}, x says {place}")
    if said == "B" or (not said and place == "B"):
        return Side(("R", "L"), "both limbs in the field of view")
    if said:
        return Side((said,), "(0020,0060), (0020,0062) or (0008,103E)")
    if place:
        return Side((place,), "x of (0020,0032)")
    return Side((), "no laterality, no word, and x about the middle of the table")


def _said(header: Mapping[str, Any]) -> str:
    for keyword in ("ImageLaterality", "Laterality"):
        value = str(header.get(keyword) or "").strip().upper()
        if value in {"R", "L", "B"}:
            return value
    words = _words(header, "SeriesDescription", "ProtocolName")
    found = {
        side for side, pattern in table("nerve_words")["sides"].items() if re.search(pattern, words)
    }
    if "B" in found or found == {"R", "L"}:
        return "B"
    return found.pop() if found else ""


def _place(grid: Grid) -> str:
    index = np.array([[i, j, k, 1] for i in (0, 1) for j in (0, 1) for k in (0, 1)], float)
    index[:, :3] *= np.array(grid.shape) - 1
    x_mm = (grid.affine() @ index.T)[0]
    low, high = float(x_mm.min()), float(x_mm.max())
    left = np.clip(high, 0.0, None) - np.clip(low, 0.0, None)
    share = left / (high - low) if high > low else float(low > 0)
    if share >= ONE_SIDE:
        return "L"
    if share <= 1 - ONE_SIDE:
        return "R"
    return "B" if high - low >= BOTH_MM else ""


def region_of(header: Mapping[str, Any]) -> str | None:
    """Return the region of a peripheral nerve examination; None where no word names one."""
    words = _words(header, "BodyPartExamined", "SeriesDescription", "ProtocolName")
    for row in table("nerve_words")["regions"]:
        if re.search(row["pattern"], words):
            return str(row["name"])
    return None


def _words(header: Mapping[str, Any], *keywords: str) -> str:
    text = " ".join(str(header.get(keyword) or "") for keyword in keywords)
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
