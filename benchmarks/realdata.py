"""Release every real object and compare: kinds of dciodvfy errors, samples, codes of the refused.

``python benchmarks/realdata.py`` prints a table and writes ``benchmarks/results/realdata.json``.
The policy is ``research-longitudinal`` with all pixels counted as cleared.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian, JPEGExtended12Bit

from config.errors import RejectedError
from config.library import find_policy
from config.policy import ClearedPixels, Policy
from config.version import code_version
from deid.engine import Deidentifier
from deid.identity import harvest_identity
from deid.keys import derive_keys
from pipelines.prepare.read import read_header, read_object

RESULT = Path(__file__).parent / "results" / "realdata.json"
DCIODVFY = Path(sys.executable).parent / "dciodvfy"
_NOT_DICOM = {".json", ".png", ".md", ".gz", ".nii", ".txt"}
DEFLATED = b"1.2.840.10008.1.2.1.99"
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True)
class Outcome:
    """What became of one file: a code, or what is worse in the released one than in it."""

    name: str
    code: str = ""
    new_errors: tuple[str, ...] = ()
    pixels: str = "same"


def files_of(realdata: Path, per_folder: int | None = None) -> list[Path]:
    """Return the DICOM files of the collection, or the first few of each folder."""
    found: list[Path] = []
    for folder in sorted({path.parent for path in realdata.rglob("*") if path.is_file()}):
        if folder.name == "LICENSES" or folder == realdata:
            continue
        files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix not in _NOT_DICOM)
        found += files[:per_folder]
    return found


def cleared_policy(name: str = "research-longitudinal") -> Policy:
    """Return a shipped policy under which a person has cleared all pixels."""
    rule = ClearedPixels(even_if_marked=True, reason="published test data")
    return find_policy(name).model_copy(update={"cleared_pixels": (rule,)})


def examine(
    paths: list[Path], root: Path, *, verify: bool, policy: Policy | None = None
) -> list[Outcome]:
    """Release each file and compare it with its source; ``verify`` runs dciodvfy on both."""
    keys = derive_keys(b"published test secret", "realdata")
    engine = Deidentifier(policy or cleared_policy(), keys)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        waiting = []
        for number, path in enumerate(paths):
            name = path.relative_to(root).as_posix()
            try:
                identity = harvest_identity([read_header(path)])
                released = engine.release(read_object(path), token=b"t" * 32, identity=identity)
            except RejectedError as error:
                waiting.append(pool.submit(Outcome, name, error.code))
                continue
            target = Path(folder) / f"{number}.dcm"
            target.write_bytes(released.to_bytes())
            waiting.append(pool.submit(_compare, name, path, target, verify))
        return [done.result() for done in waiting]


def _compare(name: str, source: Path, target: Path, verify: bool) -> Outcome:  # noqa: FBT001
    new = tuple(sorted(iod_errors(target) - _errors_of_source(source))) if verify else ()
    before, after = _read(source), _read(target)
    target.unlink()
    return Outcome(name, "", new, _pixels(before, after))


@cache
def _errors_of_source(path: Path) -> Counter[str]:
    return iod_errors(path)  # asked once, however many policies are compared


def _read(path: Path) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(path.read_bytes()), force=True)


def _pixels(before: Dataset, after: Dataset) -> str:
    """Tell whether the samples are the same, by their bytes, or decoded where these differ."""
    for keyword in _PIXELS:
        one, two = before.get(keyword), after.get(keyword)
        if one == two:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if one and two and np.array_equal(_samples(before), _samples(after)):
                    continue
        except Exception as error:  # noqa: BLE001, whatever a codec says
            return f"not decodable: {type(error).__name__}"
        return "other"
    return "same"


def _samples(ds: Dataset) -> Any:
    """Return the decoded samples; 12-bit JPEG Extended is decoded by imagecodecs alone."""
    if ds.file_meta.TransferSyntaxUID != JPEGExtended12Bit:
        return ds.pixel_array
    frames = generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames") or 1))
    return [imagecodecs.jpeg8_decode(frame) for frame in frames]


def iod_errors(path: Path) -> Counter[str]:
    """Return dciodvfy's kinds of error, without values and item numbers."""
    data = path.read_bytes()
    with tempfile.NamedTemporaryFile(suffix=".dcm") as plain:
        if DEFLATED in data[:1024]:  # which it does not read
            ds = _read(path)
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.save_as(plain.name)
            path = Path(plain.name)
        run = _run(path)
    lines = [line for line in (run.stderr + run.stdout).splitlines() if line.startswith("Error")]
    return Counter(re.sub(r"\[\d+\]|= <.*|\(0x.*", "", line) for line in lines)


def _run(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DCIODVFY), "-new", str(path)],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", default="research-longitudinal")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    root = Path(os.environ["ACCORDAGE_REALDATA"])
    outcomes = examine(files_of(root), root, verify=True, policy=cleared_policy(asked.policy))
    refused = {o.name: o.code for o in outcomes if o.code}
    worse = {o.name: list(o.new_errors) for o in outcomes if o.new_errors}
    pixels = Counter(o.pixels for o in outcomes if not o.code)
    result: dict[str, Any] = {
        "files": len(outcomes), "released": len(outcomes) - len(refused), "version": code_version(),
        "policy": asked.policy, "refused": refused, "new_iod_errors": worse,
        "pixels": dict(pixels),
    }  # fmt: skip
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for name, code in sorted(refused.items()):
        print(f"{code:28} {name}")
    for name, errors in worse.items():
        print(f"NEW ERRORS {name}: {errors}")
    print(f"{result['released']} of {len(outcomes)} released; pixels: {dict(pixels)}")


if __name__ == "__main__":
    main()
