"""Check this installation and say what to mend: the answer of ``accordage doctor``."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from config.errors import AccordageError
from config.settings import Settings
from pipelines.catalogue.database import open_identified, open_research

__all__ = ["Check", "examine"]

FREE_BYTES = 5 * 1024**3
"""Least free room, in bytes, below which the disk is worth a word."""

PARTS = ("pydicom", "pynetdicom", "SimpleITK", "highdicom", "numpy", "dask", "prefect", "fastapi")
"""Packages whose versions a bug report needs."""

DEBIAN_TOOLS = ("storescu", "Orthanc", "postgres")
"""Debian programs that only the tests need."""


@dataclass(frozen=True)
class Check:
    """One thing looked at: fine or not, and what to do."""

    name: str
    fine: bool
    found: str
    mend: str = ""


def examine(settings: Settings) -> list[Check]:
    """Return every check; none of them changes anything but an empty home folder."""
    checks: list[Callable[[], Check]] = [
        _python,
        _packages,
        _prefect_and_fastapi,
        _codecs,
        lambda: _home(settings),
        lambda: _modes(settings),
        lambda: _catalogues(settings),
        lambda: _vault(settings),
        lambda: _disk(settings),
        _loopback,
        _debian,
    ]
    return [check() for check in checks]


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer")


def _packages() -> Check:
    found, missing = [], []
    for name in PARTS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    return Check("packages", not missing, ", ".join(found), f"install {', '.join(missing)}")


def _prefect_and_fastapi() -> Check:
    """Prefect 3.8 fails at run time with FastAPI 0.151 or newer, although pip is content."""
    found = version("fastapi")
    major, minor = (int(part) for part in found.split(".")[:2])
    return Check("fastapi bound", (major, minor) < (0, 151), found, "pip install 'fastapi<0.151'")


def _codecs() -> Check:
    from pydicom.pixels.decoders.base import _PIXEL_DATA_DECODERS

    lacking = [str(uid.name) for uid, (d, _) in _PIXEL_DATA_DECODERS.items() if not d.is_available]
    found = f"{len(_PIXEL_DATA_DECODERS) - len(lacking)} transfer syntaxes"
    return Check("pixel codecs", not lacking, found, f"no decoder for {', '.join(lacking)}")


def _home(settings: Settings) -> Check:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Check("home folder", fine=False, found=type(error).__name__, mend="choose another")
    fine = os.access(settings.home, os.W_OK)
    return Check("home folder", fine, str(settings.home), "give this user the right to write")


def _modes(settings: Settings) -> Check:
    if not settings.identified_root.exists():
        return Check("identified zone", fine=True, found="not made yet")
    mode = settings.identified_root.stat().st_mode & 0o777
    return Check(
        "identified zone", mode == 0o700, f"mode {mode:o}", "chmod 700 on the identified zone"
    )


def _catalogues(settings: Settings) -> Check:
    try:
        for opener in (open_identified, open_research):
            opener(settings).close()
    except AccordageError as error:
        return Check("catalogues", fine=False, found=str(error), mend="check URL, rights and disk")
    return Check("catalogues", fine=True, found="both open, migrations up to date")


def _vault(settings: Settings) -> Check:
    """Look at the vault: without one nothing stops, but nobody can be found again."""
    from pipelines.vault.vault import Vault

    try:
        ledger = open_identified(settings)
        try:
            vault = Vault(settings, ledger)
            if not vault.exists():
                return Check("vault", fine=True, found="missing; `accordage vault init` makes it")
            count, _ = vault.verify()
        finally:
            ledger.close()
    except AccordageError as error:
        mend = "treat a broken log as an incident: `accordage vault verify`"
        return Check("vault", fine=False, found=str(error), mend=mend)
    return Check("vault", fine=True, found=f"in place, {count} accesses logged")


def _disk(settings: Settings) -> Check:
    folder = settings.home if settings.home.exists() else settings.home.parent
    free = shutil.disk_usage(folder if folder.exists() else "/").free
    return Check("disk", free >= FREE_BYTES, f"{free / 1024**3:.1f} GiB free", "make room")


def _loopback() -> Check:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as error:
        return Check("loopback", fine=False, found=type(error).__name__, mend="allow 127.0.0.1")
    return Check("loopback", fine=True, found="ports can be opened")


def _debian() -> Check:
    missing = [t for t in DEBIAN_TOOLS if shutil.which(t, path=_tool_path()) is None]
    found = "all there" if not missing else f"not here: {', '.join(missing)}"
    return Check("Debian tools (tests only)", fine=True, found=found)


def _tool_path() -> str:
    """Return PATH with the folders where Debian puts servers."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/postgresql/15/bin"])
