"""Comments and tails of encapsulated pixels go, samples and lengths stay."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID

from config.errors import IdentityLeak
from config.policy import ClearedPixels, Policy
from deid.codestream import without_asides
from deid.engine import ReleasedDataset

JPEG2000, RLE = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5"
MPEG2 = "1.2.840.10008.1.2.4.100"
NAME = b"LEFEVRE^Elodie"
SIDE = 32


def item(value: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + struct.pack("<L", len(value)) + value


def fragments(*values: bytes) -> bytes:
    return b"".join(map(item, (b"", *values)))


def segment(code: int, body: bytes) -> bytes:
    return b"\xff" + bytes([code]) + (len(body) + 2).to_bytes(2, "big") + body


def image(syntax: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1")
    ds.Rows = ds.Columns = SIDE
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit = 15
    ds.PixelData = (np.arange(SIDE * SIDE, dtype="<u2") * 7 % 500).tobytes()
    ds.compress(syntax, generate_instance_uid=False)
    return ds


def test_comments_of_jpeg_are_blanked_and_what_says_how_to_decode_stays() -> None:
    """ITU-T T.81 B.2.4: COM is FFFE; APP14 tells the colour transform."""
    adobe = segment(0xEE, b"Adobe\0d\0\0\0\0\1")
    frame = b"\xff\xd8" + adobe + segment(0xFE, NAME) + segment(0xE1, b"Exif\0\0" + NAME)
    frame += segment(0xDA, b"\1") + b"entropy" + b"\xff\xd9" + NAME
    out = without_asides(fragments(frame)).value
    assert NAME not in out
    assert adobe in out
    assert b"entropy\xff\xd9" in out
    assert len(out) == len(fragments(frame))


@pytest.mark.parametrize("syntax", [JPEG2000, RLE])
def test_an_image_named_in_its_codestream_decodes_to_the_same_samples(syntax: str) -> None:
    ds = image(syntax)
    wanted = pixel_array(ds)
    (frame,) = generate_frames(ds.PixelData, number_of_frames=1)
    if syntax == JPEG2000:
        at = frame.index(b"\xff\x90")  # SOT, ISO/IEC 15444-1 A.4.2
        frame = frame[:at] + segment(0x64, b"\0\1" + NAME) + frame[at:]
    named = fragments(frame + NAME)
    out = without_asides(named, SIDE * SIDE if syntax == RLE else 0).value
    assert NAME in named
    assert NAME not in out
    assert len(out) == len(named)
    ds.PixelData = out + b"\xfe\xff\xdd\xe0\0\0\0\0"
    ds["PixelData"].is_undefined_length = True
    assert (pixel_array(ds) == wanted).all()


def test_an_rle_frame_without_a_tail_is_left_as_it_is() -> None:
    (frame,) = generate_frames(image(RLE).PixelData, number_of_frames=1)
    assert without_asides(fragments(frame), SIDE * SIDE).value == fragments(frame)


def test_the_end_marker_of_a_thumbnail_does_not_end_an_image_in_two_fragments() -> None:
    """The scan goes on in the second fragment: all of it is samples up to its own end marker."""
    thumbnail = segment(0xE0, b"JFXX\0\x10\xff\xd8thumb\xff\xd9")
    first = b"\xff\xd8" + thumbnail + segment(0xDA, b"\1") + b"entropy"
    second = b"more\xff\xd9"
    out = without_asides(fragments(first, second + NAME))
    assert out.value == fragments(first, second + bytes(len(NAME)))
    assert out.unread == ()


def test_a_video_is_left_as_it_is_and_handed_over_for_a_search() -> None:
    """In MPEG the bytes FFD9 mean nothing (PS3.5 8.2.5)."""
    video = b"\0\0\1\xb3" + bytes(range(256)) + b"\xff\xd9" + bytes(range(256))
    out = without_asides(fragments(video))
    assert out.value == fragments(video)
    assert out.unread == (video,)


def test_a_video_that_names_the_patient_is_refused_and_another_is_released_whole(
    make: Callable[..., Dataset],
    release: Callable[..., ReleasedDataset],
    reread: Callable[..., Dataset],
    research: Policy,
) -> None:
    """User data of MPEG lie inside the stream, where nothing can be cut without a decoder."""
    rule = ClearedPixels(even_if_marked=True, reason="a stream made for this test")
    policy = research.model_copy(update={"cleared_pixels": (rule,)})
    streams = [b"\0\0\1\xb3 samples \xff\xd9 more" + word for word in (NAME, b"x" * len(NAME))]
    ours, theirs = (make() for _ in streams)
    for ds, stream in zip((ours, theirs), streams, strict=True):
        ds.file_meta.TransferSyntaxUID = UID(MPEG2)
        ds.PixelData = fragments(stream + b"\0" * (len(stream) % 2)) + b"\xfe\xff\xdd\xe0\0\0\0\0"
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
    with pytest.raises(IdentityLeak):
        release(ours, policy)
    assert b"samples \xff\xd9 more" in reread(theirs, policy).PixelData


def test_the_hindmost_segment_of_an_rle_frame_is_found_whatever_its_number() -> None:
    """PS3.5 G.5: offsets name segments; nothing says that they lie in order."""
    low, high = b"\xc1\x07" * 16, b"\xc1\x01" * 16  # 64 times the same byte: 257 - 193
    offsets = [2, 64 + len(high), 64] + [0] * 13
    frame = struct.pack("<16L", *offsets) + high + low
    out = without_asides(fragments(frame + NAME), 16 * 64)
    assert out.value == fragments(frame + bytes(len(NAME)))


def test_a_second_time_changes_nothing() -> None:
    (frame,) = generate_frames(image(JPEG2000).PixelData, number_of_frames=1)
    once = without_asides(fragments(frame + NAME)).value
    assert without_asides(once).value == once


@given(st.binary(max_size=200), st.sampled_from([0, 64]))
def test_bytes_that_are_no_fragments_keep_their_length(value: bytes, plane: int) -> None:
    assert len(without_asides(value, plane).value) == len(value)
    assert len(without_asides(fragments(value), plane).value) == len(fragments(value))
