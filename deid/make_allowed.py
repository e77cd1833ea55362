"""Make ``data/allowed_attributes.csv`` from the modules of PS3.3: ``python -m deid.make_allowed``.

Two kinds of attributes outside Table E.1-1: those that some IOD requires (Types 1, 1C, 2, 2C), and
all of the modules in ``data/technical_modules.csv``. Neither text, names, dates nor bulk bytes are
taken in, but for the few texts whose values the standard prints. The modules are highdicom's (MIT;
facts of the standard).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from pydicom.datadict import dictionary_VR, tag_for_keyword

from deid.tables import read_csv, read_lines, table_rows

__all__ = ["TERMS", "main", "make"]

_NEVER = frozenset({"AE", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT", "UN"})
TERMS = frozenset({
    "CodeMeaning", "CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "LongCodeValue",
    "ModalityLUTType", "RescaleType", "URNCodeValue",
})  # fmt: skip
"""Texts with defined terms: their values are checked (PS3.3 8.8, C.11.1.1.2)."""


def make() -> str:
    """Return the file's text: one line an attribute, with the first module that has it."""
    lines = [f"{module},{keyword}" for keyword, module in sorted(_found().items())]
    head = [line for line in _HEAD.splitlines() if line]
    return "\n".join([*head, "module,keyword", *sorted(lines)]) + "\n"


_HEAD = """
# Attributes outside PS3.15 Table E.1-1 that stay under `unlisted: deny`, by module of PS3.3.
# Made by `python -m deid.make_allowed`; what is not here is removed.
"""


def _found() -> dict[str, str]:
    source = files("highdicom") / "_standard"
    names = ("module_attribute_map.json", "iod_module_map.json", "sop_class_iod_map.json")
    modules, iods, sop_classes = (json.loads((source / name).read_text()) for name in names)
    used = sorted({row["key"] for iod in set(sop_classes.values()) for row in iods[iod]})
    technical = frozenset(row["module"] for row in read_csv("technical_modules.csv"))
    found: dict[str, str] = {}
    for is_technical in (True, False):
        for module in used:
            if (module in technical) is is_technical:
                for keyword in _of_module(modules.get(module, []), is_technical=is_technical):
                    found.setdefault(keyword, module)
    return found


def _of_module(attributes: list[dict[str, str]], *, is_technical: bool) -> Iterator[str]:
    listed = {row.tag for row in table_rows()}
    denied = frozenset(read_lines("never_allowed.txt"))
    for attribute in attributes:
        keyword = attribute["keyword"]
        tag = tag_for_keyword(keyword)
        if tag is None or tag in listed or keyword in denied:
            continue
        vr = dictionary_VR(tag)
        is_wanted = is_technical or attribute["type"][0] in "12"
        if is_wanted and (keyword in TERMS or not _NEVER & set(vr.split(" or "))):
            yield keyword


def main() -> None:
    """Write the file beside this module."""
    path = Path(__file__).parent / "data" / "allowed_attributes.csv"
    path.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
