"""The tables of a cohort's volumes and of how they were acquired, as parquet with fixed bytes.

Apart from what makes their rows: the library takes 30 MB, and who makes volumes writes no table.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from config.files import write_whole
from harmonise.acquisitions import Row, row_order
from harmonise.data import table
from harmonise.manifest import ManifestRow

__all__ = ["SCHEMA", "acquisition_schema", "write_acquisitions", "write_manifest"]

SCHEMA = pa.schema(
    [
        pa.field("subject", pa.string()),
        pa.field("study_uid", pa.string()),
        pa.field("volume_id", pa.string()),
        pa.field("source_series_uids", pa.list_(pa.string())),
        pa.field("role", pa.string()),
        pa.field("b_value", pa.float64()),
        pa.field("verdict", pa.string()),
        pa.field("codes", pa.list_(pa.string())),
        pa.field("unit", pa.string()),
        pa.field("nifti_path", pa.string()),
        pa.field("dicom_path", pa.string()),
        pa.field("rows", pa.int32()),
        pa.field("columns", pa.int32()),
        pa.field("slices", pa.int32()),
        pa.field("spacing_mm", pa.list_(pa.float64())),
        pa.field("vendor", pa.string()),
        pa.field("model", pa.string()),
        pa.field("field_strength_t", pa.float64()),
        pa.field("recipe", pa.string()),
        pa.field("recipe_hash", pa.string()),
        pa.field("model_hash", pa.string()),
    ]
)
"""Columns and types, in order."""

TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "int": pa.int32(),
    "strings": pa.list_(pa.string()),
    "doubles": pa.list_(pa.float64()),
}


def acquisition_schema() -> pa.Schema:
    """Return the columns, each with its meaning in the file's own metadata."""
    return pa.schema(
        [
            pa.field(row["name"], TYPES[row["kind"]], metadata={"meaning": row["meaning"]})
            for row in table("acquisition_columns")
        ]
    )


def write_manifest(rows: Iterable[ManifestRow], path: Path) -> Path:
    """Write rows, sorted, as parquet; equal rows in any order give equal bytes."""
    ordered = sorted(rows, key=lambda row: row.sort_key)
    made = pa.Table.from_pylist([_plain(row) for row in ordered], schema=SCHEMA)
    return _write(made, path)


def _plain(row: ManifestRow) -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }


def write_acquisitions(rows: Iterable[Row], path: Path) -> Path:
    """Write rows, sorted, as parquet; equal rows in any order give equal bytes."""
    made = pa.Table.from_pylist(sorted(rows, key=row_order), schema=acquisition_schema())
    return _write(made, path)


def _write(made: pa.Table, path: Path) -> Path:
    buffer = io.BytesIO()
    pq.write_table(made, buffer, compression="zstd", version="2.6", write_statistics=True)
    return write_whole(path, buffer.getvalue())
