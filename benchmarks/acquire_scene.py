"""What `make bench-acquire` measures with: CT slices, senders, and bare pynetdicom to beat."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

SLICE_BYTES = 512 * 512 * 2
ROOT = "2.25.77"


def make_slices(folder: Path, count: int) -> list[Path]:
    """Write CT slices of 0.5 MB; the same ones each time."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    ds = Dataset()
    ds.SOPClassUID = CTImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.1.1"
    ds.PatientID, ds.PatientName, ds.StudyDate = "BENCH", "BENCH", "20200101"
    ds.Modality, ds.StudyDescription = "CT", "BENCH"
    ds.Rows = ds.Columns = 512
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    paths = []
    for number in range(1, count + 1):
        path = folder / f"{number:05d}.dcm"
        if not path.exists():
            ds.SOPInstanceUID, ds.InstanceNumber = f"{ROOT}.1.1.{number}", number
            ds.PixelData = random.integers(0, 4096, (512, 512), "<u2").tobytes()
            ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def make_multiframe(path: Path, gigabytes: float) -> Path:
    """Write one object of many frames without ever holding it: its header, then zeros."""
    ds = Dataset()
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7.3"  # Multi-frame Grayscale Word Secondary Capture
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = (
        f"{ROOT}.2",
        f"{ROOT}.2.1",
        f"{ROOT}.2.1.1",
    )
    frames = int(gigabytes * (1 << 30)) // SLICE_BYTES
    ds.Rows = ds.Columns = 512
    ds.NumberOfFrames = frames
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    with path.open("ab") as stream:  # (7FE0,0010) OW, its length, its frames
        stream.write(b"\xe0\x7f\x10\x00OW\x00\x00" + struct.pack("<L", frames * SLICE_BYTES))
        for _ in range(frames):
            stream.write(bytes(SLICE_BYTES))
    return path


def send(
    port: int, paths: Sequence[Path], senders: int = 1, *, nodelay: bool = True, called: str = "US"
) -> float:
    """Send with dcmtk's storescu, the files dealt out to the senders; return the seconds."""
    environment = {k: v for k, v in os.environ.items() if k != "TCP_NODELAY"}
    if nodelay:
        environment["TCP_NODELAY"] = "1"
    command = ["storescu", "-aet", "SCANNER", "-aec", called, "127.0.0.1", str(port)]
    start = time.perf_counter()
    running = [
        subprocess.Popen([*command, *map(str, paths[n::senders])], env=environment)
        for n in range(senders)
    ]
    codes = [process.wait() for process in running]
    seconds = time.perf_counter() - start
    assert codes == [0] * senders, codes
    return seconds


BARE = """
import sys, os
from pynetdicom import AE, AllStoragePresentationContexts, evt, _config
_config.LOG_HANDLER_LEVEL = "none"
folder, port = sys.argv[1:]
def on_store(event):
    path = os.path.join(folder, event.request.AffectedSOPInstanceUID)
    with open(path, "wb") as stream:
        stream.write(event.encoded_dataset())
    return 0
ae = AE("US")
ae.maximum_pdu_size = int(os.environ.get("BARE_PDU", "16382"))
for context in AllStoragePresentationContexts:
    ae.add_supported_context(context.abstract_syntax, context.transfer_syntax)
server = ae.start_server(("127.0.0.1", int(port)), block=False,
                         evt_handlers=[(evt.EVT_C_STORE, on_store)])
print("ready", flush=True)
sys.stdin.read()
server.shutdown()
"""


BARE_GET = """
import sys, os, time
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt, _config
_config.LOG_HANDLER_LEVEL = "none"
port, study, folder = sys.argv[1:]
CT, GET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.2.2.3"
def on_store(event):
    path = os.path.join(folder, event.request.AffectedSOPInstanceUID)
    with open(path, "wb") as stream:
        stream.write(event.encoded_dataset())
    return 0
ae = AE("BARE")
ae.add_requested_context(GET)
ae.add_requested_context(CT, "1.2.840.10008.1.2.1")
query = Dataset()
query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study
start = time.perf_counter()
assoc = ae.associate("127.0.0.1", int(port), ae_title="ORTHANC",
                     ext_neg=[build_role(CT, scp_role=True)],
                     evt_handlers=[(evt.EVT_C_STORE, on_store)])
for status, _ in assoc.send_c_get(query, GET):
    pass
assoc.release()
print(time.perf_counter() - start)
"""


def bare_get(port: int, study_uid: str, folder: Path, wanted: int) -> float:
    """Return the seconds of pynetdicom's C-GET as its documentation shows it."""
    done = subprocess.run(
        [sys.executable, "-c", BARE_GET, str(port), study_uid, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert len([*folder.iterdir()]) == wanted
    return float(done.stdout)


@contextmanager
def program(code: str, *arguments: str) -> Iterator[None]:
    """Run Python code in a process of its own until its input is closed; wait for ``ready``."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    try:
        yield
    finally:
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def bare_receiver(folder: Path) -> Iterator[int]:
    """pynetdicom as its documentation shows it, which writes what it gets and nothing more."""
    into = folder / f"bare-{uuid4().hex[:8]}"
    into.mkdir(parents=True)
    port = free_port()
    with program(BARE, str(into), str(port)):
        yield port


def rss_mb(pid: int) -> float:
    """Return a process's resident memory in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024


class PeakMemory:
    """The largest resident memory of processes while the block runs, in megabytes."""

    def __init__(self, pids: Sequence[int]) -> None:
        self._pids = pids
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self.peak_mb = max(self.peak_mb, *map(rss_mb, self._pids))
