"""The probe's look at a DICOMweb service: one study by WADO-RS (PS3.18 section 10.4)."""

from __future__ import annotations

from dicomweb_client.api import DICOMwebClient
from requests.exceptions import RequestException

from pipelines.acquire.clock import Clock
from pipelines.acquire.planning.speed import Speed

__all__ = ["probe_web"]


def probe_web(url: str, study_uid: str, clock: Clock) -> Speed:
    """Fetch a study by WADO-RS, throw it away, and return how fast it came."""
    start = clock.now()
    try:
        client = DICOMwebClient(url)
        pixels = [
            sum(len(value) for name in ("PixelData",) if (value := one.get(name)))
            for one in client.iter_study(study_uid)
        ]
    except (RequestException, OSError, ValueError):
        return Speed("dicomweb", 0, 0, clock.now() - start, "PACS_UNREACHABLE")
    return Speed("dicomweb", len(pixels), sum(pixels), clock.now() - start, None)
