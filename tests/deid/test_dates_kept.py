"""Which dates may stay: none of a birth, none that tells a great age, no count of seconds."""

from __future__ import annotations

import struct
from calendar import timegm
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from config.policy import Policy
from deid.dates import shift_date, shift_datetime, shift_text, valid_day, valid_timezone
from deid.engine import ReleasedDataset
from deid.epoch import shift_numbers

DAY_S = 86_400
MODIFIED = Policy(name="p", options=("113104", "113105", "113107", "113108", "113111"))
FULL = Policy(name="p", options=("113104", "113105", "113106", "113108", "113111"))
EXAM = timegm(datetime(2018, 4, 5, 10, 11, 12, tzinfo=UTC).timetuple())
DATES = frozenset({"20180405"})


@given(
    st.datetimes(min_value=datetime(1930, 1, 1), max_value=datetime(2090, 1, 1)),  # noqa: DTZ001
    st.datetimes(min_value=datetime(1930, 1, 1), max_value=datetime(2090, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=1, max_value=3650),
    st.sampled_from([4, 6, 8, 10, 12, 14]),
)
def test_order_stays_and_precision_too(
    one: datetime, two: datetime, days: int, digits: int
) -> None:
    before = [when.strftime("%Y%m%d%H%M%S")[:digits] for when in (one, two)]
    after = [shift_datetime(text, days) or "" for text in before]
    assert [len(text) for text in after] == [digits, digits]
    assert (before[0] <= before[1]) == (after[0] <= after[1]) or after[0] == after[1]


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [("20200229", 365, "20190301"), ("20200301", 1, "20200229"), ("19000301", 1, "19000228"),
     ("20000301", 1, "20000229"), ("20210101", 1, "20201231"), ("20200229", 366, "20190228")],
)  # fmt: skip
def test_leap_years_are_those_of_the_calendar(day: str, days: int, expected: str) -> None:
    assert shift_date(day, days) == expected


@pytest.mark.parametrize(
    "text",
    ["00010101", "99999999", "00000000", "20180405-20180410", "20180230", "99991231235959.999999x",
     "99999999999999", "2018040525", "20180405101112+2500", "20180405\n20180406", " ", "1.1.2018"],
)  # fmt: skip
def test_what_is_no_date_is_never_moved_into_one(text: str) -> None:
    assert shift_date(text, 3650) is None
    moved = shift_datetime(text, 3650)
    assert moved is None or valid_day(moved[:8])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-04-05", "2018-04-04"),
        ("2018/04/05 10:11:12", "2018/04/04 10:11:12"),
        ("20180405101112", "20180404101112"),
        ("20180405", "20180404"),
        ("2018-04-05T10:11:12.5+02:00", "2018-04-04T10:11:12.5+02:00"),
        ("05/04/2018", None),
        ("04.05.2018", None),
        ("2018", None),
        ("2018-13-05", None),
        ("20180405 LEFEVRE", None),
    ],
)
def test_a_text_is_moved_only_when_it_is_one_date_year_first(
    text: str, expected: str | None
) -> None:
    assert shift_text(text, 1) == expected


def test_zones_are_those_of_the_earth() -> None:
    assert valid_timezone("-0330")
    assert not valid_timezone("+2500")


@pytest.mark.parametrize(
    ("vr", "form"), [("UL", "<L"), ("SL", "<l"), ("UV", "<Q"), ("SV", "<q"), ("FD", "<d")]
)
@pytest.mark.parametrize("scale", [1, 1000])
def test_a_count_of_seconds_on_a_day_of_the_study_moves(vr: str, form: str, scale: int) -> None:
    if scale == 1000 and struct.calcsize(form) == 4:
        return
    value = struct.pack(form, EXAM * scale)
    moved = shift_numbers(value, vr, DATES, 10, little_endian=True)
    assert moved == struct.pack(form, (EXAM - 10 * DAY_S) * scale)


@pytest.mark.parametrize("apart_s", [-2 * DAY_S - 40_000, 2 * DAY_S + 60_000, 400 * DAY_S])
def test_any_other_number_is_left_alone(apart_s: int) -> None:
    assert (
        shift_numbers(struct.pack("<L", EXAM + apart_s), "UL", DATES, 10, little_endian=True)
        is None
    )
    assert shift_numbers(str(EXAM + apart_s).encode(), "IS", DATES, 10, little_endian=True) is None


def test_decimal_counts_keep_their_fraction_and_their_neighbours() -> None:
    moved = shift_numbers(f"12\\{EXAM}.25 ".encode(), "DS", DATES, 1, little_endian=True)
    assert moved is not None
    assert moved.strip() == f"12\\{EXAM - DAY_S}.25".encode()
    assert len(moved) % 2 == 0


