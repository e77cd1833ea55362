"""Linkage: one token for one person at every site that shares the linkage secret.

The secret is the sites' and the trusted third party's; the hub never has it. Without a whole set
of traits there is no token: the site's own is taken, and the person stays two subjects.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import fields

from deid.traits import Traits

__all__ = ["agreed", "basis_of", "linkage_token"]


def agreed(found: Iterable[Traits]) -> Traits:
    """Return what all objects of one patient say together; a trait they dispute is empty.

    Objects that say nothing of a trait do not dispute it. Whoever bears two INS numbers, names,
    birth dates or sexes under one Patient ID is nobody that can be linked.
    """
    objects = list(found)
    said = {f.name: {getattr(t, f.name) for t in objects} - {""} for f in fields(Traits)}
    if any(len(values) > 1 for values in said.values()):
        return Traits()
    return Traits(**{name: next(iter(values), "") for name, values in said.items()})


def basis_of(traits: Traits, mode: str) -> str:
    """Return on what a token may rest: ``ins``, ``strict``, or ``none``.

    Parameters
    ----------
    mode : str
        What the site declares: ``ins`` (else strict), ``strict`` or ``none``.
    """
    if mode == "ins" and traits.ins:
        return "ins"
    strict = traits.names and traits.birth_date and traits.sex
    return "strict" if mode in {"ins", "strict"} and strict else "none"


def linkage_token(linkage_secret: bytes, traits: Traits, mode: str) -> bytes | None:
    """Return the 32-byte token of a person, the same at every site; None without a trait set."""
    basis = basis_of(traits, mode)
    if basis == "none":
        return None
    strict = (traits.names, traits.birth_date, traits.sex)
    parts = ("linkage/1", basis, *((traits.ins,) if basis == "ins" else strict))
    message = "".join(f"{len(part)}:{part}" for part in parts).encode()
    return hmac.digest(linkage_secret, message, "sha256")
