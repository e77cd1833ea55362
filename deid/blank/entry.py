"""Blanking rectangles of the pixels of an object, whatever its transfer syntax."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.black import darkest_entry
from deid.blank.items import frames_of, write_items
from deid.blank.jpeg.blank import blank_jpeg
from deid.blank.lossless import blank_lossless
from deid.blank.native import blank_native, native_length
from deid.blank.region import Rectangle, check_bounds, for_frame
from deid.blank.shape import PixelShape, read_shape
from deid.blank.syntaxes import how_of

__all__ = ["BlankedFrame", "BlankedPixels", "blank_object"]

PIECE_BYTES = 1 << 20
OUTDATED = ("SmallestImagePixelValue", "LargestImagePixelValue")
"""Optional and about all samples, PS3.3 C.7.6.3: after blanking they may be wrong."""


@dataclass(frozen=True)
class BlankedFrame:
    """What was blanked in one frame.

    Parameters
    ----------
    frame : int
        Its index from 0.
    blanked : tuple of Rectangle
        Whole MCUs where the frame is JPEG, else what was asked for.
    segments_dropped : int
        Comments and application segments of a JPEG frame that were left out.
    """

    frame: int
    blanked: tuple[Rectangle, ...]
    segments_dropped: int = 0


@dataclass(frozen=True)
class BlankedPixels:
    """New Pixel Data and what changes with them.

    Parameters
    ----------
    transfer_syntax_uid : str
        Of the new bytes.
    vr : str
        Of the element.
    length : int or None
        Of the value; None when it is in items, of undefined length.
    value : iterator of bytes
        The value, piece by piece; encapsulated with its items and delimiter. Read once.
    changed : dict
        Keyword -> value that has to be set.
    removed : tuple of str
        Keywords that have to go.
    frames : list of BlankedFrame
        Filled while ``value`` is read.
    """

    transfer_syntax_uid: str
    vr: str
    length: int | None
    value: Iterator[bytes]
    changed: dict[str, str | int] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    frames: list[BlankedFrame] = field(default_factory=list)


def blank_object(
    ds: Dataset,
    rectangles: Iterable[Rectangle],
    *,
    pieces: Iterable[bytes] | None = None,
    pixel_vr: str | None = None,
) -> BlankedPixels:
    """Return the Pixel Data of ``ds`` with rectangles made black and nothing else changed.

    ``ds`` itself is left as it is. Burned In Annotation and the codes of what was done are for
    the caller to set.

    Parameters
    ----------
    ds : Dataset
        With its file meta; Pixel Data may be missing when ``pieces`` are given.
    rectangles : iterable of Rectangle
        What is blanked.
    pieces : iterable of bytes, optional
        Uncompressed: the value of Pixel Data in pieces of any size. Encapsulated: one frame each.
    pixel_vr : str, optional
        VR of Pixel Data when ``ds`` does not have it.

    Raises
    ------
    UnsupportedObject
        ``BLANK_REGION_BOUNDS``, ``BLANK_PIXELS_UNSUPPORTED``, ``BLANK_PALETTE``,
        ``BLANK_LOSSY_SYNTAX``, ``TRANSFER_SYNTAX_UNSUPPORTED``, ``JPEG_PROCESS_UNSUPPORTED``,
        ``JPEG_TABLE_FULL``; those of a frame come while ``value`` is read.
    UnreadableObject
        ``DEID_NO_PIXELS``, ``BLANK_PIXELS_SHORT``, ``BLANK_NOT_DECODED``, ``JPEG_BROKEN``.
    RejectedError
        ``BLANK_NOT_LOSSLESS``.
    """
    palette = str(ds.get("PhotometricInterpretation", "")).strip() == "PALETTE COLOR"
    shape = read_shape(ds, darkest=darkest_entry(ds) if palette else 0)
    given = tuple(rectangles)
    check_bounds(given, rows=shape.rows, columns=shape.columns, frames=shape.frames)
    syntax = str(getattr(ds, "file_meta", Dataset()).get("TransferSyntaxUID", ""))
    how = how_of(syntax)
    if pieces is None and "PixelData" not in ds:
        raise UnreadableObject("DEID_NO_PIXELS", "no Pixel Data")
    if how == "native":
        vr = pixel_vr or (str(ds["PixelData"].VR) if "PixelData" in ds else "OW")
        return _native(
            ds, shape, given, _cut(ds.PixelData) if pieces is None else pieces, syntax, vr
        )
    if how == "lossy":
        raise UnsupportedObject("BLANK_LOSSY_SYNTAX", syntax)
    if how not in {"jpeg", "lossless"}:
        raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", syntax)
    frames = frames_of(ds, shape.frames) if pieces is None else _counted(pieces, shape.frames)
    return (_jpeg if how == "jpeg" else _lossless)(ds, shape, given, frames, syntax)


def _native(
    ds: Dataset,
    shape: PixelShape,
    given: tuple[Rectangle, ...],
    pieces: Iterable[bytes],
    syntax: str,
    vr: str,
) -> BlankedPixels:
    big = syntax == ExplicitVRBigEndian
    value = blank_native(
        pieces,
        shape,
        given,
        big_endian=big,
        swapped_pairs=big and vr == "OW" and shape.bits_allocated <= 8,
    )
    done = [BlankedFrame(i, for_frame(given, i)) for i in range(shape.frames)]
    removed = _removed(ds)
    return BlankedPixels(syntax, vr, native_length(shape), value, {}, removed, done)


def _jpeg(
    ds: Dataset,
    shape: PixelShape,
    given: tuple[Rectangle, ...],
    frames: Iterable[bytes],
    syntax: str,
) -> BlankedPixels:
    record: list[BlankedFrame] = []
    if shape.photometric == "PALETTE COLOR":
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", "a palette compressed with loss")

    def blanked() -> Iterator[bytes]:
        for index, frame in enumerate(frames):
            made = blank_jpeg(
                frame,
                for_frame(given, index),
                photometric=shape.photometric,
                rows=shape.rows,
                columns=shape.columns,
            )
            record.append(BlankedFrame(index, made.blanked, made.segments_dropped))
            yield made.data

    value = write_items(blanked())
    return BlankedPixels(syntax, "OB", None, value, {}, _removed(ds), record)


def _lossless(
    ds: Dataset,
    shape: PixelShape,
    given: tuple[Rectangle, ...],
    frames: Iterable[bytes],
    syntax: str,
) -> BlankedPixels:
    made = blank_lossless(frames, syntax, shape, given)
    record: list[BlankedFrame] = []

    def noted() -> Iterator[bytes]:
        for index, frame in enumerate(made.frames):
            record.append(BlankedFrame(index, for_frame(given, index)))
            yield frame
        if made.native and native_length(shape) * 8 != shape.frames * shape.frame_bits:
            yield b"\0"

    if not made.native:
        return BlankedPixels(syntax, "OB", None, write_items(noted()), {}, _removed(ds), record)
    changed: dict[str, str | int] = {"PhotometricInterpretation": made.photometric}
    if shape.samples > 1:
        changed["PlanarConfiguration"] = 0
    vr = "OB" if shape.bits_allocated == 8 else "OW"
    return BlankedPixels(
        ExplicitVRLittleEndian, vr, native_length(shape), noted(), changed, _removed(ds), record
    )


def _removed(ds: Dataset) -> tuple[str, ...]:
    """Offsets of the frames are other ones now; the same for what says the range of samples."""
    offsets = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")
    return tuple(keyword for keyword in (*OUTDATED, *offsets) if keyword in ds)


def _cut(data: bytes) -> Iterator[bytes]:
    view = memoryview(data)
    return (bytes(view[i : i + PIECE_BYTES]) for i in range(0, len(view), PIECE_BYTES))


def _counted(pieces: Iterable[bytes], frames: int) -> Iterator[bytes]:
    count = 0
    for piece in pieces:
        count += 1
        yield piece
    if count != frames:
        raise UnreadableObject("BLANK_PIXELS_SHORT", f"{count} of {frames} frames")
