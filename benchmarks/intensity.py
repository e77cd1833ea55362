"""What the landmarks do to a made cohort of four sites: straight lines beside a smooth curve.

``python -P benchmarks/intensity.py`` prints a table and writes
``benchmarks/results/intensity.json``.
The cohort is that of ``tests/harmonise/intensity/cohort.py``, drawn anew for each seed.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from harmonise.landmarks import balanced_weights  # noqa: E402
from harmonise.site_effect import omega_squared  # noqa: E402
from harmonise.steps import STEPS, Context  # noqa: E402
from tests.harmonise.intensity import cohort as made  # noqa: E402

SEEDS = (made.SEED, 4242, 31, 77)
FIELDS = {"whole body": None, "60 x 128 x 128 mm": (60, 128, 128), "60 x 80 x 80 mm": (60, 80, 80)}
WAYS = {"lines": {"between": "lines"}, "smooth": {"between": "smooth"}}


def judge(subjects: list[made.Subject], params: Any) -> dict[str, float]:
    """Return omega squared of the site before and after, and what is left of the contrast."""
    step = STEPS["landmarks"]
    assert step.fit is not None
    measured = [step.fit.measure(s.t2w, params) for s in subjects]
    weights = balanced_weights([(s.site, made.SITES[s.site].vendor, s.name) for s in subjects])
    model = step.fit.combine(measured, weights, len(subjects), params)
    means: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    contrasts = []
    for subject in subjects:
        decided = step.decide(subject.t2w, params, Context(model=model))
        after = step.apply(subject.t2w, decided).values
        for tissue in ("muscle", "fat"):
            mask = subject.tissue(tissue)
            means[f"{tissue} before"][subject.site].append(float(subject.t2w.values[mask].mean()))
            means[f"{tissue} after"][subject.site].append(float(after[mask].mean()))
        contrasts.append([made.contrast(v, subject) for v in (subject.t2w.values, after)])
    before, kept = np.mean(contrasts, axis=0)
    return {**{k: float(omega_squared(v) or 0.0) for k, v in means.items()}, "kept": kept / before}


def main() -> None:
    """Print the table and write the figures."""
    rows = []
    for seed in SEEDS:
        made.SEED = seed
        subjects = list(made.cohort())
        for field, box_mm in FIELDS.items():
            for way, choice in WAYS.items():
                params = STEPS["landmarks"].params(box_mm=box_mm, **choice)
                rows.append({"seed": seed, "field": field, "way": way, **judge(subjects, params)})
    print("| seed | field | between | muscle | fat | contrast kept |")
    print("|---|---|---|---|---|---|")
    for row in rows:
        tissues = " | ".join(
            f"{row[f'{t} before']:.2f} → {row[f'{t} after']:.3f}" for t in ("muscle", "fat")
        )
        print(f"| {row['seed']} | {row['field']} | {row['way']} | {tissues} | {row['kept']:.3f} |")
    out = ROOT / "benchmarks" / "results" / "intensity.json"
    out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
