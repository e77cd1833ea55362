"""What a series is, by coded rules over its header; the rules are data, in ``classify.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harmonise.data import table
from harmonise.series import Frame, Passport, Role, Stack
from harmonise.views import modifiers_of, view_of

__all__ = ["DIFFUSION", "INTENTS", "MAPS", "NAMED_APART", "classify", "plane_of", "role_of"]

MAPS = ("adc", "fa")
"""Roles computed over several b-values: they have none of their own."""

INTENTS = (
    "mg_additional",
    "mg_implant_displaced",
    "mg_magnification",
    "mg_presentation",
    "mg_processing",
    "mg_specimen",
    "mg_synthetic",
    "mg_tomosynthesis",
)
"""What a mammogram was made for: kinds that are never mixed in one cohort."""

NAMED_APART = {"us_spectral": "US_SPECTRAL", "us_mmode": "US_MMODE", "us_other": "US_REPORT_PAGE"}
"""Role that is no picture of tissue -> the code that says so."""

DIFFUSION = ("dwi", "dwi_calc")
"""Roles whose images must have a b-value (PS3.3 C.8.13.5.9)."""


def classify(stack: Stack) -> Role:
    """Return what a stack is.

    The header decides. Where a policy took its description away, the role that was read on the
    identified header, kept in the passport, is believed instead.
    """
    role = role_of(
        stack.header,
        orientation=stack.frames[0].orientation,
        b_value=stack.b_value,
        image_type=stack.frames[0].image_type,
        region=_kind(stack.frames[0]),
    )
    if stack.modality in {"MG", "MR"} and stack.header.get("SeriesDescription") is None:
        role = _kept_role(stack.passport, stack.modality) or role
    if role.name == "dce":
        first = stack.frames[0]
        phase = first.temporal_position or first.acquisition_number
        return Role(role.name, None, None, role.why, phase)
    if role.name in INTENTS:
        return Role(role.name, why=role.why, view=view_of(stack.header).view)
    if role.name not in DIFFUSION:
        return Role(role.name, None, None, role.why)
    return Role(role.name, stack.b_value, role.calculated, role.why)


def _kind(frame: Frame) -> str:
    return frame.region.kind if frame.region else ""


def _kept_role(passport: Passport | None, modality: str) -> Role | None:
    """Return the one role all objects of the series had; None where they differed."""
    kept = [f for f in (passport.findings if passport else ()) if f.field == "role"]
    if len(kept) != 1 or not isinstance(kept[0].value, str) or kept[0].value == "other":
        return None
    if (kept[0].value in INTENTS) != (modality == "MG"):
        return None
    calculated = {"dwi_calc": True}.get(kept[0].value)
    return Role(kept[0].value, None, calculated, f"passport: {kept[0].why}")


def role_of(
    header: Mapping[str, Any],
    *,
    orientation: Sequence[float] | None = None,
    b_value: float | None = None,
    image_type: Sequence[str] | None = None,
    region: str = "",
) -> Role:
    """Return the role a header gives, without its b-value.

    Parameters
    ----------
    header : mapping
        Plain values by keyword, with ``SOPClassUID`` and ``Modality``.
    orientation : six floats or None
        ImageOrientationPatient, for the plane of T2W.
    b_value : float or None
        The largest b-value any frame names, s/mm2.
    image_type : sequence of str or None
        The frame's own type; the header's where None.
    region : str
        Kind of ultrasound region the frame is cut from.
    """
    facts = _facts(header, b_value, image_type) | {"region": region}
    for rule in table("classify"):
        if _holds(rule, facts):
            name = str(rule["role"]).format(plane=plane_of(orientation) or "ax")
            return Role(name, None, _calculated(name, facts), str(rule["why"]))
    return Role("other", None, None, "no rule holds")


def _facts(
    header: Mapping[str, Any], b_value: float | None, image_type: Sequence[str] | None
) -> dict[str, Any]:
    described = header.get("SeriesDescription") or header.get("ProtocolName") or ""
    kinds = image_type or _listed(header.get("ImageType"))
    return {
        "modality": header.get("Modality"),
        "sop_class": header.get("SOPClassUID"),
        "image_type": {str(kind).upper() for kind in kinds},
        "text": " ".join(re.findall(r"[a-z0-9]+", str(described).lower())),
        "sequence": str(header.get("SequenceName") or "").strip().lower(),
        "scanning": set(_listed(header.get("ScanningSequence"))),
        "te_ms": header.get("EchoTime"),
        "tr_ms": header.get("RepetitionTime"),
        "ti_ms": header.get("InversionTime"),
        "options": set(_listed(header.get("ScanOptions"))),
        "corrected": {str(kind).upper() for kind in _listed(header.get("CorrectedImage"))},
        "volumes": header.get("NumberOfTemporalPositions") or 1,
        "b_above": b_value,
        **_breast_facts(header),
    }


def _breast_facts(header: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells mammograms apart."""
    if header.get("Modality") != "MG":
        return {"view": "", "modifier": set(), "magnified_above": None}
    return {
        "view": view_of(header).view,
        "modifier": modifiers_of(header),
        "magnified_above": header.get("EstimatedRadiographicMagnificationFactor"),
    }


def _holds(rule: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    for key in rule.keys() - {"role", "why"}:
        wanted = rule[key]
        if key in {"modality", "sop_class", "region", "view"}:
            held = facts[key] in wanted
        elif key in {"image_type", "modifier", "options", "scanning"}:
            held = bool(facts[key] & set(wanted))
        elif key.startswith("not_") and key != "not_text":
            held = not facts[key.removeprefix("not_")] & set(wanted)
        elif key in {"text", "sequence"}:
            held = re.search(wanted, facts[key]) is not None
        elif key == "corrected_lacks":
            held = bool(facts["corrected"]) and not facts["corrected"] & set(wanted)
        elif key == "not_text":
            held = re.search(wanted, facts["text"]) is None
        elif key.endswith("_above"):
            held = facts[key] is not None and facts[key] > wanted
        elif key == "volumes":
            held = facts["volumes"] >= wanted
        else:
            held = facts[key] is not None and wanted[0] <= facts[key] <= wanted[1]
        if not held:
            return False
    return True


def _calculated(name: str, facts: Mapping[str, Any]) -> bool | None:
    """Tell acquired from computed where the header says; the pixels are asked elsewhere."""
    if name == "dwi_calc":
        return True
    if name != "dwi":
        return None
    if "ORIGINAL" in facts["image_type"] or re.search(r"_b\d+(t|#\d+)?$", facts["sequence"]):
        return False
    return None


def plane_of(orientation: Sequence[float] | None) -> str | None:
    """Return ``ax``, ``sag`` or ``cor`` by the largest part of the normal."""
    if orientation is None:
        return None
    normal = np.abs(np.cross(orientation[:3], orientation[3:]))
    return ("sag", "cor", "ax")[int(np.argmax(normal))]


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(part) for part in value] if isinstance(value, (list, tuple)) else [str(value)]
