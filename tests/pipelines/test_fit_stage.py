"""Plan, fit, apply in a project: fitted once, frozen, used later, refitted by command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError, RejectedError
from config.files import sha256_file
from config.settings import load_settings
from harmonise.manifest import ManifestRow
from pipelines.acquire.archive import Archive
from pipelines.catalogue.research import ResearchObject, SeriesResult, StudyRow
from pipelines.cohort.assemble import assemble
from pipelines.cohort.release import _deliver_models, release
from pipelines.cohort.review import record_decision, review_items
from pipelines.demo.hospitals import World
from pipelines.engine import Engine
from pipelines.prepare.harmonise_folder import harmonise_folder
from pipelines.prepare.models import ModelShelf, read_model
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.prepare.stage_harmonise import harmonise
from pipelines.progress import Silent
from pipelines.stages import acquire
from pipelines.workspace import Workspace, open_workspace
from tests.support.installation import write_installation

SMALL = {"spacing_mm": [9.0, 4.0, 4.0], "shape": [5, 32, 32]}
RECIPE = {
    "name": "small-t2",
    "modalities": ["MR"],
    "roles": ["t2w_ax", "adc"],
    "reference_role": "t2w_ax",
    "steps": [{"resample": SMALL}],
    "role_steps": {
        "t2w_ax": [{"resample": SMALL}, {"landmarks": {"minimum_subjects": 2, "mask": "all"}}]
    },
}


def write_recipe(ws: Workspace, **params: object) -> None:
    recipe = {**RECIPE, "role_steps": {"t2w_ax": [{"resample": SMALL}, {"landmarks": params}]}}
    folder = ws.settings.config_root / "recipes"
    folder.mkdir(exist_ok=True)
    (folder / "small-t2.yaml").write_text(yaml.safe_dump(recipe))


@pytest.fixture(scope="module")
def deidentified_home(tiny_world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with a hospital's studies de-identified, made once."""
    home = tmp_path_factory.mktemp("fit") / "home"
    settings = load_settings(home, {}).model_copy(update={"jobs": 1})
    with Archive(tiny_world.sites["chu-atlas"].files, "ATLAS") as archive:
        write_installation(settings, archive.port)
        project = settings.config_root / "projects" / "tiny.yaml"
        project.write_text(
            project.read_text().replace("recipe: prostate-mpmri", "recipe: small-t2")
        )
        with open_workspace(settings) as ws:
            write_recipe(ws, minimum_subjects=2, mask="all")
            acquire(ws, ws.project("tiny"), ws.site("chu-atlas"))
            deidentify(ws, ws.project("tiny"), ws.site("chu-atlas"))
    return home


