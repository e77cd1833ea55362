"""Compare a written file with what a volume encodes to, bit for bit."""

from __future__ import annotations

import gzip
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage, SegmentationStorage

from config.errors import UnreadableObject
from harmonise.encode.files import region_of_file
from harmonise.encode.header import STORED_AS, class_rule
from harmonise.encode.multiframe import slices_of_frames
from harmonise.encode.nifti import encoded, encoded_mask
from harmonise.encode.quantise import quantise
from harmonise.encode.segmentation import segment_of
from harmonise.slides.build import Pyramid
from harmonise.slides.same import slide_difference
from harmonise.slides.slide import Slide
from harmonise.vendor.headers import FOREIGN, quiet
from harmonise.volume import Volume

__all__ = ["comparing", "difference"]

MULTI_FRAME = (ParametricMapStorage, SegmentationStorage)
SCALING = ("RescaleSlope", "RescaleIntercept")


@contextmanager
def comparing(image: Volume | Slide) -> Iterator[Callable[[Path], str]]:
    """Give what compares files with what a volume or a slide encodes to, for a ``with`` block.

    A slide is encoded once for all its levels, into a temporary file.
    """
    if isinstance(image, Slide):
        with closing(image), Pyramid(image, Path(tempfile.gettempdir())) as pyramid:
            yield partial(slide_difference, pyramid=pyramid)
    else:
        yield partial(difference, volume=image)


def difference(path: Path, volume: Volume) -> str:
    """Return in what a file differs from what ``volume`` encodes to; "" when in nothing.

    A NIfTI file is compared whole once inflated, header and voxels. Of a derived object the decoded
    samples are compared with those of its slice, and how they are to be read.

    Parameters
    ----------
    path : Path
        A derived DICOM object, a ``.nii.gz``, or the ``.json`` beside one.
    volume : Volume

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE``.
    """
    if path.name.endswith(".json"):
        path = path.with_name(path.name.removesuffix(".json") + ".nii.gz")
    try:
        if path.name.endswith(".nii.gz"):
            return _of_nifti(path, volume)
        with quiet():
            return _of_object(pydicom.dcmread(path), volume)
    except (*FOREIGN, zlib.error) as error:
        raise UnreadableObject("FILE_UNREADABLE", type(error).__name__) from error


def _of_nifti(path: Path, volume: Volume) -> str:
    region = region_of_file(path)
    wanted = encoded(volume)
    if region:
        wanted = encoded_mask(segment_of(volume, region), volume.grid)
    found = gzip.decompress(path.read_bytes())
    if found == wanted:
        return ""
    if len(found) != len(wanted):
        return f"{len(found)} bytes, computed {len(wanted)}"
    differs = np.frombuffer(found, np.uint8) != np.frombuffer(wanted, np.uint8)
    return f"{int(differs.sum())} of {len(wanted)} bytes differ"


def _of_object(ds: Dataset, volume: Volume) -> str:
    if ds.SOPClassUID in MULTI_FRAME:
        values: NDArray[Any] = volume.values
        if ds.SOPClassUID == SegmentationStorage:
            values = segment_of(volume, str(ds.ContentLabel).lower())
        found = ds.pixel_array.astype(values.dtype).reshape(values.shape)
        values = values[slices_of_frames(ds, volume.grid)]
        differs = found.view(np.uint8) != np.ascontiguousarray(values).view(np.uint8)
        return f"{int(differs.sum())} of {differs.size} bytes differ" if differs.any() else ""
    return _of_slice(ds, volume)


def _of_slice(ds: Dataset, volume: Volume) -> str:
    rule = class_rule(ds.SOPClassUID)
    flags = {key: bool(rule.get(key)) for key in STORED_AS}
    quantised = quantise(volume.values, **flags)
    wanted = quantised.stored[int(ds.InstanceNumber) - 1]
    stored = ds.pixel_array
    if stored.shape != wanted.shape or stored.dtype != wanted.dtype:
        return f"{stored.dtype} {stored.shape}, computed {wanted.dtype} {wanted.shape}"
    differs = stored != wanted
    if differs.any():
        return f"{int(differs.sum())} of {wanted.size} samples differ"
    scaling = (quantised.slope, quantised.intercept)
    for keyword, number in zip(SCALING, scaling, strict=True):
        said = ds.get(keyword, {"RescaleSlope": 1, "RescaleIntercept": 0}[keyword])
        if float(said) != float(number):
            return f"{keyword} differs"
    return "" if ds.get("PixelPaddingValue") == quantised.padding else "PixelPaddingValue differs"
