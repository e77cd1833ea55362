"""Pixels cleaned on the way to a release, whatever reads the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels

from config.errors import PixelsNotCleared, RejectedError, UnsupportedObject
from config.library import find_policy
from config.policy import Policy
from deid.blank.region import Rectangle, for_frame
from deid.blank.shape import PixelShape
from deid.clean import Frames, Reading
from deid.engine import Deidentifier, silence
from deid.identity import harvest_one
from deid.keys import derive_keys
from deid.text.line import Found, Line
from pipelines.prepare.clean_pixels import PixelCleaner, PixelPlace
from pipelines.prepare.part10 import read_part10
from pipelines.prepare.read import read_header
from pipelines.prepare.release_files import Released, Releaser
from pipelines.prepare.sheet_spool import spool_refused, spooled
from pipelines.prepare.splice import write_pieces
from pipelines.prepare.study_faces import StudyFaces

pytestmark = [pytest.mark.realdata, pytest.mark.filterwarnings("ignore::UserWarning:pydicom")]

POLICY = find_policy("research-longitudinal")
CASES = {
    "native": "US/deid-data-philips-epiq5/GREYSCALE_IMAGE.dcm",
    "palette": "US/pydicom-data-philips-cx50/OBXXXX1A.dcm",
    "JPEG lossless": "US/pydicom-data-philips-epiq7/JPGLosslessP14SV1_1s_1f_8b.dcm",
    "JPEG-LS": "US/fo-dicom-philips-iu22/GH364.dcm",
    "RLE, two frames": "US/pydicom-data-philips-cx50/OBXXXX1A_rle_2frame.dcm",
    "capture": "CT/dcm_qa_ct-philips-exam-summary/exam_summary_patient_page.dcm",
}


class Boxes:
    """Takes for text whatever is not of one colour inside given boxes of a frame."""

    def __init__(self, *boxes: Rectangle, blind: bool = False) -> None:
        self._boxes, self._blind = boxes, blind

    def find(self, frames: Frames, shape: PixelShape, ds: Dataset) -> Reading:
        del shape, ds
        found, count = [], 0
        for index, frame in enumerate(frames()):
            count += 1
            for box in for_frame(self._boxes, index):
                part = frame.samples[
                    box.row_start : box.row_stop, box.column_start : box.column_stop
                ]
                if self._blind or np.ptp(part.reshape(-1, *part.shape[2:]), axis=0).any():
                    line = Line(box, "LEFEVRE", 1.0)
                    found.append(Found(line, keep=False, reason="identity"))
        return Reading(tuple(found), count)


@contextmanager
def releasing(
    path: Path, scratch: Path, finder: Boxes, policy: Policy = POLICY
) -> Iterator[Callable[[], Released]]:
    identity = harvest_one(read_header(path))
    engine = Deidentifier(policy, derive_keys(b"published test secret", "pixels"))
    place = PixelPlace(str(scratch), str(scratch / "faces"))
    cleaner, faces = PixelCleaner(policy, lambda: finder, place), StudyFaces(policy, place)
    with silence(), Releaser(engine, b"t" * 32, identity, cleaner, faces) as releaser:
        yield lambda: releaser.release(path, {}, is_plain=True)


def frames_of(path: Path) -> np.ndarray:
    return np.stack(list(iter_pixels(path, raw=True)))


@pytest.mark.parametrize("name", CASES)
def test_a_box_goes_and_every_sample_outside_it_stays(
    name: str, realdata: Path, tmp_path: Path
) -> None:
    source = realdata / CASES[name]
    box = Rectangle(100, 340, 100, 480)
    with releasing(source, tmp_path / "scratch", Boxes(box)) as release:
        made = release()
        target = tmp_path / "out.dcm"
        write_pieces(made.source, target, made.dataset.pieces)
        outside = made.pixels.look.blank
    before, after = frames_of(source), frames_of(target)
    mask = np.zeros(before.shape[1:3], bool)
    for r in (*outside, Rectangle(96, 344, 96, 484)):  # grown by the policy's four pixels
        mask[r.row_start : r.row_stop, r.column_start : r.column_stop] = True
    np.testing.assert_array_equal(before[:, ~mask], after[:, ~mask])
    assert (np.ptp(after[:, mask], axis=1) == 0).all()
    ds = pydicom.dcmread(target)
    assert ds.BurnedInAnnotation == "NO"
    assert "113101" in [item.CodeValue for item in ds.DeidentificationMethodCodeSequence]
    assert made.pixels.frames_read == 2 * len(before)  # once before, once after
    assert not (tmp_path / "scratch").exists() or not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize("name", ["JPEG-LS", "capture"])
def test_without_text_the_pixels_are_the_same_bytes(
    name: str, realdata: Path, tmp_path: Path
) -> None:
    source = realdata / CASES[name]
    with releasing(source, tmp_path / "scratch", Boxes()) as release:
        made = release()
        target = tmp_path / "out.dcm"
        write_pieces(made.source, target, made.dataset.pieces)
    assert made.source == source
    before, after = pydicom.dcmread(source), pydicom.dcmread(target)
    assert after.PixelData == before.PixelData
    assert after.BurnedInAnnotation == "NO"  # it was read, and held nothing
    assert not (tmp_path / "scratch").exists()


def test_text_that_a_second_reading_finds_is_not_released(realdata: Path, tmp_path: Path) -> None:
    source = realdata / CASES["native"]
    finder = Boxes(Rectangle(300, 340, 400, 480), blind=True)
    with (
        releasing(source, tmp_path / "scratch", finder) as release,
        pytest.raises(PixelsNotCleared, match="PIXELS_TEXT_LEFT") as caught,
    ):
        release()
    assert "LEFEVRE" not in str(caught.value)
    assert not list((tmp_path / "scratch").iterdir())


def test_what_is_left_is_shown_on_the_sheet_to_a_person(realdata: Path, tmp_path: Path) -> None:
    source = realdata / CASES["native"]
    finder = Boxes(Rectangle(300, 340, 400, 480), blind=True)
    place = PixelPlace(str(tmp_path / "scratch"), str(tmp_path / "faces"))
    cleaner = PixelCleaner(POLICY, lambda: finder, place)
    header = read_part10(source)
    assert header is not None
    with silence(), pytest.raises(PixelsNotCleared, match="PIXELS_TEXT_LEFT") as caught:
        cleaner.clean(source, header, cleaner.look(header.dataset()))
    folder = tmp_path / "sheet"
    folder.mkdir()
    spool_refused(folder, "7", source, caught.value, cleaner.refused)
    cleaner.close()
    (record,) = spooled(folder)
    assert (record.number, record.code) == ("7", "PIXELS_TEXT_LEFT")
    assert "LEFEVRE" in {found.line.text for found in record.found}
    assert record.before.startswith(b"\x89PNG")
    assert record.after.startswith(b"\x89PNG")
    assert record.after != record.before


def test_what_only_a_second_compression_could_blank_is_refused(
    realdata: Path, tmp_path: Path
) -> None:
    source = next((realdata / "TS/pylibjpeg-data").glob("CT1_JLSN*"))
    ds = pydicom.dcmread(source)
    ds.BurnedInAnnotation = "YES"
    path = tmp_path / "marked.dcm"
    ds.save_as(path)
    with (
        releasing(path, tmp_path / "scratch", Boxes(Rectangle(200, 300, 200, 300))) as release,
        pytest.raises(UnsupportedObject, match="BLANK_LOSSY_SYNTAX"),
    ):
        release()


def test_a_broken_object_is_refused_for_what_is_broken_before_it_is_read(
    realdata: Path, tmp_path: Path
) -> None:
    data = (realdata / CASES["native"]).read_bytes()
    path = tmp_path / "cut.dcm"
    path.write_bytes(data[: len(data) // 2])
    with releasing(path, tmp_path / "scratch", Boxes()) as release, pytest.raises(RejectedError):
        release()


def test_a_scanner_s_original_is_not_read_at_all(realdata: Path, tmp_path: Path) -> None:
    source = next(p for p in sorted((realdata / "CT/crlm-1004-ge-lightspeed16").rglob("*.dcm")))
    with releasing(source, tmp_path / "scratch", Boxes(blind=True)) as release:
        made = release()
    assert made.pixels.look.decision == "not_needed"
    assert made.pixels.frames_read == 0
    assert "113101" not in made.dataset.steps
