"""Rows for OMOP's imaging extension: ``image_occurrence``, one a series that was delivered from.

Columns are those of the MI-CDM proposal (Park et al. 2024, J Imaging Inform Med 37:899). What only
the third party or the warehouse can know is left to them: ``person_id`` numbers the subjects of
this version and ``person_source_value`` is the pseudonym to join by, the procedure and visit are
null, and concepts are 0, OMOP's own "no matching concept", beside their source values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from harmonise.manifest import ManifestRow

__all__ = ["SCHEMA", "occurrences", "write_occurrences"]

SCHEMA = pa.schema(
    [
        pa.field("image_occurrence_id", pa.int64()),
        pa.field("person_id", pa.int64()),
        pa.field("procedure_occurrence_id", pa.int64()),
        pa.field("visit_occurrence_id", pa.int64()),
        pa.field("anatomic_site_concept_id", pa.int64()),
        pa.field("wadors_uri", pa.string()),
        pa.field("local_path", pa.string()),
        pa.field("image_occurrence_date", pa.date32()),
        pa.field("image_study_uid", pa.string()),
        pa.field("image_series_uid", pa.string()),
        pa.field("modality_concept_id", pa.int64()),
        pa.field("modality_source_value", pa.string()),
        pa.field("person_source_value", pa.string()),
    ]
)


def occurrences(
    manifest: Sequence[ManifestRow], acquired: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows, in order of subject, study and series.

    Parameters
    ----------
    manifest : sequence of ManifestRow
        The release's rows; refused series have no row here.
    acquired : sequence of dict
        Rows of ``acquisitions.parquet``, which say the modality.
    """
    modality = {row["series_uid"]: row.get("modality") for row in acquired}
    delivered = {
        (row.subject, row.study_uid, uid)
        for row in manifest
        if row.nifti_path or row.dicom_path
        for uid in row.source_series_uids
    }
    people = {subject: n for n, subject in enumerate(sorted({s for s, _, _ in delivered}), 1)}
    return [
        {
            "image_occurrence_id": number,
            "person_id": people[subject],
            "procedure_occurrence_id": None,
            "visit_occurrence_id": None,
            "anatomic_site_concept_id": 0,
            "wadors_uri": None,
            "local_path": f"data/{subject}/{study}",
            "image_occurrence_date": None,
            "image_study_uid": study,
            "image_series_uid": series,
            "modality_concept_id": 0,
            "modality_source_value": modality.get(series),
            "person_source_value": subject,
        }
        for number, (subject, study, series) in enumerate(sorted(delivered), 1)
    ]


def write_occurrences(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write ``image_occurrence.parquet``."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
