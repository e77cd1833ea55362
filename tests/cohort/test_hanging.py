"""Which images of an exam stand beside the one that is read."""

from __future__ import annotations

from pipelines.cohort.hanging import Image, companions, hung, protocol_of

BREASTS = protocol_of("mammography")
PROSTATE = protocol_of("prostate-mpmri")
assert BREASTS is not None
assert PROSTATE is not None


def mammogram(name: str, view: str, role: str = "mg_presentation") -> Image:
    return Image(name, role, view)


def test_the_four_views_of_a_screening_exam_hang_right_beside_left_cc_above_mlo() -> None:
    views = ["LMLO", "RCC", "LCC", "RMLO"]
    assert [views[at] for at in hung(BREASTS, views, 0)] == ["RCC", "LCC", "RMLO", "LMLO"]
    assert BREASTS.columns == 2


def test_what_is_not_read_of_an_exam_is_brought_and_what_is_read_is_not_brought_twice() -> None:
    exam = [mammogram(view.lower(), view) for view in ("RCC", "LCC", "RMLO", "LMLO")]
    beside = companions(BREASTS, exam[:1], exam)
    assert [image.name for image in beside] == ["lcc", "lmlo", "rmlo"]
    assert companions(BREASTS, exam, exam) == []


def test_intents_are_never_mixed() -> None:
    raw = [mammogram(f"raw {v}", v, "mg_processing") for v in ("RCC", "LCC")]
    made = [mammogram(f"made {v}", v) for v in ("RCC", "LCC")]
    beside = companions(BREASTS, raw[:1], [*raw, *made])
    assert [image.name for image in beside] == ["raw LCC"]


def test_a_view_that_has_no_place_is_read_with_the_four_beside_it_and_stands_first() -> None:
    spot = mammogram("spot", "RML")
    exam = [spot, mammogram("rcc", "RCC")]
    assert BREASTS.place_of(spot) == ""
    assert [image.name for image in companions(BREASTS, [spot], exam)] == ["rcc"]
    assert hung(BREASTS, ["", "RCC"], 0) == [0, 1]


def test_a_prostate_hangs_t2w_adc_and_its_highest_b_value() -> None:
    t2w, adc = Image("t2w", "t2w_ax"), Image("adc", "adc")
    low, high, highest = (Image(f"b{b}", "dwi", b_value=float(b)) for b in (50, 800, 1400))
    sagittal = Image("sagittal", "t2w_sag")
    exam = [low, high, highest, sagittal, adc, t2w]
    assert [i.name for i in companions(PROSTATE, [t2w], exam)] == ["adc", "b1400"]
    assert PROSTATE.place_of(low) == ""
    places = [PROSTATE.place_of(image) for image in exam]
    # The one that is read keeps its place, though a higher b-value has it too.
    assert [exam[at].name for at in hung(PROSTATE, places, 1)] == ["t2w", "adc", "b800"]


def test_recipes_of_ones_own_hang_as_what_they_begin_with_and_others_do_not_hang() -> None:
    assert protocol_of("mammography-lyon") == BREASTS
    assert protocol_of("mammographyx") is None
    assert protocol_of("ct-oncology") is None
