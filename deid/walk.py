"""The walk: every element at every level meets its rule; what stays makes a new dataset."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import BaseTag

from config.errors import UnreadableObject, UnsupportedObject
from deid.actions import (
    cleaned_text,
    dummy,
    dummy_items,
    emptied,
    kept_value,
    moved_date,
    replaced,
    specimen_number,
)
from deid.allowed import only_terms
from deid.iods import AttributeType, attribute_type
from deid.private import treat_private
from deid.rules import Rule, settle
from deid.shape import fits, is_bulk, is_code_string, padded
from deid.specimens import treatment_of
from deid.stamp import OWN_TAGS
from deid.tally import Context, Tally
from deid.values import (
    DEEPEST,
    Element,
    encodings_of,
    is_empty,
    items_of,
    keyword_of,
    safe_item,
    text_of,
    vr_of,
)

__all__ = ["Walk"]

Path = tuple[str, ...]

_PIXEL_GROUP = 0x7FE0
_TEXT_VALUE = 0x0040A160
_UNDEFINED_LENGTH = 0xFFFFFFFF
_DATES_AND_NAMES = frozenset({"DA", "DT", "PN", "TM"})
_KEEP_UID = frozenset(
    {"CodingSchemeUID", "ContextUID", "MappingResourceUID", "ContextGroupExtensionCreatorUID"}
)


class Walk:
    """Applies a resolved policy to one object.

    Parameters
    ----------
    context : Context
        Rules, keys, subject, shift and the study's identity.
    tally : Tally
        The account that the walk fills.
    """

    def __init__(self, context: Context, tally: Tally) -> None:
        self._context = context
        self._tally = tally

    def dataset(
        self, ds: Dataset, path: Path = (), parent: Sequence[str] = ("iso8859",)
    ) -> Dataset:
        """Return a new dataset; ``path`` names the sequences around it, outermost first.

        Raises
        ------
        UnreadableObject
            ``DEID_TOO_DEEP`` for sequences inside one another beyond any object of PS3.3.
        """
        if len(path) > DEEPEST:
            raise UnreadableObject("DEID_TOO_DEEP", f"more than {DEEPEST} levels")
        encodings = encodings_of(ds, parent)
        kept: dict[BaseTag, Element] = {}
        for tag in sorted(ds.keys()):
            element = self.element(ds, tag, path, encodings)
            if element is not None:
                kept[tag] = element
        kept.update(self.private(ds, path, encodings))
        charset = ds.original_character_set or "iso8859"
        out = Dataset(kept, parent_encoding=charset)
        out.set_original_encoding(self._context.implicit_vr, self._context.little_endian, charset)
        return out

    def private(self, ds: Dataset, path: Path, encodings: Sequence[str]) -> dict[BaseTag, Element]:
        """Return the private elements of one level that stay, fit to be written."""
        found = treat_private(
            ds,
            self._context,
            self._tally,
            lambda i: self._sequence(ds, i, path, encodings),
            encodings,
        )
        return {tag: self._written(ds, element) for tag, element in found.items()}

    def element(
        self, ds: Dataset, tag: BaseTag, path: Path, encodings: Sequence[str]
    ) -> Element | None:
        """Return what stays of one element of the standard, fit to be written; None for nothing.

        Private elements stay by their creator (`treat_private`), not here.
        """
        if tag.is_private or tag.element == 0 or tag in OWN_TAGS:
            return None  # group lengths are retired (PS3.5 7.2)
        element = self._standard(ds, tag, path, encodings)
        if element is None:
            self._tally.count("X")
            return None
        return self._written(ds, element)

    def _standard(
        self, ds: Dataset, tag: BaseTag, path: Path, enc: Sequence[str]
    ) -> Element | None:
        group = tag.group & 0xFF00
        if group in {0x5000, 0x6000}:
            return None  # curves, and overlay planes whole: a plane without its data is invalid
        if tag.group < 0x0008 or tag.group in {0xFFFC, 0xFFFE}:
            return None  # command and meta groups, trailing padding, stray delimiters
        item = safe_item(ds, tag)
        rule = self._context.rules.by_tag.get(tag)
        if rule is None:
            return self._unlisted(ds, item, path, enc)
        return self._listed(ds, item, rule, path, enc)

    def _listed(
        self, ds: Dataset, item: Element, rule: Rule, path: Path, enc: Sequence[str]
    ) -> Element | None:
        vr = rule.vr or vr_of(item)
        if vr != "SQ" and item.VR == "SQ":
            return self._act(ds, item, rule.basic, vr, path, enc)  # nothing in it is what it says
        if is_empty(item):
            removed = settle(rule.basic, self._type(path, item.tag)) == "X"
            return None if removed and rule.treatment == "act" else emptied(item, vr)
        if item.tag == _TEXT_VALUE:
            about = treatment_of(ds, enc)
            if about is not None:
                self._tally.count("D")
                act = specimen_number if about == "keyed" else dummy
                return act(item, vr, self._context, enc)
        result: Element | None = None
        if rule.treatment == "keep":
            result = self._kept(item, vr, enc)
        elif rule.treatment == "content":
            result = self._sequence(ds, item, path, enc)
        elif rule.treatment == "date":
            result = moved_date(item, vr, self._context, self._tally)
        elif rule.treatment == "text":
            result = cleaned_text(item, vr, self._context, enc)
        if result is not None:
            self._tally.count(rule.treatment, rule.option)
            return result
        if rule.treatment == "text":
            self._tally.ran.add(rule.option)  # the cleaning ran, and left nothing
        return self._act(ds, item, rule.basic, vr, path, enc)

    def _act(
        self, ds: Dataset, item: Element, basic: str, vr: str, path: Path, enc: Sequence[str]
    ) -> Element | None:
        action = settle(basic, self._type(path, item.tag))
        if action == "X":
            return None
        if keyword_of(item.tag) in {"PatientID", "PatientName"}:
            action = "D"  # Z may be a dummy (PS3.15 E.3); a subject is of more use than nothing
        if action == "D" and vr == "UI":
            action = "U"
        self._tally.count(action)
        if vr == "SQ" and action != "Z":
            keep = self._sequence if action == "U" else self._dummy_sequence
            return keep(ds, item, path, enc)
        if action == "U":
            return replaced(item, self._context, self._tally)
        return emptied(item, vr) if action == "Z" else dummy(item, vr, self._context, enc)

    def _dummy_sequence(
        self, ds: Dataset, item: Element, path: Path, enc: Sequence[str]
    ) -> Element:
        """Return the sequence with its references and nothing else, or with one dummy item."""
        keyword = keyword_of(item.tag)
        items = [
            self.dataset(nested, (*path, keyword), enc)
            for nested in items_of(ds, item, enc)
            if _is_reference(nested)
        ]
        return DataElement(item.tag, "SQ", DicomSequence(items or dummy_items(keyword)))

    def _sequence(self, ds: Dataset, item: Element, path: Path, enc: Sequence[str]) -> Element:
        inner = (*path, keyword_of(item.tag))
        items = [self.dataset(nested, inner, enc) for nested in items_of(ds, item, enc)]
        return DataElement(item.tag, "SQ", DicomSequence(items))

    def _unlisted(
        self, ds: Dataset, item: Element, path: Path, enc: Sequence[str]
    ) -> Element | None:
        """Treat an attribute outside the table by its VR; one outside PS3.6 goes."""
        if not dictionary_has_tag(item.tag):
            return None
        printed = str(dictionary_VR(item.tag))
        allowed = self._context.rules.allowed
        if allowed is not None:
            if item.tag not in allowed:
                return self._act(ds, item, "X/Z/D", printed, path, enc)
            item = only_terms(item, printed, enc)
        if printed == "SQ":
            return self._sequence(ds, item, path, enc)
        return None if _may_hide(item, printed, path) else self._by_kind(ds, item, path, enc)

    def _by_kind(
        self, ds: Dataset, item: Element, path: Path, enc: Sequence[str]
    ) -> Element | None:
        printed = str(dictionary_VR(item.tag))
        kinds = {printed, vr_of(item)}
        if kinds & _DATES_AND_NAMES and not is_empty(item):
            kind = printed if printed in _DATES_AND_NAMES else vr_of(item)
            return self._unlisted_date_or_name(ds, item, kind, path, enc)
        keeps_uids = "113110" in self._context.rules.options
        if "UI" in kinds and not keeps_uids and not _names_a_class(keyword_of(item.tag)):
            return replaced(item, self._context, self._tally)
        kept = self._kept(item, printed, enc)
        return self._act(ds, item, "X/Z/D", printed, path, enc) if kept is None else kept

    def _kept(self, item: Element, vr: str, enc: Sequence[str]) -> Element | None:
        """Return a value that stays; None when it is not what its kind says, so may be anything."""
        if not fits(item, vr):
            return None
        item = padded(item, vr)
        if vr == "CS" and not is_code_string(text_of(item, enc)):
            return cleaned_text(item, vr, self._context, enc)
        return kept_value(item, vr, self._context, self._tally, enc)

    def _unlisted_date_or_name(
        self, ds: Dataset, item: Element, vr: str, path: Path, enc: Sequence[str]
    ) -> Element | None:
        option = self._context.rules.date_option if vr != "PN" else None
        moved = moved_date(item, vr, self._context, self._tally) if option else None
        if option and moved is not None:
            self._tally.count("date", option)
            return moved
        return self._act(ds, item, "X/Z/D", vr, path, enc)

    def _type(self, path: Path, tag: BaseTag) -> AttributeType:
        return attribute_type(self._context.sop_class, path, keyword_of(tag))

    def _written(self, ds: Dataset, element: Element) -> Element:
        """Return the element fit for the encoding of the result (a UN sequence is implicit)."""
        if not isinstance(element, RawDataElement):
            return element
        if element.length == _UNDEFINED_LENGTH and element.tag.group != _PIXEL_GROUP:
            element = element._replace(length=len(element.value or b""))
        if self._context.implicit_vr or element.VR:
            return element
        if not self._context.little_endian:
            raise UnsupportedObject("TRANSFER_SYNTAX_UNSUPPORTED", "mixed byte order")
        vr = str(dictionary_VR(element.tag)) if dictionary_has_tag(element.tag) else "UN"
        if vr.startswith("US or SS"):
            vr = "SS" if ds.get("PixelRepresentation") == 1 else "US"
        return element._replace(VR=vr.rpartition(" or ")[2])


def _names_a_class(keyword: str) -> bool:
    """Tell whether a UID names a kind of thing, not an instance."""
    return keyword in _KEEP_UID or "SOPClass" in keyword or "TransferSyntax" in keyword


def _may_hide(item: Element, printed: str, path: Path) -> bool:
    """Tell whether an attribute can hold what nobody can clean: an address, an icon, a file."""
    if "UR" in {printed, vr_of(item)}:
        return keyword_of(item.tag) != "URNCodeValue"
    is_icon = item.tag.group == _PIXEL_GROUP and bool(path)
    return is_icon or (printed in {"OB", "UN"} and not is_bulk(item))


def _is_reference(item: Dataset) -> bool:
    """Tell whether a content item only points at objects (PS3.3 C.17.3, KO and SR)."""
    return str(item.get("ValueType", "")) in {"IMAGE", "COMPOSITE", "WAVEFORM"}
