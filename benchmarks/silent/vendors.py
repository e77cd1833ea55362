"""Cases of vendor fields: several b-values in one series, private scales, mosaics, enhanced MR."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
from silent.known import Case, Known, known_of, of_image

from tests.harmonise import builders

__all__ = ["vendors"]

SQUARE = {"PixelSpacing": [1.5, 1.5]}
PHILIPS = "Philips MR Imaging DD 001"


def _copied(source: Path, start: str = "") -> Callable[[Path], None]:
    def fill(folder: Path) -> None:
        for path in sorted(source.iterdir()):
            if path.name.startswith(start):
                shutil.copyfile(path, folder / path.name)

    return fill


def _by(key: Callable[[Any], Any], folder: Path) -> dict[Any, list[Path]]:
    groups: dict[Any, list[Path]] = defaultdict(list)
    for path in sorted(folder.iterdir()):
        groups[key(pydicom.dcmread(path, stop_before_pixels=True))].append(path)
    return groups


def _named_b(ds: Any) -> float:
    """Return the b-value Siemens puts into SequenceName: ``*ep_b400t``."""
    found = re.search(r"b(\d+)", str(ds.SequenceName))
    return float(found.group(1)) if found else 0.0


def _siemens(folder: Path) -> list[Known]:
    return [known_of(paths, b_value=b) for b, paths in sorted(_by(_named_b, folder).items())]


def _two_b(private: Callable[[Any, float], None], **said: Any) -> Callable[[Path], None]:
    """Write b 0 and 1000 of five slices as one series whose b-value is private."""

    def fill(folder: Path) -> None:
        made: list[Any] = []
        for number, b_value in enumerate((0.0, 1000.0)):

            def mark(index: int, ds: Any, number: int = number, b_value: float = b_value) -> None:
                ds.InstanceNumber = 5 * number + index + 1
                ds.AcquisitionNumber = number + 1
                ds.SeriesNumber = 5
                private(ds, b_value)

            values = builders.ramp(5, 16, 18) + 200 * (1 - number)
            made += builders.dwi(
                5,
                None,
                values=values,
                first_uid=100 + 10 * number,
                per_slice=mark,
                **SQUARE,
                **said,
            )
        builders.write_all(made, folder)

    return fill


def _two_b_known(folder: Path) -> list[Known]:
    groups = _by(lambda ds: (ds.InstanceNumber - 1) // 5, folder)
    return [known_of(groups[n], b_value=b) for n, b in enumerate((0.0, 1000.0))]


def _ge(ds: Any, b_value: float) -> None:
    stored = 1_000_001_000 if b_value else 0
    builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x39, "IS", [stored, 8, 0, 0])
    for element, part in zip((0xBB, 0xBC, 0xBD), "100" if b_value else "000", strict=True):
        builders.add_private(ds, 0x0019, "GEMS_ACQU_01", element, "DS", part)


GE = {
    "Manufacturer": "GE MEDICAL SYSTEMS",
    "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
    "SeriesDescription": "DTI",
    "ScanningSequence": ["EP", "SE"],
    "ScanOptions": "EPI_GEMS",
    "PatientPosition": "HFS",
    "InPlanePhaseEncodingDirection": "COL",
}
"""What dcm2niix, too, asks of a diffusion image of GE."""


def _renumbered(ds: Any, b_value: float) -> None:
    text = f"{b_value:.0f} ".encode()
    builders.add_private_bytes(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, text, block=0x11)


def _precise(ds: Any, stored: Any) -> Any:
    """Return Philips' floating point value: DV / (RS x SS) (doi:10.1593/tlo.13811)."""
    scale = ds.private_block(0x2005, PHILIPS)[0x0E].value
    if isinstance(scale, bytes):
        scale = np.frombuffer(scale, "<f4")[0]
    slope, intercept = float(ds.RescaleSlope), float(ds.RescaleIntercept)
    return (stored * slope + intercept) / (slope * float(scale))


def _philips_built(folder: Path) -> None:
    """RS and SS of the second phantom series of dcm_qa_philips."""

    def private(_index: int, ds: Any) -> None:
        builders.add_private_bytes(ds, 0x2005, PHILIPS, 0x0E, builders.float_bytes(0.00428404))

    series = builders.t2w(
        5,
        values=builders.ramp(5, 16, 18),
        Manufacturer="Philips Medical Systems",
        RescaleSlope=1.29035,
        RescaleIntercept=0,
        SeriesNumber=3,
        per_slice=private,
        **SQUARE,
    )
    builders.write_all(series, folder)


def vendors(realdata: Path) -> list[Case]:
    """Return the cases."""
    mr = realdata / "MR"

    def case(name: str, truth: str, fill: Any, known: Any) -> Case:
        return Case(name, "vendor fields", "places", truth, fill, known)

    def published(path: str) -> Callable[[Path], list[Known]]:
        return lambda _: of_image(nib.load(mr / path))

    volumes = "each image's own header"
    image = "the publisher's NIfTI"
    return [
        case(
            "b 50, 400, 800 (PROSTATEx)",
            volumes,
            _copied(mr / "prostatex-0000-siemens-skyra" / "dwi_b50-400-800"),
            _siemens,
        ),
        case(
            "b 0 untold (Toshiba)",
            "the publisher's .bval",
            _copied(mr / "dcm_qa_toshiba-galan"),
            lambda folder: [known_of(sorted(folder.iterdir()), b_value=0.0)],
        ),
        case(
            "b plus 1e9 (GE)",
            "as built",
            _two_b(_ge, **GE),
            _two_b_known,
        ),
        case("b in a renumbered private block", "as built", _two_b(_renumbered), _two_b_known),
        case(
            "Philips scale, built",
            "DV / (RS x SS)",
            _philips_built,
            lambda folder: [known_of(sorted(folder.iterdir()), real=_precise)],
        ),
        case(
            "Philips scale, three time points",
            "DV / (RS x SS)",
            _copied(mr / "dcm_qa_philips-phantom-fmri"),
            lambda folder: [
                known_of(paths, real=_precise)
                for paths in _by(lambda ds: ds.TemporalPositionIdentifier, folder).values()
            ],
        ),
        case(
            "Siemens mosaic, two time points",
            image,
            _copied(mr / "dcm_qa_nih-siemens-mosaic", "epi_pe_ap"),
            published("dcm_qa_nih-ref/EPI_PE=AP_3.nii"),
        ),
        case(
            "Siemens enhanced, four time points",
            image,
            _copied(mr / "dcm_qa_enh-siemens-xa10"),
            published("dcm_qa_enh-ref/Siemens_REST1_w_SMS_PF7-8_6.nii"),
        ),
    ]
