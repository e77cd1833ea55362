"""A header template: nested YAML of DICOM keywords and private blocks, filled from a context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

__all__ = ["fill"]

Context = Mapping[str, str | list[str]]

_INTEGER_VR = frozenset({"US", "SS", "UL", "SL"})
_FLOAT_VR = frozenset({"FL", "FD"})
_BYTES_VR = frozenset({"OB", "UN"})


def fill(template: Mapping[str, Any], context: Context) -> Dataset:
    """Return a Dataset with the template's values.

    Parameters
    ----------
    template : mapping
        DICOM keyword -> text with ``{fields}``, list of texts, or list of templates (a sequence).
        ``private`` holds a list of ``{group, creator, elements: [[offset, VR, value], ...]}``.
    context : mapping of str to str or list of str
        The fields. A template value that is one field alone may stand for several values.

    Raises
    ------
    KeyError
        A field of the template is not in the context.
    """
    ds = Dataset()
    for keyword, value in template.items():
        if keyword == "private":
            for block in value:
                _fill_block(ds, block, context)
            continue
        tag = tag_for_keyword(keyword)
        if tag is None:
            raise KeyError(keyword)
        vr = dictionary_VR(tag)
        ds.add_new(tag, vr, _fill_value(vr, value, context))
    return ds


def _fill_block(ds: Dataset, block: Mapping[str, Any], context: Context) -> None:
    """Reserve a private block (PS3.5 section 7.8.1) and fill its elements."""
    private = ds.private_block(int(block["group"], 16), block["creator"], create=True)
    for offset, vr, value in block["elements"]:
        private.add_new(int(offset, 16), vr, _fill_value(vr, value, context))


def _fill_value(vr: str, value: Any, context: Context) -> Any:
    if vr == "SQ":
        return DicomSequence([fill(item, context) for item in value])
    text = _expand(value, context)
    if vr in _INTEGER_VR:
        return _each(int, text)
    if vr in _FLOAT_VR:
        return _each(float, text)
    if vr in _BYTES_VR:
        return _encode(str(text), str(context["charset"]))
    return text


def _expand(value: str | Sequence[str], context: Context) -> str | list[str]:
    if not isinstance(value, str):
        return [str(_expand(part, context)) for part in value]
    if value.startswith("{") and value.endswith("}") and value.count("{") == 1:
        return context[value[1:-1]]
    return value.format_map(context)


def _each(convert: type[int | float], text: str | list[str]) -> Any:
    return convert(text) if isinstance(text, str) else [convert(part) for part in text]


def _encode(text: str, charset: str) -> bytes:
    """Encode as the archive would, padded to even length (PS3.5 section 6.2)."""
    data = text.encode(python_encoding[charset])
    return data + b" " * (len(data) % 2)
