"""What one site does otherwise with one attribute, and the overrides that no policy may hold."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field, field_validator, model_validator
from pydicom import uid as uids
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR, tag_for_keyword

from config.base import Frozen
from config.errors import ConfigurationError

__all__ = ["Override", "find_sop_class", "sop_class_uid"]

_STAYS = frozenset({"keep", "clean"})
_DATE_VRS = frozenset({"DA", "DT", "TM"})
_OWN_GROUPS = frozenset({0x0000, 0x0002, 0x0004, 0x7FE0, 0xFFFC, 0xFFFE})


class Override(Frozen):
    """One attribute that is treated otherwise than profile and options say."""

    attribute: str
    """Keyword of PS3.6, or the tag as eight hexadecimal digits."""
    action: Literal["keep", "remove", "empty", "dummy", "clean"]
    """What is done; ``remove`` and ``empty`` still leave what the IOD requires (PS3.5 7.4)."""
    reason: str = Field(min_length=10)
    """Why, in a sentence; shown wherever the policy is shown."""
    sop_classes: tuple[str, ...] = ()
    """SOP classes it is for, by UID or keyword; none means all."""

    @field_validator("attribute")
    @classmethod
    def _known(cls, value: str) -> str:
        tag = _tag(value)
        if tag is None or not dictionary_has_tag(tag) or (tag >> 16) % 2:
            raise ValueError(f"{value!r} is no attribute of PS3.6")
        keyword = str(dictionary_keyword(tag))
        if tag >> 16 in _OWN_GROUPS or keyword in _untouchable():
            raise ValueError(f"{keyword} cannot be overridden: the object depends on it")
        return keyword

    @field_validator("sop_classes")
    @classmethod
    def _classes(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sop_class_uid(value) for value in values)

    @model_validator(mode="after")
    def _no_identifier_stays(self) -> Override:
        if self.action not in _STAYS:
            return self
        vr = str(dictionary_VR(self.tag))
        if self.attribute in _direct_identifiers() or vr == "PN":
            why = _direct_identifiers().get(self.attribute, "names a person")
        elif vr == "UI":
            why = "UIDs are retained by option 113110 only, all together"
        elif vr in _DATE_VRS:
            why = "dates are retained by option 113106 or 113107 only, all together"
        elif self.action == "clean" and vr not in {"LO", "LT", "SH", "ST", "UC", "UT", "SQ"}:
            why = f"a value of VR {vr} cannot be cleaned"
        else:
            return self
        raise ValueError(f"{self.attribute} may not be overridden by {self.action!r}: {why}")

    @property
    def tag(self) -> int:
        """The attribute's 32-bit tag."""
        return _tag(self.attribute) or 0


def sop_class_uid(value: str) -> str:
    """Return the UID of a SOP class given as UID or keyword (PS3.6 Table A-1).

    Raises
    ------
    ValueError
        When PS3.6 has no such SOP class.
    """
    uid = uids.UID(str(getattr(uids, value, value)), validation_mode=0)
    if uid.is_valid and uid.type == "SOP Class":
        return str(uid)
    raise ValueError(f"{value!r} is no SOP class of PS3.6")


def find_sop_class(value: str) -> str:
    """Return the UID of a SOP class that a person named.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNKNOWN_NAME``.
    """
    try:
        return sop_class_uid(value)
    except ValueError as error:
        raise ConfigurationError("CONFIG_UNKNOWN_NAME", str(error)) from error


def _tag(value: str) -> int | None:
    tag = tag_for_keyword(value)
    if tag is None and len(value) == 8:
        try:
            return int(value, 16)
        except ValueError:
            return None
    return tag


@cache
def _direct_identifiers() -> dict[str, str]:
    return {row["keyword"]: row["why"] for row in _rows() if row["allows"] == "removal"}


@cache
def _untouchable() -> frozenset[str]:
    return frozenset(row["keyword"] for row in _rows() if row["allows"] == "nothing")


def _rows() -> list[dict[str, str]]:
    text = (files(__package__) / "direct_identifiers.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return list(csv.DictReader(lines))
