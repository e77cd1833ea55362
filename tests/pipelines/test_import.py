"""Files come in by the same door as the network's: equal values, equal rows, nothing hostile."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.fileset import FileSet
from sqlalchemy import select

from config.errors import ConfigurationError
from config.settings import load_settings
from config.site import Site
from pipelines.acquire.bring import Imported, bring
from pipelines.catalogue import identified as table
from pipelines.store import dataset_digest
from pipelines.workspace import Workspace, open_workspace
from tests.support.files import dataset_bytes, write_instance
from tests.support.installation import write_installation

EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    settings = load_settings(tmp_path / "home", {})
    write_installation(settings, 104)
    with open_workspace(settings) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Study 1 with three images, study 2 with one."""
    made = tmp_path / "given"
    for number in (1, 2, 3):
        write_instance(made, 1, 1, number, StudyID="1")
    write_instance(made, 2, 1, 1, StudyID="2")
    return made


def run(ws: Workspace, *paths: Path) -> Imported:
    return bring(ws, ws.project("tiny"), ws.site("chu-atlas"), paths)


def rows(ws: Workspace) -> dict[str, tuple[str, int, int]]:
    with ws.ledger.session() as session:
        found = session.scalars(select(table.RequestRow)).all()
        return {r.study_uid: (r.outcome, r.expected, r.received) for r in found}


def digests(ws: Workspace) -> dict[str, str]:
    with ws.ledger.session() as session:
        return {r.sop_uid: r.sha256 for r in session.scalars(select(table.ReceivedObject))}


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
        for path in sorted(folder.rglob("*")):
            package.write(path, path.relative_to(folder))
        package.writestr("readme.txt", "no image")
    return target


def with_directory(folder: Path, target: Path) -> Path:
    """Write a DICOMDIR with pydicom, an independent writer."""
    made = FileSet()
    for path in sorted(folder.glob("*.dcm")):
        made.add(path)
    made.write(target)
    made._stage["t"].cleanup()
    return target / "DICOMDIR"


WHOLE = {"2.25.4242.1": ("complete", 3, 3), "2.25.4242.2": ("complete", 1, 1)}


