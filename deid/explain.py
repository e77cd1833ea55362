"""A policy as people and programs read it: what is done with every attribute, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from config.base import fingerprint
from config.policy import Policy
from deid.iods import is_known, nested_types, wanted_by
from deid.rules import Rule, Rules, resolve_policy, settle
from deid.tables import methods, table_rows

__all__ = ["Line", "explain", "explain_data", "explain_lines", "settings_lines"]

_WORDS = {
    "X": "removed",
    "Z": "emptied",
    "D": "dummy value",
    "U": "UID replaced",
    "keep": "kept",
    "text": "text cleaned",
    "content": "kept; what it holds is treated",
}
_PATTERNS = {
    "(50XX,XXXX)": "removed",
    "(60XX,3000)": "removed, with its whole overlay plane",
    "(60XX,4000)": "removed, with its whole overlay plane",
    "(GGGG(odd),EEEE)": "removed",
}
_SHOWN_PATHS = 3


@dataclass(frozen=True)
class Line:
    """What is done with one attribute; ``iod`` says what the SOP class asks of it."""

    tag: str
    attribute: str
    basic: str
    here: str
    why: str
    iod: str = ""


def explain(policy: Policy, sop_class: str | None = None) -> str:
    """Return the resolved policy as Markdown.

    Parameters
    ----------
    policy : Policy
        The policy.
    sop_class : str, optional
        A SOP class UID: compound actions are settled by its IOD, and a last column says which Type
        in which module settled them, and where in sequences they come out otherwise.

    Returns
    -------
    str
        One table of options and one of attributes, in the order of PS3.15 Table E.1-1.
    """
    lines = [f"### Policy `{policy.name}`", "", *settings_lines(policy)]
    head = ["tag", "attribute", "Basic Profile", "here", "why"] + ["IOD"] * (sop_class is not None)
    lines += ["", _row(*head), "|" + "---|" * len(head)]
    for line in explain_lines(policy, sop_class):
        cells = list(asdict(line).values())
        lines.append(_row(*(cells if sop_class is not None else cells[:-1])))
    return "\n".join(lines) + "\n"


def explain_data(policy: Policy, sop_class: str | None = None) -> dict[str, Any]:
    """Return the same for a program: plain values, one object an attribute."""
    return {
        "policy": policy.model_dump(mode="json"),
        "policy_hash": fingerprint(policy),
        "sop_class": sop_class,
        "options": {c: methods()[c].meaning for c in ("113100", *sorted(policy.options))},
        "attributes": [asdict(line) for line in explain_lines(policy, sop_class)],
    }


def settings_lines(policy: Policy) -> list[str]:
    """Return options, unlisted attributes, ages, overrides and cleared pixels as Markdown."""
    lines = ["| code | method |", "|---|---|"]
    codes = ("113100", *sorted(policy.options))
    lines += [f"| {code} | {methods()[code].meaning} |" for code in codes]
    lines += ["", f"Outside the table: {_unlisted(resolve_policy(policy))}. {_ages(policy)}"]
    if policy.unknown_words == "remove":
        lines += ["", "Of cleaned texts only words of the vocabulary, or accepted ones, stay."]
    if policy.overrides:
        lines += ["", "| overridden | action | SOP classes | reason |", "|---|---|---|---|"]
        lines += [
            _row(own.attribute, own.action, " ".join(own.sop_classes) or "all", own.reason)
            for own in policy.overrides
        ]
    if policy.cleared_pixels:
        lines += ["", "| pixels cleared by a person | reason |", "|---|---|"]
        lines += [
            f"| {rule.modality} {' '.join(rule.image_type) or 'any'}, {rule.manufacturer} "
            f"| {rule.reason} |"
            for rule in policy.cleared_pixels
        ]
    return lines


def explain_lines(policy: Policy, sop_class: str | None = None) -> Iterator[Line]:
    """Yield one line an attribute: the 656 rows of the table, then what is beyond it."""
    rules = resolve_policy(policy).for_class(sop_class or "")
    listed = set()
    for row in table_rows():
        if isinstance(row.tag, str):
            words, why = _PATTERNS[row.tag], "Basic Profile"
            if row.tag.startswith("(GGGG") and "113111" in policy.options:
                words, why = "removed unless a table or its creator calls it safe", "113111"
            yield Line(row.tag, row.name, row.basic, words, why)
        else:
            listed.add(row.tag)
            yield _line(row.tag, row.name, row.basic, rules.by_tag[row.tag], sop_class)
    for tag in sorted(set(rules.by_tag) - listed):
        rule = rules.by_tag[tag]
        yield _line(tag, rule.keyword, "", rule, sop_class)


def _line(tag: int, name: str, basic: str, rule: Rule, sop_class: str | None) -> Line:
    here, iod = _words(rule), ""
    if rule.treatment == "act" and sop_class is not None and is_known(sop_class):
        here, iod = _settled(rule, sop_class)
    if rule.keyword in {"PatientID", "PatientName"}:
        here = "subject pseudonym"
    return Line(f"({tag >> 16:04X},{tag & 0xFFFF:04X})", name, basic, here, rule.why, iod)


def _settled(rule: Rule, sop_class: str) -> tuple[str, str]:
    """Return the action for the objects of one SOP class, and what its IOD says."""
    type_, module = wanted_by(sop_class, rule.keyword)
    action = settle(rule.basic, type_)
    words = [f"Type {type_} ({module})" if module else ""]
    if not module and "/" in rule.basic:
        words = ["not at the top level of the IOD"]
    others: dict[str, list[str]] = {}
    for path, nested in sorted(nested_types(sop_class, rule.keyword).items()):
        other = settle(rule.basic, nested)
        if other != action and path[-1] not in others.get(other, ()):
            others.setdefault(other, []).append(path[-1])
    for word, where in sorted((_WORDS[other], where) for other, where in others.items()):
        more = f" and {len(where) - _SHOWN_PATHS} more" if len(where) > _SHOWN_PATHS else ""
        words.append(f"{word} in {', '.join(where[:_SHOWN_PATHS])}{more}")
    return _WORDS[action], "; ".join(word for word in words if word)


def _words(rule: Rule) -> str:
    if rule.treatment == "date":
        moved = "moved with the patient" if rule.option == "113107" else "kept"
        return moved if rule.vr in {"DA", "DT"} else "kept"
    if rule.treatment != "act":
        return _WORDS[rule.treatment]
    parts = rule.basic.replace("*", "").split("/")
    return " or ".join(_WORDS[part] for part in parts)


def _unlisted(rules: Rules) -> str:
    if rules.allowed is None:
        return "kept without the study's identity; dates, times, names, UIDs and addresses treated"
    return (
        f"removed, but for {len(rules.allowed):,} technical attributes, of which text keeps only "
        "the terms of the standard"
    )


def _ages(policy: Policy) -> str:
    oldest = policy.oldest_age_years
    return "Ages are not capped." if oldest is None else f"Ages over {oldest} become {oldest + 1}."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
