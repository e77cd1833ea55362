"""A sealed release opens with Debian's `age`, and with nothing else."""

from __future__ import annotations

import subprocess
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from pipelines.cohort.sealed import seal_release
from tests.support import needs


def new_key(folder: Path) -> tuple[Path, str]:
    """Return the private key's file and the public key, as `age-keygen` makes them."""
    keygen, path = needs.program("age-keygen", "age"), folder / "key.txt"
    made = subprocess.run([keygen, "-o", path], check=True, capture_output=True, text=True)
    return path, made.stderr.split()[-1]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "project" / "v1"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "x.nii.gz").write_bytes(bytes(range(256)) * 1000)
    (folder / "README.md").write_text("what it is", encoding="utf-8")
    return folder


def test_age_opens_what_was_sealed_for_its_key_and_for_no_other(
    release: Path, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    private, public = new_key(tmp_path / "a")
    other, _ = new_key(tmp_path / "b")
    sealed = tmp_path / "x.tar.age"
    seal_release(release, "project-v1", [public], sealed)
    assert b"what it is" not in sealed.read_bytes()
    age = needs.program("age", "age")
    opened = tmp_path / "x.tar"
    subprocess.run([age, "-d", "-i", private, "-o", opened, sealed], check=True)
    with tarfile.open(opened) as archive:
        archive.extractall(tmp_path / "out", filter="data")
    inside = tmp_path / "out" / "project-v1"
    assert (inside / "README.md").read_text(encoding="utf-8") == "what it is"
    found = (inside / "data" / "x.nii.gz").read_bytes()
    assert found == (release / "data" / "x.nii.gz").read_bytes()
    refused = subprocess.run([age, "-d", "-i", other, sealed], check=False, capture_output=True)
    assert refused.returncode != 0


def test_a_large_release_is_sealed_in_flat_memory(release: Path, tmp_path: Path) -> None:
    with (release / "large.dcm").open("wb") as stream:
        stream.truncate(100 << 20)
    _, public = new_key(tmp_path)
    tracemalloc.start()
    seal_release(release, "r", [public], tmp_path / "x.age")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "x.age").stat().st_size > 100 << 20
    assert peak < 10 << 20


@pytest.mark.parametrize("keys", [[], ["age1wrong"], ["AGE-SECRET-KEY-1XXX"], ["ssh-ed25519 AAAA"]])
def test_what_is_no_public_key_is_refused_and_nothing_is_written(
    release: Path, tmp_path: Path, keys: list[str]
) -> None:
    with pytest.raises(ConfigurationError, match="RECIPIENT_WRONG"):
        seal_release(release, "r", keys, tmp_path / "x.age")
    assert not [*tmp_path.glob("x.age*")]
