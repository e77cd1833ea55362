"""The stored values that show black."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.pixels.processing import _expand_segmented_lut

from config.errors import UnsupportedObject
from deid.blank.shape import PixelShape

__all__ = ["black_samples", "darkest_entry"]

COLOURS = ("Red", "Green", "Blue")


def black_samples(shape: PixelShape) -> tuple[int, ...]:
    """Return the value of each sample of a black pixel.

    MONOCHROME1 shows its lowest value white, PS3.3 C.7.6.3.1.2, so black is the highest. Of YBR,
    black is no luminance (16 of 255 in the partial range) and colour in the middle. What a
    decoder of YBR_RCT and YBR_ICT gives back is RGB.
    """
    span = 1 << shape.bits_stored
    lowest = -span // 2 if shape.signed else 0
    if shape.photometric == "MONOCHROME1":
        return (lowest + span - 1,)
    if shape.photometric == "PALETTE COLOR":
        return (shape.darkest,)
    if shape.photometric in {"YBR_FULL", "YBR_FULL_422"}:
        return (0, span // 2, span // 2)
    if shape.photometric == "YBR_PARTIAL_422":
        return (span // 16, span // 2, span // 2)
    return (lowest,) * shape.samples


def darkest_entry(ds: Dataset) -> int:
    """Return the stored value whose palette colour is the darkest; of equals the first.

    The three values of a descriptor are the number of entries (0 for 65,536), the first value
    mapped and the bits of an entry, PS3.3 C.7.6.3.1.5.

    Raises
    ------
    UnsupportedObject
        ``BLANK_PALETTE`` when the palette is missing or shorter than it says.
    """
    try:
        entries, first, bits = (int(part) for part in ds.RedPaletteColorLookupTableDescriptor)
        entries = entries or 65536
        tables = [_entries(ds, colour, entries, bits) for colour in COLOURS]
    except (AttributeError, TypeError, ValueError, IndexError) as err:
        raise UnsupportedObject("BLANK_PALETTE", "missing or malformed") from err
    if any(len(table) < entries for table in tables):
        raise UnsupportedObject("BLANK_PALETTE", "shorter than it says")
    sums = [sum(parts) for parts in zip(*(table[:entries] for table in tables), strict=True)]
    return first + sums.index(min(sums))


def _entries(ds: Dataset, colour: str, entries: int, bits: int) -> list[int]:
    """Values of one colour, from bytes or words, PS3.3 C.7.6.3.1.6; segments expanded, C.7.9.2."""
    little = ds.original_encoding[1] is not False
    plain = ds.get(f"{colour}PaletteColorLookupTableData")
    data = plain or ds[f"Segmented{colour}PaletteColorLookupTableData"].value
    wide = bits > 8 or (plain and len(data) >= 2 * entries) or not plain
    if not wide:
        if not little:  # OW of a big endian object: each pair of bytes is the other way round
            data = bytes(b for i in range(0, len(data) - 1, 2) for b in (data[i + 1], data[i]))
        return list(data)
    words = [
        int.from_bytes(data[i : i + 2], "little" if little else "big")
        for i in range(0, len(data) - 1, 2)
    ]
    if plain:
        return words
    marks = "<" if little else ">"
    return list(_expand_segmented_lut(tuple(words), f"{marks}H"))
