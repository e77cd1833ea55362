"""Mammograms a second: ours, a plain script, and what no program can do without.

The images are synthetic (pipelines/demo's phantom, enlarged), stored as JPEG-LS at full size. Three
tasks on the same files, one process each, one image after the other:

- *least*: read, decode, one area mean to 0.1 mm, and the three files (DICOM, NIfTI, PNG) written
- *ours*: ``apply_study`` with recipe mammography: the same files, mask, provenance and checks too
- *script*: pydicom and numpy as people write it: VOI, Otsu, flip, area mean, percentile, PNG

Growth and memory: ours over 100 and over 1,000 images of a ninth of the pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from config.library import find_recipe
from harmonise.area import area_mean
from harmonise.encode.nifti import write_nifti
from harmonise.encode.png import encode_png
from harmonise.steps.breast import breast_in
from harmonise.study import apply_study, plan_study
from harmonise.vendor.presentation import apply_presentation, presentation_of
from harmonise.volume import Grid, Volume
from pipelines.demo.phantom.breast import mammogram

RESULT = Path(__file__).parent / "results" / "projection.json"
SHAPE, SPACING_MM = (3328, 2560), 0.07
SMALL = 3
RATIO = 0.1 / SPACING_MM
ARC = "1.2.826.0.1.3680043.8.498.77"


def make(path: Path, number: int, base: np.ndarray, spacing_mm: float) -> None:
    """Write one synthetic mammogram for presentation, stored compressed."""
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    ds.SOPInstanceUID = f"{ARC}.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ARC}.2.{number}", f"{ARC}.3.{number}"
    ds.PatientID, ds.Modality, ds.PresentationIntentType = f"S-{number}", "MG", "FOR PRESENTATION"
    ds.Manufacturer, ds.ImageType = "SYNTHETIC", ["DERIVED", "PRIMARY"]
    ds.ImageLaterality, ds.ViewPosition, ds.PatientOrientation = "R", "CC", ["P", "L"]
    ds.ImagerPixelSpacing = [spacing_mm, spacing_mm]
    ds.EstimatedRadiographicMagnificationFactor = 1
    ds.WindowCenter, ds.WindowWidth = 2240, 3300
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PresentationLUTShape = "IDENTITY"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.Rows, ds.Columns = base.shape
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.PixelData = np.roll(base, number % 7, axis=0).astype("<u2").tobytes()
    ds["PixelData"].VR = "OW"
    ds.compress(JPEGLSLossless, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)


def images(folder: Path, count: int, reduction: int) -> None:
    """Fill a folder with synthetic mammograms; one phantom, moved, so that making them is cheap."""
    shape = SHAPE[0] // reduction, SHAPE[1] // reduction
    small = mammogram(
        (shape[0] // 4, shape[1] // 4), 0.28 * reduction, "CC", np.random.default_rng(5)
    )
    base = np.ascontiguousarray(np.kron(small, np.ones((4, 4)))[:, ::-1]).astype(np.int64)
    base = base + np.random.default_rng(6).integers(0, 12, base.shape) * (base > 60)
    folder.mkdir(parents=True)
    for number in range(count):
        make(folder / f"{number:05d}.dcm", number, np.clip(base, 0, 4095), SPACING_MM * reduction)


def least(path: Path, out: Path) -> None:
    """Read, decode, average once, write DICOM, NIfTI and PNG."""
    ds = pydicom.dcmread(path)
    values = area_mean(ds.pixel_array, RATIO, RATIO)
    _write_all(ds, values, out / path.stem)


def _write_all(ds: Dataset, values: np.ndarray, stem: Path) -> None:
    stored = np.rint(values).astype(np.uint16)
    ds.Rows, ds.Columns = stored.shape
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    ds.save_as(stem.with_suffix(".dcm"), enforce_file_format=True)
    grid = Grid((1, *stored.shape), (None, 0.1, 0.1), positioned=False)
    write_nifti(
        Volume(stored[np.newaxis].astype(np.float32), grid, "1"), stem.with_suffix(".nii.gz")
    )
    stem.with_suffix(".png").write_bytes(encode_png(stored, level=1))
    for made in (".dcm", ".nii.gz", ".png"):
        with stem.with_suffix(made).open("rb") as stream:
            os.fsync(stream.fileno())


def decode_only(path: Path, _out: Path) -> None:
    """Read, decode and average once; nothing is written."""
    area_mean(pydicom.dcmread(path).pixel_array, RATIO, RATIO)


def script(path: Path, out: Path) -> None:
    """Do what a plain script does."""
    ds = pydicom.dcmread(path)
    shown = apply_presentation(ds.pixel_array.astype(np.float32), presentation_of(ds))
    mask = breast_in(shown).mask
    if mask[:, -50:].sum() > mask[:, :50].sum():
        shown, mask = shown[:, ::-1], mask[:, ::-1]
    small = area_mean(shown, RATIO, RATIO)
    low, high = np.percentile(shown[mask], (0.5, 99.5))
    stored = np.clip((small - low) / (high - low), 0, 1) * 65535
    (out / f"{path.stem}.png").write_bytes(encode_png(np.rint(stored).astype(np.uint16), level=1))


def ours(path: Path, out: Path) -> None:
    """Harmonise one study."""
    rows = apply_study(plan_study([path], find_recipe("mammography")), out)
    assert rows[0].volume_id, rows[0].codes


TASKS = {"decode": decode_only, "least": least, "ours": ours, "script": script}


def timed(task: str, folder: Path, count: int) -> dict[str, float]:
    """Run one task over the first images of a folder in a process of its own."""
    command = [sys.executable, "-P", __file__, "--task", task, "--folder", str(folder)]
    done = subprocess.run([*command, "--count", str(count)], check=True, capture_output=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def run_task(task: str, folder: Path, count: int) -> None:
    """Time one task; processor seconds, since the machine is shared."""
    out = Path(tempfile.mkdtemp())
    paths = sorted(folder.glob("*.dcm"))[:count]
    TASKS[task](paths[0], out)
    wall, began = time.perf_counter(), time.process_time()
    for path in paths:
        TASKS[task](path, out)
        for made in out.iterdir():
            if made.is_dir():
                shutil.rmtree(made)
    seconds, wall = time.process_time() - began, time.perf_counter() - wall
    shutil.rmtree(out)
    peak_mb = _peak_mb()
    said = {"cpu_s": seconds, "wall_s": wall, "peak_mb": peak_mb, "images": len(paths)}
    sys.stdout.write(json.dumps(said))


def _peak_mb() -> float:
    """Return the most memory this program held; unlike ru_maxrss not that of the one before."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print the tables and write the JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=TASKS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--growth", type=int, nargs=2, default=(100, 1000))
    given = parser.parse_args()
    if given.task:
        run_task(given.task, given.folder, given.count)
        return
    work = Path(tempfile.mkdtemp())
    images(work / "full", given.count, 1)
    speed = {task: timed(task, work / "full", given.count) for task in TASKS}
    images(work / "small", given.growth[1], SMALL)
    growth = [timed("ours", work / "small", count) for count in given.growth]
    shutil.rmtree(work)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"speed": speed, "growth": growth}, indent=1) + "\n")
    sys.stdout.write(_tables(speed, growth))


def _tables(speed: dict[str, dict[str, float]], growth: list[dict[str, float]]) -> str:
    def rate(task: str) -> float:
        return speed[task]["images"] / speed[task]["cpu_s"]

    lines = ["| task | images a processor second | ours is | peak MB |", "|---|---|---|---|"]
    lines += [
        f"| {task} | {rate(task):.2f} | {rate('ours') / rate(task):.2f} x | {row['peak_mb']:.0f} |"
        for task, row in speed.items()
    ]
    lines += ["", "| images | processor seconds an image | peak MB |", "|---|---|---|"]
    lines += [
        f"| {row['images']:.0f} | {row['cpu_s'] / row['images']:.4f} | {row['peak_mb']:.0f} |"
        for row in growth
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
