"""What a function asks a data set for: the ground on which its answer may be used again.

A function that always does the same with the same values answers alike for two objects that agree
in everything it asks for. `AskedMemo` finds out what that is by letting it ask, and so nothing has
to be known of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Generic, TypeVar

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

__all__ = ["ALWAYS", "KEYS", "Asked", "AskedMemo"]

Answer = TypeVar("Answer")

KEYS = -1
"""Stands among the tags asked for when all tags were: which are there then counts too."""
ALWAYS = (0x00080005, 0x00280103)
"""Specific Character Set and Pixel Representation: pydicom decodes by them unasked."""
_MOST_KNOWN = 1 << 14


class Asked(Dataset):
    """A data set that notes the top-level tags it is asked for, there or not."""

    _note: set[int]

    @classmethod
    def of(cls, ds: Dataset, note: set[int]) -> Asked:
        """Return ``ds`` itself, which from now on notes into ``note``."""
        ds.__class__ = cls
        assert isinstance(ds, cls)
        object.__setattr__(ds, "_note", note)
        return ds

    def __contains__(self, name: Any) -> bool:
        """Note the tag, and tell whether it is there."""
        self._asked(name)
        return super().__contains__(name)

    def __getitem__(self, key: Any) -> Any:
        """Note the tag, and return its element."""
        self._asked(key)
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        """Note the tag of a keyword, and return its value."""
        tag = tag_for_keyword(name)
        if tag is not None:
            self._note.add(tag)
        return super().__getattr__(name)

    def __iter__(self) -> Iterator[Any]:
        """Note that all tags were asked for, with what they hold."""
        for tag in sorted(self.keys()):
            yield self[tag]

    def keys(self) -> AbstractSet[BaseTag]:
        """Note that all tags were asked for."""
        self._note.add(KEYS)
        return super().keys()

    def get_item(self, key: Any, *, keep_deferred: bool = False) -> Any:
        """Note the tag, and return its element as it lies."""
        self._asked(key)
        return super().get_item(key, keep_deferred=keep_deferred)

    def _asked(self, key: Any) -> None:
        self._note.add(KEYS if isinstance(key, slice) else int(Tag(key)))


class AskedMemo(Generic[Answer]):
    """Answers again what was asked of an object that is alike where it matters.

    Parameters
    ----------
    work : callable
        Takes an `Asked`; does the same with the same values. What it raises is raised again, by
        asking again.
    """

    def __init__(self, work: Callable[[Asked], Answer]) -> None:
        self._work = work
        self._asked: tuple[int, ...] = ALWAYS
        self._known: dict[tuple[Any, ...], Answer] = {}

    def __call__(self, index: Mapping[int, bytes], make: Callable[[], Dataset]) -> Answer:
        """Return the answer for the object of ``index``, which ``make`` builds if need be."""
        key = self._key(index)
        if key in self._known:
            return self._known[key]
        note: set[int] = set(self._asked)
        answer = self._work(Asked.of(make(), note))
        if len(note) > len(self._asked):
            self._asked = tuple(sorted(note))
            self._known = {}
            key = self._key(index)
        elif len(self._known) > _MOST_KNOWN:
            self._known = {}
        self._known[key] = answer
        return answer

    def _key(self, index: Mapping[int, bytes]) -> tuple[Any, ...]:
        return tuple([tuple(index) if tag == KEYS else index.get(tag) for tag in self._asked])