def test_a_folder_a_zip_and_a_dicomdir_give_the_same_bytes_and_rows(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    truth = {
        str(dcmread(path).SOPInstanceUID): dataset_digest(EXPLICIT, dataset_bytes(path))
        for path in folder.glob("*.dcm")
    }
    listed = with_directory(folder, tmp_path / "medium")
    for source in (folder, zipped(folder, tmp_path / "given.zip"), listed):
        done = run(ws, source)
        assert (done.studies, done.instances, done.refused) == (2, 4, {})
        assert digests(ws) == truth  # the second and third find all of it there
        assert rows(ws) == WHOLE
    assert sorted(ws.identified.incoming.iterdir()) == [ws.identified.incoming / "turn.lock"]


def test_a_file_without_its_meta_group_is_what_its_bytes_say(ws: Workspace, folder: Path) -> None:
    path = next(folder.glob("2-*"))
    data = dataset_bytes(path)
    bare = folder.parent / "bare.dcm"
    bare.write_bytes(data)
    run(ws, bare)
    assert digests(ws) == {"2.25.4242.2.1.1": dataset_digest(EXPLICIT, data)}


def test_what_a_dicomdir_lists_and_does_not_hold_leaves_its_study_partial(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    listed = with_directory(folder, tmp_path / "medium")
    lost = next(
        path
        for path in listed.parent.rglob("*")
        if path.is_file() and path != listed and dcmread(path).StudyInstanceUID == "2.25.4242.1"
    )
    lost.unlink()
    assert run(ws, listed).refused == {"IMPORT_FILE_MISSING": 1}
    assert rows(ws) == WHOLE | {"2.25.4242.1": ("partial", 3, 2)}


@pytest.mark.parametrize("name", ["../up.dcm", "/etc/up.dcm", "a/../../up.dcm", "C:\\up.dcm"])
def test_a_member_that_would_leave_its_folder_refuses_the_archive(
    ws: Workspace, folder: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "unsafe.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(name, next(folder.glob("*.dcm")).read_bytes())
    done = run(ws, path)
    assert (done.instances, done.refused) == (0, {"IMPORT_UNSAFE_NAME": 1})


def test_a_link_out_of_the_folder_is_not_followed(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    secret = write_instance(tmp_path / "elsewhere", 9, 1, 1)
    (folder / "link.dcm").symlink_to(secret)
    done = run(ws, folder)
    assert (done.instances, done.refused) == (4, {"IMPORT_UNSAFE_NAME": 1})


def test_a_dicomdir_that_points_out_of_its_folder_is_not_followed(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    listed = with_directory(folder, tmp_path / "medium" / "below")
    write_instance(tmp_path / "medium", 9, 1, 1)
    ds = dcmread(listed)
    record = next(r for r in ds.DirectoryRecordSequence if r.DirectoryRecordType == "IMAGE")
    outside = DataElement(0x00041500, "CS", ["..", "9-1-1.dcm"], validation_mode=config.IGNORE)
    record.add(outside)
    ds.save_as(listed)
    done = run(ws, listed)
    assert (done.instances, done.refused) == (3, {"IMPORT_UNSAFE_NAME": 1})


def test_a_locked_zip_is_refused(ws: Workspace, folder: Path, tmp_path: Path) -> None:
    """Bit 0 of the general purpose flags (APPNOTE 4.4.4), in both headers of the member."""
    path = zipped(folder, tmp_path / "locked.zip")
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(data)
    assert run(ws, path).refused == {"IMPORT_ENCRYPTED": 1}


def test_a_zip_that_unpacks_without_end_is_refused_before_it_does(
    ws: Workspace, tmp_path: Path
) -> None:
    """Its directory says two gigabytes out of a kilobyte (APPNOTE 4.3.12); nothing is unpacked."""
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("bomb.dcm", bytes(1 << 20))
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 2 << 30)
    path.write_bytes(data)
    assert run(ws, path).refused == {"IMPORT_ZIP_BOMB": 1}


def test_members_that_share_their_bytes_are_refused(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    """Forty entries of the directory that all point to one member (Fifield, WOOT 2019)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("a.dcm", next(folder.glob("*.dcm")).read_bytes())
    data = buffer.getvalue()
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry, tail = data[start:end], bytearray(data[end:])
    struct.pack_into("<HHL", tail, 8, 40, 40, 40 * len(entry))
    path = tmp_path / "overlap.zip"
    path.write_bytes(data[:start] + 40 * entry + tail)
    assert run(ws, path).refused == {"IMPORT_ZIP_BOMB": 1}


def test_a_damaged_zip_leaves_its_studies_partial_until_it_comes_whole(
    ws: Workspace, folder: Path, tmp_path: Path
) -> None:
    path = zipped(folder, tmp_path / "given.zip")
    whole = path.read_bytes()
    with zipfile.ZipFile(path) as package:
        at = package.getinfo("1-1-3.dcm").header_offset + 60
    path.write_bytes(whole[:at] + bytes(8) + whole[at + 8 :])
    assert run(ws, path).refused == {"IMPORT_ZIP_DAMAGED": 1}
    assert rows(ws) == {"2.25.4242.1": ("partial", 2, 2)}
    path.write_bytes(whole)
    assert run(ws, path).refused == {}
    assert rows(ws) == WHOLE


def test_files_that_cannot_be_read_are_counted_and_never_named(ws: Workspace, folder: Path) -> None:
    (folder / "DUPONT^MARIE.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"nonsense")
    (folder / "notes.txt").write_text("no image")
    done = run(ws, folder, folder / "nowhere")
    assert done.refused == {"DEID_TRUNCATED": 1, "IMPORT_NOT_FOUND": 1}
    assert done.not_dicom == 1
    assert "DUPONT" not in repr(done)


def test_a_site_outside_the_project_is_refused(ws: Workspace, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^IMPORT_SITE_NOT_OF_PROJECT"):
        bring(ws, ws.project("tiny"), Site(name="other"), [folder])


def test_a_pipe_in_a_folder_does_not_hold_us_up(ws: Workspace, folder: Path) -> None:
    os.mkfifo(folder / "pipe.dcm")
    assert run(ws, folder).instances == 4
