"""Replay a file: find its sources, compute it again, compare; ``accordage replay``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.errors import RejectedError, UnreadableObject
from harmonise.encode.same import comparing
from harmonise.explain import provenance_of_file
from harmonise.replay import other_versions, replay
from harmonise.series import Passport
from harmonise.vendor.harvest import passport_from_json
from harmonise.vendor.headers import dataset_digest, read_header
from pipelines.prepare.discover import looks_like_dicom

__all__ = ["Replayed", "replay_file"]

MANIFEST = "manifest.parquet"
LEVELS_TO_MANIFEST = 4
"""``<subject>/<study>/<volume>/NNNN.dcm`` below the folder of the manifest."""


@dataclass(frozen=True)
class Replayed:
    """What came of a replay; ``code`` is empty when every bit is the same.

    ``detail`` begins with the step that could not be replayed. ``versions`` are the packages that
    differ from the recorded ones: name -> (recorded, here). ``model`` is the hash of the fitted
    model the record names, where that was not found: the record holds every number taken from it.
    """

    volume_id: str
    code: str
    detail: str
    steps: int
    versions: dict[str, tuple[str, str]]
    model: str = ""

    @property
    def identical(self) -> bool:
        """Tell whether the file came out the same, bit for bit."""
        return not self.code


def replay_file(
    file: Path,
    sources: Path | None = None,
    *,
    model: Path | None = None,
    models: Path | None = None,
) -> Replayed:
    """Compute a derived file, or every object of a derived series, again and compare.

    Parameters
    ----------
    file : Path
        A derived object, a folder of them, a NIfTI or the JSON beside it.
    sources : Path, optional
        Folder of the objects it was made from; None looks beside the file: in its folder, in the
        one above, and where the manifest lies.
    model : Path, optional
        The fitted model; it must be the one the record names.
    models : Path, optional
        Folder of the store's models, where it is looked for without ``model``.

    Raises
    ------
    UnreadableObject
        ``PROVENANCE_MISSING``: the file does not say how it was made.
    """
    files = sorted(file.glob("*.dcm")) if file.is_dir() else [file]
    if not files:
        raise UnreadableObject("PROVENANCE_MISSING", "no derived object in this folder")
    provenance = provenance_of_file(files[0])
    code = detail = missing = ""
    try:
        missing = _missing_model(provenance, model, models)
        folders = [sources] if sources else _beside(files[0])
        volume = replay(provenance, _sources(provenance, folders), _passports(provenance, folders))
        with comparing(volume) as difference:
            found = [f"{f.name}: {text}" for f in files if (text := difference(f))]
        if found:
            code, detail = "REPLAY_DIFFERS", f"writing: {found[0]}"
    except RejectedError as error:
        code, detail = error.code, error.detail
    return Replayed(
        provenance["volume_id"],
        code,
        detail,
        len(provenance["steps"]),
        other_versions(provenance),
        missing,
    )


def _missing_model(provenance: Mapping[str, Any], model: Path | None, models: Path | None) -> str:
    """Return the recorded model's hash where that model is not in the store; "" otherwise.

    Raises
    ------
    UnreadableObject
        ``REPLAY_MODEL_OTHER``: the file given is another model, or none was used.
    """
    wanted: str | None = provenance["recipe"]["model_hash"]
    if model is not None:
        if not model.is_file() or _digest(model) != wanted:
            recorded = f"recorded {wanted[:12]}" if wanted else "none was used"
            raise UnreadableObject("REPLAY_MODEL_OTHER", f"model: {recorded}")
        return ""
    kept = sorted(models.rglob("*.json")) if models and models.is_dir() else []
    return "" if wanted is None or any(_digest(p) == wanted for p in kept) else wanted


def _digest(model: Path) -> str:
    """Return the hash that names a model: of its canonical JSON, without the newline at the end."""
    return hashlib.sha256(model.read_bytes().strip()).hexdigest()


def _beside(file: Path) -> list[Path]:
    """Return where sources may lie without having been told: never the whole disk."""
    near = [file.parent, file.parent.parent]
    near += [p for p in file.parents[:LEVELS_TO_MANIFEST] if (p / MANIFEST).is_file()]
    return near


def _objects(folders: Iterable[Path]) -> Iterator[Path]:
    seen = {p.resolve() for folder in folders for p in folder.rglob("*") if p.is_file()}
    yield from (path for path in sorted(seen) if looks_like_dicom(path))


def _sources(provenance: Mapping[str, Any], folders: Iterable[Path]) -> list[Path]:
    """Return the files of the source series: those recorded, each with the recorded bytes.

    Raises
    ------
    UnreadableObject
        ``REPLAY_SOURCE_MISSING``.
    """
    wanted = {row["sop_uid"]: row["sha256"] for row in provenance["inputs"]}
    series = set(provenance["source_series_uids"])
    found: dict[str, Path] = {}
    others: dict[str, Path] = {}
    changed = set()
    for path in _objects(folders):
        try:
            header = read_header(path)
        except UnreadableObject:
            continue
        sop_uid = str(header.SOPInstanceUID)
        if sop_uid in wanted and sop_uid not in found:
            if dataset_digest(path) == wanted[sop_uid]:
                found[sop_uid] = path
            else:
                changed.add(sop_uid)
        elif str(header.SeriesInstanceUID) in series and sop_uid not in wanted:
            others.setdefault(sop_uid, path)
    missing = wanted.keys() - found.keys()
    if missing:
        first = min(missing)
        why = "its bytes are others now" if first in changed else "not found"
        detail = f"reading: {len(missing)} of {len(wanted)} source objects; {first} {why}"
        raise UnreadableObject("REPLAY_SOURCE_MISSING", detail)
    return [*found.values(), *others.values()]


def _passports(provenance: Mapping[str, Any], folders: Iterable[Path]) -> dict[str, Passport]:
    """Return the passports that ``harmonise`` would find beside the objects."""
    result = {}
    for uid in provenance["source_series_uids"]:
        for folder in folders:
            path = folder / "passports" / f"{uid}.json"
            if path.is_file() and uid not in result:
                result[uid] = passport_from_json(json.loads(path.read_bytes()))
    return result
