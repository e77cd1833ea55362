"""Whom the portal believes besides its own passwords: an OpenID Connect provider."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import Url

from config.base import Frozen, Name

__all__ = ["Grant", "Oidc", "is_sealed"]


def is_sealed(url: str) -> bool:
    """Return whether nobody on the way reads what an address gets: TLS, or this machine."""
    try:
        parts = Url(url)
    except ValueError:
        return False
    is_here = parts.scheme == "http" and parts.host in {"127.0.0.1", "localhost"}
    return bool(parts.host) and (parts.scheme == "https" or is_here)


def _sealed(url: str) -> str:
    if not is_sealed(url):
        msg = "an https:// address; http:// for 127.0.0.1 and localhost alone"
        raise ValueError(msg)
    return url


def _site(url: str) -> str:
    parts = Url(url)
    if (parts.path or "").strip("/") or parts.query:
        msg = "scheme, host and port alone"
        raise ValueError(msg)
    return url.rstrip("/")


SealedUrl = Annotated[str, AfterValidator(_sealed)]


class Grant(Frozen):
    """What members of one of the provider's groups may do here."""

    roles: tuple[Literal["engineer", "radiologist", "requester", "officer"], ...] = Field(
        min_length=1
    )
    projects: tuple[Name, ...] = ()
    """Projects a radiologist reads for."""
    senior: bool = False
    """Whether a radiologist settles what others disagree on."""

    @model_validator(mode="after")
    def _seniors_read(self) -> Self:
        if self.senior and "radiologist" not in self.roles:
            msg = "senior: for radiologists"
            raise ValueError(msg)
        return self


class Oidc(Frozen):
    """An OpenID Connect provider, as it knows this portal (OpenID Connect Core 1.0)."""

    issuer: SealedUrl
    """Address of the provider, letter for letter as it names itself."""
    client_id: str = Field(min_length=1)
    client_secret_file: Path | None = None
    """File (mode 0600) with the secret of a confidential client; none for a public one."""
    portal_url: Annotated[SealedUrl, AfterValidator(_site)]
    """How browsers call this portal; `/sign-in/oidc/return` below it is registered there."""
    label: str = Field(default="OpenID Connect", min_length=1, max_length=64)
    """What the button says."""
    scopes: tuple[str, ...] = ("openid", "profile")
    groups_claim: str = "groups"
    """Claim of the ID token that lists the groups."""
    groups: dict[str, Grant] = Field(min_length=1)
    """Group -> what its members may do; who is in none is refused."""
    max_age_s: int | None = Field(default=None, ge=0)
    """Longest time since the password was typed at the provider; 0 asks for it each time."""
    ca: Path | None = None
    """PEM file with the authorities that vouch for the provider; none takes the machine's."""
    timeout_s: float = Field(default=10, gt=0)

    @model_validator(mode="after")
    def _asks_for_openid(self) -> Self:
        if "openid" not in self.scopes:
            msg = "scopes: openid is needed (OpenID Connect Core 3.1.2.1)"
            raise ValueError(msg)
        return self

    @property
    def return_url(self) -> str:
        """Where the provider sends a browser back to."""
        return self.portal_url + "/sign-in/oidc/return"
