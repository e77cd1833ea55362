"""The faces of the study that is being released, where the policy wants them gone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.errors import RejectedError
from config.files import partial_of
from config.policy import Policy
from deid.gate import CLEAN_FEATURES
from pipelines.prepare.clean_pixels import PixelPlace

__all__ = ["FaceOutcome", "StudyFaces"]


@dataclass(frozen=True)
class FaceOutcome:
    """What became of one file before its release.

    Parameters
    ----------
    path : Path
        The file to release: as it came, or one with the face emptied.
    done : frozenset of str
        What the engine may take as carried out.
    error : RejectedError or None
        Why it may not be released.
    """

    path: Path
    done: frozenset[str] = frozenset()
    error: RejectedError | None = None


class StudyFaces:
    """Knows from which file each object of a study is released.

    Parameters
    ----------
    policy : Policy
        Says whether faces are removed.
    place : PixelPlace
        Where to work, and where pictures go.
    """

    def __init__(self, policy: Policy, place: PixelPlace) -> None:
        self._policy, self._pictures = policy, Path(place.faces)
        self._scratch = partial_of(Path(place.scratch) / "faces")
        self._found: Mapping[Path, FaceOutcome] = {}

    def look(self, files: Sequence[Path]) -> None:
        """Judge every file of a study; nothing is done where the policy does not ask."""
        if CLEAN_FEATURES in self._policy.options:
            from pipelines.prepare.faces import deface_study  # few policies ask

            self._found = deface_study(files, self._policy, self._scratch, self._pictures)

    def of(self, path: Path) -> FaceOutcome:
        """Return what became of a file.

        Raises
        ------
        RejectedError
            As :func:`deid.faces.deface.deface_series` does.
        """
        outcome = self._found.get(path, FaceOutcome(path))
        if outcome.error is not None:
            raise outcome.error
        return outcome

    def close(self) -> None:
        """Remove the files without a face."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._found = {}
