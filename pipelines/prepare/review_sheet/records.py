"""What a review sheet is made from: one record an instance, its pictures already small."""

from __future__ import annotations

from dataclasses import dataclass, field

from deid.blank.region import Rectangle
from deid.looks import Decision, PixelOutcome
from deid.text.line import Found, Grey
from pipelines.prepare.review_sheet.pictures import small_picture

__all__ = ["SheetHead", "SheetRecord", "sheet_record"]


@dataclass(frozen=True)
class SheetHead:
    """What the whole sheet is about."""

    policy: str
    policy_hash: str
    version: str
    site: str = ""


@dataclass(frozen=True)
class SheetRecord:
    """One instance on the sheet.

    Parameters
    ----------
    number : str
        The file's number in ``report.json``: it says nothing of the patient.
    decision, reason : str
        Of the gate.
    frames_read : int
        Frames in which text was searched.
    found : tuple of Found
        What was read, kept or not.
    blanked : tuple of Rectangle
        What is black now.
    before, after : bytes
        PNG with outlines, and PNG of what is released; empty where there is none.
    frame : int
        Index of the frame that is shown, from 0.
    code : str or None
        Why the instance is refused or flagged, if it is.
    """

    number: str
    decision: Decision
    reason: str
    frames_read: int = 0
    found: tuple[Found, ...] = ()
    blanked: tuple[Rectangle, ...] = ()
    before: bytes = field(default=b"", repr=False)
    after: bytes = field(default=b"", repr=False)
    frame: int = 0
    code: str | None = None


def sheet_record(
    number: str,
    outcome: PixelOutcome,
    before: Grey | None = None,
    after: Grey | None = None,
    *,
    frame: int = 0,
    code: str | None = None,
) -> SheetRecord:
    """Return the record of an instance; the frames given are reduced and let go.

    Parameters
    ----------
    before, after : ndarray of uint8, shape (row, column), or None
        Frame number ``frame`` as shown, untouched and as it is released.
    """
    kept = [found.line.rectangle for found in outcome.found if found.keep]
    return SheetRecord(
        number=number,
        decision=outcome.look.decision,
        reason=outcome.look.reason,
        frames_read=outcome.frames_read,
        found=outcome.found,
        blanked=outcome.blanked,
        before=b"" if before is None else small_picture(before, outcome.blanked, kept, frame),
        after=b"" if after is None else small_picture(after),
        frame=frame,
        code=code,
    )
