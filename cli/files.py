"""Commands on files and folders, without a catalogue."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared import FINDING, AsJson, Home, Jobs, show

if TYPE_CHECKING:
    from config.policy import Policy
    from config.settings import Settings
    from pipelines.prepare.deid_command import DeidAsked
    from pipelines.prepare.deid_folder import FolderReport

__all__ = ["app"]

app = typer.Typer()


@app.command()
def deid(
    src: Annotated[Path | None, typer.Argument(help="File, folder, zip or DICOMDIR.")] = None,
    dst: Annotated[Path | None, typer.Argument(help="Folder to write to.")] = None,
    policy: Annotated[str | None, typer.Option(help="Shipped name or YAML file.")] = None,
    secret_file: Annotated[Path | None, typer.Option(help="Project secret (mode 0600).")] = None,
    report: Annotated[Path | None, typer.Option(help="Also write the report here.")] = None,
    conformance: Annotated[
        Path | None, typer.Option(help="Write what was done to each attribute here (Markdown).")
    ] = None,
    explain_policy: Annotated[
        str | None, typer.Option(help="Print what this policy does, and stop.")
    ] = None,
    sop_class: Annotated[
        str | None, typer.Option(help="With --explain-policy: UID or keyword of a SOP class.")
    ] = None,
    review_sheet: Annotated[
        bool,
        typer.Option("--review-sheet", help="Write a page of what was read in pixels, to sign."),
    ] = False,
    seal_for: Annotated[
        Path | None, typer.Option(help="With --review-sheet: public key of who alone may open it.")
    ] = None,
    jobs: Jobs = 1,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """De-identify a file, a folder, a zip or a DICOMDIR.

    Example: `accordage deid incoming/ released/ --policy research-longitudinal`

    A page of everything blanked, and everything read but kept, for a person to sign:
    `accordage deid incoming/ released/ --policy research-longitudinal --review-sheet`

    What a policy does: `accordage deid --explain-policy basic --sop-class MRImageStorage`
    """
    from config.library import find_policy
    from config.settings import load_settings

    settings = load_settings(home).model_copy(update={"jobs": jobs})
    if explain_policy is not None:
        _explain_policy(find_policy(explain_policy, settings.config_root), sop_class, as_json)
        return
    if src is None or dst is None or policy is None:
        raise typer.BadParameter("SRC, DST and --policy are needed, or --explain-policy NAME")
    from pipelines.prepare.deid_command import DeidAsked

    chosen = find_policy(policy, settings.config_root)
    asked = DeidAsked(src, dst, chosen, secret_file, report, review_sheet, seal_for)
    made = _deidentify(settings, asked, conformance)
    if as_json:
        counts = {"released": made.released, "conflicts": made.conflicts}
        show({**counts, "quarantined": made.quarantined}, as_json=True)
    else:
        typer.echo(f"released {made.released}, quarantined {sum(made.quarantined.values())}")
        for code, count in made.quarantined.items():
            typer.echo(f"  {code}: {count}")
        if made.conflicts:
            typer.echo(f"released side by side as SOP_UID_CONFLICT: {made.conflicts}")
    if made.quarantined or made.conflicts:
        raise typer.Exit(FINDING)


def _deidentify(settings: Settings, asked: DeidAsked, conformance: Path | None) -> FolderReport:
    from pipelines.prepare.deid_command import run_deid
    from pipelines.render import Bars

    with Bars() as bars:
        made, sheet = run_deid(settings, asked, bars)
    if sheet is not None:
        typer.echo(f"review sheet: {sheet.path} (SHA-256 {sheet.content_sha256})", err=True)
    if asked.secret_file is None:
        typer.echo(f"used the project secret of {settings.identified_root}", err=True)
    if conformance is not None:
        from pipelines.prepare.conformance import write_conformance

        write_conformance(asked.source, asked.target, made, conformance)
    return made


def _explain_policy(policy: Policy, sop_class: str | None, as_json: bool) -> None:
    """Print a policy resolved, for people or for programs."""
    from config.overrides import find_sop_class
    from deid.explain import explain, explain_data

    uid = find_sop_class(sop_class) if sop_class is not None else None
    if as_json:
        show(explain_data(policy, uid), as_json=True)
    else:
        typer.echo(explain(policy, uid), nl=False)


@app.command()
def harmonise(
    src: Path,
    dst: Path,
    recipe: Annotated[str, typer.Option(help="Shipped name or YAML file.")],
    jobs: Jobs = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be made.")
    ] = False,
    model: Annotated[
        Path | None, typer.Option(help="Use this fitted model, for example of a project.")
    ] = None,
    refit: Annotated[
        bool, typer.Option("--refit", help="Fit the intensity model anew over SRC.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Harmonise a file, a folder or a zip: geometry gate, real values, the recipe's steps.

    Example: `accordage harmonise released/ volumes/ --recipe prostate-mpmri --dry-run`

    A recipe's fitted step is fitted over SRC at the first run and frozen in DST/models/; `--model`
    takes a model from elsewhere: `accordage harmonise new/ more/ --recipe prostate-mpmri --model
    volumes/models/v1.json`
    """
    from config.library import find_recipe
    from config.settings import load_settings
    from pipelines.engine import Engine
    from pipelines.prepare import harmonise_folder as folder
    from pipelines.render import Bars, plan_table, volumes_table

    settings = load_settings(home).model_copy(update={"jobs": jobs})
    chosen = find_recipe(recipe, settings.config_root)
    if dry_run:
        planned = folder.dry_run(src, chosen)
        show(planned if as_json else plan_table(planned), as_json=as_json)
        return
    engine = Engine(settings)
    try:
        with Bars() as bars:
            rows = folder.harmonise_folder(src, dst, chosen, engine, bars, model=model, refit=refit)
    finally:
        engine.close()
    show(volumes_table(rows, as_json=as_json), as_json=as_json)
    if any(row.verdict == "REJECT" for row in rows):
        raise typer.Exit(FINDING)


@app.command()
def explain(file: Path, as_json: AsJson = False) -> None:
    """Print every step that made a file, with parameters, versions and input hashes.

    Example: `accordage explain v1/data/S-.../t2w_ax-1a2b3c4d.nii.gz`
    """
    from harmonise.explain import provenance_of_file, render

    provenance = provenance_of_file(file)
    typer.echo(json.dumps(provenance, indent=1) if as_json else render(provenance))


@app.command()
def replay(
    file: Annotated[
        Path, typer.Argument(help="Derived DICOM object, a folder of them, NIfTI or its JSON.")
    ],
    sources: Annotated[
        Path | None,
        typer.Option(help="Folder of what it was made from (default: beside the file)."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="The fitted model (default: looked for in the home folder).")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Compute a derived file again from its provenance and compare it bit for bit.

    Exit code 0: identical. 1: different, or a step that cannot be replayed, named.

    Example: `accordage replay volumes/S-.../2.25.../t2w_ax-1a2b3c4d.nii.gz --sources released/`
    """
    from dataclasses import asdict

    from config.settings import load_settings
    from pipelines.prepare.replay_file import replay_file
    from pipelines.quiet import hush
    from pipelines.render import replay_lines

    hush()
    models = load_settings(home).research_root / "models"
    made = replay_file(file, sources, model=model, models=models)
    facts = {**asdict(made), "identical": made.identical}
    show(facts if as_json else replay_lines(made), as_json=as_json)
    if not made.identical:
        raise typer.Exit(FINDING)
