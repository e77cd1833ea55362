"""What an image shows, as far as reading its text is concerned."""

from __future__ import annotations

from pydicom.dataset import Dataset

from deid.burned_in import said
from deid.text.line import Kind

__all__ = ["kind_of"]

_KINDS: dict[str, Kind] = {
    "MG": "mammogram",
    "US": "ultrasound",
    "IVUS": "ultrasound",
    "CR": "radiograph",
    "DX": "radiograph",
    "IO": "radiograph",
    "PX": "radiograph",
    "XA": "radiograph",
    "RF": "radiograph",
}
"""Modality (PS3.3 C.7.3.1.1.1) -> kind."""
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"


def kind_of(ds: Dataset) -> Kind:
    """Return what kind of image ``ds`` is; a capture is one whatever its modality."""
    sop_class = said(ds, "SOPClassUID")
    if sop_class == _CAPTURES or sop_class.startswith(_CAPTURES + "."):
        return "capture"
    return _KINDS.get(said(ds, "Modality").upper(), "other")
