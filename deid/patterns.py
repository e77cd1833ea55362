"""What looks like identity whoever it belongs to: dates, numbers, addresses, titles with a name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from deid.address import address_spans
from deid.fold import fold
from deid.french import french_numbers
from deid.particles import particles
from deid.tables import read_lines
from deid.vocabulary import vocabulary
from deid.writtendates import any_dates, date_spellings, dates_in

__all__ = ["date_spellings", "dates_in", "findings", "pattern_spans", "person_spans"]

_NUMBERS = {
    "telephone": re.compile(
        r"(?<!\d)(?<!\d[.,])(?:\+33|0033|\(\+?33\))[ .-]?(?:\(0\)[ .-]?)?[1-9]"
        r"(?:[ .-]?\d\d){4}(?!\d)"
        r"|(?<!\d)(?<!\d[.,])0[1-9](?:[ .\-/]?\d\d){4}(?!\d)"
        r"|(?<!\d)\(?\d{3}\)?[ .-]\d{3}[.-]\d{4}(?!\d)"
        r"|\+\d{1,3}(?:[ .-]?\d){8,12}(?!\d)"
    ),
    "social security number": re.compile(r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"),
    "web address": re.compile(r"(?:https?|ftp)://\S+|www\.\S+"),
    "network address": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
    "long number": re.compile(r"\d{6,}"),
    "coded number": re.compile(r"(?<![^\W_])(?P<letters>[a-z]{2,4})[-_]?\d{5}(?!\d)"),
    "age over 89": re.compile(
        r"(?<![\d.,])(?:9\d|1[0-2]\d) ?(?:ans?|years?(?: ?-? ?old)?|yrs?|y\.?o\.?|y/o)(?![^\W_])"
        r"|(?<![\d.,])(?:09\d|1[0-2]\d)y(?![^\W_])"
    ),
}
_PERSONAL = frozenset({
    "NIR", "age over 89", "date", "e-mail", "labelled name", "social security number", "telephone",
    "title and name",
})  # fmt: skip
_DOUBTFUL = frozenset({"date", "telephone"})
_BORN = re.compile(
    r"\b(?:[Nn]ée|NÉE|NEE|[ÉEée]pouse|ÉPOUSE|EPOUSE|[ÉEée]p\.|[Vv]euve|VEUVE|[Vv]ve|VVE)"
    r"[ ]+(?P<name>[A-ZÀ-Ý][^\W\d_]+)(?:[-'’ ][A-ZÀ-Ý][^\W\d_]+)?"
)
_ALSO_WORDS = frozenset({"DR", "M", "MR", "Mr", "PR", "PROF", "Prof", "Miss"})
"""Digital radiography, magnetic resonance, projection, profile: titles only before a name."""
_MAIL_DOMAIN = re.compile(r"@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_MAIL_LOCAL = re.compile(r"[\w.+-]+$")
# A civil title and the one to three words after it. "DR CHEST" is a projection, so an upper-case
# DR or PR is a title unless a word of the protocol vocabulary follows; MR is magnetic resonance.
_TITLE = re.compile(
    r"\b(?P<title>M(?=[ ]+[A-ZÀ-Ý][a-zà-ÿ'’-])|M\.|"
    r"MM\.|Mr\.?|Mrs\.?|MRS\.?|Ms\.|Miss|Mme\.?|MME\.?|Mlle\.?|MLLE\.?|Dr\.?|Pr\.?"
    r"|DR\.?|PR\.?|[Dd]octeur|DOCTEUR|[Dd]octor|DOCTOR|[Pp]rofesseur|PROFESSEUR|Prof\.?|PROF\.?"
    r"|[Mm]onsieur|MONSIEUR|[Mm]adame|MADAME|[Mm]ademoiselle|MADEMOISELLE|[Mm]a[iî]tre|MA[IÎ]TRE)"
    r"[ ]*(?:[A-ZÀ-Ý]\.[ -]?){0,3}(?<=[ .])(?P<first>[^\W\d_][\w'’-]*)"
    r"(?P<more>(?:[ ]+(?:(?:de|du|des|la|le|van|von|der|den|el|ben|d['’])[ ]*){0,3}"
    r"[A-ZÀ-Ý][^\W\d_]*(?:[-'’][^\W\d_]+)*\b){0,2})"
)

Span = tuple[int, int]


def pattern_spans(text: str, folded: str) -> list[Span]:
    """Return where something looks like a date, a number, an address, or a title with a name."""
    return [(start, end) for _, start, end in findings(text, folded)]


def findings(text: str, folded: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end) of what looks like identity.

    Parameters
    ----------
    text : str
        As written: the case of a title matters.
    folded : str
        The same text by :func:`deid.fold.fold`.
    """
    if any(character.isdigit() for character in folded):
        yield from _numbers(folded)
    elif "://" in folded or "www." in folded:
        for match in _NUMBERS["web address"].finditer(folded):
            yield ("web address", *match.span())
    if "@" in folded:
        for match in _MAIL_DOMAIN.finditer(folded):
            local = _MAIL_LOCAL.search(folded[max(match.start() - 64, 0) : match.start()])
            yield ("e-mail", match.start() - len(local[0] if local else ""), match.end())
    for span in address_spans(folded):
        yield ("address", *span)
    yield from _named(text, folded)


