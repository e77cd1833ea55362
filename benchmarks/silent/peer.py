"""One other program over all cases; runs in an environment of its own, without ours.

    python benchmarks/silent/peer.py mirp|picai-prep|torchio < jobs.json

Reads jobs (name, kind, source, out, asked) as JSON on standard input, lets the program write NIfTI
files into ``out``, and prints one JSON line: its version, and the error of each job or "".
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Run = Callable[[Job, Path, Path], None]


ORDER = [2, 1, 0, 3]
"""mirp counts z, y, x."""


class NotOffered(Exception):
    """The program does no such thing."""


def mirp(job: Job, source: Path, out: Path) -> None:
    """The importer of mirp for DICOM, its interpolation for the grid."""
    import nibabel as nib
    import numpy as np
    from mirp import extract_images
    from mirp._data_import.read_data import read_image
    from mirp.data_import.import_image import import_image

    if job["kind"] == "align":
        raise NotOffered
    if job["kind"] == "grid":
        spacing = job["asked"]["spacing_mm"]
        flat = spacing[0] == job["asked"]["native_mm"][0]
        extract_images(
            image=str(source / "image.nii"),
            mask=str(source / "mask.nii"),
            image_modality="ct",
            by_slice=flat,
            new_spacing=spacing[1] if flat else spacing,
            spline_order=job["asked"]["order"],
            roi_spline_order=1,
            roi_interpolation_mask_inclusion_threshold=0.5,
            anti_aliasing=False,
            write_images=True,
            export_images=False,
            write_dir=str(out),
        )
        for path in sorted(out.glob("*.nii.gz")):
            kind = "mask" if "mask" in path.name else "image"
            path.rename(out / f"{kind}.nii.gz")
        return
    is_pet = job["kind"] == "suv"
    found = import_image(str(source), image_modality="pt" if is_pet else job["modality"])
    how = {"pet_suv_conversion": "body_weight"} if is_pet else {}
    for number, image in enumerate(image for one in found for image in read_image(one, **how)):
        # by its own coordinates: the NIfTI that mirp itself writes lies elsewhere
        affine = np.diag([-1.0, -1, 1, 1]) @ image.get_affine_matrix()[ORDER][:, ORDER]
        values = np.asarray(image.get_voxel_grid(), np.float32).T
        nib.save(nib.Nifti1Image(values, affine), out / f"{number}.nii")


def picai_prep(job: Job, source: Path, out: Path) -> None:
    """The DICOM reader of picai-prep, its resampling, and its alignment of several scans."""
    import SimpleITK as sitk
    from picai_prep.dcm2mha import DICOMImageReader
    from picai_prep.preprocessing import PreprocessingSettings, Sample, resample_img

    if job["kind"] == "suv":
        raise NotOffered
    if job["kind"] == "grid":
        order = {1: sitk.sitkLinear, 3: sitk.sitkBSpline}
        spacing = job["asked"]["spacing_mm"]
        for name, wanted in (("image", job["asked"]["order"]), ("mask", 1)):
            image = sitk.ReadImage(str(source / f"{name}.nii"), sitk.sitkFloat32)
            made = resample_img(image, spacing, interpolation=order[wanted])
            made = made if name == "image" else made >= 0.5
            sitk.WriteImage(made, str(out / f"{name}.nii"))
        return
    if job["kind"] == "align":
        asked = job["asked"]
        settings = PreprocessingSettings(matrix_size=asked["shape"], spacing=asked["spacing_mm"])
        scans = [sitk.ReadImage(str(source / f"{name}.nii")) for name in ("t2", "adc")]
        sample = Sample(scans=scans, settings=settings)
        sample.preprocess()
        sitk.WriteImage(sample.scans[1], str(out / "adc.nii"))
        return
    sitk.WriteImage(DICOMImageReader(source).image, str(out / "image.nii"))


def torchio(job: Job, source: Path, out: Path) -> None:
    """The DICOM reader of torchio, and its Resample."""
    import torchio as tio

    if job["kind"] == "suv":
        raise NotOffered
    if job["kind"] == "grid":
        spacing = tuple(job["asked"]["spacing_mm"][::-1])
        how = {1: "linear", 3: "bspline"}[job["asked"]["order"]]
        subject = tio.Subject(
            image=tio.ScalarImage(source / "image.nii"), mask=tio.LabelMap(source / "mask.nii")
        )
        made = tio.Resample(spacing, image_interpolation=how)(subject)
        made["image"].save(out / "image.nii")
        made["mask"].save(out / "mask.nii")
        return
    if job["kind"] == "align":
        reference = tio.ScalarImage(source / "t2.nii")
        made = tio.Resample(reference, image_interpolation="bspline")(
            tio.ScalarImage(source / "adc.nii")
        )
        tio.CropOrPad(tuple(job["asked"]["shape"][::-1]))(made).save(out / "adc.nii")
        return
    tio.ScalarImage(source).save(out / "image.nii")


PROGRAMS: dict[str, tuple[str, Run]] = {
    "mirp": ("mirp", mirp),
    "picai-prep": ("picai-prep", picai_prep),
    "torchio": ("torchio", torchio),
}


def main() -> None:
    """Run the program that the first word names over the jobs of standard input."""
    warnings.simplefilter("ignore")
    package, run = PROGRAMS[sys.argv[1]]
    errors = {}
    for job in json.load(sys.stdin):
        try:
            run(job, Path(job["source"]), Path(job["out"]))
        except NotOffered:
            errors[job["name"]] = "not offered"
        except Exception as error:  # noqa: BLE001  # a program may refuse in its own way
            errors[job["name"]] = f"refused: {type(error).__name__}"
    print(json.dumps({"version": version(package), "errors": errors}))


if __name__ == "__main__":
    main()
