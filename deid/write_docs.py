"""Write what the documents generate from the code: ``python -m deid.write_docs``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from config.library import find_policy, names
from deid.allowed import allowed_tags
from deid.annex_fr import annex
from deid.explain import explain
from deid.hunt import Hunter
from deid.identity import Identity
from deid.iods import known_classes
from deid.tables import also_acted_on, methods, read_csv, read_lines, table_rows

__all__ = ["BLOCKS", "filled", "main"]

_ROOT = Path(__file__).resolve().parent.parent
_MARKER = "<!-- generated: deid.explain, research-longitudinal -->\n\n"


def filled(text: str) -> str:
    """Return a document with every generated part made anew.

    A part lies between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``; the resolved policy
    is all that follows its own marker.
    """
    written = text.partition(_MARKER)[0]
    for name, make in BLOCKS.items():
        opens, closes = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        before, _, rest = written.partition(opens)
        _, _, after = rest.partition(closes)
        written = f"{before}{opens}\n" + "\n".join(make()) + f"\n\n{closes}{after}"
    return written + _MARKER + explain(find_policy("research-longitudinal"))


def _policies() -> Iterator[str]:
    yield "| policy | what | options | outside the table | ages over |"
    yield "|---|---|---|---|---|"
    for name in names("policies"):
        policy = find_policy(name)
        options = " ".join(policy.options) or "none"
        kept = "denied unless allow-listed" if policy.unlisted == "deny" else "kept, cleaned"
        oldest = policy.oldest_age_years or "kept"
        yield f"| `{name}` | {policy.title} | {options} | {kept} | {oldest} |"


def _options() -> Iterator[str]:
    rows = table_rows()
    yield "| code | option | attributes in its column | here |"
    yield "|---|---|---|---|"
    for code, method in methods().items():
        count = sum(method.column in row.columns for row in rows) if method.column else 0
        shown = str(len(rows) if code == "113100" else count or "none")
        yield f"| {code} | {method.meaning} | {shown} | {method.here} |"


def _tables() -> Iterator[str]:
    safe = list(read_csv("safe_private_elements.csv"))
    of_standard = sum(row["in_ps3_15_e3_10_1"] == "True" for row in safe)
    terms = read_lines("standard_terms.txt")
    creators = len({row["private_creator"] for row in safe})
    for what, count in (
        ("attributes of PS3.15 Table E.1-1", len(table_rows())),
        ("attributes beyond it that are acted on too", len(also_acted_on())),
        ("SOP classes whose IOD settles X/Z, X/D and Z/D", len(known_classes())),
        (f"private elements known to be safe, of {creators} creators", len(safe)),
        ("of these in PS3.15 Table E.3.10-1", of_standard),
        ("technical attributes that `unlisted: deny` lets stay", len(allowed_tags())),
        ("terms of the standard, all that their enumerated values may say", len(terms)),
    ):
        yield f"* {count:,} {what}"


def _patterns() -> Iterator[str]:
    hunter = Hunter(Identity(), institutions=True)
    yield "| looks like | invented text | what is left |"
    yield "|---|---|---|"
    for row in read_csv("pattern_examples.csv"):
        left = hunter.clean(row["text"], patterns=True)
        yield f"| {row['kind']} | `{row['text']}` | `{left}` |"


BLOCKS: dict[str, Callable[[], Iterator[str]]] = {
    "policies": _policies,
    "options": _options,
    "tables": _tables,
    "patterns": _patterns,
}
"""The generated parts of the document, in its order."""


def main() -> None:
    """Write the generated parts of ``docs/deidentification.md`` and the French annex."""
    path = _ROOT / "docs" / "deidentification.md"
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    policy = find_policy("research-longitudinal")
    (_ROOT / "docs" / "deidentification.fr.md").write_text(annex(policy), encoding="utf-8")


if __name__ == "__main__":
    main()
