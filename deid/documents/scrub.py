"""A document's text without identity: cleaned, then looked at once more with its gaps closed."""

from __future__ import annotations

import re

from deid.fold import fold
from deid.hunt import LONG_ID, Hunter

__all__ = ["holds_identity", "scrub"]

_SPACED = re.compile(r"(?<!\w)(?:\w ){3,}\w(?!\w)")
"""Letter-spaced words: ``L E F E V R E``."""
_HYPHENATED = re.compile(r"(?<=[^\W\d_])[-\u00ad]\n(?=[^\W\d_])")
_GAPLESS_PART, _GAPLESS_PAIR = 6, 8
"""Letters of a part of a name, and of a whole one, that is looked for across gaps; shorter ones
stand inside other words."""


def scrub(text: str, hunter: Hunter) -> str | None:
    """Return ``text`` without the study's identity and what looks like identity.

    None when something is still there once blanks and punctuation are left out: then the way the
    document was set hides more than was found.
    """
    joined = _SPACED.sub(lambda match: match[0].replace(" ", ""), _HYPHENATED.sub("", text))
    clean = hunter.clean(joined, patterns=True)
    return None if holds_identity(clean, hunter) else clean


def holds_identity(text: str, hunter: Hunter) -> bool:
    """Tell whether the identity stands in ``text``, with its gaps or without."""
    folded = fold(text)
    if hunter.spans(folded):
        return True
    squeezed = _squeeze(folded)
    pairs = {one + two for pair in hunter.forms.pairs for one, two in (pair, pair[::-1])}
    words = {_squeeze(pair) for pair in pairs if len(pair) >= _GAPLESS_PAIR}
    words |= {_squeeze(part) for part in hunter.forms.parts if len(part) >= _GAPLESS_PART}
    words |= {_squeeze(number) for number in hunter.ids if len(number) >= LONG_ID}
    return any(word in squeezed for word in words - {""})


def _squeeze(folded: str) -> str:
    return re.sub(r"[\W_]+", "", folded)
