"""Reads a list line by line: CSV or Excel, every line kept, what a spreadsheet broke noticed."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import yaml

from config.asked import AskedList
from config.errors import ConfigurationError

__all__ = ["Line", "batches", "read_lines"]

_COLUMNS = ("accession", "patient", "study_date", "site")
_SH_CHARACTERS, _LO_CHARACTERS = 16, 64  # PS3.5 Table 6.2-1
_WRITTEN_DATES = ("%Y-%m-%d", "%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y")
_ZEROS = re.compile(r"0{2,}")
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?[eE]\+?\d+")


@dataclass(frozen=True)
class Line:
    """One line of a list. Identified: stays in the hospital's zone; prints its number only."""

    number: int
    """Line of the file, from 1; the headings are line 1."""
    accession: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    study_date: str = field(default="", repr=False)
    """YYYYMMDD, empty when none is given."""
    site: str = ""
    shown: str = field(default="", repr=False)
    """The number as the sheet's format shows it, when that has leading zeros the value lost."""
    problem: str = ""
    """Why the line cannot be asked for; empty when it can. Quotes nothing of it."""


@dataclass(frozen=True)
class _Cell:
    text: str
    shown: str = ""
    problem: str = ""


def read_lines(path: Path, settings: AskedList) -> Iterator[Line]:
    """Yield every line below the headings that is not empty, in order, never all at once.

    Raises
    ------
    ConfigurationError
        ``LIST_UNREADABLE`` or ``LIST_COLUMN_MISSING``.
    """
    rows = _sheet(path, settings.sheet) if path.suffix.lower() == ".xlsx" else _csv(path)
    heading = next(rows, None)
    if heading is None:
        raise ConfigurationError("LIST_UNREADABLE", "no line in it", file=path)
    places = _places([cell.text for cell in heading[1]], settings, path)
    for number, cells in rows:
        if any(cell.text for cell in cells):
            yield _line(number, cells, places)


def _places(heading: Sequence[str], settings: AskedList, path: Path) -> dict[str, int]:
    """Return the index of each column there is."""
    plain = [_plain(text) for text in heading]
    places: dict[str, int] = {}
    for column in _COLUMNS:
        named = getattr(settings, column)
        known = [_plain(named)] if named else _headings()[column]
        found = [index for index, text in enumerate(plain) if text in known]
        if len(found) > 1 or (named and not found):
            problem = "twice" if found else "not there"
            raise ConfigurationError("LIST_COLUMN_MISSING", f"{column}: {problem}", file=path)
        places |= dict.fromkeys([column], found[0]) if found else {}
    if not {"accession", "patient"} & set(places):
        raise ConfigurationError("LIST_COLUMN_MISSING", "accession or patient", file=path)
    return places


@cache
def _headings() -> Mapping[str, list[str]]:
    table = files(__package__).joinpath("headings.yaml").read_text(encoding="utf-8")
    return {
        column: [_plain(one) for one in names] for column, names in yaml.safe_load(table).items()
    }


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(bare.replace("_", " ").lower().split())


def _line(number: int, cells: Sequence[_Cell], places: Mapping[str, int]) -> Line:
    """Return a line with what is wrong with it, if anything is."""
    got = {
        column: cells[index] if index < len(cells) else _Cell("")
        for column, index in places.items()
    }
    accession, patient = got.get("accession", _Cell("")), got.get("patient", _Cell(""))
    day, date_problem = _day(got.get("study_date", _Cell("")).text)
    asked = accession if accession.text else patient
    longest = _SH_CHARACTERS if accession.text else _LO_CHARACTERS
    problem = next(
        filter(None, (accession.problem, patient.problem, date_problem, _unusable(asked, longest))),
        "",
    )
    site = got.get("site", _Cell("")).text.lower()
    return Line(number, accession.text, patient.text, day, site, asked.shown, problem)


def _unusable(cell: _Cell, longest: int) -> str:
    if not cell.text:
        return "no accession number and no patient number"
    if len(cell.text) > longest:
        return f"longer than {longest} characters"
    if set(cell.text) & set("*?\\") or not cell.text.isprintable():
        return "a character that no number has"
    return "" if any(c.isalnum() for c in cell.text) else "no letter and no digit"


def _day(text: str) -> tuple[str, str]:
    """Return (YYYYMMDD, what is wrong with it); a year of two digits is not guessed."""
    if not text:
        return "", ""
    for written in _WRITTEN_DATES:
        try:
            found = datetime.strptime(text.split(" ", maxsplit=1)[0], written)  # noqa: DTZ007 a date alone
        except ValueError:
            continue
        if 1900 <= found.year <= 2100:
            return f"{found:%Y%m%d}", ""
    return "", "a date that is not written as 2024-01-31, 31/01/2024 or 20240131"


def _csv(path: Path) -> Iterator[tuple[int, list[_Cell]]]:
    """Yield (line, cells); UTF-8, else Windows-1252 as Excel writes it."""
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as stream:
            first = stream.readline()
            delimiter = max(";,\t|", key=first.count)
            reader = csv.reader(chain([first], stream), delimiter=delimiter)
            for cells in reader:
                if any("\n" in one for one in cells):  # else it may swallow thousands of lines
                    line = reader.line_num
                    raise ConfigurationError(
                        "LIST_UNREADABLE", "a quotation mark is not closed", file=path, line=line
                    )
                yield reader.line_num, [_text_cell(one) for one in cells]
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigurationError("LIST_UNREADABLE", reason, file=path) from None


def _encoding(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            while stream.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    except OSError as error:
        raise ConfigurationError("LIST_UNREADABLE", error.strerror or "", file=path) from None
    return "utf-8-sig"


def _text_cell(raw: str) -> _Cell:
    """Return what a CSV field says; ``="0012"`` is how Excel is told to keep zeros."""
    text = raw.strip().strip("\u00a0").strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    if _SCIENTIFIC.fullmatch(text):
        return _Cell(text, problem="a number in scientific notation: its last digits are lost")
    return _Cell(text)


def _sheet(path: Path, sheet: str | None) -> Iterator[tuple[int, list[_Cell]]]:
    """Yield (row, cells) of an Excel file, read in a stream."""
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise ConfigurationError("LIST_UNREADABLE", type(error).__name__, file=path) from None
    try:
        if sheet is not None and sheet not in book.sheetnames:
            raise ConfigurationError("LIST_UNREADABLE", "no such sheet", file=path)
        chosen = book[sheet] if sheet else book.worksheets[0]
        for number, row in enumerate(chosen.iter_rows(), start=1):
            yield number, [_excel_cell(cell.value, cell.number_format) for cell in row]
    finally:
        book.close()


def _excel_cell(value: Any, number_format: str) -> _Cell:
    """Return a cell's text; a number has lost its leading zeros, and its format may show them."""
    if value is None or isinstance(value, bool):
        return _Cell("")
    if isinstance(value, datetime | date):
        return _Cell(f"{value:%Y%m%d}")
    if not isinstance(value, int | float):
        return _text_cell(str(value))
    if isinstance(value, float) and not value.is_integer():
        return _Cell(str(value), problem="a number with a fraction")
    if abs(value) >= 10**15:  # a double holds 15 digits; Excel fills the rest with zeros
        return _Cell(str(int(value)), problem="a number of over 15 digits: its last ones are lost")
    text = str(int(value))
    shown = ""
    if _ZEROS.fullmatch(number_format or ""):
        shown = text.zfill(len(number_format))
    return _Cell(text, shown if shown != text else "")


def batches(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """Yield lists of at most ``size`` lines."""
    rest = iter(lines)
    while batch := list(islice(rest, size)):
        yield batch
