"""What ``accordage deid`` does around a folder: the secret, the engine, what else is written."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.files import write_whole
from config.library import find_signatures
from config.policy import Policy
from config.settings import Settings
from pipelines.engine import Engine
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.deid_folder import FolderReport, deidentify_folder
from pipelines.prepare.vocabulary import with_words, words_file
from pipelines.progress import Progress
from pipelines.store import IdentifiedStore, read_secret

if TYPE_CHECKING:
    from pipelines.prepare.review_sheet import SheetMade

__all__ = ["DeidAsked", "run_deid"]


@dataclass(frozen=True)
class DeidAsked:
    """What one run is asked for.

    Parameters
    ----------
    source, target : Path
        What is read, and the folder to write to.
    policy : Policy
        How.
    secret_file : Path or None
        The project's secret; None takes the home folder's own.
    report : Path or None
        Where a second copy of the report goes.
    sheet : bool
        Whether a review sheet is written into the identified zone.
    sheet_holder : Path or None
        Public key of the only person who may open the sheet.
    """

    source: Path
    target: Path
    policy: Policy
    secret_file: Path | None = None
    report: Path | None = None
    sheet: bool = False
    sheet_holder: Path | None = None


def run_deid(
    settings: Settings, asked: DeidAsked, progress: Progress
) -> tuple[FolderReport, SheetMade | None]:
    """De-identify a source; return its report, and the review sheet if one was asked for."""
    store = IdentifiedStore(settings)
    store.prepare(sweep=asked.secret_file is None)
    if not asked.sheet:
        return _run(settings, store, asked, progress, ""), None
    from pipelines.prepare.review_sheet import SheetHead, sheet_path, write_sheet
    from pipelines.prepare.sheet_spool import spooled, spooling
    from pipelines.vault.keyfiles import read_public

    holder = read_public(asked.sheet_holder) if asked.sheet_holder is not None else None
    with spooling(store.scratch) as folder:
        made = _run(settings, store, asked, progress, str(folder))
        head = SheetHead(made.policy, made.policy_hash, made.version)
        path = sheet_path(store.root, made.name)
        return made, write_sheet(path, head, spooled(folder), store.root, holder=holder)


def _run(
    settings: Settings, store: IdentifiedStore, asked: DeidAsked, progress: Progress, sheet: str
) -> FolderReport:
    given = asked.secret_file
    secret = read_secret(given) if given else store.secret("project-folder")
    words = words_file(store.root, "folder")
    policy = with_words(asked.policy, words)
    pixels = PixelPlace(
        str(store.scratch), str(store.faces), find_signatures(settings.config_root), sheet
    )
    engine = Engine(settings)
    try:
        made = deidentify_folder(
            asked.source, asked.target, policy, secret, engine, progress, pixels, words
        )
    finally:
        engine.close()
    if asked.report is not None:
        write_whole(asked.report, json.dumps(asdict(made), sort_keys=True, indent=1).encode())
    return made
