"""Read a YAML file into a settings model; every error names file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from config.errors import ConfigurationError

__all__ = ["load_yaml"]

Model = TypeVar("Model", bound=BaseModel)


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Return ``path`` validated as ``model``.

    Raises
    ------
    ConfigurationError
        ``CONFIG_UNREADABLE`` (no file, not YAML) or ``CONFIG_INVALID`` (wrong field or value);
        one line a problem, each with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigurationError("CONFIG_UNREADABLE", reason, file=path) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = mark.line + 1 if mark else None
        raise ConfigurationError(
            "CONFIG_UNREADABLE", str(error.problem), file=path, line=line
        ) from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise ConfigurationError("CONFIG_UNREADABLE", "not YAML text", file=path) from error
    problems = [f"{path}:{line}: {key}: given twice" for key, line in _given_twice(node)]
    if problems:
        raise ConfigurationError("CONFIG_INVALID", "\n".join(problems))
    try:
        return model.model_validate(data if data is not None else {})
    except ValidationError as error:
        problems = [_describe(path, node, dict(row)) for row in error.errors()]
        raise ConfigurationError("CONFIG_INVALID", "\n".join(problems)) from error


def _given_twice(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """Yield keys that a mapping holds twice: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
            yield from _given_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _given_twice(item)


def _describe(path: Path, root: yaml.Node | None, row: dict[str, Any]) -> str:
    """Return ``file:line: field: message`` for one of pydantic's errors."""
    location = tuple(row["loc"])
    line = _line_of(root, location, on_key=row["type"] in {"extra_forbidden", "missing"})
    field = ".".join(str(part) for part in location) or "(file)"
    message = "not a field of this file" if row["type"] == "extra_forbidden" else row["msg"]
    return f"{path}:{line}: {field}: {message}"


def _line_of(root: yaml.Node | None, location: tuple[int | str, ...], *, on_key: bool) -> int:
    """Return the 1-based line of a field, or of the nearest thing that holds it."""
    node = root
    line = root.start_mark.line + 1 if root else 1
    for depth, part in enumerate(location):
        if isinstance(node, yaml.MappingNode):
            pair = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if pair is None:
                continue  # pydantic names union branches in the location
            key, node = pair
            is_last = depth == len(location) - 1
            line = (key if on_key and is_last else node).start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
    return line
