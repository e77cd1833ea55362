"""Two hospitals and a hub on three disks, each with its own files; objects as a PACS sent them.

Run as a program it prints the digests of what the hub received, for a comparison of two processes.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import yaml
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from sqlalchemy import select

from config.settings import Settings, load_settings
from pipelines.catalogue.identified import ExpectedInstance, ReceivedObject, RequestRow
from pipelines.catalogue.research import ResearchObject, StudyRow
from pipelines.prepare.stage_deidentify import deidentify
from pipelines.workspace import Workspace, open_workspace

SITES = ("chu-a", "chu-b")
LINKAGE = b"linkage secret of sites and third party"
NIR = "2840375123456"
NIR_WITH_KEY = NIR + f"{97 - int(NIR) % 97:02}"


@dataclass
class Visit:
    """One study of one person at a site."""

    site: str
    patient_id: str
    name: str = "MARTIN^Anne"
    study_date: str = "20200115"
    changed: dict[str, str] = field(default_factory=dict)


def dataset(visit: Visit, number: int) -> Dataset:
    """Return one CT slice."""
    root = f"1.2.826.0.1.{SITES.index(visit.site) + 1}.{visit.patient_id[-4:].lstrip('0')}"
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"{root}.{visit.study_date}.1.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (
        f"{root}.{visit.study_date}",
        f"{root}.{visit.study_date}.1",
    )
    ds.PatientID, ds.PatientName, ds.PatientBirthName = visit.patient_id, visit.name, visit.name
    ds.PatientBirthDate, ds.PatientSex = "19840312", "F"
    ds.StudyDate = ds.SeriesDate = ds.ContentDate = visit.study_date
    ds.StudyTime, ds.Modality, ds.Manufacturer = "101500", "CT", "MAKER"
    ds.StudyID = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.SeriesNumber, ds.InstanceNumber = 1, number
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = f"{root}.9", ""
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness = [1, 1], 1
    ds.RescaleSlope, ds.RescaleIntercept, ds.KVP = 1, -1024, 120
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows = ds.Columns = 8
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = bytes(range(128))
    for keyword, value in visit.changed.items():
        setattr(ds, keyword, value)
    return ds


@dataclass
class Country:
    """Where the hub and the hospitals keep their files."""

    root: Path

    def settings(self, site: str) -> Settings:
        """Return a hospital's settings; its bundles reach the one hub."""
        settings = load_settings(self.root / site, {})
        return settings.model_copy(update={"research_root": self.hub, "research_url": self.hub_url})

    @property
    def hub(self) -> Path:
        return self.root / "hub"

    @property
    def hub_url(self) -> str:
        return f"sqlite:///{self.hub / 'catalogue.sqlite'}"

    def found(self, linkage: dict[str, str], projects: tuple[str, ...] = ("tiny",)) -> None:
        """Write settings and secrets of every site; the project's are the sites' in common."""
        for site in SITES:
            settings = self.settings(site)
            for name in projects:
                _write(settings.config_root / "projects" / f"{name}.yaml", _project(name))
            facts = {"name": site, "patient_id_issuer": "IPP-" + site, "linkage": linkage}
            _write(settings.config_root / "sites" / f"{site}.yaml", facts)
            secrets = {"linkage": LINKAGE, "signing": site.encode().ljust(32), f"site-{site}": b"s"}
            secrets["site-" + site] = site.encode() * 8
            secrets |= {f"project-{name}": name.encode() * 8 for name in projects}
            for name, secret in secrets.items():
                _secret(settings.identified_root / "secrets" / f"{name}.key", secret)
        for name in projects:
            _secret(self.hub / "secrets" / f"project-{name}.key", name.encode()[::-1] * 8)

    def prepare(self, visits: list[Visit], project: str = "tiny", seed: int = 0) -> None:
        """Receive and de-identify, hospital by hospital, in an order that ``seed`` decides."""
        order = random.Random(seed)
        for site in order.sample(SITES, len(SITES)):
            with open_workspace(self.settings(site)) as ws:
                mine = [v for v in visits if v.site == site]
                for visit in order.sample(mine, len(mine)):
                    receive(ws, project, visit, order)
                deidentify(ws, ws.project(project), ws.site(site))

    def rows(self, project: str = "tiny") -> list[StudyRow]:
        """Return what the hub knows, by site and row."""
        with open_workspace(self.settings(SITES[0])) as ws, ws.catalogue.session() as session:
            chosen = select(StudyRow).where(StudyRow.project == project)
            found = session.scalars(chosen.order_by(StudyRow.site, StudyRow.row_id)).all()
            session.expunge_all()
            return list(found)

    def objects(self, project: str = "tiny") -> dict[str, list[Dataset]]:
        """Return row -> objects at the hub."""
        with open_workspace(self.settings(SITES[0])) as ws, ws.catalogue.session() as session:
            chosen = select(ResearchObject.row_id, ResearchObject.sha256).join(
                StudyRow, StudyRow.row_id == ResearchObject.row_id
            )
            pairs = session.execute(chosen.where(StudyRow.project == project)).all()
            found: dict[str, list[Dataset]] = {}
            for row_id, sha256 in pairs:
                found.setdefault(row_id, []).append(dcmread(ws.research.object_path(sha256)))
            return found

    def files(self, party: str) -> list[bytes]:
        """Return the bytes of every file that one party has."""
        folder = self.hub if party == "hub" else self.root / party
        return [p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()]


