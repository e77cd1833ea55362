"""What finds text for one study: one reader a process, and a judge who knows the study's names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from pydicom.dataset import Dataset

from config.policy import Policy
from deid.blank.shape import PixelShape
from deid.clean import Frames, Reading
from deid.hunt import hunter_for
from deid.identity import Identity
from deid.text.cine import find_in_clip
from deid.text.find import TextFinder
from deid.text.grey import Display, Views, views_of_decoded
from deid.text.judge import Judge
from deid.text.kind import kind_of
from deid.text.line import Found
from deid.text.rapid import RapidReader
from deid.text.remember import RememberingReader

__all__ = ["StudyFinder", "make_finder"]


class StudyFinder:
    """Reads the frames of a study's objects.

    Parameters
    ----------
    finder : TextFinder
        With a judge who knows the study.
    """

    def __init__(self, finder: TextFinder) -> None:
        self._finder = finder

    def find(self, frames: Frames, shape: PixelShape, ds: Dataset) -> Reading:
        """Return what is written in the frames; ``ds`` says what kind of image it is.

        Raises
        ------
        RejectedError
            As the frames do when they cannot be decoded.
        """
        kind, display = kind_of(ds), Display.of(ds, shape)

        def views() -> Iterator[Views]:
            return (views_of_decoded(frame, display) for frame in frames())

        if shape.frames > 1:
            made = find_in_clip(self._finder, views, kind)
            self._finder.reader.rest()
            return Reading(tuple(_placed(one, None) for one in made.found), made.frames_read)
        found = self._finder.find(next(views()), kind)
        return Reading(tuple(_placed(one, 0) for one in found), 1)


def make_finder(policy: Policy, identity: Identity) -> StudyFinder:
    """Return what reads the objects of one study under one policy.

    Raises
    ------
    EnvironmentFault
        ``PIXEL_READER_MISSING``.
    """
    judge = Judge(hunter_for(identity, institutions=True), policy.pixels.kept_words)
    return StudyFinder(TextFinder(RememberingReader(_reader()), judge))


@cache
def _reader() -> RapidReader:
    """Return this process's reader: it takes a second to load, and holds nothing it read."""
    return RapidReader()


def _placed(found: Found, frame: int | None) -> Found:
    rectangle = replace(found.line.rectangle, frame=frame)
    return replace(found, line=replace(found.line, rectangle=rectangle))
