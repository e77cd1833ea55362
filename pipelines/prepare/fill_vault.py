"""Put into the vault who each pseudonym of a site stands for, where there is a vault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from config.project import Project
from config.site import Site
from deid.keys import Keys, subject_of
from pipelines.prepare.tokens import Patient, patient_traits
from pipelines.vault.vault import Record, Vault
from pipelines.workspace import Workspace

__all__ = ["fill_vault"]


def fill_vault(
    ws: Workspace,
    project: Project,
    site: Site,
    keys: Keys,
    tokens: Mapping[Patient, bytes],
    files: Mapping[Patient, Sequence[str]],
) -> int:
    """Add the patients of whom objects came and whom the vault does not have; return how many."""
    vault = Vault(ws.settings, ws.ledger)
    patients = (
        {
            Record(project.name, subject_of(keys, tokens[p]), site.name, p.issuer, p.patient_id): p
            for p in tokens
            if files.get(p)
        }
        if vault.exists()
        else {}
    )
    missing = vault.missing(patients)
    if site.linkage.traits == "none":
        return vault.fill(missing)
    return vault.fill(
        replace(
            record,
            traits=asdict(
                patient_traits(ws.identified.root, site.linkage, files[patients[record]])
            ),
        )
        for record in missing
    )
