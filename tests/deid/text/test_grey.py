"""Samples as they are shown: expected values from PS3.3 C.7.6.3.1.2 and PS3.5 8.1.1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.shape import PixelShape
from deid.text.grey import Display, flattened, views_of


def display(photometric: str, shape: tuple[int, ...], **values: Any) -> Display:
    given: dict[str, Any] = {
        "bits_allocated": 8, "bits_stored": 8, "high_bit": 7, "signed": False, "planar": False,
    } | values  # fmt: skip
    samples = 3 if len(shape) == 3 else 1
    return Display(PixelShape(shape[0], shape[1], 1, samples, photometric=photometric, **given))


def test_the_lowest_value_of_monochrome1_is_shown_white() -> None:
    samples = np.array([[0, 255], [0, 255]], np.uint8)
    shown = views_of(samples, display("MONOCHROME1", (2, 2))).shown
    assert shown.tolist() == [[255, 0], [255, 0]]


def test_signed_samples_keep_their_order() -> None:
    samples = np.array([[-2048, 0, 2047]], np.int16)
    kind = display(
        "MONOCHROME2", (1, 3), bits_allocated=16, bits_stored=12, high_bit=11, signed=True
    )
    views = views_of(samples, kind)
    assert views.grounds[0].tolist() == [[0, 2048, 4095]]
    assert views.shown[0, 0] == 0
    assert views.shown[0, 2] == 255


def test_bits_beside_the_sample_are_not_seen() -> None:
    samples = np.array([[0xF000, 0x0FFF], [0x1001, 0]], np.uint16)  # an overlay in the high bits
    kind = display("MONOCHROME2", (2, 2), bits_allocated=16, bits_stored=12, high_bit=11)
    assert views_of(samples, kind).grounds[0].tolist() == [[0, 4095], [1, 0]]


def test_ybr_is_shown_as_its_rgb() -> None:
    red = np.array([[[76, 85, 255]]], np.uint8)  # red, 255 x (0.299, -0.1687, 0.5) + (0, 128, 128)
    shown = views_of(red, display("YBR_FULL", (1, 1, 3))).shown
    assert np.abs(shown[0, 0].astype(int) - [255, 0, 0]).max() <= 2


def test_grey_in_colour_is_one_plane() -> None:
    samples = np.repeat(np.arange(16, dtype=np.uint8).reshape(4, 4, 1) * 15, 3, axis=2)
    views = views_of(samples, display("RGB", (4, 4, 3)))
    assert views.shown.ndim == 2
    assert views.chroma is None


def test_yellow_on_white_differs_in_the_darkest_sample() -> None:
    samples = np.full((8, 8, 3), 255, np.uint8)
    samples[2:4, 2:6] = (255, 255, 0)
    views = views_of(samples, display("RGB", (8, 8, 3)))
    assert np.ptp(views.grounds[0]) == 0
    assert np.ptp(views.grounds[1]) == 255
    assert views.chroma is not None
    assert int(views.chroma[2, 2]) == 255


def test_a_palette_gives_its_colours() -> None:
    ds = Dataset()
    for colour, values in zip(("Red", "Green", "Blue"), ((0, 255), (0, 128), (0, 0)), strict=True):
        setattr(ds, f"{colour}PaletteColorLookupTableDescriptor", [2, 0, 8])
        setattr(ds, f"{colour}PaletteColorLookupTableData", bytes(values))
    shape = display("PALETTE COLOR", (1, 2)).shape
    shown = views_of(np.array([[0, 1]], np.uint8), Display.of(ds, shape)).shown
    assert shown[0].tolist() == [[0, 0, 0], [255, 128, 0]]


def test_a_missing_palette_is_refused() -> None:
    shape = display("PALETTE COLOR", (1, 2)).shape
    with pytest.raises(UnsupportedObject, match="BLANK_PALETTE"):
        views_of(np.zeros((1, 2), np.uint8), Display.of(Dataset(), shape))


def test_samples_of_another_size_are_refused() -> None:
    with pytest.raises(UnreadableObject, match="BLANK_NOT_DECODED"):
        views_of(np.zeros((3, 3), np.uint8), display("MONOCHROME2", (3, 4)))


def test_local_contrast_makes_one_step_in_4096_visible() -> None:
    ground = np.full((64, 64), 1000, np.uint16)
    ground[30:34, 20:40] = 1001
    flat = flattened(ground)
    assert int(flat[32, 30]) - int(flat[5, 5]) > 50
