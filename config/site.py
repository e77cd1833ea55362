"""A site: one hospital and how its PACS is reached."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydicom.datadict import tag_for_keyword

from config.asked import Identifiers
from config.base import Frozen, Name
from config.calendar import Calendar
from config.dicomweb import DicomWeb
from config.kindness import Budget, Limits
from config.listen import AeTitle, Listen
from config.tls import Tls

__all__ = ["Linkage", "PacsNode", "Receiver", "Site"]

Port = Annotated[int, Field(ge=1, le=65535)]
Method = Literal["c-get", "c-move", "dicomweb", "push", "folder"]


RETRIEVING = frozenset({"c-get", "c-move", "dicomweb"})
"""Methods by which what a query found is fetched; the others bring what nobody asked for."""


class Receiver(Frozen):
    """Our own C-STORE receiver, the destination of a C-MOVE."""

    ae_title: AeTitle = "ACCORDAGE"
    """AE title the PACS knows as the move destination."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=0, ge=0, le=65535)
    """TCP port to listen on; the PACS must know it. 0 takes a free one (tests only)."""
    tls: Tls | None = None
    """TLS with client certificates; none listens in plain text."""


class PacsNode(Frozen):
    """One DICOM node of a site."""

    ae_title: AeTitle
    """AE title of the PACS (called)."""
    host: str
    """Host name or address."""
    port: Port
    """TCP port of the DICOM service."""
    calling_ae_title: AeTitle = "ACCORDAGE"
    """AE title we call ourselves."""
    methods: tuple[Method, ...] = ("c-get", "c-move")
    """Ways to retrieve, in the order to try."""
    receiver: Receiver = Receiver()
    """Our receiver for C-MOVE."""
    connect_timeout_s: float = Field(default=10, gt=0)
    """Longest wait for a TCP connection and association."""
    dimse_timeout_s: float = Field(default=60, gt=0)
    """Longest silence between two DIMSE messages."""
    max_associations: int = Field(default=1, ge=1, le=16)
    """Associations open at once to this node."""
    retries: int = Field(default=2, ge=0, le=10)
    """How often a transient failure is tried again."""
    retry_wait_s: float = Field(default=1.0, ge=0)
    """First wait before a retry; doubled each time."""
    tls: Tls | None = None
    """TLS with client certificates; none calls in plain text."""
    dicomweb: DicomWeb | None = None
    """DICOMweb service; needed by the method of that name."""
    calendar: Calendar | None = None
    """When images may be fetched; always when none is given."""
    budget: Budget = Budget()
    """How much a night may take."""
    limits: Limits = Limits()
    """What the PACS bears."""

    @field_validator("methods")
    @classmethod
    def _can_retrieve(cls, value: tuple[Method, ...]) -> tuple[Method, ...]:
        if not RETRIEVING & set(value):
            msg = "one of c-get, c-move, dicomweb is needed: what is found is fetched by no other"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _says_where_the_web_is(self) -> PacsNode:
        if "dicomweb" in self.methods and self.dicomweb is None:
            msg = "method dicomweb needs dicomweb.url"
            raise ValueError(msg)
        return self


class Linkage(Frozen):
    """By which traits a patient of this site is known as the same person at another."""

    traits: Literal["none", "strict", "ins"] = "none"
    """Nothing; birth family name, first given name, birth date and sex; the INS, else the same."""
    ins_attribute: str | None = None
    """Keyword of the attribute that holds the INS, for example OtherPatientIDsSequence."""
    birth_name: Literal["PatientBirthName", "PatientName"] = "PatientBirthName"
    """Attribute with the birth family name; PatientName only where the site vouches for it."""
    secret_file: Path | None = None
    """File (mode 0600) with the linkage secret; none reads secrets/linkage.key of the zone."""

    @field_validator("ins_attribute")
    @classmethod
    def _is_keyword(cls, value: str | None) -> str | None:
        if value is not None and tag_for_keyword(value) is None:
            msg = f"{value!r} is not a DICOM keyword"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _says_where(self) -> Linkage:
        if self.traits == "ins" and self.ins_attribute is None:
            msg = "traits: ins needs ins_attribute"
            raise ValueError(msg)
        return self


class Site(Frozen):
    """One hospital."""

    name: Name
    """Name used in project files."""
    label: str = ""
    """What people call the site."""
    pacs: PacsNode | None = None
    """The PACS to query; none for a site that only imports files."""
    listen: Listen | None = None
    """What the site sends by itself; none for a site that is only asked."""
    patient_id_issuer: str = ""
    """Issuer of Patient ID, so that equal numbers of two sites stay two people."""
    secret_file: Path | None = None
    """File (mode 0600) with the site's secret; none uses the identified zone's own."""
    linkage: Linkage = Linkage()
    """How its patients are linked with those of other sites; not at all unless said."""
    identifiers: Identifiers = Identifiers()
    """How it writes its accession and patient numbers."""
