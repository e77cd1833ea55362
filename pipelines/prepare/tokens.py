"""The token of every patient a site was asked for: linked by traits, or the site's own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from config.base import fingerprint
from config.errors import RejectedError
from config.site import Linkage, Site
from deid.keys import site_token
from deid.linkage import agreed, basis_of, linkage_token
from deid.traits import Traits, read_traits
from pipelines.catalogue import identified as table
from pipelines.prepare.read import read_header
from pipelines.workspace import Workspace

__all__ = ["Patient", "patient_tokens", "patient_traits"]


@dataclass(frozen=True)
class Patient:
    """A patient as one site knows them."""

    issuer: str = field(repr=False)
    patient_id: str = field(repr=False)


def patient_tokens(
    ws: Workspace, site: Site, files: Mapping[Patient, Sequence[str]]
) -> dict[Patient, bytes]:
    """Return each patient's token.

    A token once given under a setting of linkage stays: objects that come later must not split a
    patient in two.

    Parameters
    ----------
    files : Mapping
        Paths of the received objects of each patient, relative to the identified zone.

    Raises
    ------
    ConfigurationError
        When the site links by traits and the linkage secret is missing, short or readable.
    """
    own = ws.site_secret(site)
    if site.linkage.traits == "none":
        return {p: site_token(own, p.issuer, p.patient_id) for p in files}
    secret = ws.linkage_secret(site)
    setting = _setting(site.linkage, secret)
    known = _known(ws, site, setting)
    tokens = {}
    for patient, paths in sorted(files.items(), key=lambda item: _order(item[0])):
        if patient not in known and paths:
            traits = patient_traits(ws.identified.root, site.linkage, paths)
            token = linkage_token(secret, traits, site.linkage.traits)
            basis = basis_of(traits, site.linkage.traits)
            known[patient] = token or site_token(own, patient.issuer, patient.patient_id)
            _remember(ws, site, setting, patient, basis, known[patient])
        tokens[patient] = known.get(patient) or site_token(own, patient.issuer, patient.patient_id)
    return tokens


def patient_traits(root: Path, linkage: Linkage, paths: Iterable[str]) -> Traits:
    """Return what all headers of one patient say together; an unreadable one says nothing."""
    found = []
    for path in sorted(paths):
        try:
            found.append(
                read_traits(read_header(root / path), linkage.birth_name, linkage.ins_attribute)
            )
        except RejectedError:
            continue
    return agreed(found)


def _order(patient: Patient) -> tuple[str, str]:
    return patient.issuer, patient.patient_id


def _setting(linkage: Linkage, secret: bytes) -> str:
    text = fingerprint(linkage.model_copy(update={"secret_file": None}))
    return hashlib.sha256(text.encode() + hashlib.sha256(secret).digest()).hexdigest()


def _known(ws: Workspace, site: Site, setting: str) -> dict[Patient, bytes]:
    row = table.PatientToken
    with ws.ledger.session() as session:
        rows = session.scalars(select(row).where(row.site == site.name, row.setting == setting))
        return {Patient(r.issuer, r.patient_id): r.token for r in rows}


def _remember(
    ws: Workspace, site: Site, setting: str, patient: Patient, basis: str, token: bytes
) -> None:
    with ws.ledger.session() as session:
        session.merge(
            table.PatientToken(
                site=site.name,
                issuer=patient.issuer,
                patient_id=patient.patient_id,
                setting=setting,
                basis=basis,
                token=token,
            )
        )
