"""The manifest: one row a volume and one a declined series, as parquet with fixed bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from config.files import write_whole
from harmonise.qc import Verdict

__all__ = ["SCHEMA", "ManifestRow", "write_manifest"]

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


@dataclass(frozen=True)
class ManifestRow:
    """One output volume, or one series that none was made of (``volume_id`` is None).

    Parameters
    ----------
    subject, study_uid : str
    volume_id : str or None
    source_series_uids : tuple of str
    role : str or None
    b_value : float or None
        In s/mm2.
    verdict : {"PASS", "REVIEW", "REJECT"}
    codes : tuple of str
    unit : str or None
        UCUM code.
    nifti_path, dicom_path : str or None
        File and folder, relative to the manifest's folder, with forward slashes.
    rows, columns, slices : int or None
    spacing_mm : tuple of (float or None), or None
        Slice, row, column.
    vendor, model : str or None
    field_strength_t : float or None
    recipe, recipe_hash : str
    model_hash : str or None
    """

    subject: str
    study_uid: str
    volume_id: str | None
    source_series_uids: tuple[str, ...]
    role: str | None
    b_value: float | None
    verdict: Verdict
    codes: tuple[str, ...]
    unit: str | None
    nifti_path: str | None
    dicom_path: str | None
    rows: int | None
    columns: int | None
    slices: int | None
    spacing_mm: tuple[float | None, float | None, float | None] | None
    vendor: str | None
    model: str | None
    field_strength_t: float | None
    recipe: str
    recipe_hash: str
    model_hash: str | None

    @property
    def sort_key(self) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...], str, float]:
        """Order of rows in a manifest: volumes of a study first, then what was declined."""
        b_value = -1.0 if self.b_value is None else self.b_value
        return (
            self.subject,
            self.study_uid,
            self.volume_id or "\uffff",
            self.source_series_uids,
            self.codes,
            self.role or "",
            b_value,
        )


def write_manifest(rows: Iterable[ManifestRow], path: Path) -> Path:
    """Write rows, sorted, as parquet; equal rows in any order give equal bytes."""
    ordered = sorted(rows, key=lambda row: row.sort_key)
    table = pa.Table.from_pylist([_plain(row) for row in ordered], schema=SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd", version="2.6", write_statistics=True)
    return write_whole(path, buffer.getvalue())


def _plain(row: ManifestRow) -> dict[str, object]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }
