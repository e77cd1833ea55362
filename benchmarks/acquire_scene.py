"""What `make bench-acquire` measures with: CT slices, senders, and bare pynetdicom to beat."""

from __future__ import annotations

import os
import socket
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
            for pid in self._pids:
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmRSS:"):
                        self.peak_mb = max(self.peak_mb, int(line.split()[1]) / 1024)
