"""What a reader sends: verdict, reasons and answers; what is wrong with it; what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from pipelines.cohort.packs import Side
from pipelines.cohort.review import REASONS
from portal.blinding import PANES, Blinding, Pane, Shown

__all__ = ["CRITERIA", "RATINGS", "Answer"]

LONGEST_S = 4 * 3600.0
"""A pair that was open for longer was left alone; its time says nothing."""

MARK_PARTS = 4

CRITERIA = ("sharpness", "noise", "contrast", "artefact", "overall")
"""What is rated on each side, 1 to 5, where a project asks for it."""

RATINGS = tuple(f"{criterion}/{pane}" for criterion in CRITERIA for pane in PANES)
LEVELS = frozenset("12345")
CONFIDENCES = frozenset("123")


@dataclass(frozen=True)
class Answer:
    """One filled form; also what an empty form starts from."""

    verdict: str = ""
    reasons: tuple[str, ...] = ()
    preferred: str = ""
    confidence: str = ""
    only_on: str = ""
    mark: str = ""
    guessed: str = ""
    like: str = ""
    """The pane taken for the reference site's, of a match."""
    seconds: float = 0.0
    ratings: dict[str, str] = field(default_factory=dict)
    """``criterion/pane`` -> 1 to 5."""

    def problem(self, *, rated: bool = False) -> str:
        """Return the text key of what is missing; empty when the answer can be kept.

        Parameters
        ----------
        rated : bool
            Whether the project asks for ratings.
        """
        unrated = rated and any(self.ratings.get(one) not in LEVELS for one in RATINGS)
        unreasoned = self.verdict == "reject" and not self.reasons
        checks = {
            "error_preferred": self.preferred not in PANES or self.confidence not in CONFIDENCES,
            "error_only_on": self.only_on not in {"no", *PANES},
            "error_mark": self.only_on in PANES and _mark(self.mark) is None,
            "error_ratings": unrated,
            "error_verdict": self.verdict not in {"accept", "reject"},
            "error_reasons": unreasoned or bool(set(self.reasons) - set(REASONS)),
            "error_guessed": self.guessed not in PANES,
        }
        return next((key for key, wrong in checks.items() if wrong), "")

    def like_problem(self) -> str:
        """Return the text key of what is missing of a match's answer, empty when it is whole."""
        whole = self.like in PANES and self.confidence in CONFIDENCES
        return "" if whole else "error_like"

    def kept_like(self, blinding: Blinding, shown: Shown, reference: Shown) -> dict[str, Any]:
        """Return the answer of a match by side, as it is kept."""
        return {
            "like": blinding.side(shown, cast("Pane", self.like)),
            "like_pane": self.like,
            "confidence": int(self.confidence),
            "reference": reference.sha256,
            "seconds": self._took_s(),
        }

    def _took_s(self) -> float | None:
        return round(self.seconds, 1) if 0 < self.seconds <= LONGEST_S else None

    def kept(self, blinding: Blinding, shown: Shown) -> dict[str, Any]:
        """Return the answers by side, as they are kept, and the pane for the bias."""

        def side(pane: str) -> Side:
            return blinding.side(shown, cast("Pane", pane))

        found = self.only_on in PANES
        return {
            "preferred": side(self.preferred),
            "preferred_pane": self.preferred,
            "confidence": int(self.confidence),
            "only_on": side(self.only_on) if found else None,
            "mark": _mark(self.mark) if found else None,
            "guessed": side(self.guessed),
            "ratings": {
                criterion: {side(p): int(self.ratings[f"{criterion}/{p}"]) for p in PANES}
                for criterion in CRITERIA
                if all(self.ratings.get(f"{criterion}/{p}") in LEVELS for p in PANES)
            },
            "seconds": self._took_s(),
        }


def _mark(text: str) -> dict[str, Any] | None:
    """Return a mark, written ``plane:index:row:column``, None when it is none."""
    parts = text.split(":")
    if len(parts) != MARK_PARTS or parts[0] not in {"slice", "row", "column"}:
        return None
    if not all(part.isdecimal() and len(part) < MARK_PARTS + 2 for part in parts[1:]):
        return None
    index, row, column = (int(part) for part in parts[1:])
    return {"plane": parts[0], "index": index, "row": row, "column": column}
