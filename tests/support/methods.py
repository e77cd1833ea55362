"""The same objects by every method: which bytes each brings, and what a method cannot carry."""

from __future__ import annotations

import json
import urllib.request
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from pydicom import config, dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from config.errors import AccordageError, UnreadableObject
from config.settings import load_settings
from config.site import PacsNode, Site
from pipelines.acquire.archive.index import entry_of_file
from pipelines.acquire.bring import bring
from pipelines.acquire.pacs import StoreReceiver, find_instances, retrieve_study
from pipelines.catalogue import identified as table
from pipelines.store import dataset_digest
from pipelines.workspace import open_workspace
from tests.support.installation import write_installation
from tests.support.orthanc import PROPOSALS, OrthancServer, dcmtk

METHODS = ("c-get", "c-move", "dicomweb")
Start = Callable[..., OrthancServer]


@dataclass
class Compared:
    """What came of comparing."""

    files: int = 0
    accepted: int = 0
    """Objects the archive took."""
    equal: int = 0
    """Objects whose dataset has the same bytes by all three methods."""
    differing: list[str] = field(default_factory=list)
    """Objects that two methods brought differently: their SOP class and transfer syntax."""
    not_carried: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Method -> SOP class and transfer syntax of what it did not bring."""
    import_unequal: list[str] = field(default_factory=list)
    """Objects of which an import has other values than the network."""
    not_imported: int = 0


def rounds_of(paths: Iterable[Path]) -> list[list[Path]]:
    """Deal files out so that no two of a round share a SOP Instance UID."""
    rounds: list[dict[str, Path]] = []
    for path in paths:
        try:
            uid = entry_of_file(path).key("IMAGE")
        except (UnreadableObject, OSError, NotImplementedError, AttributeError, KeyError):
            continue
        room = next((one for one in rounds if uid not in one), None)
        if room is None:
            room = {}
            rounds.append(room)
        room[uid] = path
    return [list(one.values()) for one in rounds]


def compare(paths: Sequence[Path], start: Start, receiver: StoreReceiver, folder: Path) -> Compared:
    """Load files into archives of their own and fetch them by every method."""
    done = Compared(files=len(paths))
    for number, group in enumerate(rounds_of(paths)):
        orthanc = start({"ACCORDAGE": ("127.0.0.1", receiver.port)})
        try:
            taken = _load(orthanc, group)
            done.accepted += len(taken)
            network = _by_network(orthanc, taken, receiver, done)
            _compare_import(taken, network, folder / f"home-{number}", done)
        finally:
            orthanc.stop()
    return done


def _load(orthanc: OrthancServer, paths: list[Path]) -> list[Path]:
    """Send files with storescu and return those the archive has; what it refuses stays behind.

    Loaded by its web page, Orthanc would keep an object as the file has it, and dcmtk, which sends
    for Orthanc, would encode some sequences anew on each way out: storescu does so on the way in.
    """
    by_syntax: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        by_syntax[entry_of_file(path).transfer_syntax_uid].append(path)
    for syntax, group in sorted(by_syntax.items()):
        if syntax in PROPOSALS:
            with suppress(CalledProcessError):
                dcmtk(
                    "storescu", PROPOSALS[syntax], "-R", "-nh", "-aec", orthanc.aet,
                    "127.0.0.1", str(orthanc.port), *group,
                )  # fmt: skip
    url = f"http://127.0.0.1:{orthanc.http_port}/tools/find"
    asked = {"Level": "Instance", "Query": {}, "Expand": True}
    with urllib.request.urlopen(url, json.dumps(asked).encode(), timeout=60) as answer:
        held = {one["MainDicomTags"]["SOPInstanceUID"] for one in json.load(answer)}
    return [path for path in paths if entry_of_file(path).key("IMAGE") in held]


def _by_network(
    orthanc: OrthancServer, paths: list[Path], receiver: StoreReceiver, done: Compared
) -> dict[str, tuple[str, bytes]]:
    """Return SOP UID -> transfer syntax and dataset as C-GET (else another method) brings it."""
    node = PacsNode.model_validate(
        {
            "ae_title": orthanc.aet,
            "host": "127.0.0.1",
            "port": orthanc.port,
            "dicomweb": {"url": f"http://127.0.0.1:{orthanc.http_port}/dicom-web"},
            "retries": 0,
        }
    )
    kinds, studies = {}, set()
    for path in paths:
        entry = entry_of_file(path)
        kind = f"{UID(entry.sop_class_uid).name} in {UID(entry.transfer_syntax_uid).name}"
        kinds[entry.key("IMAGE")] = kind
        studies.add(entry.key("STUDY"))
    got: dict[str, dict[str, tuple[str, bytes]]] = {method: {} for method in METHODS}
    for study_uid in sorted(studies):
        expected = find_instances(node, study_uid)
        for method in METHODS:
            way = node.model_copy(update={"methods": (method,)})
            into = got[method]

            def keep(one: Any, into: dict[str, tuple[str, bytes]] = into) -> None:
                into[one.sop_uid] = (one.transfer_syntax_uid, one.dataset)

            try:
                retrieve_study(way, study_uid, expected, keep, receiver=receiver, grace_s=0.2)
            except AccordageError as error:
                kinds.setdefault("", error.code)
    for uid, kind in sorted(kinds.items()):
        if not uid:
            continue
        digests = set()
        for method in METHODS:
            if uid in got[method]:
                digests.add(_digest(*got[method][uid]))
            else:
                done.not_carried[method].append(kind)
        if len(digests) > 1:
            done.differing.append(kind)
        elif all(uid in got[method] for method in METHODS):
            done.equal += 1
    return {uid: one for method in reversed(METHODS) for uid, one in got[method].items()}


def _digest(transfer_syntax_uid: str, dataset: bytes) -> str:
    """Return a dataset's identity; of a deflated one, that of what it inflates to.

    dcmtk, which sends for Orthanc, deflates anew on each way out; no method can mend that.
    """
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        dataset = zlib.decompressobj(-zlib.MAX_WBITS).decompress(dataset)
    return dataset_digest(transfer_syntax_uid, dataset)


def _compare_import(
    paths: list[Path], network: dict[str, tuple[str, bytes]], home: Path, done: Compared
) -> None:
    settings = load_settings(home, {})
    write_installation(settings, 104)
    with open_workspace(settings) as ws:
        site = Site(name="chu-atlas")
        done.not_imported += sum(bring(ws, ws.project("tiny"), site, paths).refused.values())
        with ws.ledger.session() as session:
            rows = session.query(table.ReceivedObject).all()
            places = {row.sop_uid: ws.identified.absolute(row.path) for row in rows}
    for uid, path in places.items():
        if uid in network and not same_values(path, *network[uid]):
            done.import_unequal.append(uid)


def same_values(path: Path, transfer_syntax_uid: str, dataset: bytes) -> bool:
    """Tell whether a file and a dataset hold the same values, group lengths aside."""
    from pipelines.store import part10_head

    head = part10_head("1.2", "1.2", transfer_syntax_uid)
    other = path.with_suffix(".network")
    other.write_bytes(head + dataset)
    mode, config.settings.reading_validation_mode = (
        config.settings.reading_validation_mode,
        config.IGNORE,
    )
    try:
        return _plain(dcmread(path)) == _plain(dcmread(other))
    finally:
        config.settings.reading_validation_mode = mode
        other.unlink()


def _plain(ds: Dataset) -> dict[int, Any]:
    return {
        int(element.tag): [_plain(item) for item in element.value]
        if element.VR == "SQ"
        else element.value
        if isinstance(element.value, bytes)
        else str(element.value)
        for element in ds
        # group lengths are retired; group 0002 inside an item is no part of a dataset (PS3.10 7.1)
        if element.tag.element != 0 and element.tag.group != 2
    }
