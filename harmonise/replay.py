"""Replay: compute a volume again from its provenance and its source objects, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.errors import InconsistentSeries, RejectedError, UnreadableObject, UnsupportedObject
from harmonise.computed import compute
from harmonise.geometry import judge
from harmonise.planned import Part
from harmonise.provenance import StepRecord, versions, volume_digest
from harmonise.series import Passport, Role
from harmonise.slides.make import SLIDE, open_slide
from harmonise.slides.slide import Slide
from harmonise.stacks import read_stacks
from harmonise.steps import STEPS
from harmonise.vendor.pixels import load_volume
from harmonise.volume import Volume

__all__ = ["other_versions", "replay"]

READING = "reading"
"""What comes before step 1: stored samples to real values."""


def replay(
    provenance: Mapping[str, Any],
    paths: Sequence[Path],
    passports: Mapping[str, Passport] | None = None,
) -> Volume | Slide:
    """Return the volume, or slide, a provenance describes, computed again from its sources.

    Nothing is decided anew: every step applies what it decided then. Each result is compared with
    the digest that was recorded, so that the first one that differs is named.

    Parameters
    ----------
    provenance : mapping
        As :func:`harmonise.explain.provenance_of_file` gives it.
    paths : sequence of Path
        Objects of the source series, each with the bytes that were recorded.
    passports : mapping, optional
        Vendor passports by series UID, where the objects lost their private elements.

    Raises
    ------
    RejectedError
        ``REPLAY_SOURCE_MISSING``, ``REPLAY_STEP_CHANGED``, ``REPLAY_DIFFERS``; the detail begins
        with the step.
    """
    steps: list[StepRecord] = provenance["steps"]
    native = steps[0]["input_sha256"] if steps else provenance["output"]["sha256"]
    volume = _native(provenance, _parts(provenance, paths, passports or {}))
    _same(volume, native, READING)
    for number, record in enumerate(steps, start=1):
        name = f"step {number} {record['step']}"
        step = STEPS.get(record["step"])
        if step is None or step.version != record["version"]:
            here = "no such step" if step is None else f"version {step.version}"
            detail = f"{name}: recorded version {record['version']}, here {here}"
            raise UnsupportedObject("REPLAY_STEP_CHANGED", detail)
        try:
            volume = step.apply(volume, record["decided"])
        except RejectedError as error:
            raise InconsistentSeries("REPLAY_DIFFERS", f"{name}: {error.code}") from error
        _same(volume, record["output_sha256"], name)
    return volume


def other_versions(provenance: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return packages whose version differs: name -> (recorded, here)."""
    here = versions()
    recorded: dict[str, str] = provenance["versions"]
    return {
        name: (recorded[name], here.get(name, "not installed"))
        for name in sorted(recorded)
        if recorded[name] != here.get(name)
    }


def _parts(
    provenance: Mapping[str, Any], paths: Sequence[Path], passports: Mapping[str, Passport]
) -> list[Part]:
    """Return the stacks made of exactly the recorded frames: one, or those of a computed volume."""
    wanted = {(row["sop_uid"], row["frame"]) for row in provenance["inputs"]}
    stacks, refusals = read_stacks(paths, passports)
    frames = [{(f.sop_instance_uid, f.frame_index + 1) for f in s.frames} for s in stacks]
    panel = provenance.get("panel", "")
    pairs = [(s, own) for s, own in zip(stacks, frames, strict=True) if own <= wanted]
    pairs = [(stack, own) for stack, own in pairs if stack.panel == panel]
    chosen = [stack for stack, _ in pairs]
    found = set().union(*(own for _, own in pairs))
    if found != wanted or (len(chosen) > 1 and not provenance.get("computed")):
        why = ", ".join(sorted({refusal.code for refusal in refusals})) or "they split otherwise"
        detail = f"{READING}: the {len(wanted)} recorded frames form no volume here ({why})"
        raise UnreadableObject("REPLAY_DIFFERS", detail)
    return [Part(stack, judge(stack)) for stack in chosen]


def _native(provenance: Mapping[str, Any], parts: list[Part]) -> Volume | Slide:
    try:
        if provenance["role"]["name"] == SLIDE:
            return open_slide(parts[0].stack)
        if provenance.get("computed"):
            role = provenance["role"]
            return compute(Role(role["name"], role["b_value"]), parts)
        return load_volume(parts[0].stack, parts[0].geometry)
    except RejectedError as error:
        raise InconsistentSeries("REPLAY_DIFFERS", f"{READING}: {error.code}") from error


def _same(volume: Volume | Slide, recorded: str, name: str) -> None:
    if volume_digest(volume) != recorded:
        raise InconsistentSeries("REPLAY_DIFFERS", f"{name}: its result has another digest")
