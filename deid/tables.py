"""The tables this room works from: PS3.15 Table E.1-1, CID 7050 and our own additions, as rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

__all__ = ["Method", "Row", "also_acted_on", "methods", "read_csv", "read_lines", "table_rows"]


@dataclass(frozen=True)
class Row:
    """One row of Table E.1-1; ``columns`` holds the option columns that are not empty.

    ``tag`` is the 32-bit tag, or the pattern as printed for repeating and private groups.
    """

    tag: int | str
    keyword: str
    name: str
    basic: str
    columns: Mapping[str, str]
    vr: str


@dataclass(frozen=True)
class Method:
    """One code of CID 7050, the column of Table E.1-1 it switches on, if any, and what we do."""

    code: str
    meaning: str
    column: str
    here: str
    here_fr: str


def read_lines(name: str) -> list[str]:
    """Return the lines of a data file of this package, without its comments."""
    text = (files(__package__) / "data" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def read_csv(name: str) -> Iterable[dict[str, str]]:
    """Return the rows of a CSV data file of this package."""
    return csv.DictReader(read_lines(name))


@cache
def table_rows() -> tuple[Row, ...]:
    """Return the 656 rows of PS3.15 Table E.1-1, in the order of the standard."""
    return tuple(_row(record) for record in read_csv("ps3_15_table_e1_1.csv"))


def _row(record: dict[str, str]) -> Row:
    printed = record["tag"]
    hexadecimal = printed[1:5] + printed[6:10]
    tag: int | str = printed
    vr = ""
    if "X" not in printed and "odd" not in printed:
        tag = int(hexadecimal, 16)
        vr = dictionary_VR(tag) if dictionary_has_tag(tag) else ""
    options = list(record)[5:-1]
    columns = {name: record[name] for name in options if record[name]}
    return Row(tag, record["keyword"], record["name"], record["basic_profile"], columns, vr)


@cache
def methods() -> dict[str, Method]:
    """Return CID 7050 by code."""
    return {row["code"]: Method(**row) for row in read_csv("cid7050.csv")}


@cache
def also_acted_on() -> dict[int, tuple[str, str, str]]:
    """Return our additions to the table: tag -> (keyword, action, reason)."""
    found = {}
    for row in read_csv("also_acted_on.csv"):
        tag = tag_for_keyword(row["keyword"])
        if tag is None:
            raise ValueError(f"also_acted_on.csv: no attribute {row['keyword']}")
        found[tag] = (row["keyword"], row["action"], row["reason"])
    return found
