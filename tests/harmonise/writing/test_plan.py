"""Plans: which series fill which roles, what is declined and why, all from headers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from config.errors import ConfigurationError
from config.library import find_recipe, names
from config.recipe import Recipe
from harmonise.study import apply_study, before_volume, check_recipe, plan_study
from tests.harmonise import builders

GRID = {"resample": {"spacing_mm": [3.0, 2.0, 2.0], "shape": [4, 6, 6]}}


def recipe_of(**changes):
    said = {
        "name": "small",
        "modalities": ["MR"],
        "roles": ["t2w_ax", "adc", "dwi"],
        "reference_role": "t2w_ax",
        "steps": [GRID],
    }
    return Recipe.model_validate({**said, **changes})


def series(number, made, **changes):
    for ds in made:
        ds.SeriesInstanceUID = builders.uid(number)
        builders.changed(ds, changes)
    return made


def bright(values=None):
    """Values of 500 and more, so that nothing is the scanner's mask."""
    return 500 + builders.ramp(5, 6, 8) if values is None else values


def t2w(**changes):
    return series(10, builders.t2w(values=bright(), **changes))


def adc(first_uid=200, **changes):
    return series(20, builders.adc(values=bright(), first_uid=first_uid, **changes))


def dwi(number=30, first_uid=300, b_value=800.0, **changes):
    made = builders.dwi(b_value=b_value, values=bright(), first_uid=first_uid, **changes)
    return series(number, made)


def plan(tmp_path, datasets, recipe=None):
    return plan_study(builders.write_all(datasets, tmp_path / "in"), recipe or recipe_of())


def roles_of(planned):
    return [(one.role.name, one.role.b_value) for one in planned.volumes]


def declined_of(planned):
    return sorted((one.refusal.series_uid, one.refusal.code) for one in planned.declined)


@pytest.mark.parametrize("name", names("recipes"))
def test_every_shipped_recipe_can_be_carried_out(name):
    assert "*" in check_recipe(find_recipe(name))


def test_the_shipped_recipes_are_those_promised():
    assert {"mammography", "native", "prostate-mpmri"} <= set(names("recipes"))


def test_volumes_come_in_the_recipes_order_of_roles(tmp_path):
    datasets = [*dwi(), *dwi(first_uid=320, b_value=50.0), *adc(), *t2w()]

    assert roles_of(plan(tmp_path, datasets)) == [
        ("t2w_ax", None),
        ("adc", None),
        ("dwi", 50.0),
        ("dwi", 800.0),
    ]


def test_every_series_that_is_not_made_is_a_row(tmp_path):
    scout = series(40, builders.t2w(3, first_uid=500, SeriesDescription="localizer"))

    planned = plan(tmp_path, [*t2w(), *scout])

    assert declined_of(planned) == [(builders.uid(40), "NOT_SELECTED")]


def test_of_two_series_the_one_that_covers_more_is_chosen_and_the_reason_logged(tmp_path):
    short = series(11, builders.t2w(values=bright(), first_uid=150, keep=range(2)))

    planned = plan(tmp_path, [*short, *t2w()])

    assert planned.volumes[0].stack.series_uid == builders.uid(10)
    assert planned.volumes[0].log[0] == "chosen of 2: covers more of the grid"
    assert declined_of(planned) == [(builders.uid(11), "NOT_SELECTED")]


def test_of_two_that_cover_alike_the_finer_one_is_chosen(tmp_path):
    fine = np.kron(bright(), np.ones((1, 2, 2))).astype(int)
    finer = series(19, builders.t2w(values=fine, first_uid=150, PixelSpacing=[1.0, 0.75]))

    planned = plan(tmp_path, [*t2w(), *finer])

    assert planned.volumes[0].stack.series_uid == builders.uid(19)
    assert planned.volumes[0].log[0] == "chosen of 2: finer in plane"


def test_a_tie_is_broken_the_same_way_each_time_and_said(tmp_path):
    twin = series(12, builders.t2w(values=bright(), first_uid=150))

    planned = plan(tmp_path, [*twin, *t2w()])

    assert planned.volumes[0].stack.series_uid == builders.uid(10)
    assert planned.volumes[0].log[0] == "chosen of 2: first by series UID, otherwise a tie"


def test_a_study_without_the_reference_is_refused_series_by_series(tmp_path):
    planned = plan(tmp_path, [*adc(), *dwi()])

    assert planned.volumes == ()
    assert declined_of(planned) == [
        (builders.uid(20), "NO_REFERENCE_SERIES"),
        (builders.uid(30), "NO_REFERENCE_SERIES"),
    ]


def test_a_study_without_the_reference_may_keep_each_series_on_its_own_grid(tmp_path):
    planned = plan(tmp_path, adc(), recipe_of(on_missing_reference="native"))

    assert roles_of(planned) == [("adc", None)]
    assert planned.volumes[0].reference is None


def test_a_missing_slice_declines_its_series_and_no_other(tmp_path):
    holed = series(
        20, builders.adc(values=bright(), first_uid=200, keep=[0, 1, 3, 4], spacing_mm=3.0)
    )
    planned = plan(tmp_path, [*t2w(), *holed, *dwi()])

    assert declined_of(planned) == [(builders.uid(20), "MR_MISSING_SLICE")]
    rows = apply_study(planned, tmp_path / "out")
    assert [(row.role, row.verdict) for row in rows] == [
        ("dwi", "PASS"),
        ("t2w_ax", "PASS"),
        ("adc", "REJECT"),
    ]


