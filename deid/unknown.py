"""Words of a study's cleaned descriptors that nobody has judged yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydicom.dataset import Dataset

from config.errors import AccordageError
from deid.hunt import Hunter
from deid.rules import Rules
from deid.values import CHARSET_VRS, encodings_of, items_of, safe_item, text_of, vr_of
from deid.vocabulary import unknown_words

__all__ = ["unknown_in"]


def unknown_in(
    datasets: Iterable[Dataset], rules: Rules, hunter: Hunter, accepted: Iterable[str] = ()
) -> frozenset[str]:
    """Return the unknown words left in the descriptors of one study after cleaning, folded.

    Parameters
    ----------
    datasets : iterable of Dataset
        Headers as received.
    rules : Rules
        The resolved policy: what it cleans is what is looked at.
    hunter : Hunter
        Of the study's identity: what it cuts is gone, and no word to report.
    accepted : iterable of str
        Words that a person has accepted.
    """
    texts: set[str] = set()
    for ds in datasets:
        texts.update(_descriptors(ds, rules, ["iso8859"]))
    known = frozenset(accepted)
    return frozenset(
        word
        for text in texts
        for word in unknown_words(hunter.clean(text, patterns=True), known)
        if len(word) > 1
    )


def _descriptors(ds: Dataset, rules: Rules, parent: Sequence[str]) -> Iterator[str]:
    encodings = encodings_of(ds, parent)
    for tag in list(ds.keys()):
        if tag.is_private or tag.group >= 0x5400:
            continue
        try:
            item = safe_item(ds, tag)
            vr = vr_of(item)
            rule = rules.by_tag.get(tag)
            if vr == "SQ":
                for nested in items_of(ds, item, encodings):
                    yield from _descriptors(nested, rules, encodings)
            elif vr in CHARSET_VRS and rule is not None and rule.treatment == "text":
                yield text_of(item, encodings)
        except (AccordageError, ValueError, LookupError):
            continue  # its own release meets the same and refuses the object
