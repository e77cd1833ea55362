"""The table of codes as a page for people: ``docs/codes.md`` is exactly this text."""

from __future__ import annotations

from config.codes import Code, codes

__all__ = ["codes_markdown"]

HEAD = """# Codes

<!-- Made from config/codes/*.yaml by `python -m config.codes.render > docs/codes.md`. -->

What is refused, flagged or stopped says so with one of these codes, in `accordage status`, in
`requests.parquet` and `manifest.parquet` of a release, in the report and on the command line.

*Tout ce qui est refusé, signalé ou interrompu l'est sous l'un de ces codes : dans
`accordage status`, dans les fichiers `requests.parquet` et `manifest.parquet` d'une livraison, dans
le rapport et en ligne de commande.*
"""

SECTIONS = {
    "outcome": ("Outcomes", "Issues", "what became of a study that was asked for"),
    "refusal": ("Refusals", "Refus", "quarantined or not delivered, never tried again by itself"),
    "flag": ("Flags", "Signalements", "goes on, with something to look at"),
    "stop": ("Stops", "Arrêts", "the command ends; mend the cause and run it again"),
}
"""Kind -> English heading, French heading, what it means."""


def codes_markdown() -> str:
    """Return the page of all codes, by kind and name, in English and French."""
    parts = [HEAD]
    for kind, (english, french, meaning) in SECTIONS.items():
        rows = sorted((c for c in codes().values() if c.kind == kind), key=lambda c: c.code)
        parts.append(f"\n## {english} / {french}\n\n{meaning.capitalize()}.\n")
        parts += [_entry(code) for code in rows]
    return "".join(parts)


def _entry(code: Code) -> str:
    return (
        f"\n### {code.code}\n\n"
        f"{_line(code.en)} *{_line(code.next_en)}*\n\n"
        f"{_line(code.fr)} *{_line(code.next_fr)}*\n"
    )


def _line(text: str) -> str:
    """Return a sentence on one line, with nothing Markdown would take for emphasis."""
    return " ".join(text.split()).replace("*", r"\*")


if __name__ == "__main__":
    import sys

    sys.stdout.write(codes_markdown())
