"""Side and view of a mammogram: what each source says, what is believed, what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harmonise.data import table

__all__ = ["MgView", "modifiers_of", "view_of"]

SIDES = ("ImageLaterality", "FrameLaterality", "Laterality")
"""(0020,0062), (0020,9072) and (0020,0060), in the order they are believed."""

VIEW_POSITION = re.compile(r"^(?P<side>[LR])?(?P<view>[A-Z]+?)(?P<displaced>ID)?$")
"""Some devices write the side in front of (0018,5101), or ID behind it."""

NAMED = re.compile(
    r"\b(?P<side>r|l|right|left|droite?|gauche|rt|lt)? ?(?P<view>cc|mlo|ml|lm|xccl|xccm)?\b"
)
SIDE_WORDS = {
    "r": "R", "rt": "R", "right": "R", "droit": "R", "droite": "R",
    "l": "L", "lt": "L", "left": "L", "gauche": "L",
}  # fmt: skip


@dataclass(frozen=True)
class MgView:
    """What a mammogram shows.

    Parameters
    ----------
    side : {"L", "R", ""}
    view : str
        Short name of CID 4014 (CC, MLO, ...); "" where nothing says it.
    sides, views : tuple of (source, value)
        What each source says, the believed one first.
    """

    side: str
    view: str
    sides: tuple[tuple[str, str], ...] = ()
    views: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """Return side and view, ``RMLO``; ``?`` stands for what nothing says."""
        return f"{self.side or '?'}{self.view or '?'}"

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the flags that the header alone calls for."""
        found = []
        if not (self.side and self.view):
            found.append("MG_NO_VIEW")
        if len({value for _, value in self.sides}) > 1:
            found.append("MG_LATERALITY_CONFLICT")
        if len({value for _, value in self.views}) > 1:
            found.append("MG_VIEW_CONFLICT")
        return tuple(found)

    def said(self) -> str:
        """Return every source with what it says, for the log."""
        return "; ".join(f"{where} {value}" for where, value in (*self.sides, *self.views))


def view_of(header: Mapping[str, Any]) -> MgView:
    """Return what a mammogram shows, from its header.

    Four kinds of source: the laterality attributes (PS3.3 C.8.11.7, C.7.3.1), the view code
    (CID 4014), the view position (C.8.11.5), and the words of the description. The pixels are asked
    by the step ``chest_wall_left``, together with PatientOrientation.
    """
    sides = [(k, str(header[k]).upper()) for k in SIDES if header.get(k) is not None]
    views = []
    known: dict[str, str] = table("mg_views")
    coded = known.get(str(header.get("ViewCode")))
    if coded is not None:
        views.append(("ViewCodeSequence", coded))
    position = VIEW_POSITION.match(str(header.get("ViewPosition") or "").strip().upper())
    if position is not None:
        named = known.get(position["view"])
        if named is not None:
            views.append(("ViewPosition", named))
            sides.append(("ViewPosition", position["side"] or ""))
    side, view = _described(header)
    sides.append(("description", side))
    views.append(("description", view))
    kept_sides = tuple((where, value) for where, value in sides if value in {"L", "R"})
    kept_views = tuple((where, value) for where, value in views if value)
    return MgView(
        kept_sides[0][1] if kept_sides else "",
        kept_views[0][1] if kept_views else "",
        kept_sides,
        kept_views,
    )


def _described(header: Mapping[str, Any]) -> tuple[str, str]:
    """Return the one side and the one view that the words name; "" where none or several."""
    said = str(header.get("SeriesDescription") or header.get("ProtocolName") or "")
    words = " ".join(re.findall(r"[a-z0-9]+", said.lower()))
    sides, views = set(), set()
    for found in NAMED.finditer(words):
        if found["side"] and (found["view"] or len(found["side"]) > 1):
            sides.add(SIDE_WORDS[found["side"]])
        if found["view"]:
            views.add(found["view"].upper())
    return (sides.pop() if len(sides) == 1 else "", views.pop() if len(views) == 1 else "")


def modifiers_of(header: Mapping[str, Any]) -> set[str]:
    """Return what the modifiers make of the view: values of ``mg_modifiers.yaml``.

    A code that is not of CID 4015 makes it ``additional``: what it changes is not known.
    """
    known: dict[str, str] = table("mg_modifiers")
    codes = [str(code) for code in header.get("ViewModifierCodes") or [] if code]
    kinds = {known.get(code, "additional") for code in codes}
    position = VIEW_POSITION.match(str(header.get("ViewPosition") or "").strip().upper())
    if position is not None and position["displaced"]:
        kinds.add("implant_displaced")
    return kinds - {"none"}
