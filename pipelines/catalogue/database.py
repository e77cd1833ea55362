"""Open a zone's catalogue: SQLite in WAL mode by default, PostgreSQL by URL; always migrated."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from config.errors import EnvironmentFault, TransientError
from config.settings import Settings
from pipelines.catalogue import people, receiving  # noqa: F401, tables of the two zones

__all__ = ["Catalogue", "open_identified", "open_research"]

Zone = Literal["identified", "research"]

HEADS: dict[Zone, str] = {"identified": "identified_0005", "research": "research_0004"}
"""Newest migration of each zone; a test holds it to the scripts."""

BUSY_TIMEOUT_MS = 30_000
"""How long SQLite waits for another writer before it says that it is locked."""

_WAL_PAUSE_S = 0.02

_MIGRATION_LOCK = 0x0ACC0DA6E
"""Key of PostgreSQL's advisory lock under which one process at a time migrates."""


class Catalogue:
    """One zone's database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a session that commits on success and rolls back on an error.

        Raises
        ------
        EnvironmentFault
            ``CATALOGUE_UNUSABLE`` when the database cannot be reached or written.
        TransientError
            ``CATALOGUE_BUSY`` when another writer held it too long.
        """
        with self._faults(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that only reads, and waits for no writer; raises as `session`."""
        with (
            self._faults(),
            self.engine.connect().execution_options(reading=True) as connection,
            Session(connection) as session,
        ):
            yield session

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Yield a connection in a transaction; raises as `session`, of which it costs a fifth."""
        with self._faults(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            kind = type(error.orig).__name__ if error.orig else type(error).__name__
            if "locked" in str(error.orig):
                raise TransientError("CATALOGUE_BUSY", kind) from None
            raise EnvironmentFault("CATALOGUE_UNUSABLE", kind) from None

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def open_identified(settings: Settings) -> Catalogue:
    """Open the identified zone's catalogue, migrated to the newest version."""
    return _open(settings.identified_url, "identified")


def open_research(settings: Settings) -> Catalogue:
    """Open the research zone's catalogue, migrated to the newest version."""
    return _open(settings.research_url, "research")


def _open(url: str, zone: Zone) -> Catalogue:
    engine: Engine | None = None
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if parsed.get_backend_name() == "postgresql" and "+" not in parsed.drivername:
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _tune_sqlite)
            event.listen(engine, "begin", _begin_immediate)
        _migrate(engine, zone)
    except (SQLAlchemyError, OSError, ImportError) as error:
        if engine is not None:
            engine.dispose()
        # The message of the driver may hold the URL with its password.
        raise EnvironmentFault("CATALOGUE_UNUSABLE", type(error).__name__) from None
    return Catalogue(engine)


def _tune_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by `_begin_immediate`
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _write_ahead(connection)
    connection.execute("PRAGMA foreign_keys=ON")


def _write_ahead(connection: Any) -> None:
    """Turn a database to WAL; two processes at it at once are told BUSY without any waiting."""
    deadline_s = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    done = False
    while not done:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            done = True
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline_s:
                raise
            time.sleep(_WAL_PAUSE_S)


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: one that is asked for after a read may fail without waiting."""
    reads = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(engine: Engine, zone: Zone) -> None:
    table = f"{zone}_version"
    with engine.connect() as connection:
        if inspect(connection).has_table(table):
            found = connection.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608
            if found == HEADS[zone]:
                return
    from alembic import command
    from alembic.config import Config

    folder = Path(__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(folder / "versions" / zone).replace("%", "%%"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":  # SQLite's transactions take the write lock at once
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        config.attributes.update(connection=connection, version_table=table)
        command.upgrade(config, "head")
