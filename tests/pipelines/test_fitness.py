"""A project whose policy starves its recipe is refused before the first study."""

from __future__ import annotations

from pathlib import Path

from config.library import find_policy, resolve
from config.overrides import Override
from pipelines.fitness import misfits, removed_by


def test_everything_shipped_fits() -> None:
    assert misfits() == []


def test_pet_needs_what_the_basic_profile_removes() -> None:
    """PS3.15 Table E.1-1: PatientWeight X (K with 113108), SeriesTime X/D (C with 113107)."""
    needed = ("PatientWeight", "SeriesTime", "RescaleSlope", "FrameOfReferenceUID")
    assert removed_by(find_policy("basic"), needed) == ["PatientWeight", "SeriesTime"]
    assert removed_by(find_policy("research-longitudinal"), needed) == []


def test_a_policy_that_denies_the_unlisted_keeps_what_images_are_made_of() -> None:
    strict = find_policy("strict")
    needed = ("RescaleSlope", "PixelSpacing", "EchoTime", "RadionuclideTotalDose")
    assert removed_by(strict, needed) == []
    assert removed_by(strict, ("SequenceName", "ConvolutionKernel")) == [
        "SequenceName",
        "ConvolutionKernel",
    ]


def test_an_override_that_takes_away_counts_even_for_one_class() -> None:
    reason = "agreed with the ethics board"
    research = find_policy("research-longitudinal")
    for classes in ((), ("CTImageStorage",)):
        own = Override(
            attribute="PatientWeight", action="remove", reason=reason, sop_classes=classes
        )
        policy = research.model_copy(update={"overrides": (own,)})
        assert removed_by(policy, ("PatientWeight", "PatientSize")) == ["PatientWeight"]
    kept = Override(attribute="PatientWeight", action="keep", reason=reason)
    policy = find_policy("basic").model_copy(update={"overrides": (kept,)})
    assert removed_by(policy, ("PatientWeight", "PatientSize")) == ["PatientSize"]


def test_a_starved_project_is_named_with_policy_recipe_and_attribute(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "recipes").mkdir()
    recipe = resolve("recipes", "native").read_text().replace("steps: []", "")
    (tmp_path / "recipes" / "native.yaml").write_text(recipe + "requires: [PatientWeight]\n")
    project = resolve("projects", "prostate-mpmri").read_text()
    project = project.replace("research-longitudinal", "basic")
    project = project.replace("recipe: prostate-mpmri", "recipe: native")
    (tmp_path / "projects" / "prostate-mpmri.yaml").write_text(project)
    (problem,) = misfits(tmp_path)
    assert "policy 'basic' removes PatientWeight, which recipe 'native' requires" in problem


def test_a_step_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "recipes").mkdir()
    text = resolve("recipes", "native").read_text().replace("steps: []", "steps: [resampel]")
    (tmp_path / "recipes" / "native.yaml").write_text(text)
    (problem,) = misfits(tmp_path)
    assert "resampel" in problem
