"""A project: what is asked of which sites, how it is treated, read and delivered."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer, field_validator, model_validator

from config.asked import AskedList
from config.base import Frozen, Name, TimeZone

__all__ = ["DateRange", "Delivery", "Pool", "Project", "Review", "Schedule", "Selection", "Split"]


class DateRange(Frozen):
    """Whole days, both ends included; written ``2018-01-01..2023-12-31``."""

    first: date
    last: date


def _parse_range(value: Any) -> Any:
    if isinstance(value, str) and ".." in value:
        first, last = value.split("..", 1)
        return {"first": first.strip(), "last": last.strip()}
    return value


class Selection(Frozen):
    """Which studies are asked for: matched by the PACS (C-FIND, PS3.4 C.2.2.2)."""

    modality: str
    """Modality of at least one series, for example MR or MG."""
    study_description: str = "*"
    """Wildcard pattern on StudyDescription."""
    study_date: Annotated[DateRange, BeforeValidator(_parse_range)]
    """First and last StudyDate."""

    @field_serializer("study_date")
    def _write_range(self, value: DateRange) -> str:
        return f"{value.first.isoformat()}..{value.last.isoformat()}"

    @field_validator("study_date")
    @classmethod
    def _ordered(cls, value: DateRange) -> DateRange:
        if value.first > value.last:
            msg = "the first day is after the last"
            raise ValueError(msg)
        return value


class Pool(Frozen):
    """A signed rule that strata too small to be shown good by themselves are judged together."""

    name: Name
    """Name of the group they make."""
    strata: str = Field(min_length=1)
    """Wildcard pattern on `site / role / scanner / version`."""
    reason: str = Field(min_length=10)
    """Why they may be taken for alike."""
    signed_by: str = Field(min_length=2)
    """Who answers for it."""
    signed_on: date
    """Day of the signature."""


class Review(Frozen):
    """How much of the result radiologists read before a release."""

    max_reject_rate: float = Field(default=0.05, gt=0, lt=1)
    """Largest share of bad volumes that a group may have, with 95 % confidence (one-sided)."""
    readers: int = Field(default=1, ge=1, le=5)
    """Readers for each sampled pair."""
    sample: int = Field(default=3, ge=1)
    """Pairs drawn in each stratum at least; more are drawn where the confidence needs more."""
    ratings: bool = False
    """Whether readers also rate sharpness, noise, contrast, artefacts and the whole, 1 to 5."""
    reference_site: Name | None = None
    """Site whose images readers compare the other sites' with, when all pairs are read."""
    least_vigilance: float = Field(default=0.0, ge=0, le=1)
    """Smallest share of the spoilt pairs mixed in that readers must notice; 0 asks nothing."""
    pools: tuple[Pool, ...] = ()
    """Strata judged together; others are judged each by itself."""

    def group_of(self, stratum: str) -> str:
        """Return the name of the first pool whose pattern a stratum meets, or its own name."""
        return next((p.name for p in self.pools if fnmatchcase(stratum, p.strata)), stratum)


class Split(Frozen):
    """Shares of the subjects that train, validate and test, by person."""

    train: float = Field(default=0.7, ge=0, le=1)
    """Share of the subjects to train on."""
    validation: float = Field(default=0.15, ge=0, le=1)
    """Share of the subjects to validate on."""
    test: float = Field(default=0.15, ge=0, le=1)
    """Share of the subjects to test on; not used with `test_sites`."""
    test_sites: tuple[Name, ...] = ()
    """Sites whose subjects are all tested on, and nobody else."""

    @model_validator(mode="after")
    def _whole(self) -> Split:
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            msg = "train, validation and test are not 1 together"
            raise ValueError(msg)
        return self


class Delivery(Frozen):
    """What the release holds and until when."""

    formats: tuple[Literal["dicom", "nifti"], ...] = ("dicom", "nifti")
    """File formats in the release."""
    expires: date
    """Day on which access ends."""
    split: Split | None = None
    """Training, validation and test by person; none makes no split."""


class Schedule(Frozen):
    """When the flow runs."""

    cron: str = Field(pattern=r"^(\S+\s+){4}\S+$")
    """Five-field cron line."""
    timezone: TimeZone = "Europe/Paris"
    """IANA time zone of the cron line."""


class Project(Frozen):
    """One cohort in the making."""

    name: Name
    """Name of the project, in paths and Prefect names."""
    title: str = ""
    """One line for people."""
    sites: tuple[Name, ...] = Field(min_length=1)
    """Sites asked."""
    select: Selection
    """Which studies."""
    list: AskedList | None = None
    """Only what this list names, as far as it is selected; none asks for all that is."""
    policy: str
    """De-identification policy: a shipped name or a YAML file."""
    recipe: str
    """Harmonisation recipe: a shipped name or a YAML file."""
    review: Review = Review()
    """Reading before release."""
    delivery: Delivery
    """What is delivered."""
    schedule: Schedule | None = None
    """When ingestion runs; none runs by command only."""
    batch_size: int = Field(default=10, ge=1, le=50)
    """Studies a Prefect task takes at once."""

    @model_validator(mode="after")
    def _compared_with_one_of_its_own(self) -> Project:
        if self.review.reference_site not in {None, *self.sites}:
            msg = f"review.reference_site: {self.review.reference_site} is none of the sites"
            raise ValueError(msg)
        return self
