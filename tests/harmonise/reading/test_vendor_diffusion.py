"""b-values and directions where each vendor has its own way of saying, or not saying, them."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.recipe import Recipe
from harmonise.geometry import judge
from harmonise.stacks import read_stacks
from harmonise.study import plan_study
from harmonise.vendor.harvest import harvest, public_attributes
from harmonise.vendor.pixels import load_volume
from tests.harmonise import builders

PROTOCOL = b"<PAS><SEQ><BVAL>1500</BVAL><NBARRAY>1</NBARRAY></SEQ></PAS>"
NO_DIFFUSION = PROTOCOL.replace(b"1500", b"0")


def values_of(ds):
    return harvest([ds]).per_instance[str(ds.SOPInstanceUID)]


def toshiba(protocol: bytes | None, **changes) -> Dataset:
    said = {"Manufacturer": "TOSHIBA", "ImageType": ["ORIGINAL", "PRIMARY", "GDC"]}
    (ds,) = builders.dwi(1, None, **{**said, **changes})
    if protocol is not None:
        builders.add_private(ds, 0x700D, "TOSHIBA_MEC_MR3^10", 0x19, "OB", protocol)
    return ds


@pytest.mark.parametrize(
    ("protocol", "changes", "b_value"),
    [
        (PROTOCOL, {}, 0.0),
        (PROTOCOL, {"DiffusionBValue": 1500.0}, 1500.0),
        (PROTOCOL, {"ImageComments": "b=1500(0.445,0.000,0.895)"}, 1500.0),
        (PROTOCOL, {"ImageType": ["DERIVED", "SECONDARY", "OTHER"]}, None),
        (PROTOCOL, {"Manufacturer": "SIEMENS"}, None),
        (NO_DIFFUSION, {}, None),
        (None, {}, None),
    ],
)
def test_toshiba_names_a_b_value_only_where_it_applied_a_gradient(protocol, changes, b_value):
    """So an acquired image of a diffusion protocol without one has b 0, if its header is whole."""
    assert values_of(toshiba(protocol, **changes)).get("b_value") == b_value


@pytest.mark.realdata
def test_the_real_toshiba_series_without_a_b_value_is_its_b_0(realdata):
    """dcm_qa_toshiba: the first of four volumes of 7006_DTI_ortho, whose .bval begins with 0."""
    (stack,), refusals = read_stacks(sorted((realdata / "MR/dcm_qa_toshiba-galan").iterdir()))

    assert refusals == []
    assert (stack.b_value, len(stack.frames)) == (0.0, 10)


def test_hitachi_keeps_the_enhanced_diffusion_macro_in_a_classic_object():
    """Supplement 49's macro, in shared groups or at the root of the object."""
    for place in ("shared", "root"):
        (ds,) = builders.dwi(1, None, Manufacturer="Hitachi Medical Corporation")
        direction = Dataset()
        direction.DiffusionGradientOrientation = [0.6, 0.0, 0.8]
        macro = Dataset()
        macro.DiffusionBValue = 1000.0
        macro.DiffusionGradientDirectionSequence = Items([direction])
        if place == "root":
            ds.MRDiffusionSequence = Items([macro])
        else:
            shared = Dataset()
            shared.MRDiffusionSequence = Items([macro])
            ds.SharedFunctionalGroupsSequence = Items([shared])

        assert values_of(ds)["b_value"] == 1000.0
        assert values_of(ds)["gradient"] == [0.6, 0.0, 0.8]


def test_philips_directions_are_three_elements_along_the_patients_axes():
    (ds,) = builders.dwi(1, None, Manufacturer="Philips Medical Systems")
    builders.add_private(ds, 0x2001, "Philips Imaging DD 001", 0x03, "FL", 1000.0)
    for element, part in ((0xB0, 0.6), (0xB1, 0.0), (0xB2, -0.8)):
        builders.add_private(ds, 0x2005, "Philips MR Imaging DD 001", element, "FL", part)

    found = public_attributes(harvest([ds]), str(ds.SOPInstanceUID))

    assert found["DiffusionBValue"] == 1000.0
    assert found["DiffusionGradientOrientation"] == pytest.approx([0.6, 0.0, -0.8])


def test_a_philips_isotropic_image_has_a_b_value_and_no_direction():
    (ds,) = builders.dwi(1, None, Manufacturer="Philips Medical Systems")
    builders.add_private(ds, 0x2001, "Philips Imaging DD 001", 0x03, "FL", 1000.0)
    for element in (0xB0, 0xB1, 0xB2):
        builders.add_private(ds, 0x2005, "Philips MR Imaging DD 001", element, "FL", 0.0)

    assert values_of(ds) == {"b_value": 1000.0}


