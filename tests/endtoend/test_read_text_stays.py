"""What is read in pixels is on the review sheet, and nowhere else: no log, report, error, file."""

from __future__ import annotations

import html
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

import cli
from tests.support.letters import letters

WORDS = ("QUOLBEXANDRE Odilon", "Ward Tz 73194056", "RENDEZVOUS 2187")
"""No word of these stands in a header, a policy or a message."""
SHAPE = (160, 420)
SHORTEST = 4
CELL = re.compile(r'<td class="text">(.*?)</td>')


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Every record of every logger, as text, from the lowest level up."""
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"{record.getMessage()} {record.args!r} {record.exc_info!r}")

    root, handler = logging.getLogger(), Handler(level=1)
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    yield said
    root.removeHandler(handler)
    root.setLevel(before)


def capture(path: Path, words: str, number: int) -> None:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.7", "OT"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    ds.SOPInstanceUID = f"1.2.3.4.5.{number}"
    ds.PatientName, ds.PatientID, ds.StudyDate = "MARTIN^Zoe", "42", "20240102"
    ds.ImageType, ds.ConversionType = ["DERIVED", "SECONDARY"], "WSD"
    ds.Rows, ds.Columns = SHAPE
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    cover = letters(words, 26, SHAPE, (60, 30))
    ds.add_new(0x7FE00010, "OB", (cover * 255).astype(np.uint8).tobytes())
    ds.save_as(path, enforce_file_format=True)


def forms(text: str) -> set[bytes]:
    """A text as bytes in the encodings that files and logs have, whole and in capitals."""
    return {
        form.encode(encoding, "ignore")
        for form in (text, text.upper(), text.lower())
        for encoding in ("utf-8", "utf-16-le", "utf-16-be", "latin-1")
    }


def test_what_is_read_is_on_the_sheet_and_nowhere_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    logged: list[str],
) -> None:
    source, target, home = tmp_path / "in", tmp_path / "out", tmp_path / "accordage-home"
    source.mkdir()
    for number, words in enumerate(WORDS):
        capture(source / f"{number}.dcm", words, number)
    command = ["accordage", "deid", str(source), str(target), "--policy", "research-longitudinal"]
    monkeypatch.setattr(sys, "argv", [*command, "--review-sheet"])
    with pytest.raises(SystemExit):
        cli.main()
    printed = capfd.readouterr()
    (sheet,) = home.rglob("sheets/*.html")
    read = {html.unescape(cell) for cell in CELL.findall(sheet.read_text(encoding="utf-8"))}
    assert any("QUOLBEXANDRE" in text.upper() for text in read)
    looked_for = {text for text in read | set(WORDS) if len(text) >= SHORTEST}
    looked_for |= {part for text in looked_for for part in text.split() if len(part) >= SHORTEST}
    files = {
        path: path.read_bytes()
        for folder in (target, home)
        for path in folder.rglob("*")
        if path.is_file() and path != sheet
    }
    assert len(files) > len(WORDS)
    said = {"printed": f"{printed.out}{printed.err}".encode(), "logged": "\n".join(logged).encode()}
    names = {"names": "\n".join(str(path) for path in files).encode()}
    for place, content in (*files.items(), *said.items(), *names.items()):
        leaked = sum(form in content for text in looked_for for form in forms(text))
        assert not leaked, f"{leaked} texts in {getattr(place, 'name', place)}"
