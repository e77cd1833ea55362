"""What a derived PET object says of SUV: Units, SUVType, decay, and SUL as a second map."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as DicomSequence

from harmonise.encode.modules import unit_map
from harmonise.encode.quantise import Quantised
from harmonise.vendor.suv import SUV_BW
from harmonise.volume import Volume

__all__ = ["SUL", "unit_maps", "write_suv"]

SUL = "g/ml{SUVlbm(Janma)}"
"""UCUM code of SUL by Janmahasatian's lean mass (PS3.16 CID 85)."""


def unit_maps(volume: Volume, quantised: Quantised) -> DicomSequence:
    """Return what the stored numbers mean (PS3.3 C.7.6.16.2.11, units of CID 82 in UCUM).

    Where the lean mass of a PET's patient is known, a second map reads the same values as SUL.
    """
    maps = [unit_map(volume.unit, quantised)]
    ratio = volume.meta.get("suv", {}).get("sul_per_suv")
    if volume.unit == SUV_BW and ratio is not None:
        maps.append(unit_map(SUL, quantised, scale=float(ratio)))
    return DicomSequence(maps)


def write_suv(ds: Dataset, volume: Volume) -> None:
    """Write what changed when a PET volume became SUVbw; other volumes are left alone.

    Units GML with SUVType BW (PS3.3 C.8.9.1.1.3). A SUV is the activity at administration over
    the dose at administration, so DecayCorrection is ADMIN.
    """
    if volume.unit != SUV_BW or ds.get("Modality") != "PT":
        return
    ds.Units = "GML"
    ds.SUVType = "BW"
    ds.DecayCorrection = "ADMIN"
    said = ds.get("CorrectedImage") or []
    kinds = [str(kind) for kind in (said if isinstance(said, (list, MultiValue)) else [said])]
    if kinds and "DECY" not in kinds:
        ds.CorrectedImage = [*kinds, "DECY"]
