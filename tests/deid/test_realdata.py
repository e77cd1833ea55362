"""Real objects: released or refused with a code, valid afterwards, pixels untouched."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pydicom
import pytest
from pydicom.dataset import Dataset

from config.codes import codes
from config.errors import RejectedError
from config.policy import ClearedPixels, Policy
from deid.engine import ReleasedDataset
from deid.identity import harvest_identity

pytestmark = pytest.mark.realdata

Release = Callable[..., ReleasedDataset]
REFUSED = {  # every other file, of broken/ too, is released
    "broken/dcm4che/3gb-bulk-data-truncated": "DEID_TRUNCATED",
    "broken/dcm4che/no_preamble_dicm_in_data": "DEID_TRUNCATED",
    "broken/fo-dicom/GH1146.dcm": "DEID_TRUNCATED",
    "broken/fo-dicom/GH220.dcm": "SOP_CLASS_UNSUPPORTED",  # a private class
    "broken/fo-dicom/GH626.dcm": "DEID_TRUNCATED",
    "broken/fo-dicom/Issue1097_FailToOpenDeflatedFileWithSQ.dcm": "SOP_CLASS_UNSUPPORTED",
    "broken/pydicom-data/emri_small_jpeg_2k_lossless_too_short.dcm": "DEID_TRUNCATED",
    "broken/pydicom/MR_truncated.dcm": "DEID_TRUNCATED",
    "broken/pydicom/UN_sequence.dcm": "DEID_NO_PIXELS",  # compressed, and no pixels
    "broken/pydicom/badVR.dcm": "DEID_NO_PIXELS",  # a number of frames that is none
    "broken/pydicom/empty_charset_LEI.dcm": "FILE_UNREADABLE",  # no SOP class
    "broken/pydicom/meta_missing_tsyntax.dcm": "FILE_UNREADABLE",
    "broken/pydicom/nested_priv_SQ.dcm": "FILE_UNREADABLE",
    "broken/pydicom/no_meta.dcm": "DEID_TRUNCATED",
    "broken/pydicom/rtplan_truncated.dcm": "DEID_TRUNCATED",
    "broken/pydicom/rtstruct.dump": "DEID_TRUNCATED",  # a listing in text
}
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _files(folder: Path, per_folder: int) -> list[Path]:
    """The first files of every folder of the collection."""
    found: list[Path] = []
    for place in sorted({path.parent for path in folder.rglob("*") if path.is_file()}):
        files = sorted(path for path in place.iterdir() if path.is_file())
        found += [path for path in files if _is_dicom(path)][:per_folder]
    return found


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@pytest.fixture(scope="module")
def sample(realdata: Path) -> list[tuple[str, Path]]:
    files = _files(realdata, 2)
    assert len(files) > 90
    return [(path.relative_to(realdata).as_posix(), path) for path in files]


@pytest.fixture(scope="module")
def cleared(research: Policy) -> Policy:
    rule = ClearedPixels(even_if_marked=True, reason="published test data")
    return research.model_copy(update={"cleared_pixels": (rule,)})


def _read(path: Path) -> Dataset:
    return pydicom.dcmread(path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["basic", "research"])
def test_every_real_object_is_released_or_refused_with_a_code(
    name: str, sample: list[tuple[str, Path]], release: Release, request: pytest.FixtureRequest
) -> None:
    policy = request.getfixturevalue(name)
    outcomes: Counter[str] = Counter()
    for _, path in sample:
        try:
            release(_read(path), policy)
        except RejectedError as error:
            outcomes[error.code] += 1
        else:
            outcomes["released"] += 1
    assert set(outcomes) <= {"released", *codes()}
    assert outcomes["released"] >= 50
    assert outcomes["IDENTITY_LEAK"] == outcomes["DEID_FAILED"] == 0, outcomes


@pytest.fixture(scope="module")
def examiner() -> ModuleType:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import realdata as module
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.mark.filterwarnings("ignore")
def test_with_pixels_cleared_all_but_the_known_broken_are_released_with_their_samples(
    realdata: Path, examiner: ModuleType
) -> None:
    outcomes = examiner.examine(examiner.files_of(realdata), realdata, verify=False)
    assert len(outcomes) == 908
    assert {one.name: one.code for one in outcomes if one.code} == REFUSED
    assert [one.name for one in outcomes if one.pixels != "same"] == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("policy", ["basic", "research-longitudinal"])
def test_a_released_object_has_no_kind_of_dciodvfy_error_that_its_source_had_not(
    policy: str, realdata: Path, examiner: ModuleType
) -> None:
    one_of_each = examiner.files_of(realdata, 1)
    outcomes = examiner.examine(
        one_of_each, realdata, verify=True, policy=examiner.cleared_policy(policy)
    )
    assert len(outcomes) > 50
    assert {one.name: one.new_errors for one in outcomes if one.new_errors} == {}


def _suv_inputs(ds: Dataset) -> list[object]:
    drug = ds.RadiopharmaceuticalInformationSequence[0]
    start = (
        drug.get("RadiopharmaceuticalStartTime") or str(drug.RadiopharmaceuticalStartDateTime)[8:]
    )
    return [
        ds.PatientWeight, ds.Units, ds.DecayCorrection, ds.CorrectedImage, ds.SeriesTime,
        ds.AcquisitionTime, ds.RescaleSlope, ds.RescaleIntercept, start,
        drug.RadionuclideTotalDose, drug.RadionuclideHalfLife,
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
def test_what_suv_needs_survives_research_longitudinal(
    realdata: Path, release: Release, research: Policy
) -> None:
    folders = sorted((realdata / "PT").glob("suv-dro/*/PT"))
    folders.append(realdata / "PT/sts_001-ge-discovery-st")
    assert len(folders) == 6
    for folder in folders:
        ds = _read(_files(folder, 1)[0])
        out = pydicom.dcmread(io.BytesIO(release(ds, research).to_bytes()))
        assert _suv_inputs(out) == _suv_inputs(ds), folder.name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("folder", "group", "creator", "offset"),
    [
        ("MR/dcm_qa_nih-siemens-mosaic", 0x0019, "SIEMENS MR HEADER", 0x0A),
        ("MR/prostatex-0000-siemens-skyra/dwi_b50-400-800", 0x0019, "SIEMENS MR HEADER", 0x0C),
        ("MR/dcm_qa_nih-ge-epi", 0x0043, "GEMS_PARM_01", 0x39),
        ("MR/dcm_qa_philips-phantom-fmri", 0x2001, "Philips Imaging DD 001", 0x03),
        ("MR/dcm_qa_philips-phantom-fmri", 0x2005, "Philips MR Imaging DD 001", 0x0E),
    ],
)
def test_vendor_values_survive_where_the_source_has_them(
    folder: str, group: int, creator: str, offset: int,
    realdata: Path, release: Release, research: Policy,
) -> None:  # fmt: skip
    ds = _read(_files(realdata / folder, 1)[0])
    out = pydicom.dcmread(io.BytesIO(release(ds, research).to_bytes()))
    try:
        expected = ds.private_block(group, creator)[offset].value
    except KeyError:
        pytest.fail(f"{folder} holds no ({group:04x},{creator!r},{offset:02x}): choose another")
    assert out.private_block(group, creator)[offset].value == expected


def _pointed_at(ds: Dataset) -> set[str]:
    """Every instance that ``ds`` references, at any depth."""
    found = {str(ds.ReferencedSOPInstanceUID)} if "ReferencedSOPInstanceUID" in ds else set()
    for element in ds:
        for item in element.value if element.VR == "SQ" else ():
            found |= _pointed_at(item)
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("images", "pointer"),
    [
        ("CT/dcmqi-liver-ct-seg", "CT/dcmqi-liver-ct-seg"),
        ("PETCT/ibsi-sts_002/CT", "PETCT/ibsi-sts_002/RTSTRUCT"),
    ],
)
def test_segmentations_and_structure_sets_point_at_the_images_they_pointed_at(
    images: str, pointer: str, realdata: Path, release: Release, cleared: Policy
) -> None:
    found = [_read(path) for path in _files(realdata / images, 60)]
    sources = [ds for ds in found if ds.Modality == "CT"]
    new = {str(ds.SOPInstanceUID): release(ds, cleared).sop_uid for ds in sources}
    checked = 0
    for path in _files(realdata / pointer, 9):
        ds = _read(path)
        if ds.Modality not in {"SEG", "RTSTRUCT"}:
            continue
        before = _pointed_at(ds)
        after = _pointed_at(pydicom.dcmread(io.BytesIO(release(ds, cleared).to_bytes())))
        assert len(after) == len(before)
        assert {new[uid] for uid in before & set(new)} == after & set(new.values())
        checked += len(before)
    assert checked >= 3


@pytest.mark.filterwarnings("ignore")
def test_fabricated_patients_of_the_pseudo_phi_set_are_gone(
    realdata: Path, release: Release, research: Policy
) -> None:
    files = _files(realdata / "MR/pseudo-phi-siemens-vision", 10)
    identity = harvest_identity(_read(path) for path in files)
    names = [part for name in identity.names for part in re.split(r"\W+", name) if len(part) >= 4]
    assert names
    for path in files:
        data = release(_read(path), research, identity).to_bytes().lower()
        header = data[: data.find(b"\xe0\x7f\x10\x00")]
        assert [name for name in names if name.lower().encode() in header] == []
