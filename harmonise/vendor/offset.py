"""Dates and times kept as seconds after another: nothing of a calendar leaves the header."""

from __future__ import annotations

from pydicom.dataset import Dataset

from harmonise.suv.moment import date_and_time, date_time
from harmonise.vendor.private import text

__all__ = ["seconds_after"]


def seconds_after(stamp: str, ds: Dataset, event: str) -> float | None:
    """Return the seconds from ``<event>Date`` and ``<event>Time`` to a DT, None without one."""
    begun = date_and_time(*(text(ds.get(f"{event}{part}") or "") for part in ("Date", "Time")))
    then = date_time(stamp)
    if begun is None or begun.day is None or then is None:
        return None
    return then.seconds - begun.seconds
