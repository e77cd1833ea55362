"""The de-identifier: one dataset in, one released object out, or a refusal with a code."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from pydicom.dataset import Dataset

from config.errors import AccordageError, UnreadableObject
from config.policy import Policy
from deid.admit import admit, syntax_of
from deid.asides import check_asides
from deid.declared import declared_in, restate
from deid.encode import Encoded, encode
from deid.fast_release import FastRelease
from deid.finish import finish
from deid.gate import require_clear_pixels, require_no_face
from deid.header import Header, as_it_lies
from deid.hunt import hunter_for
from deid.identity import Identity, harvest_one
from deid.keys import Keys, shift_days, subject_of
from deid.leak import check_leaks
from deid.rules import resolve_policy
from deid.span import Span
from deid.stamp import stamp, steps_that_ran
from deid.tally import Context, Tally
from deid.walk import Walk

__all__ = ["Deidentifier", "ReleasedDataset", "silence"]


@dataclass(frozen=True)
class ReleasedDataset:
    """An object that passed the leak check; only :class:`Deidentifier` makes one.

    ``steps`` are the CID 7050 codes that ran; ``actions`` counts what was done.
    """

    subject: str
    study_uid: str
    series_uid: str
    sop_uid: str
    shift_days: int
    steps: tuple[str, ...]
    actions: Mapping[str, int]
    _encoded: Encoded
    _seal: object

    _SEAL: ClassVar[object] = object()

    def __post_init__(self) -> None:
        if self._seal is not ReleasedDataset._SEAL:
            raise TypeError("a ReleasedDataset is made by Deidentifier.release only")

    def to_bytes(self) -> bytes:
        """Return the Part 10 file (PS3.10 7): the same bytes every time."""
        return self._encoded.joined()

    @property
    def pieces(self) -> tuple[bytes | Span, ...]:
        """The Part 10 file in pieces; a :class:`Span` stands for bytes of the source file."""
        return self._encoded.pieces


@contextmanager
def silence() -> Iterator[None]:
    """Keep pydicom's warnings and log lines in: they quote values."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _looked_at(ds: Dataset) -> Dataset:
    """Return a data set to ask: an element once decoded would not be copied as its bytes."""
    seen = as_it_lies(ds)
    if hasattr(ds, "file_meta"):
        seen.file_meta = ds.file_meta
    return seen


