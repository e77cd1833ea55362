"""A finding names a file, a place and a kind; it never holds the value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["AuditReport", "Finding"]


@dataclass(frozen=True, order=True)
class Finding:
    """``file`` is the released name; ``place`` a tag path, ``byte N`` or ``name``."""

    file: str
    place: str
    kind: str


@dataclass(frozen=True)
class AuditReport:
    """What an audit looked at and found."""

    files: int
    dicom: int
    against: int | None
    needles: int
    findings: tuple[Finding, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            "files": self.files,
            "dicom": self.dicom,
            "originals": self.against,
            "needles": self.needles,
            "by_kind": kinds(self.findings),
            "findings": [asdict(finding) for finding in self.findings],
        }


def kinds(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how often each kind was found."""
    return dict(sorted(Counter(finding.kind for finding in findings).items()))
