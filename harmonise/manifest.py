"""The manifest: one row a volume and one a declined series."""

from __future__ import annotations

from dataclasses import dataclass

from harmonise.qc import Verdict

__all__ = ["ManifestRow"]


@dataclass(frozen=True)
class ManifestRow:
    """One output volume, or one series that none was made of (``volume_id`` is None).

    Parameters
    ----------
    subject, study_uid : str
    volume_id : str or None
    source_series_uids : tuple of str
    role : str or None
    b_value : float or None
        In s/mm2.
    verdict : {"PASS", "REVIEW", "REJECT"}
    codes : tuple of str
    unit : str or None
        UCUM code.
    nifti_path, dicom_path : str or None
        File and folder, relative to the manifest's folder, with forward slashes.
    rows, columns, slices : int or None
    spacing_mm : tuple of (float or None), or None
        Slice, row, column.
    vendor, model : str or None
    field_strength_t : float or None
    recipe, recipe_hash : str
    model_hash : str or None
    """

    subject: str
    study_uid: str
    volume_id: str | None
    source_series_uids: tuple[str, ...]
    role: str | None
    b_value: float | None
    verdict: Verdict
    codes: tuple[str, ...]
    unit: str | None
    nifti_path: str | None
    dicom_path: str | None
    rows: int | None
    columns: int | None
    slices: int | None
    spacing_mm: tuple[float | None, float | None, float | None] | None
    vendor: str | None
    model: str | None
    field_strength_t: float | None
    recipe: str
    recipe_hash: str
    model_hash: str | None

    @property
    def sort_key(self) -> tuple[str, str, str, tuple[str, ...], tuple[str, ...], str, float]:
        """Order of rows in a manifest: volumes of a study first, then what was declined."""
        b_value = -1.0 if self.b_value is None else self.b_value
        return (
            self.subject,
            self.study_uid,
            self.volume_id or "\uffff",
            self.source_series_uids,
            self.codes,
            self.role or "",
            b_value,
        )
