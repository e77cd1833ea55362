"""A policy resolved against Table E.1-1: for each attribute what is done, and under which option.

The options are a union (PS3.15 E.1.1): what one option retains is retained. One exception: a date
is kept or moved by the two date options only, so that (0028,0303) never says less than the truth.
A site's overrides come last; one that retains what profile and options take away costs the
instance its 113100, since the profile was then not followed (PS3.15 E.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Literal

from pydicom.datadict import dictionary_VR

from config.overrides import Override
from config.policy import Policy
from deid.allowed import allowed_tags
from deid.iods import AttributeType, ever_required
from deid.tables import Row, also_acted_on, methods, table_rows

__all__ = ["OVERRIDE", "WEAKER", "Action", "Rule", "Rules", "resolve_policy", "settle"]

Action = Literal["X", "Z", "D", "U"]
Treatment = Literal["act", "keep", "date", "text", "content"]
"""``act`` the Basic Profile's action; ``keep`` as it is; ``date`` moved or kept; ``text`` cleaned;
``content`` the sequence stays and what it holds is treated."""

OVERRIDE, WEAKER = "override", "weaker override"
"""What stands in ``Rule.option`` in place of a code when a site's override brings it about."""
_INSTITUTION_NAME = 0x00080080
_DATE_COLUMNS = ("retain_full_dates", "retain_modified_dates")
_TEXT_VRS = ("LO", "LT", "SH", "ST", "UC", "UT", "PN")
# What no step here can prove clean: bitmaps of overlays and curves, and AE titles, which hospitals
# compose of their own name. Their ``C`` is answered with the Basic Profile's action.
_NEVER_CLEANED = ("AE", "")
_NAMES_BY_NATURE = frozenset({"LabelText"})
"""Text whose purpose is to say whose slide it is: what is left of it after cleaning is no use."""
_BY_TYPE = {"remove": "X/Z/D", "empty": "Z/D", "dummy": "D", "keep": "X/Z/D", "clean": "X/Z/D"}
"""The action of an override, settled by the Type in the IOD so that the object stays valid."""


@dataclass(frozen=True)
class Rule:
    """What is done with one attribute; ``option`` is the CID 7050 code that brings it about."""

    keyword: str
    vr: str
    basic: str
    treatment: Treatment = "act"
    option: str = "113100"
    why: str = "Basic Profile"


@dataclass(frozen=True)
class Rules:
    """A resolved policy: rules by tag, and the switches the walk needs.

    ``allowed`` are the unlisted tags that may stay; None lets every unlisted tag stay.
    ``accepted_words`` may stay in descriptors beside the vocabulary; None lets every word stay.
    ``hunts_institutions`` is False when Institution Name is kept in any object of a study, whose
    texts are hunted as one. ``by_class`` holds the whole rules of the SOP classes that have
    overrides of their own.
    """

    by_tag: Mapping[int, Rule]
    options: frozenset[str]
    allowed: frozenset[int] | None = None
    oldest_age_years: int | None = 89
    accepted_words: frozenset[str] | None = None
    hunts_institutions: bool = True
    by_class: Mapping[str, Rules] = field(default_factory=dict)

    @cached_property
    def date_option(self) -> str | None:
        """113106, 113107 or None."""
        return next((code for code in ("113106", "113107") if code in self.options), None)

    def for_class(self, sop_class: str) -> Rules:
        """Return the rules for the objects of one SOP class."""
        return self.by_class.get(sop_class, self)


@lru_cache(maxsize=16)
def resolve_policy(policy: Policy) -> Rules:
    """Return the rules of ``policy`` for each attribute of the table and of ours; made once."""
    options = frozenset(policy.options)
    columns = {methods()[code].column: code for code in sorted(options) if methods()[code].column}
    by_tag = {row.tag: _rule(row, columns) for row in table_rows() if isinstance(row.tag, int)}
    denies = policy.unlisted == "deny"
    cleans = not denies or "113104" in options
    for tag, (keyword, action, reason) in also_acted_on().items():
        treatment: Treatment = "text" if action == "C" and cleans else "act"
        own = Rule(keyword, "UT" if action == "C" else "", "D" if action == "C" else "X", treatment)
        by_tag.setdefault(tag, replace(own, why=f"beyond the table: {reason}"))
    general, by_class = _overridden(policy, by_tag)
    rules = Rules(
        by_tag={**by_tag, **general},
        options=options,
        allowed=allowed_tags() if denies else None,
        oldest_age_years=policy.oldest_age_years,
        accepted_words=frozenset(policy.accepted_words)
        if policy.unknown_words == "remove"
        else None,
    )
    views = {
        sop_class: replace(rules, by_tag={**rules.by_tag, **own})
        for sop_class, own in by_class.items()
    }
    names = [view.by_tag[_INSTITUTION_NAME] for view in (rules, *views.values())]
    hunts = all(name.treatment != "keep" for name in names)
    views = {uid: replace(view, hunts_institutions=hunts) for uid, view in views.items()}
    return replace(rules, by_class=views, hunts_institutions=hunts)


