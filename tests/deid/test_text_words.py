"""Words that nobody has judged: found after cleaning, kept or removed as the policy says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.hunt import Hunter
from deid.identity import harvest_identity
from deid.rules import resolve_policy
from deid.unknown import unknown_in
from deid.vocabulary import unknown_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IRM PROSTATE T2 TSE AX 3mm", []),
        ("t2_tse_tra_320_p2", []),
        ("MRI ABDOMEN PELVIS W+WO CONT", []),
        ("ep2d_diff_tra b50-400-800", []),
        ("IRM zorglub du SEIN", ["zorglub"]),
        ("IRM Zörglub", ["zorglub"]),
        ("PETIT BASSIN", []),
        ("IRM PETIT", ["petit"]),
        ("T2W DWI ADC FA=12 1.5T", []),
        ("cœur", []),
    ],
)
def test_what_is_neither_vocabulary_nor_number_is_unknown(text: str, words: list[str]) -> None:
    assert unknown_words(text) == words


def test_an_accepted_word_is_known() -> None:
    assert unknown_words("IRM zorglub", {"zorglub"}) == []


def test_the_studys_own_names_are_gone_before_words_are_listed(
    make: Callable[..., Dataset], research: Policy
) -> None:
    nested = Dataset()
    nested.ScheduledProcedureStepDescription = "bilan quincampoix"
    ds = make(StudyDescription="IRM Lefevre zorglub", RequestAttributesSequence=[nested])
    rules = resolve_policy(research)
    hunter = Hunter(harvest_identity([ds]), institutions=True)
    assert unknown_in([ds], rules, hunter) == {"zorglub", "quincampoix"}
    assert unknown_in([ds], rules, hunter, ["zorglub"]) == {"quincampoix"}


def test_unknown_words_stay_or_go_as_the_policy_says(
    make: Callable[..., Dataset], research: Policy, reread: Callable[..., Dataset]
) -> None:
    ds = make(StudyDescription="IRM zorglub prostate", SeriesDescription="T2 TSE AX")
    strict = research.model_copy(update={"unknown_words": "remove"})
    accepting = strict.model_copy(update={"accepted_words": ("zorglub",)})
    assert reread(ds, research).StudyDescription == "IRM zorglub prostate"
    assert reread(ds, strict).StudyDescription == "IRM prostate"
    assert reread(ds, strict).SeriesDescription == "T2 TSE AX"
    assert reread(ds, accepting).StudyDescription == "IRM zorglub prostate"
