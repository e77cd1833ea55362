"""JPEG frames: coefficients outside the blanked MCUs stay, inside all is black."""

from __future__ import annotations

import io
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import generate_frames

from config.errors import RejectedError, UnreadableObject, UnsupportedObject
from deid.blank.jpeg.blank import BlankedJpeg, blank_jpeg
from deid.blank.region import Rectangle
from tests.support.jpeg_coefficients import coefficients

REACH_PIXELS = 2
"""How far chroma upsampling carries a block's colour, libjpeg's triangle filter."""

NOISE = np.random.default_rng(7).integers(0, 256, (300, 400, 3), "u1")
NAME = b"LEFEVRE^ELODIE"


def jpeg(rows: int, columns: int, mode: str = "RGB", **options: object) -> bytes:
    array = NOISE[:rows, :columns] if mode == "RGB" else NOISE[:rows, :columns, 0]
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array), mode).save(out, "JPEG", **options)
    return out.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)))


def blank(data: bytes, *boxes: Rectangle, photometric: str = "YBR_FULL_422") -> BlankedJpeg:
    columns, rows = Image.open(io.BytesIO(data)).size
    return blank_jpeg(data, boxes, photometric=photometric, rows=rows, columns=columns)


def far_from(made: BlankedJpeg, size: tuple[int, ...], reach: int = REACH_PIXELS) -> np.ndarray:
    far = np.ones(size[:2], bool)
    for r in made.blanked:
        far[
            max(r.row_start - reach, 0) : r.row_stop + reach,
            max(r.column_start - reach, 0) : r.column_stop + reach,
        ] = False
    return far


