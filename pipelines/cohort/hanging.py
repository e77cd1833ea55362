"""Hanging: which images of an exam stand beside the one that is read, and where.

A reader judges one image, and sees the exam's others with it, as in practice: both breasts in both
views (ACR and EFOMP practice), or T2W, ADC and the highest b-value (PI-RADS v2.1, section II).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["Image", "Protocol", "companions", "hung", "protocol_of"]


@dataclass(frozen=True)
class Image:
    """What decides where an image hangs; ``view`` is side and view, such as ``RCC``, else empty."""

    name: str
    role: str
    view: str = ""
    b_value: float | None = None


@dataclass(frozen=True)
class Protocol:
    """How the exams of one recipe hang."""

    columns: int
    alike: bool
    """Whether only images of one role hang together."""
    places: Mapping[str, Mapping[str, Any]]

    def place_of(self, image: Image) -> str:
        """Return where an image hangs, empty for one without a place."""
        return next((name for name, asked in self.places.items() if _fits(image, asked)), "")


def protocol_of(recipe: str) -> Protocol | None:
    """Return how exams of a recipe hang; None where images are read one by one."""
    for name, row in _table().items():
        if recipe == name or recipe.startswith(f"{name}-"):
            return Protocol(int(row["columns"]), bool(row["alike"]), dict(row["places"]))
    return None


def companions(protocol: Protocol, read: Iterable[Image], exam: Sequence[Image]) -> list[Image]:
    """Return what of an exam hangs beside its images that are read, but for these."""
    judged = list(read)
    known = {image.name for image in judged}
    wanted: dict[str, Image] = {}
    for role in sorted({image.role for image in judged}) if protocol.alike else [""]:
        filled = {protocol.place_of(i) for i in judged if role in {"", i.role}} - {""}
        for place in protocol.places:
            found = _first(protocol, place, [i for i in exam if role in {"", i.role}])
            if place not in filled and found is not None and found.name not in known:
                wanted[found.name] = found
    return [wanted[name] for name in sorted(wanted)]


def hung(protocol: Protocol, places: Sequence[str], chosen: int) -> list[int]:
    """Return which images hang, in the order of the places, each place once.

    Parameters
    ----------
    places : sequence of str
        Where each image would hang.
    chosen : int
        The one that is read: it keeps its place, and stands first without one.
    """
    first = [] if places[chosen] else [chosen]
    for place in protocol.places:
        there = [at for at, one in enumerate(places) if one == place]
        if there:
            first.append(chosen if chosen in there else there[0])
    return first


def _first(protocol: Protocol, place: str, exam: Sequence[Image]) -> Image | None:
    there = [image for image in exam if protocol.place_of(image) == place]
    return min(there, key=lambda i: (-(i.b_value or 0.0), i.name), default=None)


def _fits(image: Image, asked: Mapping[str, Any]) -> bool:
    return (
        ("roles" not in asked or image.role in asked["roles"])
        and ("view" not in asked or image.view == asked["view"])
        and ("least_b" not in asked or (image.b_value or 0.0) >= asked["least_b"])
    )


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("hanging.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
