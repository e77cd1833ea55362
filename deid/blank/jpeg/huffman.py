"""A Huffman table: its codes, a look-up of all 16-bit windows, and room for symbols it lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.errors import UnsupportedObject
from deid.blank.jpeg.markers import broken

__all__ = ["Huffman", "extended", "make_huffman"]

EOB, ZRL = 0x00, 0xF0
BLOCK_END, INVALID = 128, 192
"""What is added to the coefficient's index at an end of block and at a code that does not exist."""


@dataclass(frozen=True)
class Huffman:
    """A table as in its segment, and its codes.

    Parameters
    ----------
    counts, symbols : bytes
        Codes of each length 1 to 16; symbols by rising code, T.81 B.2.4.2.
    codes : dict
        Symbol -> (code, its length).
    """

    counts: bytes
    symbols: bytes
    codes: dict[int, tuple[int, int]]

    def dc_steps(self) -> NDArray[np.uint16]:
        """Per 16-bit window: length of the code x 32 + size of the difference; 0 for no code."""
        return self._windows({s: s for s in self.codes if s < 16}, 0, 5, plus_size=False)

    def ac_steps(self) -> NDArray[np.uint16]:
        """Per 16-bit window: bits of code and value x 256 + how far the index goes on.

        The index goes on by the run of zeros and one, T.81 F.1.2.2.1, by ``BLOCK_END`` at the end
        of the block, by ``INVALID`` where there is no code.
        """
        ahead = {s: (s >> 4) + 1 for s in self.codes if s & 15}
        return self._windows(ahead | {EOB: BLOCK_END, ZRL: 16}, INVALID, 8, plus_size=True)

    def _windows(
        self, ahead: dict[int, int], invalid: int, shift: int, *, plus_size: bool
    ) -> NDArray[np.uint16]:
        table = np.full(1 << 16, invalid, np.uint16)
        for symbol, (code, length) in self.codes.items():
            if symbol in ahead:
                first = code << (16 - length)
                bits = length + (symbol & 15 if plus_size else 0)
                table[first : first + (1 << (16 - length))] = (bits << shift) | ahead[symbol]
        return table


def make_huffman(counts: bytes, symbols: bytes) -> Huffman:
    """Return the table with its codes, given out in rising order, T.81 C.2.

    Raises
    ------
    UnreadableObject
        ``JPEG_BROKEN`` when there are more codes than bits allow, or a symbol twice.
    """
    codes: dict[int, tuple[int, int]] = {}
    code, index = 0, 0
    for length, count in enumerate(counts, start=1):
        for symbol in symbols[index : index + count]:
            if code >= (1 << length) or symbol in codes:
                raise broken("Huffman table")
            codes[symbol] = (code, length)
            code += 1
        index += count
        code <<= 1
    return Huffman(counts, symbols, codes)


def extended(table: Huffman, needed: set[int]) -> Huffman:
    """Return a table that has the ``needed`` symbols too, the codes of the others unchanged.

    Codes are given out in rising order and the one of ones only is never used, T.81 C.2, so that
    longer codes fit below it: new symbols come last, as long as need be.

    Raises
    ------
    UnsupportedObject
        ``JPEG_TABLE_FULL`` when no code is left.
    """
    missing = sorted(needed - set(table.codes))
    if not missing:
        return table
    longest = max(length for length, count in enumerate(table.counts, start=1) if count)
    last = max(code for code, length in table.codes.values() if length == longest)
    for length in range(longest, 17):
        first = (last + 1) << (length - longest)
        if first + len(missing) <= (1 << length) - 1:
            counts = bytearray(table.counts)
            counts[length - 1] += len(missing)
            return make_huffman(bytes(counts), table.symbols + bytes(missing))
    raise UnsupportedObject("JPEG_TABLE_FULL", f"{len(missing)} symbols")
