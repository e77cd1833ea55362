"""Screening exams: eight arrangements, and intents that are never mixed."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import ConfigurationError
from config.library import find_recipe
from config.recipe import Recipe
from harmonise.classify import classify
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import apply_study, check_recipe, plan_study
from harmonise.vendor.pixels import load_volume
from harmonise.views import view_of
from tests.harmonise import builders

ROWS, COLUMNS = 120, 90
DOWN = {("R", "CC"): "L", ("L", "CC"): "R", ("R", "MLO"): "FL", ("L", "MLO"): "FR"}
CODES = {"CC": "399162004", "MLO": "399368009"}
PER_CASE = "INTENSITY_PER_CASE"
"""Of every image here: one patient fits no grey scale."""


def breast(side):
    y, x = np.mgrid[:ROWS, :COLUMNS]
    depth = 1 - (x / 60.0) ** 2 - ((y - 50) / 45.0) ** 2
    image = np.where(depth > 0, 900 + 2000 * np.clip(depth, 0, 1), 40.0)
    image[8:14, 80:86] = 3900.0
    return image if side == "left" else image[:, ::-1]


def code_item(value, designator="SCT"):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, designator, "x"
    return item


def view(side, kind, number, *, wall=None, inverted=False, modifier=None, **changes):
    """Return one view; ``wall`` is where the chest wall is stored, by custom that of the side."""
    wall = wall or {"L": "left", "R": "right"}[side]
    stored = breast(wall)
    stored = 4095 - stored if inverted else stored
    item = code_item(CODES.get(kind, "399162004"))
    item.ViewModifierCodeSequence = Items([code_item(modifier)] if modifier else [])
    said = {
        "ImageLaterality": side,
        "ViewPosition": kind,
        "ViewCodeSequence": Items([item]),
        "PatientOrientation": ["A" if wall == "left" else "P", DOWN[side, kind]],
        "PhotometricInterpretation": "MONOCHROME1" if inverted else "MONOCHROME2",
        "PresentationLUTShape": "INVERSE" if inverted else "IDENTITY",
        "SOPInstanceUID": builders.uid(700 + number),
        "AcquisitionDate": "20200101",
        "AcquisitionTime": f"09{number:02d}00",
        "InstanceNumber": number,
    }
    return builders.mammogram(stored, **{**said, **changes})


def exam(**of_each):
    """Return the four views of an exam."""
    names = [("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")]
    return [view(*name, number, **of_each) for number, name in enumerate(names, start=1)]


def made(tmp_path, objects, recipe="mammography"):
    plan = plan_study(builders.write_all(objects, tmp_path / "in"), find_recipe(recipe))
    rows = apply_study(plan, tmp_path / "out")
    return {row.volume_id.rsplit("-", 1)[0]: row for row in rows if row.volume_id}, rows


def upright(tmp_path, row):
    """Tell whether tissue is bright, the chest wall left and the orientation says so."""
    ds = pydicom.dcmread(tmp_path / "out" / row.dicom_path / "0001.dcm")
    picture = ds.pixel_array
    return (
        ds.PhotometricInterpretation == "MONOCHROME2"
        and ds.PatientOrientation[0] == "A"
        and picture[35, 2] > 40000
        and picture[:, 50:].max() == 0
    )


FOUR = {f"mg_presentation_{name}" for name in ("rcc", "lcc", "rmlo", "lmlo")}
PLAIN = {
    "as it should be": {},
    "all walls left": {"wall": "left"},
    "all walls right": {"wall": "right"},
    "MONOCHROME1": {"inverted": True},
    "MONOCHROME1, all walls right": {"inverted": True, "wall": "right"},
}


@pytest.mark.parametrize("how", PLAIN.values(), ids=PLAIN)
def test_flips_and_polarities_come_out_upright(how, tmp_path):
    by_view, _ = made(tmp_path, exam(**how))

    assert set(by_view) == FOUR
    for row in by_view.values():
        assert row.codes == (PER_CASE,)
        assert upright(tmp_path, row)


def test_a_conflicting_laterality_is_flagged_and_stays_upright(tmp_path):
    objects = exam()
    objects[2].Laterality = "L"

    by_view, _ = made(tmp_path, objects)

    assert by_view["mg_presentation_rmlo"].codes == ("MG_LATERALITY_CONFLICT", PER_CASE)
    assert upright(tmp_path, by_view["mg_presentation_rmlo"])
    assert by_view["mg_presentation_lmlo"].codes == (PER_CASE,)


def test_a_conflicting_view_is_flagged_and_the_code_believed(tmp_path):
    objects = exam()
    objects[0].ViewPosition = "MLO"

    by_view, _ = made(tmp_path, objects)

    assert by_view["mg_presentation_rcc"].codes == ("MG_VIEW_CONFLICT", PER_CASE)


def test_a_missing_view_flags_the_exam_and_names_it(tmp_path):
    plan = plan_study(builders.write_all(exam()[:3], tmp_path / "in"), find_recipe("mammography"))

    assert {volume.codes for volume in plan.volumes} == {("MG_INCOMPLETE_EXAM",)}
    assert "exam: LMLO 0" in plan.volumes[0].log


def test_a_repeat_replaces_the_first_take(tmp_path):
    repeat = view("R", "MLO", 9)

    by_view, rows = made(tmp_path, [repeat, *exam()])

    assert set(by_view) == FOUR
    assert by_view["mg_presentation_rmlo"].codes == (PER_CASE,)
    ds = pydicom.dcmread(tmp_path / "out" / by_view["mg_presentation_rmlo"].dicom_path / "0001.dcm")
    assert ds.SourceImageSequence[0].ReferencedSOPInstanceUID == builders.uid(709)
    assert [row.codes for row in rows if row.volume_id is None] == [("NOT_SELECTED",)]


def test_an_implant_displaced_view_never_takes_the_place_of_a_standard_one(tmp_path):
    displaced = view("R", "MLO", 9, modifier="399209000", BreastImplantPresent="YES")
    objects = exam(BreastImplantPresent="YES")

    by_view, rows = made(tmp_path, [displaced, *objects])

    assert set(by_view) == FOUR
    assert {row.codes for row in by_view.values()} == {("MG_IMPLANT", PER_CASE)}
    assert [row.role for row in rows if row.volume_id is None] == ["mg_implant_displaced"]


def test_mixed_intents_give_one_exam_of_one_intent(tmp_path):
    others = [
        view("R", "CC", 10, ImageType=["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "GENERATED_2D"]),
        view("R", "CC", 11, SeriesDescription="R CC V-Preview"),
        view("R", "CC", 12, modifier="399163009"),
        view("R", "CC", 13, modifier="399055006"),
        view("R", "CC", 14, EstimatedRadiographicMagnificationFactor=1.8),
        view("R", "CC", 15, SeriesDescription="SPECIMEN"),
        view("R", "CC", 16, modifier="399161006"),
        view(
            "R",
            "CC",
            17,
            SOPClassUID=builders.MG_PROCESSING,
            PresentationIntentType="FOR PROCESSING",
            SeriesInstanceUID=builders.uid(77),
        ),
    ]

    by_view, rows = made(tmp_path, [*exam(), *others])

    assert set(by_view) == FOUR
    declined = sorted(row.role for row in rows if row.volume_id is None)
    assert declined == [
        "mg_additional",
        "mg_magnification",
        "mg_magnification",
        "mg_magnification",
        "mg_processing",
        "mg_specimen",
        "mg_synthetic",
        "mg_synthetic",
    ]


def test_a_recipe_that_mixes_intents_is_stopped():
    recipe = Recipe(name="mixed", roles=("mg_presentation", "mg_synthetic"))

    with pytest.raises(ConfigurationError, match="MG_INTENT_MIXED"):
        check_recipe(recipe)


SAID = {
    "attribute and code": ({"ImageLaterality": "R", "ViewCode": "R-10226"}, "RMLO", ()),
    "old position with side": ({"ViewPosition": "LCC"}, "LCC", ()),
    "words": ({"SeriesDescription": "SEIN DROIT MLO"}, "RMLO", ()),
    "words against attribute": (
        {"ImageLaterality": "L", "ViewPosition": "CC", "SeriesDescription": "R CC"},
        "LCC",
        ("MG_LATERALITY_CONFLICT",),
    ),
    "two sides in words tell nothing": (
        {"SeriesDescription": "Mammo R CC L CC", "ImageLaterality": "L", "ViewPosition": "CC"},
        "LCC",
        (),
    ),
    "both": ({"ImageLaterality": "B", "ViewPosition": "CC"}, "?CC", ("MG_NO_VIEW",)),
}


@pytest.mark.parametrize(("header", "name", "codes"), SAID.values(), ids=SAID)
def test_side_and_view_come_from_four_sources(header, name, codes):
    found = view_of(header)

    assert (found.name, found.codes) == (name, codes)


def test_tomosynthesis_is_a_volume_with_a_role_of_its_own(tmp_path):
    """Ten planes a millimetre apart, as a header of PS3.3 A.55 says it; synthetic."""
    planes = np.random.default_rng(5).integers(0, 1000, (10, 30, 20))
    ds = builders.image(planes[0], SOPClassUID=builders.MG_TOMOSYNTHESIS, Modality="MG")
    ds.NumberOfFrames = 10
    ds.PixelData = planes.astype("<u2").tobytes()
    ds.ImageType = ["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "NONE"]
    shared, measures, turn = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.1, 0.1], 1
    turn.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    anatomy = Dataset()
    anatomy.FrameLaterality = "L"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Items([measures]), Items([turn])
    shared.FrameAnatomySequence = Items([anatomy])
    ds.SharedFunctionalGroupsSequence = Items([shared])
    groups = []
    for number in range(10):
        group, place = Dataset(), Dataset()
        place.ImagePositionPatient = [-number, 0, 0]
        group.PlanePositionSequence = Items([place])
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = Items(groups)
    paths = [builders.write(ds, tmp_path / "dbt.dcm")]

    ((stack,), _) = read_stacks(paths)

    assert classify(stack).name == "mg_tomosynthesis"
    assert view_of(stack.header).side == "L"
    geometry = judge(stack)
    assert geometry.verdict == "REGULAR"
    assert geometry.grid.spacing_mm == pytest.approx((1.0, 0.1, 0.1))
    assert sorted(load_volume(stack, geometry).values[:, 3, 4]) == sorted(planes[:, 3, 4])
    (declined,) = plan_study(paths, find_recipe("mammography")).declined
    assert (declined.role.name, declined.refusal.code) == ("mg_tomosynthesis", "NOT_SELECTED")
