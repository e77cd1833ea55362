"""A second reader of sequential JPEG coefficients: bit by bit, after the flow charts of T.81 F.2.2.

Slow and plain on purpose; it shares nothing with the program.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data.replace(b"\xff\x00", b"\xff"))
        self.at = 0

    def take(self, count: int) -> int:
        text = self.bits[self.at : self.at + count]
        assert len(text) == count, "the bits end early"
        self.at += count
        return int(text, 2) if text else 0

    def value(self, size: int) -> int:  # RECEIVE and EXTEND
        bits = self.take(size)
        return bits if size == 0 or bits >> (size - 1) else bits - (1 << size) + 1

    def symbol(self, table: dict[str, int]) -> int:  # DECODE
        for length in range(1, 17):
            code = self.bits[self.at : self.at + length]
            if code in table:
                self.at += length
                return table[code]
        raise AssertionError("no such code")


def _table(counts: bytes, symbols: bytes) -> dict[str, int]:
    table, code, index = {}, 0, 0
    for length in range(1, 17):
        for _ in range(counts[length - 1]):
            table[f"{code:0{length}b}"] = symbols[index]
            code, index = code + 1, index + 1
        code *= 2
    return table


def _segments(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    at = 2
    while data[at + 1] != 0xD9:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at + 1], data[at + 4 : at + 2 + length], at + 2 + length
        at += 2 + length
        if data[at] != 0xFF or data[at + 1] == 0:  # entropy-coded bytes after a scan header
            while data[at] != 0xFF or data[at + 1] == 0 or 0xD0 <= data[at + 1] <= 0xD7:
                at += 1


def coefficients(data: bytes) -> list[np.ndarray]:
    """Return per component (block row, block column, 64) in zig-zag order; one scan only."""
    tables: dict[int, dict[str, int]] = {}
    restart = 0
    for marker, body, after in _segments(data):
        if marker == 0xC4:
            at = 0
            while at < len(body):
                counts = body[at + 1 : at + 17]
                tables[body[at]] = _table(counts, body[at + 17 : at + 17 + sum(counts)])
                at += 17 + sum(counts)
        elif marker == 0xDD:
            restart = int.from_bytes(body, "big")
        elif marker in {0xC0, 0xC1}:
            frame = body
        elif marker == 0xDA:
            return _scan(data[after:], frame, body, tables, restart)
    raise AssertionError("no scan")


def _scan(data, frame, header, tables, restart):
    rows, columns = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    parts = [(p[1] >> 4, p[1] & 15) for p in (frame[i : i + 3] for i in range(6, len(frame), 3))]
    if len(parts) == 1:
        parts = [(1, 1)]
    wide, high = 8 * max(h for h, _ in parts), 8 * max(v for _, v in parts)
    across, down = -(-columns // wide), -(-rows // high)
    found = [np.zeros((down * v, across * h, 64), int) for h, v in parts]
    chosen = [(header[2 + 2 * i] >> 4, 16 + (header[2 + 2 * i] & 15)) for i in range(len(parts))]
    pieces = _pieces(data)
    bits, before = _Bits(next(pieces)), [0] * len(parts)
    for mcu in range(across * down):
        if restart and mcu and mcu % restart == 0:
            bits, before = _Bits(next(pieces)), [0] * len(parts)
        for c, (h, v) in enumerate(parts):
            for y in range(v):
                for x in range(h):
                    block = found[c][mcu // across * v + y, mcu % across * h + x]
                    before[c] += bits.value(bits.symbol(tables[chosen[c][0]]))
                    block[0] = before[c]
                    _ac(bits, tables[chosen[c][1]], block)
    return found


def _ac(bits: _Bits, table: dict[str, int], block: np.ndarray) -> None:
    k = 1
    while k < 64:
        run, size = divmod(bits.symbol(table), 16)
        if size == 0 and run < 15:
            return
        k += run
        block[k] = bits.value(size)
        k += 1


def _pieces(data: bytes) -> Iterator[bytes]:
    start = at = 0
    while True:
        at = data.index(b"\xff", at)
        if data[at + 1] == 0:
            at += 2
            continue
        yield data[start:at]
        if not 0xD0 <= data[at + 1] <= 0xD7:
            return
        start = at = at + 2
