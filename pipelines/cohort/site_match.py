"""Site match: which of two images looks more like a third, of another patient at another site.

What harmonising promises is that a site's images look like those of the site all are compared with.
A reader sees the pair's two sides beside a harmonised image of the reference site and says which is
more alike; half of the answers by chance is what no effect looks like. It comes after all pairs are
read, since whoever compares like this may learn what stands where.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.cohort.strata import site_and_role

__all__ = ["MATCHES_EACH", "Match", "matches"]

MATCHES_EACH = 3
"""How many pairs of each site and role are compared."""


@dataclass(frozen=True)
class Match:
    """A pair to compare, and the pair of the reference site whose harmonised side is shown."""

    sha256: str
    reference: str


def matches(pairs: Iterable[tuple[str, str]], reference_site: str, reader: str) -> list[Match]:
    """Return what a reader compares, the same on every call; nothing of the reference site.

    Parameters
    ----------
    pairs : iterable of (digest, stratum)
        The project's pairs.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for digest, stratum in pairs:
        groups[site_and_role(stratum)].append(digest)
    made = []
    for (site, role), digests in sorted(groups.items()):
        references = groups.get((reference_site, role), [])
        if site == reference_site or not references:
            continue
        for digest in sorted(digests, key=lambda d: _order("match", d))[:MATCHES_EACH]:
            nearest = min(references, key=lambda r: _order(reader, digest, r))
            made.append(Match(digest, nearest))
    return made


def _order(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()
