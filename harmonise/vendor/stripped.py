"""Private elements that one series of a scanner has and another lost on its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harmonise.series import Passport, Refusal, Stack
from harmonise.vendor.realworld import is_philips_magnitude

__all__ = ["with_stripped"]

Told = dict[tuple[str, str, str], str]
"""Study, maker and field -> where a series of that scanner says it privately."""


def with_stripped(
    stacks: Sequence[Stack], refusals: Sequence[Refusal], makers: Mapping[str, str]
) -> tuple[list[Stack], list[Refusal]]:
    """Name what is missing for having been removed, not for never having been there.

    A b-value: ``MR_PRIVATE_STRIPPED`` in place of ``MR_B_UNKNOWN``. The scale of a Philips image:
    the flag ``MR_SCALE_STRIPPED``, since its values are in another unit than its sibling's.

    Parameters
    ----------
    stacks, refusals
        Of any number of studies.
    makers : mapping
        (0008,0070) by series UID.
    """
    told = _told(stacks, makers)
    if not told:
        return list(stacks), list(refusals)
    return (
        [_flagged(stack, told, makers) for stack in stacks],
        [_renamed(refusal, told, makers) for refusal in refusals],
    )


def _told(stacks: Sequence[Stack], makers: Mapping[str, str]) -> Told:
    found: Told = {}
    for stack in stacks:
        maker = makers.get(stack.series_uid, "").lower()
        for finding in stack.passport.findings if stack.passport else ():
            if '"' in finding.where:  # a private element, named by its creator
                found.setdefault((stack.study_uid, maker, finding.field), finding.where)
    return found


def _renamed(refusal: Refusal, told: Told, makers: Mapping[str, str]) -> Refusal:
    maker = makers.get(refusal.series_uid, "").lower()
    where = told.get((refusal.study_uid, maker, "b_value"))
    if refusal.code != "MR_B_UNKNOWN" or where is None:
        return refusal
    detail = f"{refusal.detail}; another series of the study has it in {where}"
    return replace(refusal, code="MR_PRIVATE_STRIPPED", detail=detail)


def _flagged(stack: Stack, told: Told, makers: Mapping[str, str]) -> Stack:
    maker = makers.get(stack.series_uid, "").lower()
    is_told = (stack.study_uid, maker, "scale_slope") in told
    is_magnitude = is_philips_magnitude(stack, stack.frames[0], "")
    if not is_told or not is_magnitude or _has(stack.passport, "scale_slope"):
        return stack
    return replace(stack, flags=(*stack.flags, "MR_SCALE_STRIPPED"))


def _has(passport: Passport | None, field: str) -> bool:
    return any(finding.field == field for finding in (passport.findings if passport else ()))