def assert_only_the_blanked_mcus_changed(source: bytes, made: BlankedJpeg) -> None:
    before, after = coefficients(source), coefficients(made.data)
    rows, columns = pixels(source).shape[:2]
    touched = np.zeros((-(-rows // made.mcu_rows), -(-columns // made.mcu_columns)), bool)
    for r in made.blanked:
        touched[
            r.row_start // made.mcu_rows : -(-r.row_stop // made.mcu_rows),
            r.column_start // made.mcu_columns : -(-r.column_stop // made.mcu_columns),
        ] = True
    for old, new in zip(before, after, strict=True):
        down, across = old.shape[0] // touched.shape[0], old.shape[1] // touched.shape[1]
        inside = touched.repeat(down, 0).repeat(across, 1)
        np.testing.assert_array_equal(old[~inside], new[~inside])
        assert not new[inside][:, 1:].any()
        assert len(np.unique(new[inside][:, 0])) <= 1


@pytest.mark.parametrize("restart", [0, 1, 3])
@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("subsampling", [0, 1, 2, "L"])
def test_coefficients_outside_the_blanked_mcus_are_identical(
    subsampling: int | str, restart: int, *, optimize: bool
) -> None:
    mode = "L" if subsampling == "L" else "RGB"
    options = {"optimize": optimize, "restart_marker_blocks": restart, "quality": 90}
    options |= {} if mode == "L" else {"subsampling": subsampling}
    source = jpeg(61, 77, mode, **options)
    photometric = "MONOCHROME2" if mode == "L" else "YBR_FULL_422"
    made = blank(
        source, Rectangle(20, 31, 9, 40), Rectangle(60, 61, 76, 77), photometric=photometric
    )
    assert_only_the_blanked_mcus_changed(source, made)
    old, new = pixels(source), pixels(made.data)
    far = far_from(made, old.shape)
    np.testing.assert_array_equal(old[far], new[far])
    if subsampling in {0, "L"}:
        assert not new[20:31, 9:40].any()
    else:  # the colour of the neighbours reaches in, as it reaches out
        assert not new[18:30, 18:30].any()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_rectangle_of_any_size_of_image_keeps_the_rest(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    box = Rectangle(
        top,
        data.draw(st.integers(top + 1, rows)),
        left,
        data.draw(st.integers(left + 1, columns)),
    )
    source = jpeg(
        rows,
        columns,
        quality=data.draw(st.sampled_from([5, 50, 100])),
        subsampling=data.draw(st.sampled_from([0, 1, 2])),
        optimize=data.draw(st.booleans()),
        restart_marker_blocks=data.draw(st.integers(0, 4)),
    )
    made = blank(source, box)
    assert_only_the_blanked_mcus_changed(source, made)
    old, new = pixels(source), pixels(made.data)
    far = far_from(made, old.shape)
    np.testing.assert_array_equal(old[far], new[far])


def test_monochrome1_is_blanked_to_its_highest_value() -> None:
    made = blank(jpeg(32, 32, "L"), Rectangle(0, 8, 0, 8), photometric="MONOCHROME1")
    assert (pixels(made.data)[:8, :8] == 255).all()


def test_components_that_are_red_green_and_blue_become_black() -> None:
    source = jpeg(32, 32, keep_rgb=True)
    made = blank(source, Rectangle(0, 8, 0, 8), photometric="RGB")
    assert not pixels(made.data)[:8, :8].any()
    assert_only_the_blanked_mcus_changed(source, made)


def test_comments_application_segments_thumbnails_and_what_follows_are_dropped() -> None:
    source = jpeg(16, 16, comment=NAME, exif=b"Exif\0\0" + NAME) + NAME
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\1\1" + NAME[:3]
    jfif = b"\xff\xe0" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    source = source[:2] + jfif + source[20:]
    made = blank(source, Rectangle(0, 1, 0, 1))
    assert NAME not in made.data
    assert NAME[:3] not in made.data
    assert made.segments_dropped == 4
    assert pixels(made.data).shape == (16, 16, 3)


def test_without_a_rectangle_the_image_is_the_same() -> None:
    source = jpeg(30, 30)
    np.testing.assert_array_equal(pixels(blank(source).data), pixels(source))


def one_scan_a_component(rows: int, columns: int, restart: int) -> bytes:
    """Three grey frames of equal tables put together as the scans of one frame, T.81 A.2.2."""
    parts = []
    for c in range(3):
        out = io.BytesIO()
        plane = np.ascontiguousarray(NOISE[:rows, :columns, c])
        Image.fromarray(plane).save(out, "JPEG", restart_marker_blocks=restart)
        parts.append(out.getvalue())
    frame, scan = parts[0].index(b"\xff\xc0"), parts[0].index(b"\xff\xda")
    size = parts[0][frame + 4 : frame + 9]
    header = b"\xff\xc0\0\x11" + size + b"\3" + b"".join(bytes((c, 0x11, 0)) for c in (1, 2, 3))
    joined = parts[0][:frame] + header + parts[0][frame + 13 : scan]
    for c, part in enumerate(parts, start=1):
        joined += b"\xff\xda\0\x08\1" + bytes((c, 0)) + b"\0\x3f\0" + part[scan + 10 : -2]
    return joined + b"\xff\xd9"


@pytest.mark.parametrize("restart", [0, 4])
def test_a_frame_of_one_scan_a_component_keeps_what_is_outside(restart: int) -> None:
    source = one_scan_a_component(45, 50, restart)
    made = blank(source, Rectangle(10, 20, 10, 20))
    old, new = pixels(source), pixels(made.data)
    far = far_from(made, old.shape, reach=0)
    np.testing.assert_array_equal(old[far], new[far])
    assert not new[8:24, 8:24].any()


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
def test_a_frame_of_other_colours_than_the_header_says_is_refused(photometric: str) -> None:
    source = jpeg(16, 16, "RGB" if photometric == "MONOCHROME2" else "L")
    with pytest.raises(UnreadableObject, match="JPEG_BROKEN"):
        blank(source, photometric=photometric)


def test_a_progressive_image_is_refused() -> None:
    with pytest.raises(UnsupportedObject, match="JPEG_PROCESS_UNSUPPORTED"):
        blank(jpeg(16, 16, progressive=True), Rectangle(0, 1, 0, 1))


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCA])
def test_lossless_and_arithmetic_images_are_refused(marker: int) -> None:
    source = jpeg(16, 16).replace(b"\xff\xc0", bytes((0xFF, marker)))
    with pytest.raises(UnsupportedObject, match="JPEG_PROCESS_UNSUPPORTED"):
        blank_jpeg(source, [], photometric="YBR_FULL_422", rows=16, columns=16)


def test_a_size_other_than_the_header_says_is_refused() -> None:
    with pytest.raises(UnreadableObject, match="JPEG_BROKEN"):
        blank_jpeg(jpeg(16, 16), [], photometric="YBR_FULL_422", rows=16, columns=24)


@settings(max_examples=150, deadline=None)
@given(st.integers(2, 2000), st.integers(0, 255))
def test_a_changed_byte_gives_a_frame_or_a_code_never_another_error(at: int, byte: int) -> None:
    source = bytearray(jpeg(24, 24, quality=50))
    source[at % len(source)] = byte
    code = "none"
    try:
        blank_jpeg(
            bytes(source),
            [Rectangle(0, 5, 0, 5)],
            photometric="YBR_FULL_422",
            rows=24,
            columns=24,
        )
    except RejectedError as err:
        code = err.code
    assert code in {"none", "JPEG_BROKEN", "JPEG_PROCESS_UNSUPPORTED", "JPEG_TABLE_FULL"}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2000))
