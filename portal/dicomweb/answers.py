"""What is answered: DICOM JSON (PS3.18 Annex F) and multipart/related (RFC 2387)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import iter_pixels
from starlette.responses import JSONResponse, Response, StreamingResponse

from portal.dicomweb.shelf import Instance

__all__ = ["as_json", "dicom_json", "frames", "multipart", "objects", "picked"]

NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"})

FRAME_TYPES = {
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.5": "image/dicom-rle",
}
"""Media type of a compressed frame (PS3.18 table 8.7.3-5)."""

EXPLICIT = "1.2.840.10008.1.2.1"

_PIECE_BYTES = 1 << 20


def as_json(rows: Sequence[dict[str, Any]]) -> Response:
    """Return rows as DICOM JSON; 204 would be right for none, which viewers do not take."""
    return JSONResponse(list(rows), media_type="application/dicom+json")


def dicom_json(header: Dataset) -> dict[str, Any]:
    """Return a header as DICOM JSON; what is large or private binary is left out, not linked."""
    said = header.to_json_dict(bulk_data_threshold=2048, bulk_data_element_handler=lambda _: "")
    kept = {tag: row for tag, row in said.items() if "BulkDataURI" not in row}
    syntax = str(header.file_meta.TransferSyntaxUID)
    return kept | {"00083002": {"vr": "UI", "Value": [syntax]}}


def picked(header: Dataset, keywords: Iterable[str], **counted: Any) -> dict[str, Any]:
    """Return the attributes of a search result (PS3.18 10.6.3.3), and what was counted."""
    row = Dataset()
    for keyword in keywords:
        if keyword in header:
            setattr(row, keyword, header[keyword].value)
    for keyword, value in counted.items():
        setattr(row, keyword, value)
    return dict(row.to_json_dict())


def objects(found: Sequence[Instance]) -> Response:
    """Return whole objects as they lie on disk, one part each, streamed."""
    parts = (
        (f"application/dicom; transfer-syntax={one.transfer_syntax}", _file(one.path))
        for one in found
    )
    return multipart("application/dicom", parts)


def frames(one: Instance, numbers: Sequence[int], accept: str) -> Response:
    """Return frames, counted from 1: as stored where the client takes that, else decoded.

    Parameters
    ----------
    accept : str
        The client's Accept header; ``transfer-syntax=*`` or the stored media type takes them as
        they are (PS3.18 8.7.3.5.2).
    """
    stored = FRAME_TYPES.get(one.transfer_syntax)
    takes = "transfer-syntax=*" in accept or (stored or "-") in accept
    if one.transfer_syntax not in NATIVE and stored and takes:
        kind = f"{stored}; transfer-syntax={one.transfer_syntax}"
        return multipart(stored, ((kind, [raw]) for raw in _stored(one.path, numbers)))
    indices = [number - 1 for number in numbers]
    decoded = iter_pixels(one.path, indices=indices, raw=True)
    kind = f"application/octet-stream; transfer-syntax={EXPLICIT}"
    parts = ((kind, [_little(array).tobytes()]) for array in decoded)
    return multipart("application/octet-stream", parts)


def multipart(kind: str, parts: Iterable[tuple[str, Iterable[bytes]]]) -> Response:
    """Return parts, each with its media type, under one boundary."""
    boundary = secrets.token_hex(16)

    def written() -> Iterator[bytes]:
        for media_type, pieces in parts:
            yield f"--{boundary}\r\nContent-Type: {media_type}\r\n\r\n".encode()
            yield from pieces
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return StreamingResponse(
        written(), media_type=f'multipart/related; type="{kind}"; boundary={boundary}'
    )


def _little(array: NDArray[Any]) -> NDArray[Any]:
    """Return samples as Explicit VR Little Endian has them; decoders keep the order of the file."""
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _file(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


def _stored(path: Path, numbers: Sequence[int]) -> Iterator[bytes]:
    dataset = dcmread(path)
    count = int(dataset.get("NumberOfFrames") or 1)
    every = list(generate_frames(dataset.PixelData, number_of_frames=count))
    yield from (every[number - 1] for number in numbers)
