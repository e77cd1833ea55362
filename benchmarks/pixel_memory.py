"""Peak memory of cleaning pixels: a mammogram of 17 MB and a clip of 100 MB, names burned in.

``python benchmarks/pixel_memory.py`` runs ``accordage deid`` on each in a process of its own,
prints a table and writes ``benchmarks/results/pixel_memory.json``. What a process held at most is
what the system counts of it, shared libraries included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

RESULT = Path(__file__).parent / "results" / "pixel_memory.json"
LIMIT_MB = 400
NAME = "DUPONT MARIE 01/01/1960"
FONT = cv2.FONT_HERSHEY_SIMPLEX
ACCORDAGE = Path(sys.executable).with_name("accordage")


def mammogram() -> Dataset:
    """Return a mammogram of 3328 x 2560 pixels of 16 bits: 17 MB."""
    rows, columns = np.mgrid[:3328, :2560].astype(np.float32)
    breast = ((rows / 3328 - 0.5) / 0.4) ** 2 + (columns / 2560 / 0.6) ** 2 < 1
    texture = cv2.GaussianBlur(np.random.default_rng(5).normal(size=rows.shape), (0, 0), 6)
    samples = np.where(breast, 1800 + 2500 * texture, 20).clip(0, 4095).astype(np.uint16)
    ink = cv2.putText(np.zeros(rows.shape, np.uint8), NAME, (1500, 200), FONT, 1.6, 255, 3)
    samples = np.maximum(samples, 14 * ink.astype(np.uint16))
    ds = _object("1.2.840.10008.5.1.4.1.1.1.2", "MG", samples[None])
    ds.PresentationIntentType, ds.BitsStored, ds.HighBit = "FOR PRESENTATION", 12, 11
    return ds


def clip(frames: int = 130) -> Dataset:
    """Return an ultrasound clip of 768 x 1024 pixels: 102 MB."""
    rows, columns = np.mgrid[:768, :1024].astype(np.float32)
    away = np.hypot(rows + 50, columns - 512)
    fan = (away > 200) & (away < 760) & (np.abs(np.arctan2(columns - 512, rows + 50)) < 0.6)
    speckle = (np.random.default_rng(1).random((808, 1024)) * 90).astype(np.uint8)
    moving = [np.where(fan, speckle[i % 40 : i % 40 + 768], 0) for i in range(frames)]
    samples = np.stack(moving).astype(np.uint8)
    ink = cv2.putText(np.zeros((768, 1024), np.uint8), NAME, (20, 40), FONT, 0.9, 255, 2)
    samples = np.maximum(samples, ink)
    ds = _object("1.2.840.10008.5.1.4.1.1.3.1", "US", samples)
    ds.NumberOfFrames, ds.FrameTime, ds.FrameIncrementPointer = frames, 40, 0x00181063
    ds.BitsStored, ds.HighBit = 8, 7
    return ds


def _object(sop_class_uid: str, modality: str, samples: NDArray[np.generic]) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID = sop_class_uid
    ds.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.78.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (
        f"1.2.826.0.1.3680043.8.498.78.{n}" for n in (2, 3)
    )
    ds.PatientName, ds.PatientID, ds.PatientBirthDate = "DUPONT^MARIE", "123456", "19600101"
    ds.StudyDate, ds.Modality, ds.ImageType = "20200101", modality, ["ORIGINAL", "PRIMARY"]
    ds.Rows, ds.Columns = samples.shape[1:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.PixelRepresentation = 8 * samples.dtype.itemsize, 0
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.PixelData = samples.tobytes()
    ds["PixelData"].VR = "OW" if samples.dtype.itemsize == 2 else "OB"
    return ds


def peak_mb(ds: Dataset, folder: Path) -> float:
    """Return the most megabytes that cleaning one object took; it must be released."""
    source, target = folder / "source.dcm", folder / "released"
    ds.save_as(source, enforce_file_format=True)
    command = [str(ACCORDAGE), "deid", str(source), str(target), "--home", str(folder / "home")]
    command += ["--policy", "research-longitudinal", "--jobs", "1"]
    most = 0.0
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as child:
        while child.poll() is None:
            most = max(most, _peak_so_far_mb(child.pid))
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.02)
    assert child.returncode == 0
    assert list(target.rglob("*.dcm")), "nothing was released"
    return most


def _peak_so_far_mb(pid: int) -> float:
    """Return the most a process has held; ``ru_maxrss`` would be that of who started it too."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print the table and write the JSON."""
    made = {"mammogram, 17 MB": mammogram, "clip, 102 MB": clip}
    peaks = {}
    for name, make in made.items():
        with tempfile.TemporaryDirectory() as folder:
            peaks[name] = round(peak_mb(make(), Path(folder)))
    RESULT.write_text(json.dumps({"limit_mb": LIMIT_MB, "peak_mb": peaks}, indent=1) + "\n")
    print("| object | peak, MB | goal |\n|---|---|---|")
    print("\n".join(f"| {name} | {peak} | < {LIMIT_MB} |" for name, peak in peaks.items()))


if __name__ == "__main__":
    main()
