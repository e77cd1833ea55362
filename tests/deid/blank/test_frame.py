"""Frames decoded to look at: what pydicom's decoders give, whatever the transfer syntax."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import pixel_array

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.frame import DecodedFrame, decode_frame
from deid.blank.items import frames_of
from deid.blank.shape import PixelShape, read_shape

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = [
    "TS/pydicom/ExplVR_BigEnd.dcm",
    "TS/pydicom/image_dfl.dcm",
    "TS/pydicom-data/JLSL_16_15_1_1F.dcm",
    "TS/pylibjpeg-data/CT1_JLSN.dcm",
    "TS/pylibjpeg-data/TOSHIBA_J2K_SIZ1_PixRep0.dcm",
    "US/pydicom-data-philips-epiq7/JPGLosslessP14SV1_1s_1f_8b.dcm",
    "US/fo-dicom-philips-iu22/GH364.dcm",
    "MG/fo-dicom-ge-essential/GH133.dcm",
    "CT/crlm-1004-ge-lightspeed16",
    "PT/suv-dro",
]


def first_view(ds: Dataset) -> DecodedFrame:
    shape = read_shape(ds)
    syntax = ds.file_meta.TransferSyntaxUID
    if syntax.is_encapsulated:
        frame = next(iter(frames_of(ds, shape.frames)))
    else:
        frame = ds.PixelData[: (shape.frame_bits + 7) // 8]
    return decode_frame(frame, str(syntax), shape, vr=ds["PixelData"].VR)


@pytest.mark.realdata
@pytest.mark.parametrize("name", GREY)
def test_grey_frames_are_what_pydicom_decodes(realdata: Path, name: str) -> None:
    path = realdata / name
    if path.is_dir():
        path = next(p for p in sorted(path.rglob("*")) if p.suffix == ".dcm")
    ds = dcmread(path)
    wanted = pixel_array(ds, index=0, raw=True)
    view = first_view(ds)
    np.testing.assert_array_equal(view.samples, wanted)
    assert view.photometric == ds.PhotometricInterpretation


@pytest.mark.realdata
def test_colour_of_jpeg_baseline_is_shown_as_rgb(realdata: Path) -> None:
    ds = dcmread(realdata / "US/pydicom-sonosite/examples_ybr_color.dcm")
    view = first_view(ds)
    wanted = pixel_array(ds, index=0)  # to RGB, by another decoder: chroma is spread otherwise
    assert view.photometric == "RGB"
    assert np.abs(view.samples.astype(int) - wanted).mean() < 1


def test_shared_colour_is_given_to_both_pixels() -> None:
    """PS3.3 C.7.6.3.1.2: Y Y Cb Cr for every two pixels."""
    shape = PixelShape(1, 4, 1, 3, 8, 8, 7, signed=False, photometric="YBR_FULL_422", planar=False)
    view = decode_frame(bytes([1, 2, 30, 40, 5, 6, 70, 80]), "1.2.840.10008.1.2.1", shape)
    assert view.samples.tolist() == [[[1, 30, 40], [2, 30, 40], [5, 70, 80], [6, 70, 80]]]
    assert view.photometric == "YBR_FULL"


def test_planes_become_pixels() -> None:
    shape = PixelShape(1, 2, 1, 3, 8, 8, 7, signed=False, photometric="RGB", planar=True)
    view = decode_frame(bytes([1, 2, 3, 4, 5, 6]), "1.2.840.10008.1.2.1", shape)
    assert view.samples.tolist() == [[[1, 3, 5], [2, 4, 6]]]


def test_bits_that_are_not_stored_are_not_shown() -> None:
    """High bits may hold an overlay (retired in PS3.5 8.1.2): 0xF001 of 12 bits is 1."""
    shape = PixelShape(
        1, 1, 1, 1, 16, 12, 11, signed=False, photometric="MONOCHROME2", planar=False
    )
    view = decode_frame(b"\x01\xf0", "1.2.840.10008.1.2.1", shape)
    assert view.samples.tolist() == [[1]]


def test_a_signed_sample_keeps_its_sign() -> None:
    shape = PixelShape(1, 1, 1, 1, 16, 12, 11, signed=True, photometric="MONOCHROME2", planar=False)
    assert decode_frame(b"\xff\x0f", "1.2.840.10008.1.2.1", shape).samples.tolist() == [[-1]]


def test_bits_are_pixels_from_the_lowest() -> None:
    """PS3.5 8.1.1."""
    shape = PixelShape(2, 3, 1, 1, 1, 1, 0, signed=False, photometric="MONOCHROME2", planar=False)
    view = decode_frame(bytes([0b00110101]), "1.2.840.10008.1.2.1", shape)
    assert view.samples.tolist() == [[1, 0, 1], [0, 1, 1]]


def test_a_video_is_not_looked_at() -> None:
    shape = PixelShape(
        1, 1, 1, 3, 8, 8, 7, signed=False, photometric="YBR_PARTIAL_420", planar=False
    )
    with pytest.raises(UnsupportedObject, match="TRANSFER_SYNTAX_UNSUPPORTED"):
        decode_frame(b"", "1.2.840.10008.1.2.4.103", shape)


def test_a_short_frame_is_refused() -> None:
    shape = PixelShape(2, 2, 1, 1, 8, 8, 7, signed=False, photometric="MONOCHROME2", planar=False)
    with pytest.raises(UnreadableObject, match="BLANK_PIXELS_SHORT"):
        decode_frame(b"abc", "1.2.840.10008.1.2.1", shape)
