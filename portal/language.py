"""The portal's words in English and French, and which of the two a reader gets."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from starlette.requests import Request

__all__ = ["LANGUAGES", "Language", "asked_language", "language_of", "texts"]

Language = Literal["en", "fr"]

LANGUAGES: tuple[Language, Language] = ("en", "fr")


def asked_language(request: Request) -> Language | None:
    """Return the language that the address asks for, if it asks for one we have."""
    given = request.query_params.get("lang")
    return next((language for language in LANGUAGES if language == given), None)


def language_of(request: Request) -> Language:
    """Return the address's language, else the browser's best (RFC 9110 12.5.4), else English."""
    asked = asked_language(request)
    if asked:
        return asked
    best: tuple[float, Language] = (0.0, "en")
    for item in request.headers.get("accept-language", "").split(","):
        tag, _, weight = item.strip().partition(";q=")
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and _weight(weight) > best[0]:
                best = (_weight(weight), language)
    return best[1]


@cache
def texts(language: Language) -> dict[str, str]:
    """Return every text of the portal in one language."""
    raw: dict[str, Any] = yaml.safe_load(
        files(__package__).joinpath("texts.yaml").read_text(encoding="utf-8")
    )
    return {key: str(row[language]) for key, row in raw.items()}


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
