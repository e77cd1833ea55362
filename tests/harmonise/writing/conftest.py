"""Real studies harmonised once, for every test that opens the results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from config.library import find_recipe
from harmonise.manifest import ManifestRow
from harmonise.study import StudyPlan, apply_study, plan_study

SKYRA = "MR/prostatex-0000-siemens-skyra"

RUNS = {
    "prostate": (
        "prostate-mpmri",
        [f"{SKYRA}/{name}" for name in ("t2_tse_tra", "adc", "dwi_b50-400-800", "calc_bval")],
    ),
    "missing": (
        "prostate-mpmri",
        [f"{SKYRA}/t2_tse_tra", f"{SKYRA}/adc", f"{SKYRA}/calc_bval_missing_slice"],
    ),
    "philips": ("prostate-mpmri", ["MR/prostate-mri-0001-philips-achieva"]),
    "mammogram": ("mammography", ["MG/fo-dicom-ge-essential"]),
    "film": ("mammography", ["MG/mirp-cbis-ddsm-roi"]),
    "ct": ("native", ["CT/crlm-1004-ge-lightspeed16"]),
    "pet": ("native", ["PETCT/ibsi-sts_002/PET"]),
    "mammogram-native": ("native", ["MG/fo-dicom-ge-essential"]),
    "hitachi": ("native", ["MR/dicom2nifti-hitachi"]),
    "enhanced": ("native", ["MR/dcm_qa_enh-philips"]),
}
"""Name -> recipe and folders of the shared collection."""


@dataclass(frozen=True)
class Run:
    """One harmonised study."""

    plan: StudyPlan
    rows: list[ManifestRow]
    out: Path

    def row(self, role: str, b_value: float | None = None) -> ManifestRow:
        """Return the one row of a role."""
        (found,) = [r for r in self.rows if r.role == role and r.b_value == b_value]
        return found


def harmonised(realdata: Path, name: str, out: Path) -> Run:
    recipe, folders = RUNS[name]
    paths = [p for folder in folders for p in sorted((realdata / folder).rglob("*")) if p.is_file()]
    plan = plan_study(paths, find_recipe(recipe))
    return Run(plan, apply_study(plan, out), out)


@pytest.fixture(scope="session")
def runs(realdata, tmp_path_factory):
    """Return a function that harmonises a named study once."""
    made: dict[str, Run] = {}

    def run(name: str) -> Run:
        if name not in made:
            made[name] = harmonised(realdata, name, tmp_path_factory.mktemp(name))
        return made[name]

    return run
