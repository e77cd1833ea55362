"""dcmtk as a peer: dcmqrscp as an archive, getscu and movescu as those who fetch."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError, TimeoutExpired

from pydicom.filereader import read_file_meta_info

from pipelines.ports import free_port
from tests.support import needs
from tests.support.orthanc import PROPOSALS, dcmtk

__all__ = ["PEERS", "DcmqrscpServer", "fetch_by_dcmtk"]

PEERS = ("getscu", "movescu")
MOVE_TITLE = "MOVESCU"

Fetched = dict[str, tuple[str, bytes]]
"""SOP Instance UID -> transfer syntax and dataset."""

CONFIGURATION = """\
NetworkTCPPort = {port}
MaxPDUSize = 131072
MaxAssociations = 16
HostTable BEGIN
{hosts}
everybody = ({titles})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{aet} {storage} RW (500, 2048mb) ANY
AETable END
"""


class DcmqrscpServer:
    """One dcmqrscp with a storage of its own, for objects of one transfer syntax.

    It accepts one compressed syntax beside the plain ones, and proposes one when it sends.

    Parameters
    ----------
    folder : Path
        Empty folder for configuration and storage.
    modalities : Mapping[str, tuple[str, int]]
        C-MOVE destinations: AE title to (host, port).
    syntax : str
        Transfer syntax UID.
    """

    def __init__(
        self, folder: Path, modalities: Mapping[str, tuple[str, int]], syntax: str
    ) -> None:
        self.aet, self.port = "QRSCP", free_port()
        self._folder, self._modalities, self._syntax = folder, dict(modalities), syntax
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> DcmqrscpServer:
        """Start the process and return once it serves."""
        storage = self._folder / "storage"
        storage.mkdir()
        places = {
            f"host{n}": (title, *at) for n, (title, at) in enumerate(self._modalities.items())
        }
        hosts = "\n".join(f"{name} = ({', '.join(map(str, at))})" for name, at in places.items())
        path = self._folder / "dcmqrscp.cfg"
        path.write_text(
            CONFIGURATION.format(
                port=self.port,
                hosts=hosts,
                titles=", ".join(places),
                aet=self.aet,
                storage=storage,
            )
        )
        option = PROPOSALS[self._syntax][1:]
        self._process = subprocess.Popen(
            [needs.program("dcmqrscp", "dcmtk"), "-c", path, "+B", f"+{option}", f"-{option}"],
            env=os.environ | {"TCP_NODELAY": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_for(self.port, self._process)
        return self

    def stop(self) -> None:
        """End the process; its folder belongs to the caller."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
    raise RuntimeError("dcmqrscp did not start")


def fetch_by_dcmtk(
    peer: str, archive: tuple[str, int], study_uid: str, syntaxes: Iterable[str], move_port: int
) -> Fetched:
    """Return what a tool of dcmtk brings of a study, in the syntaxes that are stored.

    getscu accepts one compressed syntax a time, so it is called for each; what an archive then
    sends in another syntax than the stored one is told apart by who calls this.
    """
    found: Fetched = {}
    for syntax in sorted(syntaxes) if peer == "getscu" else [""]:
        with tempfile.TemporaryDirectory() as folder, suppress(CalledProcessError, TimeoutExpired):
            how = _getscu(syntax) if peer == "getscu" else _movescu(move_port)
            dcmtk(
                *how, "-S", "+B", "-aec", archive[0],
                "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study_uid}",
                "127.0.0.1", str(archive[1]), cwd=Path(folder),
            )  # fmt: skip
            for path in Path(folder).iterdir():
                uid, one = _dataset_of(path)
                if peer == "movescu" or one[0] == syntax:
                    found[uid] = one
    return found


def _getscu(syntax: str) -> tuple[str, ...]:
    option = PROPOSALS[syntax][1:]
    return ("getscu", f"+{option}")


def _movescu(port: int) -> tuple[str, ...]:
    return ("movescu", "+xa", "-aet", MOVE_TITLE, "-aem", MOVE_TITLE, "+P", str(port))


def _dataset_of(path: Path) -> tuple[str, tuple[str, bytes]]:
    meta = read_file_meta_info(path)
    data = path.read_bytes()
    # group 0002 begins after preamble and magic word; its length counts what follows (PS3.10 7.1)
    start = 128 + 4 + 12 + int(meta.FileMetaInformationGroupLength)
    return str(meta.MediaStorageSOPInstanceUID), (str(meta.TransferSyntaxUID), data[start:])
