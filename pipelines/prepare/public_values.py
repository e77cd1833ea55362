"""What a vendor said in private, written into the public attributes that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from deid.admit import Syntax
from deid.encode import encode_part
from deid.header import Header

__all__ = ["put_public", "with_public"]


def put_public(ds: Dataset, public: Mapping[str, Any]) -> None:
    """Write into ``ds`` the attributes of ``public`` that it lacks."""
    for keyword, value in public.items():
        if keyword not in ds:
            setattr(ds, keyword, value)


def with_public(header: Header, public: Mapping[str, Any]) -> Header:
    """Return a header with the attributes of ``public`` that it lacks."""
    missing = {k: v for k, v in public.items() if int(Tag(k)) not in header.index}
    if not missing:
        return header
    syntax = Syntax(header.syntax_uid, header.implicit_vr, True, False, False)
    ds = Dataset()
    for keyword, value in missing.items():
        setattr(ds, keyword, value)
    more = {int(tag): encode_part(ds, [tag], syntax) for tag in ds.keys()}  # noqa: SIM118
    whole = {**header.index, **more}
    return replace(header, index={tag: whole[tag] for tag in sorted(whole)})
