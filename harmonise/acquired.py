"""One series' row of acquisitions.parquet: coded beside raw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from config.errors import UnknownUnits
from harmonise.acquired_projection import breast_row, ultrasound_row
from harmonise.classify import classify, plane_of
from harmonise.data import table
from harmonise.geometry import judge
from harmonise.series import Passport, Role, Stack
from harmonise.suv.dose import dose_bq
from harmonise.vendor.contrast import contrast_of
from harmonise.vendor.makers import manufacturer_of

__all__ = ["acquired_row", "nominal_field_t"]

GAUSS_ABOVE = 100.0
"""No magnet has so many tesla: the number is in gauss."""

FIELD_TOLERANCE = 0.05
"""Largest part by which the working field of a scanner differs from what it is sold as."""

MGY_PER_DGY = 100.0

Header = Mapping[str, Any]
Row = dict[str, Any]


def acquired_row(stacks: Sequence[Stack], codes: Sequence[str]) -> Row:
    """Return the row of one series from its stacks, headers and passport.

    Parameters
    ----------
    stacks : sequence of Stack
        Every stack of one series, at least one.
    codes : sequence of str
    """
    first = stacks[0]
    roles = [classify(stack) for stack in stacks]
    return {
        "subject": first.subject,
        "study_uid": first.study_uid,
        "series_uid": first.series_uid,
        "modality": first.modality,
        "roles": sorted({role.name for role in roles}),
        **_equipment(first.header),
        **_sequence(first.header, stacks),
        **_diffusion(stacks, roles),
        **_geometry(stacks),
        **_x_ray(first.header, first.passport),
        **breast_row(stacks),
        **ultrasound_row(stacks),
        **_injected(stacks),
        "codes": sorted(set(codes)),
    }


def nominal_field_t(said: float | None) -> float | None:
    """Return the field a scanner is sold with, in tesla; what it says where none is near."""
    if said is None or said <= 0:
        return None
    field_t = said / 1e4 if said > GAUSS_ABOVE else said
    nearest = min(table("acquisition_words")["field_strengths_t"], key=lambda t: abs(t - field_t))
    return float(nearest) if abs(nearest - field_t) <= FIELD_TOLERANCE * nearest else field_t


def _equipment(header: Header) -> Row:
    field = _number(header.get("MagneticFieldStrength"))
    return {
        "manufacturer": manufacturer_of(_text(header.get("Manufacturer"))),
        "manufacturer_raw": _text(header.get("Manufacturer")),
        "model_raw": _text(header.get("ManufacturerModelName")),
        "software_raw": _text(header.get("SoftwareVersions")),
        "field_strength_t": nominal_field_t(field),
        "field_strength_raw": field,
    }


def _sequence(header: Header, stacks: Sequence[Stack]) -> Row:
    is_mr = stacks[0].modality == "MR"
    times = {f.echo_time_ms for stack in stacks for f in stack.frames if f.echo_time_ms is not None}
    planes = {plane_of(stack.frames[0].orientation) for stack in stacks}
    again = Counter(
        (f.b_value, f.gradient, f.echo_time_ms, f.image_type, f.stack_id, f.orientation)
        for f in (stack.frames[0] for stack in stacks)
    )
    said = _number(header.get("NumberOfTemporalPositions"))
    return {
        "sequence_class": _sequence_class(header) if is_mr else None,
        "sequence_raw": _text(header.get("SequenceName") or header.get("PulseSequenceName")),
        "plane": _only(planes),
        "echo_time_ms": sorted(times) or None,
        "repetition_time_ms": _number(header.get("RepetitionTime")),
        "inversion_time_ms": _number(header.get("InversionTime")),
        "flip_angle_deg": _number(header.get("FlipAngle")),
        "echo_train_length": _int(header.get("EchoTrainLength")),
        "temporal_positions": max(*again.values(), int(said or 1)) if is_mr else None,
    }


def _sequence_class(header: Header) -> str | None:
    """Name the sequence by (0018,0020), whose values stand in any order."""
    kinds = header.get("ScanningSequence") or []
    said = {str(kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)}
    names = (("SE", "spin"), ("GR", "gradient"))
    echo = [name for kind, name in names if kind in said]
    parts = ["_".join([*echo, "echo"])] if echo else []
    parts += [name for kind, name in (("EP", "epi"), ("IR", "ir")) if kind in said]
    return "_".join(parts) or None


def _diffusion(stacks: Sequence[Stack], roles: Sequence[Role]) -> Row:
    known = [stack for stack in stacks if stack.b_value is not None]
    vectors = {
        tuple(round(part, 3) for part in stack.frames[0].gradient)
        for stack in known
        if stack.b_value and stack.frames[0].gradient is not None
    }
    passport = stacks[0].passport
    nominal = {
        float(value)
        for row in _instance_rows(passport)
        if isinstance(value := row.get("b_value_nominal"), (int, float))
    }
    told = {
        role.calculated
        for role in roles
        if role.b_value is not None and role.calculated is not None
    }
    names = {frozenset({True}): "calculated", frozenset({False}): "acquired"}
    return {
        "b_value_s_mm2": sorted({float(s.b_value) for s in known if s.b_value is not None}) or None,
        "b_value_nominal_s_mm2": sorted(nominal) if known and nominal else None,
        "b_value_where": _where(passport, "b_value") if known else None,
        "b_value_calculated": names.get(frozenset(told), "mixed") if told else None,
        "diffusion_directions": len(vectors) if known else None,
    }


def _instance_rows(passport: Passport | None) -> Iterable[Row]:
    for row in passport.per_instance.values() if passport else ():
        yield from row.get("frames") or [row]


def _where(passport: Passport | None, field: str) -> str | None:
    found = [f for f in (passport.findings if passport else ()) if f.field == field]
    believed = [f.where for f in found if not f.why.startswith("not believed")]
    return believed[0] if believed else None


def _geometry(stacks: Sequence[Stack]) -> Row:
    first = stacks[0].frames[0]
    verdicts = [judge(stack) for stack in stacks]
    spacings = {
        round(g.grid.spacing_mm[0], 4)
        for g in verdicts
        if g.grid is not None and g.grid.spacing_mm[0] is not None and g.correction is None
    }
    return {
        "rows": first.rows,
        "columns": first.columns,
        "images": sum(len(stack.frames) for stack in stacks),
        "pixel_spacing_mm": list(first.pixel_spacing_mm) if first.pixel_spacing_mm else None,
        "slice_thickness_mm": _number(stacks[0].header.get("SliceThickness")),
        "slice_spacing_mm": _only(spacings),
        "geometry": _only({g.verdict for g in verdicts}),
    }


def _x_ray(header: Header, passport: Passport | None) -> Row:
    organ = _number(header.get("OrganDose"))
    kept = [f.value for f in (passport.findings if passport else ()) if f.field == "contrast"]
    classes = [
        f.value for f in (passport.findings if passport else ()) if f.field == "kernel_class"
    ]
    agent = _text(header.get("ContrastBolusAgent"))
    return {
        "kernel_class": _only({c for c in classes if isinstance(c, str)}),
        "kernel_raw": _text(header.get("ConvolutionKernel")),
        "contrast": _only({c for c in kept if isinstance(c, str)}) or contrast_of(agent),
        "contrast_raw": agent,
        "kvp": _number(header.get("KVP")),
        "tube_current_ma": _number(header.get("XRayTubeCurrent")),
        "exposure_mas": _number(header.get("Exposure")),
        "ctdi_vol_mgy": _number(header.get("CTDIvol")),
        "organ_dose_mgy": organ * MGY_PER_DGY if organ is not None else None,
    }


def _injected(stacks: Sequence[Stack]) -> Row:
    """Return the one dose of a PET series, in the unit that its SUV was computed with."""
    doses = {dose for stack in stacks for f in stack.frames if f.pet for dose in f.pet.doses}
    dose = doses.pop() if len(doses) == 1 else None
    megabecquerel = None
    if dose is not None:
        with suppress(UnknownUnits):  # its code is in `codes`
            megabecquerel = dose_bq(dose)[0] / 1e6
    return {
        "injected_dose_mbq": megabecquerel,
        "injected_dose_raw": dose.amount if dose is not None else None,
    }


def _only(values: Iterable[Any]) -> Any:
    """Return the one value of a set; None where there are none or several."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else None


def _int(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and np.isfinite(value) else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    parts = value if isinstance(value, (list, tuple)) else [value]
    return "\\".join(str(part) for part in parts if part is not None) or None
