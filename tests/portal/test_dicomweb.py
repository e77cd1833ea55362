"""DICOMweb against dicomweb-client over a real socket, and OHIF's requests in OHIF's order."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import dcmread
from pydicom.data import get_testdata_file

from config.errors import ConfigurationError
from config.settings import Settings
from pipelines.access.sessions import Sessions
from pipelines.catalogue.database import Catalogue
from pipelines.catalogue.research import ResearchObject, StudyRow
from pipelines.store import ResearchStore
from portal.ohif import create_viewer
from tests.support.chromium import Served, serve

from .conftest import PEOPLE, PROJECT, SECRET, TestClient

FILES = (
    "CT_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle_2frame.dcm",
    "emri_small.dcm",
    "MR_small_bigendian.dcm",
)
"""Native, RLE, JPEG-LS, JPEG 2000, several frames in both ways, big endian."""

OHIF_FRAME = "multipart/related; type=application/octet-stream; transfer-syntax=*"


@pytest.fixture
def paths(settings: Settings, catalogue: Catalogue) -> list[Path]:
    """Published objects as the project's own; each file is a study."""
    store = ResearchStore(settings)
    known = []
    for number, name in enumerate(FILES):
        header = dcmread(str(get_testdata_file(name)))
        # Several of the published files are one image in different syntaxes.
        header.StudyInstanceUID, header.SeriesInstanceUID = f"2.25.1{number}7", f"2.25.1{number}8"
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = f"2.25.1{number}9"
        buffer = io.BytesIO()
        header.save_as(buffer)
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        path = store.object_path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffer.getvalue())
        study = str(header.StudyInstanceUID)
        with catalogue.session() as session:
            row = StudyRow(
                row_id=f"r{number}", project=PROJECT, site="s", subject="S-1",
                study_uid=study, outcome="harmonised", acquired_as="complete",
            )  # fmt: skip
            session.add(row)
            session.flush()
            session.add(
                ResearchObject(
                    row_id=f"r{number}", sha256=sha256, series_uid=str(header.SeriesInstanceUID),
                    sop_uid=str(header.SOPInstanceUID), size=path.stat().st_size,
                )
            )  # fmt: skip
        known.append(path)
    return known


@pytest.fixture
def served(settings: Settings, paths: list[Path]) -> Iterator[Served]:
    with serve(settings, SECRET) as running:
        yield running


@pytest.fixture
def token(catalogue: Catalogue) -> str:
    return Sessions(catalogue).make_token(PEOPLE["engineer"], "viewer", 1)


@pytest.fixture
def client(served: Served, token: str) -> DICOMwebClient:
    headers = {"authorization": f"Bearer {token}"}
    return DICOMwebClient(f"{served.url}/dicomweb/{PROJECT}", headers=headers)


def uids(path: Path) -> tuple[str, str, str]:
    header = dcmread(path, stop_before_pixels=True)
    return (
        str(header.StudyInstanceUID),
        str(header.SeriesInstanceUID),
        str(header.SOPInstanceUID),
    )


def test_searches_find_what_there_is_at_each_level(
    client: DICOMwebClient, paths: list[Path]
) -> None:
    studies = client.search_for_studies()
    found = {row["0020000D"]["Value"][0] for row in studies}
    assert found == {uids(path)[0] for path in paths}
    for path in paths:
        study, series, instance = uids(path)
        (row,) = client.search_for_studies(search_filters={"StudyInstanceUID": study})
        inside = [other for other in paths if uids(other)[0] == study]
        assert row["00201208"]["Value"] == [len(inside)]
        assert series in [r["0020000E"]["Value"][0] for r in client.search_for_series(study)]
        rows = client.search_for_instances(study, series)
        assert instance in [r["00080018"]["Value"][0] for r in rows]
    assert len(client.search_for_studies(limit=2)) == 2
    assert len(client.search_for_studies(limit=2, offset=1)) == 2
    header = dcmread(paths[0], stop_before_pixels=True)
    by_patient = client.search_for_studies(search_filters={"PatientID": header.PatientID})
    assert uids(paths[0])[0] in [row["0020000D"]["Value"][0] for row in by_patient]


def test_whole_objects_come_with_the_bytes_on_disk(
    served: Served, token: str, paths: list[Path], client: DICOMwebClient
) -> None:
    for path in paths:
        study, series, instance = uids(path)
        url = f"{served.url}/dicomweb/{PROJECT}/studies/{study}/series/{series}"
        answer = requests.get(
            f"{url}/instances/{instance}",
            headers={"authorization": f"Bearer {token}"},
            timeout=20,
        )
        assert path.read_bytes() in answer.content
        got = client.retrieve_instance(study, series, instance, media_types=(
            ("application/dicom", "*"),
        ))  # fmt: skip
        assert got.SOPInstanceUID == instance
    study, series, _ = uids(paths[0])
    assert len(client.retrieve_series(study, series)) >= 1
    assert len(client.retrieve_study(study)) >= 1


