"""Run one other de-identifier over a folder, with its defaults; in that program's environment.

    python benchmarks/peer.py dicognito SRC DST

A file on which it fails is refused, and written nowhere. Prints the program's version.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

Release = Callable[[Path, Path], None]


def dicognito() -> Release:
    import pydicom
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer(seed="canaries")

    def release(source: Path, target: Path) -> None:
        ds = pydicom.dcmread(source, force=True)
        anonymizer.anonymize(ds)
        ds.save_as(target)

    return release


def dicom_anonymizer() -> Release:
    from dicomanonymizer.simpledicomanonymizer import anonymize_dicom_file

    return lambda source, target: anonymize_dicom_file(str(source), str(target))


def idiscore() -> Release:
    import pydicom
    from idiscore.core import Profile
    from idiscore.defaults import create_core, get_dicom_rule_sets

    sets = get_dicom_rule_sets()
    core = create_core(Profile(name="basic", rule_sets=[sets.basic_profile]))

    def release(source: Path, target: Path) -> None:
        core.deidentify(pydicom.dcmread(source)).save_as(target)

    return release


def dcmanon() -> Release:
    from dcmanon import Anonymizer

    anonymizer = Anonymizer()

    def release(source: Path, target: Path) -> None:
        target.write_bytes(anonymizer.anonymize(str(source)))

    return release


PEERS = {
    "dicognito": dicognito,
    "dicom-anonymizer": dicom_anonymizer,
    "idiscore": idiscore,
    "dcmanon": dcmanon,
}


def main() -> None:
    name, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    warnings.simplefilter("ignore")
    release = PEERS[name]()
    for path in sorted(source.iterdir()):
        try:
            release(path, target / path.name)
        except Exception:  # noqa: BLE001 - whatever it is, the file was not released
            (target / path.name).unlink(missing_ok=True)
    print(version(name))


if __name__ == "__main__":
    main()
