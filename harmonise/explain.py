"""Explain a file: the steps that made it, read from a derived object or its side file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from config.errors import UnreadableObject
from harmonise.encode.files import region_of_file
from harmonise.encode.private import read_provenance
from harmonise.provenance import FORMAT
from harmonise.vendor.headers import read_header

__all__ = ["provenance_of_file", "render"]

DICOM_MAGIC = b"DICM"
"""At byte 128 of every Part 10 file (PS3.10 7.1)."""

LONGEST_TEXT = 200


def provenance_of_file(path: Path) -> dict[str, Any]:
    """Return the provenance of a derived DICOM file, a side JSON, or the NIfTI beside one.

    Raises
    ------
    UnreadableObject
        ``PROVENANCE_MISSING`` when the file does not say how it was made.
    """
    if path.name.endswith(".nii.gz"):
        stem = path.name.removesuffix(".nii.gz")
        region = region_of_file(path)
        stem = stem.removesuffix(f".{region}") if region else stem
        path = path.with_name(f"{stem}.json")
    try:
        with path.open("rb") as stream:
            is_dicom = stream.read(132)[128:] == DICOM_MAGIC
        if is_dicom:
            return read_provenance(read_header(path))
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableObject("PROVENANCE_MISSING", type(error).__name__) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise UnreadableObject("PROVENANCE_MISSING", "no provenance of this program")
    return record


def render(provenance: dict[str, Any]) -> str:
    """Return a provenance as plain text: what, from what, by which steps, with which versions."""
    role, recipe, geometry = (provenance[part] for part in ("role", "recipe", "geometry"))
    b_value = "" if role["b_value"] is None else f", b {role['b_value']:g} s/mm2"
    lines = [
        f"volume    {provenance['volume_id']}",
        f"role      {role['name']}{b_value} ({role['why']})",
        f"recipe    {recipe['name']} {recipe['hash']}",
        f"model     {recipe['model_hash'] or 'none fitted'}",
        f"geometry  {geometry['verdict']}, largest error {geometry['largest_error_mm']:.4f} mm",
        *([f"corrected {geometry['detail']}"] if geometry.get("correction") else []),
        *(f"choice    {line}" for line in provenance["choice"]),
        "versions  " + ", ".join(f"{k} {v}" for k, v in sorted(provenance["versions"].items())),
    ]
    lines += [
        f"vendor    {row['field']} {_compact(row['value'])} at {row['where']} {row['why']}"
        for row in provenance["vendor_fields"]
    ]
    lines += [
        f"values    {name} {_compact(said)}"
        for name, said in sorted(provenance.get("real_values", {}).items())
    ]
    lines += [
        f"input     {row['sop_uid']} frame {row['frame']} sha256 {row['sha256']}"
        for row in provenance["inputs"]
    ]
    for number, step in enumerate(provenance["steps"], start=1):
        lines += [
            f"step {number}    {step['step']} version {step['version']} ({step['kind']})",
            f"  params  {_compact(step['params'])}",
            f"  decided {_compact(step['decided'])}",
            f"  input   sha256 {step['input_sha256']}",
            f"  output  sha256 {step['output_sha256']}",
        ]
    lines += [f"quality   {name} {_compact(v)}" for name, v in sorted(provenance["qc"].items())]
    output = provenance["output"]
    lines += [
        f"output    {output['unit']} sha256 {output['sha256']}",
        f"codes     {', '.join(provenance['codes']) or 'none'}",
    ]
    return "\n".join(lines) + "\n"


def _compact(value: Any) -> str:
    """Return JSON on one line; a long table is named by its length, it is whole in the record."""
    if isinstance(value, dict):
        value = {key: _shortened(part) for key, part in value.items()}
    return json.dumps(_shortened(value), sort_keys=True, ensure_ascii=False)


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return f"({len(value)} characters)"
    return value
