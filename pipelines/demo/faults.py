"""The four faults planted on purpose, by the code each must end under."""

from __future__ import annotations

from copy import deepcopy

from pipelines.demo.exam import Exam
from pipelines.demo.series import Image

__all__ = ["FAULTY_ROLE", "UNDELIVERED", "damage", "hides_b"]

UNDELIVERED = "STUDY_NOT_DELIVERED"
"""The archive lists the study and delivers nothing; the objects themselves are good."""

FAULTY_ROLE = {"MR_MISSING_SLICE": "t2w", "MR_DUPLICATE_SLICE": "t2w", "MR_B_UNKNOWN": "dwi"}
"""Which series of the study carries the fault; the others stay good."""


def hides_b(exam: Exam, role: str) -> bool:
    """Tell whether no element of this series may state its b-values."""
    return exam.fault == "MR_B_UNKNOWN" and role == "dwi"


def damage(exam: Exam, role: str, images: list[Image]) -> list[Image]:
    """Return the images as the archive holds them.

    A lost slice leaves a gap in the instance numbers; a duplicate is the same image sent again
    under another SOP Instance UID.
    """
    if FAULTY_ROLE.get(exam.fault or "") != role:
        return images
    middle = len(images) // 2
    if exam.fault == "MR_MISSING_SLICE":
        return images[:middle] + images[middle + 1 :]
    if exam.fault == "MR_DUPLICATE_SLICE":
        own = deepcopy(images[middle].own)
        own.SOPInstanceUID = exam.uid(role, "sent again")
        return [*images, Image(own, images[middle].pixels)]
    return images
