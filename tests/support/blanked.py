"""An object with the pixels that blanking made, as the next reader gets it."""

from __future__ import annotations

import io
from copy import deepcopy

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from deid.blank.entry import BlankedPixels


def applied(ds: Dataset, made: BlankedPixels) -> Dataset:
    """The object with its new pixels, written and read again."""
    new = deepcopy(ds)
    new.file_meta.TransferSyntaxUID = UID(made.transfer_syntax_uid)
    value = b"".join(made.value)
    assert made.length in {None, len(value)}
    new.PixelData = value
    new["PixelData"].VR = made.vr
    new["PixelData"].is_undefined_length = made.length is None
    for keyword, changed in made.changed.items():
        setattr(new, keyword, changed)
    for keyword in made.removed:
        delattr(new, keyword)
    stream = io.BytesIO()
    new.preamble = bytes(128)
    new.save_as(stream)
    stream.seek(0)
    return dcmread(stream, force=True)
