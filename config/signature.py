"""A device signature: where one kind of device writes text into images of one kind and size."""

from __future__ import annotations

from datetime import date

from pydantic import Field, model_validator

from config.base import Frozen, Name

__all__ = ["Box", "DevicePlaces", "Proposal", "Signature"]


class Box(Frozen):
    """A place in the image, half-open: the row after the last, the column after the last."""

    rows: tuple[int, int]
    """First row and the row after the last; row 0 is at the top."""
    columns: tuple[int, int]
    """First column and the column after the last; column 0 is at the left."""
    note: str = ""
    """What stands there, in general words; never what was read."""

    @model_validator(mode="after")
    def _in_order(self) -> Box:
        if not (0 <= self.rows[0] < self.rows[1] and 0 <= self.columns[0] < self.columns[1]):
            raise ValueError("rows and columns are [first, after the last], from 0")
        return self


class DevicePlaces(Frozen):
    """A device, the images it is about, and the places in them."""

    name: Name
    """Name of the signature; its file is called like it."""
    manufacturer: str
    """Wildcard pattern on Manufacturer; case, accents and runs of blanks do not count."""
    model: str = "*"
    """Wildcard pattern on ManufacturerModelName."""
    software: str = "*"
    """Wildcard pattern on SoftwareVersions, several values joined by a backslash."""
    rows: int = Field(ge=1)
    """Rows of the image; places of another size would lie elsewhere."""
    columns: int = Field(ge=1)
    """Columns of the image."""
    image_type: tuple[str, ...] = ()
    """Values that ImageType must all hold; none matches any image."""
    blank: tuple[Box, ...] = ()
    """Places that are blanked before anything is read."""
    keep: tuple[Box, ...] = ()
    """Places of the image proper, where the device says so nowhere: all outside is blanked too;
    none means that nothing outside ``blank`` is."""
    safe: tuple[Box, ...] = ()
    """Places where the device writes what tells nobody (depth, scale): text there is no alarm."""

    @model_validator(mode="after")
    def _inside(self) -> DevicePlaces:
        for box in (*self.blank, *self.keep, *self.safe):
            if box.rows[1] > self.rows or box.columns[1] > self.columns:
                raise ValueError(f"rows {box.rows}, columns {box.columns} leave the image")
        return self


class Proposal(DevicePlaces):
    """Places found in a site's own images, for a person to judge; it does nothing yet."""

    exams: int = Field(ge=1)
    """Patients whose images were compared."""


class Signature(DevicePlaces):
    """Places that somebody has accepted."""

    reason: str = Field(min_length=10)
    """On what ground: how many exams were looked at, or the document that says so."""
    accepted_by: str = Field(min_length=2)
    """Who accepted it."""
    accepted_on: date
    """When."""
