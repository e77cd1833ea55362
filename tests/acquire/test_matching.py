"""PS3.4 section C.2.2.2: each kind of matching, with values of the standard's own wording."""

from __future__ import annotations

import pytest

from pipelines.acquire.matching import matches


@pytest.mark.parametrize(
    ("vr", "asked", "stored", "expected"),
    [
        ("LO", [], ["PROSTATE"], True),  # universal: zero-length key
        ("LO", ["*"], [], True),  # a lone * also matches what is absent
        ("LO", ["P*"], [], False),
        ("LO", ["*PROST*"], ["IRM PROSTATE"], True),
        ("LO", ["PROST*"], ["IRM PROSTATE"], False),
        ("LO", ["IRM?PROSTATE"], ["IRM PROSTATE"], True),
        ("LO", ["IRM?PROSTATE"], ["IRMPROSTATE"], False),
        ("LO", ["a.c*"], ["abcd"], False),  # a full stop is no wildcard
        ("LO", ["prostate"], ["PROSTATE"], False),  # only PN may ignore case
        ("PN", ["lefÈvre^*"], ["Lefèvre^Zoé"], True),
        ("PN", ["LEFEVRE^*"], ["Lefèvre^Zoé"], False),  # no fuzzy matching was negotiated
        ("PN", ["DUPONT"], ["Dupont^^^"], True),  # trailing delimiters carry nothing
        ("DA", ["20200101-20201231"], ["20201231"], True),
        ("DA", ["20200101-20201231"], ["20210101"], False),
        ("DA", ["-20200131"], ["20200131"], True),
        ("DA", ["20200201-"], ["20200131"], False),
        ("DA", ["20200101-"], [], False),
        ("DA", ["19970101-19971231"], ["1997.04.24"], True),  # ACR-NEMA's way to write a date
        ("TM", ["10-11"], ["10:15:00"], True),
        ("TM", ["10-11"], ["115959"], True),  # 11 stands for its whole hour
        ("TM", ["10-11"], ["120000"], False),
        ("TM", ["1015"], ["101500"], True),
        ("UI", ["1.2.3", "1.2.4"], ["1.2.4"], True),  # list of UIDs
        ("UI", ["1.2*"], ["1.2.4"], False),  # no wildcard in a UID
        ("CS", ["MR"], ["MR", "SR"], True),  # several stored values: any
        ("CS", ["CT", "MR"], ["MR"], True),
        ("CS", ["M?"], ["CT"], False),
    ],
)
def test_a_key_matches_as_the_standard_says(
    vr: str, asked: list[str], stored: list[str], expected: bool
) -> None:
    assert matches(vr, asked, stored) is expected
