"""Two policies side by side: the attributes that they treat differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from config.policy import Policy
from deid.explain import explain_lines
from deid.rules import resolve_policy

__all__ = ["Difference", "difference_table", "policy_differences"]


@dataclass(frozen=True)
class Difference:
    """One attribute that the first policy treats otherwise than the second."""

    tag: str
    attribute: str
    first: str
    second: str


def policy_differences(
    first: Policy, second: Policy, sop_class: str | None = None
) -> list[Difference]:
    """Return what differs, in the order of Table E.1-1; first what concerns the unlisted.

    Parameters
    ----------
    first, second : Policy
        The policies.
    sop_class : str, optional
        A SOP class UID by whose IOD compound actions are settled.
    """
    found = []
    for words, one, two in _settings(first, second):
        if one != two:
            found.append(Difference("", words, one, two))
    lines = [
        {(line.tag, line.attribute): line.here for line in explain_lines(policy, sop_class)}
        for policy in (first, second)
    ]
    absent = "as every attribute outside the table"
    for key in [*lines[0], *(key for key in lines[1] if key not in lines[0])]:
        one, two = lines[0].get(key, absent), lines[1].get(key, absent)
        if one != two:
            found.append(Difference(*key, one, two))
    return found


def difference_table(names: tuple[str, str], found: Sequence[Difference]) -> str:
    """Return the differences as Markdown."""
    if not found:
        return f"`{names[0]}` and `{names[1]}` treat every attribute alike.\n"
    lines = [f"| tag | attribute | `{names[0]}` | `{names[1]}` |", "|---|---|---|---|"]
    lines += [f"| {d.tag} | {d.attribute} | {d.first} | {d.second} |" for d in found]
    return "\n".join(lines) + "\n"


def _settings(first: Policy, second: Policy) -> list[tuple[str, str, str]]:
    one, two = resolve_policy(first), resolve_policy(second)
    denied = "denied unless allow-listed"
    return [
        (
            "attributes outside the table",
            "kept" if one.allowed is None else denied,
            "kept" if two.allowed is None else denied,
        ),
        ("words outside the vocabulary", first.unknown_words, second.unknown_words),
        ("ages", f"over {first.oldest_age_years} capped", f"over {second.oldest_age_years} capped"),
        *(
            (f"option {code}", _yes(code in one.options), _yes(code in two.options))
            for code in ("113101", "113102")
        ),
    ]


def _yes(value: bool) -> str:  # noqa: FBT001, one word for one fact
    return "asked for" if value else "no"
