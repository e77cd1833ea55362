"""Files are removed with the folders they leave empty, and the database keeps no trace of rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from config.files import disk_faults
from pipelines.catalogue.database import Catalogue

__all__ = ["compact", "files_naming", "remove_files"]

CHUNK = 1 << 20


def remove_files(files: Iterable[Path], root: Path) -> tuple[int, int]:
    """Remove files, then the folders that became empty below ``root``; return files and bytes."""
    count = size = 0
    with disk_faults():
        for path in files:
            try:
                size += path.stat().st_size
                path.unlink()
            except FileNotFoundError:  # a run before this one was interrupted
                continue
            count += 1
            for parent in path.parents:
                if parent == root or any(parent.iterdir()):
                    break
                parent.rmdir()
    return count, size


def compact(catalogue: Catalogue) -> None:
    """Write the database anew: SQLite keeps deleted rows in free pages until then.

    PostgreSQL does the same by its own VACUUM, which its administrator schedules.
    """
    if catalogue.engine.dialect.name != "sqlite":
        return
    raw = catalogue.engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()


def files_naming(root: Path, names: Iterable[str]) -> tuple[int, list[Path]]:
    """Return how many files there are below ``root``, and those that hold one of ``names``.

    Names are looked for in paths and, as bytes, in contents.
    """
    wanted = [name.encode() for name in names]
    longest = max(map(len, wanted), default=1)
    count, found = 0, []
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        count += 1
        in_path = any(one in str(path.relative_to(root)).encode() for one in wanted)
        if in_path or _holds(path, wanted, longest):
            found.append(path)
    return count, found


def _holds(path: Path, wanted: list[bytes], longest: int) -> bool:
    tail = b""
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            window = tail + chunk
            if any(one in window for one in wanted):
                return True
            tail = window[-longest:]
    return False
