"""Ask mirp for the grids of IBSI rows B to E on the built phantom; run by `make referees`."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from tests.harmonise.writing import phantom

ANSWERS = Path(__file__).parent / "answers" / "grid.json"


def write(values, path):
    found = sitk.GetImageFromArray(values)
    found.SetSpacing(phantom.SPACING_MM[::-1])
    sitk.WriteImage(found, str(path))
    return str(path)


def ask(row, image, mask):
    from mirp import extract_images

    by_slice = row["spacing_mm"][0] == phantom.SPACING_MM[0]
    ((images, masks),) = extract_images(
        image=image,
        mask=mask,
        image_modality="ct",
        by_slice=by_slice,
        new_spacing=row["spacing_mm"][1] if by_slice else list(row["spacing_mm"]),
        spline_order=row["order"],
        roi_spline_order=1,
        roi_interpolation_mask_inclusion_threshold=0.5,
        anti_aliasing=False,
        image_export_format="numpy",
        write_images=False,
        export_images=True,
    )
    values, inside = np.asarray(images[0]), np.asarray(masks[0]) > 0
    return {
        "size": list(values.shape),
        "roi_voxels": int(inside.sum()),
        "roi_mean": float(values[inside].mean()),
        "roi_min": float(values[inside].min()),
        "roi_max": float(values[inside].max()),
        "mean": float(values.mean()),
    }


def main():
    warnings.simplefilter("ignore")
    values, inside = phantom.image(), phantom.mask()
    whole = hashlib.sha256(values.astype("<i2").tobytes() + inside.astype("<i2").tobytes())
    answers = {
        "versions": {"mirp": version("mirp")},
        "input_sha256": whole.hexdigest(),
        "rows": {},
    }
    with tempfile.TemporaryDirectory() as scratch:
        image = write(values, Path(scratch) / "image.nii.gz")
        mask = write(inside, Path(scratch) / "mask.nii.gz")
        for name, row in phantom.ROWS.items():
            answers["rows"][name] = ask(row, image, mask)
    text = json.dumps(answers, indent=1, sort_keys=True) + "\n"
    if "--check" in sys.argv and ANSWERS.read_text() != text:
        Path("grid.json.new").write_text(text)
        sys.exit("mirp answers otherwise than tests/referees/answers/grid.json")
    ANSWERS.write_text(text)


if __name__ == "__main__":
    main()
