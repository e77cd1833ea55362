"""A site's words: what its descriptions hold that nobody has judged, and what was accepted.

One JSON file a site in the identified zone, mode 0600: a word that no header gave away may still
be somebody's name. Nothing of it goes to a log, a report or the research zone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from pydantic import Field, ValidationError

from config.base import Frozen
from config.errors import ConfigurationError
from config.files import write_whole
from config.policy import Policy
from deid.fold import squeeze

__all__ = ["SiteWords", "accept_words", "note_words", "read_words", "with_words", "words_file"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


class SiteWords(Frozen):
    """Words of one site: accepted by a person, or waiting, with their number of studies."""

    accepted: tuple[str, ...] = ()
    waiting: dict[str, int] = Field(default_factory=dict)


def words_file(identified_root: Path, site: str) -> Path:
    """Return where the words of a site lie.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNKNOWN_NAME`` when no site can be called so.
    """
    if not _NAME.fullmatch(site):
        raise ConfigurationError("CONFIG_UNKNOWN_NAME", "small letters, digits and hyphens")
    return identified_root / "vocabulary" / f"{site}.json"


def read_words(path: Path) -> SiteWords:
    """Return the words of a site; none when there is no file.

    Raises
    ------
    ConfigurationError
        ``CONFIG_INVALID`` when the file is no list of words.
    """
    if not path.exists():
        return SiteWords()
    try:
        return SiteWords.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ConfigurationError("CONFIG_INVALID", "no list of words", file=path) from error


def note_words(path: Path, studies: Iterable[Iterable[str]]) -> int:
    """Add the unknown words of studies to a site's list; return how many words now wait."""
    words = read_words(path)
    waiting = dict(words.waiting)
    for study in studies:
        for word in sorted(set(study) - set(words.accepted)):
            waiting[word] = waiting.get(word, 0) + 1
    if waiting != words.waiting:
        _write(path, words.accepted, waiting)
    return len(waiting)


def accept_words(path: Path, accepted: Iterable[str]) -> SiteWords:
    """Move words to the accepted ones; they need not have been seen yet."""
    words = read_words(path)
    chosen = {squeeze(word).text for word in accepted}
    waiting = {word: n for word, n in words.waiting.items() if word not in chosen}
    return _write(path, tuple(sorted({*words.accepted, *chosen})), waiting)


def with_words(policy: Policy, path: Path) -> Policy:
    """Return the policy with a site's accepted words, where it needs them."""
    if policy.unknown_words == "keep":
        return policy
    words = (*policy.accepted_words, *read_words(path).accepted)
    return policy.model_copy(update={"accepted_words": tuple(sorted(set(words)))})


def _write(path: Path, accepted: tuple[str, ...], waiting: dict[str, int]) -> SiteWords:
    words = SiteWords(accepted=accepted, waiting=dict(sorted(waiting.items())))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = json.dumps(words.model_dump(), sort_keys=True, indent=1, ensure_ascii=False)
    write_whole(path, text.encode(), mode=0o600)
    return words
