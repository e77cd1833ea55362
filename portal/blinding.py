"""Blinding: tokens that name what is shown, and sides at random, from a key nobody sees."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.files import write_whole
from pipelines.cohort.packs import Side
from pipelines.store import read_secret

__all__ = ["PANES", "Blinding", "Kind", "Pane", "Shown", "blinding_key", "commitment"]

Pane = Literal["left", "right"]
Kind = Literal["pair", "identical", "repeat", "spoilt", "match", "reference"]

PANES: tuple[Pane, Pane] = ("left", "right")

TOKEN_LENGTH = 32
"""Hexadecimal digits of a token: 128 bits."""


@dataclass(frozen=True)
class Shown:
    """What is shown to a reader: a pair, a control of `pipelines.cohort.controls`, or a match.

    Parameters
    ----------
    exam : str
        The exam, all of whose images have their sides alike; empty where it is not known.
    beside : str
        Digest of the pair that it hangs beside; empty for what is read itself.
    """

    project: str
    reader: str
    sha256: str
    kind: Kind = "pair"
    exam: str = ""
    beside: str = ""


class Blinding:
    """What a reader may see of a pair's name, and which side stands on which pane.

    The content digest itself is never shown: the release lists digests, and a reader who knows
    the program could work out from them what stands where. Every reader has other tokens and other
    sides, so two readers can tell each other nothing.

    Parameters
    ----------
    secret : bytes
        The installation's key, see `blinding_key`.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def token(self, shown: Shown) -> str:
        """Return the opaque name of what is shown."""
        parts = (shown.project, shown.reader, shown.sha256, shown.kind, shown.beside)
        return self._digest("token", *parts).hex()[:TOKEN_LENGTH]

    def side(self, shown: Shown, pane: Pane) -> Side:
        """Return what stands on a pane; but for identical pairs the other holds the other side.

        Which side an identical pair holds twice is drawn too, else whoever knows the program could
        find by its bytes what is what in the pair itself. A match has sides of its own, so that it
        tells nothing of the pair read before.
        """
        if shown.kind == "reference":
            return "after"
        is_drawn_alone = shown.kind in {"identical", "match"}
        task = shown.kind if is_drawn_alone else "side"
        unit = shown.sha256 if shown.kind == "match" else shown.exam or shown.sha256
        swapped = self._digest(task, shown.project, shown.reader, unit)[0] & 1
        swapped ^= shown.kind == "repeat"
        is_left = pane == "left" or shown.kind == "identical"
        return "before" if is_left != bool(swapped) else "after"

    def form_token(self, session: str) -> str:
        """Return the token that a form of this session must send back."""
        return self._digest("form", session).hex()[:TOKEN_LENGTH]

    def sealed(self, use: str, text: str) -> str:
        """Return what only this installation can make of a text, other for each use."""
        return self._digest("sealed", use, text).hex()

    def _digest(self, *parts: str) -> bytes:
        # Names never hold a zero byte, so parts cannot be mistaken for one another.
        return hmac.new(self._secret, "\0".join(parts).encode(), hashlib.sha256).digest()


def blinding_key(path: Path) -> bytes:
    """Return the installation's key, made on first use with mode 0600.

    It stays, so that links last and a reader's sides do not change between two visits.

    Raises
    ------
    ConfigurationError
        ``SECRET_READABLE`` when others may read the file.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(path, secrets.token_bytes(32), mode=0o600)
    return read_secret(path)


def commitment(secret: bytes) -> str:
    """Return the digest by which the key can be proven later to have been fixed before reading."""
    return hashlib.sha256(b"accordage blinding\0" + secret).hexdigest()
