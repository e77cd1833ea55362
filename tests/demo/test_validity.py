"""Claims about the objects against the standard, by two independent programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

TOOLS = Path(sys.executable).parent


def test_dciodvfy_finds_no_error_in_any_kind_of_object(tiny_studies) -> None:
    """One object of every series of every hospital, and every fault."""
    found = {}
    headers = tiny_studies.headers()
    for path, _ in headers:
        told = subprocess.run([TOOLS / "dciodvfy", path], capture_output=True, check=False)
        errors = [line for line in told.stderr.splitlines() if b"Error" in line]
        if errors:
            found[str(path)] = errors
    assert not found
    assert {(ds.Manufacturer, ds.Modality) for _, ds in headers} == {
        ("SIEMENS", "MR"),
        ("GE MEDICAL SYSTEMS", "MR"),
        ("Philips Medical Systems", "MR"),
        ("HOLOGIC, Inc.", "MG"),
        ("FUJIFILM Corporation", "MG"),
    }


def convert(folder: Path, out: Path) -> Path:
    command = [TOOLS / "dcm2niix", "-b", "n", "-z", "n", "-f", "v", "-o", out, folder]
    subprocess.run(command, check=True, capture_output=True)
    return out / "v.nii"


# GE: dcm2niix sets b to 0 where no gradient direction is given, so only the other two can serve.
@pytest.mark.parametrize(
    ("site", "b_values"), [("chu-atlas", [50, 400, 800]), ("chu-cyan", [0, 500, 1000])]
)
def test_dcm2niix_reads_the_private_b_values(demo, tmp_path, site, b_values) -> None:
    convert(demo.sites[site].folder / "mr-01" / "s02", tmp_path)
    told = [float(text) for text in (tmp_path / "v.bval").read_text().split()]
    assert told == b_values


@pytest.mark.parametrize("site", ["chu-atlas", "chu-boreal", "chu-cyan"])
def test_dcm2niix_puts_the_gland_where_the_truth_says(demo, demo_studies, tmp_path, site) -> None:
    """The volume is centred on the gland to the millimetre; RAS turns the first two signs."""
    image = nib.load(convert(demo.sites[site].folder / "mr-01" / "s01", tmp_path))
    study_uid = demo_studies.series(site, "mr-01", 1)[0].StudyInstanceUID
    centre = (np.asarray(image.shape) - 1) / 2
    ras = (image.affine @ [*centre, 1])[:3]
    lps = ras * [-1, -1, 1]
    assert np.abs(lps - demo.truth[study_uid]["gland_centre_mm"]).max() <= 0.5 + 1e-3
