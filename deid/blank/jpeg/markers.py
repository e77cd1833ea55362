"""The marker segments of one sequential JPEG image, ITU-T T.81 Annex B."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from config.errors import UnreadableObject, UnsupportedObject

__all__ = ["Component", "Image", "Scan", "Segment", "read_image"]

SOF_SEQUENTIAL = {0xC0, 0xC1}
SOF_OTHER = {0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xCC}
DHT, SOI, EOI, SOS, DQT, DRI, APP0, APP14, COM = (
    *(0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xEE, 0xFE),
)
END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")
"""A marker in entropy-coded bytes that is neither a stuffed byte nor a restart, T.81 B.1.1.5."""


@dataclass(frozen=True)
class Component:
    """One colour: identifier, sampling factors across and down, index of its quantisation table."""

    identifier: int
    across: int
    down: int
    quantiser: int


@dataclass(frozen=True)
class Segment:
    """A marker and what follows its length."""

    marker: int
    body: bytes


@dataclass(frozen=True)
class Scan:
    """One scan with the segments before it and the tables that hold for it.

    Parameters
    ----------
    before : tuple of Segment
        DQT, DRI and DHT met since the scan before; DHT only in ``tables``.
    components : tuple of (int, int, int)
        Index of the component in the frame, DC table, AC table.
    tables : dict
        (class, destination) -> (16 counts, symbols), T.81 B.2.4.2.
    restart_interval : int
        MCUs between restarts, 0 for none.
    entropy : bytes
        Entropy-coded bytes with stuffing and restart markers.
    spectral : bytes
        The last three bytes of the scan header, written as they came.
    """

    before: tuple[Segment, ...]
    components: tuple[tuple[int, int, int], ...]
    tables: dict[tuple[int, int], tuple[bytes, bytes]]
    restart_interval: int
    entropy: bytes
    spectral: bytes


@dataclass(frozen=True)
class Image:
    """A sequential Huffman-coded image.

    Parameters
    ----------
    frame_marker, precision, rows, columns, components
        Of the frame header, T.81 B.2.2.
    jfif, adobe : bytes
        Bodies of APP0 JFIF without its thumbnail and of APP14 Adobe; empty when there is none.
    quantisers : dict
        Index -> step of the DC coefficient.
    scans : tuple of Scan
        In order.
    dropped : tuple of Segment
        Comments, application segments and what follows the end: what could hold text.
    """

    frame_marker: int
    precision: int
    rows: int
    columns: int
    components: tuple[Component, ...]
    jfif: bytes
    adobe: bytes
    quantisers: dict[int, int]
    scans: tuple[Scan, ...]
    dropped: tuple[Segment, ...]


def read_image(data: bytes) -> Image:
    """Take one JPEG frame apart; nothing is decoded.

    Raises
    ------
    UnsupportedObject
        ``JPEG_PROCESS_UNSUPPORTED`` for a progressive, arithmetic, lossless or hierarchical image.
    UnreadableObject
        ``JPEG_BROKEN`` for segments that contradict T.81.
    """
    if data[:2] != b"\xff\xd8":
        raise broken("does not begin with SOI")
    reader = _Reader()
    position = 2
    while True:
        marker, position = _marker(data, position)
        if marker == EOI:
            break
        body = _body(data, position)
        position += 2 + len(body)
        if marker == SOS:
            end = END_OF_SCAN.search(data, position)
            if end is None:
                raise broken("ends before EOI")
            reader.scan(body, data[position : end.start()])
            position = end.start()
        else:
            reader.segment(Segment(marker, body))
    rest = data[position:].rstrip(b"\0")
    return reader.image(Segment(EOI, rest) if rest else None)


def broken(what: str) -> UnreadableObject:
    """Return the error of a frame that contradicts T.81."""
    return UnreadableObject("JPEG_BROKEN", what)


def _marker(data: bytes, position: int) -> tuple[int, int]:
    if data[position : position + 1] != b"\xff":
        raise broken("bytes between segments")
    while data[position : position + 1] == b"\xff":
        position += 1
    if position >= len(data):
        raise broken("ends before EOI")
    return data[position], position + 1


def _body(data: bytes, position: int) -> bytes:
    length = int.from_bytes(data[position : position + 2], "big")
    if length < 2 or position + length > len(data):
        raise broken("a segment is longer than the frame")
    return data[position + 2 : position + length]


@dataclass
class _Reader:
    """What has been met so far."""

    frame: Segment | None = None
    components: tuple[Component, ...] = ()
    jfif: bytes = b""
    adobe: bytes = b""
    restart: int = 0
    quantisers: dict[int, int] = field(default_factory=dict)
    tables: dict[tuple[int, int], tuple[bytes, bytes]] = field(default_factory=dict)
    pending: list[Segment] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    dropped: list[Segment] = field(default_factory=list)

    def segment(self, segment: Segment) -> None:
        marker, body = segment.marker, segment.body
        if marker in SOF_SEQUENTIAL:
            self._frame(segment)
        elif marker in SOF_OTHER:
            raise UnsupportedObject("JPEG_PROCESS_UNSUPPORTED", f"marker {marker:02X}")
        elif marker == DHT:
            self._huffman(body)
        elif marker == DQT:
            self._quantisers(body)
            self.pending.append(segment)
        elif marker == DRI and len(body) == 2:
            self.restart = int.from_bytes(body, "big")
            self.pending.append(segment)
        elif marker == APP0 and body.startswith(b"JFIF\0") and len(body) >= 14:
            self.jfif = body[:12] + b"\0\0"  # no thumbnail, T.871 10.1
            if len(body) > 14:
                self.dropped.append(Segment(marker, body[14:]))
        elif marker == APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            self.adobe = body[:12]
            if len(body) > 12:
                self.dropped.append(Segment(marker, body[12:]))
        elif marker == COM or APP0 <= marker <= 0xEF:
            self.dropped.append(segment)
        else:
            raise broken(f"marker {marker:02X}")

    def _frame(self, segment: Segment) -> None:
        body = segment.body
        if self.frame is not None or len(body) < 6 or len(body) != 6 + 3 * body[5]:
            raise broken("frame header")
        parts = [body[i : i + 3] for i in range(6, len(body), 3)]
        self.components = tuple(Component(p[0], p[1] >> 4, p[1] & 15, p[2]) for p in parts)
        factors = [f for c in self.components for f in (c.across, c.down)]
        sizes = (int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big"))
        if not factors or not all(1 <= f <= 4 for f in factors) or not all(sizes):
            raise broken("frame header")
        if body[0] not in {8, 12}:
            raise UnsupportedObject("JPEG_PROCESS_UNSUPPORTED", f"{body[0]} bits")
        self.frame = segment

    def _huffman(self, body: bytes) -> None:
        position = 0
        while position < len(body):
            key = (body[position] >> 4, body[position] & 15)
            counts = body[position + 1 : position + 17]
            symbols = body[position + 17 : position + 17 + sum(counts)]
            if len(counts) < 16 or len(symbols) < sum(counts) or key[0] > 1 or key[1] > 3:
                raise broken("Huffman table")
            self.tables[key] = (counts, symbols)
            position += 17 + len(symbols)

    def _quantisers(self, body: bytes) -> None:
        position = 0
        while position < len(body):
            width = 1 + (body[position] >> 4)
            table = body[position + 1 : position + 1 + 64 * width]
            if width > 2 or len(table) < 64 * width:
                raise broken("quantisation table")
            step = int.from_bytes(table[:width], "big")
            if self.quantisers.setdefault(body[position] & 15, step) != step:
                raise UnsupportedObject("JPEG_PROCESS_UNSUPPORTED", "quantisers change")
            position += 1 + len(table)

    def scan(self, body: bytes, entropy: bytes) -> None:
        if self.frame is None or not body or len(body) != 4 + 2 * body[0]:
            raise broken("scan header")
        # All 64 coefficients, no successive approximation, T.81 Table B.3. Some encoders of
        # Process 2 and 4 write 0 for 63; a sequential frame has no use for the number.
        if body[-3:] not in {b"\x00\x3f\x00", b"\x00\x00\x00"}:
            raise UnsupportedObject("JPEG_PROCESS_UNSUPPORTED", "part of the coefficients")
        places = {c.identifier: index for index, c in enumerate(self.components)}
        try:
            chosen = tuple(
                (places[body[i]], body[i + 1] >> 4, body[i + 1] & 15)
                for i in range(1, len(body) - 3, 2)
            )
        except KeyError as err:
            raise broken("scan of a colour that is not there") from err
        self.scans.append(
            Scan(tuple(self.pending), chosen, dict(self.tables), self.restart, entropy, body[-3:])
        )
        self.pending.clear()

    def image(self, rest: Segment | None) -> Image:
        if self.frame is None or not self.scans:
            raise broken("no image")
        done = [index for scan in self.scans for index, _, _ in scan.components]
        if sorted(done) != list(range(len(self.components))):
            raise broken("a colour is missing or comes twice")
        body = self.frame.body
        return Image(
            frame_marker=self.frame.marker,
            precision=body[0],
            rows=int.from_bytes(body[1:3], "big"),
            columns=int.from_bytes(body[3:5], "big"),
            components=self.components,
            jfif=self.jfif,
            adobe=self.adobe,
            quantisers=self.quantisers,
            scans=tuple(self.scans),
            dropped=tuple(self.dropped) + ((rest,) if rest else ()),
        )
