"""Private PET elements whose creator an archive dropped, read at the maker's own numbers.

Without a creator an element has no address (PS3.5 7.8.1). Where a group of the object has no
creator at all and the object is of the maker that alone uses that group, its own block number is
believed, and the series is flagged.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.dataset import Dataset

from harmonise.data import table
from harmonise.series import Finding
from harmonise.vendor.offset import seconds_after
from harmonise.vendor.private import numbers, private_blocks, text

__all__ = ["ORPHAN", "orphan_findings"]

ORPHAN = "no private creator: read at the maker's own number"


def orphan_findings(ds: Dataset) -> Iterator[Finding]:
    """Yield the vendor fields of a PET object that stand without their creator."""
    if str(ds.get("Modality") or "") != "PT":
        return
    maker = text(ds.get("Manufacturer") or "").lower()
    owned = {group for group, _ in private_blocks(ds)}
    for row in table("vendor_fields"):
        block = row.get("own_block")
        if block is None or row["group"] in owned or not maker.startswith(row["vendor"]):
            continue
        found = ds.get((row["group"], block << 8 | row["element"]))
        value = None if found is None else _value(row, found.value, ds)
        if value is not None:
            where = f"({row['group']:04X},{block << 8 | row['element']:04X})"
            yield Finding(row["field"], value, where, ORPHAN)


def _value(row: dict[str, object], raw: object, ds: Dataset) -> float | None:
    if "offset_s" in row:
        return seconds_after(text(raw), ds, str(row["offset_s"]))
    read = numbers(raw, str(row["vr"]))
    return read[0] if read else None
