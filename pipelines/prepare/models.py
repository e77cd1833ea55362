"""Models on disk: every version a project ever had, the last one in use; none is ever changed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from config.errors import ConfigurationError
from config.files import disk_faults, partial_of, write_whole
from config.recipe import Recipe
from harmonise.study import Model, fit_key, model_from_bytes

__all__ = ["ModelShelf", "read_model"]

VERSION = re.compile(r"^v(\d+)\.json$")


class ModelShelf:
    """The models of one project: ``v1.json``, ``v2.json``, ... in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def versions(self) -> list[int]:
        """Return the versions there are, rising."""
        if not self.folder.is_dir():
            return []
        found = (VERSION.match(path.name) for path in self.folder.iterdir())
        return sorted(int(match.group(1)) for match in found if match)

    def path(self, version: int) -> Path:
        """Return where a version lies or will lie."""
        return self.folder / f"v{version}.json"

    def find(self, digest: str) -> Path | None:
        """Return the file of the model with this hash; None where it is not on the shelf."""
        paths = (self.path(version) for version in self.versions())
        return next((path for path in paths if read_model(path).hash == digest), None)

    def current(self, recipe: Recipe) -> Path | None:
        """Return the file of the model in use; None where nothing was fitted yet.

        Raises
        ------
        ConfigurationError
            ``MODEL_OF_OTHER_STEPS`` when the recipe's steps up to the fitted one have changed
            since: only a command may fit anew. ``MODEL_UNREADABLE``.
        """
        versions = self.versions()
        if not versions:
            return None
        path = self.path(versions[-1])
        if read_model(path).fit_key != fit_key(recipe):
            raise ConfigurationError("MODEL_OF_OTHER_STEPS", f"recipe {recipe.name}", file=path)
        return path

    def keep(self, model: Model) -> Path:
        """Keep a model as the next version and return its file; the one in use is kept once.

        Two processes that fit at once end with one model: the first to finish wins, and the other
        gets what is there.
        """
        versions = self.versions()
        last = self.path(versions[-1]) if versions else None
        if last is not None and read_model(last).hash == model.hash:
            return last
        target = self.path((versions[-1] if versions else 0) + 1)
        staged = partial_of(target)
        with disk_faults():
            write_whole(staged, model.to_bytes() + b"\n")
            try:
                with suppress(FileExistsError):  # somebody else was first
                    os.link(staged, target)
            finally:
                staged.unlink()
        return target


def read_model(path: Path) -> Model:
    """Return the model in a file.

    Raises
    ------
    ConfigurationError
        ``MODEL_UNREADABLE``.
    """
    try:
        return model_from_bytes(path.read_bytes())
    except OSError as error:
        raise ConfigurationError("MODEL_UNREADABLE", type(error).__name__, file=path) from error
    except ConfigurationError as error:
        raise ConfigurationError(error.code, error.detail, file=path) from error