def test_a_series_that_misses_part_of_the_grid_asks_for_a_look(tmp_path):
    aside = adc(origin_mm=(-1.0, -20.0, -30.0))

    planned = plan(tmp_path, [*t2w(), *aside])
    rows = {row.role: row for row in apply_study(planned, tmp_path / "out")}

    assert rows["adc"].codes == ("MR_FOV_NOT_COVERED",)
    assert rows["adc"].verdict == "REVIEW"
    assert rows["t2w_ax"].verdict == "PASS"
    coverage = tmp_path / "out" / f"{rows['adc'].nifti_path[:-7]}.coverage.nii.gz"
    assert coverage.is_file()
    assert not (tmp_path / "out" / f"{rows['t2w_ax'].nifti_path[:-7]}.coverage.nii.gz").exists()


def test_another_frame_of_reference_asks_for_a_look(tmp_path):
    elsewhere = adc(FrameOfReferenceUID=builders.uid(9))

    planned = plan(tmp_path, [*t2w(), *elsewhere])

    assert planned.volumes[1].codes == ("MR_FRAME_OF_REFERENCE_DIFFERS",)


def test_all_roles_share_one_grid(tmp_path):
    planned = plan(tmp_path, [*t2w(), *adc(), *dwi()])

    assert len({volume.target() for volume in planned.volumes}) == 1
    assert planned.volumes[0].target().spacing_mm == (3.0, 2.0, 2.0)


def test_the_picture_before_lies_on_the_grid_of_the_picture_after(tmp_path):
    recipe = recipe_of(role_steps={"t2w_ax": [GRID, "zscore"]})
    planned = plan(tmp_path, t2w(), recipe)
    (volume,) = planned.volumes

    before = before_volume(planned, volume.volume_id)

    assert before.grid == volume.target()
    assert before.unit == "[arb'U]"
    assert float(np.nanmin(before.values)) >= 500


def test_a_picture_before_of_an_unknown_volume_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="VOLUME_UNKNOWN: t2w_ax-00000000"):
        before_volume(plan(tmp_path, t2w()), "t2w_ax-00000000")


@pytest.mark.parametrize("step", ["zscore", "percentile", "n4", "low_b_scale"])
def test_a_recipe_may_not_rescale_a_quantitative_role(step):
    with pytest.raises(
        ConfigurationError, match=f"QUANTITATIVE_NOT_NORMALISED.*{step} on role adc"
    ):
        check_recipe(recipe_of(steps=[GRID, step]))


def test_a_recipe_for_every_role_may_not_rescale_either():
    with pytest.raises(ConfigurationError, match="QUANTITATIVE_NOT_NORMALISED"):
        check_recipe(recipe_of(roles=[], reference_role=None, steps=["zscore"]))


def test_the_dry_run_is_json_and_names_grid_steps_and_refusals(tmp_path):
    scout = series(40, builders.t2w(3, first_uid=500, SeriesDescription="localizer"))

    rows = json.loads(json.dumps(plan(tmp_path, [*t2w(), *scout]).rows()))

    assert [row["role"] for row in rows] == ["t2w_ax", "localizer"]
    assert rows[0]["grid"]["shape"] == [4, 6, 6]
    assert rows[0]["steps"][0]["step"] == "resample"
    assert rows[1]["codes"] == ["NOT_SELECTED"]
    assert rows[1]["volume_id"] is None


def test_a_folder_without_dicom_gives_one_row_a_file(tmp_path):
    (tmp_path / "notes.txt").write_text("not DICOM")

    planned = plan_study([tmp_path / "notes.txt"], recipe_of())

    assert [one.refusal.code for one in planned.declined] == ["FILE_UNREADABLE"]
    (row,) = apply_study(planned, tmp_path / "out")
    assert (row.verdict, row.source_series_uids) == ("REJECT", ())


def test_a_volume_that_fails_in_its_pixels_leaves_the_others_alone(tmp_path):
    flat = series(20, builders.t2w(values=np.zeros((5, 6, 8), int), first_uid=200))
    builders.changed(flat[0], {})
    for ds in flat:
        ds.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
        ds.SeriesDescription = "ADC"

    rows = apply_study(plan(tmp_path, [*t2w(), *flat]), tmp_path / "out")

    assert [(row.role, row.verdict, row.codes) for row in rows] == [
        ("t2w_ax", "PASS", ()),
        ("adc", "REJECT", ("MR_ADC_UNIT_UNKNOWN",)),
    ]


def test_a_patient_id_cannot_lead_out_of_the_folder(tmp_path):
    planned = plan(tmp_path, t2w(PatientID="../../escape"))

    (row,) = apply_study(planned, tmp_path / "out")

    assert row.subject == "../../escape"
    assert row.nifti_path.startswith("_.._escape/")
    assert [path.name for path in tmp_path.iterdir()] != ["escape"]
    assert (tmp_path / "out" / row.nifti_path).is_file()
