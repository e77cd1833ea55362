"""A list somebody hands in: which studies or patients, in which file and columns."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from config.base import Frozen

__all__ = ["AskedList", "Identifiers"]


class AskedList(Frozen):
    """A list of accession numbers or patients; what it names is asked for, and nothing else."""

    file: Path
    """CSV or Excel (.xlsx) file with a row of headings; it stays in the hospital's zone."""
    sheet: str | None = None
    """Sheet of an Excel file; the first when none is given."""
    accession: str | None = None
    """Heading of the accession numbers; the usual names are known."""
    patient: str | None = None
    """Heading of the patient numbers; the usual names are known."""
    study_date: str | None = None
    """Heading of the study dates; the usual names are known."""
    site: str | None = None
    """Heading of the site names; without it every line is asked of every site."""


class Identifiers(Frozen):
    """How this site writes its numbers: evidence for repairing what a spreadsheet broke."""

    accession_digits: tuple[int, ...] = Field(default=())
    """Lengths of its accession numbers, leading zeros counted; none: learnt from what is found."""
    patient_digits: tuple[int, ...] = Field(default=())
    """Lengths of its patient numbers, leading zeros counted."""
