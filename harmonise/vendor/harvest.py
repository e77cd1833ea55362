"""Vendor harvest: what each vendor said, where it was found, what is believed and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.dataset import Dataset

from harmonise.classify import DIFFUSION, MAPS, role_of
from harmonise.series import Finding, Passport
from harmonise.vendor.contrast import contrast_finding
from harmonise.vendor.fields import frame_findings
from harmonise.vendor.frames import layout_of
from harmonise.vendor.groups import frame_count, macro
from harmonise.vendor.headers import FOREIGN, PlainView, quiet
from harmonise.vendor.kernel import kernel_finding
from harmonise.vendor.mosaic import tiles_of
from harmonise.vendor.passport import passport_from_json, passport_to_json, remap
from harmonise.vendor.private import numbers

__all__ = [
    "harvest",
    "harvest_instance",
    "merge",
    "passport_from_json",
    "passport_to_json",
    "public_attributes",
    "remap",
]

B_EXPECTED_ABOVE = 10.0
"""s/mm2: a series with a b above this is a diffusion series, whatever its name."""

_DIFFUSION_FIELDS = ("b_value", "gradient", "gradient_unconfirmed", "scan_gradient")

Harvested = tuple[dict[str, Any], tuple[Finding, ...]]


def harvest(datasets: Sequence[Dataset]) -> Passport:
    """Return the passport of one series, made on identified headers; it holds no identity.

    An object whose header cannot be read gets an empty row, and one without a SOPInstanceUID none:
    what they lack is refused where it is needed, not here.

    Parameters
    ----------
    datasets : sequence of Dataset
        Headers of one series, at least one, in any order.
    """
    with quiet():
        named = {str(ds.get("SOPInstanceUID") or ""): ds for ds in datasets}
        first = named[min(named)]
        return merge(
            {uid: _harvested(named[uid]) for uid in sorted(named) if uid},
            series_uid=str(first.get("SeriesInstanceUID") or ""),
            vendor=str(first.get("Manufacturer") or ""),
            model=str(first.get("ManufacturerModelName") or ""),
        )


def _harvested(ds: Dataset) -> Harvested:
    try:
        return harvest_instance(ds)
    except FOREIGN:
        return {}, ()


def harvest_instance(ds: Dataset) -> Harvested:
    """Return one object's vendor values, and where each was found.

    The values are plain JSON: ``{"b_value": 400.0, ...}``; of an object with functional groups
    ``{"frames": [{...}, ...]}``. Maps over b-values (ADC, FA) get no b-value of their own: Siemens
    writes there the largest one that went in.
    """
    with quiet():
        header = PlainView(ds)
        role = role_of(header, orientation=_orientation(ds))
        is_enhanced = layout_of(ds) == "enhanced"
        count = frame_count(ds) if is_enhanced else 1
        per_frame = [frame_findings(ds, index) for index in range(count)]
        named = (*kernel_finding(header), *contrast_finding(header))
        tiles = tiles_of(ds)
    values = [_believed(found, without_b=role.name in MAPS) for found in per_frame]
    findings = [finding for found in per_frame for finding in found]
    findings.append(Finding("role", role.name, "(0008,0008), (0008,103E)", role.why))
    findings.extend(named)
    if tiles is not None:
        values[0]["tiles"] = tiles[0]
        findings.append(tiles[1])
    row = {"frames": values} if is_enhanced else values[0]
    return row, tuple(findings)


def _orientation(ds: Dataset) -> tuple[float, ...] | None:
    """Return the direction cosines of the first frame (PS3.3 C.7.6.2, C.7.6.16.2.4)."""
    plane = macro(ds, 0, "PlaneOrientationSequence") or ds
    found = numbers(plane.get("ImageOrientationPatient"), "DS")
    return found if len(found) == 6 else None


def _believed(found: Sequence[Finding], *, without_b: bool) -> dict[str, Any]:
    """Return the first finding of each field: they come public before private."""
    values: dict[str, Any] = {}
    for finding in found:
        if not (without_b and finding.field in _DIFFUSION_FIELDS):
            values.setdefault(finding.field, finding.value)
    return values


def merge(rows: Mapping[str, Harvested], *, series_uid: str, vendor: str, model: str) -> Passport:
    """Return one passport from what was harvested of each object, by SOPInstanceUID.

    b-values stay only in a series that is diffusion by name or by a b above 10 s/mm2: GE and
    Philips write b = 0 into every image they make.
    """
    seen: dict[tuple[str, str, str], set[Any]] = {}
    for _, findings in rows.values():
        for finding in findings:
            value = tuple(finding.value) if isinstance(finding.value, list) else finding.value
            seen.setdefault((finding.field, finding.where, finding.why), set()).add(value)
    diffusion = any(_says_diffusion(field, values) for (field, _, _), values in seen.items())
    return Passport(
        series_uid=series_uid,
        vendor=vendor,
        model=model,
        findings=tuple(_finding(key, values) for key, values in sorted(seen.items())),
        per_instance={uid: _kept(rows[uid][0], diffusion=diffusion) for uid in sorted(rows)},
    )


def _says_diffusion(field: str, values: set[Any]) -> bool:
    if field == "role":
        return bool(values & set(DIFFUSION))
    return field == "b_value" and any(value > B_EXPECTED_ABOVE for value in values)


def _finding(key: tuple[str, str, str], values: set[Any]) -> Finding:
    """Return one finding of a series; values that differ by object become a sorted list."""
    field, where, why = key
    plain = [list(value) if isinstance(value, tuple) else value for value in sorted(values)]
    return Finding(field, plain[0] if len(plain) == 1 else plain, where, why)


def _kept(values: dict[str, Any], *, diffusion: bool) -> dict[str, Any]:
    if "frames" in values:
        return {"frames": [_kept(row, diffusion=diffusion) for row in values["frames"]]}
    return {k: v for k, v in values.items() if diffusion or k not in _DIFFUSION_FIELDS}


def public_attributes(passport: Passport, sop_uid: str) -> dict[str, Any]:
    """Return what may be written into public attributes of an object before private ones go.

    Keys are DICOM keywords: ``DiffusionBValue`` (0018,9087) and ``DiffusionGradientOrientation``
    (0018,9089) for classic MR whose vendor kept them private. Multi-frame objects name theirs in
    their functional groups (PS3.3 C.8.13.5.9), so nothing is written.
    """
    values = passport.per_instance.get(sop_uid, {})
    found: dict[str, Any] = {}
    if isinstance(values.get("b_value"), (int, float)):
        found["DiffusionBValue"] = float(values["b_value"])
    gradient = values.get("gradient")
    if found and isinstance(gradient, list) and len(gradient) == 3:
        found["DiffusionGradientOrientation"] = [float(part) for part in gradient]
    return found