def test_uih_directions_follow_the_image_and_its_chosen_b_value_is_kept_beside_the_actual():
    """Image axes: columns to +y, rows to -z, normal to -x; (1, 0, 0) is +y, (0, 0, 1) is -x."""
    for vector, patient in (((1, 0, 0), (0, 1, 0)), ((0, 0, 1), (-1, 0, 0))):
        (ds,) = builders.dwi(1, None, Manufacturer="UIH", orientation=builders.SAGITTAL)
        builders.add_private(ds, 0x0065, "Image Private Header", 0x09, "FD", 929.75)
        builders.add_private(ds, 0x0065, "Image Private Header", 0x0A, "FD", 1000.0)
        builders.add_private(
            ds, 0x0065, "Image Private Header", 0x37, "FD", [float(v) for v in vector]
        )

        row = values_of(ds)

        assert (row["b_value"], row["b_value_nominal"]) == (929.75, 1000.0)
        assert row["gradient"] == pytest.approx(patient)


def test_a_direction_kept_in_the_passport_still_parts_volumes_once_private_elements_are_gone(
    tmp_path,
):
    series = []
    for number, vector in enumerate(((0.6, 0.0, 0.8), (0.0, 1.0, 0.0))):

        def private(_index: int, ds: Dataset, vector=vector) -> None:
            builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", 1000)
            builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0E, "FD", list(vector))

        series += builders.dwi(3, None, first_uid=100 + 10 * number, per_slice=private)
    passport = harvest(series)
    for ds in series:
        ds.remove_private_tags()

    stacks, _ = read_stacks(builders.write_all(series, tmp_path), {passport.series_uid: passport})

    assert sorted(stack.frames[0].gradient for stack in stacks) == [(0, 1, 0), (0.6, 0, 0.8)]


def test_a_siemens_scanner_before_vb13_says_it_in_the_csa_header_alone():
    """Named values B_value and DiffusionGradientDirection, along the patient's axes."""
    (ds,) = builders.dwi(1, None)
    said = {"B_value": ["1000"], "DiffusionGradientDirection": ["0.6", "0.0", "-0.8"]}
    builders.add_private(ds, 0x0029, "SIEMENS CSA HEADER", 0x10, "OB", builders.csa_bytes(said))

    assert values_of(ds) == {"b_value": 1000.0, "gradient": [0.6, 0.0, -0.8]}

    # the newer element goes before it
    builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", 0)
    assert values_of(ds) == {"b_value": 0.0}


def test_directions_that_are_gone_are_named_instead_of_called_a_repeat(tmp_path):
    """A de-identified tensor scan: six images a place, one b-value, nothing to tell them apart."""
    series = [
        ds
        for n in range(6)
        for ds in builders.dwi(3, 1000.0, first_uid=100 + 10 * n, Manufacturer="GE")
    ]

    rows = plan_study(builders.write_all(series, tmp_path), Recipe(name="native")).rows()

    assert [row["codes"] for row in rows] == [["DTI_NO_DIRECTIONS"]]


@pytest.mark.parametrize(
    ("slope", "scale_slope", "multiplier"),
    [
        (2.56801, 0.00142011, 704.171),
        (1.29035, 0.00428404, 233.425),
        (1.08205, 0.00329864, 303.155),
        (3.09524, 0.000996504, 1003.508),
    ],
)
def test_philips_values_are_the_stored_ones_over_the_scale_slope(
    tmp_path, slope, scale_slope, multiplier
):
    """RS and SS as dcm_qa_philips prints them; with RI 0 the multiplier is 1 / SS (by hand)."""

    def private(_index: int, ds: Dataset) -> None:
        creator = "Philips MR Imaging DD 001"
        builders.add_private_bytes(ds, 0x2005, creator, 0x0E, builders.float_bytes(scale_slope))

    series = builders.t2w(
        2,
        values=np.full((2, 6, 8), 1000),
        Manufacturer="Philips Medical Systems",
        RescaleSlope=slope,
        RescaleIntercept=0,
        per_slice=private,
    )

    (stack,), _ = read_stacks(builders.write_all(series, tmp_path))
    volume = load_volume(stack, judge(stack))

    assert volume.values == pytest.approx(1000 * multiplier, rel=1e-5)
