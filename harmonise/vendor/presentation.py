"""Presentation values: the grey levels the maker meant to be looked at, black 0 to white 1."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from config.errors import UnreadableObject
from harmonise.data import table
from harmonise.series import Stack
from harmonise.vendor.headers import FOREIGN, quiet, read_header
from harmonise.vendor.makers import manufacturer_of
from harmonise.vendor.private import numbers, text

__all__ = ["apply_presentation", "plan_presentation", "presentation_of"]

LARGEST_TABLE = 65535
"""Grey levels of 16 bits: so many are computed once and looked up."""

Values = NDArray[np.float32]


def plan_presentation(stack: Stack) -> dict[str, Any]:
    """Decide how real values of a projection become presentation values; plain JSON.

    See :func:`presentation_of`.

    Parameters
    ----------
    stack : Stack
        Of one image.
    """
    frame = stack.frames[0]
    return presentation_of(read_header(frame.path), frame.slope, frame.intercept)


def presentation_of(
    ds: Dataset,
    slope: float = 1.0,
    intercept: float = 0.0,
    *,
    choice: tuple[str, int] | None = None,
) -> dict[str, Any]:
    """Decide how real values of a projection become presentation values; plain JSON.

    LUT or window, and which of several, by the maker's row of ``presentation_rules.yaml``. Polarity
    once: MONOCHROME1 and PresentationLUTShape INVERSE say the same thing (PS3.3 C.8.11.3.1.2),
    after the VOI step. Padding pixels become black (C.7.5.1.1.2).

    Parameters
    ----------
    ds : Dataset
        The header.
    slope, intercept : float
        Of the modality LUT, which the values have been through.
    choice : tuple of (str, int), optional
        ``("lut", n)`` or ``("window", n)``, counted from 0, in place of the rule.

    Returns
    -------
    dict
        ``kind`` lut, linear, linear_exact, sigmoid or identity; ``invert``; ``padding`` [low, high]
        in real values or None; the parameters of the kind; ``why``.

    Raises
    ------
    UnreadableObject
        ``FILE_UNREADABLE``; ``MG_VOI_LUT_BAD_DESCRIPTOR`` when the table is not what (0028,3002)
        says, or a window has no width.
    """
    try:
        with quiet():
            voi = _voi(ds, choice) or _identity(ds, slope, intercept)
            invert = (
                str(ds.get("PhotometricInterpretation")) == "MONOCHROME1"
                or str(ds.get("PresentationLUTShape") or "") == "INVERSE"
            )
            padding = _padding_range(ds, slope, intercept)
            return {**voi, "invert": invert, "padding": padding}
    except FOREIGN as error:
        raise UnreadableObject("MG_VOI_LUT_BAD_DESCRIPTOR", type(error).__name__) from error


def _shown(values: Values, plan: dict[str, Any]) -> NDArray[np.floating]:
    """Return values through table or window; a window of whole numbers is looked up too."""
    if plan["kind"] == "lut":
        return _through_lut(values, plan)
    if np.isnan(values.min()) or not bool((np.rint(values) == values).all()):
        return _through_window(values, plan)
    low, high = int(values.min()), int(values.max())
    if high - low > LARGEST_TABLE:
        return _through_window(values, plan)
    levels = _through_window(np.arange(low, high + 1, dtype=np.float32), plan)
    return np.take(levels.astype(np.float32), values.astype(np.int32) - np.int32(low))


def _voi(ds: Dataset, choice: tuple[str, int] | None) -> dict[str, Any] | None:
    """Return the VOI description that is chosen, or that the maker's rule takes; None for none."""
    readers = {"lut": _lut, "window": _window}
    if choice is not None:
        return readers[choice[0]](ds, (), choice[1])
    maker = manufacturer_of(text(ds.get("Manufacturer") or ""))
    rules = table("presentation_rules")
    rule = next(r for r in rules if r.get("manufacturer", maker) == maker)
    for kind in rule["order"]:
        found = readers[kind](ds, rule["explanation"], None)
        if found is not None:
            return found
    return None


def _index(names: list[str], wanted: Sequence[str]) -> int:
    """Return which of several is named as wanted, the first wish first; else the first one."""
    return next((names.index(wish) for wish in wanted if wish in names), 0)


def apply_presentation(values: Values, plan: dict[str, Any]) -> Values:
    """Return presentation values, 0 black to 1 white; NaN stays NaN.

    Parameters
    ----------
    values : ndarray of float32
        Real values (after the modality LUT), of any shape.
    plan : dict
        From ``plan_presentation``.
    """
    shown = _shown(values, plan)
    if plan["invert"]:
        shown = np.float32(1.0) - shown
    if plan["padding"] is not None:
        low, high = plan["padding"]
        shown[(values >= low) & (values <= high)] = 0.0
    shown[np.isnan(values)] = np.nan
    return np.asarray(shown, dtype=np.float32)


