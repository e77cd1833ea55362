"""Bytes in a pixel value that are no samples: segments of codecs are searched too.

An application segment that says how to decode (JPEG APP0, APP2, APP14; ITU-T T.81 B.2.4.6) stays
where it lies. One that names the study's people, numbers or dates, or looks like an identifier,
costs the object its release. What a codec says of itself (``LEAD Technologies``) is no finding.
Comments are blanked elsewhere (:mod:`deid.codestream`).
"""

from __future__ import annotations

from collections.abc import Iterable

from config.errors import IdentityLeak
from deid.hunt import Hunter
from deid.leak import holds_needle

__all__ = ["check_asides"]

_ENCODINGS = ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
_LONGEST_BYTES = 1 << 20


def check_asides(asides: Iterable[bytes], hunter: Hunter) -> None:
    """Refuse an object whose pixel value says whose it is.

    Raises
    ------
    IdentityLeak
        ``IDENTITY_LEAK`` at (7FE0,0010); also for more text than can be searched.
    """
    for aside in asides:
        if not aside.strip(b"\0\xff "):
            continue
        too_long = len(aside) > _LONGEST_BYTES
        if too_long or holds_needle(aside.lower(), hunter) or _speaks(aside, hunter):
            raise IdentityLeak("IDENTITY_LEAK", "(7FE0,0010)")


def _speaks(aside: bytes, hunter: Hunter) -> bool:
    texts = {aside.decode(encoding, "replace") for encoding in _ENCODINGS}
    return any(hunter.clean(text, patterns=True) != text for text in texts)