@pytest.fixture
def ready(deidentified_home: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of that home, open."""
    home = tmp_path / "home"
    shutil.copytree(deidentified_home, home)
    with open_workspace(load_settings(home, {}).model_copy(update={"jobs": 1})) as ws:
        yield ws


def shelf(ws: Workspace) -> ModelShelf:
    return ModelShelf(ws.research.models("tiny"))


def results(ws: Workspace, role: str = "t2w_ax") -> list[SeriesResult]:
    query = select(SeriesResult).where(SeriesResult.role == role, SeriesResult.verdict != "REJECT")
    with ws.catalogue.session() as session:
        found = list(session.scalars(query))
        session.expunge_all()
        return found


def objects_of(session: Session, row_id: str) -> list[str]:
    query = select(ResearchObject.sha256).where(ResearchObject.row_id == row_id)
    return list(session.scalars(query))


def hide_one_study(ws: Workspace) -> str:
    """Take a whole study away (none with a missing slice), as if it came later; return its row."""
    with ws.catalogue.session() as session:
        rows = session.scalars(select(StudyRow).where(StudyRow.outcome == "deidentified")).all()
        with_t2 = max(rows, key=lambda r: (len(objects_of(session, r.row_id)), r.row_id))
        with_t2.project = "elsewhere"
        return with_t2.row_id


def bring_back(ws: Workspace, row_id: str) -> None:
    with ws.catalogue.session() as session:
        session.get_one(StudyRow, row_id).project = "tiny"


def test_the_model_is_fitted_once_and_a_second_run_makes_nothing(ready: Workspace) -> None:
    harmonise(ready, ready.project("tiny"))
    (version,) = shelf(ready).versions()
    before = sha256_file(shelf(ready).path(version))
    again = harmonise(ready, ready.project("tiny"))

    assert again.done == 0
    assert shelf(ready).versions() == [1]
    assert sha256_file(shelf(ready).path(1)) == before


def test_every_volume_of_the_study_names_the_model(ready: Workspace) -> None:
    harmonise(ready, ready.project("tiny"))
    model = read_model(shelf(ready).path(1))
    made = results(ready)

    assert len(made) >= 2
    assert {row.manifest["model_hash"] for row in made} == {model.hash}
    assert not [row for row in made if "INTENSITY_PER_CASE" in row.codes]
    assert model.kinds["t2w_ax"]["cells"][0]["site"] == "chu-atlas"


def test_a_study_that_comes_later_uses_the_frozen_model(ready: Workspace) -> None:
    row_id = hide_one_study(ready)
    harmonise(ready, ready.project("tiny"))
    model = read_model(shelf(ready).path(1))
    bring_back(ready, row_id)

    account = harmonise(ready, ready.project("tiny"))

    assert account.done == 1
    assert shelf(ready).versions() == [1]
    assert {row.manifest["model_hash"] for row in results(ready)} == {model.hash}


def test_a_refit_over_more_studies_is_a_new_version_and_every_approval_lapses(
    ready: Workspace,
) -> None:
    project = ready.project("tiny")
    row_id = hide_one_study(ready)
    harmonise(ready, project)
    assemble(ready, project)
    approved = {item.sha256 for item in review_items(ready.catalogue, "tiny")}
    for digest in approved:
        record_decision(ready.catalogue, "tiny", digest, reader="r1", verdict="accept")
    bring_back(ready, row_id)
    first = read_model(shelf(ready).path(1))

    harmonise(ready, project, refit=True)

    second = read_model(shelf(ready).path(2))
    assert shelf(ready).versions() == [1, 2]
    assert first.hash != second.hash
    assert {row.manifest["model_hash"] for row in results(ready)} == {second.hash}
    with pytest.raises(RejectedError, match="GATE_NOTHING_SAMPLED"):
        release(ready, project)
    assemble(ready, project)
    now = review_items(ready.catalogue, "tiny")
    assert {"t2w_ax", "adc"} == {item.stratum.split(" / ")[1] for item in now}
    assert not approved & {item.sha256 for item in now}
    with pytest.raises(RejectedError, match="GATE_UNREAD"):
        release(ready, project)


def test_a_release_brings_the_model_its_manifest_names(ready: Workspace, tmp_path: Path) -> None:
    harmonise(ready, ready.project("tiny"))
    made = read_model(shelf(ready).path(1))
    rows = [ManifestRow(**row.manifest) for row in results(ready)]

    _deliver_models(ready, ready.project("tiny"), rows, tmp_path / "v1")

    (path,) = (tmp_path / "v1" / "models").iterdir()
    assert path.name == f"{made.hash}.json"
    assert read_model(path) == made


def test_a_refit_over_the_same_studies_is_the_same_model_and_nothing_lapses(
    ready: Workspace,
) -> None:
    harmonise(ready, ready.project("tiny"))
    assert harmonise(ready, ready.project("tiny"), refit=True).done == 0
    assert shelf(ready).versions() == [1]


def test_studies_are_measured_once(ready: Workspace) -> None:
    harmonise(ready, ready.project("tiny"))
    folder = shelf(ready).folder / "measured"
    before = {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}
    harmonise(ready, ready.project("tiny"), refit=True)

    assert {p.name: p.stat().st_mtime_ns for p in folder.iterdir()} == before
    assert len(before) >= 2


def test_a_recipe_changed_before_its_fitted_step_stops_until_a_refit(ready: Workspace) -> None:
    harmonise(ready, ready.project("tiny"))
    write_recipe(ready, minimum_subjects=2, mask="foreground")

    with pytest.raises(ConfigurationError, match="MODEL_OF_OTHER_STEPS"):
        harmonise(ready, ready.project("tiny"))
    harmonise(ready, ready.project("tiny"), refit=True)
    assert shelf(ready).versions() == [1, 2]


def test_too_few_subjects_refuse_that_volume_and_the_others_go_on(ready: Workspace) -> None:
    write_recipe(ready, minimum_subjects=50, mask="all")
    account = harmonise(ready, ready.project("tiny"))

    assert account.refused["MODEL_TOO_FEW_SUBJECTS"] >= 2
    assert not results(ready)
    assert results(ready, "adc")
    assert shelf(ready).versions() == []


def test_one_site_of_several_never_fits_and_may_wait(ready: Workspace) -> None:
    path = ready.settings.config_root / "projects" / "tiny.yaml"
    path.write_text(path.read_text().replace("[chu-atlas]", "[chu-atlas, chu-boreal]"))
    project = ready.project("tiny")

    waiting = harmonise(ready, project, "chu-atlas", wait=True)
    assert (waiting.done, waiting.skipped) == (0, 0)
    alone = harmonise(ready, project, "chu-atlas")
    assert alone.refused["MODEL_TOO_FEW_SUBJECTS"] >= 2
    assert shelf(ready).versions() == []

    harmonise(ready, project)
    assert shelf(ready).versions() == [1]
    assert len(results(ready)) >= 2
    assert harmonise(ready, project, "chu-atlas").done == 0


def test_the_only_site_of_a_project_is_all_of_it(ready: Workspace) -> None:
    harmonise(ready, ready.project("tiny"), "chu-atlas")

    assert shelf(ready).versions() == [1]


def folder_run(ws: Workspace, source: Path, target: Path, **ways: object) -> list[ManifestRow]:
    recipe = ws.recipe(ws.project("tiny"))
    engine = Engine(ws.settings)
    return harmonise_folder(source, target, recipe, engine, Silent(), **ways)


def test_a_folder_has_its_own_model_or_is_given_one(ready: Workspace, tmp_path: Path) -> None:
    source = ready.research.root / "objects"
    rows = folder_run(ready, source, tmp_path / "out")
    made = [r for r in rows if r.role == "t2w_ax" and r.volume_id]
    path = tmp_path / "out" / "models" / "v1.json"
    assert {r.model_hash for r in made} == {read_model(path).hash}

    few = tmp_path / "few"
    again = folder_run(ready, source, few, model=path)
    assert {r.model_hash for r in again} == {read_model(path).hash}
    assert not (few / "models").exists()


def test_a_model_of_other_steps_is_not_applied(ready: Workspace, tmp_path: Path) -> None:
    source = ready.research.root / "objects"
    folder_run(ready, source, tmp_path / "out")
    write_recipe(ready, minimum_subjects=2, mask="foreground")

    with pytest.raises(ConfigurationError, match="MODEL_OF_OTHER_STEPS"):
        folder_run(ready, source, tmp_path / "b", model=tmp_path / "out" / "models" / "v1.json")
    with pytest.raises(ConfigurationError, match="MODEL_OF_OTHER_STEPS"):
        folder_run(ready, source, tmp_path / "out")
    folder_run(ready, source, tmp_path / "out", refit=True)
    assert (tmp_path / "out" / "models" / "v2.json").is_file()
