"""Whether real values can be known from the headers alone, before any pixel is read."""

from __future__ import annotations

from dataclasses import replace

from harmonise.series import Stack
from harmonise.vendor.suv import suv_of_role

__all__ = ["measurable"]


def measurable(stack: Stack, role: str) -> Stack:
    """Return the stack with the flags that its real values will carry.

    Raises
    ------
    RejectedError
        The refusal that reading its values would end in, so that a dry run tells it.
    """
    suv = suv_of_role(stack, role)
    flags = suv.flags if suv else ()
    if role == "pt_nac":
        flags = ("PT_NOT_ATTENUATION_CORRECTED",)
    return replace(stack, flags=tuple(dict.fromkeys((*stack.flags, *flags)))) if flags else stack
