"""The diffusion images of each study read together, before any is written."""

from __future__ import annotations

from config.errors import RejectedError
from harmonise.computed import read_planned
from harmonise.diffusion_checks import Check, check_diffusion, needs_check
from harmonise.planned import StudyPlan
from harmonise.volume import Volume

__all__ = ["looked_at_together"]

MOST_KEPT_BYTES = 64 << 20
"""Native diffusion volumes kept between looking at them and making them; beyond it no more are
looked at, since the images of one scan are small and a cohort's workers share the memory."""


def looked_at_together(plan: StudyPlan) -> tuple[dict[str, Check], dict[str, Volume]]:
    """Return by volume id what the images say of each other, and the volumes that were read.

    What cannot be read is left out here, and refused when its turn comes.
    """
    checks: dict[str, Check] = {}
    loaded: dict[str, Volume] = {}
    for study_uid in sorted({one.stack.study_uid for one in plan.volumes}):
        wanted = needs_check([one for one in plan.volumes if one.stack.study_uid == study_uid])
        pairs, kept_bytes = [], 0
        for planned in wanted:
            try:
                volume = read_planned(planned)
            except RejectedError:
                continue
            kept_bytes += volume.values.nbytes
            if kept_bytes > MOST_KEPT_BYTES:
                break
            pairs.append((planned, volume))
            loaded[planned.volume_id] = volume
        checks |= check_diffusion(pairs)
    return checks, loaded
