"""The vault: who a subject is, opened by two people, every access logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.shared import AsJson, Home, show

if TYPE_CHECKING:
    from pipelines.vault.vault import Vault

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Who a subject is: sealed, opened by two people.")

Pair = Annotated[
    list[str] | None,
    typer.Option("--holder", help="NAME=PRIVATE KEY FILE, given twice; asks for passphrases."),
]
Registered = Annotated[
    list[str] | None,
    typer.Option("--register", help="NAME=PUBLIC KEY FILE; two or more: any two open the vault."),
]


@contextmanager
def _vault(home: Path | None) -> Iterator[Vault]:
    from config.settings import load_settings
    from pipelines.catalogue.database import open_identified
    from pipelines.store import IdentifiedStore
    from pipelines.vault.vault import Vault

    settings = load_settings(home)
    IdentifiedStore(settings).prepare(sweep=False)
    ledger = open_identified(settings)
    try:
        yield Vault(settings, ledger)
    finally:
        ledger.close()


def _named(pairs: list[str] | None) -> dict[str, Path]:
    """Return name -> file of ``NAME=FILE`` options; a name given twice is refused."""
    named: dict[str, Path] = {}
    for pair in pairs or []:
        name, separator, file = pair.partition("=")
        if not (separator and name and file) or name in named:
            raise typer.BadParameter(f"{name!r}: give NAME=FILE, each name once")
        named[name] = Path(file)
    return named


def _private(pairs: list[str] | None) -> dict[str, bytes]:
    from pipelines.vault.keyfiles import read_private

    return {
        name: read_private(file, typer.prompt(f"Passphrase of {name}", hide_input=True, err=True))
        for name, file in _named(pairs).items()
    }


def _public(pairs: list[str] | None) -> dict[str, bytes]:
    from pipelines.vault.keyfiles import read_public

    return {name: read_public(file) for name, file in _named(pairs).items()}


@app.command()
def keygen(
    private: Annotated[Path, typer.Argument(help="File for the private key or the secret.")],
    public: Annotated[Path | None, typer.Argument(help="File for the public key.")] = None,
    kind: Annotated[str, typer.Option(help="pair (holder, third party) or linkage.")] = "pair",
) -> None:
    """Make a pair of keys for a holder or the third party, or the linkage secret of the sites.

    Example: `accordage vault keygen alice.pem alice.pub`

    Linkage: `accordage vault keygen linkage.key --kind linkage`
    """
    import secrets

    from config.errors import ConfigurationError
    from config.files import write_whole
    from pipelines.store import SECRET_BYTES
    from pipelines.vault.keyfiles import make_pair

    if kind == "pair" and public is not None:
        phrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
        make_pair(private, public, phrase)
    elif kind == "linkage" and public is None:
        if private.exists():
            raise ConfigurationError("VAULT_KEY_WRONG", "is there already", file=private)
        write_whole(private, secrets.token_bytes(SECRET_BYTES), mode=0o600)
    else:
        raise typer.BadParameter("a pair needs two files; --kind linkage needs one")


@app.command()
def init(register: Registered = None, home: Home = None) -> None:
    """Make the vault of this identified zone, for two holders or more.

    Example: `accordage vault init --register alice=alice.pub --register bob=bob.pub`
    """
    with _vault(home) as vault:
        vault.init(_public(register))
    typer.echo("the vault is made; `accordage prepare` fills it")


@app.command()
def lookup(
    subject: Annotated[str, typer.Argument(help="R-... from requests.parquet, or S-...")],
    holder: Pair = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show who stands behind a row or a pseudonym; takes two holders, and is logged.

    Example: `accordage vault lookup R-0123456789abcdef --holder alice=a.pem --holder bob=b.pem`
    """
    from dataclasses import asdict

    with _vault(home) as vault:
        records = [asdict(r) for r in vault.lookup(subject, _private(holder))]
    if as_json:
        show(records, as_json=True)
        return
    for record in records:
        typer.echo(f"{record['site']}: {record['issuer']} {record['patient_id']}")


@app.command()
def rows(
    subject: Annotated[str, typer.Argument(help="A subject of a release, S-...")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """At the hub: list the rows of a subject by site, to be sent to that site's holders.

    Example: `accordage vault rows S-0123456789`
    """
    from config.settings import load_settings
    from pipelines.vault.hub import rows_of

    found = rows_of(load_settings(home), subject)
    show(
        found if as_json else "\n".join(f"{r['site']}  {r['row_id']}" for r in found),
        as_json=as_json,
    )


@app.command()
def rotate(holder: Pair = None, register: Registered = None, home: Home = None) -> None:
    """Change the vault's keys and encrypt everything anew; with --register, its holders too.

    Example: `accordage vault rotate --holder alice=a.pem --holder bob=b.pem`
    """
    with _vault(home) as vault:
        count = vault.rotate(_private(holder), _public(register) or None)
    typer.echo(f"encrypted {count} records under new keys")


@app.command("export-sealed")
def export_sealed(
    project: Annotated[str, typer.Argument(help="Project whose correspondence is exported.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    recipient: Annotated[Path, typer.Option(help="Public key of the trusted third party.")],
    holder: Pair = None,
    home: Home = None,
) -> None:
    """Write the correspondence file of a project, which only the trusted third party can open.

    Example: `accordage vault export-sealed prostate-mpmri out.sealed --recipient ttp.pub
    --holder alice=a.pem --holder bob=b.pem`
    """
    from config.files import write_whole
    from pipelines.vault.keyfiles import read_public

    with _vault(home) as vault:
        write_whole(target, vault.export(project, read_public(recipient), _private(holder)))
        count, digest = vault.verify()
    typer.echo(f"log: {count} accesses, {digest}")


@app.command("open-sealed")
def open_sealed(
    source: Annotated[Path, typer.Argument(help="Sealed correspondence file.")],
    target: Annotated[Path, typer.Argument(help="File to write (mode 0600).")],
    key: Annotated[Path, typer.Option(help="Private key of the trusted third party.")],
) -> None:
    """At the trusted third party: open a correspondence file.

    Example: `accordage vault open-sealed out.sealed out.json --key ttp.pem`
    """
    from config.files import write_whole
    from pipelines.vault.keyfiles import read_private
    from pipelines.vault.seal import open_sealed as opened

    private = read_private(key, typer.prompt("Passphrase", hide_input=True, err=True))
    write_whole(target, opened(private, source.read_bytes(), b"correspondence"), mode=0o600)


@app.command()
def verify(home: Home = None, as_json: AsJson = False) -> None:
    """Check that the log of accesses is whole; exit 1 when it is not.

    Example: `accordage vault verify`
    """
    with _vault(home) as vault:
        count, digest = vault.verify()
    fine = {"accesses": count, "digest": digest}
    show(fine if as_json else f"whole: {count} accesses, {digest}", as_json=as_json)
