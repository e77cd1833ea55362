"""Releases in the portal: whose they are, the archive, closed versions."""

from __future__ import annotations

import io
import tarfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.request import CohortRequest
from config.settings import Settings
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import Release, RequestEntry
from pipelines.cohort.archive import archive_of
from pipelines.cohort.verify import verify
from pipelines.progress import Silent

from .conftest import User
from .test_requests import FORM


def add_release(settings: Settings, catalogue: Catalogue, version: int, *, closed: bool = False):
    folder = settings.research_root / "cohorts" / "prostate" / f"v{version}"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "one.nii.gz").write_bytes(bytes(range(256)) * 3)
    (folder / "report.html").write_text("<title>Report</title>", encoding="utf-8")
    moment = datetime.now(UTC)
    row = Release(
        project="prostate",
        version=version,
        manifest_sha256="0" * 64,
        folder=f"cohorts/prostate/v{version}",
        released_at=moment,
        gate={"groups": [{"group": "g", "volumes": 20, "read": 16, "rejected": 0,
                          "largest_share": 0.05}]},
        simulated=False,
        closed_at=moment if closed else None,
    )  # fmt: skip
    with catalogue.session() as session:
        session.add(row)
    return folder


def ask(catalogue: Catalogue, state: str) -> None:
    content = {k: v for k, v in FORM.items() if k not in {"collection", "roles", "sites"}}
    content |= {"people": [], "criteria": {"collection": "prostate"}}
    plain = CohortRequest.model_validate(content).model_dump(mode="json")
    with catalogue.session() as session:
        session.merge(RequestEntry(name="x", requester="r.team", content=plain, state=state))


def test_a_team_gets_the_releases_of_its_released_requests_and_no_others(
    sign_in, settings: Settings, catalogue: Catalogue
) -> None:
    add_release(settings, catalogue, 1)
    team: User = sign_in("requester")
    for state, status in (("approved", 404), ("released", 200), ("expired", 404)):
        ask(catalogue, state)
        assert team.get("/releases/prostate/1").status_code == status
        assert team.get("/releases/prostate/1/archive").status_code == status
        assert ("/releases/prostate/1" in team.get("/releases").text) == (status == 200)


def test_the_archive_is_what_tar_reads_and_every_download_is_in_the_log(
    sign_in, settings: Settings, catalogue: Catalogue
) -> None:
    folder = add_release(settings, catalogue, 1)
    officer: User = sign_in("officer")
    answer = officer.get("/releases/prostate/1/archive")
    assert answer.headers["content-disposition"] == 'attachment; filename="prostate-v1.tar"'
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert archive.getnames() == ["prostate-v1/data/one.nii.gz", "prostate-v1/report.html"]
        inside = archive.extractfile("prostate-v1/data/one.nii.gz")
        assert inside is not None
        assert inside.read() == (folder / "data" / "one.nii.gz").read_bytes()
    assert "prostate v1" in officer.get("/log").text


def test_a_report_shows_itself_and_may_do_nothing(
    sign_in, settings: Settings, catalogue: Catalogue
) -> None:
    add_release(settings, catalogue, 1)
    answer = sign_in("officer").get("/releases/prostate/1/report")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_closed_version_is_listed_and_gone(
    sign_in, settings: Settings, catalogue: Catalogue
) -> None:
    add_release(settings, catalogue, 1, closed=True)
    officer: User = sign_in("officer")
    assert "closed" in officer.get("/releases").text
    for path in ("archive", "report", "since/1"):
        assert officer.get(f"/releases/prostate/1/{path}").status_code == 410
    assert officer.get("/releases/prostate/2").status_code == 404


def test_a_release_is_refused_while_the_gate_is_red(sign_in) -> None:
    officer: User = sign_in("officer")
    page = officer.get("/projects/prostate").text
    assert "disabled" in page
    assert "GATE_UNREAD: 3 of 3 pairs" in page
    answer = officer.send("/projects/prostate/release", {})
    assert answer.status_code == 409
    assert "gate is red" in answer.text


def test_an_archive_of_ten_thousand_series_is_streamed_in_flat_memory(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number:05d}.dcm").write_bytes(b"x" * 100)
    with (tmp_path / "00000.dcm").open("r+b") as large:
        large.truncate(200 << 20)
    tracemalloc.start()
    size = sum(len(piece) for piece in archive_of(tmp_path, "prostate-v1"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 200 << 20
    # the names of 10,000 files and two pieces of 1 MB; a twentieth of the large file
    assert peak < 12 << 20


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1 << 20, (1 << 20) + 1])
def test_an_unpacked_archive_is_whole(tmp_path: Path, size: int) -> None:
    import hashlib

    source = tmp_path / "release"
    source.mkdir()
    (source / "file").write_bytes(b"y" * size)
    digest = hashlib.sha256(b"y" * size).hexdigest()
    (source / "checksums.sha256").write_text(f"{digest}  file\n", encoding="utf-8")
    packed = tmp_path / "x.tar"
    packed.write_bytes(b"".join(archive_of(source, "r-v1")))
    with tarfile.open(packed) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    assert verify(tmp_path / "out" / "r-v1", Silent()).whole
