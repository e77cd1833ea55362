"""The zones on disk; the only code that knows their paths.

identified/ (mode 0700)          research/
  objects/aa/<sha256>.dcm          objects/aa/<sha256>.dcm
  incoming/, quarantine/aa/...
  outgoing/aa/<sha256>.dcm         passports/<series uid>.json
  bundles/<row_id>.json            volumes/<project>/<key>/...
                                   models/<project>/v<n>.json
  secrets/<name>.key               packs/<sha256>/
  catalogue.sqlite                 cohorts/<project>/v<n>/
                                   secrets/project-<name>.key (subjects only)
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from dataclasses import dataclass
from pathlib import Path

from pydicom import __version__ as pydicom_version
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from config.errors import ConfigurationError
from config.files import disk_faults, sweep_partial, write_whole
from config.settings import Settings

__all__ = [
    "Blob",
    "IdentifiedStore",
    "ResearchStore",
    "dataset_digest",
    "part10_head",
    "read_secret",
]

SECRET_BYTES = 32
"""Length of a project, site or signing secret: 256 bits."""


_PREAMBLE = b"\0" * 128 + b"DICM"
_VERSION_NAME = f"PYDICOM {pydicom_version}".encode()
_META_VERSION_NAME = struct.pack(
    "<HH2sH", 0x0002, 0x0013, b"SH", len(_VERSION_NAME) + len(_VERSION_NAME) % 2
) + _VERSION_NAME.ljust(len(_VERSION_NAME) + len(_VERSION_NAME) % 2)


@dataclass(frozen=True)
class Blob:
    """One stored object: its digest and where it is, relative to the zone's root."""

    sha256: str
    path: str
    size: int


def dataset_digest(transfer_syntax_uid: str, dataset: bytes | memoryview) -> str:
    """Return the identity of received bytes: SHA-256 over transfer syntax UID + dataset bytes.

    The file meta group is left out, so that C-GET, C-MOVE and push of one object agree.
    """
    digest = hashlib.sha256(transfer_syntax_uid.encode())
    digest.update(dataset)
    return digest.hexdigest()


def part10_head(sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return preamble and file meta group (PS3.10 section 7.1) of a dataset as it was received."""
    meta = b"".join(
        (
            struct.pack("<HH2sHLH", 0x0002, 0x0001, b"OB", 0, 2, 0x0100),  # version 1
            _meta_uid(0x0002, sop_class_uid),
            _meta_uid(0x0003, sop_uid),
            _meta_uid(0x0010, transfer_syntax_uid),
            _meta_uid(0x0012, PYDICOM_IMPLEMENTATION_UID),
            _META_VERSION_NAME,
        )
    )
    return _PREAMBLE + struct.pack("<HH2sHL", 0x0002, 0x0000, b"UL", 4, len(meta)) + meta


def _meta_uid(element: int, uid: str) -> bytes:
    value = uid.encode("ascii", "replace")
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, b"UI", len(value)) + value


class _Zone:
    """A root folder with content-addressed objects."""

    def __init__(self, root: Path, mode: int) -> None:
        self.root = root
        self._mode = mode

    def prepare(self, *, sweep: bool = True) -> None:
        """Make the folder and, unless told not to, remove what a killed process left.

        Looking for it walks the whole zone; what is left is never read, only in the way.
        """
        with disk_faults():
            self.root.mkdir(parents=True, exist_ok=True, mode=self._mode)
            self.root.chmod(self._mode)
        if sweep:
            sweep_partial(self.root)

    def absolute(self, relative: str) -> Path:
        """Return the full path of a stored object."""
        return self.root / relative

    def secret(self, name: str, given: bytes | None = None) -> bytes:
        """Return the secret ``name``, made on first use with mode 0600.

        Raises
        ------
        ConfigurationError
            ``SECRET_READABLE`` when others may read the file.
        """
        path = self.root / "secrets" / f"{name}.key"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, given or secrets.token_bytes(SECRET_BYTES), mode=0o600)
        return read_secret(path)

    def _put(self, folder: str, sha256: str, data: bytes) -> Blob:
        relative = f"{folder}/{sha256[:2]}/{sha256}.dcm"
        path = self.root / relative
        if not (path.exists() and path.stat().st_size == len(data)):
            write_whole(path, data)
        return Blob(sha256, relative, len(data))


class IdentifiedStore(_Zone):
    """The hospital's zone: received bytes, secrets, what waits for the hand-over."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.identified_root, 0o700)

    @property
    def bundles(self) -> Path:
        """Signed bundles, ready for the hub."""
        return self.root / "bundles"

    def put_received(
        self, sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str, dataset: bytes
    ) -> Blob:
        """Keep an object as it came; equal bytes are kept once."""
        sha256 = dataset_digest(transfer_syntax_uid, dataset)
        head = part10_head(sop_class_uid, sop_uid, transfer_syntax_uid)
        return self._put("objects", sha256, head + dataset)

    def put_quarantined(
        self, sop_class_uid: str, sop_uid: str, transfer_syntax_uid: str, dataset: bytes
    ) -> Blob:
        """Keep an object that nobody asked for beside the others, as it came."""
        sha256 = dataset_digest(transfer_syntax_uid, dataset)
        head = part10_head(sop_class_uid, sop_uid, transfer_syntax_uid)
        return self._put("quarantine", sha256, head + dataset)

    def received_place(self, sha256: str) -> str:
        """Return where an object lies, or will, relative to the root."""
        return f"objects/{sha256[:2]}/{sha256}.dcm"

    def quarantined_place(self, sha256: str) -> str:
        """Return where an object lies that nobody asked for, relative to the root."""
        return f"quarantine/{sha256[:2]}/{sha256}.dcm"

    @property
    def incoming(self) -> Path:
        """Objects that are being received; in the file system of the objects, for the rename."""
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder

    @property
    def faces(self) -> Path:
        """Pictures of heads before and after their faces were removed, for a person to look at."""
        return self.root / "faces"

    @property
    def scratch(self) -> Path:
        """Pixels that are being cleaned; nothing stays here."""
        return self.root / "scratch"

    @property
    def outgoing(self) -> Path:
        """Released objects, as ``aa/<sha256>.dcm``, until the hub has them."""
        return self.root / "outgoing"


class ResearchStore(_Zone):
    """The hub's zone: nothing of a patient's identity ever lies here."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.research_root, 0o755)

    @property
    def passports(self) -> Path:
        """Vendor passports, one JSON file a series."""
        return self.root / "passports"

    @property
    def packs(self) -> Path:
        """Review packs, by digest."""
        return self.root / "packs"

    def volumes(self, project: str) -> Path:
        """Harmonised studies of a project, one folder a result key."""
        return self.root / "volumes" / project

    def models(self, project: str) -> Path:
        """Fitted models of a project, one file a version."""
        return self.root / "models" / project

    def cohorts(self, project: str) -> Path:
        """Releases of a project."""
        return self.root / "cohorts" / project

    def object_path(self, sha256: str) -> Path:
        """Return where a de-identified object lies or will lie."""
        return self.root / "objects" / sha256[:2] / f"{sha256}.dcm"


def read_secret(path: Path) -> bytes:
    """Return a secret file's bytes.

    Raises
    ------
    ConfigurationError
        ``SECRET_MISSING`` or ``SECRET_READABLE`` (mode other than 0600 or stricter).
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigurationError("SECRET_MISSING", "no such file", file=path) from error
    if mode & 0o077 and os.name == "posix":
        raise ConfigurationError("SECRET_READABLE", f"mode {mode & 0o777:o}", file=path)
    return path.read_bytes()
