"""What the PACS's answer to one line of a list means; a study is never chosen by a guess."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from pipelines.acquire.pacs import FoundStudy
from pipelines.catalogue.identified import AskedRow

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True)
class Verdict:
    """What becomes of a line."""

    state: str
    """``found``, ``not_found``, ``ambiguous``, ``filtered`` or ``refused``."""
    code: str | None = None
    detail: str = ""
    studies: tuple[FoundStudy, ...] = ()


def judge(
    row: AskedRow, number: str, answers: Sequence[FoundStudy], selected: Collection[str]
) -> Verdict:
    """Return what becomes of a line.

    Parameters
    ----------
    row : AskedRow
        The line; its patient number and date, where given, must fit.
    number : str
        The number asked for.
    answers : Sequence[FoundStudy]
        All the PACS answered; archives match loosely, so only the very number counts.
    selected : Collection[str]
        UIDs of the studies the project selects.
    """
    by_accession = bool(row.accession_number)
    own = {
        study.study_uid: study
        for study in answers
        if number == (study.accession_number if by_accession else study.patient_id)
    }
    if not own:
        detail = f"{len(answers)} answers with another number" if answers else ""
        return Verdict("not_found", "ASKED_NOT_FOUND", detail)
    fitting = [study for study in own.values() if _fits(row, study, by_accession=by_accession)]
    if not fitting and by_accession:
        return Verdict("refused", "ASKED_OTHER_PATIENT")
    if not fitting:
        return Verdict("not_found", "ASKED_NOT_FOUND", "no study of this patient on this date")
    wanted = sorted(
        (study for study in fitting if study.study_uid in selected), key=lambda s: s.study_uid
    )
    if not wanted:
        return Verdict("filtered", "ASKED_NOT_SELECTED")
    if by_accession and len(wanted) > 1:
        return Verdict("ambiguous", "ASKED_AMBIGUOUS", f"{len(wanted)} studies")
    return Verdict("found", studies=tuple(wanted))


def _fits(row: AskedRow, study: FoundStudy, *, by_accession: bool) -> bool:
    """Tell whether patient and date are those of the line, as far as it gives them."""
    if row.study_date and study.study_date.replace(".", "") != row.study_date:
        return False
    if not by_accession or not row.patient_id:
        return True
    # A check, not a change: zeros that a spreadsheet lost do not make it another patient.
    return study.patient_id.lstrip("0") == row.patient_id.lstrip("0")
