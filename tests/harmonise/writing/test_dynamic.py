"""Dynamic series: real times, counted baseline, relative enhancement against hand arithmetic."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest

from config.errors import ConfigurationError, InconsistentSeries
from config.library import find_recipe
from config.recipe import Recipe
from harmonise.acquisitions import acquisition_rows
from harmonise.dynamic import relative_enhancement, timing_of
from harmonise.series import Frame, Stack
from harmonise.study import apply_study, plan_study
from harmonise.volume import Grid, Volume
from pipelines.prepare.replay_file import replay_file
from tests.harmonise import builders
from tests.support import referees

RECIPE = Recipe.model_validate({"name": "dce", "roles": ["dce_re"]})

START_S = 3600 * 10 + 60 * 20 + 30.0
INTERVALS_S = (9.0, 9.0, 9.0, 9.2, 8.8)
SECONDS = (0.0, *np.cumsum(INTERVALS_S))
SIGNAL = (100, 102, 98, 180, 240, 210)
"""Of the gland: three phases before contrast, mean 100; the highest after it 240: + 140 %."""
MUSCLE = (200, 200, 200, 210, 216, 220)
"""+ 10 %."""


def clock(seconds):
    """DICOM TM of seconds after midnight."""
    hours, rest = divmod(seconds % 86400, 3600)
    return f"{int(hours):02d}{int(rest // 60):02d}{rest % 60:09.6f}"


def phase(number, *, time=None, signal=None, **changes):
    """One phase: left half muscle, right half gland, a dark corner of 2."""
    values = np.zeros((4, 6, 8), int)
    values[:, :, :4] = MUSCLE[number]
    values[:, :, 4:] = SIGNAL[number] if signal is None else signal
    values[:, 0, 0] = 2
    said = {
        "SeriesDescription": "DCE dyn",
        "ScanningSequence": "GR",
        "EchoTime": 1.4,
        "RepetitionTime": 4.0,
        "SeriesInstanceUID": builders.uid(40),
        "TemporalPositionIdentifier": number + 1,
        "NumberOfTemporalPositions": len(SIGNAL),
        "AcquisitionTime": clock(START_S + SECONDS[number]) if time is None else time,
        "TriggerTime": None,
    }
    return builders.slices(4, values=values, first_uid=1000 + 10 * number, **{**said, **changes})


def write(phases, folder):
    return builders.write_all([ds for one in phases for ds in one], folder)


def whole(**changes):
    return [phase(number, **changes) for number in range(len(SIGNAL))]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    source, out = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("out")
    (row,) = apply_study(plan_study(write(whole(), source), RECIPE), out)
    values = np.asarray(nib.load(out / row.nifti_path).dataobj).T
    side = json.loads((out / f"{row.dicom_path}.json").read_bytes())
    return source, out, row, values, side


def test_relative_enhancement_is_that_of_hand_arithmetic(made):
    *_, row, values, _ = made

    assert (row.role, row.unit, row.verdict, row.codes) == ("dce_re", "%", "PASS", ())
    assert values[:, :, 4:] == pytest.approx(140.0)
    assert values[:, 1:, :4] == pytest.approx(10.0)


def test_a_ratio_to_noise_is_no_measurement(made):
    assert np.isnan(made[3][:, 0, 0]).all()


def test_times_resolution_and_baseline_are_in_the_provenance(made):
    computed = made[4]["computed"]

    assert computed["seconds"] == pytest.approx(SECONDS)
    assert computed["temporal_resolution_s"] == pytest.approx(9.0)
    assert computed["baseline_phases"] == 3


def test_every_frame_of_every_phase_is_a_source(made):
    _, out, row, _, side = made

    assert len(side["inputs"]) == 4 * len(SIGNAL)
    assert row.source_series_uids == (builders.uid(40),)
    ds = pydicom.dcmread(out / row.dicom_path / "0002.dcm")
    named = {item.ReferencedSOPInstanceUID for item in ds.SourceImageSequence}
    assert named == {builders.uid(1001 + 10 * number) for number in range(len(SIGNAL))}
    assert ds.DerivationCodeSequence[0].CodeValue == "129104", "perfusion image analysis"
    (mapping,) = ds.RealWorldValueMappingSequence
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "%"
    for keyword in ("TemporalPositionIdentifier", "NumberOfTemporalPositions", "TriggerTime"):
        assert keyword not in ds


def test_the_map_is_valid_and_replays_bit_for_bit(made):
    source, out, row, *_ = made
    files = sorted((out / row.dicom_path).iterdir())

    assert referees.all_dciodvfy_errors(files) <= referees.all_dciodvfy_errors(source.iterdir())
    for file in (row.nifti_path, row.dicom_path):
        replayed = replay_file(out / file, source)
        assert (replayed.code, replayed.detail) == ("", "")


def test_the_prostate_recipe_brings_it_onto_the_grid_of_t2(tmp_path):
    values = 500 + builders.ramp(6, 40, 48) // 3
    paths = builders.write_all(builders.t2w(6, values=values), tmp_path / "t2")
    paths += write(whole(), tmp_path / "dce")

    rows = apply_study(plan_study(paths, find_recipe("prostate-mpmri")), tmp_path / "out")

    by_role = {row.role: row for row in rows}
    assert set(by_role) == {"t2w_ax", "dce_re"}
    assert by_role["dce_re"].slices == by_role["t2w_ax"].slices
    values = np.asarray(nib.load(tmp_path / "out" / by_role["dce_re"].nifti_path).dataobj)
    assert np.nanmax(values) == pytest.approx(140.0, abs=0.01)


def test_phases_are_volumes_where_a_recipe_asks_for_them(tmp_path):
    paths = write(whole(), tmp_path)
    recipe = Recipe.model_validate({"name": "both", "roles": ["dce", "dce_re"], "every": ["dce"]})

    plan = plan_study(paths, recipe)

    assert [volume.role.name for volume in plan.volumes] == ["dce"] * 6 + ["dce_re"]
    assert len({volume.volume_id for volume in plan.volumes}) == 7


def test_the_dynamic_series_is_one_row_of_acquisitions_as_it_was_acquired(tmp_path):
    paths = write(whole(), tmp_path)
    both = Recipe.model_validate({"name": "both", "roles": ["dce", "dce_re"], "every": ["dce"]})

    for recipe in (RECIPE, both):
        (row,) = acquisition_rows(plan_study(paths, recipe), {})

        assert (row["roles"], row["geometry"], row["plane"]) == (["dce"], "REGULAR", "ax")
        assert (row["images"], row["temporal_positions"]) == (24, 6)


def test_an_intensity_step_on_it_stops_before_the_first_study():
    recipe = RECIPE.model_copy(
        update={"steps": Recipe.model_validate({"name": "x", "steps": ["zscore"]}).steps}
    )

    with pytest.raises(ConfigurationError, match="QUANTITATIVE_NOT_NORMALISED"):
        plan_study([], recipe)


def test_a_lost_phase_of_the_middle_makes_it_irregular(tmp_path):
    paths = write([one for n, one in enumerate(whole()) if n != 3], tmp_path / "in")

    (row,) = apply_study(plan_study(paths, RECIPE), tmp_path / "out")

    assert (row.verdict, row.codes) == ("REVIEW", ("MR_DCE_IRREGULAR_TIMES",))


REFUSED = {
    "no times": ({"time": ""}, "MR_DCE_TIMES_UNKNOWN"),
    "one time for all": ({"time": "102030"}, "MR_DCE_TIMES_UNKNOWN"),
    "no contrast": ({"signal": 100}, "MR_DCE_NO_ENHANCEMENT"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_known_is_refused(changes, code, tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.MUSCLE", (200,) * 6)

    (row,) = apply_study(plan_study(write(whole(**changes), tmp_path / "in"), RECIPE), tmp_path)

    assert (row.verdict, row.codes, row.volume_id) == ("REJECT", (code,), None)


def test_two_phases_are_no_dynamic_series(tmp_path):
    paths = write([phase(0), phase(4)], tmp_path / "in")

    (row,) = apply_study(plan_study(paths, RECIPE), tmp_path / "out")

    assert row.codes == ("MR_DCE_TIMES_UNKNOWN",)


def stack(time, position=None, trigger=None, also=()):
    frames = tuple(
        Frame(
            ".",
            0,
            f"1.{i}",
            "1.2",
            1,
            1,
            None,
            None,
            None,
            acquisition_time=t,
            temporal_position=position,
        )
        for i, t in enumerate((time, *also))
    )
    header = {} if trigger is None else {"TriggerTime": trigger}
    return Stack("1", "1", "S", "MR", "1.9", frames, header=header)


def test_trigger_times_are_read_where_the_clock_stands_still():
    timing = timing_of([stack("101112", trigger=t) for t in (0.0, 14500.0, 7000.0)])

    assert timing.order == (0, 2, 1)
    assert timing.seconds == (0.0, 7.0, 14.5)


def test_date_times_and_midnight_are_understood():
    times = ("20170305235950.5", "20170306000000.25+0100", "20170306000010.0")

    assert timing_of([stack(t) for t in times]).seconds == (0.0, 9.75, 19.5)


def test_a_phase_begins_with_its_first_frame():
    stacks = [stack("101020", also=("101010",)), stack("101040"), stack("101100")]

    assert timing_of(stacks).seconds == (0.0, 30.0, 50.0)


def test_times_that_contradict_temporal_positions_are_not_believed():
    stacks = [stack("101010", 1), stack("101030", 3), stack("101020", 2)]
    assert timing_of(stacks).order == (0, 2, 1)

    stacks = [stack("101010", 1), stack("101030", 2), stack("101020", 3)]
    with pytest.raises(InconsistentSeries, match=r"MR_DCE_TIMES_UNKNOWN.*0020,0100"):
        timing_of(stacks)


def test_phases_are_read_one_at_a_time_twice():
    grid = Grid((1, 4, 10), (1.0, 1.0, 1.0))
    stacks = [stack(clock(START_S + s)) for s in SECONDS]
    read = []

    def volume(index):
        read.append(index)
        return Volume(np.full(grid.shape, SIGNAL[index], np.float32), grid, "1")

    result = relative_enhancement(stacks, volume)

    assert read == [0, 1, 2, 3, 4, 5] * 2
    assert result.values == pytest.approx(140.0)
    assert result.quantitative
