"""One retrieve request: C-GET over our own association, or C-MOVE to our receiver."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context, evt
from pynetdicom.dimse_primitives import C_STORE

from config.errors import EnvironmentFault
from config.site import PacsNode
from pipelines.acquire.pacs.connection import Connection, connect
from pipelines.acquire.pacs.intake import Intake
from pipelines.acquire.pacs.objects import ExpectedInstance
from pipelines.acquire.pacs.proposal import storage_contexts, storage_roles
from pipelines.acquire.pacs.receiver import StoreReceiver
from pipelines.acquire.pacs.wado import retrieve_by_web
from pipelines.acquire.receive.spool import spools_in
from pipelines.acquire.receive.streaming import abandon, arriving_of, stream_to

__all__ = ["TRANSFERS", "Transfer", "identifiers"]

_STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"  # PS3.4 section C.4.2.1
_STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"  # PS3.4 section C.4.3.1
_PLAIN = [str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)]
_UIDS_PER_REQUEST = 100
"""Some archives cut longer lists of UIDs."""

Transfer = Callable[[PacsNode, Intake, Sequence[Dataset], StoreReceiver | None], Generator[int]]
"""(node, intake, identifiers, receiver) -> final status of each identifier's request."""


def identifiers(study_uid: str, instances: Sequence[ExpectedInstance] | None) -> list[Dataset]:
    """Return what to ask: the study, or instances of it by UID (PS3.4 section C.4.2.1.4).

    Parameters
    ----------
    study_uid : str
        Study Instance UID.
    instances : Sequence[ExpectedInstance], optional
        Only these; the whole study when None.
    """
    if instances is None:
        return [_identifier("STUDY", study_uid)]
    by_series: defaultdict[str, list[str]] = defaultdict(list)
    for one in instances:
        by_series[one.series_uid].append(one.sop_uid)
    return [
        _identifier("IMAGE", study_uid, series_uid, sop_uids[start : start + _UIDS_PER_REQUEST])
        for series_uid, sop_uids in sorted(by_series.items())
        for start in range(0, len(sop_uids), _UIDS_PER_REQUEST)
    ]


def _identifier(
    level: str, study_uid: str, series_uid: str = "", sop_uids: Sequence[str] = ()
) -> Dataset:
    ds = Dataset()
    ds.QueryRetrieveLevel = level
    ds.StudyInstanceUID = study_uid
    if series_uid:
        ds.SeriesInstanceUID = series_uid
        ds.SOPInstanceUID = list(sop_uids)
    return ds


def _get(
    node: PacsNode, intake: Intake, asked: Sequence[Dataset], _receiver: StoreReceiver | None
) -> Generator[int]:
    """Retrieve over the association we open ourselves (PS3.4 section C.4.3)."""
    contexts = storage_contexts(intake.missing)

    def on_store(event: evt.Event) -> int:
        request = event.request
        assert isinstance(request, C_STORE)
        sop_class, sop_uid = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID
        syntax = str(event.context.transfer_syntax)
        try:
            spool = arriving_of(request).take()
        except EnvironmentFault as fault:
            return intake.fail(fault)
        return intake.take(str(sop_class), str(sop_uid), syntax, spool)

    def on_open(event: evt.Event) -> None:
        stream_to(event.assoc, spools_in(intake.spool_in))

    def on_close(event: evt.Event) -> None:
        abandon(event.assoc)

    with connect(
        node,
        [build_context(_STUDY_ROOT_GET, _PLAIN), *contexts],
        roles=storage_roles(contexts),
        handlers=[
            (evt.EVT_CONN_OPEN, on_open),
            (evt.EVT_C_STORE, on_store),
            (evt.EVT_CONN_CLOSE, on_close),
        ],
    ) as connection:
        connection.require(_STUDY_ROOT_GET)
        for ds in asked:
            responses = connection.assoc.send_c_get(ds, _STUDY_ROOT_GET)
            yield _run(connection, intake, responses)


def _move(
    node: PacsNode, intake: Intake, asked: Sequence[Dataset], receiver: StoreReceiver | None
) -> Generator[int]:
    """Have the PACS send to our receiver (PS3.4 section C.4.2)."""
    assert receiver is not None
    with (
        connect(node, [build_context(_STUDY_ROOT_MOVE, _PLAIN)]) as connection,
        receiver.expecting(intake),
    ):
        intake.on_arrival = connection.touch
        title = receiver.settings.ae_title
        for ds in asked:
            responses = connection.assoc.send_c_move(ds, title, _STUDY_ROOT_MOVE)
            yield _run(connection, intake, responses)


def _run(
    connection: Connection, intake: Intake, responses: Iterator[tuple[Dataset, Dataset | None]]
) -> int:
    """Follow one request to its final status; stop at once when our own side failed."""

    def followed() -> Iterator[tuple[Dataset, Dataset | None]]:
        for response in responses:
            intake.raise_fault()
            yield response

    status = connection.final_status(followed())
    intake.raise_fault()
    return status


TRANSFERS: Mapping[str, Transfer] = {
    "c-get": _get,
    "c-move": _move,
    "dicomweb": retrieve_by_web,
}
"""Ways to retrieve, by the name a site file uses."""
