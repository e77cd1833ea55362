"""Putting the marker segments of a sequential JPEG image together again, ITU-T T.81 Annex B."""

from __future__ import annotations

from deid.blank.jpeg.markers import APP0, APP14, DHT, DQT, EOI, SOI, SOS, Image, Scan

__all__ = ["write_image"]


def write_image(image: Image, scans: tuple[Scan, ...]) -> bytes:
    """Return the frame with ``scans`` in place of its own, of an even length, PS3.5 A.4.

    Only what decoding needs is written: no comment, no application segment but JFIF and Adobe.
    """
    parts = [bytes((0xFF, SOI))]
    if image.jfif:
        parts.append(_segment(APP0, image.jfif))
    if image.adobe:
        parts.append(_segment(APP14, image.adobe))
    tables = [s for s in scans[0].before if s.marker == DQT]
    parts += [_segment(s.marker, s.body) for s in tables]
    parts.append(_segment(image.frame_marker, _frame(image)))
    for index, scan in enumerate(scans):
        kept = [s for s in scan.before if index or s.marker != DQT]
        parts += [_segment(s.marker, s.body) for s in kept]
        parts += [_segment(DHT, _table(key, scan)) for key in sorted(_used(scan))]
        parts += [_segment(SOS, _scan_header(image, scan)), scan.entropy]
    parts.append(bytes((0xFF, EOI)))
    whole = b"".join(parts)
    return whole + b"\0" * (len(whole) % 2)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _frame(image: Image) -> bytes:
    head = bytes((image.precision,)) + image.rows.to_bytes(2, "big")
    head += image.columns.to_bytes(2, "big") + bytes((len(image.components),))
    return head + b"".join(
        bytes((c.identifier, c.across << 4 | c.down, c.quantiser)) for c in image.components
    )


def _used(scan: Scan) -> set[tuple[int, int]]:
    return {key for _, dc, ac in scan.components for key in ((0, dc), (1, ac))}


def _table(key: tuple[int, int], scan: Scan) -> bytes:
    counts, symbols = scan.tables[key]
    return bytes((key[0] << 4 | key[1],)) + counts + symbols


def _scan_header(image: Image, scan: Scan) -> bytes:
    chosen = b"".join(
        bytes((image.components[index].identifier, dc << 4 | ac))
        for index, dc, ac in scan.components
    )
    return bytes((len(scan.components),)) + chosen + scan.spectral
