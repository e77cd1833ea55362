"""Standardised uptake values: what a PET series says of dose, patient and clock made one factor."""

from __future__ import annotations

from harmonise.suv.facts import Pet
from harmonise.suv.moment import Moment

__all__ = ["Moment", "Pet"]
