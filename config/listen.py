"""What a site sends us by itself: who may, to which project, and when a study counts as whole."""

from __future__ import annotations

import os
from ipaddress import ip_network
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from config.base import Frozen, Name
from config.tls import Tls

__all__ = ["AeTitle", "Listen", "PushRule"]

AeTitle = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[^\\\s][^\\]*$")]


class PushRule(Frozen):
    """Studies that come from one AE title, to one AE title, belong to a project."""

    calling_ae_title: AeTitle
    """AE title the scanner or router calls itself."""
    called_ae_title: AeTitle
    """AE title by which it calls us."""
    project: Name
    """Project its studies belong to."""
    quiet_s: float = Field(default=60, gt=0)
    """A study counts as whole when nothing of it has come for so long."""


class Listen(Frozen):
    """Our C-STORE receiver for what a site pushes."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=11112, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one (tests only)."""
    rules: tuple[PushRule, ...] = Field(min_length=1)
    """Who may send what."""
    hosts: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that may connect, as address or address/length; others are closed at once."""
    tls: Tls | None = None
    """TLS with client certificates; none listens in plain text."""
    processes: int = Field(default_factory=lambda: min(4, os.cpu_count() or 1), ge=1, le=64)
    """Receiver processes; none sets one a core, four at most."""
    max_associations: int = Field(default=8, ge=1, le=64)
    """Associations at once in each process; more are told to try again later."""
    recycle_after: int = Field(default=1000, ge=1)
    """Associations after which a process is replaced by a fresh one."""
    silence_s: float = Field(default=60, gt=0)
    """Longest silence of a sender inside an association."""

    @field_validator("hosts")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ip_network(network)
        return value

    @model_validator(mode="after")
    def _one_rule_a_pair(self) -> Listen:
        pairs = [(rule.calling_ae_title, rule.called_ae_title) for rule in self.rules]
        if len(set(pairs)) < len(pairs):
            msg = "two rules have the same calling and called AE titles"
            raise ValueError(msg)
        return self

    def rule_of(self, calling_ae_title: str, called_ae_title: str) -> PushRule | None:
        """Return the rule for what comes from one AE title to another."""
        pair = (calling_ae_title.strip(), called_ae_title.strip())
        found = (r for r in self.rules if (r.calling_ae_title, r.called_ae_title) == pair)
        return next(found, None)
