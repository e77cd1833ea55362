"""What a test needs from outside: its absence is told, and in CI it is a failure."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["absent", "folder", "program"]

TOOL_FOLDERS = os.pathsep.join(["/usr/sbin", "/usr/lib/postgresql/15/bin"])
"""Where Debian puts servers that are not on everybody's PATH."""


def absent(what: str, mend: str) -> NoReturn:
    """Say what is missing and how to get it: a failure in CI, a skipped test elsewhere."""
    message = f"{what} is not here: {mend}"
    if os.environ.get("CI"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def program(name: str, package: str) -> str:
    """Return the path of a program of Debian's."""
    found = shutil.which(name) or shutil.which(name, path=TOOL_FOLDERS)
    return found or absent(name, f"apt-get install {package}")


def folder(variable: str, default: Path) -> Path:
    """Return the folder of shared test data that a variable names."""
    path = Path(os.environ.get(variable, default))
    if not path.is_dir():
        absent(f"the data of {variable}", f"set {variable} to its folder")
    return path
