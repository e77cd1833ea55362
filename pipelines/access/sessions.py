"""Signing in: sessions that end by themselves, failures that are counted, tokens of programs."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from config.errors import ConfigurationError, RejectedError
from pipelines.access.log import note_act
from pipelines.access.passwords import is_password
from pipelines.access.people import Person, person_of
from pipelines.access.secret import digest_of, new_secret
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.people import Account, ApiToken, PortalSession, SignInFailure

__all__ = ["ABSOLUTE_S", "FAILURES", "IDLE_S", "TOKEN_DAYS", "WINDOW_S", "Sessions"]

IDLE_S = 45 * 60
"""A session that nobody used for so long is over."""

ABSOLUTE_S = 12 * 3600
"""A session is over after so long, used or not."""

WINDOW_S = 15 * 60
FAILURES = {"name": 5, "address": 30}
"""Refused sign-ins within `WINDOW_S` after which a name, or an address, is not listened to."""

TOKEN_DAYS = 90
"""Longest life of a program's token."""

_SEEN_STEP_S = 60
"""A session's last use is written once a minute, not with each frame."""


class Sessions:
    """The signed-in browsers and programs of one installation."""

    def __init__(self, catalogue: Catalogue, now_s: Callable[[], float] = time.time) -> None:
        self._catalogue = catalogue
        self._now_s = now_s

    def sign_in(self, name: str, password: str, address: str) -> str:
        """Return the secret of a new session; whatever a browser brought before is not used.

        Raises
        ------
        RejectedError
            ``SIGN_IN_REFUSED``, the same for a wrong name and a wrong password;
            ``SIGN_IN_TOO_OFTEN`` after `FAILURES`, also for the right password.
        """
        tried = {"name": f"name {name[:64]}", "address": f"address {address}"}
        with self._catalogue.session() as session:
            too_often = any(self._failures(session, tried[k]) >= FAILURES[k] for k in tried)
            account = session.get(Account, name)
            kept = account.password if account is not None and account.active else None
        if too_often:
            raise RejectedError("SIGN_IN_TOO_OFTEN", f"{WINDOW_S // 60} min")
        # Outside the transaction: the hash takes a while on purpose.
        right = is_password(kept, password)
        with self._catalogue.session() as session:
            if right:
                return self._begin(session, name)
            at_s = self._now_s()
            session.execute(delete(SignInFailure).where(SignInFailure.at_s < at_s - WINDOW_S))
            session.add_all([SignInFailure(tried=one, at_s=at_s) for one in tried.values()])
            known = kept is not None
            note_act(session, name if known else "unknown", "sign-in refused")
        raise RejectedError("SIGN_IN_REFUSED")

    def begin(self, name: str) -> str:
        """Return the secret of a new session of an account that was proven otherwise."""
        with self._catalogue.session() as session:
            return self._begin(session, name)

    def person(self, secret: str) -> Person | None:
        """Return whose session it is, None when there is none or it is over; keep its last use."""
        known, is_due = self.look(secret)
        if is_due:
            self.touch(secret, known)
        return known

    def look(self, secret: str) -> tuple[Person | None, bool]:
        """Return whose session it is, and whether `touch` has something to write of it.

        Waits for no writer.
        """
        if not secret:
            return None, False
        now_s = self._now_s()
        with self._catalogue.reading() as session:
            found = session.get(PortalSession, digest_of(secret))
            if found is None:
                return None, False
            account = session.get(Account, found.account)
            over = now_s > min(found.seen_s + IDLE_S, found.started_s + ABSOLUTE_S)
            if over or account is None or not account.active:
                return None, True
            return person_of(account), now_s > found.seen_s + _SEEN_STEP_S

    def touch(self, secret: str, person: Person | None) -> None:
        """Write that a session was used now; of nobody, it ends."""
        with self._catalogue.session() as session:
            found = session.get(PortalSession, digest_of(secret))
            if found is not None and person is not None:
                found.seen_s = self._now_s()
            elif found is not None:
                session.delete(found)

    def end(self, secret: str) -> None:
        """End a session at once."""
        with self._catalogue.session() as session:
            found = session.get(PortalSession, digest_of(secret))
            if found is not None:
                note_act(session, found.account, "sign out")
                session.delete(found)

    def make_token(self, person: Person, label: str, days: int) -> str:
        """Return a new token of a program that acts as the user; it is shown this once.

        Raises
        ------
        ConfigurationError
            ``TOKEN_INVALID``: no label, or longer than `TOKEN_DAYS`.
        """
        if not 1 <= days <= TOKEN_DAYS or not 1 <= len(label) <= 64 or not label.isprintable():
            raise ConfigurationError("TOKEN_INVALID", f"a label, and 1 to {TOKEN_DAYS} days")
        secret = new_secret()
        until_s = self._now_s() + days * 24 * 3600
        with self._catalogue.session() as session:
            session.add(
                ApiToken(
                    digest=digest_of(secret), account=person.name, label=label, until_s=until_s
                )
            )
            note_act(session, person.name, "make token", label)
        return secret

    def tokens(self, name: str) -> list[tuple[str, float]]:
        """Return label and end of a user's tokens."""
        chosen = select(ApiToken).where(ApiToken.account == name).order_by(ApiToken.label)
        with self._catalogue.session() as session:
            return [(token.label, token.until_s) for token in session.scalars(chosen)]

    def end_token(self, name: str, label: str) -> None:
        """End the tokens of that label."""
        mine = (ApiToken.account == name) & (ApiToken.label == label)
        with self._catalogue.session() as session:
            session.execute(delete(ApiToken).where(mine))
            note_act(session, name, "end token", label)

    def program(self, secret: str) -> Person | None:
        """Return for whom a token acts, None when there is none or it is over."""
        with self._catalogue.reading() as session:
            found = session.get(ApiToken, digest_of(secret))
            account = session.get(Account, found.account) if found else None
            if found is None or account is None or not account.active:
                return None
            return person_of(account) if found.until_s > self._now_s() else None

    def _begin(self, session: Session, name: str) -> str:
        secret, now_s = new_secret(), self._now_s()
        over = (PortalSession.seen_s < now_s - IDLE_S) | (
            PortalSession.started_s < now_s - ABSOLUTE_S
        )
        session.execute(delete(PortalSession).where(over))
        session.add(
            PortalSession(digest=digest_of(secret), account=name, started_s=now_s, seen_s=now_s)
        )
        note_act(session, name, "sign in")
        return secret

    def _failures(self, session: Session, tried: str) -> int:
        recent = SignInFailure.at_s > self._now_s() - WINDOW_S
        chosen = select(func.count()).where(SignInFailure.tried == tried, recent)
        return session.scalar(chosen) or 0
