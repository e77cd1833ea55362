"""Write a review sheet: one HTML page without script, record by record, in the identified zone."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from config.codes import explain_code
from config.errors import ConfigurationError
from config.files import whole_file
from pipelines.prepare.review_sheet.records import SheetHead, SheetRecord
from pipelines.prepare.review_sheet.sealing import SealedStream

__all__ = ["SheetMade", "sheet_path", "verify_sheet", "write_sheet"]

_FOOT = b'<section class="sign">'


@dataclass(frozen=True)
class SheetMade:
    """A written sheet; holds nothing of a patient.

    ``content_sha256`` stands on the page above the signature; ``sha256`` is of the file.
    """

    path: Path
    instances: int
    content_sha256: str
    sha256: str
    sealed: bool


@dataclass
class _Tally:
    instances: int = 0
    blanked: int = 0
    kept: int = 0
    decisions: Counter[str] = field(default_factory=Counter)

    def add(self, record: SheetRecord) -> None:
        kept = sum(found.keep for found in record.found)
        self.instances += 1
        self.kept += kept
        self.blanked += len(record.found) - kept
        self.decisions[record.decision] += 1


class _Hashed:
    """Hands bytes on and keeps their digest."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.digest.update(data)
        self._target.write(data)


def sheet_path(identified_root: Path, name: str) -> Path:
    """Return where the sheet ``name`` lies in the identified zone."""
    return identified_root / "sheets" / f"{name}.html"


def write_sheet(
    path: Path,
    head: SheetHead,
    records: Iterable[SheetRecord],
    identified_root: Path,
    *,
    holder: bytes | None = None,
) -> SheetMade:
    """Write a sheet with mode 0600, whole or not at all; one record is in memory at a time.

    Equal records give equal bytes, except of a sealed sheet.

    Parameters
    ----------
    path : Path
        Inside the identified zone; with ``holder`` the file is called ``<path>.sealed``.
    holder : bytes or None
        Public X25519 key (:func:`pipelines.vault.keyfiles.read_public`) of the only person who may
        open it; None leaves it readable for the owner of the zone.

    Raises
    ------
    ConfigurationError
        ``SHEET_OUTSIDE_ZONE``.
    EnvironmentFault
        When the disk is full or read-only; nothing half-written stays behind.
    """
    if not path.resolve().is_relative_to(identified_root.resolve()):
        raise ConfigurationError("SHEET_OUTSIDE_ZONE", "the path of the review sheet")
    target = path if holder is None else path.with_name(path.name + ".sealed")
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(target, mode=0o600) as stream:
        file = _Hashed(stream)
        sealed = SealedStream(file, holder) if holder is not None else None  # type: ignore[arg-type]
        content = _Hashed(sealed or file)
        tally = _write_body(content, head, records)
        digest = content.digest.hexdigest()
        content.write(_foot(tally, digest))
        if sealed is not None:
            sealed.finish()
    return SheetMade(target, tally.instances, digest, file.digest.hexdigest(), holder is not None)


def verify_sheet(page: bytes) -> bool:
    """Tell whether a page is, down to its signature block, what its own digest says."""
    above, found, foot = page.rpartition(_FOOT)
    digest = hashlib.sha256(above).hexdigest()
    return bool(found) and f"<code>{digest}</code>".encode() in foot


def _write_body(out: _Hashed, head: SheetHead, records: Iterable[SheetRecord]) -> _Tally:
    style = (files(__package__) / "sheet.css").read_text(encoding="utf-8")
    style_hash = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = _templates().get_template("head.html.j2")
    out.write(page.render(head=head, style=Markup(style), style_hash=style_hash).encode())  # noqa: S704 - our own file
    tally = _Tally()
    for record in records:
        tally.add(record)
        out.write(_article(record))
    return tally


def _article(record: SheetRecord) -> bytes:
    words = _words()
    reasons = words["reasons"]
    pictures = [
        (name, base64.b64encode(png).decode())
        for name, png in (("before / avant", record.before), ("after / après", record.after))
        if png
    ]
    html = (
        _templates()
        .get_template("record.html.j2")
        .render(
            record=record,
            decision=_said(words["decisions"], record.decision),
            said=explain_code(record.code) if record.code else None,
            pictures=pictures,
            lines=[(found, _said(reasons, found.reason)) for found in record.found],
        )
    )
    return html.encode("utf-8", "replace")


def _foot(tally: _Tally, digest: str) -> bytes:
    words = _words()["decisions"]
    decisions = [(_said(words, name), count) for name, count in sorted(tally.decisions.items())]
    page = _templates().get_template("foot.html.j2")
    return page.render(tally=tally, decisions=decisions, digest=digest).encode()


def _said(words: Mapping[str, Mapping[str, str]], name: str) -> Mapping[str, str]:
    return words.get(name, {"en": name, "fr": name})


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("pipelines.prepare.review_sheet", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _words() -> Any:
    text = (files(__package__) / "words.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)
