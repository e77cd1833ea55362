"""Blinding: tokens that name a pair, and sides at random, both from a key that readers lack."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

from pipelines.cohort.packs import Side

__all__ = ["PANES", "Blinding", "Pane"]

Pane = Literal["left", "right"]

PANES: tuple[Pane, Pane] = ("left", "right")

TOKEN_LENGTH = 32
"""Hexadecimal digits of a token: 128 bits."""


class Blinding:
    """What a reader may see of a pair's name, and which side stands on which pane.

    The content digest itself is never shown: the release lists digests, and a reader who knows
    the program could work out from them what stands where.

    Parameters
    ----------
    secret : bytes
        Made anew when the portal starts; another start gives other tokens and other sides.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, project: str, sha256: str) -> str:
        """Return the opaque name of a pair."""
        return self._digest("token", project, sha256).hex()[:TOKEN_LENGTH]

    def side(self, project: str, sha256: str, pane: Pane) -> Side:
        """Return what stands on a pane; the other pane holds the other side."""
        swapped = self._digest("side", project, sha256)[0] & 1
        return "before" if (pane == "left") != bool(swapped) else "after"

    def form_token(self, session: str) -> str:
        """Return the token that a form of this session must send back."""
        return self._digest("form", session).hex()[:TOKEN_LENGTH]

    def is_form_token(self, session: str, given: str) -> bool:
        """Return whether a form was made for this session, in constant time."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _digest(self, *parts: str) -> bytes:
        # Names never hold a zero byte, so parts cannot be mistaken for one another.
        return hmac.new(self._secret, "\0".join(parts).encode(), hashlib.sha256).digest()
