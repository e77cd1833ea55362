"""What a DICOMweb service may do wrong ends in a code; what it sends is never trusted by status."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydicom import dcmread

from config.errors import ConfigurationError, TransientError
from config.site import PacsNode
from pipelines.acquire.pacs import ExpectedInstance, ReceivedObject, retrieve_study
from pipelines.acquire.tls import server_context
from tests.support.files import dataset_bytes, write_instance
from tests.support.tls import make_papers

MR = "1.2.840.10008.5.1.4.1.1.4"
STUDY = "2.25.4242.1"
Answer = Callable[[str], tuple[int, str, bytes]]


@contextmanager
def service(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer each GET as told, on a port of loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, kind, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def node(port: int, scheme: str = "http", **web: object) -> PacsNode:
    values = {"url": f"{scheme}://127.0.0.1:{port}/dicom-web", **web}
    return PacsNode.model_validate(
        {
            "ae_title": "WEB",
            "host": "127.0.0.1",
            "port": 1,
            "methods": ["dicomweb"],
            "dicomweb": values,
            "retries": 0,
            "retry_wait_s": 0,
            "dimse_timeout_s": 20,
        }
    )


def multipart(*parts: bytes) -> tuple[int, str, bytes]:
    body = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + p + b"\r\n" for p in parts)
    return 200, 'multipart/related; type="application/dicom"; boundary=b', body + b"--b--"


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("objects")
    return [write_instance(folder, 1, 1, number) for number in (1, 2, 3)]


def expected(*numbers: int) -> list[ExpectedInstance]:
    return [ExpectedInstance(f"{STUDY}.1", f"{STUDY}.1.{n}", MR) for n in numbers]


def bring(at: PacsNode, folder: Path | None = None) -> tuple[object, list[ReceivedObject]]:
    kept: list[ReceivedObject] = []
    report = retrieve_study(at, STUDY, expected(1, 2, 3), kept.append, spool_in=folder)
    return report, kept


def test_what_the_study_lacks_is_asked_for_by_instance(objects: list[Path]) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, str, bytes]:
        asked.append(path.removeprefix("/dicom-web"))
        if "/instances/" in path:
            return multipart(objects[2].read_bytes())
        return multipart(*(path.read_bytes() for path in objects[:2]))

    with service(answer) as port:
        report, kept = bring(node(port))
    assert (report.code, report.missing, report.method) == (None, (), "dicomweb")
    assert asked == [
        f"/studies/{STUDY}",
        f"/studies/{STUDY}/series/{STUDY}.1/instances/{STUDY}.1.3",
    ]
    assert [one.dataset for one in kept] == [dataset_bytes(path) for path in objects]


def test_an_object_of_another_patients_study_never_reaches_the_sink(
    objects: list[Path], tmp_path: Path
) -> None:
    stranger = write_instance(tmp_path, 2, 1, 1)
    parts = [path.read_bytes() for path in (stranger, *objects)]
    with service(lambda _path: multipart(*parts)) as port:
        report, kept = bring(node(port))
    assert report.strangers == ("2.25.4242.2.1.1",)
    assert {one.study_uid for one in kept} == {STUDY}


def test_a_part_that_is_no_dicom_is_missing_and_the_others_come(objects: list[Path]) -> None:
    parts = [objects[0].read_bytes(), b"<html>sorry</html>" * 20, objects[1].read_bytes()]
    with service(lambda _path: multipart(*parts)) as port:
        report, _ = bring(node(port))
    assert (report.code, report.missing) == ("STUDY_PARTIAL", (f"{STUDY}.1.3",))


def test_one_object_without_a_multipart_is_taken_too(objects: list[Path]) -> None:
    by_uid = {str(dcmread(path).SOPInstanceUID): path for path in objects}

    def answer(path: str) -> tuple[int, str, bytes]:
        uid = path.rsplit("/", 1)[1]
        return 200, "application/dicom", by_uid.get(uid, objects[0]).read_bytes()

    with service(answer) as port:
        report, _ = bring(node(port))
    assert report.code is None


@pytest.mark.parametrize(
    ("status", "flag"),
    [(401, "PACS_NOT_AUTHORISED"), (406, "PACS_UNSUPPORTED"), (404, "PACS_CANNOT_PROCESS")],
)
def test_a_status_that_waiting_does_not_mend_is_named(status: int, flag: str) -> None:
    with service(lambda _path: (status, "text/plain", b"no")) as port:
        report, kept = bring(node(port))
    assert (report.code, flag in report.flags, kept) == ("STUDY_NOT_DELIVERED", True, [])


def test_a_redirect_is_not_followed() -> None:
    with service(lambda _path: (302, "text/plain", b"")) as port:
        report, _ = bring(node(port))
    assert report.code == "STUDY_NOT_DELIVERED"


def test_a_busy_service_is_tried_again_another_time() -> None:
    with (
        service(lambda _path: (503, "text/plain", b"")) as port,
        pytest.raises(TransientError, match=r"^PACS_OUT_OF_RESOURCES"),
    ):
        bring(node(port))


def test_a_body_cut_off_leaves_no_file_and_what_came_before_it(
    objects: list[Path], tmp_path: Path
) -> None:
    whole = multipart(*(path.read_bytes() for path in objects))
    cut = whole[0], whole[1], whole[2][:-300]
    with service(lambda _path: cut) as port:
        report, kept = bring(node(port), tmp_path)
    assert (report.transient, len(report.received)) == ("PACS_ABORTED", 2)
    assert len(kept) == 2


def test_a_closed_port_is_unreachable() -> None:
    with pytest.raises(TransientError, match=r"^PACS_UNREACHABLE"):
        bring(node(1))


def test_certificates_of_both_sides_are_checked(objects: list[Path], tmp_path: Path) -> None:
    papers = make_papers(tmp_path)
    parts = multipart(*(path.read_bytes() for path in objects))
    with service(lambda _path: parts, server_context(papers.tls("receiver"))) as port:
        report, _ = bring(node(port, "https", tls=papers.tls("scanner").model_dump()))
        assert report.code is None
        with pytest.raises(ConfigurationError, match=r"^TLS_REJECTED"):
            bring(node(port, "https"))
        stranger = papers.tls("stranger").model_dump()
        with pytest.raises((ConfigurationError, TransientError)):
            bring(node(port, "https", tls=stranger))


def test_the_method_needs_its_url() -> None:
    with pytest.raises(ValidationError, match=r"needs dicomweb\.url"):
        PacsNode(ae_title="A", host="h", port=1, methods=("dicomweb",))
