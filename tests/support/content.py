"""Content items of structured reports (PS3.3 C.17.3), for trees built by hand."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset

__all__ = ["content_item"]


def content_item(kind: str, **values: Any) -> Dataset:
    """Return an item of a value type that its parent contains; keyword arguments set attributes."""
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = "CONTAINS", kind
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds
