"""The same objects by every method: which bytes each brings, and what a method cannot carry."""

from __future__ import annotations

import json
import urllib.request
import zlib
from collections import Counter, defaultdict
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
from pipelines.ports import free_port
from pipelines.store import dataset_digest
from pipelines.workspace import open_workspace
from tests.support.dcmtk_peers import MOVE_TITLE, PEERS, DcmqrscpServer, Fetched, fetch_by_dcmtk
from tests.support.installation import write_installation
from tests.support.orthanc import PROPOSALS, OrthancServer, dcmtk

METHODS = ("c-get", "c-move", "dicomweb")
Modalities = dict[str, tuple[str, int]]
Start = Callable[[Modalities], OrthancServer]
StartPlain = Callable[[Modalities, str], DcmqrscpServer]


@dataclass
class Compared:
    """What came of comparing."""

    files: int = 0
    accepted: int = 0
    """Objects the archive took."""
    equal: dict[str, int] = field(default_factory=Counter)
    """Archive -> objects whose dataset has the same bytes by all of our methods."""
    equal_to_peers: dict[str, int] = field(default_factory=Counter)
    """Tool of dcmtk and archive -> objects it brought with the bytes that we brought."""
    differing: list[str] = field(default_factory=list)
    """Objects that two of our methods brought differently: SOP class and transfer syntax."""
    converted: list[str] = field(default_factory=list)
    """Objects that an archive sent in another transfer syntax by one method than by another."""
    rewritten: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Tool of dcmtk and archive -> objects it brought with other bytes than we did."""
    not_carried: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Method and archive -> SOP class and transfer syntax of what it did not bring."""
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


def compare(
    paths: Sequence[Path],
    start: Start,
    start_plain: StartPlain,
    receiver: StoreReceiver,
    folder: Path,
) -> Compared:
    """Load files into archives of their own and fetch them by every method."""
    done = Compared(files=len(paths))
    callers = {"ACCORDAGE": ("127.0.0.1", receiver.port), MOVE_TITLE: ("127.0.0.1", free_port())}
    for number, group in enumerate(rounds_of(paths)):
        orthanc = start(callers)
        try:
            taken = _load(orthanc, group)
            done.accepted += len(taken)
            node = _node(orthanc, f"http://127.0.0.1:{orthanc.http_port}/dicom-web")
            network = _by_network("Orthanc", node, taken, receiver, callers, done)
            _compare_import(taken, network, folder / f"home-{number}", done)
        finally:
            orthanc.stop()
        for syntax, files in sorted(_by_syntax(group).items()):
            plain = start_plain(callers, syntax)
            try:
                _send(plain, syntax, files)
                _by_network("dcmqrscp", _node(plain), files, receiver, callers, done)
            finally:
                plain.stop()
    return done


