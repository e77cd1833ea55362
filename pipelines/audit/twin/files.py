"""Files of the twin: names in preamble, file meta, codestreams and after the pixels."""

from __future__ import annotations

import io

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.uid import UID

from pipelines.audit.twin.codecs import EXPLICIT, JPEG2000, RLE
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter

__all__ = ["encode"]

_COMMENT, _TILE = b"\xff\x64", b"\xff\x90"
"""COM and SOT of a JPEG 2000 codestream (ISO/IEC 15444-1 A.9.2, A.4.2)."""


def encode(ds: Dataset, planter: Planter, names: Names, syntax: str) -> bytes:
    """Return the Part 10 file in ``syntax``, or the planter's; only grey pixels are compressed."""
    syntax = planter.syntax or syntax
    packed = syntax in {JPEG2000, RLE}
    native = packed and ("PixelData" not in ds or ds.BitsAllocated == 1 or ds.SamplesPerPixel == 3)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(EXPLICIT if packed else syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    sender = "AE" + names.digits(8)
    ds.file_meta.SourceApplicationEntityTitle = planter.secret(sender, "file meta", "number")
    hidden = planter.secret(names.family(), "preamble").encode()
    ds.preamble = hidden.ljust(128, b"\0")
    if packed and not native:
        _compress(ds, planter, syntax)
    elif "PixelData" in ds and ds.BitsAllocated > 1:
        after = planter.secret(names.family(), "after the pixels").encode()
        ds.PixelData += after + b"\0" * (len(after) % 2)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def _compress(ds: Dataset, planter: Planter, syntax: str) -> None:
    """Compress without loss; add what the planter wants said in comments and after the image."""
    ds.compress(syntax, generate_instance_uid=False)
    count = int(ds.get("NumberOfFrames", 1))
    said = planter.aside.encode()
    frames = []
    for frame in generate_frames(ds.PixelData, number_of_frames=count):
        whole = frame
        if said and syntax == JPEG2000:
            segment = _COMMENT + (len(said) + 4).to_bytes(2, "big") + b"\0\1" + said
            at = frame.index(_TILE)
            whole = frame[:at] + segment + frame[at:]
        elif said:
            whole = frame + said
        frames.append(whole + b"\0" * (len(whole) % 2))
    ds.PixelData = b"".join(map(_item, [b"", *frames])) + b"\xfe\xff\xdd\xe0\0\0\0\0"
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def _item(value: bytes) -> bytes:
    return b"\xfe\xff\x00\xe0" + len(value).to_bytes(4, "little") + value
