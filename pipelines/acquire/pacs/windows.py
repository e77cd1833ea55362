"""Asking for a range of days so that no answer is lost, however few answers a PACS gives at once.

An archive may cap its answers and say so (A700), or give the first n and call that success. Nothing
in such an answer shows that it is short. It is found out by asking again in two halves:

* an answer with fewer studies than another answer of the same archive is whole, for the archive
  has shown that it can give more;
* an answer whose two halves, both with studies, add up to the same studies is whole: were it cut
  at n, the halves would hold more than n together. Another answer of n is asked for again all the
  same: n may be the cap and just what the first window held;
* halves that add up to more prove a cap of n, and every answer of n studies is split from then on.

Days are halved down to one, then the day's hours down to a second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from config.errors import TransientError
from pipelines.acquire.pacs.objects import FoundStudy

__all__ = ["LEAST_CAP", "Sweep", "Window", "is_round", "sweep"]

LEAST_CAP = 8
"""No archive gives fewer answers than this: a shorter one is whole."""
_DAY_S = 24 * 3600
_REFUSALS = 60
"""Refusals in a row after which it is not a cap, but an archive that does not answer."""


@dataclass(frozen=True)
class Window:
    """Whole days, or a stretch of one day in seconds since midnight; both ends included."""

    first: date
    last: date
    from_s: int = 0
    until_s: int = _DAY_S - 1

    @property
    def is_whole_days(self) -> bool:
        """Whether the day's time is left open."""
        return (self.from_s, self.until_s) == (0, _DAY_S - 1)

    @property
    def study_date(self) -> str:
        """Value of StudyDate (PS3.4 section C.2.2.2.5)."""
        return f"{self.first:%Y%m%d}-{self.last:%Y%m%d}"

    @property
    def study_time(self) -> str:
        """Value of StudyTime; empty for whole days."""
        return "" if self.is_whole_days else f"{_hms(self.from_s)}-{_hms(self.until_s)}"

    def halves(self) -> tuple[Window, Window] | None:
        """Return two windows that share nothing; None when there is nothing left to split."""
        days = (self.last - self.first).days
        if days:
            middle = self.first + timedelta(days=days // 2)
            return Window(self.first, middle), Window(middle + timedelta(days=1), self.last)
        if self.from_s == self.until_s:
            return None
        noon = (self.from_s + self.until_s) // 2
        return (
            Window(self.first, self.last, self.from_s, noon),
            Window(self.first, self.last, noon + 1, self.until_s),
        )

    def holds(self, study: FoundStudy) -> bool:
        """Tell whether a study lies in it; one without a date or time lies in no part of a day."""
        if not f"{self.first:%Y%m%d}" <= study.study_date.replace(".", "") <= f"{self.last:%Y%m%d}":
            return False
        seconds = _seconds(study.study_time)
        return self.is_whole_days or (
            seconds is not None and self.from_s <= seconds <= self.until_s
        )


@dataclass
class Sweep:
    """What a range of days holds, and how it was found out."""

    studies: dict[str, FoundStudy] = field(default_factory=dict)
    """By Study Instance UID."""
    queries: int = 0
    cap: int | None = None
    """Most answers the archive gives; None while nothing shows that it caps them."""
    short: list[Window] = field(default_factory=list)
    """Windows that may hold more studies than the archive gives."""
    _most: int = 0
    """Largest answer so far: one with fewer studies is whole."""
    _refusals: int = 0

    def may_be_short(self, answers: int) -> bool:
        """Tell whether an answer of so many studies may have been cut."""
        if self.cap is not None:
            return answers >= self.cap
        return answers >= max(LEAST_CAP, self._most)


Ask = Callable[[Window], list[FoundStudy]]
"""Sends one query and returns every answer, also those that do not match."""


def sweep(whole: Window, ask: Ask, cap: int | None = None) -> Sweep:
    """Return every study of a range of days.

    Parameters
    ----------
    whole : Window
        The days.
    ask : callable
        Asks for one window; an archive that is out of resources is asked for less.
    cap : int, optional
        Most answers the archive gives, where its administrator says so.

    Raises
    ------
    TransientError
        The archive refuses even the narrowest question.
    """
    found = Sweep(cap=cap)
    _visit(found, whole, ask)
    return found


def _visit(found: Sweep, window: Window, ask: Ask) -> dict[str, FoundStudy] | None:
    """Ask for a window, and for its halves when need be; None when it was refused as a whole."""
    answers = _answers(found, window, ask)
    halves = window.halves()
    if answers is None:
        if halves is None:
            found.short.append(window)
        parts = [_visit(found, half, ask) for half in halves or ()]
        return {uid: one for part in parts for uid, one in (part or {}).items()}
    inside = {one.study_uid: one for one in answers if window.holds(one)}
    found.studies |= inside
    # An archive that caps its answers may have given others than those of the window.
    untimed = {one.study_uid: one for one in answers if not one.study_time}
    if window.is_whole_days:
        found.studies |= {uid: one for uid, one in untimed.items() if uid in inside}
    if not found.may_be_short(len(answers)):
        return inside
    found._most = max(found._most, len(answers))  # noqa: SLF001 this module's own book-keeping
    strangers = len(answers) - len({**inside, **untimed})
    if halves is None or (strangers and not window.is_whole_days):
        if found.cap is not None or is_round(len(answers)):
            found.short.append(window)
        return inside
    return _compare(found, window, inside, len(answers), ask, halves)


def _compare(
    found: Sweep,
    window: Window,
    inside: dict[str, FoundStudy],
    number: int,
    ask: Ask,
    halves: tuple[Window, Window],
) -> dict[str, FoundStudy]:
    """Ask for the halves of a window, and learn from them whether the window was whole."""
    parts = [_visit(found, half, ask) or {} for half in halves]
    union = {uid: one for part in parts for uid, one in part.items()}
    timed = {uid for uid, one in inside.items() if one.study_time}
    if set(union) - set(inside):
        found.cap = min(found.cap or number, number)
    is_one_day = window.first == window.last
    if is_one_day and found.cap is not None and set(inside) - timed:
        found.short.append(window)  # studies without a time are in no part of the day
    return inside | union


def _answers(found: Sweep, window: Window, ask: Ask) -> list[FoundStudy] | None:
    found.queries += 1
    try:
        answers = ask(window)
    except TransientError as error:
        found._refusals += 1  # noqa: SLF001
        if error.code != "PACS_OUT_OF_RESOURCES" or found._refusals > _REFUSALS:  # noqa: SLF001
            raise
        return None
    found._refusals = 0  # noqa: SLF001
    return answers


def is_round(number: int) -> bool:
    """Tell whether somebody may have set such a limit: 50, 100, 64, 128 and the like."""
    return number % 50 == 0 or (number >= 64 and number & (number - 1) == 0)


def _hms(seconds: int) -> str:
    return f"{seconds // 3600:02}{seconds // 60 % 60:02}{seconds % 60:02}"


def _seconds(study_time: str) -> int | None:
    """Return a TM value (PS3.5 Table 6.2-1) in whole seconds; None when there is none."""
    digits = study_time.replace(":", "").split(".")[0]
    if not digits.isdigit() or len(digits) not in {2, 4, 6}:
        return None
    padded = digits.ljust(6, "0")
    return int(padded[:2]) * 3600 + int(padded[2:4]) * 60 + min(59, int(padded[4:]))
