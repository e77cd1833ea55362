"""The release of an object as a patch of its header: what one slice taught serves the next.

Every decision is that of the slow path's own functions (`admit`, `require_clear_pixels`, `Walk`,
`stamp`, `check_leaks`), each asked once for the same bytes. What this module does not understand
it leaves to :meth:`deid.engine.Deidentifier.release`, which decides every refusal but those of the
gate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from config.errors import AccordageError, RejectedError
from config.policy import Policy
from deid.admit import Syntax, admit, syntax_of
from deid.asides import check_asides
from deid.declared import declared_in
from deid.documents.replace import document_kind
from deid.encode import PREAMBLE, encode_part, file_meta, pixel_pieces
from deid.fast_asked import ALWAYS, Asked, AskedMemo
from deid.fast_memo import Memo, NeedsSupport, Outcome
from deid.fast_scan import PIXEL_DATA
from deid.gate import require_clear_pixels, require_no_face
from deid.header import Header
from deid.hunt import Hunter, hunter_for
from deid.identity import Identity
from deid.iods import is_image
from deid.keys import Keys, shift_days, subject_of
from deid.leak import any_original
from deid.pixel_length import surplus_bytes
from deid.rules import Rules
from deid.span import Span
from deid.stamp import stamp, steps_that_ran
from deid.tally import Context, Tally
from deid.values import encodings_of
from deid.walk import Walk

__all__ = ["FastRelease", "Patched"]

_CLASS, _INSTANCE, _STUDY, _SERIES = 0x00080016, 0x00080018, 0x0020000D, 0x0020000E
_ROUNDS = 16
"""Times that a walk may ask for more support before the slow path takes over."""
_HEAD_BYTES = 8


@dataclass(frozen=True)
class _Admitted:
    """An object that passed the gate, and what its pixel element becomes."""

    sop_class: str
    pixel_pieces: tuple[bytes | Span, ...]
    tally: Tally


class Actions(Mapping[str, int]):
    """How often each action was taken; counted when somebody looks."""

    def __init__(self, outcomes: list[Outcome], also: Counter[str]) -> None:
        self._outcomes, self._also = outcomes, also

    @cached_property
    def _counts(self) -> dict[str, int]:
        counts = Counter(self._also)
        for outcome in self._outcomes:
            for action, number in outcome.actions:
                counts[action] += number
        return dict(sorted(counts.items()))

    def __getitem__(self, key: str) -> int:
        return self._counts[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)


@dataclass(frozen=True)
class Patched:
    """What is to be written in place of an object, checked."""

    pieces: tuple[bytes | Span, ...]
    study_uid: str
    series_uid: str
    sop_uid: str
    steps: tuple[str, ...]
    actions: Mapping[str, int]


class FastRelease:
    """Releases the objects of one patient's study.

    Parameters
    ----------
    policy, keys, rules
        Of the project.
    token : bytes
        The patient's.
    identity : Identity
        Of the study; every object given has contributed to it.
    """

    def __init__(
        self, policy: Policy, keys: Keys, rules: Rules, token: bytes, identity: Identity
    ) -> None:
        self._policy, self._keys, self._rules, self._identity = policy, keys, rules, identity
        self.subject = subject_of(keys, token)
        self.shift_days = shift_days(keys, token)
        self._gates: dict[
            tuple[str, bool, frozenset[str]], AskedMemo[_Admitted | RejectedError | None]
        ] = {}
        self._support: tuple[int, ...] = ALWAYS
        self._memos: dict[tuple[object, ...], Memo] = {}
        self._stamped: dict[tuple[str, bytes | None, frozenset[str]], _Stamp] = {}

    def release(self, header: Header, done: frozenset[str] = frozenset()) -> Patched | None:
        """Return the patch of an object; None where the slow path must decide.

        ``done`` holds the options that were carried out on its pixels.

        Raises
        ------
        RejectedError
            As `admit`, `require_clear_pixels` and `check_asides` do.
        """
        gate = self._gate(header, done)
        admitted = gate(header.index, header.dataset)
        if isinstance(admitted, RejectedError):
            raise type(admitted)(admitted.code, admitted.detail)
        if admitted is None:
            return None
        check_asides(header.asides, self._hunter(admitted.sop_class))
        for _ in range(_ROUNDS):
            try:
                return self._patched(header, admitted)
            except NeedsSupport as more:
                if not more.tags:
                    return None
                self._support = tuple(sorted({*self._support, *more.tags}))
                self._memos = {}
            except AccordageError:
                return None
        return None

    def _gate(
        self, header: Header, done: frozenset[str]
    ) -> AskedMemo[_Admitted | RejectedError | None]:
        key = (header.syntax_uid, header.implicit_vr, done)
        if key not in self._gates:
            self._gates[key] = AskedMemo(partial(self._admitted, done=done))
        return self._gates[key]

    def _admitted(self, ds: Asked, *, done: frozenset[str]) -> _Admitted | RejectedError | None:
        """Return what the pixel element becomes, or the refusal; None for the slow path."""
        try:
            syntax = syntax_of(ds)
            sop_class = admit(ds, syntax)
            require_clear_pixels(ds, self._policy, done)
            require_no_face(ds, self._policy, done)
            if document_kind(sop_class) or not is_image(sop_class) or declared_in(ds):
                return None
            if not syntax.encapsulated and surplus_bytes(ds, len(ds.get_item(PIXEL_DATA).value)):
                return None
            tally = Tally(ran=set(done))
            walk = Walk(self._context(sop_class, syntax), tally)
            encodings = encodings_of(ds, ("iso8859",))
            element = walk.element(ds, BaseTag(PIXEL_DATA), (), encodings)
        except RejectedError as error:
            return error
        if element is None:
            return None
        return _Admitted(sop_class, tuple(pixel_pieces(element, syntax)), tally)

    def _hunter(self, sop_class: str) -> Hunter:
        rules = self._rules.for_class(sop_class)
        return hunter_for(self._identity, institutions=rules.hunts_institutions)

    def _context(self, sop_class: str, syntax: Syntax) -> Context:
        return Context(
            rules=self._rules.for_class(sop_class),
            keys=self._keys,
            subject=self.subject,
            shift_days=self.shift_days,
            hunter=self._hunter(sop_class),
            sop_class=sop_class,
            implicit_vr=syntax.implicit_vr,
            little_endian=syntax.little_endian,
        )

    def _memo(self, header: Header, sop_class: str) -> Memo:
        support = {tag: header.index.get(tag) for tag in self._support}
        key = (sop_class, header.syntax_uid, header.implicit_vr, *support.values())
        memo = self._memos.get(key)
        if memo is None:
            syntax = _syntax(header)
            memo = self._memos[key] = Memo(self._context(sop_class, syntax), syntax, support)
        return memo

    def _patched(self, header: Header, admitted: _Admitted) -> Patched | None:
        memo = self._memo(header, admitted.sop_class)
        outcomes = memo.outcomes(header.index)
        pieces: dict[int, bytes] = {}
        for outcome in outcomes:
            if outcome.pieces:
                pieces.update(outcome.pieces)
        if not self._is_clear(outcomes):
            return None
        ran = frozenset(admitted.tally.ran.union(*{outcome.ran for outcome in outcomes}))
        made = self._stamp(header, ran)
        pieces.update(made.pieces)
        uids = [_uid(pieces.get(tag)) for tag in (_CLASS, _INSTANCE, _STUDY, _SERIES)]
        if not all(uids):
            return None  # the slow path makes the missing ones
        actions = Actions(outcomes, admitted.tally.actions)
        meta = file_meta(uids[0], uids[1], _syntax(header))
        joined = _joined(PREAMBLE + meta, pieces, admitted.pixel_pieces, header.pixels)
        return Patched(
            joined,
            uids[2],
            uids[3],
            uids[1],
            made.steps,
            actions,
        )

    def _is_clear(self, outcomes: list[Outcome]) -> bool:
        """Tell whether no element keeps a UID that another one replaced."""
        if "113110" in self._rules.options:
            return True
        originals = {uid for o in outcomes if o.original_uids for uid in o.original_uids}
        runs = {run for o in outcomes if o.uid_runs for run in o.uid_runs}
        return not any_original(runs, originals)

    def _stamp(self, header: Header, ran: frozenset[str]) -> _Stamp:
        """Return the marks of de-identification as bytes; they depend on what ran."""
        key = (header.syntax_uid, header.index.get(ALWAYS[0]), ran)
        if key not in self._stamped:
            syntax = _syntax(header)
            steps = steps_that_ran(self._rules, Tally(ran=set(ran)))
            out = Dataset()
            stamp(out, self._policy, steps, self.subject)
            tags = sorted(out.keys())
            self._stamped[key] = _Stamp(steps, {t: encode_part(out, [t], syntax) for t in tags})
        return self._stamped[key]


@dataclass(frozen=True)
class _Stamp:
    steps: tuple[str, ...]
    pieces: Mapping[int, bytes]


def _syntax(header: Header) -> Syntax:
    native = not header.index[PIXEL_DATA].endswith(b"\xff\xff\xff\xff")
    return Syntax(header.syntax_uid, header.implicit_vr, True, False, not native)


def _uid(piece: bytes | None) -> str:
    return piece[_HEAD_BYTES:].rstrip(b" \0").decode("latin-1") if piece else ""


def _joined(
    start: bytes, pieces: Mapping[int, bytes], pixels: tuple[bytes | Span, ...], place: Span
) -> tuple[bytes | Span, ...]:
    """Return the file in pieces: before the pixels, these, and what comes after."""
    tags = sorted(pieces)
    split = len(tags)
    while split and tags[split - 1] > PIXEL_DATA:
        split -= 1
    before = start + b"".join([pieces[tag] for tag in tags[:split]])
    after = b"".join([pieces[tag] for tag in tags[split:]])
    own = [place if isinstance(piece, Span) else piece for piece in pixels]
    return (before, *own, after)
