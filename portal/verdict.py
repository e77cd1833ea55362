"""What a reader sends: name, verdict, reasons; and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.cohort.review import REASONS

__all__ = ["Answer"]

READER_NAME = re.compile(r"[\w .'’-]{1,64}")


@dataclass(frozen=True)
class Answer:
    """One filled form; also what an empty form starts from."""

    reader: str = ""
    verdict: str = ""
    reasons: tuple[str, ...] = ()

    def problem(self) -> str:
        """Return the text key of what is missing; empty when the answer can be kept."""
        if not READER_NAME.fullmatch(self.reader):
            return "error_reader"
        if self.verdict not in {"accept", "reject"}:
            return "error_verdict"
        if set(self.reasons) - set(REASONS) or (self.verdict == "reject" and not self.reasons):
            return "error_reasons"
        return ""
