"""A screening mammogram: both breasts, cranio-caudal and oblique, in one vendor's style."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from pipelines.demo.exam import Exam, clock
from pipelines.demo.phantom.breast import draw_marker, mammogram
from pipelines.demo.series import Image, MadeSeries, merge_templates
from pipelines.demo.tables import load_template
from pipelines.demo.template import fill

__all__ = ["make_mammography_study"]

_VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
_SHAPE, _PIXEL_MM = (700, 560), 0.35
_TINY = 5
_WHITE = 4095
_MEANING = {"CC": "cranio-caudal", "MLO": "medio-lateral oblique"}
# PS3.3 C.7.6.1.1.1: columns run to the patient's other side (CC), or to the feet and that side.
_DOWN = {("R", "CC"): "L", ("L", "CC"): "R", ("R", "MLO"): "FL", ("L", "MLO"): "FR"}


def make_mammography_study(exam: Exam, *, tiny: bool) -> Iterator[MadeSeries]:
    """Yield four series of one image each, as both vendors store them.

    Parameters
    ----------
    exam : Exam
    tiny : bool
        Fewer, larger pixels, for tests.
    """
    vendor = load_template(exam.hospital["mg"])
    template = merge_templates(
        load_template("common"), load_template("mg_common"), vendor["common"]
    )
    for number, (side, view) in enumerate(_VIEWS, start=1):
        yield _make_view(exam, vendor, template, number, (side, view), _TINY if tiny else 1)


def _make_view(
    exam: Exam,
    vendor: dict[str, Any],
    template: dict[str, Any],
    number: int,
    which: tuple[str, str],
    reduction: int,
) -> MadeSeries:
    side, view = which
    style = vendor["style"]
    mirrored = style["mirrored"] == side
    chest_wall: Literal["left", "right"] = "right" if mirrored else "left"
    shape = (_SHAPE[0] // reduction, _SHAPE[1] // reduction)
    image = mammogram(shape, _PIXEL_MM * reduction, view, exam.rng(number))
    image = np.ascontiguousarray(image[:, ::-1] if mirrored else image)
    draw_marker(image, side + view, chest_wall)
    inverted = style["photometric"] == "MONOCHROME1"
    stored = _WHITE - image if inverted else image
    series_uid = exam.uid("mg", side, view)
    context: dict[str, str | list[str]] = {
        **exam.context,
        "series_uid": series_uid,
        "series_number": str(number),
        "series_time": clock(exam.start_s + 90 * number),
        "acquisition_time": clock(exam.start_s + 90 * number + 7),
        "rows": str(shape[0]),
        "columns": str(shape[1]),
        "view": view,
        "laterality": side,
        "patient_orientation": ["P" if mirrored else "A", _DOWN[which]],
        "thickness_mm": str(int(exam.rng(number).integers(42, 71))),
        "pixel_spacing": [f"{_PIXEL_MM * reduction:.4f}"] * 2,
        "positioner_angle": "0" if view == "CC" else "45",
        # A right breast with its chest wall on the left has been flipped on the way.
        "horizontal_flip": "YES" if side == "R" and not mirrored else "NO",
        "photometric": style["photometric"],
        # PS3.3 C.8.11.3.1.2: INVERSE goes with MONOCHROME1.
        "presentation_lut_shape": "INVERSE" if inverted else "IDENTITY",
        "intensity_sign": "1" if inverted else "-1",
    }
    shared = fill(template, context)
    _add_codes(shared, vendor["scheme"], view)
    if style["voi"] == "lut":
        _add_voi_lut(shared)
    own = Dataset()
    own.SOPInstanceUID = exam.uid("mg", side, view, 1)
    image_bytes = stored.astype("<u2").tobytes()
    return MadeSeries(f"{side}{view}", series_uid, shared, (Image(own, image_bytes),))


def _code(value: str, designator: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = designator
    item.CodeMeaning = meaning
    return item


def _add_codes(ds: Dataset, scheme: dict[str, str], view: str) -> None:
    """Add anatomy and view (PS3.16 CID 4014), in SNOMED CT or the retired SNM3 codes."""
    designator = scheme["designator"]
    ds.AnatomicRegionSequence = Sequence([_code(scheme["breast"], designator, "Breast")])
    item = _code(scheme[view], designator, _MEANING[view])
    item.ViewModifierCodeSequence = Sequence([])
    ds.ViewCodeSequence = Sequence([item])


def _add_voi_lut(ds: Dataset) -> None:
    """Add a sigmoid VOI LUT over all stored values (PS3.3 C.11.2.1.1), rising as stored values do.

    On MONOCHROME1 the polarity is turned by the photometric interpretation, after the LUT.
    """
    x = np.arange(_WHITE + 1, dtype=np.float64)
    table = np.rint(_WHITE / (1.0 + np.exp(-4.0 * (x - 2100.0) / 2600.0))).astype("<u2")
    item = Dataset()
    item.add_new(0x00283002, "US", [_WHITE + 1, 0, 12])
    item.LUTExplanation = "NORMAL"
    item.add_new(0x00283006, "OW", table.tobytes())
    ds.VOILUTSequence = Sequence([item])
