"""A folder released: the same bytes in any order and by any number of processes, pixels unread."""

from __future__ import annotations

import os
import shutil
import sys
import tracemalloc
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from config.library import find_policy
from config.policy import ClearedPixels, Policy
from config.settings import load_settings
from harmonise.vendor.harvest import Harvested, harvest_instance
from pipelines.engine import Engine
from pipelines.prepare import peek
from pipelines.prepare.clean_pixels import PixelPlace
from pipelines.prepare.deid_folder import FolderReport, deidentify_folder
from pipelines.prepare.peek import Peeker
from pipelines.progress import Silent

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from deid_files import make_ct, make_mg

BASE = "CT/dcm_qa_ct-philips-tilt-phantom/I260"
HALF_GIGABYTE = 1 << 29


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    home = tmp_path_factory.mktemp("home")
    found = find_policy("research-longitudinal", load_settings(home, {}).config_root)
    rule = ClearedPixels(even_if_marked=True, reason="pictures made for a test")
    return found.model_copy(update={"cleared_pixels": (rule,)})


def run(source: Path, target: Path, policy: Policy, jobs: int = 1) -> FolderReport:
    settings = load_settings(target.parent, {}).model_copy(update={"jobs": jobs})
    scratch = PixelPlace(str(target.parent / "scratch"), str(target.parent / "faces"))
    return deidentify_folder(source, target, policy, b"s" * 32, Engine(settings), Silent(), scratch)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
def test_order_of_files_and_number_of_processes_change_no_byte(
    realdata: Path, tmp_path: Path, policy: Policy
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    make_ct(first, 40, realdata / BASE)
    for number, path in enumerate(sorted(first.iterdir())):
        shutil.copy(path, second / f"{(number * 17) % 40:03d}.dcm")
    one = run(first, tmp_path / "one", policy)
    two = run(second, tmp_path / "two", policy, jobs=2)
    assert one.released == two.released == 40
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.realdata
def test_slices_that_differ_in_what_no_vendor_field_needs_are_harvested_once(
    realdata: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Place, time, tube current and exposure are other in each slice, and in no passport."""
    make_ct(tmp_path, 12, realdata / BASE)
    harvested: list[Harvested] = []

    def counted(ds: Dataset) -> Harvested:
        harvested.append(harvest_instance(ds))
        return harvested[-1]

    monkeypatch.setattr(peek, "harvest_instance", counted)
    peeker = Peeker()
    assert all(peeker.look(path) for path in sorted(tmp_path.iterdir()))
    assert len(harvested) == 1


@pytest.mark.realdata
def test_two_files_that_claim_to_be_one_object_are_both_released_and_flagged(
    realdata: Path, tmp_path: Path, policy: Policy
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    make_ct(source, 2, realdata / BASE)
    data = (source / "0000.dcm").read_bytes()
    (source / "copy.dcm").write_bytes(data)
    assert run(source, tmp_path / "twice", policy).released == 3
    (source / "copy.dcm").write_bytes(data[:-2] + b"zz")
    made = run(source, tmp_path / "out", policy)
    assert (made.released, made.quarantined, made.conflicts) == (3, {}, 2)
    flagged = [row["path"] for row in made.files if row.get("flag") == "SOP_UID_CONFLICT"]
    first, second = ((tmp_path / "out" / path).read_bytes() for path in flagged)
    assert len({path.split(".dcm")[0][:-13] for path in flagged}) == 1
    assert first != second
    assert {first[-2:], second[-2:]} == {data[-2:], b"zz"}


@pytest.mark.filterwarnings("ignore")
def test_a_file_of_half_a_gigabyte_is_released_without_being_read(
    tmp_path: Path, policy: Policy
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    make_mg(source, 1)
    path = source / "0000.dcm"
    data = path.read_bytes()
    frames = 32  # of 17 MB
    pixels = 3328 * 2560 * 2
    at = data.index(b"\xe0\x7f\x10\x00OW")
    number = b"\x28\x00\x08\x00IS\x02\x0032"
    before = data[:at].replace(b"\x28\x00\x10\x00US", number + b"\x28\x00\x10\x00US", 1)
    head = before + data[at : at + 8] + (pixels * frames).to_bytes(4, "little")
    path.write_bytes(head)
    os.truncate(path, len(head) + pixels * frames)
    if path.stat().st_blocks * 512 > HALF_GIGABYTE:
        pytest.skip("this file system keeps no holes")
    tracemalloc.start()
    try:
        made = run(source, tmp_path / "out", policy)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert made.quarantined == {}
    assert peak < 100 << 20
    released = next((tmp_path / "out").rglob("*.dcm"))
    assert released.stat().st_size > HALF_GIGABYTE
    released.unlink()


@pytest.mark.realdata
@pytest.mark.parametrize(("vr", "code"), [(b"ZZ", "DEID_BAD_VR"), (b"FD", "DEID_FAILED")])
def test_a_value_that_cannot_be_read_costs_one_file_and_not_the_run(
    realdata: Path, tmp_path: Path, policy: Policy, vr: bytes, code: str
) -> None:
    """Image Type, which the gate asks for, as no VR of PS3.5 6.2 or as numbers of 8 bytes."""
    source = tmp_path / "in"
    source.mkdir()
    make_ct(source, 2, realdata / BASE)
    data = (source / "0001.dcm").read_bytes()
    head = b"\x08\x00\x08\x00"
    assert data.count(head + b"CS") == 1
    (source / "0001.dcm").write_bytes(data.replace(head + b"CS", head + vr))
    made = run(source, tmp_path / "out", policy)
    assert (made.released, made.quarantined) == (1, {code: 1})
