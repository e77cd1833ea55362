"""The manifest: the agreed columns, null where unknown, equal bytes for equal rows."""

from __future__ import annotations

import re
from dataclasses import fields, replace

import pyarrow.parquet as pq
import pytest

from harmonise.manifest import ManifestRow
from harmonise.parquet import write_manifest

COLUMNS = re.split(
    r",\s*",
    "subject, study_uid, volume_id, source_series_uids, role, b_value, verdict, codes, unit, "
    "nifti_path, dicom_path, rows, columns, slices, spacing_mm, vendor, model, field_strength_t, "
    "recipe, recipe_hash, model_hash",
)
"""As the design lists them."""

MADE = ManifestRow(
    subject="S-1",
    study_uid="1.2",
    volume_id="dwi_b800-0a1b2c3d",
    source_series_uids=("1.2.3",),
    role="dwi",
    b_value=800.0,
    verdict="REVIEW",
    codes=("MR_FOV_NOT_COVERED",),
    unit="1",
    nifti_path="S-1/1.2/dwi_b800-0a1b2c3d.nii.gz",
    dicom_path="S-1/1.2/dwi_b800-0a1b2c3d",
    rows=256,
    columns=256,
    slices=20,
    spacing_mm=(3.0, 0.5, 0.5),
    vendor="SIEMENS",
    model="Skyra",
    field_strength_t=3.0,
    recipe="prostate-mpmri",
    recipe_hash="00",
    model_hash=None,
)
DECLINED = replace(
    MADE,
    volume_id=None,
    verdict="REJECT",
    codes=("MR_MISSING_SLICE",),
    unit=None,
    nifti_path=None,
    dicom_path=None,
    rows=None,
    columns=None,
    slices=None,
    spacing_mm=None,
)


@pytest.fixture
def table(tmp_path):
    return pq.read_table(write_manifest([DECLINED, MADE], tmp_path / "manifest.parquet"))


def test_the_columns_are_those_of_the_design(table):
    assert table.column_names == COLUMNS
    assert [field.name for field in fields(ManifestRow)] == COLUMNS


def test_a_row_reads_back_with_lists_as_lists(table):
    row = table.to_pylist()[0]

    assert row["volume_id"] == "dwi_b800-0a1b2c3d"
    assert row["spacing_mm"] == [3.0, 0.5, 0.5]
    assert row["source_series_uids"] == ["1.2.3"]
    assert row["codes"] == ["MR_FOV_NOT_COVERED"]
    assert row["model_hash"] is None


def test_a_declined_series_is_a_row_without_a_volume(table):
    row = table.to_pylist()[1]

    assert (row["volume_id"], row["spacing_mm"], row["rows"]) == (None, None, None)
    assert row["codes"] == ["MR_MISSING_SLICE"]


def test_an_unknown_spacing_is_null_within_the_list(tmp_path):
    planar = replace(MADE, spacing_mm=(None, 0.1, 0.1))

    table = pq.read_table(write_manifest([planar], tmp_path / "m.parquet"))

    assert table.to_pylist()[0]["spacing_mm"] == [None, 0.1, 0.1]


def test_the_order_of_rows_does_not_change_the_bytes(tmp_path):
    one = write_manifest([MADE, DECLINED], tmp_path / "a.parquet").read_bytes()
    other = write_manifest([DECLINED, MADE], tmp_path / "b.parquet").read_bytes()

    assert one == other


def test_a_manifest_without_rows_still_has_its_columns(tmp_path):
    table = pq.read_table(write_manifest([], tmp_path / "m.parquet"))

    assert (table.num_rows, table.column_names) == (0, COLUMNS)
