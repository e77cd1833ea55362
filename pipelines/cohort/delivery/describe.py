"""A release described for machines: Croissant 1.0 (MLCommons) and RO-Crate 1.1.

Both say what the tables hold and which file has which SHA-256; neither says more than the release's
README does. Images are described as sets of files, so a description stays small whatever the
cohort's size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from config.files import sha256_file
from config.project import Project

__all__ = ["CRATE", "CROISSANT", "write_crate", "write_croissant"]

CROISSANT, CRATE = "croissant.json", "ro-crate-metadata.json"

_CR = "http://mlcommons.org/croissant/"
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": _CR,
    "dct": "http://purl.org/dc/terms/",
    "rai": f"{_CR}RAI/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        term: f"cr:{term}"
        for term in (
            "citeAs", "column", "equivalentProperty", "extract", "field", "fileObject",
            "fileProperty", "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key",
            "md5", "parentField", "path", "recordSet", "references", "regex", "repeated",
            "replace", "samplingRate", "separator", "source", "subField", "transform",
        )
    },
}  # fmt: skip
"""The context that the Croissant 1.0 specification gives."""

_SETS = {
    "nifti": ("NIfTI volumes", "application/octet-stream", "data/**/*.nii.gz"),
    "dicom": ("derived DICOM objects", "application/dicom", "data/**/*.dcm"),
    "provenance": ("provenance of each volume", "application/json", "data/**/*.json"),
}


def write_croissant(folder: Path, project: Project, version: int, released: date) -> None:
    """Write ``croissant.json`` over the release's tables and files."""
    tables = sorted(folder.glob("*.parquet"))
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": f"{_CR}1.0",
        "name": f"{project.name}-v{version}",
        "description": project.title or project.name,
        "version": f"{version}.0.0",
        "datePublished": released.isoformat(),
        "license": "see README.md: access ends and copies are deleted as the request says",
        "url": ".",
        "distribution": [*map(_file_object, tables), *_file_sets(folder)],
        "recordSet": [_record_set(path) for path in tables],
    }
    _write(folder / CROISSANT, described)


def write_crate(folder: Path, project: Project, version: int, released: date) -> None:
    """Write ``ro-crate-metadata.json`` over the release's own files."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name != CRATE)
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{project.title or project.name}, version {version}",
        "description": f"Release {version} of {project.name}; README.md says how it was made.",
        "datePublished": released.isoformat(),
        "license": {"@id": "README.md"},
        "hasPart": [{"@id": path.name} for path in files] + [{"@id": "data/"}],
    }
    described = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    parts = [
        {
            "@id": path.name,
            "@type": "File",
            "name": path.name,
            "contentSize": str(path.stat().st_size),
            "sha256": sha256_file(path),
        }
        for path in files
    ]
    data = {"@id": "data/", "@type": "Dataset", "name": "images and their provenance"}
    graph = [described, root, data, *parts]
    _write(folder / CRATE, {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})


def _file_object(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": "application/x-parquet",
        "contentSize": f"{path.stat().st_size} B",
        "sha256": sha256_file(path),
    }


def _file_sets(folder: Path) -> list[dict[str, Any]]:
    present = {
        name: row for name, row in _SETS.items() if next(folder.glob(row[2]), None) is not None
    }
    return [
        {
            "@type": "cr:FileSet",
            "@id": name,
            "name": name,
            "description": about,
            "encodingFormat": kind,
            "includes": pattern,
        }
        for name, (about, kind, pattern) in present.items()
    ]


def _record_set(path: Path) -> dict[str, Any]:
    stem = path.stem
    return {
        "@type": "cr:RecordSet",
        "@id": stem,
        "name": stem,
        "field": [_field(stem, path.name, one) for one in pq.read_schema(path)],
    }


def _field(stem: str, file: str, column: pa.Field) -> dict[str, Any]:
    kind, repeated = column.type, pa.types.is_list(column.type)
    inner = kind.value_type if repeated else kind
    said: Mapping[bytes, bytes] = column.metadata or {}
    about = next((v.decode() for k, v in said.items() if k in {b"meaning", b"description"}), "")
    row: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{stem}/{column.name}",
        "name": column.name,
        "dataType": _data_type(inner),
        "source": {"fileObject": {"@id": file}, "extract": {"column": column.name}},
    }
    if about:
        row["description"] = about
    if repeated:
        row["repeated"] = True
    return row


def _data_type(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "sc:Integer"
    if pa.types.is_floating(kind):
        return "sc:Float"
    if pa.types.is_boolean(kind):
        return "sc:Boolean"
    return "sc:Date" if pa.types.is_date(kind) else "sc:Text"


def _write(path: Path, described: dict[str, Any]) -> None:
    text = json.dumps(described, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
