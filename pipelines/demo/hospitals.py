"""The three synthetic hospitals of the demo: DICOM files, planted identities, planted faults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from config.files import write_whole
from pipelines.demo.answer_key import Planted, find_planted
from pipelines.demo.encoding import SeriesEncoder
from pipelines.demo.exam import Exam, make_exam
from pipelines.demo.faults import FAULTY_ROLE, UNDELIVERED
from pipelines.demo.mammography import make_mammography_study
from pipelines.demo.prostate_mr import anatomy_of, make_prostate_study
from pipelines.demo.series import MadeSeries
from pipelines.demo.tables import load_table

__all__ = ["DemoSite", "World", "load_world", "make_hospitals"]

Scale = Literal["demo", "tiny"]
_KEY = "answer_key.json"


@dataclass(frozen=True)
class DemoSite:
    """One hospital's archive: all its files, and the studies it lists but cannot deliver."""

    name: str
    label: str
    folder: Path
    files: tuple[Path, ...]
    unavailable_study_uids: tuple[str, ...]
    patient_id_issuer: str


@dataclass(frozen=True)
class World:
    """All that was made.

    Parameters
    ----------
    sites : dict
        Name -> hospital.
    answer_key : tuple of Planted
        Every identity planted.
    faults : dict
        Code -> site, study_uid, series_uid (empty where the whole study is meant), patient.
    truth : dict
        MR study UID -> gland centre and radii, lesion centre and radius (LPS millimetres).
    """

    sites: dict[str, DemoSite]
    answer_key: tuple[Planted, ...]
    faults: dict[str, dict[str, str]]
    truth: dict[str, dict[str, Any]]


def make_hospitals(folder: Path, seed: int = 2026, scale: Scale = "demo") -> World:
    """Make the hospitals under ``folder``, or return them when they are there already.

    Parameters
    ----------
    folder : Path
        Receives ``<site>/<study>/<series>/<image>.dcm`` and ``answer_key.json``.
    seed : int
        The same seed gives the same bytes.
    scale : str
        ``demo``: about 1,400 images; ``tiny``: few slices and pixels, the same structure.

    Returns
    -------
    World
    """
    stamp = _stamp(seed, scale)
    made = load_world(folder)
    if made is not None and _recorded_stamp(folder) == stamp:
        return made
    folder.mkdir(parents=True, exist_ok=True)
    # The key says that all is there: it goes first and comes back last.
    (folder / _KEY).unlink(missing_ok=True)
    record: dict[str, Any] = {"stamp": stamp, "sites": {}, "faults": {}, "truth": {}, "entries": []}
    for exam in _exams(seed):
        _add_study(folder, exam, record, tiny=scale == "tiny")
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    write_whole(folder / _KEY, text.encode())
    # Read back, so that a world just made equals the same world loaded.
    return _world(folder, json.loads(text))


def load_world(folder: Path) -> World | None:
    """Return the hospitals made earlier in ``folder``; None when they are not all there."""
    key = folder / _KEY
    if not key.is_file():
        return None
    world = _world(folder, json.loads(key.read_text("utf-8")))
    complete = all(path.is_file() for site in world.sites.values() for path in site.files)
    return world if complete else None


def _exams(seed: int) -> Iterator[Exam]:
    for site, hospital in load_table("hospitals")["hospitals"].items():
        for number, row in enumerate(hospital["patients"], start=1):
            yield make_exam(site, hospital, row, number, seed)


def _add_study(folder: Path, exam: Exam, record: dict[str, Any], *, tiny: bool) -> None:
    """Write one study and note in the record what it holds."""
    site = record["sites"].setdefault(
        exam.site,
        {
            "label": exam.hospital["label"],
            "patient_id_issuer": exam.hospital["patient_id_issuer"],
            "files": [],
            "unavailable": [],
        },
    )
    make = make_prostate_study if exam.kind == "prostate" else make_mammography_study
    series = list(make(exam, tiny=tiny))
    for number, one in enumerate(series, start=1):
        site["files"] += _write_series(folder, f"{exam.site}/{exam.name}/s{number:02d}", one)
    record["entries"] += find_planted(exam, series)
    if exam.kind == "prostate":
        truth = asdict(anatomy_of(exam))
        record["truth"][exam.study_uid] = {
            name: truth[name] for name in truth if name.endswith("_mm")
        }
    if exam.fault:
        if exam.fault == UNDELIVERED:
            site["unavailable"].append(exam.study_uid)
        faulty = [s.series_uid for s in series if s.role == FAULTY_ROLE.get(exam.fault)]
        record["faults"][exam.fault] = {
            "site": exam.site,
            "study_uid": exam.study_uid,
            "series_uid": "".join(faulty),
            "patient": exam.person.key,
        }


def _write_series(root: Path, relative: str, series: MadeSeries) -> list[str]:
    """Write the images; names are running numbers, for file names must not hold identity."""
    folder = root / relative
    folder.mkdir(parents=True, exist_ok=True)
    encoder = SeriesEncoder(series.shared)
    names = []
    for number, image in enumerate(series.images, start=1):
        name = f"{number:04d}.dcm"
        # Not synced one by one: the answer key, written last, tells whether all is there.
        (folder / name).write_bytes(encoder.instance(image.own, image.pixels))
        names.append(f"{relative}/{name}")
    return names


def _world(folder: Path, record: dict[str, Any]) -> World:
    sites = {
        name: DemoSite(
            name=name,
            label=site["label"],
            folder=folder / name,
            files=tuple(folder / relative for relative in site["files"]),
            unavailable_study_uids=tuple(site["unavailable"]),
            patient_id_issuer=site["patient_id_issuer"],
        )
        for name, site in sorted(record["sites"].items())
    }
    return World(sites, tuple(record["entries"]), record["faults"], record["truth"])


def _stamp(seed: int, scale: Scale) -> str:
    """Return a hash of what decides the bytes: seed, scale, and this package's own files."""
    digest = hashlib.sha256(f"{seed} {scale}".encode())
    here = Path(__file__).parent
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.yaml")]):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _recorded_stamp(folder: Path) -> str:
    return str(json.loads((folder / _KEY).read_text("utf-8"))["stamp"])
