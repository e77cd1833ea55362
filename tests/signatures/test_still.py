"""Text that stands still is found with all its letters, and tissue is not taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from deid.blank.region import Rectangle
from pipelines.signatures.picture import picture
from pipelines.signatures.still import Place, find_places, measure
from tests.signatures.exams import COLUMNS, ROWS, Drawn, draw_many


def covered(places: tuple[Place, ...]) -> NDArray[np.bool_]:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    for place in places:
        r = place.rectangle
        mask[r.row_start : r.row_stop, r.column_start : r.column_stop] = True
    return mask


def cut(array: NDArray[np.generic], r: Rectangle) -> NDArray[np.generic]:
    return array[r.row_start : r.row_stop, r.column_start : r.column_stop]


def stack(exams: list[Drawn]) -> NDArray[np.uint8]:
    return np.stack([exam.pixels for exam in exams])


@pytest.mark.parametrize("seed", [101, 102, 103])
@pytest.mark.parametrize(("count", "size_px"), [(5, 16), (8, 12), (12, 16), (12, 26)])
def test_every_letter_of_every_patient_lies_in_a_place(seed: int, count: int, size_px: int) -> None:
    exams = draw_many(seed, count, size_px)
    mask = covered(find_places(measure(stack(exams))))
    for exam in exams:
        for line in (*exam.fixed, *exam.varying):
            bright = cut(exam.pixels, line) > 128
            assert cut(mask, line)[bright].all(), line
    assert mask[exams[0].fan].mean() < 0.05


def test_images_without_text_give_no_place() -> None:
    exams = draw_many(7, 6)
    for exam in exams:
        exam.pixels[~exam.fan] = 0
        exam.pixels[190:230, 290:380] = np.random.default_rng(1).integers(0, 90, (40, 90))
    bare = stack(exams)
    bare[:, 190:230, 290:380] = np.random.default_rng(2).rayleigh(30, (6, 40, 90)).clip(0, 255)
    assert find_places(measure(bare)) == ()


def test_what_is_the_same_in_all_is_told_from_what_varies() -> None:
    exams = draw_many(104, 8)
    places = find_places(measure(stack(exams)))
    mechanical = exams[0].fixed[1]  # the line below, which touches nothing that varies
    at = [p for p in places if cut(covered((p,)), mechanical).all()]
    assert [p.varies for p in at] == [False]
    for line in exams[0].varying:
        assert any(p.varies for p in places if cut(covered((p,)), line).any())


def test_a_reader_finds_what_varies_on_ground_that_varies() -> None:
    rng = np.random.default_rng(5)
    tissue = rng.integers(0, 256, (6, ROWS, COLUMNS)).astype(np.uint8)
    line = Rectangle(100, 120, 200, 320)
    assert find_places(measure(tissue)) == ()
    (place,) = find_places(measure(tissue, [[line]] * 6))
    assert cut(covered((place,)), line).all()


def test_the_picture_shows_no_letter_that_varies() -> None:
    exams = draw_many(105, 8)
    still = measure(stack(exams))
    places = find_places(still)
    shown = picture(still, places)
    outlines = picture(still, ()) != shown  # where anything was drawn or blackened
    for exam in exams:
        for line in exam.varying:
            inside = cut(shown, line)
            letters = cut(exam.pixels, line) > 128
            lit = inside[letters] > 0
            assert lit.mean() < 0.25  # outlines cross letters; nothing else is lit
            assert cut(outlines, line).any()
    mechanical = exams[0].fixed[1]
    assert np.array_equal(cut(shown, mechanical), cut(exams[0].pixels, mechanical))


def test_text_of_one_patient_alone_is_neither_proposed_nor_shown() -> None:
    exams = draw_many(106, 9)
    plain = measure(stack(exams))
    before = picture(plain, find_places(plain))
    once = stack(exams)
    note = draw_many(107, 1)[0]
    line = note.varying[0]
    once[0, 330 : 330 + line.row_stop, 570:640] = note.pixels[: line.row_stop, :70]
    still = measure(once)
    places = find_places(still)
    assert not covered(places)[330:365, 570:640].any()
    assert np.array_equal(picture(still, places)[330:365, 570:], before[330:365, 570:])


def test_a_median_is_taken_over_patients_and_the_bands_join() -> None:
    images = np.zeros((3, 130, 4), np.uint8)
    images[0], images[1], images[2] = 10, 20, 200
    still = measure(images)
    assert (still.median == 20).all()
    assert np.allclose(still.same, 1 / 3)
