"""The digital reference objects of the IBSI SUV manual (oncoray/suv_computation, CC BY 4.0)."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cli import app

pytestmark = pytest.mark.realdata

OBJECTS = ("DRO_0_0", "DRO_2_1", "DRO_2_5", "DRO_3_1", "DRO_3_4")


@pytest.mark.parametrize("name", OBJECTS)
def test_a_reference_object_gives_its_three_values_through_the_command(name, realdata, tmp_path):
    source = realdata / "PT" / "suv-dro" / name
    words = ["harmonise", str(source / "PT"), str(tmp_path), "--recipe", "native", "--jobs", "1"]

    done = CliRunner().invoke(app, words)

    assert done.exit_code == 0, done.output
    (row,) = pq.read_table(tmp_path / "manifest.parquet").to_pylist()
    assert (row["role"], row["unit"]) == ("pt", "g/ml{SUVbw}")
    assert row["verdict"] in {"PASS", "REVIEW"}
    image = nib.load(tmp_path / row["nifti_path"])
    mask = nib.load(source / "mask" / "DRO_mask.nii.gz")
    assert image.affine == pytest.approx(mask.affine, abs=1e-4)
    inside = np.asarray(image.dataobj)[np.asarray(mask.dataobj) > 0]
    found = [inside.min(), np.median(inside), inside.max()]
    assert found == pytest.approx([0.20, 1.00, 4.00], abs=0.005)
