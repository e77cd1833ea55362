"""Cleaning pixels takes less than 400 MB, libraries and the reader's models included."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "pixel_memory.py"))


@pytest.mark.slow
def test_a_mammogram_of_17_mb_is_cleaned_in_less_than_400_mb(tmp_path: Path) -> None:
    made = BENCHMARK["mammogram"]()
    assert len(made.PixelData) > 17_000_000
    # A clip of 100 MB takes longer: `make bench-pixel-memory`.
    assert BENCHMARK["peak_mb"](made, tmp_path) < BENCHMARK["LIMIT_MB"]


def test_what_prints_results_loads_no_more_than_it_prints() -> None:
    code = (
        "import sys, pipelines.prepare.deid_command, pipelines.render\n"
        "heavy = {'SimpleITK', 'scipy', 'highdicom', 'onnxruntime', 'prefect', 'distributed'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
