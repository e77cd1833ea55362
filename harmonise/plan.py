"""Plan a study from its headers: which series become which volumes, by which steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from config.base import fingerprint
from config.errors import ConfigurationError, RejectedError
from config.recipe import Recipe
from harmonise.choose import Candidate, best
from harmonise.classify import INTENTS, NAMED_APART, classify
from harmonise.computed import COMPUTED_FROM, grouped
from harmonise.ct_choice import best_ct, phase_of
from harmonise.eligible import eligible, with_frame_flags
from harmonise.exam import exam_gaps, film_named, latest, place_in_exam
from harmonise.geometry import judge
from harmonise.model import Model, kind_of
from harmonise.plan_codes import header_codes, resample_of, why_no_grid
from harmonise.plan_limbs import Limb, sides_of
from harmonise.planned import Declined, PlannedVolume, StudyPlan
from harmonise.series import Passport, Refusal, Role, Stack
from harmonise.stacks import read_stacks
from harmonise.steps import PlannedStep, planned_steps
from harmonise.steps.resample import ResampleParams
from harmonise.uids import volume_id
from harmonise.views import view_of

__all__ = ["check_recipe", "plan_study"]

QUANTITATIVE_ROLES = (
    "adc",
    "adc_refit",
    "ct",
    "dce_re",
    "fa",
    "pt",
    "pt_nac",
    "t2map",
    "t2map_refit",
)
"""Roles whose numbers mean something by themselves; no intensity step may touch them."""


def plan_study(
    paths: Sequence[Path],
    recipe: Recipe,
    passports: Mapping[str, Passport] | None = None,
    model: Model | None = None,
) -> StudyPlan:
    """Classify a study's series and fix its common grid, from headers only.

    Parameters
    ----------
    paths : sequence of Path
        Files of one study (files of several are planned study by study).
    recipe : Recipe
    passports : mapping, optional
        Vendor passports by series UID.
    model : Model, optional
        What the recipe's fitted steps were fitted to over the cohort; without one they do what
        their parameters say of too few subjects.

    Raises
    ------
    ConfigurationError
        The recipe names an unknown step, a wrong parameter, or an intensity step on a
        quantitative map. Nothing else stops a plan: series are declined one by one.
    """
    steps_of = check_recipe(recipe)
    stacks, refusals = read_stacks(paths, passports or {})
    declined = [Declined(film_named(refusal)) for refusal in refusals]
    studies: dict[str, list[Stack]] = defaultdict(list)
    for stack in stacks:
        studies[stack.study_uid].append(stack)
    volumes: list[PlannedVolume] = []
    for study_uid in sorted(studies):
        candidates, out = _candidates(with_frame_flags(studies[study_uid]), recipe)
        declined += out
        made, out = _plan_roles(candidates, recipe, steps_of)
        declined += out
        volumes += made
    return StudyPlan(
        recipe=recipe,
        recipe_hash=fingerprint(recipe),
        volumes=tuple(replace(v, model=model.fitted(kind_of(v.role))) for v in volumes)
        if model
        else tuple(volumes),
        declined=tuple(declined),
        model_hash=model.hash if model else None,
    )


def check_recipe(recipe: Recipe) -> dict[str, tuple[PlannedStep, ...]]:
    """Return the validated steps by role; the key ``*`` holds those of every other role.

    Raises
    ------
    ConfigurationError
        ``STEP_UNKNOWN``, ``STEP_PARAMS_INVALID``, ``RECIPE_FITS_TWICE``, ``MG_INTENT_MIXED`` or
        ``QUANTITATIVE_NOT_NORMALISED``.
    """
    steps_of = {"*": planned_steps(recipe.steps)}
    for role, specs in recipe.role_steps.items():
        steps_of[role] = planned_steps(specs)
    for role, steps in steps_of.items():
        # the second would be fitted on what the first makes, which is known after its fit only
        if sum(step.fit is not None for step, _ in steps) > 1:
            raise ConfigurationError("RECIPE_FITS_TWICE", f"recipe {recipe.name}: role {role}")
    mixed = [role for role in recipe.roles if role in INTENTS]
    if len(mixed) > 1:
        raise ConfigurationError("MG_INTENT_MIXED", f"recipe {recipe.name}: {', '.join(mixed)}")
    for role in QUANTITATIVE_ROLES:
        if recipe.roles and role not in recipe.roles:
            continue
        for step, _ in steps_of.get(role, steps_of["*"]):
            if step.kind == "intensity":
                detail = f"recipe {recipe.name}: step {step.name} on role {role}"
                raise ConfigurationError("QUANTITATIVE_NOT_NORMALISED", detail)
    return steps_of


def _decline(stack: Stack, role: Role | None, code: str, detail: str = "") -> Declined:
    refusal = Refusal(
        stack.series_uid, stack.study_uid, stack.subject, stack.modality, code, detail
    )
    return Declined(refusal, stack, role)


def _rival(one: Candidate, code: str, detail: str) -> Declined:
    return replace(_decline(one.stack, one.role, code, detail), parts=one.parts)


def _candidates(stacks: Iterable[Stack], recipe: Recipe) -> tuple[list[Candidate], list[Declined]]:
    """Return the stacks that may be used, and those the recipe or their geometry rules out."""
    candidates, declined = [], []
    bases = {COMPUTED_FROM[role] for role in recipe.roles if role in COMPUTED_FROM}
    for stack in stacks:
        role = classify(stack)
        geometry = judge(stack)
        is_asked = (not recipe.modalities or stack.modality in recipe.modalities) and (
            not recipe.roles or role.name in bases.union(recipe.roles)
        )
        if not is_asked:
            code = NAMED_APART.get(role.name, "NOT_SELECTED")
            declined.append(_decline(stack, role, code, f"role {role.name}"))
        elif geometry.grid is None:
            declined.append(
                _decline(stack, role, why_no_grid(stack, role, geometry), geometry.detail)
            )
        else:
            try:
                checked = eligible(stack, role, geometry, recipe)
                candidates.append(Candidate(checked, geometry, role))
            except RejectedError as error:
                declined.append(_decline(stack, role, error.code, error.detail))
    return _with_computed(candidates, declined, recipe)


def _with_computed(
    candidates: list[Candidate], declined: list[Declined], recipe: Recipe
) -> tuple[list[Candidate], list[Declined]]:
    """Add what may be computed from several stacks; these are no volumes unless asked for."""
    bases = list(candidates)
    used: set[int] = set()
    unasked: dict[str, list[Candidate]] = {}
    for role in recipe.roles:
        base = COMPUTED_FROM.get(role)
        if base is None:
            continue
        stacks = [one for one in bases if one.role.name == base]
        made, out = grouped(stacks, role, recipe)
        declined += out
        if base not in recipe.roles:
            used |= {id(part.stack) for one in made for part in one.parts}
            unasked[base] = stacks
        candidates = candidates + made
    for base, stacks in unasked.items():
        candidates = [one for one in candidates if one.role.name != base]
        declined += [
            _decline(one.stack, one.role, "NOT_SELECTED", f"role {base}")
            for one in stacks
            if id(one.stack) not in used
        ]
    return candidates, declined


def _plan_roles(
    candidates: list[Candidate], recipe: Recipe, steps_of: dict[str, tuple[PlannedStep, ...]]
) -> tuple[list[PlannedVolume], list[Declined]]:
    """Choose a series for every role and b-value and place the common grid."""
    anchor: Candidate | None = None
    if recipe.reference_role is not None and candidates:
        rivals = [one for one in candidates if one.role.name == recipe.reference_role]
        params = resample_of(steps_of.get(recipe.reference_role, steps_of["*"]))
        if rivals:
            anchor = _choose(rivals, params, None)[0]
        elif recipe.on_missing_reference == "refuse":
            detail = f"no usable {recipe.reference_role}"
            return [], [_rival(one, "NO_REFERENCE_SERIES", detail) for one in candidates]
    groups: dict[tuple[int, str, float], list[Candidate]] = defaultdict(list)
    for one in candidates:
        groups[_place(one, recipe)].append(one)
    volumes, declined, taken = [], [], []
    for key in sorted(groups):
        steps = steps_of.get(groups[key][0].role.name, steps_of["*"])
        chosen, why = _choose(groups[key], resample_of(steps), anchor)
        volumes += [
            _planned(chosen, (*limb.steps, *steps), recipe, anchor, why, limb)
            for limb in sides_of(chosen, recipe)
        ]
        taken.append(chosen)
        declined += [
            _rival(one, "NOT_SELECTED", f"another series fills {one.role.name}")
            for one in groups[key]
            if one is not chosen
        ]
    gaps = exam_gaps(taken, recipe.exam) if recipe.exam else ""
    if gaps:
        volumes = [_incomplete(volume, gaps) for volume in volumes]
    return volumes, declined


def _incomplete(volume: PlannedVolume, gaps: str) -> PlannedVolume:
    codes = tuple(dict.fromkeys((*volume.codes, "MG_INCOMPLETE_EXAM")))
    return replace(volume, codes=codes, log=(*volume.log, f"exam: {gaps}"))


def _place(one: Candidate, recipe: Recipe) -> tuple[int, str, float]:
    """Return the place a candidate competes for, in the order volumes are made.

    Where every series is wanted the place is the candidate's own: nothing competes.
    """
    b_value = -1.0 if one.role.b_value is None else one.role.b_value
    if not recipe.roles:
        return (0, "#".join((one.stack.series_uid, *_sources(one.stack), one.stack.panel)), b_value)
    order = recipe.roles.index(one.role.name)
    own = phase_of(one.stack) if one.role.name == "ct" else ""
    view = place_in_exam(one.stack, recipe.exam) if one.role.name in INTENTS else ""
    if one.role.name in recipe.every:
        own = view or "#".join((*_sources(one.stack), one.stack.panel))
    return (order, own, b_value)


def _choose(
    rivals: Sequence[Candidate], params: ResampleParams | None, anchor: Candidate | None
) -> tuple[Candidate, str]:
    if all(one.role.name in INTENTS for one in rivals):
        return latest(rivals)
    if params is None:
        return best(rivals, target=None)
    if anchor is None and all(one.role.name == "ct" for one in rivals):
        return best_ct(rivals)
    target = params.grid_about(anchor.grid) if anchor else None
    spacing_mm = [step or 1.0 for step in params.spacing_mm]  # compared with a fixed shape only
    return best(rivals, target=target, spacing_mm=spacing_mm, shape=params.shape)


def _sources(stack: Stack) -> list[str]:
    return sorted(f"{frame.sop_instance_uid}#{frame.frame_index}" for frame in stack.frames)


def _planned(
    chosen: Candidate,
    steps: tuple[PlannedStep, ...],
    recipe: Recipe,
    anchor: Candidate | None,
    why: str,
    limb: Limb,
) -> PlannedVolume:
    view = view_of(chosen.stack.header) if chosen.role.name in INTENTS else None
    planned = PlannedVolume(
        volume_id=volume_id(
            chosen.role.name,
            chosen.role.b_value,
            [chosen.stack.series_uid, *_sources(chosen.stack)],
            fingerprint(recipe),
            view.name.replace("?", "x") if view else limb.side or chosen.stack.panel,
        ),
        stack=chosen.stack,
        geometry=chosen.geometry,
        role=chosen.role,
        steps=steps,
        reference=anchor.grid if anchor else None,
        parts=chosen.parts,
        log=(why, chosen.role.why, *([view.said()] if view else ()), *limb.log),
        side=limb.side,
    )
    return replace(planned, codes=(*header_codes(planned, chosen, recipe, anchor), *limb.codes))
