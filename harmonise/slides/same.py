"""Compare a written level of a slide with what the slide encodes to, tile by tile."""

from __future__ import annotations

import json
from pathlib import Path

from harmonise.slides.build import Pyramid
from harmonise.slides.frames import FrameFile
from harmonise.vendor.headers import read_header

__all__ = ["slide_difference"]


def slide_difference(path: Path, pyramid: Pyramid) -> str:
    """Return in what a file differs from what a slide encodes to; "" when in nothing.

    Encoded tiles are compared byte by byte.

    Raises
    ------
    RejectedError
        ``FILE_UNREADABLE``, ``PIXELS_UNREADABLE``.
    """
    if path.suffix == ".json":
        said = json.loads(path.read_bytes())["qc"]["tiles_sha256"]
        return "" if said == pyramid.sha256 else "tiles have another digest"
    header = read_header(path)
    number = int(header.InstanceNumber) - 1
    if not 0 <= number < len(pyramid.levels):
        return f"no level {number + 1}"
    level = pyramid.levels[number]
    found = (header.TotalPixelMatrixRows, header.TotalPixelMatrixColumns)
    if found != (level.rows, level.columns):
        return f"{found[0]} x {found[1]}, computed {level.rows} x {level.columns}"
    file = FrameFile(path, str(header.SOPInstanceUID))
    try:
        pairs = [
            file.stored(index) == frame
            for index, frame in zip(range(file.count), pyramid.frames(number), strict=False)
        ]
    finally:
        file.close()
    count = level.tiles[0] * level.tiles[1]
    differ = max(count, file.count) - sum(pairs)
    return f"{differ} of {count} tiles differ" if differ else ""
