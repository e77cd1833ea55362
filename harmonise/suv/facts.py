"""What one PET frame says that its SUV depends on, as its header wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from harmonise.suv.moment import Moment

__all__ = ["Dose", "Pet"]


@dataclass(frozen=True)
class Dose:
    """One item of the Radiopharmaceutical Information Sequence (PS3.3 C.8.9.2).

    ``amount`` is (0018,1074) as written, in Bq where the maker kept to the standard; ``started``
    is (0018,1078) and ``start_time`` (0018,1072), which has no date. ``nuclide`` holds code value,
    code meaning and the drug's name, lower case.
    """

    amount: float | None = None
    half_life_s: float | None = None
    started: Moment | None = None
    start_time: Moment | None = None
    nuclide: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pet:
    """The facts of one frame; numbers as written, None where the header says nothing.

    ``decay_correction`` is (0054,1102); of an enhanced object YES or NO, (0018,9758), with
    ``corrected_to`` (0018,9701) and ``reference`` (0018,9151). ``offset_s`` is (0054,1300) and
    ``duration_s`` (0018,1242), both in seconds here.
    """

    manufacturer: str = ""
    units: str = ""
    suv_type: str = ""
    decay_correction: str = ""
    corrected: tuple[str, ...] = ()
    weight: float | None = None
    size: float | None = None
    sex: str = ""
    doses: tuple[Dose, ...] = ()
    series: Moment | None = None
    acquired: Moment | None = None
    offset_s: float | None = None
    duration_s: float | None = None
    corrected_to: Moment | None = None
    reference: Moment | None = None
