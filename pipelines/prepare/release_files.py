"""Release the files of one patient's study: by their headers where that can be, else as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydicom.dataset import Dataset

from config.errors import AccordageError, PixelsNotCleared, RejectedError
from config.policy import Policy
from deid.clean import Finder
from deid.engine import Deidentifier, ReleasedDataset, silence
from deid.fast_asked import AskedMemo
from deid.fast_runs import RunScanner
from deid.gate import CLEAN_FEATURES
from deid.header import Header
from deid.identity import Identity
from deid.keys import Keys
from deid.looks import Look, PixelOutcome
from pipelines.prepare.clean_pixels import Cleaned, FinderOf, PixelCleaner, PixelPlace
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.public_values import put_public, with_public
from pipelines.prepare.read import read_object
from pipelines.prepare.splice import write_pieces
from pipelines.prepare.study_faces import StudyFaces
from pipelines.processes import Memory
from pipelines.quiet import hush

__all__ = [
    "FileJob",
    "Placed",
    "Released",
    "Releaser",
    "StudyFiles",
    "make_releaser",
    "release_files",
]


@dataclass(frozen=True)
class FileJob:
    """One file: its name in the report, where it lies, and what is written into it first.

    ``mark`` is added to the result's name where another file claims to be the same object.
    """

    number: str
    path: str
    is_plain: bool
    public: Mapping[str, Any]
    mark: str = ""


@dataclass(frozen=True)
class StudyFiles:
    """Files of one study and patient, to be released into ``target``."""

    policy: Policy
    keys: Keys
    token: bytes
    identity: Identity
    files: tuple[FileJob, ...]
    target: str
    pixels: PixelPlace


@dataclass(frozen=True)
class Placed:
    """What became of one file: its new place and what was done to its pixels, or a code."""

    number: str
    path: str | None = None
    code: str | None = None
    detail: str = ""
    pixels: PixelOutcome | None = None


@dataclass(frozen=True)
class Released:
    """One object ready to be written.

    Parameters
    ----------
    dataset : ReleasedDataset
        What is written.
    cleaned : Cleaned
        What it was made from; a file with cleaned pixels is there until the next release.
    """

    dataset: ReleasedDataset
    cleaned: Cleaned

    @property
    def source(self) -> Path:
        """The file that spans of the data set point into."""
        return self.cleaned.path

    @property
    def pixels(self) -> PixelOutcome:
        """What was decided of the pixels and done to them."""
        return self.cleaned.outcome


class Releaser:
    """Releases files of one patient's study under one policy, one at a time.

    As a context it removes at its end what cleaning left on the disk; it may be entered again.

    Parameters
    ----------
    engine : Deidentifier
        Of the policy and the project's keys.
    token, identity
        Of the patient and the study.
    cleaner : PixelCleaner
        What looks at pixels.
    faces : StudyFaces
        What looks for faces, before the first file is released.
    """

    def __init__(
        self,
        engine: Deidentifier,
        token: bytes,
        identity: Identity,
        cleaner: PixelCleaner,
        faces: StudyFaces,
    ) -> None:
        self._engine, self._cleaner, self._faces = engine, cleaner, faces
        self._fast = self._engine.fast(token, identity)
        self._token, self._identity = token, identity
        self._looks: dict[bool, AskedMemo[Look | None]] = {}
        self._scanner = RunScanner()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cleaner.close()
        self._faces.close()

    def look_for_faces(self, files: Sequence[Path]) -> None:
        """Judge and empty the heads of a whole study, where the policy asks for it."""
        self._faces.look(files)

    def release(self, path: Path, public: Mapping[str, Any], *, is_plain: bool) -> Released:
        """Return the object of a file released, ``public`` written into it where it is missing.

        Parameters
        ----------
        path : Path
            The file.
        public : mapping
            Values by keyword, as :func:`harmonise.vendor.harvest.public_attributes` gives them.
        is_plain : bool
            Whether everything the file says of people is in the identity already, and
            :func:`pipelines.prepare.part10.read_part10` understands it.

        Raises
        ------
        RejectedError
            As :meth:`deid.engine.Deidentifier.release`, `read_object` and
            :meth:`pipelines.prepare.clean_pixels.PixelCleaner.clean` do.
        """
        face = self._faces.of(path)
        header = read_part10(face.path, self._scanner)
        read = with_public(header, public) if header is not None else read_object(face.path)
        if isinstance(read, Dataset):
            put_public(read, public)
        cleaned = _with_face(self._cleaned(face.path, read), face.done)
        made = self._patched(cleaned, is_plain=is_plain) or self._whole(cleaned)
        return Released(made, cleaned)

    @property
    def refused(self) -> Cleaned | None:
        """How far the last file had come that was refused for what was read in its pixels."""
        return self._cleaner.refused

    def _cleaned(self, path: Path, read: Header | Dataset) -> Cleaned:
        look = self._look(read)
        if look is None:  # it is refused: the engine says why, after all it asks before
            return Cleaned(path, read, PixelOutcome(Look("not_needed", "")))
        if look.decision in {"not_needed", "cleared"}:
            return Cleaned(path, read, PixelOutcome(look))
        self._engine.admit(read if isinstance(read, Dataset) else read.dataset())
        return self._cleaner.clean(path, read, look)

    def _look(self, read: Header | Dataset) -> Look | None:
        if isinstance(read, Dataset):
            return self._look_of(read)
        key = read.implicit_vr
        if key not in self._looks:
            self._looks[key] = AskedMemo(self._look_of)
        return self._looks[key](read.index, read.dataset)

    def _look_of(self, ds: Dataset) -> Look | None:
        """Return what has to be done with the pixels; None where the engine refuses the object."""
        try:
            return self._cleaner.look(ds)
        except PixelsNotCleared as error:
            if error.code != "PIXELS_NOT_CLEARED":
                raise
            return None
        except AccordageError:
            raise
        except Exception:  # noqa: BLE001 - the engine's own gate asks the same, and fails closed
            return None

    def _patched(self, cleaned: Cleaned, *, is_plain: bool) -> ReleasedDataset | None:
        if not is_plain or isinstance(cleaned.read, Dataset):
            return None
        return self._engine.patch(self._fast, cleaned.read, cleaned.done)

    def _whole(self, cleaned: Cleaned) -> ReleasedDataset:
        read = cleaned.read
        ds, asides = (read, ()) if isinstance(read, Dataset) else (read.dataset(), read.asides)
        return self._engine.release(
            ds,
            token=self._token,
            identity=self._identity,
            asides=asides,
            done=cleaned.done,
        )


def _with_face(cleaned: Cleaned, done: frozenset[str]) -> Cleaned:
    said = "removed" if CLEAN_FEATURES in done else "none"
    outcome = replace(cleaned.outcome, face=said if done else "")
    return replace(cleaned, face=done, outcome=outcome)


def release_files(job: StudyFiles, memory: Memory) -> tuple[Placed, ...]:
    """Write every file that may be released to ``<subject>/<study>/<series>/<instance>.dcm``.

    ``memory`` is that of the process: what one part of a study taught serves the next.
    """
    hush()
    study = replace(job, files=())
    if memory.get("study") != study:
        memory["study"] = study
        memory["releaser"] = make_releaser(
            job.policy, job.keys, job.token, job.identity, job.pixels
        )
    releaser: Releaser = memory["releaser"]
    target, folders = Path(job.target), set[str]()
    with silence(), releaser:
        releaser.look_for_faces([Path(file.path) for file in job.files])
        return tuple(_placed(releaser, file, target, folders, job.pixels) for file in job.files)


def make_releaser(
    policy: Policy, keys: Keys, token: bytes, identity: Identity, place: PixelPlace
) -> Releaser:
    """Return what releases the files of one patient's study."""
    cleaner = PixelCleaner(policy, finder_for(policy, identity), place)
    faces = StudyFaces(policy, place)
    return Releaser(Deidentifier(policy, keys), token, identity, cleaner, faces)


