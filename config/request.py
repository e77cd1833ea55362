"""A request for a cohort: who asks for what, why, and on what ground; criteria are data."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, model_validator

from config.base import Frozen, Name

__all__ = ["CohortRequest", "Criteria"]


class Criteria(Frozen):
    """What a subject must have. An empty list asks for nothing in particular."""

    collection: Name
    """Project whose subjects are asked for."""
    roles: tuple[str, ...] = ()
    """Volumes that a subject must have, all of them: `t2w_ax`, `adc`, ..."""
    sites: tuple[Name, ...] = ()
    """Sites, any of them."""
    vendors: tuple[str, ...] = ()
    """Vendors of the scanner, any of them: `siemens`, `ge`, ..."""
    field_strengths_t: tuple[float, ...] = ()
    """Nominal field of the scanner in tesla, any of them: 1.5, 3.0."""


class CohortRequest(Frozen):
    """A request as its requester fills it in."""

    name: Name
    """Name of the request."""
    title: str = Field(min_length=5)
    """One line for people."""
    purpose: str = Field(min_length=20)
    """What the images are for."""
    lead: str = Field(min_length=2)
    """Who answers for the use."""
    people: tuple[str, ...] = ()
    """Who else will have the images."""
    legal_basis: Literal["public-interest", "legitimate-interest", "consent"]
    """Ground of the processing (GDPR article 6)."""
    ethics_reference: str = Field(min_length=3)
    """Number of the favourable opinion."""
    ethics_until: date
    """Day on which the opinion ends."""
    criteria: Criteria
    """Whom the request is about."""
    formats: tuple[Literal["dicom", "nifti"], ...] = ("dicom", "nifti")
    """File formats to deliver."""
    destination: str = Field(min_length=3)
    """Where the images will lie."""
    retention_until: date
    """Day on which every copy will have been deleted."""

    @model_validator(mode="after")
    def _covered(self) -> CohortRequest:
        if self.retention_until > self.ethics_until:
            msg = "retention_until is after ethics_until"
            raise ValueError(msg)
        return self
