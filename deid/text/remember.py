"""A reader that does not look twice at the same pixels: images are read again after blanking."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.text.line import Heat, Line, Reader, View

__all__ = ["RememberingReader"]

_STEPS = 255


class RememberingReader:
    """Gives the answer of another reader, and the same one again for the same pixels.

    Heat is kept in steps of 1/255, and is the same whether it comes from memory or not.
    What was read is kept in memory only: make one for each study, so that it goes with the study.

    Parameters
    ----------
    reader : Reader
        Looks.
    most_px : int
        Of heat that is kept, one byte a pixel; what was used longest ago goes first.
    most_words : int
        Crops of which the text is kept.
    """

    def __init__(
        self, reader: Reader, *, most_px: int = 16_000_000, most_words: int = 2_000
    ) -> None:
        self._reader, self._most_px, self._most_words = reader, most_px, most_words
        self._heat: OrderedDict[bytes, NDArray[np.uint8]] = OrderedDict()
        self._words: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._kept_px = 0

    def heat(self, view: View) -> Heat:
        """Return the heat of a view, (row, column), 0 to 1."""
        key = _key(view)
        kept = self._heat.pop(key, None)
        if kept is None:
            kept = np.rint(self._reader.heat(view) * _STEPS).astype(np.uint8)
            self._kept_px += kept.size
        self._heat[key] = kept
        while self._kept_px > self._most_px and len(self._heat) > 1:
            self._kept_px -= self._heat.popitem(last=False)[1].size
        return kept.astype(np.float32) / np.float32(_STEPS)

    def words(self, crops: Sequence[View]) -> tuple[tuple[str, float], ...]:
        """Return the text of each crop and the trust in it."""
        keys = [_key(crop) for crop in crops]
        new = {key: crop for key, crop in zip(keys, crops, strict=True) if key not in self._words}
        self._words.update(zip(new, self._reader.words(list(new.values())), strict=True))
        read = tuple(self._words[key] for key in keys)
        for key in keys:
            self._words.move_to_end(key)
        while len(self._words) > self._most_words:
            self._words.popitem(last=False)
        return read

    def rest(self) -> None:
        """Let the reader give back the memory that large images took."""
        self._reader.rest()

    def read(self, grey: View, **options: Any) -> tuple[Line, ...]:
        """Return the lines of a small frame."""
        return self._reader.read(grey, **options)


def _key(view: View) -> bytes:
    digest = hashlib.blake2b(repr(view.shape).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(view).data)
    return digest.digest()