def finder_for(policy: Policy, identity: Identity) -> FinderOf:
    """Return what makes a study's finder when the first of its objects is read."""

    def make() -> Finder:
        from pipelines.prepare.study_finder import make_finder  # most studies are never read

        return make_finder(policy, identity)

    return make


def _placed(
    releaser: Releaser, file: FileJob, target: Path, folders: set[str], place: PixelPlace
) -> Placed:
    """Release one file; ``folders`` are those of the target that are there."""
    path = Path(file.path)
    try:
        made = releaser.release(path, file.public, is_plain=file.is_plain)
        folder = f"{made.dataset.subject}/{made.dataset.study_uid}/{made.dataset.series_uid}"
        if folder not in folders:
            (target / folder).mkdir(parents=True, exist_ok=True)
            folders.add(folder)
        relative = f"{folder}/{made.dataset.sop_uid}{file.mark}.dcm"
        write_pieces(made.source, target / relative, made.dataset.pieces)
        if place.sheet:
            _spool(Path(place.sheet), file, made.cleaned)
    except RejectedError as error:
        if place.sheet:
            _spool(Path(place.sheet), file, error, releaser.refused)
        return Placed(file.number, code=error.code, detail=error.detail)
    return Placed(file.number, relative, pixels=made.pixels)


def _spool(
    folder: Path, file: FileJob, made: Cleaned | RejectedError, refused: Cleaned | None = None
) -> None:
    """Keep what the review sheet says of a file."""
    from pipelines.prepare.sheet_spool import spool, spool_refused  # few runs write a sheet

    if isinstance(made, RejectedError):
        spool_refused(folder, file.number, Path(file.path), made, refused)
    else:
        spool(folder, file.number, Path(file.path), made)
