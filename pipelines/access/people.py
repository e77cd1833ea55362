"""Accounts: invited by an officer, opened by a link that ends, closed by an officer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError
from pipelines.access.log import note_act
from pipelines.access.passwords import COST, hash_password
from pipelines.access.secret import digest_of, new_secret
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import Account, ApiToken, Invitation, PortalSession
from pipelines.requests.states import ROLES

__all__ = ["INVITATION_S", "People", "Person"]

INVITATION_S = 3 * 24 * 3600
"""How long a link of invitation works."""

_NAME = re.compile(r"[a-z][a-z0-9.-]{1,31}")
_DISPLAY = re.compile(r"[\w .,'’-]{1,64}")


@dataclass(frozen=True)
class Person:
    """A user as the portal knows them."""

    name: str
    display: str
    roles: tuple[str, ...]
    projects: tuple[str, ...] = ()
    senior: bool = False
    active: bool = True
    proven: bool = False
    """Whether an identity provider proves them; then there is no password, and no link."""

    def has(self, *roles: str) -> bool:
        """Return whether the user has one of the roles."""
        return bool(set(roles) & set(self.roles))

    def reads(self, project: str) -> bool:
        """Return whether the user reads pairs of a project."""
        return self.has("radiologist") and project in self.projects


class People:
    """The accounts of one installation.

    Parameters
    ----------
    catalogue : Catalogue
    now_s : callable, optional
        The clock, in seconds since 1970.
    cost : tuple of int, optional
        What a password's hash costs; see `hash_password`.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        now_s: Callable[[], float] = time.time,
        cost: tuple[int, int, int] = COST,
    ) -> None:
        self._catalogue = catalogue
        self._now_s = now_s
        self._cost = cost

    def first_officer(self, name: str, display: str) -> str:
        """Make the first officer; return the secret of the invitation.

        Raises
        ------
        ConfigurationError
            ``ACCOUNT_OFFICER_EXISTS`` when an officer can sign in already; see `invite`.
        """
        with self._catalogue.session() as session:
            accounts = session.scalars(select(Account)).all()
            if any(a.active and a.password and "officer" in a.roles for a in accounts):
                raise ConfigurationError("ACCOUNT_OFFICER_EXISTS")
            person = Person(name, display, ("officer",))
            return self._open(session, person, by="command line", again=True)

    def invite(self, person: Person, by: str) -> str:
        """Make an account that opens with a link; return the secret of the link.

        Raises
        ------
        ConfigurationError
            ``ACCOUNT_EXISTS``, or ``ACCOUNT_INVALID`` for a name, role or project that cannot be.
        """
        with self._catalogue.session() as session:
            return self._open(session, person, by=by, again=False)

    def accept(self, secret: str, password: str) -> str:
        """Set the password of an invited account; the link works once. Return the account.

        Raises
        ------
        ConfigurationError
            ``INVITATION_OVER``, or ``PASSWORD_UNFIT``.
        """
        kept = hash_password(password, self._cost)
        with self._catalogue.session() as session:
            found = session.get(Invitation, digest_of(secret))
            account = session.get(Account, found.account) if found else None
            if found is None or account is None or found.until_s < self._now_s():
                raise ConfigurationError("INVITATION_OVER")
            account.password, account.active = kept, True
            session.execute(delete(Invitation).where(Invitation.account == account.name))
            session.execute(delete(PortalSession).where(PortalSession.account == account.name))
            note_act(session, account.name, "set password")
            return account.name

    def invite_again(self, name: str, by: str) -> str:
        """Return the secret of a new link for an account whose password was lost.

        Raises
        ------
        ConfigurationError
            ``ACCOUNT_UNKNOWN``, or ``ACCOUNT_PROVEN``: it never gets a password.
        """
        with self._catalogue.session() as session:
            if self._known(session, name).proven_by is not None:
                raise ConfigurationError("ACCOUNT_PROVEN", name)
            note_act(session, by, "invite again", name)
            return self._link(session, name)

    def close(self, name: str, by: str) -> None:
        """Close an account at once, with its sessions, links and tokens.

        Raises
        ------
        ConfigurationError
            ``ACCOUNT_UNKNOWN``, or ``ACCOUNT_OWN``: nobody closes the account they sit in.
        """
        if name == by:
            raise ConfigurationError("ACCOUNT_OWN")
        with self._catalogue.session() as session:
            self._known(session, name).active = False
            for table in (PortalSession, Invitation, ApiToken):
                session.execute(delete(table).where(table.account == name))
            note_act(session, by, "close account", name)

    def open_again(self, name: str, by: str) -> None:
        """Let a closed account that a provider proves sign in again.

        Raises
        ------
        ConfigurationError
            ``ACCOUNT_UNKNOWN``, also for an account with a password: see `invite_again`.
        """
        with self._catalogue.session() as session:
            account = self._known(session, name)
            if account.proven_by is None:
                raise ConfigurationError("ACCOUNT_UNKNOWN", name)
            account.active = True
            note_act(session, by, "open account", name)

    def all(self) -> list[Person]:
        """Return every account by name."""
        with self._catalogue.session() as session:
            return [person_of(a) for a in session.scalars(select(Account).order_by(Account.name))]

    def _open(self, session: Session, person: Person, by: str, *, again: bool) -> str:
        _demand_fit(person)
        account = session.get(Account, person.name)
        if account is not None and (account.proven_by is not None or not again):
            raise ConfigurationError("ACCOUNT_EXISTS", person.name)
        account = account or Account(name=person.name, password=None)
        account.display, account.senior, account.active = person.display, person.senior, True
        account.roles, account.projects = sorted(person.roles), sorted(person.projects)
        session.add(account)
        session.flush()
        roles = "+".join(account.roles) + (" senior" if account.senior else "")
        said = " ".join([person.name, roles, *account.projects])
        note_act(session, by, "invite", said)
        return self._link(session, person.name)

    def _link(self, session: Session, name: str) -> str:
        secret = new_secret()
        session.execute(delete(Invitation).where(Invitation.account == name))
        until_s = self._now_s() + INVITATION_S
        session.add(Invitation(digest=digest_of(secret), account=name, until_s=until_s))
        return secret

    @staticmethod
    def _known(session: Session, name: str) -> Account:
        account = session.get(Account, name)
        if account is None:
            raise ConfigurationError("ACCOUNT_UNKNOWN", name)
        return account


def person_of(account: Account) -> Person:
    """Return an account without its password."""
    return Person(
        account.name,
        account.display,
        tuple(account.roles),
        tuple(account.projects),
        account.senior,
        account.active,
        account.proven_by is not None,
    )


def _demand_fit(person: Person) -> None:
    wrong: Sequence[str] = sorted(set(person.roles) - set(ROLES))
    if not _NAME.fullmatch(person.name):
        raise ConfigurationError("ACCOUNT_INVALID", "name: lower-case letters, digits, . and -")
    if not _DISPLAY.fullmatch(person.display):
        raise ConfigurationError("ACCOUNT_INVALID", "display: 1 to 64 letters and signs of names")
    if wrong or not person.roles:
        raise ConfigurationError("ACCOUNT_INVALID", "roles: " + ", ".join(ROLES))
    if person.senior and "radiologist" not in person.roles:
        raise ConfigurationError("ACCOUNT_INVALID", "senior: for radiologists")