class Deidentifier:
    """Releases the objects of one project under one policy.

    Parameters
    ----------
    policy : Policy
        Profile, options and cleared pixels.
    keys : Keys
        The project's keys.
    """

    def __init__(self, policy: Policy, keys: Keys) -> None:
        self._policy = policy
        self._keys = keys
        self._rules = resolve_policy(policy)

    def admit(self, ds: Dataset) -> None:
        """Refuse at once what `release` would refuse for its kind or its encoding.

        Raises
        ------
        RejectedError
            As :func:`deid.admit.admit` does.
        """
        admit(_looked_at(ds), syntax_of(ds))

    def fast(self, token: bytes, identity: Identity) -> FastRelease:
        """Return what releases the objects of one study by their headers alone.

        Parameters
        ----------
        token, identity
            As for `release`; ``identity`` holds what every object of the study contributes.
        """
        return FastRelease(self._policy, self._keys, self._rules, token, identity)

    def patch(
        self, fast: FastRelease, header: Header, done: AbstractSet[str] = frozenset()
    ) -> ReleasedDataset | None:
        """Return an object released by its header; None where only `release` can decide.

        The result is, to the byte, what `release` gives. The caller keeps `silence`. ``done`` is as
        for `release`.

        Raises
        ------
        RejectedError
            As `release` does.
        """
        try:
            patched = fast.release(header, frozenset(done))
        except (AccordageError, MemoryError):
            raise
        except Exception:  # noqa: BLE001 - the other way finds out what it is
            return None
        if patched is None:
            return None
        return ReleasedDataset(
            subject=fast.subject,
            study_uid=patched.study_uid,
            series_uid=patched.series_uid,
            sop_uid=patched.sop_uid,
            shift_days=fast.shift_days,
            steps=patched.steps,
            actions=patched.actions,
            _encoded=Encoded(patched.pieces, b""),
            _seal=ReleasedDataset._SEAL,  # noqa: SLF001, this is the maker
        )

    def release(
        self,
        ds: Dataset,
        *,
        token: bytes,
        identity: Identity,
        asides: Sequence[bytes] = (),
        done: AbstractSet[str] = frozenset(),
    ) -> ReleasedDataset:
        """Return ``ds`` de-identified and checked; ``ds`` itself keeps its values.

        Parameters
        ----------
        ds : Dataset
            One object, read with its file meta; pixel values are carried along, never decoded.
        token : bytes
            The patient's token (:func:`deid.keys.site_token`): makes subject and date shift.
        identity : Identity
            What the whole study says of its people and places.
        asides : sequence of bytes
            What lies in the pixel value and is no sample (:mod:`deid.asides`).
        done : set of str
            Options of CID 7050 that have been carried out on the pixels of ``ds``, or were found
            to have nothing to do; empty when nobody looked.

        Raises
        ------
        UnreadableObject
            ``DEID_NO_UID``, ``DEID_NO_PIXELS``, ``DEID_TRUNCATED``, ``DEID_BAD_VR``,
            ``DEID_SEQUENCE``, or ``DEID_FAILED`` with the kind of error.
        UnsupportedObject
            ``SOP_CLASS_UNSUPPORTED``, ``DOCUMENT_NOT_CLEANED``, ``TRANSFER_SYNTAX_UNSUPPORTED``.
        PixelsNotCleared
            ``PIXELS_NOT_CLEARED`` with the reason.
        IdentityLeak
            ``IDENTITY_LEAK`` with the tag.
        """
        with silence():
            try:
                return self._release(ds, token, identity, asides, done)
            except (AccordageError, MemoryError):
                raise
            except Exception as error:  # fail closed: what cannot be understood is not released
                raise UnreadableObject("DEID_FAILED", type(error).__name__) from error

    def _release(
        self,
        ds: Dataset,
        token: bytes,
        identity: Identity,
        asides: Sequence[bytes],
        done: AbstractSet[str],
    ) -> ReleasedDataset:
        syntax = syntax_of(ds)
        seen = _looked_at(ds)
        sop_class = admit(seen, syntax)
        require_clear_pixels(seen, self._policy, done)
        require_no_face(seen, self._policy, done)
        own = harvest_one(seen)
        known = identity if identity.covers(own) else identity | own
        subject = subject_of(self._keys, token)
        rules = self._rules.for_class(sop_class)
        context = Context(
            rules=rules,
            keys=self._keys,
            subject=subject,
            shift_days=shift_days(self._keys, token),
            hunter=hunter_for(known, institutions=rules.hunts_institutions),
            sop_class=sop_class,
            implicit_vr=syntax.implicit_vr,
            little_endian=syntax.little_endian,
            declared=declared_in(seen),
        )
        tally = Tally(ran=set(done))
        out = Walk(context, tally).dataset(ds)
        finish(out, ds, context, tally)
        steps = steps_that_ran(self._rules, tally)
        stamp(out, self._policy, steps, subject)
        restate(out, context.declared)
        encoded = encode(out, syntax)
        check_leaks(out, encoded.searchable, context, tally)
        check_asides(asides, context.hunter)
        return ReleasedDataset(
            subject=subject,
            study_uid=str(out.StudyInstanceUID),
            series_uid=str(out.SeriesInstanceUID),
            sop_uid=str(out.SOPInstanceUID),
            shift_days=context.shift_days,
            steps=steps,
            actions=MappingProxyType(dict(sorted(tally.actions.items()))),
            _encoded=encoded,
            _seal=ReleasedDataset._SEAL,  # noqa: SLF001, this is the maker
        )
