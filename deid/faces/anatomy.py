"""Whether a series can show a face, from what its headers say of the anatomy."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pydicom.dataset import Dataset

from deid.faces.settings import FaceSettings
from deid.fold import fold
from deid.tables import read_csv

__all__ = ["Anatomy", "face_may_show", "read_anatomy"]

Answer = Literal["head", "not_head", "unknown"]

SERIES_TEXTS = (
    "BodyPartExamined",
    "SeriesDescription",
    "ProtocolName",
    "AcquisitionProtocolName",
    "PerformedProcedureStepDescription",
    "ReceiveCoilName",
)
STUDY_TEXTS = ("StudyDescription", "RequestedProcedureDescription")
REGIONS = ("AnatomicRegionSequence", "PrimaryAnatomicStructureSequence")

VOLUME_MODALITIES = frozenset({"CT", "MR"})
CAPTURES = ("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.13.1")
"""Secondary captures, which may be renderings of a head, and 3D X-ray images, PS3.4 B.5."""

LONGEST_MM = 800.0
"""Chest, abdomen and pelvis together are shorter: what is longer may begin at the head."""


@dataclass(frozen=True)
class Anatomy:
    """What headers say.

    Parameters
    ----------
    answer : str
        ``head`` when a face may show, ``not_head`` only when another part of the body is named
        and none beside the face, else ``unknown``, which is to be treated as a head.
    why : tuple of str
        Attribute and the word of the shipped table it holds; nothing else of the header.
    """

    answer: Answer
    why: tuple[str, ...]


def face_may_show(ds: Dataset) -> bool:
    """Tell whether an object is of a kind in which a face can be recognised.

    CT and MR images, captures of them, and 3D X-ray images; PET shows no face to recognise.
    """
    sop_class = str(ds.get("SOPClassUID") or "")
    modality = str(ds.get("Modality") or "").strip().upper()
    has_pixels = any(keyword in ds for keyword in ("Rows", "PixelData", "FloatPixelData"))
    captured = any(sop_class == uid or sop_class.startswith(uid + ".") for uid in CAPTURES)
    if not has_pixels or modality in {"SEG", "RTDOSE"}:
        return False
    return modality in VOLUME_MODALITIES or (captured and modality in {"", "OT", "SC", "XA", "DX"})


def read_anatomy(headers: Iterable[Dataset], settings: FaceSettings) -> Anatomy:
    """Return what the headers of one series say; one that says head decides for all.

    Parameters
    ----------
    headers : iterable of Dataset
        Identified headers of the instances of one series.
    settings : FaceSettings
        With the words of a site.
    """
    series: dict[str, str] = {}
    study: dict[str, str] = {}
    places: list[tuple[float, ...]] = []
    for ds in headers:
        places += _places(ds)
        for where, found in ((series, _series_texts(ds)), (study, _study_texts(ds))):
            for keyword, text in found:
                for shows, word in _words(text, settings.also_head, settings.also_not_head):
                    where.setdefault(shows, f"{keyword}: {word}")
    if "head" in series:
        return Anatomy("head", (series["head"],))
    if "head" in study:  # a study of several parts: this series may be of another one
        answer: Answer = "unknown" if "other" in series else "head"
        return Anatomy(answer, (study["head"], *(v for k, v in series.items() if k == "other")))
    other = tuple(where["other"] for where in (series, study) if "other" in where)
    if other and _reach_mm(places) > LONGEST_MM:
        return Anatomy("unknown", (*other, f"longer than {LONGEST_MM:.0f} mm"))
    return Anatomy("not_head", other) if other else Anatomy("unknown", ())


def _places(ds: Dataset) -> Iterator[tuple[float, ...]]:
    """Yield where the slices lie, as far as headers say so."""
    holders = [ds]
    for group in ds.get("PerFrameFunctionalGroupsSequence") or ():
        holders += group.get("PlanePositionSequence") or ()
    for holder in holders:
        try:
            place = tuple(float(v) for v in holder.get("ImagePositionPatient") or ())
        except (TypeError, ValueError):
            continue
        if len(place) == 3:
            yield place


def _reach_mm(places: list[tuple[float, ...]]) -> float:
    sides = (max(axis) - min(axis) for axis in zip(*places, strict=True))
    return math.hypot(*sides)


def _series_texts(ds: Dataset) -> Iterator[tuple[str, str]]:
    for keyword in SERIES_TEXTS:
        yield keyword, str(ds.get(keyword) or "")
    for holder in (ds, *_shared_anatomy(ds)):
        for keyword in REGIONS:
            for item in holder.get(keyword) or ():
                yield keyword, str(item.get("CodeMeaning") or "")
                yield keyword, _meaning(str(item.get("CodeValue") or ""))


def _study_texts(ds: Dataset) -> Iterator[tuple[str, str]]:
    for keyword in STUDY_TEXTS:
        yield keyword, str(ds.get(keyword) or "")
    for item in ds.get("RequestAttributesSequence") or ():
        for keyword in ("ScheduledProcedureStepDescription", "RequestedProcedureDescription"):
            yield keyword, str(item.get(keyword) or "")
    for item in ds.get("ProcedureCodeSequence") or ():
        yield "ProcedureCodeSequence", str(item.get("CodeMeaning") or "")


def _shared_anatomy(ds: Dataset) -> Iterator[Dataset]:
    for group in ds.get("SharedFunctionalGroupsSequence") or ():
        yield from group.get("FrameAnatomySequence") or ()
    for group in (ds.get("PerFrameFunctionalGroupsSequence") or ())[:1]:
        yield from group.get("FrameAnatomySequence") or ()


def _meaning(code: str) -> str:
    """Return the English meaning of a SNOMED code, new or of old, which a site may translate."""
    from pydicom.sr._snomed_dict import mapping

    return _meanings().get(mapping["SRT"].get(code, code), "") if code else ""


@lru_cache(maxsize=1)
def _meanings() -> dict[str, str]:
    from pydicom.sr.codedict import codes

    concepts = (getattr(codes.SCT, name) for name in codes.SCT.dir())
    return {str(concept.value): str(concept.meaning) for concept in concepts}


def _words(
    text: str, also_head: tuple[str, ...], also_other: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    if not text:
        return
    # A new word also begins where digits meet letters: T1FLAIR, BRAIN2.
    plain = re.sub(r"[^a-z0-9]+", " ", fold(text))
    spread = re.sub(r"(?<=[0-9])(?=[a-z])|(?<=[a-z])(?=[0-9])", " ", plain)
    for shows, word, pattern in _patterns(also_head, also_other):
        if pattern.search(plain) or pattern.search(spread):
            yield shows, word


@lru_cache(maxsize=8)
def _patterns(
    also_head: tuple[str, ...], also_other: tuple[str, ...]
) -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    rows = [(row["shows"], row["word"]) for row in read_csv("face_words.csv")]
    rows += [("head", fold(word)) for word in also_head]
    rows += [("other", fold(word)) for word in also_other]
    return tuple(
        (
            shows,
            word,
            re.compile(rf"\b{re.escape(word.rstrip('*'))}" + ("" if "*" in word else r"\b")),
        )
        for shows, word in rows
    )
