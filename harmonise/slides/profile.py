"""Colour profiles: checked, applied by LittleCMS, and the sRGB one that the result bears."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from pydicom.dataset import Dataset

from config.errors import InconsistentSeries

__all__ = ["digest_of", "profile_of", "srgb_profile", "to_srgb"]

Rgb = NDArray[np.uint8]

CLASSES = frozenset({"scnr", "mntr", "spac"})
"""Classes of device whose profile leads from RGB to a connection space (ICC.1:2022 7.2.5).
PS3.3 C.11.15 asks for an input device; scanners that write sRGB itself write a display's."""

CONNECTION_SPACES = frozenset({"XYZ", "Lab"})


def profile_of(ds: Dataset) -> bytes | None:
    """Return the profile of the first optical path (PS3.3 C.8.12.5), or of the image (C.11.15)."""
    for item in [*(ds.get("OpticalPathSequence") or [])[:1], ds]:
        profile = item.get("ICCProfile")
        if profile:
            return bytes(profile)
    return None


def to_srgb(profile: bytes) -> tuple[Callable[[Rgb], Rgb], str]:
    """Return the map of a profile's colours to sRGB, relative colorimetric, and its description.

    Raises
    ------
    InconsistentSeries
        ``WSI_BAD_ICC``: it cannot be read, or leads from or to something else.
    """
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        kind = source.profile.device_class.strip()
        spaces = (source.profile.xcolor_space.strip(), source.profile.connection_space.strip())
        if kind not in CLASSES or spaces[0] != "RGB" or spaces[1] not in CONNECTION_SPACES:
            raise InconsistentSeries("WSI_BAD_ICC", f"(0028,2000) class {kind}, {spaces}")
        target = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
        transform = ImageCms.buildTransform(
            source, target, "RGB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError) as error:
        raise InconsistentSeries("WSI_BAD_ICC", f"(0028,2000) {type(error).__name__}") from error

    def convert(pixels: Rgb) -> Rgb:
        done = ImageCms.applyTransform(Image.fromarray(pixels), transform)
        return np.asarray(done)

    return convert, kind


def srgb_profile() -> bytes:
    """Return an sRGB profile, always the same bytes, of the class that DICOM asks for.

    LittleCMS writes the time of day into bytes 24 to 35 of the header (ICC.1:2022 7.2) and the
    class of a display into bytes 12 to 15; the curves and the matrix of either class are the same.
    """
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[12:16] = b"scnr"
    data[24:36] = bytes([0x07, 0xCF, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])  # 1 January 1999: IEC 61966-2-1
    data[84:100] = bytes(16)  # the profile's own digest, zero where it was not computed
    return bytes(data)


def digest_of(profile: bytes) -> str:
    """Return the SHA-256 (hex) that names a profile in a record."""
    return hashlib.sha256(profile).hexdigest()
