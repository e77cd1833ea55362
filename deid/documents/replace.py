"""The document of an encapsulated object: cleaned, or a blank of the same kind; never passed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from config.errors import UnsupportedObject
from deid.documents.blank import blank_pdf
from deid.documents.cda import blank_cda, clean_cda
from deid.documents.pdf_read import read_pdf
from deid.documents.pdf_write import write_pdf
from deid.documents.scrub import scrub
from deid.hunt import Hunter

__all__ = ["Replacement", "document_kind", "replace_document"]

_KINDS = {
    "1.2.840.10008.5.1.4.1.1.104.1": "pdf",
    "1.2.840.10008.5.1.4.1.1.104.2": "cda",
}
"""Encapsulated PDF and CDA Storage (PS3.3 A.45.1, A.45.2)."""
_OPTIONS = {"pdf": "113105", "cda": "113104"}
"""The option of CID 7050 under which text is cleaned; without it the Profile wants a dummy."""


@dataclass(frozen=True)
class Replacement:
    """What is released in a document's place; ``option`` is the code that ran, none for a blank."""

    data: bytes
    option: str = ""


def document_kind(sop_class: str) -> str:
    """Return ``pdf`` or ``cda``, or nothing for an object that is no document.

    Raises
    ------
    UnsupportedObject
        ``DOCUMENT_NOT_CLEANED`` for the other encapsulated classes (PS3.3 A.85 and what follows).
    """
    if sop_class.startswith("1.2.840.10008.5.1.4.1.1.104.") and sop_class not in _KINDS:
        raise UnsupportedObject("DOCUMENT_NOT_CLEANED", sop_class)
    return _KINDS.get(sop_class, "")


def replace_document(
    kind: str, data: bytes, hunter: Hunter, options: frozenset[str], document_uid: str
) -> Replacement:
    """Return the document cleaned when the policy asks for it and it can be, else a blank one.

    Parameters
    ----------
    kind : str
        ``pdf`` or ``cda`` (:func:`document_kind`).
    data : bytes
        The document as received.
    hunter : Hunter
        The study's identity.
    options : frozenset of str
        The policy's options: PDF needs 113105, CDA 113104.
    document_uid : str
        The new identifier of a CDA.
    """
    option = _OPTIONS[kind]
    wanted = option in options
    clean: bytes | None
    if kind == "cda":
        clean = clean_cda(data, document_uid, hunter) if wanted else None
        return Replacement(clean, option) if clean else Replacement(blank_cda(document_uid))
    text = read_pdf(data) if wanted else None
    scrubbed = scrub(text, hunter) if text else None
    if scrubbed and re.search(r"\w", scrubbed):
        return Replacement(write_pdf(scrubbed), option)
    return Replacement(blank_pdf())