def test_metadata_equal_the_headers(client: DICOMwebClient, paths: list[Path]) -> None:
    for path in paths:
        study, series, instance = uids(path)
        said = client.retrieve_instance_metadata(study, series, instance)
        header = dcmread(path, stop_before_pixels=True)
        assert said["00280010"]["Value"] == [header.Rows]
        assert said["00080018"]["Value"] == [instance]
        assert said["00083002"]["Value"] == [str(header.file_meta.TransferSyntaxUID)]
        assert "7FE00010" not in said
        assert client.retrieve_series_metadata(study, series)
        assert client.retrieve_study_metadata(study)


@pytest.mark.parametrize("name", FILES)
def test_frames_decoded_for_a_client_equal_what_pydicom_decodes(
    client: DICOMwebClient, paths: list[Path], name: str
) -> None:
    path = paths[FILES.index(name)]
    study, series, instance = uids(path)
    expected = dcmread(path)
    count = int(expected.get("NumberOfFrames") or 1)
    pixels = expected.pixel_array if count > 1 else expected.pixel_array[np.newaxis]
    numbers = [1, count] if count > 1 else [1]
    got = client.retrieve_instance_frames(
        study,
        series,
        instance,
        frame_numbers=numbers,
        media_types=(("application/octet-stream", "1.2.840.10008.1.2.1"),),
    )
    for number, raw in zip(numbers, got, strict=True):
        assert raw == np.ascontiguousarray(pixels[number - 1]).astype(
            pixels.dtype.newbyteorder("<")
        ).tobytes()  # fmt: skip


def test_the_requests_of_ohif_in_their_order_are_answered(
    served: Served, token: str, paths: list[Path]
) -> None:
    base = f"{served.url}/dicomweb/{PROJECT}/studies"
    ask = requests.Session()
    ask.headers["authorization"] = f"Bearer {token}"
    for path in paths:
        study, series, instance = uids(path)
        listed = ask.get(base, params={"StudyInstanceUID": study, "limit": 101}, timeout=20)
        assert listed.headers["content-type"] == "application/dicom+json"
        (row,) = listed.json()
        by_patient = {"00100020": row["00100020"].get("Value", [""])[0]}
        assert ask.get(base, params=by_patient, timeout=20).status_code == 200
        assert ask.get(f"{base}/{study}/series", timeout=20).json()
        metadata = ask.get(f"{base}/{study}/series/{series}/metadata", timeout=20).json()
        assert instance in [one["00080018"]["Value"][0] for one in metadata]
        frame = ask.get(
            f"{base}/{study}/series/{series}/instances/{instance}/frames/1",
            headers={"accept": OHIF_FRAME},
            timeout=20,
        )
        assert frame.status_code == 200
        assert frame.headers["content-type"].startswith("multipart/related")


def test_what_is_not_there_is_not_found(served: Served, token: str, paths: list[Path]) -> None:
    study, series, instance = uids(paths[0])
    base = f"{served.url}/dicomweb"
    headers = {"authorization": f"Bearer {token}"}
    one = f"{base}/{PROJECT}/studies/{study}/series/{series}/instances/{instance}"
    for url in (
        f"{base}/none/studies",
        f"{base}/{PROJECT}/studies/1.2.3/series",
        f"{one}/frames/0",
        f"{one}/frames/2",
        f"{one}/frames/x",
        f"{base}/{PROJECT}/studies/..%2f..%2fcatalogue.sqlite",
    ):
        assert requests.get(url, headers=headers, timeout=20).status_code == 404
    assert requests.get(f"{one}/metadata", timeout=20).status_code == 401
    assert requests.post(f"{base}/{PROJECT}/studies", headers=headers, timeout=20).status_code in {
        405,
        411,
    }


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """What a built viewer's folder looks like, with settings that point at somebody else."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text('<script src="/app-config.js"></script>', encoding="utf-8")
    (folder / "app-config.js").write_text("window.config = {public: 1};", encoding="utf-8")
    (folder / "main.js").write_text("1", encoding="utf-8")
    return folder


def test_a_viewer_gets_our_settings_and_the_projects_images_and_never_the_token(
    served: Served, token: str, paths: list[Path], dist: Path
) -> None:
    app = create_viewer(dist, served.url, PROJECT, token)
    with TestClient(app, base_url="http://127.0.0.1") as viewer:
        settings = viewer.get("/app-config.js")
        assert "public" not in settings.text
        assert "/dicomweb" in settings.text
        page = viewer.get("/viewer?StudyInstanceUIDs=1.2.3")
        assert "app-config.js" in page.text
        assert "connect-src 'self'" in page.headers["content-security-policy"]
        assert viewer.get("/main.js").text == "1"
        assert viewer.get("/", headers={"host": "evil.example"}).status_code == 400
        study, series, instance = uids(paths[0])
        base = f"/dicomweb/studies/{study}"
        (row,) = viewer.get("/dicomweb/studies", params={"StudyInstanceUID": study}).json()
        assert row["0020000D"]["Value"] == [study]
        frame = viewer.get(
            f"{base}/series/{series}/instances/{instance}/frames/1", headers={"accept": OHIF_FRAME}
        )
        assert dcmread(paths[0]).PixelData in frame.content
        assert viewer.get(f"{base}x/series").status_code == 404
        assert token not in settings.text + page.text + str(frame.headers)


def test_a_folder_without_a_viewer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="VIEWER_NOT_FOUND"):
        create_viewer(tmp_path, "http://127.0.0.1:1", PROJECT, "x")
