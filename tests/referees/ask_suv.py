"""Ask mirp and z-rad for the SUVbw of every case; run by `make referees` in their environment."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tests.harmonise import builders
from tests.harmonise.suv import cases

ANSWERS = Path(__file__).parent / "answers" / "suv.json"
STATISTICS = (np.min, np.median, np.max, np.mean)
REAL = {
    **{f"DRO_{n}": f"PT/suv-dro/DRO_{n}/PT" for n in ("0_0", "2_1", "2_5", "3_1", "3_4")},
    "ge-discovery-st": "PT/sts_001-ge-discovery-st",
    "ge-suv": "PETCT/ibsi-sts_002/PET",
    "siemens-vision": "PT/openrem-siemens-vision",
}
"""Name -> folder of the shared collection."""


def digest(paths):
    """Return the SHA-256 over the files' digests, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(paths):
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def summary(values):
    """Return least, median, greatest and mean of each slice, from the lowest place upwards."""
    return [[float(f(plane)) for f in STATISTICS] for plane in values]


def by_mirp(folder):
    from mirp._data_import.read_data import read_image
    from mirp.data_import.import_image import import_image

    (found,) = import_image(str(folder), image_modality="pt")
    (image,) = read_image(found, pet_suv_conversion="body_weight")
    return image.get_voxel_grid()


def by_zrad(folder):
    from zrad.image import Image

    return Image.from_dicom(str(folder), "PET").array


REFEREES = {"mirp": by_mirp, "z-rad": by_zrad}


def ask(folder):
    answer = {"input_sha256": digest(p for p in folder.rglob("*") if p.is_file())}
    for name, referee in REFEREES.items():
        try:
            answer[name] = summary(referee(folder))
        except Exception as error:  # noqa: BLE001  # a referee may refuse in its own way
            answer[name] = {"refused": type(error).__name__}
    return answer


def main():
    warnings.simplefilter("ignore")
    answers = {"versions": {name: version(name) for name in REFEREES}, "cases": {}}
    with tempfile.TemporaryDirectory() as scratch:
        for name, made in cases.cases().items():
            folder = Path(scratch) / name
            builders.write_all(made, folder)
            answers["cases"][name] = ask(folder)
    base = Path(os.environ["ACCORDAGE_REALDATA"])
    for name, folder in REAL.items():
        answers["cases"][name] = ask(base / folder)
    text = json.dumps(answers, indent=1, sort_keys=True) + "\n"
    if "--check" in sys.argv and ANSWERS.read_text() != text:
        Path("suv.json.new").write_text(text)
        sys.exit("the referees answer otherwise than tests/referees/answers/suv.json")
    ANSWERS.write_text(text)


if __name__ == "__main__":
    main()
