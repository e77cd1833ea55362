"""Presentation values of every real radiograph and mammogram, beside dcmtk and pydicom.

Options of dcmj2pnm: ``+on`` (8-bit PNG), ``--use-voi-lut N`` or ``--use-window N``, and
``--sigmoid-function`` where (0028,1056) says so.
Padding is left as it is on both sides: dcmtk shows it, we blank it, which has a test of its own.
"""

from __future__ import annotations

import subprocess

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut, apply_windowing

from config.errors import UnreadableObject
from harmonise.vendor.decode import stored_frame
from harmonise.vendor.headers import quiet, read_header
from harmonise.vendor.presentation import apply_presentation, presentation_of
from tests.support import needs

NOT_OPENED = {
    "RG3_J2KI.dcm": "JPEG 2000 is no transfer syntax of dcmj2pnm",
}
"""Files that dcmtk cannot open: compared with pydicom's functions instead."""

COMPARED = 27
"""Tables and windows of the twelve MG, CR and DX of the shared collection that dcmtk opens."""

pytestmark = [pytest.mark.realdata]


def radiographs(realdata):
    found = []
    for path in sorted(realdata.rglob("*")):
        if not path.is_file() or path.suffix in {".json", ".md", ".txt", ".png", ".nii"}:
            continue
        try:
            ds = read_header(path)
        except UnreadableObject:
            continue
        if ds.get("Modality") in {"MG", "CR", "DX"} and ds.get("Rows"):
            found.append(path)
    return found


def choices(ds):
    """Return every VOI description a header holds: each table, each window, or none."""
    windows = ds.get("WindowCenter")
    count = 0 if windows is None else np.size(windows)
    lists = [("lut", n) for n in range(len(ds.get("VOILUTSequence") or []))]
    return [*lists, *(("window", n) for n in range(count))] or [None]


def ours(ds, stored, choice):
    slope, intercept = (
        float(ds.get(k) or d) for k, d in (("RescaleSlope", 1), ("RescaleIntercept", 0))
    )
    plan = presentation_of(ds, slope, intercept, choice=choice)
    values = (stored.astype(np.float64) * slope + intercept).astype(np.float32)
    return apply_presentation(values, {**plan, "padding": None})


def dcmtk(path, ds, choice, picture):
    """Return the grey levels of dcmj2pnm, 0 to 255; None where it cannot open the file."""
    options = []
    if choice is not None:
        options = [
            {"lut": "--use-voi-lut", "window": "--use-window"}[choice[0]],
            str(choice[1] + 1),
        ]
    if choice is not None and choice[0] == "window" and ds.get("VOILUTFunction") == "SIGMOID":
        options.append("--sigmoid-function")
    program = needs.program("dcmj2pnm", "dcmtk")
    done = subprocess.run(
        [program, "+on", *options, str(path), str(picture)], capture_output=True, check=False
    )
    if done.returncode or not picture.exists():
        return None
    return np.asarray(Image.open(picture).convert("L"))


@pytest.mark.orthanc
def test_every_radiograph_is_shown_as_dcmtk_shows_it(realdata, tmp_path):
    """One grey level, every table and every window of every file.

    Of 255, or of the stored bits where these are fewer: dcmtk turns the polarity by 2**n - x.
    """
    compared, not_opened = 0, set()
    for number, path in enumerate(radiographs(realdata)):
        with quiet():
            ds = pydicom.dcmread(path)
            stored = stored_frame(ds, 0)
        for choice in choices(ds):
            expected = dcmtk(path, ds, choice, tmp_path / f"{number}-{compared}.png")
            if expected is None:
                not_opened.add(path.name)
                continue
            found = np.rint(ours(ds, stored, choice) * 255)
            worst = float(np.abs(found - expected.astype(float)).max())
            level = max(1.0, 255 / (2 ** int(ds.BitsStored) - 1))
            assert worst <= level, f"{path.name} {choice}: {worst} grey levels"
            compared += 1

    assert not_opened <= set(NOT_OPENED), "name it, and why"
    assert compared >= COMPARED


def test_what_dcmtk_cannot_open_is_shown_as_pydicom_shows_it(realdata):
    """And every other file: pydicom's own windowing and tables, turned where the polarity says."""
    files = radiographs(realdata)
    for path in files:
        with quiet():
            ds = pydicom.dcmread(path)
            stored = stored_frame(ds, 0)
            for choice in choices(ds):
                if choice is None:
                    continue
                real = apply_modality_lut(stored, ds)
                if choice[0] == "lut":
                    shown = apply_voi_lut(real.astype(stored.dtype), ds, index=choice[1])
                    top = 2 ** int(ds.VOILUTSequence[choice[1]].LUTDescriptor[2]) - 1
                    low = 0.0
                else:
                    shown = apply_windowing(real, ds, index=choice[1])
                    low, top = window_range(ds)
                expected = (np.asarray(shown, np.float64) - low) / (top - low)
                if ds.PhotometricInterpretation == "MONOCHROME1":
                    expected = 1 - expected
                found = ours(ds, stored, choice)
                assert np.abs(found - expected).max() <= 1 / 255, f"{path.name} {choice}"

    assert {path.name for path in files} >= set(NOT_OPENED)


def window_range(ds):
    """Return pydicom's y_min and y_max: all stored bits, through the rescale."""
    low, top = 0.0, 2.0 ** int(ds.BitsStored) - 1
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    return low * slope + intercept, top * slope + intercept
