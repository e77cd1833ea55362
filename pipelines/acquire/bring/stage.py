"""The stage that imports: bytes into the store, rows into the ledger, then each study settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import FileDataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from config.errors import ConfigurationError, RejectedError, UnreadableObject
from config.listen import PushRule
from config.project import Project
from config.site import Site
from harmonise.vendor.headers import quiet
from pipelines.acquire.bring.sources import Listed, Source, files_of
from pipelines.acquire.receive.arrivals import Arrivals
from pipelines.acquire.receive.push import settle_study
from pipelines.acquire.receive.spool import FileSpool, Names
from pipelines.prepare.read import read_header
from pipelines.progress import StageAccount, timed
from pipelines.workspace import Workspace

__all__ = ["Imported", "bring"]

_CHUNK_BYTES = 1 << 20
_A_DAY_S = 86_400.0
"""A listener of the same site leaves what is being imported alone for so long."""


@dataclass
class Imported:
    """What an import did; holds no name of a file."""

    account: StageAccount
    studies: int = 0
    instances: int = 0
    not_dicom: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    """Files and archives left out, by code."""

    def refuse(self, code: str, count: int = 1) -> None:
        """Count what was left out."""
        self.refused[code] = self.refused.get(code, 0) + count
        self.account.refused[code] = self.account.refused.get(code, 0) + count


def bring(ws: Workspace, project: Project, site: Site, paths: Sequence[Path]) -> Imported:
    """Import files, folders, zips and DICOMDIRs as studies of a project from a site.

    A study is whole when everything given has been read; what a DICOMDIR lists and does not hold
    leaves its row ``partial``. Importing the same again changes nothing.

    Raises
    ------
    ConfigurationError
        ``IMPORT_SITE_NOT_OF_PROJECT``.
    EnvironmentFault
        The disk is full or the catalogue is gone; what was imported so far stays.
    """
    if site.name not in project.sites:
        raise ConfigurationError("IMPORT_SITE_NOT_OF_PROJECT", site.name)
    done = Imported(StageAccount("import", project.name, site.name))
    arrivals = Arrivals(site.name, ws.identified, ws.ledger)
    studies: set[str] = set()
    cut_off: set[str] = set()
    listed: list[Listed] = []
    rule = PushRule(
        calling_ae_title="IMPORT",
        called_ae_title="IMPORT",
        project=project.name,
        quiet_s=_A_DAY_S,
    )
    with timed(done.account):
        for path in paths:
            found: set[str] = set()
            try:
                with files_of(path, ws.identified.incoming) as source:
                    _bring_files(ws, arrivals, rule, source, done, found)
                    listed += source.listed
                    done.not_dicom += source.not_dicom
                    for code, count in source.refused.items():
                        done.refuse(code, count)
            except RejectedError as error:
                done.refuse(error.code)
                cut_off |= found
            studies |= found
        arrivals.close()
        for study_uid in sorted(studies):
            also = [one for one in listed if one.study_uid == study_uid]
            settle_study(ws, site, project.name, study_uid, also, whole=study_uid not in cut_off)
    done.studies = done.account.done = len(studies)
    ws.keep_account(done.account)
    return done


def _bring_files(
    ws: Workspace,
    arrivals: Arrivals,
    rule: PushRule,
    source: Source,
    done: Imported,
    studies: set[str],
) -> None:
    """Import each file of a source, and add to ``studies`` those that came."""
    for path in source.files:
        try:
            names = _bring_file(ws, arrivals, rule, path)
        except UnreadableObject as error:
            done.refuse(error.code)
        else:
            studies.add(names.study_uid)
            done.instances += 1


def _bring_file(ws: Workspace, arrivals: Arrivals, rule: PushRule, path: Path) -> Names:
    """Copy the dataset of one file into the store, byte by byte as it is."""
    header = read_header(path)
    with path.open("rb") as stream:
        syntax = _at_dataset(stream, header)
        sop_class, sop_uid = str(header.SOPClassUID), str(header.get("SOPInstanceUID") or "")
        spool = FileSpool(ws.identified.incoming, sop_class, sop_uid, syntax)
        try:
            while chunk := stream.read(_CHUNK_BYTES):
                spool.write(chunk)
            names = spool.names()
            if not all((names.study_uid, names.series_uid, names.sop_uid)):
                raise UnreadableObject("IMPORT_WITHOUT_UID")
            arrivals.keep(spool, names, rule)
        finally:
            spool.discard()  # unless it has been kept
    return names


def _at_dataset(stream: BinaryIO, header: FileDataset) -> str:
    """Move to the first byte of the dataset; return its transfer syntax.

    A file without the meta group says nothing of it: then it is what its bytes were read as.
    """
    with quiet():
        read_preamble(stream, force=True)
        meta = _read_file_meta_info(stream)
    told = str(meta.get("TransferSyntaxUID") or "")
    if told:
        return told
    is_implicit, is_little = header.original_encoding
    if is_implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian)
