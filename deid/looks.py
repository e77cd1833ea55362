"""What was decided of an instance's pixels, and what was done to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from deid.blank.region import Rectangle
from deid.text.line import Found

__all__ = ["Decision", "Look", "PixelOutcome", "account_of"]

Decision = Literal["not_needed", "cleared", "read", "regions", "signature", "drop"]
"""``not_needed``: nothing says that text could be there. ``cleared``: a person said so in the
policy. ``read``: text is searched and read. ``regions``: what lies outside the ultrasound regions
is blanked, the rest is read. ``signature``: the device's known places are blanked, the rest is
read. ``drop``: the instance is left out."""


@dataclass(frozen=True)
class Look:
    """What the gate decides from the header alone.

    Parameters
    ----------
    decision : Decision
        What is to be done with the pixels.
    reason : str
        Why, in words of ours.
    blank : tuple of Rectangle
        What is blanked before anything is read.
    """

    decision: Decision
    reason: str
    blank: tuple[Rectangle, ...] = ()


@dataclass(frozen=True)
class PixelOutcome:
    """What was done to the pixels of one instance.

    Parameters
    ----------
    look : Look
        The decision and its reason.
    frames_read : int
        Frames in which text was searched.
    found : tuple of Found
        What was read, kept or not.
    blanked : tuple of Rectangle
        What is black now; in JPEG also the rest of the blocks that these touch.
    alarm : str
        Code of what somebody should look into, though the object is clean; empty for nothing.
    face : str
        ``removed`` or ``none``; empty where nobody was asked to look.
    """

    look: Look
    frames_read: int = 0
    found: tuple[Found, ...] = ()
    blanked: tuple[Rectangle, ...] = ()
    alarm: str = ""
    face: str = ""


def account_of(outcome: PixelOutcome) -> dict[str, str | int | dict[str, int]]:
    """Return what a report says of an instance's pixels: counts and reasons, never what was read.

    ``cut`` and ``kept`` count lines of text by reason.
    """
    account: dict[str, str | int | dict[str, int]] = {
        "decision": outcome.look.decision,
        "reason": outcome.look.reason,
    }
    if outcome.frames_read:
        account["frames_read"] = outcome.frames_read
        for name, keep in (("cut", False), ("kept", True)):
            account[name] = dict(
                sorted(Counter(f.reason for f in outcome.found if f.keep is keep).items())
            )
        account["rectangles"] = len(outcome.blanked)
    if outcome.face:
        account["face"] = outcome.face
    if outcome.alarm:
        account["alarm"] = outcome.alarm
    return account
