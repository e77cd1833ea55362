"""Run the demo's stages without a server on a home folder of their own, twice, and time them.

``python benchmarks/demo.py`` prints a table of seconds a stage and writes
``benchmarks/results/demo.json`` and the table of ``docs/benchmarks.md``. The second run finds
everything done: it shows what looking costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from config.settings import load_settings
from config.version import code_version
from pipelines.demo.run import make
from pipelines.demo.story import run_story
from pipelines.progress import Silent
from pipelines.status import status

RESULT = Path(__file__).parent / "results" / "demo.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
STAGES = ("resolve", "retrieve", "deidentify", "harmonise", "assemble", "release")


def stage_seconds(home: Path) -> dict[str, dict[str, float]]:
    """Return project -> stage -> seconds spent so far."""
    facts = status(load_settings(home, {}))
    return {p["project"]: dict(p["stage_seconds"]) for p in facts["projects"]}


def measure(home: Path) -> dict[str, Any]:
    """Run the story twice; return what each stage took each time, and the machine."""
    settings = load_settings(home, {})
    started = time.perf_counter()
    make(settings)
    hospitals_s = time.perf_counter() - started
    walls, spent = [], []
    for _ in range(2):
        started = time.perf_counter()
        run_story(settings, Silent())
        walls.append(round(time.perf_counter() - started, 2))
        spent.append(stage_seconds(home))
    projects = []
    for facts in status(settings)["projects"]:
        name = facts["project"]
        first = {s: round(spent[0][name].get(s, 0.0), 2) for s in STAGES}
        second = {
            s: round(spent[1][name].get(s, 0.0) - spent[0][name].get(s, 0.0), 2) for s in STAGES
        }
        projects.append(
            {
                "project": name,
                "studies": facts["rows"],
                "volumes": facts["volumes"],
                "first_run_s": first,
                "second_run_s": second,
            }
        )
    return {
        "what": "the demo's stages as plain functions, no server; the second run finds all done",
        "accordage": code_version(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "workers": settings.jobs,
        "making_hospitals_s": round(hospitals_s, 2),
        "wall_s": walls,
        "projects": projects,
    }


def table(result: dict[str, Any]) -> str:
    """Return the result as a Markdown table."""
    lines = [
        "| project | studies | volumes | run | " + " | ".join(STAGES) + " | sum |",
        "|---|---|---|---|" + "---|" * (len(STAGES) + 1),
    ]
    for project in result["projects"]:
        head = f"| {project['project']} | {project['studies']} | {project['volumes']} "
        for run, key in (("first", "first_run_s"), ("second", "second_run_s")):
            seconds = [project[key][stage] for stage in STAGES]
            cells = " | ".join(f"{value:.2f}" for value in (*seconds, sum(seconds)))
            lines.append(f"{head}| {run} | {cells} |")
    return "\n".join(lines)


def write_page(result: dict[str, Any]) -> None:
    """Put the table in its place in the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split("<!-- table -->\n", 1)
    after = rest.split("<!-- end -->", 1)[1]
    head = f"Seconds a stage, {result['cores']} cores, {result['workers']} workers:"
    made = f"{before}<!-- table -->\n{head}\n\n{table(result)}\n<!-- end -->{after}"
    PAGE.write_text(made, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="an empty home folder to keep")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = measure(options.home or Path(scratch))
    print(f"seconds a stage, {result['cores']} cores, {result['workers']} workers\n")
    print(table(result))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    write_page(result)


if __name__ == "__main__":
    main()
