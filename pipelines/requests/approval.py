"""How many officers approve a request: two from a size on that the installation sets."""

from __future__ import annotations

from datetime import date

from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.requests.book import show_request
from pipelines.requests.feasibility import counted

__all__ = ["approvals_needed"]


def approvals_needed(settings: Settings, catalogue: Catalogue, name: str, today: date) -> int:
    """Return how many officers must approve a request.

    What is compared with ``two_officers_from`` is the count that everybody is told, so that it
    tells nobody more; it is a lower bound.

    Raises
    ------
    ConfigurationError
        ``REQUEST_UNKNOWN``.
    """
    if settings.two_officers_from is None:
        return 1
    criteria = show_request(catalogue, name)[0].criteria
    at_least = counted(settings, catalogue, criteria, today)["at_least"]
    return 2 if at_least >= settings.two_officers_from else 1
