"""Claims about the mammograms: four views, two styles, chest wall and marker."""

from __future__ import annotations

import numpy as np
import pytest

STYLES = {"chu-atlas": "MONOCHROME2", "chu-boreal": "MONOCHROME1", "chu-cyan": "MONOCHROME2"}


@pytest.fixture(scope="module")
def exams(tiny_studies):
    """(site, study) -> four images."""
    return {
        (site, study): [tiny_studies.series(site, study, n)[0] for n in (1, 2, 3, 4)]
        for site in STYLES
        for study in tiny_studies.study_folders(site, "mg")
    }


def brightness(ds) -> np.ndarray:
    """Pixels with bright meaning dense: MONOCHROME1 shows its lowest value white."""
    return (
        4095 - ds.pixel_array if ds.PhotometricInterpretation == "MONOCHROME1" else ds.pixel_array
    )


def test_every_exam_has_each_view_of_each_breast_once(exams) -> None:
    for images in exams.values():
        views = sorted(ds.ImageLaterality + ds.ViewPosition for ds in images)
        assert views == ["LCC", "LMLO", "RCC", "RMLO"]


def test_each_vendor_has_its_own_polarity_and_its_own_way_to_grey(exams) -> None:
    for (site, _), images in exams.items():
        for ds in images:
            assert ds.PhotometricInterpretation == STYLES[site]
            lut = "VOILUTSequence" in ds
            assert lut == (STYLES[site] == "MONOCHROME1")
            assert lut != ("WindowCenter" in ds)
            # PS3.3 C.8.11.3.1.2
            assert ds.PresentationLUTShape == ("INVERSE" if lut else "IDENTITY")


def test_the_voi_lut_covers_every_stored_value_and_never_falls(exams) -> None:
    ds = exams["chu-boreal", "mg-05"][0]
    (item,) = ds.VOILUTSequence
    entries, first, bits = item.LUTDescriptor
    table = np.frombuffer(item.LUTData, "<u2")
    assert (entries, first, bits) == (4096, 0, 12)
    assert table.size == entries
    assert (np.diff(table.astype(int)) >= 0).all()
    assert table.max() < 4096


def test_the_breast_is_on_the_side_that_patient_orientation_says(exams) -> None:
    """PS3.3 C.7.6.1.1.1: A along rows means that the chest wall is on the left."""
    sides = set()
    for images in exams.values():
        for ds in images:
            picture = brightness(ds)
            left, right = picture[:, 0].sum(), picture[:, -1].sum()
            assert (left > right) == (ds.PatientOrientation[0] == "A")
            sides.add((ds.ImageLaterality, ds.PatientOrientation[0]))
    assert ("R", "P") in sides
    assert ("L", "A") in sides


def test_columns_run_to_the_feet_in_oblique_views_only(exams) -> None:
    for images in exams.values():
        for ds in images:
            down = ds.PatientOrientation[1]
            assert down.startswith("F") == (ds.ViewPosition == "MLO")
            # Towards the other side of the body: from the outside of this breast inwards.
            assert down[-1] == ("L" if ds.ImageLaterality == "R" else "R")


def test_only_oblique_views_show_muscle_in_the_upper_corner(exams) -> None:
    for images in exams.values():
        for ds in images:
            picture = brightness(ds)
            column = 0 if ds.PatientOrientation[0] == "A" else -1
            assert (picture[:5, column].mean() > 500) == (ds.ViewPosition == "MLO")


def test_the_marker_is_the_only_thing_drawn_in_air(demo_studies) -> None:
    """The letters are 5 dots wide, 7 high: the top of R is four dots and a gap."""
    ds = demo_studies.series("chu-atlas", "mg-06", 1)[0]
    picture = brightness(ds)
    assert ds.ImageLaterality + ds.ViewPosition == "RCC"
    drawn = np.argwhere(picture == 3700)
    top, left = drawn.min(axis=0)
    bottom, right = drawn.max(axis=0)
    dot = (bottom - top + 1) // 7
    assert (right - left + 1) == dot * (3 * 6 - 1)
    row = picture[top, left : left + 5 * dot : dot] == 3700
    assert row.tolist() == [True, True, True, True, False]
    around = picture[top - 2 : bottom + 3, left - 2 : right + 3].copy()
    around[around == 3700] = 0
    assert not around.any()


def test_objects_say_that_no_annotation_is_burned_in(exams) -> None:
    assert {ds.BurnedInAnnotation for images in exams.values() for ds in images} == {"NO"}


def test_air_is_black_when_shown(exams) -> None:
    for images in exams.values():
        for ds in images:
            assert (brightness(ds)[-3:, 50:60] == 0).all()
