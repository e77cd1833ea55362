"""The planter: puts a value into an object and writes what must become of it into the key."""

from __future__ import annotations

import re
from typing import Any

from pydicom.datadict import dictionary_keyword, tag_for_keyword
from pydicom.dataset import Dataset

from pipelines.audit.scorer.key import REMOVAL, Check, KeyObject, Secret

__all__ = ["Planter", "where"]


def where(*steps: str | int) -> str:
    """Return the MIDI path of keywords and item numbers."""
    parts = []
    for step in steps:
        if isinstance(step, int):
            parts.append(f"[<{step:04d}>]")
        else:
            tag = tag_for_keyword(step)
            assert tag is not None, step
            parts.append(f"<({tag >> 16:04X},{tag & 0xFFFF:04X})>")
    return "".join(parts)


class Planter:
    """Collects the checks and the secrets of one object.

    ``to_be_refused`` says that no policy need release it. ``syntax`` is the transfer syntax it
    must have; ``aside`` is said in its codestream, beside the samples.
    """

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.secrets: list[Secret] = []
        self.to_be_refused = False
        self.syntax = ""
        self.aside = ""

    def secret(self, text: str, place: str, kind: str = "name", unless: str = "") -> str:
        """Note a string that may not be found in any released byte; return it."""
        self.secrets.append(Secret(text, place, kind, unless))
        return text

    def check(
        self, path: str, action: str, value: str = "", text: str = "", *, needs: str = "",
        unless: str = "",
    ) -> None:  # fmt: skip
        """Note one check."""
        self.checks.append(Check(path, _name(path), value, action, text, needs, unless))

    def remove(
        self, ds: Dataset, path: str, value: str, *secrets: str, kind: str = "name",
        unless: str = "",
    ) -> None:  # fmt: skip
        """Set the last element of ``path`` in ``ds``; none of ``secrets`` (or ``value``) stays."""
        _set(ds, path, value)
        for text in secrets or (value,):
            self.secret(text, path, kind, unless)
        words = " ".join(secrets or (value,))
        self.check(path, "<text_removed>", value, words, unless=unless)

    def keep(self, ds: Dataset, path: str, value: Any, words: str = "", *, needs: str = "") -> None:
        """Set the last element of ``path``; its words (all of it by default) stay."""
        _set(ds, path, value)
        shown = "\\".join(map(str, value)) if isinstance(value, list) else str(value)
        self.check(path, "<text_retained>", shown, words or shown, needs=needs)

    def clean(self, ds: Dataset, path: str, keep: str, drop: str, *, needs: str = "113105") -> None:
        """Set a text of which ``keep`` stays under ``needs`` and ``drop`` never does."""
        _set(ds, path, f"{keep} {drop}")
        self.secret(drop, path)
        self.check(path, "<text_removed>", f"{keep} {drop}", drop)
        self.check(path, "<text_retained>", f"{keep} {drop}", keep, needs=needs)

    def day(self, ds: Dataset, path: str, value: str) -> None:
        """Set a date or date-time that is moved or goes."""
        _set(ds, path, value)
        self.check(path, "<date_shifted>", value, value, unless="113106")

    def uid(self, ds: Dataset, path: str, value: str, *, consistent: bool = True) -> None:
        """Set a UID that is replaced, everywhere by the same."""
        _set(ds, path, value)
        self.check(path, "<uid_changed>", value, value, unless="113110")
        if consistent:
            self.check(path, "<uid_consistent>", value, unless="113110")

    def key(self, ds: Dataset) -> KeyObject:
        """Return the key of the object; one that must be refused owes no retention."""
        checks = [c for c in self.checks if c.action in REMOVAL or not self.to_be_refused]
        return KeyObject(
            str(ds.PatientID), str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID),
            str(ds.SOPInstanceUID), str(ds.SOPClassUID), str(ds.get("Modality", "")),
            tuple(checks), tuple(self.secrets),
        )  # fmt: skip


def _set(ds: Dataset, path: str, value: Any) -> None:
    """Set the element that ``path`` ends in; ``ds`` is the item that holds it."""
    setattr(ds, _name(path), value)


def _name(path: str) -> str:
    last = re.findall(r"<\(([0-9A-F]{4}),([0-9A-F]{4})\)>$", path)
    if not last:
        return path
    return str(dictionary_keyword(int(last[0][0] + last[0][1], 16)))
