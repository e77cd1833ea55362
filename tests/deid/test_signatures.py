"""Device signatures: the most specific one holds, and text that moved gives an alarm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydicom.dataset import Dataset

from config.signature import Box, Signature
from deid.blank.region import Rectangle
from deid.signatures import match_signature, signature_alarm, signature_look, text_outside

HEAD = Box(rows=(0, 40), columns=(0, 640))
FOOT = Box(rows=(440, 480), columns=(0, 200))


def signature(name: str = "one", **values: Any) -> Signature:
    given_values = {
        "manufacturer": "ACME*", "rows": 480, "columns": 640, "blank": (HEAD,),
        "reason": "twelve exams of a test", "accepted_by": "A. Tester",
        "accepted_on": date(2024, 1, 2),
    } | values  # fmt: skip
    return Signature(name=name, **given_values)


def image(**values: Any) -> Dataset:
    ds = Dataset()
    ds.Manufacturer, ds.ManufacturerModelName = "Acme  Médical", "Sono 5"
    ds.SoftwareVersions = ["3.1.2", "A"]
    ds.ImageType = ["ORIGINAL", "PRIMARY", "ABDOMINAL"]
    ds.Rows, ds.Columns = 480, 640
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    "values",
    [
        {"manufacturer": "acme medical"},
        {"manufacturer": "ACME   MÉDICAL", "model": "sono*"},
        {"software": "3.1.*"},
        {"image_type": ("abdominal",)},
        {"image_type": ("ORIGINAL", "ABDOMINAL")},
    ],
    ids=str,
)
def test_case_accents_and_blanks_do_not_count(values: dict[str, Any]) -> None:
    assert match_signature(image(), [signature(**values)]) is not None


@pytest.mark.parametrize(
    "values",
    [
        {"manufacturer": "acme"},
        {"model": "sono 6"},
        {"software": "3.2*"},
        {"image_type": ("ORIGINAL", "CARDIAC")},
        {"rows": 481},
        {"columns": 641},
    ],
    ids=str,
)
def test_what_differs_in_one_field_is_another_device(values: dict[str, Any]) -> None:
    assert match_signature(image(), [signature(**values)]) is None


def test_the_most_specific_signature_holds_in_any_order() -> None:
    ranked = [
        signature("any", manufacturer="*"),
        signature("maker"),
        signature("maker-whole", manufacturer="acme medical"),
        signature("maker-kind", image_type=("ABDOMINAL",)),
        signature("model", model="sono 5"),
        signature("software", model="sono 5", software="3.*"),
    ]
    for count in range(1, len(ranked) + 1):
        for some in (ranked[:count], ranked[count - 1 :: -1]):
            found = match_signature(image(), some)
            assert found is not None
            assert found.name == ranked[count - 1].name


def test_of_two_equally_specific_signatures_both_are_blanked_and_only_the_shared_is_safe() -> None:
    one = signature("one", safe=(FOOT, HEAD))
    two = signature("two", blank=(FOOT,), safe=(HEAD,))
    found = match_signature(image(), [two, one])
    assert found is not None
    assert set(found.blank) == {HEAD, FOOT}
    assert found.safe == (HEAD,)


def test_a_look_blanks_the_places_in_every_frame() -> None:
    look = signature_look(image(), [signature()])
    assert look is not None
    assert look.decision == "signature"
    assert look.blank == (Rectangle(0, 40, 0, 640),)
    assert "one" in look.reason
    assert signature_look(image(Rows=100), [signature()]) is None
    assert signature_look(Dataset(), [signature()]) is None


def test_what_lies_outside_the_places_kept_is_blanked_and_no_alarm() -> None:
    known = signature(blank=(), keep=(Box(rows=(40, 440), columns=(100, 540)),))
    look = signature_look(image(), [known])
    assert look is not None
    assert sum(place.area for place in look.blank) == 480 * 640 - 400 * 440
    assert signature_alarm([Rectangle(5, 30, 0, 600)], known) is None
    assert signature_alarm([Rectangle(200, 220, 200, 300)], known) == "SIGNATURE_MOVED"


def test_of_two_signatures_one_of_which_keeps_both_blank() -> None:
    keeps = signature("one", blank=(), keep=(Box(rows=(40, 480), columns=(0, 640)),))
    found = match_signature(image(), [keeps, signature("two", blank=(FOOT,))])
    assert found is not None
    assert {(box.rows, box.columns) for box in found.blank} == {
        ((0, 40), (0, 640)),
        (FOOT.rows, FOOT.columns),
    }
    assert found.keep == ()


def test_text_in_known_places_is_no_alarm() -> None:
    known = signature(safe=(FOOT,))
    lines = [Rectangle(10, 30, 5, 300), Rectangle(445, 470, 10, 150, frame=3)]
    assert signature_alarm(lines, known) is None
    assert signature_alarm([], known) is None


def test_text_that_moved_gives_the_alarm_and_its_place() -> None:
    moved = Rectangle(60, 80, 5, 300)
    assert signature_alarm([Rectangle(10, 30, 5, 300), moved], signature()) == "SIGNATURE_MOVED"
    assert text_outside([Rectangle(10, 30, 5, 300), moved], signature()) == (moved,)


def test_a_line_half_out_of_its_place_is_out() -> None:
    assert text_outside([Rectangle(30, 70, 0, 100)], signature(), margin_px=0)
    assert not text_outside([Rectangle(30, 48, 0, 100)], signature(), margin_px=8)


@given(st.integers(0, 39), st.integers(1, 40), st.integers(0, 639), st.integers(1, 640))
def test_a_line_in_two_places_that_touch_is_in(top: int, high: int, left: int, wide: int) -> None:
    halves = (Box(rows=(0, 40), columns=(0, 320)), Box(rows=(0, 40), columns=(320, 640)))
    line = Rectangle(top, min(top + high, 40), left, min(left + wide, 640))
    assert text_outside([line], signature(blank=halves), margin_px=0) == ()


@pytest.mark.parametrize(
    "box",
    [
        {"rows": (0, 481), "columns": (0, 5)},
        {"rows": (0, 5), "columns": (0, 641)},
        {"rows": (5, 5), "columns": (0, 5)},
        {"rows": (-1, 5), "columns": (0, 5)},
    ],
    ids=str,
)
def test_a_place_that_leaves_the_image_is_refused_when_settings_are_read(
    box: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError):
        signature(blank=(box,))


def test_an_object_read_from_a_file_has_a_key(make: Callable[..., Dataset]) -> None:
    known = signature(rows=2, columns=2, blank=())
    found = match_signature(make(Manufacturer="ACME"), [known])
    assert found is not None
