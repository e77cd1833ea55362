"""Uncompressed pixels: what a rectangle becomes, and that nothing else changes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.native import blank_native, native_length
from deid.blank.region import Rectangle
from deid.blank.shape import PixelShape


def shape(**changes: object) -> PixelShape:
    plain = {
        "rows": 4,
        "columns": 6,
        "frames": 1,
        "samples": 1,
        "bits_allocated": 8,
        "bits_stored": 8,
        "high_bit": 7,
        "signed": False,
        "photometric": "MONOCHROME2",
        "planar": False,
    }
    return PixelShape(**(plain | changes))  # type: ignore[arg-type]


BOX = Rectangle(1, 3, 2, 5)


def blanked(array: np.ndarray, kind: PixelShape, **options: bool) -> np.ndarray:
    new = b"".join(blank_native([array.tobytes()], kind, [BOX], **options))
    return np.frombuffer(new, array.dtype).reshape(array.shape)


def expected(array: np.ndarray, value: object) -> np.ndarray:
    copy = array.copy()
    copy[1:3, 2:5] = value
    return copy


@pytest.mark.parametrize(
    ("dtype", "changes", "black"),
    [
        ("u1", {}, 0),
        ("u1", {"photometric": "MONOCHROME1"}, 255),
        ("u1", {"photometric": "PALETTE COLOR", "darkest": 7}, 7),
        ("<u2", {"bits_allocated": 16, "bits_stored": 12, "high_bit": 11}, 0),
        (
            "<u2",
            {"photometric": "MONOCHROME1", "bits_allocated": 16, "bits_stored": 12, "high_bit": 11},
            4095,
        ),
        (
            "<u2",
            {"photometric": "MONOCHROME1", "bits_allocated": 16, "bits_stored": 12, "high_bit": 15},
            4095 * 16,
        ),
        ("<i2", {"bits_allocated": 16, "bits_stored": 12, "high_bit": 11, "signed": True}, -2048),
        (
            "<i2",
            {
                "photometric": "MONOCHROME1",
                "bits_allocated": 16,
                "bits_stored": 16,
                "high_bit": 15,
                "signed": True,
            },
            32767,
        ),
        ("<u4", {"bits_allocated": 32, "bits_stored": 32, "high_bit": 31}, 0),
    ],
)
def test_a_rectangle_of_one_sample_becomes_what_shows_black(
    dtype: str, changes: dict[str, object], black: int
) -> None:
    array = np.arange(100, 124).reshape(4, 6).astype(dtype)
    np.testing.assert_array_equal(blanked(array, shape(**changes)), expected(array, black))


def test_big_endian_cells_are_written_high_byte_first() -> None:
    array = np.arange(24).reshape(4, 6).astype(">i2")
    kind = shape(bits_allocated=16, bits_stored=16, high_bit=15, signed=True)
    found = blanked(array, kind, big_endian=True)
    np.testing.assert_array_equal(found, expected(array, -32768))


def test_bytes_in_big_endian_words_are_found_in_their_swapped_places() -> None:
    array = np.arange(100, 124).reshape(4, 6).astype("u1")
    swapped = array.reshape(-1, 2)[:, ::-1].tobytes()
    new = b"".join(
        blank_native(
            [swapped[:5], swapped[5:]], shape(), [BOX], big_endian=True, swapped_pairs=True
        )
    )
    found = np.frombuffer(new, "u1").reshape(-1, 2)[:, ::-1].reshape(4, 6)
    np.testing.assert_array_equal(found, expected(array, 0))


@pytest.mark.parametrize(
    ("photometric", "black"), [("RGB", (0, 0, 0)), ("YBR_FULL", (0, 128, 128))]
)
@pytest.mark.parametrize("planar", [False, True])
def test_colour_becomes_black_by_pixel_and_by_plane(
    photometric: str, black: tuple[int, int, int], *, planar: bool
) -> None:
    array = np.arange(72).reshape(4, 6, 3).astype("u1")
    stored = array.transpose(2, 0, 1) if planar else array
    kind = shape(samples=3, photometric=photometric, planar=planar)
    new = b"".join(blank_native([stored.tobytes()], kind, [BOX]))
    found = np.frombuffer(new, "u1")
    found = found.reshape(3, 4, 6).transpose(1, 2, 0) if planar else found.reshape(4, 6, 3)
    np.testing.assert_array_equal(found, expected(array, black))


@pytest.mark.parametrize(("photometric", "dark"), [("YBR_FULL_422", 0), ("YBR_PARTIAL_422", 16)])
def test_shared_colour_is_blanked_in_whole_pairs(photometric: str, dark: int) -> None:
    # Y Y Cb Cr per pair of pixels: columns 2 to 4 touch the pairs (2, 3) and (4, 5).
    array = np.arange(48).reshape(4, 3, 4).astype("u1")
    new = b"".join(
        blank_native([array.tobytes()], shape(samples=3, photometric=photometric), [BOX])
    )
    wanted = array.copy()
    wanted[1:3, 1:3] = (dark, dark, 128, 128)
    assert new == wanted.tobytes()


def test_shared_colour_of_odd_columns_is_refused() -> None:
    kind = shape(samples=3, photometric="YBR_FULL_422", columns=5)
    with pytest.raises(UnsupportedObject, match="BLANK_PIXELS_UNSUPPORTED"):
        b"".join(blank_native([bytes(40)], kind, [BOX]))


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=9, max_size=9), st.lists(st.integers(1, 3), min_size=9, max_size=9))
def test_single_bits_are_blanked_over_frames_that_share_a_byte(
    data: bytes, cuts: list[int]
) -> None:
    # 3 frames of 4 x 6 bits lie without a gap, lowest bit first, PS3.5 8.1.1.
    kind = shape(bits_allocated=1, bits_stored=1, high_bit=0, frames=3)
    bits = np.unpackbits(np.frombuffer(data, "u1"), bitorder="little").reshape(3, 4, 6).copy()
    bits[:, 1:3, 2:5] = 0
    new = b"".join(blank_native(cut(data, cuts), kind, [BOX]))
    assert new == np.packbits(bits, bitorder="little").tobytes() + b"\0"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_pieces_the_bytes_come_in_make_no_difference(cuts: list[int]) -> None:
    array = np.random.default_rng(1).integers(0, 4096, (3, 4, 6), "u2").astype("<u2")
    kind = shape(
        photometric="MONOCHROME1", bits_allocated=16, bits_stored=12, high_bit=11, frames=3
    )
    some = [BOX, Rectangle(0, 1, 0, 6, frame=1), Rectangle(2, 4, 0, 3, frame=2)]
    wanted = array.copy()
    wanted[:, 1:3, 2:5] = 4095
    wanted[1, 0] = 4095
    wanted[2, 2:, :3] = 4095
    assert b"".join(blank_native(cut(array.tobytes(), cuts), kind, some)) == wanted.tobytes()


def cut(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for size in cuts:
        yield data[at : at + size]
        at += size
    yield data[at:]


def test_what_stands_after_the_last_frame_is_left_out() -> None:
    kind = shape(rows=3, columns=3)
    box = [Rectangle(0, 1, 0, 1)]
    new = b"".join(blank_native([bytes(range(1, 10)) + b"NOM^PRENOM"], kind, box))
    assert new == bytes([0, 2, 3, 4, 5, 6, 7, 8, 9, 0])
    assert len(new) == native_length(kind)


def test_pixels_that_end_early_are_refused() -> None:
    with pytest.raises(UnreadableObject, match="BLANK_PIXELS_SHORT"):
        b"".join(blank_native([bytes(23)], shape(), [BOX]))


def test_two_hundred_frames_never_lie_in_memory() -> None:
    kind = shape(rows=512, columns=512, frames=200)  # 52 MB
    pieces = (bytes(1 << 16) for _ in range(800))
    box = [Rectangle(0, 40, 0, 512)]
    tracemalloc.start()
    try:
        total = sum(len(piece) for piece in blank_native(pieces, kind, box))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert total == 512 * 512 * 200
    assert peak < 2_000_000
