"""Faces of a study: which series show one, and files in which they were emptied.

Option 113102 of PS3.15 (E.3.2). A series is judged and written as a whole, before any of its
instances is released; whatever goes wrong refuses all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmwrite
from pydicom.dataset import Dataset

from config.errors import AccordageError, RejectedError
from config.files import disk_faults, write_whole
from config.policy import Policy
from deid.blank.entry import BlankedPixels
from deid.faces.anatomy import face_may_show, read_anatomy
from deid.faces.deface import deface_series
from deid.faces.frames import read_frames
from deid.faces.settings import FaceSettings
from deid.gate import CLEAN_FEATURES, NO_FACE
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.read import read_header, read_object
from pipelines.prepare.rewrite import rewrite_file, rewrite_in_memory
from pipelines.prepare.study_faces import FaceOutcome

__all__ = ["deface_study"]


@dataclass
class _Series:
    files: list[Path] = field(default_factory=list)
    headers: list[Dataset] = field(default_factory=list)


def deface_study(
    files: Iterable[Path], policy: Policy, scratch: Path, pictures: Path
) -> Mapping[Path, FaceOutcome]:
    """Return what each file of a study is to be released from.

    Parameters
    ----------
    files : iterable of Path
        Every file of the study that can be read.
    policy : Policy
        Asks for option 113102, and has the site's own words.
    scratch : Path
        Folder of the identified zone for files without a face; it holds nothing else.
    pictures : Path
        Folder of the identified zone for pictures before and after, which show the face.
    """
    settings = FaceSettings(
        also_not_head=policy.faces.not_head_words, also_head=policy.faces.head_words
    )
    found: dict[Path, FaceOutcome] = {}
    series: dict[str, _Series] = {}
    for path in files:
        try:
            with _refusing():
                ds = read_header(path)
                may_show = face_may_show(ds)
        except RejectedError as error:
            found[path] = FaceOutcome(path, error=error)
            continue
        if not may_show:
            found[path] = FaceOutcome(path, frozenset({NO_FACE}))
            continue
        group = series.setdefault(str(ds.get("SeriesInstanceUID") or path), _Series())
        group.files.append(path)
        group.headers.append(ds)
    for number, group in enumerate(series.values()):
        place = scratch / str(number)
        found.update(_defaced(group, settings, place, pictures))
    return found


def _defaced(
    group: _Series, settings: FaceSettings, place: Path, pictures: Path
) -> dict[Path, FaceOutcome]:
    try:
        with _refusing():
            answer = read_anatomy(group.headers, settings).answer
    except RejectedError as error:
        return {path: FaceOutcome(path, error=error) for path in group.files}
    if answer == "not_head":
        return {path: FaceOutcome(path, frozenset({NO_FACE})) for path in group.files}
    found: dict[Path, FaceOutcome] = {}
    slices: list[Path] = []
    for path, ds in zip(group.files, group.headers, strict=True):
        try:
            with _refusing():
                read_frames(ds, 0)
            slices.append(path)
        except RejectedError as error:  # a capture or localizer: refused by itself
            found[path] = FaceOutcome(path, error=error)
    if slices:
        found.update(_emptied(slices, settings, place, pictures))
    return found


def _emptied(
    files: list[Path], settings: FaceSettings, place: Path, pictures: Path
) -> dict[Path, FaceOutcome]:
    with disk_faults():
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        pictures.mkdir(parents=True, exist_ok=True, mode=0o700)

    def write(index: int, made: BlankedPixels) -> None:
        _write(files[index], made, place / f"{index}.dcm")

    try:
        with _refusing():
            done = deface_series(len(files), lambda i: read_object(files[i]), write, settings)
    except RejectedError as error:
        return {path: FaceOutcome(path, error=error) for path in files}
    _keep_pictures(done.pictures, pictures)
    ran = frozenset({CLEAN_FEATURES})
    return {path: FaceOutcome(place / f"{i}.dcm", ran) for i, path in enumerate(files)}


@contextmanager
def _refusing() -> Iterator[None]:
    """Translate what goes wrong: what cannot be judged is not released, and the others go on.

    Raises
    ------
    RejectedError
        ``FACE_FAILED`` with the kind of error, beside those of our own.
    """
    try:
        yield
    except (AccordageError, OSError, MemoryError):
        raise
    except Exception as error:
        raise RejectedError("FACE_FAILED", type(error).__name__) from error


def _keep_pictures(pictures: tuple[bytes, ...], folder: Path) -> None:
    """Keep pictures under their own digests: a name says nothing of the patient."""
    for picture in pictures:
        name = hashlib.sha256(picture).hexdigest()[:16]
        write_whole(folder / f"{name}.png", picture, mode=0o600)


def _write(source: Path, made: BlankedPixels, target: Path) -> None:
    header = read_part10(source)
    if header is not None:
        rewrite_file(header, made, target)
        return
    out = rewrite_in_memory(read_object(source), made)
    out.preamble = bytes(128)
    with disk_faults():
        dcmwrite(target, out, enforce_file_format=False)
