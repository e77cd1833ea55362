"""What stands in for a document that cannot be cleaned: valid, and it says so."""

from __future__ import annotations

from deid.documents.pdf_write import write_pdf

__all__ = ["blank_pdf"]


def blank_pdf() -> bytes:
    """Return a PDF of one page that says the document was removed."""
    return write_pdf(
        "This document was removed during de-identification.\n"
        "Ce document a été retiré lors de la dé-identification."
    )
