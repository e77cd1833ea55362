"""Presentation values of projections: against PS3.3 by hand and against dcmtk."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest

from config.errors import UnreadableObject
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.vendor.pixels import load_volume
from harmonise.vendor.presentation import apply_presentation, plan_presentation
from tests.harmonise import builders
from tests.support import needs

STORED = np.asarray([[0, 1000, 1500], [2000, 3000, 4095]])


def shown(tmp_path, values=STORED, **changes):
    path = builders.write(builders.mammogram(values, **changes), tmp_path / "mg.dcm")
    (stack,), _ = read_stacks([path])
    plan = json.loads(json.dumps(plan_presentation(stack)))
    return plan, apply_presentation(load_volume(stack, judge(stack)).values, plan)[0]


def test_a_linear_window_follows_the_standard(tmp_path):
    """C.11.2.1.2.1, c 2000, w 1001: black to 1499.5, white above 2499.5; (2000-1999.5)/1000+.5."""
    plan, found = shown(tmp_path, WindowCenter=2000, WindowWidth=1001)

    assert plan["kind"] == "linear"
    assert found.tolist() == pytest.approx(np.asarray([[0, 0, 0.0005], [0.5005, 1, 1]]), abs=1e-6)


def test_an_exact_window_follows_the_standard(tmp_path):
    """C.11.2.1.3.2, c 2000, w 1000: black to 1500, white above 2500."""
    _, found = shown(tmp_path, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT")

    assert found == pytest.approx(np.asarray([[0, 0, 0], [0.5, 1, 1]]), abs=1e-6)


def test_a_sigmoid_follows_the_standard(tmp_path):
    """C.11.2.1.3.1: 1 / (1 + exp(-4 (x - c) / w)); one width above the centre 1/(1+e^-4)."""
    _, found = shown(tmp_path, WindowCenter=2000, WindowWidth=1000, VOILUTFunction="SIGMOID")

    assert found[1, 0] == pytest.approx(0.5)
    assert found[1, 1] == pytest.approx(0.9820138, abs=1e-6)
    assert found[0, 1] == pytest.approx(0.0179862, abs=1e-6)


def test_a_window_of_one_is_a_step(tmp_path):
    _, found = shown(tmp_path, WindowCenter=1500, WindowWidth=1)

    assert found.tolist() == [[0, 0, 1], [1, 1, 1]]


def test_of_several_windows_the_normal_one_is_taken(tmp_path):
    plan, _ = shown(
        tmp_path,
        WindowCenter=[1000, 2000],
        WindowWidth=[500, 1001],
        WindowCenterWidthExplanation=["HARDER", "NORMAL"],
    )

    assert (plan["centre"], plan["width"]) == (2000, 1001)


def test_a_lut_goes_before_a_window_and_holds_at_its_ends(tmp_path):
    """C.11.2.1.1: below the first value mapped the first entry, beyond the last the last."""
    table = np.linspace(100, 4095, 2001).astype(int).tolist()
    plan, found = shown(
        tmp_path,
        VOILUTSequence=builders.voi_lut(table, first=1000, bits=12),
        WindowCenter=1,
        WindowWidth=2,
    )

    assert plan["kind"] == "lut"
    expected = np.asarray([[100, 100, table[500]], [table[1000], 4095, 4095]]) / 4095
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"PresentationLUTShape": "INVERSE"},
        {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"},
    ],
)
def test_polarity_is_turned_once_and_after_the_window(tmp_path, changes):
    _, found = shown(tmp_path, WindowCenter=2000, WindowWidth=1001, **changes)

    assert found == pytest.approx(np.asarray([[1, 1, 0.9995], [0.4995, 0, 0]]), abs=1e-6)


def test_padding_is_black_whatever_the_polarity(tmp_path):
    _, found = shown(
        tmp_path,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=4095,
        PixelPaddingRangeLimit=4000,
        WindowCenter=2000,
        WindowWidth=1001,
    )
    _, low = shown(
        tmp_path / "low",
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=0,
        WindowCenter=2000,
        WindowWidth=1001,
    )

    assert found[1, 2] == 0.0
    assert low[0, 0] == 0.0
    assert low[0, 1] == 1.0


def test_without_a_voi_all_stored_bits_are_stretched(tmp_path):
    plan, found = shown(tmp_path)

    assert plan["kind"] == "identity"
    assert found == pytest.approx(STORED / 4095, abs=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"VOILUTSequence": builders.voi_lut([0, 1, 9000], first=0, bits=12)},
        {"WindowCenter": 10, "WindowWidth": 0},
        {"WindowCenter": 10, "WindowWidth": 10, "VOILUTFunction": "CUBIC"},
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path, changes):
    with pytest.raises(UnreadableObject, match="MG_VOI_LUT_BAD_DESCRIPTOR"):
        shown(tmp_path, **changes)


def test_what_was_never_measured_stays_so(tmp_path):
    plan, _ = shown(tmp_path, VOILUTSequence=builders.voi_lut([0, 4095], first=0, bits=12))

    found = apply_presentation(np.asarray([[np.nan, 1.0]], np.float32), plan)

    assert np.isnan(found[0, 0])
    assert found[0, 1] == 1.0


@pytest.mark.realdata
@pytest.mark.orthanc
def test_the_real_ge_mammogram_is_shown_as_dcmtk_shows_it(realdata, tmp_path):
    """dcmj2pnm +opw --use-voi-lut 1; 12-bit entries on 16 bits, so half a step of 1/4095."""
    (path,) = (realdata / "MG/fo-dicom-ge-essential").glob("*")
    (stack,), _ = read_stacks([path])
    plan = plan_presentation(stack)

    found = apply_presentation(load_volume(stack, judge(stack)).values, plan)[0]

    needs.program("dcmdjpeg", "dcmtk")
    native, picture = tmp_path / "native.dcm", tmp_path / "picture.pgm"
    subprocess.run(["dcmdjpeg", str(path), str(native)], check=True)
    subprocess.run(
        ["dcmj2pnm", "+opw", "--use-voi-lut", "1", str(native), str(picture)], check=True
    )
    words = picture.read_bytes().split()
    assert (words[0], int(words[3])) == (b"P2", 65535)
    expected = np.asarray(words[4:], dtype=np.int64).reshape(found.shape) / 65535
    air = (expected == expected.min()) | (found == 0)
    assert np.abs(found - expected)[~air].max() <= 1 / 4095
    assert found.max() == pytest.approx(expected.max(), abs=1 / 4095)
