"""picai-prep over studies, as its documentation says; runs in the referees' environment.

    python benchmarks/harmonise_peer.py SRC DST

DICOM to MHA, then MHA to nnU-Net's raw data: T2, ADC and the high b-value on the grid of the
recipe. A first run is not counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

from picai_prep import Dicom2MHAConverter, MHA2nnUNetConverter

SCANS = {"t2w": "t2_tse_tra", "adc": "adc", "hbv": "calc_bval"}
"""Name of a scan and the folder of a study it lies in."""
DESCRIPTIONS = {
    "t2w": "t2_tse_tra",
    "adc": "ep2d_diff_tra_DYNDIST_ADC",
    "hbv": "ep2d_diff_tra_DYNDISTCALC_BVAL",
}


def run(source: Path, target: Path) -> None:
    """Convert every study of ``source``."""
    studies = sorted(p.name for p in source.iterdir())
    archive = [
        {"patient_id": name, "study_id": "1", "path": f"{name}/{folder}"}
        for name in studies
        for folder in SCANS.values()
    ]
    mappings = {name: {"seriesdescription": [said]} for name, said in DESCRIPTIONS.items()}
    Dicom2MHAConverter(
        input_dir=source,
        output_dir=target / "mha",
        dcm2mha_settings={
            "mappings": mappings,
            "archive": archive,
            "options": {"num_threads": 1, "verify_dicom_filenames": False},
        },
    ).convert()
    cases = [
        {
            "patient_id": name,
            "study_id": "1",
            "scan_paths": [f"{name}/{name}_1_{scan}.mha" for scan in SCANS],
        }
        for name in studies
    ]
    MHA2nnUNetConverter(
        scans_dir=target / "mha",
        output_dir=target / "nnunet",
        mha2nnunet_settings={
            "dataset_json": {
                "task": "Task001_test",
                "modality": {str(i): scan for i, scan in enumerate(SCANS)},
                "labels": {"0": "background"},
            },
            "preprocessing": {"matrix_size": [20, 256, 256], "spacing": [3.0, 0.5, 0.5]},
            "archive": cases,
            "options": {"num_threads": 1},
        },
    ).convert()
    made = list((target / "nnunet").rglob("*.nii.gz"))
    if len(made) != len(SCANS) * len(studies):
        raise SystemExit(f"picai-prep made {len(made)} volumes")


def main() -> None:
    """Run twice and time the second."""
    warnings.simplefilter("ignore")
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with contextlib.redirect_stdout(sys.stderr):
        with tempfile.TemporaryDirectory() as scratch:
            run(source, Path(scratch))
        os.sync()
        target.mkdir(parents=True)
        wall, processor = time.perf_counter(), time.process_time()
        run(source, target)
        seconds, own = time.perf_counter() - wall, time.process_time() - processor
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "cpu_s": own, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
