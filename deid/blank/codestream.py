"""What a compressed frame says of its own samples: bits, sign, colour transform, interleaving."""

from __future__ import annotations

from dataclasses import dataclass

from config.errors import UnreadableObject

__all__ = ["Codestream", "read_codestream"]

START_OF_FRAME = {0xC3, 0xF7}
"""Lossless JPEG, T.81 Table B.1, and JPEG-LS, T.87 C.1.1."""


@dataclass(frozen=True)
class Codestream:
    """How a frame is coded.

    Parameters
    ----------
    rows, columns, samples : int
        Pixels down and across, and samples of a pixel.
    precision : int
        Bits of a sample.
    signed : bool
        Whether samples are signed; only JPEG 2000 says so.
    colour_transform : bool
        Whether JPEG 2000's multiple component transform was applied.
    reversible : bool
        Whether the wavelet is the reversible one, or the interval of JPEG-LS near 0.
    interleave : int
        Interleave mode of JPEG-LS, T.87 C.2.3.
    """

    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    colour_transform: bool = False
    reversible: bool = True
    interleave: int = 0


def read_codestream(frame: bytes) -> Codestream:
    """Read the headers of a JPEG 2000, HTJ2K, JPEG-LS or JPEG Lossless frame.

    Raises
    ------
    UnreadableObject
        ``BLANK_NOT_DECODED`` when they, or the marker at the end, are not there: without it some
        decoders search for seconds, and others make up what is missing.
    """
    # EOI of JPEG, EOC of JPEG 2000; some pad with FF instead of 00.
    if not frame.rstrip(b"\0\xff").endswith(b"\xff\xd9"):
        raise UnreadableObject("BLANK_NOT_DECODED", "the frame does not end")
    try:
        if frame[:2] == b"\xff\x4f":
            return _jpeg_2000(frame)
        if frame[:2] == b"\xff\xd8":
            return _jpeg(frame)
    except IndexError as err:
        raise UnreadableObject("BLANK_NOT_DECODED", "the frame ends in its header") from err
    raise UnreadableObject("BLANK_NOT_DECODED", "not a codestream")


def _segments(frame: bytes) -> dict[int, bytes]:
    """Return the bodies of the main header's segments by marker, up to the first scan or tile."""
    found: dict[int, bytes] = {}
    position = 2
    while frame[position + 1] not in {0x90, 0xDA}:  # SOT, SOS
        length = int.from_bytes(frame[position + 2 : position + 4], "big")
        if frame[position] != 0xFF or length < 2:
            raise UnreadableObject("BLANK_NOT_DECODED", "bytes between segments")
        found.setdefault(frame[position + 1], frame[position + 4 : position + 2 + length])
        position += 2 + length
    found[frame[position + 1]] = frame[position + 4 : position + 24]
    return found


def _jpeg_2000(frame: bytes) -> Codestream:
    """SIZ: depth of the first component, T.800 A.5.1; COD: transforms, A.6.1."""
    segments = _segments(frame)
    size, style = segments.get(0x51, b""), segments.get(0x52, b"")
    depth = size[36]
    x_stop, y_stop, x_start, y_start = (
        int.from_bytes(size[i : i + 4], "big") for i in range(2, 18, 4)
    )
    return Codestream(
        rows=y_stop - y_start,
        columns=x_stop - x_start,
        samples=int.from_bytes(size[34:36], "big"),
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
        colour_transform=style[4] == 1,
        reversible=style[9] == 1,
    )


def _jpeg(frame: bytes) -> Codestream:
    segments = _segments(frame)
    header = next((body for marker, body in segments.items() if marker in START_OF_FRAME), None)
    if header is None:
        raise UnreadableObject("BLANK_NOT_DECODED", "not a lossless process")
    scan = segments.get(0xDA, b"")
    # JPEG-LS has NEAR and the interleave mode where JPEG has the spectral selection.
    near, interleave = (
        (scan[1 + 2 * scan[0]], scan[2 + 2 * scan[0]]) if 0xF7 in segments else (0, 0)
    )
    return Codestream(
        rows=int.from_bytes(header[1:3], "big"),
        columns=int.from_bytes(header[3:5], "big"),
        samples=header[5],
        precision=header[0],
        reversible=near == 0,
        interleave=interleave,
    )
