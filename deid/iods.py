"""The Type of an attribute in the IOD of a SOP class: what X/Z, X/D and Z/D depend on."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

__all__ = [
    "AttributeType",
    "attribute_type",
    "ever_required",
    "is_image",
    "is_known",
    "known_classes",
    "nested_types",
    "wanted_by",
]

AttributeType = Literal["1", "2", "3"]
"""Type (PS3.5 7.4) with 1C as 1 and 2C as 2; an attribute outside the IOD counts as 3."""


@cache
def _tables() -> Any:
    return json.loads((files(__package__) / "data" / "attribute_types.json").read_text())


def is_known(sop_class: str) -> bool:
    """Tell whether the IOD of ``sop_class`` is in the tables of PS3.3."""
    return sop_class in _tables()["sop_classes"]


def known_classes() -> tuple[str, ...]:
    """Return the UIDs of the SOP classes whose IOD is in the tables of PS3.3."""
    return tuple(_tables()["sop_classes"])


def is_image(sop_class: str) -> bool:
    """Tell whether the IOD of ``sop_class`` holds pixels."""
    tables = _tables()
    return "+image" in tables["iods"].get(tables["sop_classes"].get(sop_class, ""), ())


@lru_cache(maxsize=65536)
def attribute_type(sop_class: str, path: tuple[str, ...], keyword: str) -> AttributeType:
    """Return the strictest Type of ``keyword`` under the sequences ``path`` in any module.

    A content tree is as deep as one likes (PS3.3 C.17.3), so its repetitions count once. A path
    that no module prints (a macro inside a private sequence) is judged by its last sequence.
    """
    short = [name for i, name in enumerate(path) if i == 0 or name != path[i - 1]]
    full, _ = _strictest(sop_class, keyword, "/".join(short))
    if full == "3" and short:
        return _strictest(sop_class, keyword, "*/" + short[-1])[0]
    return full


def wanted_by(sop_class: str, keyword: str) -> tuple[AttributeType, str]:
    """Return the Type of ``keyword`` at the top of an object and the module that says so.

    No module stands for an attribute outside the IOD, or one whose Type decides nothing.
    """
    return _strictest(sop_class, keyword, "")


@cache
def ever_required() -> frozenset[str]:
    """Return the keywords that are Type 1 somewhere, of those that the tables carry."""
    modules = _tables()["modules"].values()
    return frozenset(
        keyword for types in modules for keyword, paths in types.items() if "1" in paths.values()
    )


def nested_types(sop_class: str, keyword: str) -> dict[tuple[str, ...], AttributeType]:
    """Return the strictest Type of ``keyword`` at every nested path that the IOD prints."""
    found: dict[tuple[str, ...], AttributeType] = {}
    for _, types in _modules(sop_class):
        for where, type_ in types.get(keyword, {}).items():
            if where:
                path = tuple(where.split("/"))
                found[path] = min(found.get(path, "3"), type_)
    return found


def _modules(sop_class: str) -> list[tuple[str, dict[str, dict[str, AttributeType]]]]:
    tables = _tables()
    iod = tables["sop_classes"].get(sop_class)
    return [(name, tables["modules"].get(name, {})) for name in tables["iods"].get(iod, ())]


def _strictest(sop_class: str, keyword: str, path: str) -> tuple[AttributeType, str]:
    """Return the strictest Type and its module; ``*/Name`` is under any path that ends so."""
    wanted = path.removeprefix("*/")
    found: list[tuple[AttributeType, str]] = []
    for module, types in _modules(sop_class):
        for where, type_ in types.get(keyword, {}).items():
            loose = path.startswith("*/") and where.rpartition("/")[2] == wanted
            if where == wanted or loose:
                found.append((type_, module))
    return min(found, key=lambda type_and_module: type_and_module[0], default=("3", ""))
