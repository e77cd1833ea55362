"""Lossy compression history of a slide: what its pixels went through, in order, and now again."""

from __future__ import annotations

from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from harmonise.data import table
from harmonise.slides.levels import Levels

__all__ = ["earlier_losses", "write_history"]

METHOD = "ISO_10918_1"
"""JPEG lossy (PS3.3 C.7.6.1.1.5.1)."""


def earlier_losses(source: Dataset, stored_bytes: int) -> list[tuple[str, float]] | None:
    """Return (method, ratio) of every loss so far, oldest first; None where it cannot be told.

    An object that is stored lossily was lost to its own transfer syntax last, at the ratio that its
    own bytes tell, whether its header says so or not. Methods and ratios that do not pair
    (PS3.3 C.7.6.1.1.5) are not made up.
    """
    methods = [str(value) for value in _values(source.get("LossyImageCompressionMethod"))]
    ratios = [float(value) for value in _values(source.get("LossyImageCompressionRatio"))]
    told = list(zip(methods, ratios, strict=False)) if len(methods) == len(ratios) else None
    syntax = str(source.file_meta.TransferSyntaxUID)
    says = str(source.get("LossyImageCompression") or "")
    now = table("slides")["lossy_syntaxes"].get(syntax)
    if now is None and says == "01":
        now = table("slides")["perhaps_lossy_syntaxes"].get(syntax)
    if now and not told and not methods:
        whole = int(source.Rows) * int(source.Columns) * 3 * int(source.get("NumberOfFrames") or 1)
        return [(now, whole / max(1, stored_bytes))]
    if told is None or (says == "01" and not told):
        return None
    return told


def write_history(ds: Dataset, source: Dataset, levels: Levels, number: int, ratio: float) -> None:
    """Write (0028,2110), (0028,2112), (0028,2114): what was lost before, then our JPEG."""
    losses = earlier_losses(source, levels.stored_bytes(number)) or []
    ds.LossyImageCompression = "01"  # once lossy, always (PS3.3 C.7.6.1.1.5)
    ds.LossyImageCompressionMethod = [*(method for method, _ in losses), METHOD]
    ds.LossyImageCompressionRatio = [*(_short(value) for _, value in losses), _short(ratio)]


def _short(ratio: float) -> str:
    return f"{ratio:.4g}"


def _values(said: Any) -> list[Any]:
    if said is None or said == "":
        return []
    return list(said) if isinstance(said, (list, MultiValue)) else [said]
