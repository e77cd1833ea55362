"""The frozen base of every settings model, and the fingerprint that keys results by settings."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["Frozen", "Name", "TimeZone", "fingerprint"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""A name that is safe in a path, a URL and a Prefect name."""


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        msg = f"{value!r} is not an IANA time zone"
        raise ValueError(msg) from error
    return value


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""Name of an IANA time zone."""


class Frozen(BaseModel):
    """A settings value: immutable, and a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def fingerprint(model: BaseModel) -> str:
    """Return the SHA-256 (hex) of a model's canonical JSON; equal settings give equal keys."""
    payload = json.dumps(model.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(payload.encode()).hexdigest()