def person_spans(text: str, folded: str) -> list[Span]:
    """Return where a text names or counts a person beyond doubt.

    For text that stays as it is, such as a transducer's or a document's title: there, a long number
    is a serial number and three numbers with dots are a version.
    """
    return [
        (start, end)
        for kind, start, end in findings(text, folded)
        if kind in _PERSONAL and not (kind in _DOUBTFUL and _is_plain_number(folded[start:end]))
    ]


def _is_plain_number(text: str) -> bool:
    return all(character.isdigit() or character == "." for character in text)


def _numbers(folded: str) -> Iterator[tuple[str, int, int]]:
    for match in any_dates(folded):
        yield ("date", _with_cue(folded, match.start()), match.end())
    yield from french_numbers(folded)
    for kind, pattern in _NUMBERS.items():
        for match in pattern.finditer(folded):
            if match.groupdict().get("letters") not in vocabulary():
                yield (kind, *match.span())
    for match in _introduced().finditer(folded):
        if sum(c.isdigit() for c in match["number"]) >= _shortest(match["word"]):
            yield ("introduced number", *match.span())


def _named(text: str, folded: str) -> Iterator[tuple[str, int, int]]:
    """Yield what stands after a civil title, or after a label such as ``Nom :``."""
    for match in _TITLE.finditer(text):
        if _title_word(match["title"]) in _ALSO_WORDS and fold(match["first"]) in vocabulary():
            continue
        yield ("title and name", match.start(), _end_of_name(match))
    for match in _BORN.finditer(text):
        if fold(match["name"]) not in vocabulary():
            yield ("title and name", *match.span())
    for match in _labelled().finditer(folded):
        words = re.findall(r"[^\W\d_]+", match["value"])
        if words and not {*words} <= vocabulary():
            yield ("labelled name", *match.span("value"))


def _title_word(title: str) -> str:
    """Return a title without its point; with one, ``M.`` is a title whatever follows."""
    return title if title == "M." else title.rstrip(".")


def _end_of_name(match: re.Match[str]) -> int:
    """Return where the name ends: before the first further word that is of the vocabulary."""
    for word in re.finditer(r"[^\W\d_]+", match["more"] or ""):
        folded = fold(word[0])
        if folded in vocabulary() and folded not in particles():
            return match.start("more") + word.start()
    return match.end()


def _with_cue(folded: str, start: int) -> int:
    """Return the start of a date with the words that bring it in (``née le``, ``DDN :``)."""
    cue = _CUE.search(folded[max(start - 24, 0) : start])
    return start - len(cue[0]) if cue else start


_CUE = re.compile(
    r"(?:(?<![^\W_])(?:nee?(?:\(e\))?|ne\.e) (?:le|en|the)|(?<![^\W_])(?:ddn|dob|born(?: on)?"
    r"|date de naissance|date of birth|date))[ :=]*$"
)
_SHORT_WORDS = frozenset({"ins", "acc", "no", "id", "num", "n°", "n"})


def _shortest(word: str) -> int:
    """Return how many digits a number needs after its introducing word."""
    return 5 if word in _SHORT_WORDS else 3


@cache
def _introduced() -> re.Pattern[str]:
    words = "|".join(sorted(map(re.escape, read_lines("number_words.txt")), key=lambda w: -len(w)))
    return re.compile(
        rf"(?<![^\W_])(?P<word>{words})(?![^\W\d_])[ .:=#°/-]{{0,4}}(?:n°|no|num)?[ .:=#°-]{{0,3}}"
        r"(?P<number>[a-z]{0,4}[-]?\d(?:[ .\-/]?[\d])*[a-z]?)(?![^\W_])"
    )


@cache
def _labelled() -> re.Pattern[str]:
    labels = "|".join(sorted(map(re.escape, read_lines("name_labels.txt")), key=lambda w: -len(w)))
    return re.compile(
        rf"(?<![^\W_])(?:{labels})[ ]*[:=][ ]*(?P<value>[^\W\d_][\w'’.^-]*"
        r"(?:[ ,]+[^\W\d_][\w'’.-]*){0,2})"
    )
