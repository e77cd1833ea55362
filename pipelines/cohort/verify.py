"""Verify a release: every file is there, every byte is what was released, nothing was added."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.errors import RejectedError
from config.files import sha256_file
from pipelines.cohort.release import CHECKSUMS
from pipelines.progress import Progress

__all__ = ["Verified", "verify"]


@dataclass(frozen=True)
class Verified:
    """What became of a release's files, as paths inside it."""

    files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether the folder is the release and nothing else."""
        return not (self.changed or self.missing or self.added)


def verify(folder: Path, progress: Progress) -> Verified:
    """Compare a release with its checksums.

    Raises
    ------
    RejectedError
        ``RELEASE_WITHOUT_CHECKSUMS``: not a release, or one that was closed.
    """
    try:
        text = (folder / CHECKSUMS).read_text(encoding="utf-8")
    except OSError as error:
        raise RejectedError("RELEASE_WITHOUT_CHECKSUMS", type(error).__name__) from error
    expected = {name: digest for digest, _, name in (x.partition("  ") for x in text.splitlines())}
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    progress.begin("verify", len(expected))
    changed = []
    for name, digest in expected.items():
        if name in present and sha256_file(folder / name) != digest:
            changed.append(name)
        progress.advance("verify")
    return Verified(
        len(expected),
        tuple(sorted(changed)),
        tuple(sorted(expected.keys() - present)),
        tuple(sorted(present - expected.keys() - {CHECKSUMS})),
    )
