"""The answer key: checks in the form of MIDI-B, and the secrets that the raw bytes may not hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = [
    "ACTIONS",
    "ADDED",
    "REMOVAL",
    "VALIDITY",
    "Check",
    "KeyObject",
    "Secret",
    "read_key",
    "write_key",
]

REMOVAL = ("<text_removed>", "<date_shifted>", "<uid_changed>", "<pixels_hidden>")
"""Actions of MIDI-B that deleting satisfies; all others are retention."""
ACTIONS = (
    "<tag_retained>", "<text_notnull>", "<text_retained>", "<text_removed>", "<date_shifted>",
    "<uid_changed>", "<uid_consistent>", "<patid_consistent>", "<pixels_hidden>",
    "<pixels_retained>",
)  # fmt: skip
VALIDITY = ("<iod_valid>", "<codes_honest>")
"""Actions on the object as such: neither removal nor retention."""
ADDED = (
    "<iod_valid>", "<codes_honest>", "<private_safe_kept>", "<suv_computable>", "<sr_tree_valid>",
)  # fmt: skip
_CATEGORY = {
    "<text_removed>": "hipaa", "<date_shifted>": "hipaa", "<uid_changed>": "hipaa",
    "<pixels_hidden>": "hipaa", "<tag_retained>": "dicom", "<text_notnull>": "dicom",
    "<uid_consistent>": "dicom", "<patid_consistent>": "dicom", "<iod_valid>": "dicom",
    "<codes_honest>": "dicom", "<sr_tree_valid>": "dicom", "<private_safe_kept>": "dicom",
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One thing to check of one object.

    ``needs`` is the option under which a retention is due, ``unless`` the one under which a
    removal is not; "" is always.
    """

    tag_ds: str
    tag_name: str
    value: str
    action: str
    action_text: str = ""
    needs: str = ""
    unless: str = ""

    def due(self, options: frozenset[str]) -> bool:
        """Tell whether a policy with these options must satisfy the check."""
        return (not self.needs or self.needs in options) and self.unless not in options


@dataclass(frozen=True)
class Secret:
    """A planted string and where it was planted."""

    text: str
    place: str
    kind: str
    unless: str = ""


@dataclass(frozen=True)
class KeyObject:
    """One object of the cohort with its checks and its secrets."""

    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    modality: str
    checks: tuple[Check, ...]
    secrets: tuple[Secret, ...]


_SCHEMA = """
create table answer_data (PatientID text, StudyInstanceUID text, SeriesInstanceUID text,
  SOPInstanceUID text primary key, SOPClassUID text, Modality text, AnswerData text, scope text);
create table planted (SOPInstanceUID text, place text, kind text, unless text, value text);
"""


def write_key(objects: Iterable[KeyObject], path: Path) -> None:
    """Write the key as SQLite: MIDI's table ``answer_data``, and ours, ``planted``."""
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as base, base:
        base.executescript(_SCHEMA)
        for one in objects:
            checks = {str(n): _as_answer(check) for n, check in enumerate(one.checks)}
            head = (one.patient_id, one.study_uid, one.series_uid, one.sop_uid)
            text = json.dumps(checks, ensure_ascii=False)
            row = (*head, one.sop_class, one.modality, text, "<Instance>")
            base.execute("insert into answer_data values (?,?,?,?,?,?,?,?)", row)
            base.executemany(
                "insert into planted values (?,?,?,?,?)",
                [(one.sop_uid, s.place, s.kind, s.unless, s.text) for s in one.secrets],
            )


def read_key(path: Path) -> Iterator[KeyObject]:
    """Yield the objects of a key."""
    with closing(sqlite3.connect(path)) as base:
        for row in base.execute("select * from answer_data order by SOPInstanceUID").fetchall():
            planted = base.execute(
                "select value, place, kind, unless from planted where SOPInstanceUID = ?"
                " order by rowid",
                (row[3],),
            ).fetchall()
            checks = tuple(_from_answer(answer) for answer in json.loads(row[6]).values())
            yield KeyObject(
                row[0], row[1], row[2], row[3], row[4], row[5],
                checks, tuple(Secret(*p) for p in planted),
            )  # fmt: skip


def _as_answer(check: Check) -> dict[str, object]:
    """Return a check as MIDI writes it, each value between angle brackets."""
    last = check.tag_ds.rpartition("]")[2] or check.tag_ds
    plain = asdict(check)
    category = {_CATEGORY.get(check.action, "tcia"): check.action.strip("<>")}
    return {
        "tag": last,
        "tag_ds": check.tag_ds,
        "tag_name": f"<{check.tag_name}>",
        "value": f"<{check.value}>",
        "action": check.action,
        "action_text": f"<{check.action_text}>",
        "answer_category_v2": category,
        "needs": plain["needs"],
        "unless": plain["unless"],
    }


def _from_answer(answer: dict[str, str]) -> Check:
    return Check(
        answer["tag_ds"],
        answer["tag_name"][1:-1],
        answer["value"][1:-1],
        answer["action"],
        answer["action_text"][1:-1],
        answer.get("needs", ""),
        answer.get("unless", ""),
    )
