"""The README of a release: what it is, how it was made, how to check it."""

from __future__ import annotations

from collections import Counter

from config.project import Project
from pipelines.cohort.accounts import ProjectAccount
from pipelines.cohort.gate import Gate

__all__ = ["release_readme"]

TEXT = """# {title}, version {version}
{simulated}
Released by Accordage. Access ends on {expires}.

- {subjects} subjects, {studies} studies, {volumes} volumes
- de-identification policy: `{policy}`; recipe: `{recipe}`
- reading: {read} of {sampled} sampled pairs read, {rejected} rejected; of the group read least,
  at most {worst} of the volumes are bad (upper bound, 95 % confidence)
- proof: {proof}

| outcome of a study asked | studies |
|---|---|
{outcomes}

## Files

| file | what |
|---|---|
| `manifest.parquet` | one row per volume, and one per refused series with its codes |
| `acquisitions.parquet` | one row per series: how it was acquired, in one vocabulary and one unit |
| `requests.parquet` | one row per study asked, with its outcome in English and French |
| `data/` | derived DICOM series, NIfTI volumes and their provenance |
| `proof.json` | score of the planted twin that went through the same policy and program |
| `report.html` | pictures, attrition, refusals |
| `flow.svg` | how many studies were asked for, and where the others were left |
| `image_occurrence.parquet` | one row per series delivered from, for OMOP's imaging extension |
| `split.parquet` | training, validation and test by person, where it was asked for |
| `croissant.json`, `ro-crate-metadata.json` | the release described for machines |
| `checksums.sha256` | check with `sha256sum --check checksums.sha256` |

Values outside a volume's coverage are NaN in NIfTI and PixelPaddingValue in DICOM.
"""


def release_readme(
    project: Project, version: int, content: ProjectAccount, gate: Gate, proof: str
) -> str:
    """Return the README's text; the same content gives the same text."""
    delivered = [s for s in content.series if s.delivered]
    studies = {s.row_id for s in delivered}
    outcomes = Counter(row.outcome for row in content.rows)
    return TEXT.format(
        title=project.title or project.name,
        version=version,
        simulated="\n**SIMULATED**: synthetic patients, verdicts by a simulated reader.\n"
        if content.simulated
        else "",
        expires=project.delivery.expires.isoformat(),
        subjects=len({r.subject for r in content.rows if r.row_id in studies}),
        studies=len(studies),
        volumes=len(delivered),
        policy=project.policy,
        recipe=project.recipe,
        read=gate.read,
        sampled=gate.sampled,
        rejected=gate.rejected,
        worst=f"{gate.largest_share:.1%}",
        proof=proof,
        outcomes="\n".join(f"| {name} | {n} |" for name, n in sorted(outcomes.items())),
    )