def settle(basic: str, type_: AttributeType) -> Action:
    """Return the action that a compound one comes to for an attribute of Type ``type_``.

    PS3.15 E.3: X unless Z (Type 2) or D (Type 1) is needed to stay conformant. ``U*`` keeps the
    references of a Type 1 or 2 sequence and replaces the UIDs in them.
    """
    one_two_three = {
        "X": "XZX",  # the table removes it, the IOD wants it present (Type 2): empty serves both
        "Z": "ZZZ",
        "D": "DDD",
        "U": "UUU",
        "X*": "DZX",  # and where it is Type 1, a dummy: a removed one would make the object invalid
        "X/Z": "ZZX",
        "X/D": "DDX",
        "Z/D": "DZZ",
        "X/Z/D": "DZX",
        "X/Z/U*": "UUX",
    }
    actions: dict[str, Action] = {"X": "X", "Z": "Z", "D": "D", "U": "U"}
    return actions[one_two_three[basic][int(type_) - 1]]


def _rule(row: Row, columns: Mapping[str, str]) -> Rule:
    is_reference = row.vr == "SQ" and "retain_uids" in row.columns
    basic = "X/Z/U*" if is_reference and "D" in row.basic else row.basic  # its dummy is its UIDs
    if basic == "X" and row.keyword in ever_required():
        basic = "X*"
    base = Rule(row.keyword or row.name, row.vr, basic)
    if "retain_full_dates" in row.columns:
        code = next((columns[name] for name in _DATE_COLUMNS if name in columns), None)
        if code is None or row.vr not in {"DA", "TM", "DT", "SH"}:
            return base
        verb = "moved" if code == "113107" else "kept"
        return Rule(base.keyword, row.vr, basic, "date", code, f"dates {verb} ({code})")
    used = {name: code for name, code in columns.items() if name in row.columns}
    for name, code in used.items():
        if row.columns[name] == "K":
            treatment: Treatment = "content" if row.vr == "SQ" else "keep"
            return Rule(base.keyword, row.vr, basic, treatment, code, f"retained ({code})")
    for code in used.values():
        if row.vr in _NEVER_CLEANED or row.keyword in _NAMES_BY_NATURE:
            return Rule(base.keyword, row.vr, basic, why=f"no proof of cleaning ({code})")
        if row.vr in _TEXT_VRS or row.vr == "SQ":
            treatment = "content" if row.vr == "SQ" else "text"
            return Rule(base.keyword, row.vr, basic, treatment, code, f"cleaned ({code})")
    return base


def _overridden(
    policy: Policy, by_tag: Mapping[int, Rule]
) -> tuple[dict[int, Rule], dict[str, dict[int, Rule]]]:
    """Return the rules of the overrides for every object, and those for one SOP class."""
    general: dict[int, Rule] = {}
    by_class: dict[str, dict[int, Rule]] = {}
    for override in policy.overrides:
        rule = _override_rule(override, by_tag.get(override.tag))
        for sop_class in override.sop_classes:
            by_class.setdefault(sop_class, {})[override.tag] = rule
        if not override.sop_classes:
            general[override.tag] = rule
    return general, by_class


def _override_rule(override: Override, resolved: Rule | None) -> Rule:
    vr = str(dictionary_VR(override.tag)).partition(" or ")[0]
    treatment: Treatment = "act"
    if override.action in {"keep", "clean"}:
        treatment = "content" if vr == "SQ" else "keep" if override.action == "keep" else "text"
    strength: dict[Treatment, int] = {"keep": 0, "text": 1, "content": 1, "date": 1, "act": 2}
    is_weaker = resolved is not None and strength[treatment] < strength[resolved.treatment]
    return Rule(
        keyword=override.attribute,
        vr=resolved.vr if resolved is not None else vr,
        basic=_BY_TYPE[override.action],
        treatment=treatment,
        option=WEAKER if is_weaker else OVERRIDE,
        why=f"{override.action} by this policy: {override.reason}",
    )
