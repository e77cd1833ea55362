"""Make ``data/attribute_types.json``: the Types (PS3.5 7.4) that decide X/Z, X/D and Z/D.

Run ``python -m deid.make_types`` when highdicom brings a newer edition of PS3.3. Its module and
IOD tables are 23 MB and take a second to read, so only the attributes that Table E.1-1 leaves to
the IOD, those it removes although an IOD wants them present, and dates and names it does not
list, are carried along, and the texts outside the table that an IOD requires, which a policy may
deny (MIT; facts of the standard).
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword

from deid.make_allowed import TERMS
from deid.tables import table_rows

__all__ = ["main", "make"]

_TEXT_VRS = frozenset({"AE", "LO", "LT", "SH", "ST", "TM", "UC", "UR", "UT"})


def make() -> dict[str, Any]:
    """Return ``{sop_classes: uid -> iod, iods: iod -> [module], modules: module -> types}``.

    ``types`` maps keyword -> path of sequence keywords joined by ``/`` -> "1", "2" or "3";
    conditional Types count as required. An IOD lists ``+image`` when it holds pixels.
    """
    source = files("highdicom") / "_standard"
    names = ("module_attribute_map.json", "iod_module_map.json", "sop_class_iod_map.json")
    modules, iods, sop_classes = (json.loads((source / name).read_text()) for name in names)
    kept = {name: _types(attributes) for name, attributes in modules.items()}
    kept = {name: types for name, types in kept.items() if types}
    return {
        "sop_classes": dict(sorted(sop_classes.items())),
        "iods": {name: _modules(rows, kept) for name, rows in sorted(iods.items())},
        "modules": dict(sorted(kept.items())),
    }


def _modules(rows: list[dict[str, str]], kept: dict[str, Any]) -> list[str]:
    names = [row["key"] for row in rows]
    image = ["+image"] if any(name.endswith("image-pixel") for name in names) else []
    return image + [name for name in names if name in kept]


def _types(attributes: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    listed = {row.keyword: row.basic for row in table_rows()}
    found: dict[str, dict[str, str]] = {}
    for attribute in attributes:
        keyword, type_ = attribute["keyword"], attribute["type"][0].replace("N", "3")
        tag = tag_for_keyword(keyword)
        unlisted = keyword not in listed and tag is not None and _matters(keyword, tag, type_)
        basic = listed.get(keyword, "")
        # Not 1C or 2C: their condition may not hold.
        emptied = basic == "X" and attribute["type"] == "2"
        dummied = basic == "X" and attribute["type"] == "1" and _has_dummy(keyword)
        if "/" in basic or unlisted or emptied or dummied:
            paths = found.setdefault(keyword, {})
            path = "/".join(attribute["path"])
            paths[path] = min(paths.get(path, "3"), type_)
    return found


def _has_dummy(keyword: str) -> bool:
    """Tell whether a value that says nothing is valid; an offset from UTC has none."""
    tag = tag_for_keyword(keyword)
    return tag is not None and dictionary_VR(tag) in {"DA", "DT", "LO", "TM", "UT"}


def _matters(keyword: str, tag: int, type_: str) -> bool:
    """Tell whether an unlisted attribute may be taken out although an IOD wants it."""
    vr = dictionary_VR(tag)
    return vr in {"DA", "DT", "PN"} or (vr in _TEXT_VRS and type_ in "12" and keyword not in TERMS)


def main() -> None:
    """Write the file beside this module."""
    text = json.dumps(make(), separators=(",", ":"), sort_keys=True)
    (Path(__file__).parent / "data" / "attribute_types.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
