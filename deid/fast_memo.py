"""What becomes of single elements, remembered: the slices of a series share nearly all of theirs.

An element's fate is decided by the `Walk` and nothing else; here it is asked once for the same
bytes under the same circumstances. Those are the context of the release, and the *support*: the
top-level elements that the walk asked for beside the one at hand (the character set, the creator
of a private block), found out by letting it ask (`Asked`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR

from deid.admit import Syntax
from deid.encode import encode_part
from deid.fast_asked import Asked
from deid.fast_scan import PIXEL_DATA, Run, Scanned
from deid.header import element_of, read_part
from deid.leak import check_leaks, holds_needle, uids_in
from deid.tally import Context, Tally
from deid.values import encodings_of, vr_of
from deid.walk import Walk

__all__ = ["Memo", "NeedsSupport", "Outcome"]

_PLAIN_VRS = frozenset({"AS", "AT", "DS", "FD", "FL", "IS", "SL", "SS", "TM", "UI", "UL", "US"})
"""VRs of one value without text or dates: of these, only bytes and UIDs are searched."""
_BRIEF_VRS = frozenset(
    str(vr) for vr in STANDARD_VR - EXPLICIT_VR_LENGTH_32 if len(str(vr)) == len("CS")
)
"""VRs with a length of two bytes (PS3.5 7.1.2)."""
_SHORT_LENGTH = 0xFFFF
_LATIN = ("iso8859",)
_MOST_RUNS = 1 << 10
_VALUES_PER_TAG = 64
"""Values of one attribute that are remembered; one with more is an attribute of the slice."""


class NeedsSupport(Exception):
    """The walk asked for other elements of the object than those it was given."""

    def __init__(self, tags: set[int]) -> None:
        super().__init__()
        self.tags = tags


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one element becomes, and what the account of its object owes to it."""

    pieces: dict[int, bytes]
    actions: tuple[tuple[str, int], ...]
    ran: frozenset[str]
    original_uids: frozenset[bytes]
    written_dates: frozenset[str]
    uid_runs: frozenset[bytes]


