"""Records of a review sheet on their way from the processes that make them to the sheet.

They lie in the scratch folder of the identified zone, one file each, and go when the sheet is
written.
"""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from config.errors import RejectedError
from config.files import disk_faults, partial_of, write_whole
from deid.header import Header
from deid.looks import Look, PixelOutcome
from deid.text.grey import Display, views_of_decoded
from deid.text.line import Grey
from pipelines.prepare.clean_pixels import Cleaned, source_of
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.read import read_object
from pipelines.prepare.review_sheet import SheetRecord, sheet_record

__all__ = ["spool", "spool_refused", "spooled", "spooling"]


@contextmanager
def spooling(scratch: Path) -> Iterator[Path]:
    """Yield a new folder (mode 0700) for records; it goes at the end, whatever happens."""
    folder = partial_of(scratch / "sheet")
    with disk_faults():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spool(folder: Path, number: str, path: Path, cleaned: Cleaned) -> None:
    """Keep the record of one instance whose pixels were looked at.

    Parameters
    ----------
    folder : Path
        Of :func:`spooling`.
    number : str
        The file's in the report.
    path : Path
        The file as it came.
    cleaned : Cleaned
        What was made of it.
    """
    outcome = cleaned.outcome
    if not cleaned.done:
        return
    before, after, frame = _pictures(path, cleaned)
    _keep(folder, sheet_record(number, outcome, before, after, frame=frame))


def spool_refused(
    folder: Path, number: str, path: Path, error: RejectedError, cleaned: Cleaned | None = None
) -> None:
    """Keep the record of an instance that was refused for its pixels.

    ``cleaned`` is how far it had come: what is left in it is seen and read on the sheet only.
    """
    if not error.code.startswith(("PIXELS_", "BLANK_")):
        return
    if cleaned is None or not error.code.startswith("PIXELS_"):
        record = sheet_record(number, PixelOutcome(Look("read", "")), code=error.code)
    else:
        before, after, frame = _pictures(path, cleaned)
        record = sheet_record(number, cleaned.outcome, before, after, frame=frame, code=error.code)
    _keep(folder, record)


def _pictures(path: Path, cleaned: Cleaned) -> tuple[Grey, Grey, int]:
    """Return the first frame in which text was found as it came and as it is, and its index."""
    frame = min((one.line.rectangle.frame or 0 for one in cleaned.outcome.found), default=0)
    before = _shown(path, read_part10(path) or read_object(path), frame)
    return before, _shown(cleaned.path, cleaned.read, frame), frame


def spooled(folder: Path) -> Iterator[SheetRecord]:
    """Yield the records by number, one in memory at a time."""
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            record = pickle.load(stream)  # noqa: S301 - our own, of this run, mode 0700
        assert isinstance(record, SheetRecord)
        yield record


def _keep(folder: Path, record: SheetRecord) -> None:
    write_whole(folder / record.number, pickle.dumps(record), mode=0o600)


def _shown(path: Path, read: Header | Dataset, frame: int) -> Grey:
    source = source_of(Cleaned(path, read, PixelOutcome(Look("read", ""))))
    decoded = next(islice(source.decoded(), frame, None))
    shown = views_of_decoded(decoded, Display.of(source.ds, source.shape)).shown
    if shown.ndim == 2:
        return shown
    grey: Grey = shown.mean(axis=2).astype(np.uint8)
    return grey
