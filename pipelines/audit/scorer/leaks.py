"""Which planted strings survive, in the raw bytes of every released file, in every encoding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pipelines.audit.contents import unpacked
from pipelines.audit.needles import Needle, date_spellings
from pipelines.audit.regions import regions
from pipelines.audit.scan import Scanner
from pipelines.audit.scorer.key import KeyObject, Secret
from pipelines.audit.scorer.released import Released
from pipelines.audit.text import fold, squeeze, views

__all__ = ["Leak", "find_leaks"]

_WIDE = ("gb18030", "utf-8", "utf-16-le", "utf-16-be", "euc_kr", "iso2022_jp", "shift_jis")
"""Encodings in which names of other scripts are searched as bytes."""


@dataclass(frozen=True, order=True)
class Leak:
    """``name`` is the released object, ``planted`` the hiding place, ``kind`` what it was.

    ``string`` tells planted strings apart without showing them.
    """

    name: str
    planted: str
    kind: str
    string: int


def find_leaks(
    key: Mapping[str, KeyObject], released: Mapping[str, Released], options: frozenset[str]
) -> tuple[Leak, ...]:
    """Return every planted string found in any released file, the planted one or another.

    Both maps go by the object's name.
    """
    planted = [s for one in key.values() for s in one.secrets if s.unless not in options]
    numbers = {text: number for number, text in enumerate(sorted({s.text for s in planted}))}
    secrets: dict[Needle, set[Secret]] = {}
    for secret in planted:
        for needle in _needles(secret):
            secrets.setdefault(needle, set()).add(secret)
    wide = {raw: secret for secret in planted for raw in _wide(secret)}
    scanner = Scanner(secrets)
    found: set[Leak] = set()
    for name, now in released.items():
        hits = {needle for text in set(_texts(now)) for needle, _ in scanner.find(text)}
        raw = now.data + bytes(now.part.body) if now.part.deflated else now.data
        known = {s for form, s in wide.items() if form in raw}.union(*(secrets[h] for h in hits))
        found |= {Leak(name, s.place, s.kind, numbers[s.text]) for s in known}
    return tuple(sorted(found))


def _texts(now: Released) -> Iterator[str]:
    """Yield everything the file may say: the whole of it, every region, everything unpacked."""
    yield from views(now.data)
    if now.part.deflated:
        yield from views(bytes(now.part.body))
    for region in regions(now.part, now.found, now.broken):
        yield from region.texts
    for inner in unpacked(now.data):
        yield from views(inner)


def _needles(secret: Secret) -> Iterator[Needle]:
    """Yield the needles of a planted string: each of its own words, a number squeezed."""
    if secret.kind == "date":
        digits = re.sub(r"\D", "", secret.text)
        numeric = len(digits) == 8
        forms = date_spellings(digits[4:] + digits[2:4] + digits[:2]) if numeric else [secret.text]
        yield from (Needle("date", fold(f), bounded=True) for f in forms if not f.isdigit())
        return
    if secret.kind == "number":
        yield Needle("number", squeeze(fold(secret.text)), squeezed=True)
        return
    if secret.kind == "text":
        yield Needle("place", squeeze(fold(" ".join(secret.text.split()[-2:]))), squeezed=True)
        return
    for word in _own_words(secret.text):
        yield Needle("name", word, squeezed=True)


def _own_words(text: str) -> Iterable[str]:
    """Return the words of a planted text that stand nowhere else: not titles, not given names."""
    words = [squeeze(word) for word in re.split(r"[\s'^]+", fold(text))]
    return [word for word in words if len(word) >= 5 and word not in _given()]


@cache
def _given() -> frozenset[str]:
    path = files("pipelines.audit") / "data" / "twin_words.json"
    given: Sequence[str] = json.loads(path.read_text(encoding="utf-8"))["given"]
    return frozenset(squeeze(fold(name)) for name in given)


def _wide(secret: Secret) -> Iterator[bytes]:
    if secret.kind != "foreign name":
        return
    for codec in _WIDE:
        try:
            yield secret.text.encode(codec)
        except UnicodeEncodeError:
            continue  # what an encoding cannot write is not there in it
