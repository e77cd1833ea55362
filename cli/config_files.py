"""Check, show and document the settings files."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.shared import USAGE, AsJson, Home, show
from config.errors import ConfigurationError

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Check, show and document the settings files.")


@app.command("check")
def config_check(home: Home = None) -> None:
    """Validate every site, project, policy, recipe and signature, and how they fit together.

    Example: `accordage config check`
    """
    from config.check import check_all
    from config.settings import load_settings
    from pipelines.fitness import misfits

    own = load_settings(home).config_root
    problems = check_all(own) or misfits(own)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(USAGE)
    typer.echo("all settings are valid")


@app.command("schema")
def config_schema(
    kind: Annotated[str, typer.Argument(help="sites, projects, policies, recipes or signatures")],
) -> None:
    """Print the JSON Schema of a kind of settings file, for editors.

    Example: `accordage config schema projects > projects.schema.json`
    """
    from config.library import KINDS

    if kind not in KINDS:
        raise ConfigurationError("CONFIG_UNKNOWN_NAME", f"{kind!r}; there are: {', '.join(KINDS)}")
    show(KINDS[kind].model_json_schema(), as_json=True)


@app.command("show")
def config_show(
    kind: Annotated[str, typer.Argument(help="sites, projects, policies, recipes or signatures")],
    name: Annotated[str | None, typer.Argument(help="none lists the names")] = None,
    home: Home = None,
) -> None:
    """Show a settings file with its defaults filled in, or list the names there are.

    Example: `accordage config show recipes prostate-mpmri`
    """
    from config.check import show as read
    from config.settings import load_settings

    show(read(kind, name, load_settings(home).config_root), as_json=True)


@app.command("diff")
def config_diff(
    first: Annotated[str, typer.Argument(help="Shipped name or YAML file.")],
    second: Annotated[str, typer.Argument(help="The policy to compare with.")],
    sop_class: Annotated[str | None, typer.Option(help="UID or keyword of a SOP class.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the attributes that two policies treat differently.

    Example: `accordage config diff basic research-longitudinal`
    """
    from dataclasses import asdict

    from config.library import find_policy
    from config.overrides import find_sop_class
    from config.settings import load_settings
    from deid.differ import difference_table, policy_differences

    own = load_settings(home).config_root
    one, two = find_policy(first, own), find_policy(second, own)
    uid = find_sop_class(sop_class) if sop_class is not None else None
    found = policy_differences(one, two, uid)
    if as_json:
        show([asdict(difference) for difference in found], as_json=True)
    else:
        typer.echo(difference_table((one.name, two.name), found), nl=False)


@app.command("words")
def config_words(
    site: Annotated[str, typer.Argument(help="A site; `folder` for what `deid` met.")],
    accept: Annotated[list[str] | None, typer.Option(help="Accept a word; repeatable.")] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List a site's words that nobody has judged, with the studies they stand in, or accept some.

    The list may hold names: it stays in the identified zone, and is for the eyes of whoever may
    read the site's studies.

    Example: `accordage config words site-a --accept rehaussement`
    """
    from config.settings import load_settings
    from pipelines.prepare.vocabulary import accept_words, read_words, words_file

    path = words_file(load_settings(home).identified_root, site)
    words = accept_words(path, accept) if accept else read_words(path)
    if as_json:
        show(words.model_dump(), as_json=True)
        return
    for word, studies in sorted(words.waiting.items(), key=lambda pair: (-pair[1], pair[0])):
        typer.echo(f"{studies:6d}  {word}")
    typer.echo(f"{len(words.waiting)} waiting, {len(words.accepted)} accepted")
