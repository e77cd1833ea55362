"""The UIDs that name an object, as received."""

from __future__ import annotations

from pydicom.dataset import Dataset

__all__ = ["original_uid"]


def original_uid(ds: Dataset, keyword: str) -> str:
    """Return a UID of the object as received, from its file meta group when it has none itself."""
    text = str(ds.get(keyword) or "").strip(" \0")
    meta = getattr(ds, "file_meta", None)
    if text or meta is None:
        return text
    return str(meta.get(f"MediaStorage{keyword}") or "").strip(" \0")
