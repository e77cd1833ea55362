"""The tables of the portal's users: staff of the hub and its project teams, never patients.

Moments are seconds since 1970, as the rules over them are differences.
"""

from __future__ import annotations

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.catalogue.research import Base

__all__ = ["Account", "ApiToken", "AuditEntry", "Invitation", "PortalSession", "SignInFailure"]


class Account(Base):
    """One user."""

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(primary_key=True)
    display: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(JSON)
    projects: Mapped[list[str]] = mapped_column(JSON)
    """Projects a radiologist reads for; of other roles it says nothing."""
    senior: Mapped[bool]
    """Whether they settle what other readers disagree on."""
    password: Mapped[str | None]
    active: Mapped[bool]
    proven_by: Mapped[str | None]
    """Issuer and subject at an identity provider, with a space between; none has a password."""


class Invitation(Base):
    """A link by which an account gets its password; only the digest is kept."""

    __tablename__ = "invitation"

    digest: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    until_s: Mapped[float]


class PortalSession(Base):
    """One signed-in browser; only the digest of its identifier is kept."""

    __tablename__ = "portal_session"

    digest: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    started_s: Mapped[float]
    seen_s: Mapped[float]


class ApiToken(Base):
    """A program's key; only its digest is kept."""

    __tablename__ = "api_token"

    digest: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str]
    label: Mapped[str]
    until_s: Mapped[float]


class SignInFailure(Base):
    """One refused sign-in, by what was tried: a name or an address."""

    __tablename__ = "sign_in_failure"

    failure_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tried: Mapped[str] = mapped_column(index=True)
    at_s: Mapped[float]


class AuditEntry(Base):
    """One act of a user; append-only, each entry holds the digest of the one before."""

    __tablename__ = "audit_entry"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str]
    who: Mapped[str]
    action: Mapped[str]
    target: Mapped[str]
    former: Mapped[str]
    digest: Mapped[str]
