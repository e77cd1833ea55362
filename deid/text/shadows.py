"""Shadows of a marker: what was found on it a second time and could not be read, or read otherwise.

Blanking a shadow would take the marker with it; what was read there says that nothing else is.
"""

from __future__ import annotations

from collections.abc import Iterable

from deid.text.line import Found

__all__ = ["without_shadows"]

_SAME = 0.8
"""Of the larger of two places: what they share when they are one."""


def without_shadows(found: Iterable[Found]) -> tuple[Found, ...]:
    """Return what was found, in a frame or a clip, without the shadows of markers that stay."""
    every = tuple(found)
    kept = [f for f in every if f.keep]
    return tuple(
        f for f in every if f.keep or not any(_is_part(f, m) or _is_misread(f, m) for m in kept)
    )


def _is_part(one: Found, marker: Found) -> bool:
    """Tell whether something unreadable, or a single letter, lies on a marker, or a part in it.

    The marker was read over its whole place: of what lies within it there is no more to say.
    """
    r, other = one.line.rectangle, marker.line.rectangle
    shared = r.shared(other)
    if one.reason != "unreadable" and len(one.line.text) > 1:
        is_weaker = one.reason == "not_allowed" and one.line.score < marker.line.score
        return is_weaker and shared >= _SAME * r.area
    return 2 * shared > min(r.area, 2 * other.area)


def _is_misread(one: Found, marker: Found) -> bool:
    """Tell whether it is the marker itself, less surely read and with one letter wrong.

    Never a name, a number or a date of the study.
    """
    mine, its = one.line, marker.line
    if one.reason != "not_allowed" or mine.score > its.score or len(mine.text) != len(its.text):
        return False
    wrong = sum(a != b for a, b in zip(mine.text.upper(), its.text.upper(), strict=True))
    larger = max(mine.rectangle.area, its.rectangle.area)
    return wrong == 1 and mine.rectangle.shared(its.rectangle) >= _SAME * larger
