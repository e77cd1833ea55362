"""The catalogues: migrations equal the models, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text

from config.errors import EnvironmentFault
from config.settings import Settings, load_settings
from pipelines.access.log import note_act, verify_acts
from pipelines.acquire.gentle.leases import take_lease
from pipelines.catalogue import identified, research
from pipelines.catalogue.database import (
    HEADS,
    Catalogue,
    _tune_sqlite,
    open_identified,
    open_research,
)
from tests.support import needs

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


@pytest.fixture(scope="module")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own on loopback."""
    if POSTGRES is None or os.geteuid() != 0:
        needs.absent("PostgreSQL, or the right to start it", "apt-get install postgresql, as root")
    folder = tmp_path_factory.mktemp("postgres")
    shutil.chown(folder, "postgres", "postgres")
    for parent in folder.parents[:3]:  # pytest keeps them to itself
        parent.chmod(parent.stat().st_mode | 0o011)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    initdb = [POSTGRES / "initdb", "-D", data, "-A", "trust", "-U", "hub", "--no-sync"]
    subprocess.run([*as_postgres, *initdb], check=True, capture_output=True, cwd=folder)
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control = [*as_postgres, POSTGRES / "pg_ctl", "-D", data, "-w"]
    subprocess.run(
        [*control, "-l", folder / "log", "-o", options, "start"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    server = f"postgresql://hub@127.0.0.1:{port}"
    create = [POSTGRES / "psql", "-q", f"{server}/postgres", "-c"]
    for zone in (*HEADS, "at_once"):
        subprocess.run([*create, f"CREATE DATABASE {zone}"], check=True)
    yield server
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True)


def differences(catalogue: Catalogue, metadata: object, table: str) -> list[object]:
    with catalogue.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": table})
        found = compare_metadata(context, metadata)
    return [d for d in found if not (d[0] == "remove_table" and d[1].name.endswith("_version"))]


def test_the_migrations_make_exactly_what_the_models_say(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    here, there = open_identified(settings), open_research(settings)
    assert differences(here, identified.Base.metadata, "identified_version") == []
    assert differences(there, research.Base.metadata, "research_version") == []
    here.close()
    there.close()


def test_the_newest_migration_of_each_zone_is_the_one_named() -> None:
    folder = ROOT / "pipelines" / "catalogue" / "migrations" / "versions"
    for zone, head in HEADS.items():
        text_of = "\n".join(p.read_text() for p in sorted((folder / zone).glob("*.py")))
        revisions = set(re.findall(r"^revision.*= ['\"](\w+)", text_of, re.MULTILINE))
        older = set(re.findall(r"^down_revision.*= ['\"](\w+)", text_of, re.MULTILINE))
        assert revisions - older == {head}


@pytest.mark.postgres
def test_postgresql_holds_both_catalogues_by_url(postgres_url: str, tmp_path: Path) -> None:
    env = {f"ACCORDAGE_{zone.upper()}_URL": f"{postgres_url}/{zone}" for zone in HEADS}
    settings = load_settings(tmp_path, env)
    for opener, table in (
        (open_identified, "identified_version"),
        (open_research, "research_version"),
    ):
        catalogue = opener(settings)
        with catalogue.session() as session:
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 1
        catalogue.close()
    catalogue = open_research(settings)
    with catalogue.session() as session:
        session.add(study("R-1"))
    with catalogue.session() as session:
        assert session.scalars(select(research.StudyRow.quarantined)).one() == {"X": 2}
    catalogue.close()


def study(row_id: str) -> research.StudyRow:
    return research.StudyRow(
        row_id=row_id,
        project="p",
        site="s",
        outcome="deidentified",
        acquired_as="complete",
        quarantined={"X": 2},
    )


def test_sqlite_is_in_wal_mode(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, {})
    open_research(settings).close()
    with sqlite3.connect(settings.research_root / "catalogue.sqlite") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_file_that_two_processes_turn_to_wal_at_once_is_waited_for(tmp_path: Path) -> None:
    class Contended(sqlite3.Connection):
        refusals = 2

        def execute(self, sql: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
            if "journal_mode" in sql and self.refusals:
                self.refusals -= 1
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error
            return super().execute(sql, *values)

    connection = sqlite3.connect(tmp_path / "new.sqlite", factory=Contended)
    _tune_sqlite(connection, None)
    assert connection.refusals == 0
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_processes_that_open_a_new_catalogue_at_once_migrate_it_once(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/new.sqlite"
    if where == "postgresql":
        url = request.getfixturevalue("postgres_url") + "/at_once"
    script = "from config.settings import load_settings; from pathlib import Path; "
    script += "from pipelines.catalogue.database import open_identified; import os, sys; "
    script += "settings = load_settings(Path(sys.argv[1]), os.environ); sys.stdin.readline(); "
    script += "open_identified(settings).close()"
    env = os.environ | {"ACCORDAGE_IDENTIFIED_URL": url}
    command = [sys.executable, "-c", script, str(tmp_path)]
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT, env=env) for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    for process in started:
        process.communicate()


def test_a_database_that_cannot_be_reached_says_so_without_its_password(tmp_path: Path) -> None:
    env = {"ACCORDAGE_RESEARCH_URL": "postgresql://hub:s3cret@127.0.0.1:1/none"}
    settings: Settings = load_settings(tmp_path, env)
    with pytest.raises(EnvironmentFault, match="CATALOGUE_UNUSABLE") as caught:
        open_research(settings)
    assert "s3cret" not in str(caught.value)


def test_writers_that_read_first_wait_for_each_other(tmp_path: Path) -> None:
    """A deferred transaction that turns into a writer fails at once instead of waiting."""
    settings = load_settings(tmp_path, {})
    open_research(settings).close()
    start = threading.Barrier(4)

    def write(number: int) -> None:
        catalogue = open_research(settings)
        start.wait()
        for turn in range(20):
            with catalogue.session() as session:
                session.scalars(select(research.StudyRow)).all()
                session.add(study(f"R-{number}-{turn}"))
        catalogue.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    catalogue = open_research(settings)
    with catalogue.session() as session:
        assert len(session.scalars(select(research.StudyRow)).all()) == 80
    catalogue.close()


def test_an_error_rolls_back_what_was_begun(tmp_path: Path) -> None:
    catalogue = open_research(load_settings(tmp_path, {}))

    def begin_and_fail() -> None:
        with catalogue.session() as session:
            session.add(study("R-1"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begin_and_fail()
    with catalogue.session() as session:
        assert session.scalars(select(research.StudyRow)).all() == []
    catalogue.close()


@pytest.mark.postgres
def test_hosts_that_share_a_postgresql_never_hold_more_places_than_a_pacs_has(
    postgres_url: str, tmp_path: Path
) -> None:
    """Eight takers at once, each with connections of its own, three places."""
    env = {"ACCORDAGE_IDENTIFIED_URL": f"{postgres_url}/identified"}
    catalogues = [open_identified(load_settings(tmp_path, env)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        held = list(pool.map(lambda one: take_lease(one, "site", 3, 1000.0, 60.0), catalogues))
    assert sum(lease is not None for lease in held) <= 3
    assert take_lease(catalogues[0], "other", 1, 1000.0, 60.0) is not None
    with catalogues[0].session() as session:
        assert session.scalar(text("SELECT count(*) FROM pacs_lease WHERE site = 'site'")) <= 3
    for catalogue in catalogues:
        catalogue.close()


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_acts_of_many_at_once_are_one_chain(
    where: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    env = {}
    if where == "postgresql":
        env["ACCORDAGE_RESEARCH_URL"] = request.getfixturevalue("postgres_url") + "/research"
    catalogues = [open_research(load_settings(tmp_path, env)) for _ in range(6)]

    def note(catalogue: Catalogue) -> None:
        for number in range(8):
            with catalogue.session() as session:
                note_act(session, "e.martin", "read", f"pair {number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(note, catalogues))
    assert verify_acts(catalogues[0])[0] == 48
    for catalogue in catalogues:
        catalogue.close()
