"""Objects of every transfer syntax, decoded by other packages before and after."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import iter_pixels
from pydicom.uid import UID, ExplicitVRLittleEndian

from config.errors import RejectedError, UnreadableObject, UnsupportedObject
from deid.blank.entry import blank_object
from deid.blank.region import Rectangle
from deid.tables import read_csv
from tests.support.blanked import applied

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

BASELINE = "1.2.840.10008.1.2.4.50"


def box_of(ds: Dataset) -> Rectangle:
    rows, columns = ds.Rows, ds.Columns
    return Rectangle(rows // 3, rows // 2, columns // 4, columns // 2)


def samples(ds: Dataset) -> np.ndarray:
    return np.stack(list(iter_pixels(ds, raw=True)))


LOSSLESS = [
    ("TS/pydicom/ExplVR_BigEnd.dcm", (0, 0, 0)),
    ("TS/pydicom/MR_small_RLE.dcm", -32768),
    ("TS/pydicom/MR_small_bigendian.dcm", -32768),
    ("TS/pydicom/MR_small_implicit.dcm", -32768),
    ("TS/pydicom/MR_small_jp2klossless.dcm", -32768),
    ("TS/pydicom/MR_small_jpeg_ls_lossless.dcm", -32768),
    ("TS/pydicom/SC_rgb_rle_2frame.dcm", (0, 0, 0)),
    ("TS/pydicom/image_dfl.dcm", 0),
    ("TS/pydicom-data/HTJ2KLossless_08_RGB.dcm", (0, 0, 0)),
    ("TS/pydicom-data/JPEG-LL.dcm", -32768),
    ("TS/pydicom-data/US1_J2KR.dcm", (0, 0, 0)),
    ("TS/pydicom-data/emri_small.dcm", 0),
    ("TS/pydicom-data/emri_small_RLE.dcm", 0),
    ("TS/pydicom-data/emri_small_big_endian.dcm", 0),
    ("TS/pydicom-data/emri_small_jpeg_2k_lossless.dcm", 0),
    ("TS/pydicom-data/emri_small_jpeg_ls_lossless.dcm", 0),
    ("TS/pylibjpeg-data/TOSHIBA_J2K_SIZ1_PixRep0.dcm", 0),
    ("US/pydicom-data-philips-cx50/OBXXXX1A.dcm", None),
    ("US/pydicom-data-philips-cx50/OBXXXX1A_rle_2frame.dcm", None),
    ("US/pydicom-data-philips-epiq7/JPGLosslessP14SV1_1s_1f_8b.dcm", 0),
    ("US/deid-data-philips-epiq5/GREYSCALE_IMAGE.dcm", 0),
    ("SEG/pydicom-data/liver_expb.dcm", 0),
]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "black"), LOSSLESS, ids=[name for name, _ in LOSSLESS])
def test_samples_outside_are_identical_and_inside_black(
    realdata: Path, name: str, black: object
) -> None:
    ds = dcmread(realdata / name)
    box = box_of(ds)
    made = blank_object(ds, [box])
    assert made.transfer_syntax_uid == ds.file_meta.TransferSyntaxUID  # its own syntax
    old, new = samples(ds), samples(applied(ds, made))
    inside = np.zeros(old.shape[1:3], bool)
    inside[box.row_start : box.row_stop, box.column_start : box.column_stop] = True
    np.testing.assert_array_equal(old[:, ~inside], new[:, ~inside])
    if black is None:  # of a palette: the entry of which the three colours have the least sum
        black = new[0][inside][0]
        sums = sum(
            np.frombuffer(ds[f"{c}PaletteColorLookupTableData"].value, "<u2").astype(int)
            for c in ("Red", "Green", "Blue")
        )
        assert sums[black] == sums.min()
    assert (new[:, inside] == np.array(black)).all()
    assert [len(frame.blanked) for frame in made.frames] == [1] * len(old)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name", ["JLSL_16_15_1_1F.dcm", "JLSL_RGB_ILV0.dcm", "JLSL_RGB_ILV1.dcm", "JLSL_RGB_ILV2.dcm"]
)
def test_jpeg_ls_keeps_its_precision_and_interleaving(realdata: Path, name: str) -> None:
    import jpeg_ls

    ds = dcmread(realdata / "TS/pydicom-data" / name, force=True)
    box = box_of(ds)
    made = blank_object(ds, [box])
    source = next(generate_frames(ds.PixelData, number_of_frames=1))
    frame = next(generate_frames(b"".join(made.value), number_of_frames=1))
    wanted, found = (np.array(jpeg_ls.decode(np.frombuffer(f, "u1"))) for f in (source, frame))
    planes = wanted.shape[0] == 3
    where = (
        ...,
        slice(box.row_start, box.row_stop),
        slice(box.column_start, box.column_stop),
    ) + (() if planes or wanted.ndim == 2 else (slice(None),))
    wanted[where] = 1 << 14 if wanted.ndim == 2 else 0  # -16384 in 15 bits
    np.testing.assert_array_equal(found, wanted)
    for marker, length in ((b"\xff\xf7", 13), (b"\xff\xda", 8)):
        at, new_at = source.index(marker), frame.index(marker)
        assert source[at + 2 : at + length] == frame[new_at + 2 : new_at + length]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("TS/pydicom/JPEG2000.dcm", "BLANK_LOSSY_SYNTAX"),
        ("TS/pydicom-data/HTJ2K_08_RGB.dcm", "BLANK_LOSSY_SYNTAX"),
        ("TS/pydicom-data/US1_J2KI.dcm", "BLANK_LOSSY_SYNTAX"),
        ("TS/pylibjpeg-data/CT1_JLSN.dcm", "BLANK_LOSSY_SYNTAX"),
        ("SEG/pydicom-data/liver_j2k.dcm", "BLANK_PIXELS_UNSUPPORTED"),
    ],
)
def test_what_would_be_compressed_twice_is_refused(realdata: Path, name: str, code: str) -> None:
    ds = dcmread(realdata / name, force=True)
    with pytest.raises(UnsupportedObject, match=code):
        blank_object(ds, [box_of(ds)])


@pytest.mark.realdata
def test_a_jpeg_object_stays_in_its_syntax_with_all_frames(realdata: Path) -> None:
    ds = dcmread(realdata / "US/pydicom-sonosite/examples_ybr_color.dcm")
    made = blank_object(ds, [Rectangle(0, 20, 0, 320)])
    new = applied(ds, made)
    assert (made.transfer_syntax_uid, len(samples(new))) == (BASELINE, 30)
    assert [frame.frame for frame in made.frames] == list(range(30))
    assert {frame.blanked for frame in made.frames} == {(Rectangle(0, 32, 0, 320),)}


@pytest.mark.realdata
def test_a_frame_without_a_rectangle_is_copied(realdata: Path) -> None:
    ds = dcmread(realdata / "TS/pydicom-data/emri_small_jpeg_ls_lossless.dcm")
    made = blank_object(ds, [Rectangle(0, 5, 0, 5, frame=4)])
    old = list(generate_frames(ds.PixelData, number_of_frames=10))
    new = list(generate_frames(b"".join(made.value), number_of_frames=10))
    assert [i for i in range(10) if old[i] != new[i]] == [4]


@pytest.mark.realdata
def test_a_compressed_frame_cut_short_is_refused(realdata: Path) -> None:
    for name in ("pydicom-data/JPEG-LL.dcm", "pydicom/MR_small_jpeg_ls_lossless.dcm"):
        ds = dcmread(realdata / "TS" / name)
        frame = next(generate_frames(ds.PixelData, number_of_frames=1))
        ds.PixelData = encapsulate([frame[: len(frame) // 2]])
        with pytest.raises(RejectedError, match="BLANK_NOT_DECODED"):
            b"".join(blank_object(ds, [Rectangle(0, 5, 0, 5)]).value)


@pytest.mark.realdata
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_changed_frame_gives_pixels_or_a_code_never_another_error(
    realdata: Path, data: st.DataObject
) -> None:
    frames = compressed_frames(realdata / "TS")
    ds, frame = frames[data.draw(st.sampled_from(sorted(frames)))]
    changed = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 4))):
        last = data.draw(st.sampled_from([100, len(frame) - 1]))
        changed[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    code = "none"
    try:
        made = blank_object(ds, [Rectangle(0, 5, 0, 5)], pieces=[bytes(changed)])
        b"".join(made.value)
    except RejectedError as err:
        code = err.code
    assert code in {"none", "BLANK_NOT_DECODED", "BLANK_NOT_LOSSLESS", "BLANK_LOSSY_SYNTAX"}


@cache
def compressed_frames(folder: Path) -> dict[str, tuple[Dataset, bytes]]:
    """The frame of one object of each syntax."""
    names = [f"pydicom/MR_small_{kind}" for kind in ("RLE", "jp2klossless", "jpeg_ls_lossless")]
    found = {}
    for name in (*names, "pydicom-data/JPEG-LL", "pydicom-data/HTJ2KLossless_08_RGB"):
        ds = dcmread(folder / f"{name}.dcm")
        found[name] = (ds, next(generate_frames(ds.PixelData, number_of_frames=1)))
    return found


def colour_object(samples_per_pixel: int, photometric: str, syntax: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 40, 50, samples_per_pixel
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PhotometricInterpretation = photometric
    return ds


def test_without_an_encoder_the_object_becomes_explicit_little_endian() -> None:
    import imagecodecs

    array = np.random.default_rng(2).integers(0, 256, (40, 50, 3), "u1")
    ds = colour_object(3, "YBR_RCT", "1.2.840.10008.1.2.4.202")
    ds.PlanarConfiguration = 1
    ds.SmallestImagePixelValue = 3
    ds.PixelData = encapsulate([imagecodecs.htj2k_encode(array, reversible=True, rgb=True)])
    made = blank_object(ds, [Rectangle(1, 3, 2, 5)])
    array[1:3, 2:5] = 0
    assert made.transfer_syntax_uid == ExplicitVRLittleEndian
    assert made.changed == {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    assert made.removed == ("SmallestImagePixelValue",)
    assert b"".join(made.value) == array.tobytes()


def test_pixels_may_come_in_pieces_without_being_in_the_object() -> None:
    ds = colour_object(1, "MONOCHROME2", ExplicitVRLittleEndian)
    made = blank_object(ds, [Rectangle(0, 40, 0, 25)], pieces=(b"\7" * 200 for _ in range(10)))
    assert b"".join(made.value) == (bytes(25) + b"\7" * 25) * 40


def test_a_missing_frame_is_refused() -> None:
    ds = colour_object(1, "MONOCHROME2", "1.2.840.10008.1.2.5")
    with pytest.raises(UnreadableObject, match="BLANK_PIXELS_SHORT"):
        b"".join(blank_object(ds, [], pieces=iter([])).value)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.110", "1.2.3.4"])
def test_a_syntax_that_is_not_in_the_table_is_refused(syntax: str) -> None:
    ds = colour_object(1, "MONOCHROME2", syntax)
    with pytest.raises(UnsupportedObject, match="TRANSFER_SYNTAX_UNSUPPORTED"):
        blank_object(ds, [], pieces=[b""])


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PhotometricInterpretation", "CMYK"), ("BitsStored", 9), ("BitsAllocated", 24)],
)
def test_pixels_of_an_unknown_kind_are_refused(keyword: str, value: object) -> None:
    ds = colour_object(1, "MONOCHROME2", ExplicitVRLittleEndian)
    setattr(ds, keyword, value)
    with pytest.raises(UnsupportedObject, match="BLANK_PIXELS_UNSUPPORTED"):
        blank_object(ds, [], pieces=[bytes(2000)])


def test_a_palette_that_is_missing_is_refused() -> None:
    ds = colour_object(1, "PALETTE COLOR", ExplicitVRLittleEndian)
    with pytest.raises(UnsupportedObject, match="BLANK_PALETTE"):
        blank_object(ds, [], pieces=[bytes(2000)])


def test_the_syntaxes_are_named_as_in_the_dictionary_of_pydicom() -> None:
    rows = list(read_csv("blank_syntaxes.csv"))
    unknown = {row["uid"] for row in rows if UID(row["uid"]).name == row["uid"]}
    assert unknown <= {"1.2.840.10008.1.2.8.1"}  # of 2024, newer than that dictionary
    lossless = [r["uid"] for r in rows if r["how"] == "lossless"]
    assert not [uid for uid in lossless if "Lossy" in UID(uid).name]