class Memo:
    """The outcomes of elements under one context and one support.

    Parameters
    ----------
    context : Context
        Of the release.
    syntax : Syntax
        Little endian.
    support : mapping
        The elements that the walk may ask for beside the one it treats, by tag.
    """

    def __init__(
        self, context: Context, syntax: Syntax, support: Mapping[int, bytes | None]
    ) -> None:
        self._context = context
        self._syntax = syntax
        self._support = {tag: blob for tag, blob in support.items() if blob is not None}
        self._asked_for = frozenset(support)
        self._note: set[int] = set()
        self._alone = Asked.of(read_part(self._support.values(), syntax.implicit_vr), self._note)
        self._encodings = encodings_of(self._alone, _LATIN)
        self._supported = dict(self._alone._dict)  # noqa: SLF001 - to copy must not decode
        self._private_alone = self._as_in_whole(read_part((), syntax.implicit_vr))
        self._known: dict[bytes, Outcome] = {}
        self._private_known: dict[tuple[bytes | None, bytes], Outcome] = {}
        self._runs_known: dict[tuple[Run, tuple[bytes | None, ...]], Outcome] = {}
        self._learnt: Counter[int] = Counter()

    def outcomes(self, index: Mapping[int, bytes]) -> list[Outcome]:
        """Return what becomes of every element of an object but its pixels.

        An element, or a run of them, has one outcome.

        Raises
        ------
        NeedsSupport
            The walk asked for more, or the whole object is to be looked at.
        RejectedError
            As the walk and the leak check do.
        """
        if not isinstance(index, Scanned):
            return self._of_elements(index.items(), index)
        return [
            *[self._of_run(run, index) for run in index.runs],
            *self._of_elements([(tag, index[tag]) for tag in index.loose], index),
        ]

    def _of_run(self, run: Run, index: Mapping[int, bytes]) -> Outcome:
        key = (run, tuple([index.get(creator) for creator in run.creators]))
        outcome = self._runs_known.get(key)
        if outcome is None:
            outcome = _joined(self._of_elements(run.elements.items(), index))
            if len(self._runs_known) >= _MOST_RUNS:
                self._runs_known.clear()
            self._runs_known[key] = outcome
        return outcome

    def _of_elements(
        self, elements: Iterable[tuple[int, bytes]], index: Mapping[int, bytes]
    ) -> list[Outcome]:
        found = []
        known, private = self._known, self._private_known
        for tag, blob in elements:
            if not tag & 0x10000:
                outcome = known.get(blob)
                if outcome is None:
                    if tag == PIXEL_DATA:
                        continue
                    outcome = self._keep(known, tag, blob, self._standard(tag, blob))
            elif tag & 0xFF00:
                creator = index.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
                outcome = private.get((creator, blob))
                if outcome is None:
                    learnt = self._private(tag, blob, creator)
                    outcome = self._keep(private, tag, (creator, blob), learnt)
            else:
                continue  # a creator goes with its elements
            found.append(outcome)
        return found

    def _keep(self, known: dict[Any, Outcome], tag: int, key: Any, outcome: Outcome) -> Outcome:
        """Remember an outcome, unless the tag has another value in every object."""
        self._learnt[tag] += 1
        if self._learnt[tag] <= _VALUES_PER_TAG:
            known[key] = outcome
        return outcome

    def _standard(self, tag: int, blob: bytes) -> Outcome:
        item = element_of(blob, tag, self._syntax.implicit_vr) if tag not in self._support else None
        if item is None or item.VR == "SQ" or not item.value:
            parts = {**self._support, tag: blob}
            part = read_part([parts[t] for t in sorted(parts)], self._syntax.implicit_vr)
            alone, place = Asked.of(part, self._note), BaseTag(tag)
        else:
            alone, place = self._alone, item.tag
            alone.__dict__["_dict"] = {**self._supported, place: item}
        tally = Tally()
        self._note.clear()
        element = Walk(self._context, tally).element(alone, place, (), self._encodings)
        self._check_support(tag)
        if element is None:
            return _outcome({}, tally, frozenset())
        return self._checked({place: element}, alone, tally)

    def _private(self, tag: int, blob: bytes, creator: bytes | None) -> Outcome:
        """Treat a private element with its creator; the walk finds them as in any data set."""
        parts = {tag: blob}
        if creator is not None:
            parts = {tag & 0xFFFF0000 | tag >> 8 & 0xFF: creator, tag: blob}
        alone = self._with_creator(parts)
        tally = Tally()
        kept = Walk(self._context, tally).private(alone, (), self._encodings)
        if not kept:
            return _outcome({}, tally, frozenset())
        return self._checked(kept, alone, tally)

    def _with_creator(self, parts: Mapping[int, bytes]) -> Dataset:
        """Return the data set of a private element, the same one again where it can be."""
        implicit = self._syntax.implicit_vr
        items = {BaseTag(tag): element_of(blob, tag, implicit) for tag, blob in parts.items()}
        if all(item is not None and item.VR != "SQ" and item.value for item in items.values()):
            self._private_alone.__dict__["_dict"] = items
            return self._private_alone
        return self._as_in_whole(read_part(parts.values(), implicit))

    def _as_in_whole(self, alone: Dataset) -> Dataset:
        """Let a part have the character set that it has in the whole object."""
        charset: Any = self._alone.original_character_set
        alone.set_original_encoding(self._syntax.implicit_vr, True, charset)
        alone._parent_encoding = charset or "iso8859"  # noqa: SLF001
        return alone

    def _check_support(self, tag: int) -> None:
        if not self._note <= self._asked_for:
            missing = self._note - self._asked_for - {tag}
            if missing:
                raise NeedsSupport(missing)

    def _checked(self, kept: dict[BaseTag, Any], alone: Dataset, tally: Tally) -> Outcome:
        """Return the outcome of elements that stay, once nothing of the identity is in them."""
        pieces = {int(tag): self._encoded(tag, element, alone) for tag, element in kept.items()}
        data = b"".join(pieces.values())
        lowered = data.lower()
        if all(_is_plain(element) for element in kept.values()):
            if holds_needle(lowered, self._context.hunter):
                raise NeedsSupport(set())  # the whole object is looked at, and refused
        else:
            check_leaks(self._dataset(kept, alone), data, self._context, tally)
        return _outcome(pieces, tally, uids_in(lowered))

    def _encoded(self, tag: BaseTag, element: Any, alone: Dataset) -> bytes:
        if isinstance(element, RawDataElement):
            head = _head(element, self._syntax.implicit_vr)
            if head is not None:
                return head + (element.value or b"")
        return encode_part(self._dataset({tag: element}, alone), [tag], self._syntax)

    def _dataset(self, kept: dict[BaseTag, Any], alone: Dataset) -> Dataset:
        charset = alone.original_character_set or "iso8859"
        out = Dataset(kept, parent_encoding=charset)
        out.set_original_encoding(self._syntax.implicit_vr, True, charset)
        return out


def _joined(outcomes: list[Outcome]) -> Outcome:
    """Return the outcome of several elements as one."""
    actions: Counter[str] = Counter()
    pieces: dict[int, bytes] = {}
    for outcome in outcomes:
        pieces.update(outcome.pieces)
        for action, number in outcome.actions:
            actions[action] += number
    return Outcome(
        pieces,
        tuple(actions.items()),
        frozenset().union(*[outcome.ran for outcome in outcomes]),
        frozenset().union(*[outcome.original_uids for outcome in outcomes]),
        frozenset().union(*[outcome.written_dates for outcome in outcomes]),
        frozenset().union(*[outcome.uid_runs for outcome in outcomes]),
    )


def _outcome(pieces: dict[int, bytes], tally: Tally, runs: frozenset[bytes]) -> Outcome:
    return Outcome(
        pieces,
        tuple(tally.actions.items()),
        frozenset(tally.ran),
        frozenset(uid.encode() for uid in tally.original_uids),
        frozenset(tally.written_dates),
        runs,
    )


def _is_plain(element: Any) -> bool:
    return isinstance(element, RawDataElement) and vr_of(element) in _PLAIN_VRS


def _head(element: RawDataElement, implicit_vr: bool) -> bytes | None:  # noqa: FBT001
    """Return the header of an element of a brief VR; None where pydicom is to write it."""
    length = len(element.value or b"")
    tag = element.tag
    place = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little")
    if implicit_vr:
        return place + length.to_bytes(4, "little")
    if element.VR not in _BRIEF_VRS or length > _SHORT_LENGTH:
        return None
    return place + str(element.VR).encode() + length.to_bytes(2, "little")