@given(st.binary(max_size=80), st.sampled_from(["UL", "SL", "UV", "SV", "FD", "DS", "IS"]))
def test_any_bytes_give_bytes_of_the_same_kind_or_none(value: bytes, vr: str) -> None:
    moved = shift_numbers(value, vr, DATES, 100, little_endian=True)
    assert moved is None or vr in {"DS", "IS"} or len(moved) == len(value)


def _release_of(release: Callable[..., ReleasedDataset], ds: Dataset, policy: Policy) -> bytes:
    return release(ds, policy).to_bytes()


@pytest.mark.parametrize("policy", [Policy(name="p"), MODIFIED], ids=["basic", "modified"])
def test_no_count_of_seconds_of_the_exam_is_left(
    policy: Policy, make: Callable[..., Dataset], release: Callable[..., ReleasedDataset]
) -> None:
    def counted(ds: Dataset) -> Dataset:
        ds.AcquisitionNumber = EXAM
        block = ds.private_block(0x0045, "GEMS_HELIOS_01", create=True)
        block.add_new(0x01, "SL", EXAM)
        return ds

    data = _release_of(release, make(change=counted), policy)
    assert str(EXAM).encode() not in data
    assert struct.pack("<L", EXAM) not in data


def test_full_dates_keep_their_counts(
    make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    assert reread(make(AcquisitionNumber=EXAM), FULL).AcquisitionNumber == EXAM


def _sr(birth: str, other: str) -> Callable[[Dataset], Dataset]:
    """Content items with a birth date and another date (PS3.3 C.17.3)."""

    def item(code: str, meaning: str, day: str) -> Dataset:
        concept = Dataset()
        concept.CodeValue, concept.CodingSchemeDesignator = code, "DCM"
        concept.CodeMeaning = meaning
        ds = Dataset()
        ds.RelationshipType, ds.ValueType, ds.Date = "CONTAINS", "DATE", day
        ds.ConceptNameCodeSequence = [concept]
        return ds

    def change(ds: Dataset) -> Dataset:
        ds.SeriesDate = ds.ContentDate = "20180405"
        ds.ContentSequence = [
            item("121031", "Subject Birth Date", birth),
            item("111060", "Study Date", other),
        ]
        return ds

    return change


SR = "1.2.840.10008.5.1.4.1.1.88.11"


@pytest.mark.parametrize("policy", [MODIFIED, FULL], ids=["modified", "full"])
def test_a_birth_date_leaves_no_content_item(
    policy: Policy, make: Callable[..., Dataset], release: Callable[..., ReleasedDataset],
    reread: Callable[..., Dataset],
) -> None:  # fmt: skip
    ds = make(SR, "SR", pixels=False, change=_sr("19570312", "20180101"))
    out = reread(ds, policy)
    days = release(ds, policy).shift_days if policy is MODIFIED else 0
    kept = out.ContentSequence[1].Date
    assert kept == (date(2018, 1, 1) - timedelta(days=days)).strftime("%Y%m%d")
    assert out.ContentSequence[0].Date in {"", "19000101"}


@pytest.mark.parametrize(("day", "stays"), [("19280405", False), ("19280406", True)])
def test_a_date_that_tells_an_age_over_89_is_not_moved(
    day: str, stays: bool, make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    out = reread(make(SR, "SR", pixels=False, change=_sr("19570312", day)), MODIFIED)
    assert (out.ContentSequence[1].Date not in {"", "19000101"}) is stays


def test_a_newborns_study_keeps_its_dates(
    make: Callable[..., Dataset], release: Callable[..., ReleasedDataset],
    reread: Callable[..., Dataset],
) -> None:  # fmt: skip
    ds = make(PatientBirthDate="20180405", SeriesDate="20180405")
    days = release(ds, MODIFIED).shift_days
    expected = (date(2018, 4, 5) - timedelta(days=days)).strftime("%Y%m%d")
    out = reread(ds, MODIFIED)
    assert (out.StudyDate, out.SeriesDate) == (expected, expected)
    assert not out.get("PatientBirthDate")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("age", "expected"),
    [("089Y", "089Y"), ("090Y", "090Y"), ("101Y", "090Y"), ("999M", "999M"), ("03D", "03D"),
     ("XXXY", ""), ("95", "")],
)  # fmt: skip
def test_ages_are_capped_by_the_policy(
    age: str, expected: str, make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    assert (reread(make(PatientAge=age), MODIFIED).get("PatientAge") or "") == expected


def test_every_age_stays_where_the_policy_says_so(
    make: Callable[..., Dataset], reread: Callable[..., Dataset]
) -> None:
    every = MODIFIED.model_copy(update={"oldest_age_years": None})
    assert reread(make(PatientAge="101Y"), every).PatientAge == "101Y"


def test_one_patients_studies_move_by_the_same_days(
    make: Callable[..., Dataset], release: Callable[..., ReleasedDataset]
) -> None:
    first = release(make(StudyDate="20180405"), MODIFIED)
    second = release(make(StudyDate="20210406", StudyInstanceUID="1.2.3.4"), MODIFIED)
    assert first.shift_days == second.shift_days