def test_a_frame_cut_short_is_refused(length: int) -> None:
    source = jpeg(24, 24)
    with pytest.raises(RejectedError, match="JPEG_BROKEN"):
        blank_jpeg(source[: length % (len(source) - 2)], [], photometric="RGB", rows=24, columns=24)


def test_sixteen_times_the_pixels_take_at_most_forty_times_as_long() -> None:
    def seconds(side: int) -> float:
        out = io.BytesIO()
        array = np.kron(NOISE[:side, :side], np.ones((4, 4, 1), "u1"))
        Image.fromarray(array).save(out, "JPEG", quality=95, subsampling=0)
        start = time.process_time()
        blank(out.getvalue(), Rectangle(0, side, 0, 4 * side))
        return time.process_time() - start

    seconds(60)  # warm
    assert seconds(240) < 40 * seconds(60)


@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")
@pytest.mark.realdata
@pytest.mark.parametrize(
    "name",
    [
        "SM/cmu-1-small-region-pyramid/level-3-frames-0-1.dcm",
        "SM/cmu-1-small-region-pyramid/level-11-frames-0-1.dcm",
        "US/pydicom-sonosite/examples_ybr_color.dcm",
        "US/dicomparser-acuson-multiframe/IM00001.fragmented_no_bot_jpeg_baseline.50.dcm",
    ],
)
def test_real_frames_keep_what_is_outside(realdata: Path, name: str) -> None:
    ds = dcmread(realdata / name)
    frames = list(generate_frames(ds.PixelData, number_of_frames=int(ds.NumberOfFrames)))
    box = Rectangle(0, max(ds.Rows // 8, 1), 0, max(ds.Columns // 2, 1))
    for index, source in enumerate(frames):
        made = blank(source, box, photometric=ds.PhotometricInterpretation)
        old, new = pixels(source), pixels(made.data)
        far = far_from(made, old.shape)
        np.testing.assert_array_equal(old[far], new[far])
        if index == 0:
            assert_only_the_blanked_mcus_changed(source, made)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["TS/pydicom/JPEG-lossy.dcm", "TS/pylibjpeg-data/RG2_JPLY.dcm"])
def test_real_frames_of_12_bits_keep_what_is_outside(realdata: Path, name: str) -> None:
    import imagecodecs

    ds = dcmread(realdata / name)
    source = next(generate_frames(ds.PixelData, number_of_frames=1))
    box = Rectangle(100, 150, 30, 77)
    made = blank_jpeg(source, [box], photometric="MONOCHROME2", rows=ds.Rows, columns=ds.Columns)
    old, new = imagecodecs.jpeg8_decode(source), imagecodecs.jpeg8_decode(made.data)
    far = far_from(made, old.shape, reach=0)
    np.testing.assert_array_equal(old[far], new[far])
    assert not new[100:150, 30:77].any()
