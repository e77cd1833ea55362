"""Accounts of people whom an identity provider proves: made and kept up to date as they enter."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from config.errors import RejectedError
from config.oidc import Oidc
from pipelines.access.log import note_act
from pipelines.access.provider import Proven
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import Account, ApiToken, PortalSession

__all__ = ["admit"]

_LONGEST_STEM = 24
"""Letters of an account's name, which leaves room for what tells two of them apart."""


def _granted(oidc: Oidc, groups: tuple[str, ...]) -> tuple[set[str], set[str], bool]:
    """Return the roles, the projects and the seniority that groups give together."""
    grants = [oidc.groups[group] for group in groups if group in oidc.groups]
    roles: set[str] = {role for grant in grants for role in grant.roles}
    projects = {project for grant in grants for project in grant.projects}
    return roles, projects, any(grant.senior for grant in grants)


def admit(catalogue: Catalogue, oidc: Oidc, proven: Proven) -> str:
    """Return the account of whom the provider proved, with the roles of their groups as of now.

    An account is known by issuer and subject, which a provider never gives twice (OpenID Connect
    Core 5.7), and by nothing else: no account with a password is ever taken over.

    Raises
    ------
    RejectedError
        ``OIDC_NO_ROLE``: in none of the groups, and what the account still had open is ended;
        ``OIDC_CLOSED``: an officer closed the account.
    """
    roles, projects, senior = _granted(oidc, proven.groups)
    key = f"{proven.issuer} {proven.subject}"
    with catalogue.session() as session:
        account = session.scalars(select(Account).where(Account.proven_by == key)).first()
        if account is not None and not account.active:
            raise RejectedError("OIDC_CLOSED")
        if account is None and roles:
            account = _opened(session, proven, key)
        if account is not None:
            _bring_up_to_date(session, account, proven, roles, projects, senior=senior)
            name = account.name
    if not roles:
        raise RejectedError("OIDC_NO_ROLE")
    return name


def _opened(session: Session, proven: Proven, key: str) -> Account:
    name = _free_name(session, proven, key)
    account = Account(name=name, password=None, active=True, proven_by=key)
    account.display, account.roles, account.projects, account.senior = name, [], [], False
    session.add(account)
    note_act(session, "identity provider", "open account", name)
    return account


def _bring_up_to_date(
    session: Session,
    account: Account,
    proven: Proven,
    roles: set[str],
    projects: set[str],
    *,
    senior: bool,
) -> None:
    """Take over what the provider says now; who may do less than before enters anew."""
    before = (set(account.roles), set(account.projects), account.senior)
    account.display = _display(proven.display) or account.name
    account.roles, account.projects, account.senior = sorted(roles), sorted(projects), senior
    session.flush()
    if before == (roles, projects, senior):
        return
    tables = (PortalSession, ApiToken) if not roles else (PortalSession,)
    for table in tables:
        session.execute(delete(table).where(table.account == account.name))
    said = " ".join([account.name, "+".join(account.roles) or "no role", *account.projects])
    note_act(session, "identity provider", "change roles", said + (" senior" if senior else ""))


def _free_name(session: Session, proven: Proven, key: str) -> str:
    """Return a name for an account: what the person is called there, told apart where it is taken.

    ``preferred_username`` is not unique and may change (OpenID Connect Core 5.7), so a name that
    is taken belongs to somebody else.
    """
    stem = _plain(proven.name.partition("@")[0])[:_LONGEST_STEM].rstrip(".-")
    mark = hashlib.sha256(key.encode()).hexdigest()
    if len(stem) > 1 and session.get(Account, stem) is None:
        return stem
    for length in range(6, len(mark)):
        name = f"{stem or 'user'}-{mark[:length]}"
        if session.get(Account, name) is None:
            return name
    raise RejectedError("OIDC_REFUSED", "no free name")


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9.-]+", "-", letters).lstrip("0123456789.-")


def _display(text: str) -> str:
    """Return a name as it may stand on a page: letters and the signs of names."""
    return " ".join(re.sub(r"[^\w .,'’-]", "", text).split())[:64]