def _by_syntax(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Return files by transfer syntax; what storescu has no option for is left out."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        found[entry_of_file(path).transfer_syntax_uid].append(path)
    return {syntax: group for syntax, group in found.items() if syntax in PROPOSALS}


def _send(archive: OrthancServer | DcmqrscpServer, syntax: str, paths: Iterable[Path]) -> None:
    """Send files with storescu; what the archive refuses stays behind."""
    with suppress(CalledProcessError):
        dcmtk(
            "storescu", PROPOSALS[syntax], "-R", "-nh", "-aec", archive.aet,
            "127.0.0.1", str(archive.port), *paths,
        )  # fmt: skip


def _load(orthanc: OrthancServer, paths: list[Path]) -> list[Path]:
    """Send files with storescu and return those the archive has; what it refuses stays behind.

    Loaded by its web page, Orthanc would keep an object as the file has it, and dcmtk, which sends
    for Orthanc, would encode some sequences anew on each way out: storescu does so on the way in.
    """
    for syntax, group in sorted(_by_syntax(paths).items()):
        _send(orthanc, syntax, group)
    url = f"http://127.0.0.1:{orthanc.http_port}/tools/find"
    asked = {"Level": "Instance", "Query": {}, "Expand": True}
    with urllib.request.urlopen(url, json.dumps(asked).encode(), timeout=60) as answer:
        held = {one["MainDicomTags"]["SOPInstanceUID"] for one in json.load(answer)}
    return [path for path in paths if entry_of_file(path).key("IMAGE") in held]


def _node(archive: OrthancServer | DcmqrscpServer, url: str | None = None) -> PacsNode:
    facts: dict[str, Any] = {
        "ae_title": archive.aet, "host": "127.0.0.1", "port": archive.port, "retries": 0,
    }  # fmt: skip
    return PacsNode.model_validate(facts | ({"dicomweb": {"url": url}} if url else {}))


def _by_network(
    name: str,
    node: PacsNode,
    paths: Sequence[Path],
    receiver: StoreReceiver,
    callers: Modalities,
    done: Compared,
) -> Fetched:
    """Return SOP UID -> transfer syntax and dataset as C-GET (else another method) brings it."""
    entries = {entry.key("IMAGE"): entry for entry in map(entry_of_file, paths)}
    studies: dict[str, set[str]] = defaultdict(set)
    for entry in entries.values():
        studies[entry.key("STUDY")].add(entry.transfer_syntax_uid)
    ours = [method for method in METHODS if method != "dicomweb" or node.dicomweb]
    got: dict[str, Fetched] = {method: {} for method in (*ours, *PEERS)}
    for study_uid, syntaxes in sorted(studies.items()):
        expected = find_instances(node, study_uid)
        for method in ours:
            _fetch(method, node, study_uid, expected, got[method], receiver)
        for peer in PEERS:
            at = (node.ae_title, node.port)
            got[peer] |= fetch_by_dcmtk(peer, at, study_uid, syntaxes, callers[MOVE_TITLE][1])
    held = {uid for method in ours for uid in got[method]}
    for uid in sorted(entries.keys() & held):
        kind = (
            f"{UID(entries[uid].sop_class_uid).name} in "
            f"{UID(entries[uid].transfer_syntax_uid).name}"
        )
        brought = {method: _digest(*one[uid]) for method, one in got.items() if uid in one}
        for method in got.keys() - brought.keys():
            done.not_carried[f"{method} from {name}"].append(kind)
        mine = {brought[method] for method in ours if method in brought}
        if len(mine) > 1:
            as_sent = {got[method][uid][0] for method in ours if method in brought}
            (done.converted if len(as_sent) > 1 else done.differing).append(f"{kind} from {name}")
            continue
        done.equal[name] += set(ours) <= brought.keys()
        for peer in PEERS:
            label = f"{peer} from {name}"
            if peer in brought and brought[peer] not in mine:
                done.rewritten[label].append(kind)
            else:
                done.equal_to_peers[label] += peer in brought
    return {uid: one for method in reversed(ours) for uid, one in got[method].items()}


def _fetch(
    method: str,
    node: PacsNode,
    study_uid: str,
    expected: Any,
    into: Fetched,
    receiver: StoreReceiver,
) -> None:
    def keep(one: Any) -> None:
        into[one.sop_uid] = (one.transfer_syntax_uid, one.dataset)

    way = node.model_copy(update={"methods": (method,)})
    with suppress(AccordageError):  # what does not come is counted
        retrieve_study(way, study_uid, expected, keep, receiver=receiver, grace_s=0.2)


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
        else _even(element.value)
        if isinstance(element.value, bytes)
        else str(element.value)
        for element in ds
        # group lengths are retired; group 0002 inside an item is no part of a dataset (PS3.10 7.1);
        # (FFFC,FFFC) pads a file and has no meaning (PS3.10 7.2)
        if element.tag.element != 0 and element.tag.group not in {2, 0xFFFC}
    }


def _even(value: bytes) -> bytes:
    """Return bytes padded as whoever sends them must (PS3.5 7.1.1)."""
    return value + b"\0" * (len(value) % 2)
