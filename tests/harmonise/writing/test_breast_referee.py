"""The breast of the real GE mammogram, beside scikit-image's (frozen, see tests/referees)."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest

from config.library import find_recipe
from harmonise.computed import read_planned
from harmonise.steps import Context
from harmonise.study import apply_study, plan_study

ANSWER = Path(__file__).parents[2] / "referees" / "answers" / "breast.json"

pytestmark = pytest.mark.realdata


def referee():
    """Return scikit-image's mask: Li's threshold on stored values, largest component, filled."""
    said = json.loads(ANSWER.read_text(encoding="utf-8"))
    bits = np.frombuffer(zlib.decompress(base64.b64decode(said["mask"])), np.uint8)
    rows, columns = said["shape"]
    return np.unpackbits(bits)[: rows * columns].reshape(rows, columns).astype(bool)


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.fixture(scope="module")
def plan(realdata):
    return plan_study(
        sorted((realdata / "MG/fo-dicom-ge-essential").glob("*")), find_recipe("mammography")
    )


def test_the_breast_is_where_scikit_image_finds_it(plan):
    (planned,) = plan.volumes
    volume = read_planned(planned)
    for step, params in planned.steps:
        if step.name in {"presentation", "breast_mask"}:
            context = Context(planned.stack, planned.role.name)
            volume = step.apply(volume, step.decide(volume, params, context))

    assert dice(volume.regions["breast"][0], referee()) >= 0.98


def test_its_derived_files_hold_mask_spacing_and_codes(plan, tmp_path):
    """0.0940909 mm at the detector, magnification 1: 0.1 mm is 2881 x 2252 whole cells."""
    (row,) = apply_study(plan, tmp_path)

    assert row.codes == ("MG_INCOMPLETE_EXAM", "MG_BRIGHT_OBJECTS", "INTENSITY_PER_CASE")
    assert (row.rows, row.columns, row.spacing_mm) == (2881, 2252, (None, 0.1, 0.1))
    stem = tmp_path / row.dicom_path
    mask = pydicom.dcmread(stem.with_name(f"{stem.name}.breast.dcm")).pixel_array.squeeze() > 0
    turned = referee()[:, ::-1]
    nearest = turned[np.linspace(0, 3061, 2881).astype(int)][
        :, np.linspace(0, 2393, 2252).astype(int)
    ]
    assert dice(mask, nearest) >= 0.98
    picture = stem.with_name(f"{stem.name}.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture[24] == 16, "bits a pixel"
    stored = pydicom.dcmread(stem / "0001.dcm")
    assert stored.pixel_array[~mask].max() == 0
    assert str(stored.EstimatedRadiographicMagnificationFactor) == "1"
    record = json.loads(stem.with_name(f"{stem.name}.json").read_text(encoding="utf-8"))
    assert record["geometry"]["detail"] == "spacing: (0018,1164) / (0018,1114) 1"
