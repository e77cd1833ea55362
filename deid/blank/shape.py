"""What the header says of the pixels: their number, cells, signs and colours."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset

from config.errors import UnreadableObject, UnsupportedObject

__all__ = ["PixelShape", "read_shape"]


@dataclass(frozen=True)
class PixelShape:
    """The Image Pixel Module's description of Pixel Data, PS3.3 C.7.6.3.

    Parameters
    ----------
    rows, columns, frames, samples : int
        Pixels down, across, frames, samples per pixel.
    bits_allocated, bits_stored, high_bit : int
        The cell of a sample, PS3.5 8.1.1.
    signed : bool
        Whether Pixel Representation is 1.
    photometric : str
        Photometric Interpretation, PS3.3 C.7.6.3.1.2.
    planar : bool
        Whether Planar Configuration is 1: a plane of each colour after the other.
    darkest : int
        Of PALETTE COLOR the stored value with the darkest colour, else 0.
    """

    rows: int
    columns: int
    frames: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    photometric: str
    planar: bool
    darkest: int = 0

    @property
    def half_chroma(self) -> bool:
        """Whether two pixels share their colour: Y Y Cb Cr, PS3.3 C.7.6.3.1.2."""
        return self.photometric in {"YBR_FULL_422", "YBR_PARTIAL_422"}

    @property
    def frame_bits(self) -> int:
        """Bits of one uncompressed frame."""
        samples = 2 if self.half_chroma else self.samples
        return self.rows * self.columns * samples * self.bits_allocated


def read_shape(ds: Dataset, *, darkest: int = 0) -> PixelShape:
    """Return what the header of ``ds`` says of its pixels.

    Raises
    ------
    UnreadableObject
        ``DEID_NO_PIXELS`` when a size is missing or not a number.
    UnsupportedObject
        ``BLANK_PIXELS_UNSUPPORTED`` for cells or colours that cannot be blanked.
    """
    try:
        shape = PixelShape(
            rows=int(ds.Rows),
            columns=int(ds.Columns),
            frames=int(ds.get("NumberOfFrames") or 1),
            samples=int(ds.SamplesPerPixel),
            bits_allocated=int(ds.BitsAllocated),
            bits_stored=int(ds.BitsStored),
            high_bit=int(ds.HighBit),
            signed=int(ds.PixelRepresentation) == 1,
            photometric=str(ds.PhotometricInterpretation).strip(),
            planar=int(ds.get("PlanarConfiguration") or 0) == 1 and int(ds.SamplesPerPixel) > 1,
            darkest=darkest,
        )
    except (AttributeError, TypeError, ValueError) as err:
        raise UnreadableObject("DEID_NO_PIXELS", "a size of the pixels is missing") from err
    _check(shape)
    return shape


def _check(shape: PixelShape) -> None:
    colours = {
        1: ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"),
        3: ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_RCT", "YBR_ICT"),
    }
    sound = (
        min(shape.rows, shape.columns, shape.frames) > 0
        and shape.photometric in colours.get(shape.samples, ())
        and shape.bits_allocated in {1, 8, 16, 32}
        and 0 < shape.bits_stored <= shape.high_bit + 1 <= shape.bits_allocated
    )
    if not sound:
        cell = f"{shape.bits_stored} bits of {shape.bits_allocated} to bit {shape.high_bit}"
        raise UnsupportedObject("BLANK_PIXELS_UNSUPPORTED", f"{shape.samples} samples of {cell}")
