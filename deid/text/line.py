"""A line of text that was read in a frame, and what is judged of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from deid.blank.region import Rectangle

__all__ = ["Found", "Grey", "Heat", "Kind", "Line", "Reader", "View"]

Grey = NDArray[np.uint8]
"""One frame as shown, (row, column), 0 black to 255 white."""
View = NDArray[np.uint8]
"""One frame as shown, (row, column) or in colour (row, column, 3) red, green, blue."""
Heat = NDArray[np.float32]
"""How much each pixel looks like the inside of a line of text, (row, column), 0 to 1."""
Kind = Literal["mammogram", "ultrasound", "radiograph", "capture", "other"]
"""What a frame shows: which markers may stay, and where tissue is looked for."""


@dataclass(frozen=True)
class Line:
    """One line of text as the reader sees it.

    Parameters
    ----------
    rectangle : Rectangle
        Where it stands in the frame, tight.
    text : str
        What it says; may be an identity, so it is in no representation.
    score : float
        The reader's own trust in it, 0 to 1; 0 where only a place was detected.
    """

    rectangle: Rectangle
    text: str = field(repr=False)
    score: float


@dataclass(frozen=True)
class Found:
    """A line and its judgement.

    Parameters
    ----------
    line : Line
        What was read where.
    keep : bool
        Whether it may stay in the image.
    reason : str
        Why, as a word of ours: ``marker``, ``scale``, ``identity``, ``pattern``, ``not_allowed``,
        ``unreadable``; never what was read.
    """

    line: Line
    keep: bool
    reason: str


class Reader(Protocol):
    """Finds and reads lines of text in one frame."""

    def heat(self, view: View) -> Heat:
        """Return where text seems to stand in a view of at most about a megapixel."""

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        """Return the text of each crop, which holds one line, and the trust in it, 0 to 1."""

    def rest(self) -> None:
        """Give back what memory is not needed between two frames."""

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        """Return the lines of a frame, from the top left."""