def receive(ws: Workspace, project: str, visit: Visit, order: random.Random) -> None:
    """Put a study into the zone and its ledger, as a retrieval that went well leaves them."""
    made = [dataset(visit, number) for number in (1, 2)]
    study_uid = str(made[0].StudyInstanceUID)
    row_id = ws.row_id(project, visit.site, study_uid)
    with ws.ledger.session() as session:
        row = RequestRow(
            row_id=row_id, project=project, site=visit.site, study_uid=study_uid,
            patient_id=visit.patient_id, issuer="IPP-" + visit.site, accession_number="",
            study_date=visit.study_date, outcome="complete", expected=2, received=2,
        )  # fmt: skip
        session.merge(row)
        for ds in order.sample(made, len(made)):
            buffer = BytesIO()
            dcmwrite(buffer, ds, implicit_vr=False, little_endian=True)
            blob = ws.identified.put_received(
                ds.SOPClassUID, ds.SOPInstanceUID, ExplicitVRLittleEndian, buffer.getvalue()
            )
            uids = {"sop_uid": ds.SOPInstanceUID, "series_uid": ds.SeriesInstanceUID}
            session.merge(ExpectedInstance(row_id=row_id, sop_class_uid=ds.SOPClassUID, **uids))
            session.merge(
                ReceivedObject(
                    site=visit.site,
                    sha256=blob.sha256,
                    study_uid=study_uid,
                    path=blob.path,
                    size=blob.size,
                    transfer_syntax_uid=ExplicitVRLittleEndian,
                    **uids,
                )
            )


def _project(name: str) -> dict[str, object]:
    return {
        "name": name,
        "sites": list(SITES),
        "select": {"modality": "CT", "study_date": "2015-01-01..2030-12-31"},
        "policy": "research-longitudinal",
        "recipe": "native",
        "delivery": {"expires": "2030-12-31"},
    }


def _write(path: Path, facts: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(facts))


def _secret(path: Path, secret: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(secret)
    path.chmod(0o600)


TWO_VISITS = [
    Visit("chu-a", "PLANTED-8001"),
    Visit("chu-a", "PLANTED-8001", study_date="20210304"),
    Visit("chu-b", "PLANTED-9102", "Märtin^ANNE^", "20220506"),
    Visit("chu-b", "PLANTED-9203", "DURAND^Zoé", "20220507"),
]


if __name__ == "__main__":
    country = Country(Path(sys.argv[1]))
    country.found({"traits": "strict"})
    country.prepare(TWO_VISITS, seed=int(sys.argv[2]))
    for path in sorted((country.hub / "objects").rglob("*.dcm")):
        print(path.name)  # noqa: T201 - for the test that started it
    for row in country.rows():
        print(row.row_id, row.subject, row.study_uid)  # noqa: T201
