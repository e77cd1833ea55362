"""PET facts of one frame read from its header (PS3.3 C.8.9, C.8.22); no rule is applied here."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

from harmonise.suv.facts import Dose, Pet
from harmonise.suv.moment import Moment, date_and_time, date_time
from harmonise.vendor.groups import macro
from harmonise.vendor.private import numbers, text

__all__ = ["pet_facts"]

_UCUM_UNITS = {
    "Bq/ml": ("BQML", ""),
    "kBq/ml": ("BQML", ""),  # the map's own factor has made them Bq/ml
    "{counts}": ("CNTS", ""),
    "g/ml{SUVbw}": ("GML", "BW"),
    "{SUVbw}g/ml": ("GML", "BW"),
    "g/ml{SUVlbm}": ("GML", "LBM"),
    "g/ml{SUVlbm(James128)}": ("GML", "LBMJAMES128"),
    "g/ml{SUVlbm(Janma)}": ("GML", "LBMJANMA"),
    "g/ml{SUVibw}": ("GML", "IBW"),
    "cm2/ml{SUVbsa}": ("CM2ML", "BSA"),
}
"""Units of a real world value map (CID 84, 85) as Units and SUVType of a classic object."""


def pet_facts(ds: Dataset, index: int, *, enhanced: bool) -> Pet | None:
    """Return the facts of frame ``index``; None of another modality."""
    if str(ds.get("Modality") or "") != "PT":
        return None
    zone = _text(ds, "TimezoneOffsetFromUTC")
    common: dict[str, Any] = {
        "manufacturer": _text(ds, "Manufacturer"),
        "weight": _number(ds, "PatientWeight"),
        "size": _number(ds, "PatientSize"),
        "sex": _text(ds, "PatientSex"),
        "doses": tuple(
            _dose(item, zone) for item in ds.get("RadiopharmaceuticalInformationSequence") or []
        ),
        "series": date_and_time(_text(ds, "SeriesDate"), _text(ds, "SeriesTime")),
    }
    return Pet(**common, **(_enhanced(ds, index) if enhanced else _classic(ds)))


def _classic(ds: Dataset) -> dict[str, Any]:
    return {
        "units": _text(ds, "Units"),
        "suv_type": _text(ds, "SUVType"),
        "decay_correction": _text(ds, "DecayCorrection"),
        "corrected": _listed(ds.get("CorrectedImage")),
        "acquired": _acquired(ds),
        "offset_s": _seconds(_number(ds, "FrameReferenceTime")),
        "duration_s": _seconds(_number(ds, "ActualFrameDuration")),
    }


def _acquired(ds: Dataset) -> Moment | None:
    moment = date_and_time(_text(ds, "AcquisitionDate"), _text(ds, "AcquisitionTime"))
    return moment or date_time(_text(ds, "AcquisitionDateTime"), _text(ds, "TimezoneOffsetFromUTC"))


def _enhanced(ds: Dataset, index: int) -> dict[str, Any]:
    zone = _text(ds, "TimezoneOffsetFromUTC")
    content = macro(ds, index, "FrameContentSequence")
    said = (_text(ds, "Units"), _text(ds, "SUVType"))
    units, suv_type = _UCUM_UNITS.get(_unit(ds, index), said)
    return {
        "units": units,
        "suv_type": suv_type,
        "decay_correction": _text(ds, "DecayCorrected"),
        "corrected": _corrections(ds),
        "acquired": date_time(_text(content, "FrameAcquisitionDateTime"), zone),
        "duration_s": _seconds(_number(content, "FrameAcquisitionDuration")),
        "corrected_to": date_time(_text(ds, "DecayCorrectionDateTime"), zone),
        "reference": date_time(_text(content, "FrameReferenceDateTime"), zone),
    }


def _unit(ds: Dataset, index: int) -> str:
    mapping = macro(ds, index, "RealWorldValueMappingSequence")
    codes = mapping.get("MeasurementUnitsCodeSequence") or []
    return (_text(codes[0], "CodeValue") or _text(codes[0], "LongCodeValue")) if codes else ""


def _corrections(ds: Dataset) -> tuple[str, ...]:
    """Return the corrections of an enhanced object as (0028,0051) would name them."""
    names = {"AttenuationCorrected": "ATTN", "ScatterCorrected": "SCAT", "DecayCorrected": "DECY"}
    said = {keyword: _text(ds, keyword) for keyword in names}
    if not any(said.values()):
        return ()
    found = tuple(short for keyword, short in names.items() if said[keyword] == "YES")
    return found or ("NONE",)


def _dose(item: Dataset, zone: str) -> Dose:
    names = [_text(item, "Radiopharmaceutical")]
    for keyword in ("RadionuclideCodeSequence", "RadiopharmaceuticalCodeSequence"):
        for code in item.get(keyword) or []:
            names += [_text(code, "CodeValue"), _text(code, "CodeMeaning")]
    return Dose(
        amount=_number(item, "RadionuclideTotalDose"),
        half_life_s=_number(item, "RadionuclideHalfLife"),
        started=date_time(_text(item, "RadiopharmaceuticalStartDateTime"), zone),
        start_time=date_and_time("", _text(item, "RadiopharmaceuticalStartTime")),
        nuclide=tuple(name.lower() for name in names if name),
    )


def _text(ds: Dataset, keyword: str) -> str:
    value = ds.get(keyword)
    return "" if value is None else text(value)


def _number(ds: Dataset, keyword: str) -> float | None:
    found = numbers(ds.get(keyword), "DS")
    return found[0] if found else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000.0


def _listed(value: Any) -> tuple[str, ...]:
    if not value:
        return ()
    parts = [value] if isinstance(value, str) else value
    return tuple(str(part).strip().upper() for part in parts)