def _lut(ds: Dataset, wanted: Sequence[str], index: int | None) -> dict[str, Any] | None:
    items = ds.get("VOILUTSequence")
    if not items:
        return None
    explained = [text(item.get("LUTExplanation") or "").upper() for item in items]
    index = _index(explained, wanted) if index is None else index
    entries, first, bits = (int(value) for value in items[index].LUTDescriptor)
    data = items[index].LUTData
    if isinstance(data, bytes):
        table = np.frombuffer(data, dtype="<u1" if len(data) == entries else "<u2")
    else:
        table = np.asarray(data)
    count = entries or 65536  # PS3.3 C.11.2.1.1: 0 stands for 2**16
    if len(table) != count or int(table.max()) >= 2**bits or int(table.min()) < 0:
        detail = f"(0028,3002) {entries} entries of {bits} bits; table has {len(table)}"
        raise UnreadableObject("MG_VOI_LUT_BAD_DESCRIPTOR", detail)
    packed = base64.b64encode(zlib.compress(table.astype("<u2").tobytes(), 9)).decode("ascii")
    why = f"(0028,3010) item {index + 1} {explained[index]}".rstrip()
    return {"kind": "lut", "first": first, "bits": bits, "table": packed, "why": why}


def _window(ds: Dataset, wanted: Sequence[str], index: int | None) -> dict[str, Any] | None:
    centres = numbers(ds.get("WindowCenter"), "DS")
    widths = numbers(ds.get("WindowWidth"), "DS")
    if not centres or len(centres) != len(widths):
        return None
    explained = ds.get("WindowCenterWidthExplanation") or []
    names = [explained] if isinstance(explained, str) else list(explained)
    upper = [text(name).upper() for name in names][: len(centres)]
    index = _index(upper, wanted) if index is None else index
    kind = str(ds.get("VOILUTFunction") or "LINEAR").lower()
    least = 1.0 if kind == "linear" else 0.0
    if kind not in {"linear", "linear_exact", "sigmoid"} or widths[index] < least:
        detail = f"(0028,1056) {kind.upper()} (0028,1051) {widths[index]:g}"
        raise UnreadableObject("MG_VOI_LUT_BAD_DESCRIPTOR", detail)
    why = f"(0028,1050) window {index + 1}, {kind.upper()}"
    return {"kind": kind, "centre": centres[index], "width": widths[index], "why": why}


def _identity(ds: Dataset, slope: float, intercept: float) -> dict[str, Any]:
    """Stretch the whole range that stored values may have."""
    signed = int(ds.get("PixelRepresentation") or 0) == 1
    bits = int(ds.BitsStored)
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    ends = sorted(value * slope + intercept for value in (low, high))
    middle, width = (ends[0] + ends[1]) / 2, ends[1] - ends[0]
    return {"kind": "identity", "centre": middle, "width": width, "why": "no VOI; all stored bits"}


def _padding_range(ds: Dataset, slope: float, intercept: float) -> list[float] | None:
    value = numbers(ds.get("PixelPaddingValue"), "SS")
    if not value:
        return None
    limit = numbers(ds.get("PixelPaddingRangeLimit"), "SS") or value
    return sorted(float(v) * slope + intercept for v in (value[0], limit[0]))


def _through_lut(values: Values, plan: dict[str, Any]) -> Values:
    """PS3.3 C.11.2.1.1: below the first value mapped the first entry, above the last the last."""
    table = np.frombuffer(zlib.decompress(base64.b64decode(plan["table"])), dtype="<u2")
    levels = (table / float(2 ** int(plan["bits"]) - 1)).astype(np.float32)
    whole = np.rint(np.nan_to_num(values)).astype(np.int32)
    return np.take(levels, whole - np.int32(plan["first"]), mode="clip")


def _through_window(values: Values, plan: dict[str, Any]) -> NDArray[np.float64]:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT)."""
    x = values.astype(np.float64)
    centre, width = float(plan["centre"]), float(plan["width"])
    if plan["kind"] == "sigmoid":
        shown: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-4.0 * (x - centre) / width))
        return shown
    if plan["kind"] == "linear":
        centre, width = centre - 0.5, width - 1.0
    if width <= 0:
        return (x > centre).astype(np.float64)
    return np.clip((x - centre) / width + 0.5, 0.0, 1.0)
