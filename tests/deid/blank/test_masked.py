"""Any set of pixels is filled, in every lossless syntax; other packages see nothing else change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import iter_pixels
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from config.errors import UnreadableObject, UnsupportedObject
from deid.blank.masked import fill_object
from deid.blank.stored import stored_frames
from tests.support.blanked import applied

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = [
    "TS/pydicom/MR_small_RLE.dcm",
    "TS/pydicom/MR_small_bigendian.dcm",
    "TS/pydicom/MR_small_implicit.dcm",
    "TS/pydicom/MR_small_jp2klossless.dcm",
    "TS/pydicom/MR_small_jpeg_ls_lossless.dcm",
    "TS/pydicom/image_dfl.dcm",
    "TS/pydicom-data/JPEG-LL.dcm",
    "TS/pydicom-data/emri_small.dcm",
    "TS/pydicom-data/emri_small_RLE.dcm",
    "TS/pydicom-data/emri_small_big_endian.dcm",
    "TS/pydicom-data/emri_small_jpeg_2k_lossless.dcm",
    "TS/pydicom-data/emri_small_jpeg_ls_lossless.dcm",
    "TS/pylibjpeg-data/TOSHIBA_J2K_SIZ1_PixRep0.dcm",
]


def mask_of(ds: Dataset, number: int) -> NDArray[np.bool_]:
    """Another scatter for each frame, none in the third."""
    random = np.random.default_rng(number)
    return random.random((ds.Rows, ds.Columns)) < (0 if number == 2 else 0.3)


def masked(ds: Dataset, value: int) -> Dataset:
    return applied(ds, fill_object(ds, lambda number: (mask_of(ds, number), value)))


@pytest.mark.realdata
@pytest.mark.parametrize("name", GREY)
def test_the_mask_is_filled_and_every_other_sample_is_what_it_was(
    realdata: Path, name: str
) -> None:
    ds = dcmread(realdata / name)
    value = -7 if ds.PixelRepresentation else 7
    new = masked(ds, value)
    before, after = (np.stack(list(iter_pixels(d, raw=True))) for d in (ds, new))
    masks = np.stack([mask_of(ds, n) for n in range(len(before))])
    assert np.array_equal(after, np.where(masks, value, before))
    assert new.file_meta.TransferSyntaxUID == ds.file_meta.TransferSyntaxUID


@pytest.mark.realdata
@pytest.mark.parametrize("name", GREY)
def test_stored_values_are_those_another_package_decodes(realdata: Path, name: str) -> None:
    ds = dcmread(realdata / name)
    assert np.array_equal(
        np.stack(list(stored_frames(ds))), np.stack(list(iter_pixels(ds, raw=True)))
    )


def built(cells: bytes, *, rows: int, columns: int, bits: int, syntax: str) -> Dataset:
    ds = Dataset()
    ds.Rows, ds.Columns, ds.SamplesPerPixel = rows, columns, 1
    ds.BitsAllocated, ds.PhotometricInterpretation = bits, "MONOCHROME2"
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits - 4, bits - 3, 1
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.add_new("PixelData", "OW", cells)
    return ds


@given(
    rows=st.integers(1, 7),
    columns=st.integers(1, 7),
    bits=st.sampled_from([8, 16, 32]),
    syntax=st.sampled_from([ExplicitVRLittleEndian, ExplicitVRBigEndian]),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_bits_of_cells_outside_the_mask_stay_even_those_beside_the_stored_ones(
    rows: int, columns: int, bits: int, syntax: str, data: st.DataObject
) -> None:
    """An overlay in the high bit of a cell (retired, PS3.5 8.1.2) is a bit like others."""
    size = rows * columns * bits // 8
    cells = data.draw(st.binary(min_size=size, max_size=size))
    padded = cells + b"\0" * (size % 2)
    chosen = data.draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    mask = np.array(chosen).reshape(rows, columns)
    ds = built(padded, rows=rows, columns=columns, bits=bits, syntax=syntax)
    made = b"".join(fill_object(ds, lambda _n: (mask, -3)).value)
    width = bits // 8
    big = syntax == ExplicitVRBigEndian
    filled = ((-3 << 2) % (1 << bits)).to_bytes(width, "big" if big else "little")
    for index, inside in enumerate(chosen):
        at = index * width
        if big and width == 1:
            at ^= 1  # bytes in big endian words, PS3.5 8.1.2
        if at + width <= size:
            assert made[at : at + width] == (filled if inside else cells[at : at + width])


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["TS/pydicom/SC_rgb_rle_2frame.dcm", "TS/pydicom/JPEG2000.dcm"])
def test_colour_and_lossy_frames_are_refused(realdata: Path, name: str) -> None:
    ds = dcmread(realdata / name)
    with pytest.raises(UnsupportedObject):
        fill_object(ds, lambda n: (mask_of(ds, n), 0))


@pytest.mark.realdata
def test_a_mask_of_another_size_a_value_too_large_and_missing_pixels_are_refused(
    realdata: Path,
) -> None:
    ds = dcmread(realdata / GREY[2])
    with pytest.raises(UnsupportedObject, match="BLANK_REGION_BOUNDS"):
        b"".join(fill_object(ds, lambda _n: (np.ones((3, 3), bool), 0)).value)
    with pytest.raises(UnsupportedObject, match="BLANK_PIXELS_UNSUPPORTED"):
        b"".join(fill_object(ds, lambda n: (mask_of(ds, n), 1 << 20)).value)
    del ds.PixelData
    with pytest.raises(UnreadableObject, match="DEID_NO_PIXELS"):
        fill_object(ds, lambda n: (mask_of(ds, n), 0))
