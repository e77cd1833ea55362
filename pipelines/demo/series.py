"""What the makers of images hand to the writer: one series, its shared header and its images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

__all__ = ["Image", "MadeSeries", "merge_templates"]


@dataclass(frozen=True)
class Image:
    """One instance: the elements it does not share, and its pixels as little-endian bytes."""

    own: Dataset
    pixels: bytes


@dataclass(frozen=True)
class MadeSeries:
    """One series of the demo."""

    role: str
    series_uid: str
    shared: Dataset
    images: tuple[Image, ...]


def merge_templates(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return one template; later layers win, private blocks add up."""
    merged: dict[str, Any] = {}
    private: list[Any] = []
    for layer in layers:
        merged |= {key: value for key, value in layer.items() if key != "private"}
        private += layer.get("private", [])
    return merged | {"private": private}
