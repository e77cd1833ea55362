"""A model fitted over written studies: the same whatever the order, used by plan and apply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from config.errors import ConfigurationError
from config.recipe import Recipe, StepSpec
from harmonise.apply import apply_study
from harmonise.study import (
    fit_key,
    fit_model,
    measure_study,
    model_from_bytes,
    needs_fit,
    plan_study,
)
from tests.harmonise import builders

LANDMARKS = {"landmarks": {"mask": "all", "ranks": [1, 25, 50, 75, 99], "minimum_subjects": 3}}


def recipe_of(*steps, **changes):
    facts = {
        "name": "fitted",
        "modalities": ["MR"],
        "roles": ["t2w_ax"],
        "steps": steps or (LANDMARKS,),
        **changes,
    }
    return Recipe.model_validate(facts)


def study(tmp_path, number, gain=1.0, maker="SIEMENS"):
    """One T2W-like series of a subject of its own, its grey values bent by a gain."""
    rng = np.random.default_rng(number)
    values = np.rint(gain * rng.gamma(3.0, 100.0, (5, 16, 16))).astype(np.int32)
    datasets = builders.t2w(values=values)
    for ds in datasets:
        ds.PatientID = f"S-{number}"
        ds.Manufacturer = maker
        ds.StudyInstanceUID = builders.uid(1000 + number)
        ds.SeriesInstanceUID = builders.uid(2000 + number)
        ds.SOPInstanceUID = builders.uid(int(f"3{number:03d}{int(ds.InstanceNumber):03d}"))
    return builders.write_all(datasets, tmp_path / f"in{number}")


@pytest.fixture
def measured(tmp_path):
    recipe = recipe_of()
    makers = ("SIEMENS", "Siemens Healthineers", "GE MEDICAL SYSTEMS")
    return [
        one
        for number, maker in enumerate(makers)
        for one in measure_study(
            plan_study(study(tmp_path, number, number + 1.0, maker), recipe), f"site{number}"
        )
    ]


def test_a_model_does_not_depend_on_the_order_of_studies(measured):
    one, other = fit_model(recipe_of(), measured), fit_model(recipe_of(), measured[::-1])

    assert one is not None
    assert other is not None
    assert one.to_bytes() == other.to_bytes()


def test_the_model_says_over_whom_it_was_fitted_and_how_they_weighed(measured):
    model = fit_model(recipe_of(), measured)

    assert model is not None
    (entry,) = model.kinds.values()
    assert (entry["subjects"], entry["images"]) == (3, 3)
    cells = {(c["site"], c["vendor"]): c["weight"] for c in entry["cells"]}
    assert cells == pytest.approx(
        {("site0", "siemens"): 7 / 24, ("site1", "siemens"): 7 / 24, ("site2", "ge"): 10 / 24}
    )
    assert (entry["fitted"]["scale"][0], entry["fitted"]["scale"][-1]) == (0, 100)
    assert b"S-0" not in model.to_bytes()


def test_too_few_subjects_give_no_model_and_then_a_named_refusal(measured, tmp_path):
    assert fit_model(recipe_of(), measured[:2]) is None

    (row,) = apply_study(plan_study(study(tmp_path, 7), recipe_of()), tmp_path / "out")

    assert (row.verdict, row.codes) == ("REJECT", ("MODEL_TOO_FEW_SUBJECTS",))


def test_two_studies_of_one_subject_are_one_subject(measured):
    same = [replace(one, subject="S-0") for one in measured]

    assert fit_model(recipe_of(), same) is None


def test_without_a_model_a_recipe_may_ask_for_scaling_case_by_case_and_it_is_flagged(tmp_path):
    recipe = recipe_of({"landmarks": {**LANDMARKS["landmarks"], "too_few": "zscore"}})

    (row,) = apply_study(plan_study(study(tmp_path, 7), recipe), tmp_path / "out")

    assert (row.verdict, row.model_hash) == ("REVIEW", None)
    assert "INTENSITY_PER_CASE" in row.codes


def test_the_models_hash_is_in_the_manifest_and_in_the_uids(measured, tmp_path):
    model = fit_model(recipe_of(), measured)
    assert model is not None
    other = fit_model(recipe_of(), [*measured[:2], replace(measured[2], site="elsewhere")])
    assert other is not None
    paths = study(tmp_path, 7)

    rows = [
        apply_study(plan_study(paths, recipe_of(), model=one), tmp_path / one.hash)[0]
        for one in (model, other)
    ]

    assert [row.model_hash for row in rows] == [model.hash, other.hash]
    uids = {
        next((tmp_path / row.model_hash / row.dicom_path).iterdir()).read_bytes()[:2000]
        for row in rows
    }
    assert len(uids) == 2


def test_a_model_read_back_is_the_same_and_one_changed_by_hand_is_refused(measured):
    model = fit_model(recipe_of(), measured)
    assert model is not None

    assert model_from_bytes(model.to_bytes() + b"\n") == model
    with pytest.raises(ConfigurationError, match="MODEL_UNREADABLE"):
        model_from_bytes(model.to_bytes().replace(b'"subjects":3', b'"subjects": 3'))
    with pytest.raises(ConfigurationError, match="MODEL_UNREADABLE"):
        model_from_bytes(b"{}")


def test_a_step_before_the_fitted_one_changes_what_a_model_fits_and_one_after_does_not():
    key = fit_key(recipe_of())

    assert fit_key(recipe_of("n4", LANDMARKS)) != key
    assert fit_key(recipe_of(LANDMARKS, {"resample": {"spacing_mm": [3, 1, 1]}})) == key


def test_two_fitted_steps_for_one_role_are_refused():
    with pytest.raises(ConfigurationError, match="RECIPE_FITS_TWICE"):
        needs_fit(recipe_of(LANDMARKS, LANDMARKS))


def test_ranks_that_do_not_rise_are_refused():
    with pytest.raises(ConfigurationError, match="ranks must rise"):
        needs_fit(recipe_of(StepSpec(step="landmarks", params={"ranks": [1, 50, 50]})))
