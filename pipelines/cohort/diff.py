"""What changed between two versions of a cohort: volumes added, gone, made anew, judged anew."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from config.errors import RejectedError
from pipelines.cohort.release import CHECKSUMS

__all__ = ["Difference", "diff"]

PATHS = ("nifti_path", "dicom_path")


@dataclass(frozen=True)
class Difference:
    """Volume identifiers by what became of them, and the rows asked whose outcome changed.

    ``made_anew`` have another file under the same identifier; ``judged_anew`` the same file and
    another verdict or other codes.
    """

    added: tuple[str, ...]
    gone: tuple[str, ...]
    made_anew: tuple[str, ...]
    judged_anew: tuple[str, ...]
    unchanged: int
    rows: dict[str, tuple[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def diff(former: Path, later: Path) -> Difference:
    """Compare two releases by their manifests, their checksums and their rows.

    Raises
    ------
    RejectedError
        ``RELEASE_WITHOUT_CHECKSUMS``: one is not a release, or was closed.
    """
    one, two = _volumes(former), _volumes(later)
    both = sorted(one.keys() & two.keys())
    made = [v for v in both if one[v]["files"] != two[v]["files"]]
    judged = [v for v in both if v not in made and one[v]["judged"] != two[v]["judged"]]
    before, after = _outcomes(former), _outcomes(later)
    return Difference(
        tuple(sorted(two.keys() - one.keys())),
        tuple(sorted(one.keys() - two.keys())),
        tuple(made),
        tuple(judged),
        len(both) - len(made) - len(judged),
        {
            row: (before.get(row, "not asked"), after.get(row, "not asked"))
            for row in sorted(before.keys() | after.keys())
            if before.get(row) != after.get(row)
        },
    )


def _volumes(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what a version delivers: the digests of each volume's files, and its verdict."""
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise RejectedError("RELEASE_WITHOUT_CHECKSUMS", type(error).__name__) from error
    digest_of = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    found = {}
    for row in pq.read_table(folder / "manifest.parquet").to_pylist():
        paths = [str(row[name]) for name in PATHS if row[name]]
        if row["volume_id"] is None or not paths:
            continue
        inside = tuple(f"{path}/" for path in paths)
        files = {d for name, d in digest_of.items() if name in paths or name.startswith(inside)}
        name = f"{row['subject']}/{row['volume_id']}"
        found[name] = {"files": files, "judged": (row["verdict"], sorted(row["codes"]))}
    return found


def _outcomes(folder: Path) -> dict[str, str]:
    rows = pq.read_table(folder / "requests.parquet", columns=["row_id", "outcome"]).to_pylist()
    return {row["row_id"]: row["outcome"] for row in rows}
