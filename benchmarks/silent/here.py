"""Ours, plain SimpleITK and dcm2niix over one case; they run in our own environment."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dcm2niix
import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from align import aligned

from config.library import find_recipe
from harmonise.encode.nifti import write_nifti
from harmonise.grids import centred_grid
from harmonise.interpolate import interpolate
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume

__all__ = ["RUNS", "Told"]


@dataclass(frozen=True)
class Told:
    """What a program said beside the files it wrote: whether it does such a thing, any error."""

    offered: bool = True
    error: str = ""


Run = Callable[[dict[str, Any], Path, Path], Told]


def ours(job: dict[str, Any], source: Path, out: Path) -> Told:
    """Recipe ``native`` for DICOM; the recipes' own steps for grid and alignment."""
    if job["kind"] == "grid":
        return _our_grid(job["asked"], source, out)
    if job["kind"] == "align":
        write_nifti(aligned(tuple(job["asked"]["offset"]), "bspline"), out / "adc.nii.gz")
        return Told()
    plan = plan_study(sorted(source.iterdir()), find_recipe("native"))
    rows = apply_study(plan, out)
    codes = sorted({code for row in rows if row.verdict == "REJECT" for code in row.codes})
    return Told(error=", ".join(codes))


def _our_grid(asked: dict[str, Any], source: Path, out: Path) -> Told:
    native = Grid(shape=tuple(asked["native_shape"]), spacing_mm=tuple(asked["native_mm"]))
    target = centred_grid(native, asked["spacing_mm"])
    for name, order in (("image", asked["order"]), ("mask", 1)):
        values = np.asarray(nib.load(source / f"{name}.nii").dataobj, dtype=np.float32).T
        made = interpolate(values, native, target, order=order)
        made = made if name == "image" else (made >= 0.5).astype(np.float32)
        write_nifti(Volume(made, target, "1"), out / f"{name}.nii.gz")
    return Told()


def naive(job: dict[str, Any], source: Path, out: Path) -> Told:
    """What a few lines of SimpleITK do: the series reader, a rounded grid, the usual SUV factor."""
    if job["kind"] == "grid":
        return _naive_grid(job["asked"], source, out)
    if job["kind"] == "align":
        fixed, moving = (sitk.ReadImage(str(source / f"{n}.nii")) for n in ("t2", "adc"))
        size = job["asked"]["shape"][::-1]
        start = [(n - m) // 2 for n, m in zip(fixed.GetSize(), size, strict=True)]
        grid = sitk.RegionOfInterest(fixed, size, start)
        sitk.WriteImage(
            sitk.Resample(moving, grid, sitk.Transform(), sitk.sitkBSpline), out / "adc.nii"
        )
        return Told()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(source)))
    try:
        image = reader.Execute()
        if job["kind"] == "suv":
            image = sitk.Cast(image, sitk.sitkFloat64) * _naive_factor(source)
    except (RuntimeError, AttributeError, TypeError) as error:
        return Told(error=type(error).__name__)
    sitk.WriteImage(image, out / "image.nii")
    return Told()


def _naive_grid(asked: dict[str, Any], source: Path, out: Path) -> Told:
    for name, order in (("image", asked["order"]), ("mask", 1)):
        image = sitk.ReadImage(source / f"{name}.nii", sitk.sitkFloat32)
        spacing = asked["spacing_mm"][::-1]
        pairs = zip(image.GetSize(), image.GetSpacing(), spacing, strict=True)
        size = [round(n * old / new) for n, old, new in pairs]
        how = sitk.sitkLinear if order == 1 else sitk.sitkBSpline
        made = sitk.Resample(
            image, size, sitk.Transform(), how, image.GetOrigin(), spacing, image.GetDirection()
        )
        sitk.WriteImage(made if name == "image" else made >= 0.5, out / f"{name}.nii")
    return Told()


def _naive_factor(source: Path) -> float:
    """Return weight over the dose left at SeriesTime; Units and DecayCorrection are not asked."""
    ds = pydicom.dcmread(next(iter(sorted(source.iterdir()))), stop_before_pixels=True)
    drug = ds.RadiopharmaceuticalInformationSequence[0]
    start = drug.get("RadiopharmaceuticalStartTime") or drug.RadiopharmaceuticalStartDateTime[8:]
    elapsed_s = _seconds(ds.SeriesTime) - _seconds(start)
    left = float(drug.RadionuclideTotalDose) * 2 ** (-elapsed_s / float(drug.RadionuclideHalfLife))
    return float(ds.PatientWeight) * 1000 / left


def _seconds(time: Any) -> float:
    text = str(time)
    return int(text[:2]) * 3600 + int(text[2:4]) * 60 + float(text[4:])


def converted(job: dict[str, Any], source: Path, out: Path) -> Told:
    """``dcm2niix`` with its defaults, uncompressed."""
    if job["kind"] != "places":
        return Told(offered=False)
    command = [dcm2niix.bin, "-z", "n", "-f", "%s_%e_%p_%t", "-o", str(out), str(source)]
    done = subprocess.run(command, check=False, capture_output=True, timeout=120)
    return Told(error="" if done.returncode == 0 else f"exit {done.returncode}")


RUNS: dict[str, Run] = {"ours": ours, "SimpleITK": naive, "dcm2niix": converted}


def version_of_dcm2niix() -> str:
    """Return what ``dcm2niix --version`` prints last."""
    done = subprocess.run([dcm2niix.bin, "--version"], check=False, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1] if shutil.which(dcm2niix.bin) else "?"
