"""Private elements as their creator declares them (PS3.3 C.12.1, PS3.15 E.3.10).

An object may say of its own private blocks whether they identify anyone: Private Data Element
Characteristics Sequence (0008,0300). Under 113111 a block declared SAFE stays, of a MIXED one the
elements listed as nonidentifying, and an element with a Deidentification Action (0008,0307) gets
that action, whatever another table says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import BaseTag

from deid.values import new_text

__all__ = ["Declared", "Word", "declared_in", "restate"]

Word = Literal["safe", "X", "Z", "D", "U"]
Block = tuple[int, str]
"""Group and private creator."""

_SEQUENCE = BaseTag(0x00080300)
_ACTIONS: dict[str, Word] = {"X": "X", "Z": "Z", "D": "D", "U": "U"}


@dataclass(frozen=True)
class Declared:
    """What an object's creators say of their private elements."""

    safe_blocks: frozenset[Block] = frozenset()
    safe: frozenset[tuple[int, str, int]] = frozenset()
    actions: Mapping[tuple[int, str, int], Word] = field(default_factory=dict)
    vrs: Mapping[tuple[int, str, int], str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether anything is declared."""
        return bool(self.safe_blocks or self.safe or self.actions)

    def word(self, group: int, creator: str, offset: int) -> Word | None:
        """Return ``safe``, the action to take, or None where nothing is said."""
        key = (group, creator, offset)
        if key in self.actions:
            return self.actions[key]
        return "safe" if key in self.safe or (group, creator) in self.safe_blocks else None

    def vr(self, group: int, creator: str, offset: int) -> str:
        """Return the VR of the element's definition, "" when there is none."""
        return self.vrs.get((group, creator, offset), "")


def declared_in(ds: Dataset) -> Declared:
    """Return what ``ds`` declares at its top level; an entry that cannot be read says nothing."""
    if _SEQUENCE not in ds:
        return Declared()
    blocks: set[Block] = set()
    safe: set[tuple[int, str, int]] = set()
    actions: dict[tuple[int, str, int], Word] = {}
    vrs: dict[tuple[int, str, int], str] = {}
    for item in _items(ds, "PrivateDataElementCharacteristicsSequence"):
        group, creator = item.get("PrivateGroupReference"), item.get("PrivateCreatorReference")
        if not isinstance(group, int) or group % 2 == 0 or not creator:
            continue
        block = (group, str(creator).strip())
        status = item.get("BlockIdentifyingInformationStatus")
        if status == "SAFE":
            blocks.add(block)
        elif status == "MIXED":
            safe.update((*block, n) for n in _numbers(item, "NonidentifyingPrivateElements"))
        for action in _items(item, "DeidentificationActionSequence"):
            word = _ACTIONS.get(str(action.get("DeidentificationAction")), "X")
            actions.update({(*block, n): word for n in _identifying(action)})
        for definition in _items(item, "PrivateDataElementDefinitionSequence"):
            vr = str(definition.get("PrivateDataElementValueRepresentation") or "")
            vrs.update({(*block, n): vr for n in _numbers(definition, "PrivateDataElement")})
    return Declared(frozenset(blocks), frozenset(safe), actions, vrs)


def restate(out: Dataset, declared: Declared) -> None:
    """Declare in ``out`` the blocks that stayed, as SAFE: what identified someone is gone.

    Definitions are not carried along: their names and descriptions are anyone's text.
    """
    said = declared.safe_blocks | {key[:2] for key in (*declared.safe, *declared.actions)}
    stayed = sorted(said & set(_blocks(out)))
    if stayed:
        items = DicomSequence([_item(group, creator) for group, creator in stayed])
        out[_SEQUENCE] = DataElement(_SEQUENCE, "SQ", items)


def _item(group: int, creator: str) -> Dataset:
    elements = (
        DataElement(0x00080301, "US", group),
        new_text(BaseTag(0x00080302), "LO", creator),
        new_text(BaseTag(0x00080303), "CS", "SAFE"),
    )
    return Dataset({element.tag: element for element in elements})


def _blocks(ds: Dataset) -> Iterator[Block]:
    """Yield the private blocks of a released object at every level."""
    for tag in ds.keys():  # noqa: SIM118, a Dataset iterates over decoded elements
        item = ds.get_item(tag)
        if tag.is_private_creator:
            value = item.value
            text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
            yield tag.group, text.strip(" \0")
        elif item.VR == "SQ" and not item.is_raw:
            for nested in item.value:
                yield from _blocks(nested)


def _identifying(action: Dataset) -> list[int]:
    return _numbers(action, "IdentifyingPrivateElements")


def _items(ds: Dataset, keyword: str) -> list[Dataset]:
    value = _value(ds, keyword)
    return list(value) if isinstance(value, DicomSequence) else []


def _numbers(ds: Dataset, keyword: str) -> list[int]:
    """Return the low bytes of element numbers (PS3.3 C.12.1: 0000H to 00FFH)."""
    value = _value(ds, keyword)
    many = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return [int(n) & 0xFF for n in many if isinstance(n, int)]


def _value(ds: Dataset, keyword: str) -> Any:
    try:
        return ds.get(keyword)
    except Exception:  # noqa: BLE001 - a declaration that cannot be read declares nothing
        return None
