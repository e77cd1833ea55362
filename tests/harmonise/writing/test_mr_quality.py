"""Noise, outlines, voids and the protocol: closed forms, arithmetic by hand, real prostates."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from config.library import find_recipe
from harmonise.explain import render
from harmonise.mr_quality import (
    dice,
    largest_void_ml,
    noise_of,
    outline_of,
    overlap_of_outlines,
    signal_to_noise,
)
from harmonise.protocol import acquired_pixel_mm, deviations
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume
from tests.harmonise import builders

GRID = Grid((20, 80, 80), (3.0, 2.0, 2.0), (-79.0, -79.0, -28.5))


def volume(values, grid=GRID):
    return Volume(np.asarray(values, np.float32), grid, "1")


def noisy(signal=200.0, sd=10.0, shape=GRID.shape, seed=2):
    return signal + np.random.default_rng(seed).normal(0, sd, shape)


def body(radius_mm=60.0, centre_mm=(0.0, 0.0), grid=GRID):
    """A cylinder of signal 200 in air of 2, with noise."""
    index = np.indices(grid.shape)
    y = index[1] * 2.0 + grid.origin_mm[1] - centre_mm[0]
    x = index[2] * 2.0 + grid.origin_mm[0] - centre_mm[1]
    inside = x**2 + y**2 < radius_mm**2
    return np.abs(np.where(inside, 200.0, 2.0) + noisy(0.0, 3.0, grid.shape))


@pytest.mark.parametrize("sd", [1.0, 10.0, 40.0])
def test_the_noise_of_white_noise_is_its_standard_deviation(sd):
    assert noise_of(noisy(500.0, sd)) == pytest.approx(sd, rel=0.02)


def test_a_plane_has_no_noise_and_one_step_of_the_mask_is_its_closed_form():
    """|I * N| of one bright pixel sums to 16 (1+2+1+2+4+2+1+2+1); 5 x 5 has 9 places."""
    ramp = np.add.outer(np.arange(12.0), 3 * np.arange(12.0))[np.newaxis]
    single = np.zeros((1, 5, 5))
    single[0, 2, 2] = 6.0

    assert noise_of(ramp) == pytest.approx(0.0, abs=1e-12)
    assert noise_of(single) == pytest.approx(np.sqrt(np.pi / 2) * 16.0 / 9.0)
    assert noise_of(np.full((3, 2, 9), 1.0)) is None
    assert noise_of(np.full((1, 9, 9), np.nan)) is None


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_every_figure_stays_when_the_image_is_multiplied(factor):
    one, other = volume(body()), volume(body(50.0))
    scaled, scaled_other = volume(body() * factor), volume(body(50.0) * factor)

    assert signal_to_noise(scaled) == pytest.approx(signal_to_noise(one), rel=1e-4)
    outlines = outline_of(one), outline_of(scaled)
    assert largest_void_ml(outlines[1]) == largest_void_ml(outlines[0])
    overlaps = [
        overlap_of_outlines(first, outline_of(second, first))
        for first, second in zip(outlines, (other, scaled_other), strict=True)
    ]
    assert overlaps[0] == overlaps[1]


def test_the_signal_over_noise_is_that_of_the_box():
    assert signal_to_noise(volume(noisy(200.0, 10.0))) == pytest.approx(20.0, rel=0.02)


def test_dice_is_twice_what_is_shared_over_both():
    one, other = np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool)

    assert dice(one, other) == pytest.approx(2 * 2 / 6)
    assert dice(one, one) == 1.0
    assert dice(one & ~one, one & ~one) is None


def test_two_outlines_overlap_as_two_discs_do():
    """Equal discs a distance d apart share 2 r^2 acos(d / 2r) - d / 2 sqrt(4 r^2 - d^2)."""
    r, d = 60.0, 30.0
    shared = 2 * r**2 * np.arccos(d / (2 * r)) - d / 2 * np.sqrt(4 * r**2 - d**2)
    fixed = outline_of(volume(body(r, (0, -15))))

    moved = outline_of(volume(body(r, (0, 15))), fixed)

    assert overlap_of_outlines(fixed, moved) == pytest.approx(shared / (np.pi * r**2), abs=0.02)


def test_a_field_of_view_inside_the_body_has_no_outline():
    inside = outline_of(volume(noisy()))

    assert not inside.is_whole
    assert overlap_of_outlines(inside, outline_of(volume(body()), inside)) is None


def test_a_void_is_measured_in_millilitres():
    """A block of 8 slices x 20 x 20 pixels of 3 x 2 x 2 mm: 38.4 ml, less what lies on its edge."""
    values = noisy(200.0, 5.0)
    values[6:14, 30:50, 30:50] = 4.0

    assert 0.8 * 38.4 < largest_void_ml(outline_of(volume(values))) <= 38.4
    assert largest_void_ml(outline_of(volume(noisy()))) == 0.0


@pytest.mark.parametrize(
    ("phase", "matrix", "phase_mm", "frequency_mm"),
    [
        # 200 mm high, 160 wide: with the phase along rows, 320 phase steps share the width
        ("ROW", [0, 400, 320, 0], 0.5, 0.5),
        ("COL", [400, 0, 0, 250], 0.8, 0.4),
        ("COLUMN", [400, 0, 0, 250], 0.8, 0.4),
        (None, [400, 0, 0, 250], None, None),
        ("ROW", None, None, None),
        ("ROW", [0, 0, 0, 0], None, None),
    ],
)
def test_acquired_resolution_is_that_of_the_matrix_not_of_the_pixels(
    phase, matrix, phase_mm, frequency_mm
):
    header = {"InPlanePhaseEncodingDirection": phase, "AcquisitionMatrix": matrix}

    assert acquired_pixel_mm(header, 200.0, 160.0) == {
        "phase_mm": phase_mm,
        "frequency_mm": frequency_mm,
    }


@pytest.mark.parametrize(
    ("role", "figures", "expected"),
    [
        ("t2w_ax", {"slice_thickness_mm": 3.0, "slice_gap_mm": 0.0, "field_of_view_mm": 180}, []),
        ("t2w_ax", {"slice_thickness_mm": 4.0}, ["slice_thickness_mm"]),
        ("t2w_ax", {"slice_gap_mm": 0.3}, ["slice_gap_mm"]),
        ("t2w_ax", {"field_of_view_mm": 240, "frequency_mm": 0.5, "phase_mm": 0.7},
         ["field_of_view_mm", "frequency_mm"]),
        ("dwi", {"low_b_s_mm2": 50.0, "intermediate_b_s_mm2": 800.0}, ["high_b_s_mm2"]),
        ("dwi", {}, ["low_b_s_mm2", "intermediate_b_s_mm2", "high_b_s_mm2"]),
        ("dce_re", {"temporal_resolution_s": 20.0, "duration_s": 90.0},
         ["temporal_resolution_s", "duration_s"]),
        ("adc", {"slice_thickness_mm": 9.0}, []),
    ],
)  # fmt: skip
def test_deviations_are_named_and_what_is_not_known_is_none(role, figures, expected):
    """PI-RADS v2.1, section III."""
    assert deviations("pirads-2.1", role, figures) == expected


def study(folder, *, dwi=None, t2=None):
    """One T2 and one diffusion series of two b-values on the same place."""
    grid = replace(GRID, shape=(12, 80, 80))
    scene = body(grid=grid)
    t2 = scene if t2 is None else t2
    place = {"origin_mm": grid.origin_mm, "PixelSpacing": [2.0, 2.0]}
    datasets = builders.t2w(12, values=np.round(t2 * 4), **place)
    for n, b in enumerate((50.0, 800.0)):
        values = (scene if dwi is None else dwi) * np.exp(-b * 1e-3)
        datasets += builders.dwi(
            12,
            b,
            values=np.round(values * 4),
            first_uid=500 + 20 * n,
            SeriesInstanceUID=builders.uid(11),
            **place,
        )
    rows = apply_study(
        plan_study(builders.write_all(datasets, folder / "in"), find_recipe("prostate-mpmri")),
        folder / "out",
    )
    made = {(row.role, row.b_value): row for row in rows if row.volume_id}
    records = {
        key: json.loads((folder / "out" / f"{row.dicom_path}.json").read_bytes())
        for key, row in made.items()
    }
    return made, records


SHAPE = (12, 80, 80)


def test_a_sound_study_has_figures_and_no_flag_of_theirs(tmp_path):
    made, records = study(tmp_path)

    qc = records[("dwi", 50.0)]["qc"]
    assert qc["outline_dice"] > 0.95
    assert qc["snr_in_box"] > 20
    assert records[("t2w_ax", None)]["qc"]["largest_void_ml"] == 0.0
    assert "high_b_s_mm2" in qc["protocol_deviations"]
    assert qc["protocol"]["name"] == "pirads-2.1"
    for row in made.values():
        assert not set(row.codes) & {"MR_OUTLINE_DIFFERS", "MR_SIGNAL_VOID", "MR_SNR_LOW"}
    assert "quality   snr_in_box" in render(records[("dwi", 50.0)])


def test_another_outline_asks_for_a_look(tmp_path):
    made, _ = study(tmp_path, dwi=body(40.0, (0, 15), replace(GRID, shape=SHAPE)))

    assert "MR_OUTLINE_DIFFERS" in made[("dwi", 50.0)].codes


def test_a_void_in_the_middle_of_t2_asks_for_a_look(tmp_path):
    values = body(grid=replace(GRID, shape=SHAPE))
    values[2:10, 34:46, 34:46] = 2.0

    made, records = study(tmp_path, t2=values)

    assert records[("t2w_ax", None)]["qc"]["largest_void_ml"] > 5.0
    assert "MR_SIGNAL_VOID" in made[("t2w_ax", None)].codes


def test_an_image_that_is_noise_asks_for_a_look(tmp_path):
    """A magnitude of signal 40 in noise of 40 (Gudbjartsson and Patz 1995)."""
    signal = body(grid=replace(GRID, shape=SHAPE)) * 0.2
    magnitude = np.hypot(signal + noisy(0, 40, SHAPE, 5), noisy(0, 40, SHAPE, 6))

    made, _ = study(tmp_path, dwi=magnitude)

    assert "MR_SNR_LOW" in made[("dwi", 800.0)].codes


@pytest.mark.realdata
def test_the_real_prostate_is_measured_and_the_endorectal_coil_seen(runs):
    """PROSTATEx has no coil; PROSTATE-MRI 0001 has one (its series is called ERC)."""
    quality = {}
    for name in ("prostate", "philips"):
        run = runs(name)
        row = run.row("t2w_ax")
        record = json.loads((run.out / f"{row.dicom_path}.json").read_bytes())
        quality[name] = (record["qc"]["largest_void_ml"], "MR_SIGNAL_VOID" in row.codes)
    assert quality["prostate"] == (0.0, False)
    assert quality["philips"][0] > 5.0
    assert quality["philips"][1]
