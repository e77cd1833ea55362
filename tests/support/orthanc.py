"""Debian's Orthanc as an independent PACS, filled by dcmtk's storescu."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from pydicom.filereader import read_file_meta_info

from pipelines.ports import free_port
from tests.support import needs

DICOM_WEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PROPOSALS = {  # transfer syntax -> storescu's option to propose it
    "1.2.840.10008.1.2": "-xi",
    "1.2.840.10008.1.2.1": "-xe",
    "1.2.840.10008.1.2.2": "-xb",
    "1.2.840.10008.1.2.1.99": "-xd",
    "1.2.840.10008.1.2.4.50": "-xy",
    "1.2.840.10008.1.2.4.51": "-xx",
    "1.2.840.10008.1.2.4.70": "-xs",
    "1.2.840.10008.1.2.4.80": "-xt",
    "1.2.840.10008.1.2.4.81": "-xu",
    "1.2.840.10008.1.2.4.90": "-xv",
    "1.2.840.10008.1.2.4.91": "-xw",
    "1.2.840.10008.1.2.5": "-xr",
}


def dcmtk(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a tool of dcmtk; without TCP_NODELAY it is sixty times too slow."""
    name, *rest = [str(one) for one in arguments]
    return subprocess.run(
        [needs.program(name, "dcmtk"), *rest],
        env=os.environ | {"TCP_NODELAY": "1"},
        cwd=cwd,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=True,
    )


class OrthancServer:
    """One Orthanc process with a storage of its own.

    Parameters
    ----------
    folder : Path
        Empty folder for configuration and storage.
    modalities : Mapping[str, tuple[str, int]]
        C-MOVE destinations: AE title to (host, port).
    aet : str
        AE title of the server.
    """

    def __init__(
        self,
        folder: Path,
        modalities: Mapping[str, tuple[str, int]] | None = None,
        aet: str = "ORTHANC",
    ) -> None:
        self.aet = aet
        self.port = free_port()
        self.http_port = free_port()
        self._folder = folder
        self._modalities = dict(modalities or {})
        self._process: subprocess.Popen[str] | None = None
        self._drain: threading.Thread | None = None

    def start(self) -> OrthancServer:
        """Start the process and return once it serves."""
        program = needs.program("Orthanc", "orthanc orthanc-dicomweb")
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(self._settings()), encoding="utf-8")
        process = subprocess.Popen(
            [program, str(path)],
            env=os.environ | {"TCP_NODELAY": "1"},  # Orthanc's DICOM is dcmtk's
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self._process = process
        assert process.stderr is not None
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        seen = []
        for line in process.stderr:
            seen.append(line)
            if "Orthanc has started" in line:
                break
        else:
            process.wait()
            raise RuntimeError("Orthanc did not start:\n" + "".join(seen[-20:]))
        deadline.cancel()
        # Nobody reads the rest, and a full pipe would stop the server.
        self._drain = threading.Thread(target=process.stderr.read, daemon=True)
        self._drain.start()
        return self

    def load(self, paths: Iterable[Path]) -> None:
        """Send files as they are, one association for each transfer syntax."""
        by_syntax: defaultdict[str, list[Path]] = defaultdict(list)
        for path in paths:
            by_syntax[str(read_file_meta_info(path).TransferSyntaxUID)].append(path)
        for syntax, group in sorted(by_syntax.items()):
            option = PROPOSALS[syntax]
            dcmtk("storescu", option, "-R", "-aec", self.aet, "127.0.0.1", str(self.port), *group)

    def stop(self) -> None:
        """End the process; its folder belongs to the caller."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._drain is not None:
            self._drain.join(timeout=5)
        if process.stderr is not None:
            process.stderr.close()

    def _settings(self) -> dict[str, object]:
        return {
            "Name": self.aet,
            "StorageDirectory": str(self._folder / "storage"),
            "IndexDirectory": str(self._folder / "index"),
            "HttpPort": self.http_port,
            "RemoteAccessAllowed": False,  # loopback only
            "AuthenticationEnabled": False,
            "DicomAet": self.aet,
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowEcho": True,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "UnknownSopClassAccepted": True,
            "SynchronousCMove": True,
            "DicomModalities": {
                title.lower(): [title, host, port]
                for title, (host, port) in self._modalities.items()
            },
            "Plugins": [str(DICOM_WEB)] if DICOM_WEB.exists() else [],
        }


@pytest.fixture(scope="session")
def start_orthanc(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., OrthancServer]]:
    """Start as many servers as a test needs; all are stopped at the end of the session."""
    running: list[OrthancServer] = []

    def start(
        modalities: Mapping[str, tuple[str, int]] | None = None, aet: str = "ORTHANC"
    ) -> OrthancServer:
        server = OrthancServer(tmp_path_factory.mktemp("orthanc"), modalities, aet)
        running.append(server)
        return server.start()

    yield start
    for server in running:
        server.stop()
