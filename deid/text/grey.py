"""Decoded samples as a person would see them: views of a frame in which text is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.frame import DecodedFrame
from deid.blank.region import Rectangle
from deid.blank.shape import PixelShape
from deid.text.line import Grey, View
from deid.text.tiles import slices

__all__ = ["Display", "Views", "flattened", "views_of", "views_of_decoded", "views_of_shown"]

_ROWS_AT_ONCE = 256
_REST_PER_MILLE = 0.5
"""Of the samples, at each end of the range, which may be shown black or white."""
_LEAST_CHROMA = 24
"""Of 255; less is what lossy compression leaves in grey pictures."""
_SAMPLED = 4
"""Every so many rows and columns are enough to know the range."""


@dataclass(frozen=True)
class Display:
    """What is needed to show a frame.

    Parameters
    ----------
    shape : PixelShape
        The image's pixels.
    palette : Dataset or None
        The Palette Color Lookup Table Module, where Photometric Interpretation says so.
    """

    shape: PixelShape
    palette: Dataset | None = field(default=None, repr=False)

    @classmethod
    def of(cls, ds: Dataset, shape: PixelShape) -> Display:
        """Return how the frames of ``ds`` are shown; its palette is copied, nothing else."""
        if shape.photometric != "PALETTE COLOR":
            return cls(shape)
        palette = Dataset()
        for element in ds.group_dataset(0x0028):
            if "Palette" in element.keyword:
                palette.add(element)
        return cls(shape, palette)


@dataclass(frozen=True)
class Views:
    """One frame as the search sees it.

    Parameters
    ----------
    shown : View
        As a console shows it by default: (row, column), or (row, column, 3) where it has colour.
    grounds : tuple of arrays
        The same at full depth, (row, column), larger is brighter: of colours the brightest and the
        darkest of the three samples, for yellow on white differs in the darkest only.
    chroma : Grey or None
        How far each pixel is from grey; None where the frame has no colour.
    """

    shown: View = field(repr=False)
    grounds: tuple[NDArray[Any], ...] = field(repr=False)
    chroma: Grey | None = field(default=None, repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Rows, columns."""
        return int(self.shown.shape[0]), int(self.shown.shape[1])

    def without(self, places: Iterable[Rectangle]) -> Views:
        """Return the views with places made black."""
        parts = [slices(place) for place in places]
        if not parts:
            return self
        return Views(
            _emptied(self.shown, parts),
            tuple(_emptied(ground, parts) for ground in self.grounds),
            None if self.chroma is None else _emptied(self.chroma, parts),
        )


def _emptied(values: NDArray[Any], parts: Iterable[tuple[slice, slice]]) -> NDArray[Any]:
    after = values.copy()
    for part in parts:
        after[part] = 0
    return after


def views_of(samples: NDArray[Any], display: Display) -> Views:
    """Return the views of one frame.

    The window of the header is not applied: what it shows white or black may bear text, and
    another window makes it seen.

    Parameters
    ----------
    samples : array
        As stored and decoded, (row, column) or (row, column, 3); YBR not yet made RGB, except
        YBR_RCT and YBR_ICT, whose decoders give RGB.
    display : Display
        What the header says of them.

    Raises
    ------
    UnsupportedObject
        ``BLANK_PALETTE``.
    UnreadableObject
        ``BLANK_NOT_DECODED`` when the samples are of another shape than the header says.
    """
    shape = display.shape
    wanted = (shape.rows, shape.columns) + ((3,) if shape.samples == 3 else ())
    if samples.shape != wanted:
        raise UnreadableObject("BLANK_NOT_DECODED", f"{samples.shape} instead of {wanted}")
    values = _cells(samples, shape)
    if shape.photometric == "PALETTE COLOR":
        return _of_colours(_eight(_palette(values, display)))
    if shape.samples == 3:
        return _of_colours(_rgb(_eight_bits(values, shape.bits_stored), shape.photometric))
    if shape.photometric == "MONOCHROME1":
        values = ((1 << shape.bits_stored) - 1 - values).astype(values.dtype)
    return Views(_shown(values), (values,))


def views_of_shown(shown: View) -> Views:
    """Return the views of a frame that is as shown already."""
    return Views(shown, (shown,)) if shown.ndim == 2 else _of_colours(shown)


