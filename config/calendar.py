"""When a PACS may be asked for images: a weekly calendar, public holidays and closed days."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer, field_validator

from config.base import Frozen, TimeZone

__all__ = ["WEEKDAYS", "Calendar", "Opening"]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Keys of the week, in the order of ``date.weekday()``."""

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
_OPENING = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY_MIN = 24 * 60


class Opening(Frozen):
    """Hours of one day, written ``22:00-06:00``; an end before the start lies on the next day."""

    start_min: int = Field(ge=0, lt=_DAY_MIN)
    """Start, in minutes of the local day."""
    end_min: int = Field(gt=0, le=2 * _DAY_MIN)
    """End, in minutes of the same local day; over 1440 on the next day."""


def _parse(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    found = _OPENING.fullmatch(value.strip())
    if found is None:
        msg = f"{value!r} is not written as 22:00-06:00"
        raise ValueError(msg)
    hours, minutes, end_hours, end_minutes = (int(part) for part in found.groups())
    if minutes > 59 or end_minutes > 59 or hours > 23 or end_hours * 60 + end_minutes > _DAY_MIN:
        msg = f"{value!r} is no time of day"
        raise ValueError(msg)
    start, end = hours * 60 + minutes, end_hours * 60 + end_minutes
    return {"start_min": start, "end_min": end if end > start else end + _DAY_MIN}


Hours = Annotated[Opening, BeforeValidator(_parse)]


class Calendar(Frozen):
    """Hours in which images may be fetched; outside of them none is asked for."""

    timezone: TimeZone = "Europe/Paris"
    """IANA time zone of the hours."""
    week: dict[Day, tuple[Hours, ...]]
    """Hours by day (mon ... sun); a day left out is closed. ``holiday`` else counts as ``sun``."""
    public_holidays: str | None = "FR"
    """Country (ISO 3166), or country and part as ``FR:57``, of the public holidays; none: null."""
    closed: tuple[Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")], ...] = ()
    """Days without any hours: a migration of the PACS, a maintenance."""

    @field_validator("public_holidays")
    @classmethod
    def _is_country(cls, value: str | None) -> str | None:
        if value is None:
            return None
        from holidays.utils import list_supported_countries

        country, _, part = value.partition(":")
        known = list_supported_countries(include_aliases=True)
        if country not in known or (part and part not in known[country]):
            msg = f"{value!r} is no country, or country:part, whose holidays are known"
            raise ValueError(msg)
        return value

    @field_serializer("week")
    def _write_week(self, value: dict[Day, tuple[Opening, ...]]) -> dict[str, list[str]]:
        return {day: [_written(one) for one in hours] for day, hours in value.items()}


def _written(one: Opening) -> str:
    end = one.end_min if one.end_min <= _DAY_MIN else one.end_min - _DAY_MIN
    return f"{one.start_min // 60:02}:{one.start_min % 60:02}-{end // 60:02}:{end % 60:02}"
