"""A file is whole or absent."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.errors import EnvironmentFault
from config.files import (
    disk_faults,
    link_or_copy,
    partial_of,
    sha256_file,
    sweep_partial,
    write_together,
    write_whole,
)


def test_what_is_written_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b.bin", b"12345")
    assert (tmp_path / "a" / "b.bin").read_bytes() == b"12345"
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.bin"]


def test_a_full_disk_keeps_the_old_file_and_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "b.bin", b"old")

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFault, match="DISK_FULL"):
        write_whole(tmp_path / "b.bin", b"new")
    assert (tmp_path / "b.bin").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.bin"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "DISK_FULL"),
        (errno.EDQUOT, "DISK_FULL"),
        (errno.EROFS, "DISK_READ_ONLY"),
        (errno.EACCES, "DISK_READ_ONLY"),
    ],
)
def test_disk_errors_become_codes(number: int, code: str) -> None:
    with pytest.raises(EnvironmentFault, match=code), disk_faults():
        raise OSError(number, "said by the kernel")


def test_other_errors_of_the_system_are_not_renamed() -> None:
    with pytest.raises(FileNotFoundError), disk_faults():
        raise FileNotFoundError(errno.ENOENT, "no such file")


def test_a_second_name_has_the_same_bytes_also_across_file_systems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "s"
    source.write_bytes(b"abc")
    link_or_copy(source, tmp_path / "one" / "t")

    def refuse(*_names: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    link_or_copy(source, tmp_path / "two" / "t")
    assert (tmp_path / "one" / "t").read_bytes() == (tmp_path / "two" / "t").read_bytes() == b"abc"


def test_the_digest_is_sha256_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100_000)
    assert sha256_file(tmp_path / "f") == hashlib.sha256(b"x" * 100_000).hexdigest()


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "keep").write_bytes(b"1")
    gone = subprocess.Popen(["true"])
    gone.wait()
    mine = partial_of(tmp_path / "a").name
    (tmp_path / mine.replace(str(os.getpid()), str(gone.pid))).write_bytes(b"1")
    (tmp_path / "deep" / ".v1.partial" / "data").mkdir(parents=True)
    assert sweep_partial(tmp_path) == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "keep"]


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    mine = partial_of(tmp_path / "a").name
    at_work = tmp_path / mine.replace(str(os.getpid()), str(os.getppid()))
    elsewhere = tmp_path / ".a.00000000-1.partial"
    for path in (at_work, elsewhere):
        path.write_bytes(b"1")
    assert sweep_partial(tmp_path) == 0


def test_files_written_together_are_whole_and_leave_nothing_beside_them(tmp_path: Path) -> None:
    (tmp_path / "1.bin").write_bytes(b"old")

    paths = write_together((tmp_path / f"{n}.bin", bytes([n])) for n in range(3))

    assert [p.read_bytes() for p in paths] == [b"\0", b"\1", b"\2"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_files_written_together_stay_as_they_were_when_one_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "0.bin").write_bytes(b"old")

    def files() -> Iterator[tuple[Path, bytes]]:
        yield tmp_path / "0.bin", b"new"
        raise ValueError("the second cannot be encoded")

    with pytest.raises(ValueError, match="second"):
        write_together(files())

    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("0.bin", b"old")]
