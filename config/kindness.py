"""How much may be taken from a PACS, and what is done when it tires."""

from __future__ import annotations

from pydantic import Field

from config.base import Frozen

__all__ = ["GB", "Budget", "Limits"]

GB = 10**9
"""Bytes of a gigabyte as budgets count them."""


class Budget(Frozen):
    """What one night may take; a night lasts from noon to noon, local time."""

    gb_per_night: float | None = Field(default=None, gt=0)
    """Gigabytes (10^9 bytes) a night, whatever was received counted; none: no limit."""
    studies_per_night: int | None = Field(default=None, ge=1)
    """Studies asked for a night; none: no limit."""
    mb_per_s: float | None = Field(default=None, gt=0)
    """Mean rate in megabytes (10^6 bytes) a second, held by pauses between studies."""


class Limits(Frozen):
    """What the PACS bears, as far as its administrator says or a probe found out."""

    answers_per_query: int | None = Field(default=None, ge=1)
    """Most answers the PACS gives to a query; none: found out by splitting and comparing."""
    min_delay_s: float = Field(default=0, ge=0)
    """Pause between two studies."""
    slow_ratio: float = Field(default=2.0, gt=1)
    """Response time over its usual value from which we slow down."""
    max_delay_s: float = Field(default=600, ge=0)
    """Longest pause that a slow-down may make."""
    breaker_failures: int = Field(default=3, ge=1)
    """Failures in a row after which the PACS is left alone."""
    breaker_pause_s: float = Field(default=900, gt=0)
    """How long it is then left alone."""
    lease_s: float = Field(default=900, ge=30)
    """How long an association of a host that died is still counted."""
    late_s: float = Field(default=2.0, ge=0)
    """How long images may still arrive after a C-MOVE was said to be complete."""
    fresh_h: float = Field(default=24, ge=0)
    """Age under which a study may still grow and is looked at again."""
