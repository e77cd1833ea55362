"""The gate: by the header alone, which pixels are looked at and what is blanked before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.errors import PixelsNotCleared
from config.policy import ClearedPixels, Policy
from deid.blank.region import Rectangle
from deid.engine import Deidentifier
from deid.gate import NO_FACE, decide, require_clear_pixels, require_no_face
from deid.identity import Identity
from deid.keys import Keys
from deid.looks import Look

ROOT = "1.2.840.10008.5.1.4.1.1."
CLEANING = Policy(name="cleaning", options=("113101",))
LOOKED_AT: list[tuple[str, str, dict[str, Any]]] = [
    ("6.1", "US", {}),
    ("3.1", "US", {"BurnedInAnnotation": "NO"}),  # not believed
    ("7", "OT", {}),
    ("7.4", "CT", {}),
    ("12.1", "XA", {}),
    ("1", "CR", {}),
    ("1.1", "DX", {"BurnedInAnnotation": "NO"}),
    ("1.2", "MG", {}),
    ("1.2.1", "MG", {"ImageType": ["ORIGINAL", "PRIMARY"], "BurnedInAnnotation": "NO"}),
    ("4", "MR", {"BurnedInAnnotation": "YES"}),
    ("4", "MR", {"ImageType": ["DERIVED", "PRIMARY", "MPR"]}),
    ("4", "MR", {"ImageType": ["DERIVED", "PRIMARY"], "BurnedInAnnotation": "NO"}),
    ("2", "CT", {"ImageType": ["ORIGINAL", "SECONDARY", "SCREEN SAVE"]}),
    ("2", "CT", {"SamplesPerPixel": 3}),
    ("2", "CT", {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}),
    ("128", "PX", {}),
]
LEFT_ALONE: list[tuple[str, str, dict[str, Any]]] = [
    ("4", "MR", {}),
    ("2", "CT", {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}),
    ("128", "PT", {"BurnedInAnnotation": ""}),
    ("66.4", "SEG", {"ImageType": ["DERIVED", "PRIMARY"]}),
    ("481.2", "RTDOSE", {}),
]


@pytest.mark.parametrize(("suffix", "modality", "values"), LOOKED_AT)
def test_pixels_that_may_carry_text_are_read_and_the_reason_is_said(
    suffix: str, modality: str, values: dict[str, Any], make: Callable[..., Dataset]
) -> None:
    look = decide(make(ROOT + suffix, modality, **values), CLEANING)
    assert look.decision == "read"
    assert look.reason


@pytest.mark.parametrize(("suffix", "modality", "values"), LEFT_ALONE)
def test_what_a_scanner_computed_is_not_read(
    suffix: str, modality: str, values: dict[str, Any], make: Callable[..., Dataset]
) -> None:
    assert decide(make(ROOT + suffix, modality, **values), CLEANING).decision == "not_needed"


def test_a_header_without_pixels_has_nothing_to_read(make: Callable[..., Dataset]) -> None:
    ds = make(ROOT + "7", "OT", pixels=False, Rows=2, Columns=2)
    assert decide(ds, CLEANING).decision == "not_needed"


def test_outside_its_regions_an_ultrasound_is_blanked_before_it_is_read(
    make: Callable[..., Dataset],
) -> None:
    look = decide(make(ROOT + "6.1", "US", Rows=6, Columns=9, change=_region(2, 1, 7, 4)), CLEANING)
    assert look.decision == "regions"
    assert look.blank == (  # rows 1 to 4 and columns 2 to 7 are kept
        Rectangle(0, 1, 0, 9),
        Rectangle(1, 5, 0, 2),
        Rectangle(1, 5, 8, 9),
        Rectangle(5, 6, 0, 9),
    )


def test_regions_that_leave_the_image_are_not_believed_and_all_of_it_is_read(
    make: Callable[..., Dataset],
) -> None:
    ds = make(ROOT + "6.1", "US", Rows=6, Columns=9, change=_region(2, 1, 17, 4))
    look = decide(ds, CLEANING)
    assert look == Look("read", look.reason)
    assert "US_REGION_OUT_OF_BOUNDS" in look.reason


def test_a_known_device_goes_before_its_regions(make: Callable[..., Dataset]) -> None:
    ds = make(ROOT + "6.1", "US", Rows=6, Columns=9, change=_region(2, 1, 7, 4))
    known = Look("signature", "a banner at the top", (Rectangle(0, 1, 0, 9),))
    assert decide(ds, CLEANING, lambda _: known) == known
    assert decide(ds, CLEANING, lambda _: None).decision == "regions"


def test_what_a_person_cleared_is_not_read(make: Callable[..., Dataset]) -> None:
    rule = ClearedPixels(modality="MG", reason="no text on this unit's images")
    policy = CLEANING.model_copy(update={"cleared_pixels": (rule,)})
    assert decide(make(ROOT + "1.2", "MG"), policy) == Look("cleared", rule.reason)
    assert decide(make(ROOT + "1.1", "DX"), policy).decision == "read"


def test_a_policy_that_does_not_clean_refuses_what_is_at_high_risk_only(
    make: Callable[..., Dataset], basic: Policy
) -> None:
    assert decide(make(ROOT + "1.2", "MG"), basic).decision == "not_needed"
    with pytest.raises(PixelsNotCleared, match="PIXELS_NOT_CLEARED"):
        decide(make(ROOT + "6.1", "US"), basic)


def test_nothing_to_be_read_passes_before_it_was_carried_out(make: Callable[..., Dataset]) -> None:
    ds = make(ROOT + "1.2", "MG")
    with pytest.raises(PixelsNotCleared, match="PIXELS_NOT_CLEARED"):
        require_clear_pixels(ds, CLEANING, set())
    require_clear_pixels(ds, CLEANING, {"113101"})


def _region(left: int, top: int, right: int, bottom: int) -> Callable[[Dataset], Dataset]:
    def change(ds: Dataset) -> Dataset:
        item = Dataset()
        item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
        item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
        ds.SequenceOfUltrasoundRegions = [item]
        return ds

    return change


def test_a_graphic_in_the_high_bits_of_the_samples_is_refused(
    make: Callable[..., Dataset], basic: Policy
) -> None:
    ds = make(Rows=2)
    ds.add_new(0x60000102, "US", 12)
    with pytest.raises(PixelsNotCleared, match=r"OVERLAY_IN_PIXELS.*6000,0102"):
        require_clear_pixels(ds, basic, set())
    ds[0x60000102].value = 0  # Overlay Bit Position of an overlay in an element of its own
    require_clear_pixels(ds, basic, set())


def test_a_head_nobody_looked_at_is_refused_where_the_policy_wants_faces_gone(
    make: Callable[..., Dataset], basic: Policy
) -> None:
    faces = Policy(name="faces", options=("113102",))
    ds = make()
    with pytest.raises(PixelsNotCleared, match="FACE_NOT_REMOVED"):
        require_no_face(ds, faces, set())
    require_no_face(ds, faces, {"113102"})
    require_no_face(ds, faces, {NO_FACE})
    require_no_face(ds, basic, set())
    require_no_face(make(ROOT + "128", "PT"), faces, set())


def test_an_option_on_pixels_is_claimed_when_it_was_carried_out_and_not_else(
    make: Callable[..., Dataset], keys: Keys
) -> None:
    engine = Deidentifier(Policy(name="both", options=("113101", "113102")), keys)
    identity = Identity()
    cleaned = engine.release(make(), token=b"t" * 32, identity=identity, done={"113101", "113102"})
    assert cleaned.steps == ("113100", "113101", "113102")
    bare = engine.release(make(), token=b"t" * 32, identity=identity, done={NO_FACE})
    assert bare.steps == ("113100",)
