"""Carry out what the gate decides of an object's pixels: read them, blank them, read them again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from config.errors import PixelsNotCleared
from config.files import disk_faults, partial_of
from config.policy import Policy
from config.signature import Signature
from deid.blank.entry import BlankedPixels, blank_object
from deid.blank.region import Rectangle
from deid.blank.shape import PixelShape
from deid.clean import Finder, Reading, require_image_left, require_nothing_left, unseen
from deid.gate import CLEAN_PIXEL_DATA, decide
from deid.header import Header
from deid.looks import Look, PixelOutcome
from deid.signatures import match_signature, signature_alarm, signature_look
from deid.text.grown import grown
from pipelines.prepare.pixel_source import PixelSource, source_in_file, source_in_memory
from pipelines.prepare.rewrite import rewrite_file, rewrite_in_memory

__all__ = ["Cleaned", "FinderOf", "PixelCleaner", "PixelPlace", "source_of"]

FinderOf = Callable[[], Finder]
"""Makes the finder when the first object needs one: it takes a second to load."""

_ROUNDS = 3
"""Blanking a line may let the reader see another that it had joined to it."""


@dataclass(frozen=True)
class PixelPlace:
    """Where pixels are cleaned.

    Parameters
    ----------
    scratch : str
        Folder of the identified zone for pixels that are being cleaned; nothing stays in it.
    faces : str
        Folder of the identified zone for pictures of heads before and after.
    signatures : tuple of Signature
        Of the site's devices.
    sheet : str
        Folder in which records for a review sheet are kept; empty where none is written.
    """

    scratch: str
    faces: str
    signatures: tuple[Signature, ...] = ()
    sheet: str = ""


@dataclass(frozen=True)
class Cleaned:
    """An object after its pixels were looked at.

    Parameters
    ----------
    path : Path
        The file that a header's spans point into; valid until the next object is cleaned.
    read : Header or Dataset
        A plain image file's header, or any other object read whole.
    outcome : PixelOutcome
        What was decided and done.
    face : frozenset of str
        What was done about a face.
    """

    path: Path
    read: Header | Dataset
    outcome: PixelOutcome
    face: frozenset[str] = frozenset()

    @property
    def done(self) -> frozenset[str]:
        """Return what was carried out, as :func:`deid.engine.Deidentifier.release` wants it."""
        looked_at = self.outcome.look.decision in {"read", "regions", "signature"}
        return self.face | ({CLEAN_PIXEL_DATA} if looked_at else set())


class PixelCleaner:
    """Cleans the pixels of the objects of one study, one at a time.

    Parameters
    ----------
    policy : Policy
        Says whether and how pixels are cleaned.
    finder_of : callable
        Makes what finds and judges text.
    place : PixelPlace
        Where to work, and what is known of the site's devices.
    """

    def __init__(self, policy: Policy, finder_of: FinderOf, place: PixelPlace) -> None:
        self._policy, self._finder_of, self._signatures = policy, finder_of, place.signatures
        self._finder: Finder | None = None
        self._folder = partial_of(Path(place.scratch) / "pixels")
        self.refused: Cleaned | None = None
        """How far the last object had come that was refused for what was read in it."""

    def close(self) -> None:
        """Remove what was left in the scratch folder."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._folder)

    def look(self, ds: Dataset) -> Look:
        """Return what has to be done with the pixels of an object.

        Raises
        ------
        PixelsNotCleared
            As :func:`deid.gate.decide` does; ``PIXELS_DROPPED`` for one that is to be left out.
        """
        look = decide(ds, self._policy, lambda one: signature_look(one, self._signatures))
        if look.decision == "drop":
            raise PixelsNotCleared("PIXELS_DROPPED", look.reason)
        return look

    def clean(self, path: Path, read: Header | Dataset, look: Look) -> Cleaned:
        """Return an object with its pixels cleaned: read, blanked, and read again.

        Parameters
        ----------
        path : Path
            Where it lies; spans of a header point into it.
        read : Header or Dataset
            A plain image file's header, or any other object read whole; it is left as it is.
        look : Look
            What `look` decided.

        Raises
        ------
        RejectedError
            ``PIXELS_TEXT_LEFT``, ``PIXELS_MOSTLY_TEXT``, and as reading and blanking do.
        """
        self.refused = None
        cleaned = Cleaned(path, read, PixelOutcome(look))
        known = look.blank
        written: tuple[Rectangle, ...] = ()
        for _ in range(_ROUNDS):
            source = source_of(cleaned)
            reading = self._reader().find(unseen(source.decoded, known), source.shape, source.ds)
            cut = self._cut(reading, source.shape)
            written += cut
            rectangles = (*known, *cut)
            cleaned = replace(cleaned, outcome=_added(cleaned.outcome, reading, rectangles))
            self.refused = cleaned
            require_image_left(written, source.shape, source.ds)
            cleaned = self._alarmed(cleaned, source.ds, reading)
            if not rectangles:
                self.refused = None
                return cleaned
            pieces = source.frames()
            blanked = blank_object(source.ds, rectangles, pieces=pieces, pixel_vr=source.vr)
            cleaned, known = self._rewritten(cleaned, blanked), ()
        source = source_of(cleaned)
        last = self._reader().find(source.decoded, source.shape, source.ds)
        self.refused = replace(cleaned, outcome=_added(cleaned.outcome, last, ()))
        require_nothing_left(last)
        self.refused = None
        return cleaned

    def _cut(self, reading: Reading, shape: PixelShape) -> tuple[Rectangle, ...]:
        margin_px = self._policy.pixels.margin_px
        return grown(reading.found, margin_px, rows=shape.rows, columns=shape.columns)

    def _alarmed(self, cleaned: Cleaned, ds: Dataset, reading: Reading) -> Cleaned:
        """Note when a device wrote where its signature knows of no text."""
        signature = match_signature(ds, self._signatures)
        if cleaned.outcome.look.decision != "signature" or signature is None:
            return cleaned
        alarm = signature_alarm((found.line.rectangle for found in reading.cut), signature)
        return replace(cleaned, outcome=replace(cleaned.outcome, alarm=alarm or ""))

    def _rewritten(self, cleaned: Cleaned, blanked: BlankedPixels) -> Cleaned:
        if isinstance(cleaned.read, Dataset):
            return replace(cleaned, read=rewrite_in_memory(cleaned.read, blanked))
        with disk_faults():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self._folder / "made.dcm"
        header = rewrite_file(cleaned.read, blanked, made)
        target = self._folder / "cleaned.dcm"
        made.replace(target)  # the source of the second round is the target of the first
        return replace(cleaned, path=target, read=header)

    def _reader(self) -> Finder:
        if self._finder is None:
            self._finder = self._finder_of()
        return self._finder


def source_of(cleaned: Cleaned) -> PixelSource:
    """Return the pixels as they are now.

    Raises
    ------
    RejectedError
        As `source_in_file` and `source_in_memory` do.
    """
    if isinstance(cleaned.read, Dataset):
        return source_in_memory(cleaned.read)
    return source_in_file(cleaned.path, cleaned.read)


def _added(
    before: PixelOutcome, reading: Reading, rectangles: tuple[Rectangle, ...]
) -> PixelOutcome:
    """Return the account with one more reading; what was kept before is found again and not new."""
    new = reading.cut if before.frames_read else reading.found
    return replace(
        before,
        frames_read=before.frames_read + reading.frames_read,
        found=before.found + new,
        blanked=before.blanked + rectangles,
    )
