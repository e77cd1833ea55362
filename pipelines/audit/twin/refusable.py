"""Images that no policy need release: text burned in, a codestream that names the patient."""

from __future__ import annotations

import json
import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from pipelines.audit.twin.codecs import JPEG2000, RLE
from pipelines.audit.twin.header import Study
from pipelines.audit.twin.images import capture, ct, mr
from pipelines.audit.twin.names import Names
from pipelines.audit.twin.planting import Planter, where

__all__ = ["REFUSABLE"]

_BASE = "1.2.840.10008.5.1.4.1.1."
_PEN = (1.0, 2)
"""Scale, thickness."""


def burned(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill a Secondary Capture that shows the patient's name in its pixels, and says so."""
    capture(ds, planter, names, study)
    ds.BurnedInAnnotation = "YES"
    family = study.patient.person.family
    picture, ink = _written(family)
    ds.Rows, ds.Columns = picture.shape
    ds.PixelData = picture.tobytes()
    box = {"text": family, "top_left": ink[:2], "bottom_right": ink[2:]}
    planter.to_be_refused = True
    planter.check(where("PixelData"), "<pixels_hidden>", text=json.dumps(box))


def _written(text: str) -> tuple[NDArray[np.uint8], list[int]]:
    """Return a picture of a text as a console writes it, (row, column), and the box of its ink.

    The box is first row, first column, last row, last column.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    (width, height), below = cv2.getTextSize(plain, cv2.FONT_HERSHEY_SIMPLEX, *_PEN)
    picture = np.zeros((height + below + 48, width + 64 + width % 2), np.uint8)
    start = (32, height + 24)
    cv2.putText(picture, plain, start, cv2.FONT_HERSHEY_SIMPLEX, _PEN[0], 255, _PEN[1])
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    return picture, [int(rows[0]), int(columns[0]), int(rows[-1]), int(columns[-1])]


def commented(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill a CT whose JPEG 2000 codestream names the patient in a comment (15444-1 A.9.2)."""
    ct(ds, planter, names, study)
    _aside(planter, study, JPEG2000, "comment segment")


def padded(ds: Dataset, planter: Planter, names: Names, study: Study) -> None:
    """Fill an MR whose RLE frame is followed by the patient's name."""
    mr(ds, planter, names, study)
    _aside(planter, study, RLE, "padding of a fragment")


def _aside(planter: Planter, study: Study, syntax: str, place: str) -> None:
    person = study.patient.person
    planter.to_be_refused = True
    planter.syntax, planter.aside = syntax, f"{person.family}^{person.given}"
    planter.secret(person.family, place)


REFUSABLE = (
    (_BASE + "7", "OT", burned),
    (_BASE + "2", "CT", commented),
    (_BASE + "4", "MR", padded),
)
"""SOP class, modality, what fills it."""
