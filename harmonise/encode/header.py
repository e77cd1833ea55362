"""The header a derived object takes over from its source: public attributes that stay true."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_has_tag, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from config.errors import UnsupportedObject
from harmonise.data import table
from harmonise.encode.shared import Shared
from harmonise.vendor.headers import quiet

__all__ = ["STORED_AS", "ClassRule", "class_rule", "derived_image_type", "inherited"]

ClassRule = dict[str, Any]
"""A row of ``derived_classes.yaml``: ``class``, and some of `STORED_AS`."""

STORED_AS = ("eight_bit", "whole", "zero_intercept")
"""Keys of a row that say how values are stored."""

FIRST_VALUES = ("DERIVED", "SECONDARY")
"""ImageType of pixels computed from other pixels after the examination (PS3.3 C.7.6.1.1.2)."""

TILED = frozenset({"MOSAIC", "VFRAME"})
"""Values of ImageType that say slices lie side by side: no derived object holds them so."""

ENHANCED_ONLY_PREFIX = "1.2.840.10008.5.1.4.1.1.4."


def class_rule(sop_class_uid: str) -> ClassRule:
    """Return how objects derived from this class are stored.

    Raises
    ------
    UnsupportedObject
        ``ENCODE_UNSUPPORTED`` for a class we write no derived object of.
    """
    rule: ClassRule | None = table("derived_classes").get(sop_class_uid)
    if rule is None:
        raise UnsupportedObject("ENCODE_UNSUPPORTED", f"SOP class {sop_class_uid}")
    return rule


def inherited(source: Dataset, facts: dict[str, Any], shared: Shared | None = None) -> Dataset:
    """Return a new dataset with the public attributes of ``source`` that stay true.

    Elements are shared with ``source``, whose items lose their private elements too: it is a
    header read for this purpose only.

    Left behind: private elements at every level, elements the dictionary does not know, the image
    group but for the names in ``derived_attributes.yaml``, and what is written anew. The patient,
    study, equipment, acquisition and de-identification attributes come over as they are.

    Parameters
    ----------
    source : Dataset
    facts : dict
        The stack's plain header, which knows what an enhanced object keeps in its groups.
    shared : Shared, optional
        What the headers of the series share so far.
    """
    rules = table("derived_attributes")
    result = Dataset()
    shared = shared or Shared()
    with quiet():
        character_set = str(source.get("SpecificCharacterSet"))
        for tag in sorted(source.keys()):
            if _is_kept(int(tag)):
                result[tag] = shared.element(source, int(tag), character_set)
        _mend_character_set(result)
    if str(source.get("SOPClassUID", "")).startswith(ENHANCED_ONLY_PREFIX):
        _make_classic_mr(result, facts, rules["classic_mr"])
    return result


def _mend_character_set(ds: Dataset) -> None:
    """Write ``ISO_IR 100`` where an old device wrote ``ISO-IR 100`` (PS3.3 C.12.1.1.2)."""
    said = ds.get("SpecificCharacterSet")
    if said is not None:
        parts = [said] if isinstance(said, str) else list(said)
        ds.SpecificCharacterSet = [str(part).replace("ISO-IR", "ISO_IR") for part in parts]


@lru_cache(maxsize=1 << 12)
def _is_kept(tag: int) -> bool:
    """Tell whether a derived object takes an attribute over; a series asks the same anew."""
    group, rules = tag >> 16, table("derived_attributes")
    if (
        group % 2
        or group <= 0x0004
        or group >= 0x7FE0
        or not tag & 0xFFFF
        or not dictionary_has_tag(tag)
    ):
        return False
    if group in rules["drop_groups"] or group & 0xFF00 in rules["drop_repeating_groups"]:
        return False
    keyword = keyword_for_tag(tag)
    if group == 0x0028:
        return keyword in rules["keep_image_group"]
    return keyword not in rules["drop"]


def _make_classic_mr(ds: Dataset, facts: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Give an enhanced MR header what a classic one must say (PS3.3 C.8.3.1)."""
    for keyword, value in wanted.items():
        if value is None:
            if keyword in ds:
                delattr(ds, keyword)
        elif keyword not in ds:
            setattr(ds, keyword, facts.get(keyword, value))


def derived_image_type(source: Dataset, *, resampled: bool, rest: Sequence[str] = ()) -> list[str]:
    """Return ImageType: DERIVED, SECONDARY, then ``rest``, or what the source said there."""
    said = source.get("ImageType")
    values = list(said) if isinstance(said, (list, MultiValue)) else [said or ""]
    said_rest = [str(value) for value in values[2:] if str(value).upper() not in TILED]
    rest = list(rest) or said_rest
    if source.get("Modality") == "PT":
        return ["DERIVED", "PRIMARY", *rest]  # the only second value of PET (PS3.3 C.8.9.4.1.3)
    if resampled and source.get("Modality") in {"CT", "MR"}:
        rest = [*(rest or ["OTHER"]), "RESAMPLED"]
    return [*FIRST_VALUES, *rest]