def views_of_decoded(frame: DecodedFrame, display: Display) -> Views:
    """Return the views of a decoded frame, in the colours that its decoder gave.

    Raises
    ------
    RejectedError
        As `views_of` does.
    """
    shape = replace(display.shape, photometric=frame.photometric)
    return views_of(frame.samples, replace(display, shape=shape))


def flattened(ground: NDArray[Any], reach_px: int = 31) -> Grey:
    """Return local contrast: each pixel against mean and spread of ``reach_px`` around it."""
    wide = ground.astype(np.float32)
    around = (reach_px, reach_px)
    mean = cv2.blur(wide, around)
    spread = np.sqrt(np.maximum(cv2.blur(wide * wide, around) - mean * mean, 0))
    least = max(float(wide.max() - wide.min()) / 200, 1e-3)
    return np.asarray(np.clip(127.5 + 50 * (wide - mean) / (spread + least), 0, 255), np.uint8)


def _cells(samples: NDArray[Any], shape: PixelShape) -> NDArray[Any]:
    """Return stored values from 0 up: of their cell only the bits of the sample, PS3.5 8.1.1."""
    kind = np.uint16 if shape.bits_stored <= 16 else np.uint32
    width = samples.dtype.itemsize
    raw = np.ascontiguousarray(samples).view(f"u{width}")
    # Decoders of pydicom have moved the bits down already and carried the sign up.
    above = shape.high_bit + 1 - shape.bits_stored
    if above and samples.dtype.kind == "u":
        raw = raw >> above
    mask = (1 << shape.bits_stored) - 1
    # A second copy of a mammogram is 17 MB, and bits above the sample are rare.
    values: NDArray[Any] = raw if int(raw.max(initial=0)) <= mask else raw & mask
    values = values.astype(kind, copy=False)
    if shape.signed:
        values = values ^ kind(1 << (shape.bits_stored - 1))
    return values


def _shown(values: NDArray[Any]) -> Grey:
    few = values[::_SAMPLED, ::_SAMPLED]
    if values.max(initial=0) <= 255 and np.ptp(few) > 127:
        return values.astype(np.uint8)
    ends = (_REST_PER_MILLE / 10, 100 - _REST_PER_MILLE / 10)
    low, high = (float(value) for value in np.percentile(few, ends))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    step = 255 / max(high - low, 1.0)
    made = np.empty(values.shape, np.uint8)
    for at in range(0, len(values), _ROWS_AT_ONCE):  # in double precision it is four times as large
        part = np.clip(values[at : at + _ROWS_AT_ONCE], low, high).astype(np.float32) - low
        made[at : at + _ROWS_AT_ONCE] = cv2.convertScaleAbs(part, alpha=step)
    return made


def _eight_bits(values: NDArray[Any], bits: int) -> View:
    return (values >> max(bits - 8, 0)).astype(np.uint8)


def _eight(colours: NDArray[Any]) -> View:
    return colours if colours.dtype == np.uint8 else (colours >> 8).astype(np.uint8)


def _palette(values: NDArray[Any], display: Display) -> NDArray[Any]:
    try:
        return np.asarray(apply_color_lut(values, display.palette))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
        raise UnsupportedObject("BLANK_PALETTE", type(err).__name__) from err


def _rgb(colours: View, photometric: str) -> View:
    """Return red, green, blue of YBR_FULL and YBR_PARTIAL, PS3.3 C.7.6.3.1.2."""
    if photometric in {"RGB", "YBR_RCT", "YBR_ICT"}:
        return colours
    light, blue, red = (colours[..., i].astype(np.float32) for i in range(3))
    if photometric == "YBR_PARTIAL_422":
        light = (light - 16) * (255 / 219)
        blue, red = (128 + (c - 128) * (255 / 224) for c in (blue, red))
    blue, red = blue - 128, red - 128
    mixed = (light + 1.402 * red, light - 0.344136 * blue - 0.714136 * red, light + 1.772 * blue)
    return np.stack([np.clip(np.rint(c), 0, 255).astype(np.uint8) for c in mixed], axis=-1)


def _of_colours(colours: View) -> Views:
    brightest, darkest = colours.max(axis=2), colours.min(axis=2)
    chroma = np.asarray(brightest - darkest, np.uint8)
    if int((chroma >= _LEAST_CHROMA).sum()) == 0:
        return Views(brightest, (brightest,))
    return Views(colours, (brightest, darkest), chroma)
