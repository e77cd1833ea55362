"""The views of a screening exam: the latest of each, and whether all are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from harmonise.choose import Candidate
from harmonise.series import Refusal, Stack
from harmonise.views import view_of

__all__ = ["exam_gaps", "film_named", "latest", "place_in_exam"]


def place_in_exam(stack: Stack, exam: Sequence[str]) -> str:
    """Return the view of an exam a mammogram competes for; "" for one that competes with none."""
    name = view_of(stack.header).name
    return name if name in exam else ""


def latest(rivals: Sequence[Candidate]) -> tuple[Candidate, str]:
    """Return the last image of one view, and a line for the log.

    A repeat replaces what was not good enough. By AcquisitionDate, AcquisitionTime and
    InstanceNumber; equal in all three, by UID.
    """

    def rank(one: Candidate) -> tuple[str, str, int, str]:
        frame = one.stack.frames[0]
        day = str(one.stack.header.get("AcquisitionDate") or "")
        number = frame.instance_number or 0
        return day, frame.acquisition_time or "", number, frame.sop_instance_uid

    ranked = sorted(rivals, key=rank)
    why = "the only image of its view"
    if len(ranked) > 1:
        why = f"chosen of {len(ranked)}: the latest"
    return ranked[-1], why


def exam_gaps(chosen: Sequence[Candidate], exam: Sequence[str]) -> str:
    """Return which views of an exam are not there exactly once; "" where all are."""
    found = Counter(view_of(one.stack.header).name for one in chosen)
    wrong = [f"{name} {found[name]}" for name in exam if found[name] != 1]
    return ", ".join(wrong)


def film_named(refusal: Refusal) -> Refusal:
    """Name digitised film for what it is: a mammogram kept as a secondary capture."""
    is_capture = refusal.code == "UNSUPPORTED_MODALITY" and "Secondary Capture" in refusal.detail
    if refusal.modality == "MG" and is_capture:
        return replace(refusal, code="MG_DIGITISED_FILM")
    return refusal
