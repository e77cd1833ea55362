"""Vendor harvest: by creator and offset, from any VR, with its where and why."""

from __future__ import annotations

import json

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from config.errors import UnreadableObject
from harmonise.vendor.harvest import (
    harvest,
    passport_from_json,
    passport_to_json,
    public_attributes,
    remap,
)
from harmonise.vendor.headers import FOREIGN, quiet
from harmonise.vendor.private import numbers, private_value
from tests.harmonise import builders


def b_of(ds: Dataset) -> float | None:
    return harvest([ds]).per_instance[str(ds.SOPInstanceUID)].get("b_value")


def bare(**changes: object) -> Dataset:
    (ds,) = builders.dwi(1, None, **changes)
    return ds


def siemens(ds: Dataset) -> None:
    builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", 400)


def siemens_bytes(ds: Dataset) -> None:
    builders.add_private_bytes(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, b"400 ")


def siemens_moved(ds: Dataset) -> None:
    builders.add_private_bytes(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, b"400 ", block=0x4F)


def ge(ds: Dataset) -> None:
    builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x39, "IS", [400, 8, 0, 0])


def ge_biased(ds: Dataset) -> None:
    builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x39, "IS", [1000000400, 8, 0, 0])


def ge_biased_bytes(ds: Dataset) -> None:
    builders.add_private_bytes(ds, 0x0043, "GEMS_PARM_01", 0x39, b"1000000400\\8\\0\\0")


def ge_named_bias(ds: Dataset) -> None:
    ge_biased(ds)
    builders.add_private(ds, 0x0043, "GEMS_PARM_01", 0x7F, "DS", "1000000000")


def philips(ds: Dataset) -> None:
    builders.add_private(ds, 0x2001, "Philips Imaging DD 001", 0x03, "FL", 400.0)


def philips_bytes(ds: Dataset) -> None:
    builders.add_private_bytes(
        ds, 0x2001, "Philips Imaging DD 001", 0x03, builders.float_bytes(400.0)
    )


def uih(ds: Dataset) -> None:
    builders.add_private_bytes(
        ds, 0x0065, "Image Private Header", 0x09, builders.double_bytes(400.0)
    )


def public(ds: Dataset) -> None:
    ds.DiffusionBValue = 400.0


def sequence_name(ds: Dataset) -> None:
    ds.SequenceName = "*ep_b400t"


def canon_comment(ds: Dataset) -> None:
    ds.Manufacturer = "CANON_MEC"
    ds.ImageComments = "b=400(0.445,0.000,0.895)"


WAYS = [
    (siemens, '(0019,"SIEMENS MR HEADER",0C)'),
    (siemens_bytes, '(0019,"SIEMENS MR HEADER",0C)'),
    (siemens_moved, '(0019,"SIEMENS MR HEADER",0C)'),
    (ge, '(0043,"GEMS_PARM_01",39)'),
    (ge_biased, '(0043,"GEMS_PARM_01",39)'),
    (ge_biased_bytes, '(0043,"GEMS_PARM_01",39)'),
    (ge_named_bias, '(0043,"GEMS_PARM_01",39)'),
    (philips, '(2001,"Philips Imaging DD 001",03)'),
    (philips_bytes, '(2001,"Philips Imaging DD 001",03)'),
    (uih, '(0065,"Image Private Header",09)'),
    (public, "(0018,9087)"),
    (sequence_name, "(0018,0024)"),
    (canon_comment, "(0020,4000)"),
]


@pytest.mark.parametrize(("plant", "where"), WAYS, ids=lambda v: getattr(v, "__name__", None))
def test_b_is_found_wherever_a_vendor_writes_it_and_says_where(plant, where):
    ds = bare()
    plant(ds)

    passport = harvest([ds])

    assert b_of(ds) == 400.0
    finding = next(f for f in passport.findings if f.field == "b_value")
    assert (finding.value, finding.where) == (400.0, where)
    assert finding.why


def test_a_value_in_the_usual_element_of_another_creator_is_not_believed():
    ds = bare()
    builders.add_private(ds, 0x0019, "SOMEONE ELSE", 0x0C, "IS", 400)

    assert b_of(ds) is None


def test_the_public_b_value_goes_before_the_private_and_the_difference_is_told():
    ds = bare(DiffusionBValue=50.0)
    siemens(ds)

    passport = harvest([ds])

    assert b_of(ds) == 50.0
    private = next(f for f in passport.findings if "SIEMENS" in f.where)
    assert (private.value, private.why.startswith("not believed")) == (400.0, True)


def test_philips_own_sign_for_no_value_is_no_b_value():
    """Philips writes 7.23e+75 into FD elements that hold nothing; seen in dcm_qa_enh-philips."""
    assert b_of(bare(DiffusionBValue=7.23e75)) is None


@pytest.mark.parametrize("name", ["*ep_b50_800", "*tse2d1_15", "epfid2d1_72", "ep_bold"])
def test_a_sequence_name_that_is_no_single_b_value_gives_none(name):
    assert b_of(bare(SequenceName=name)) is None


def test_a_map_has_no_b_value_although_siemens_writes_one():
    (ds,) = builders.adc(1)
    siemens(ds)

    passport = harvest([ds])

    assert b_of(ds) is None
    assert public_attributes(passport, str(ds.SOPInstanceUID)) == {}


def test_b_zero_of_an_image_without_diffusion_is_dropped():
    """GE and Philips write b = 0 into anatomical images."""
    (ds,) = builders.t2w(1, DiffusionBValue=0.0)

    assert b_of(ds) is None


def test_public_attributes_carry_what_was_private():
    ds = bare()
    siemens_bytes(ds)
    builders.add_private_bytes(
        ds, 0x0019, "SIEMENS MR HEADER", 0x0E, builders.double_bytes(0.0, 0.6, 0.8)
    )

    found = public_attributes(harvest([ds]), str(ds.SOPInstanceUID))

    assert found == {"DiffusionBValue": 400.0, "DiffusionGradientOrientation": [0.0, 0.6, 0.8]}
    assert public_attributes(harvest([ds]), "1.2.3.4") == {}


def test_an_enhanced_object_gives_one_b_value_a_frame():
    def diffusion(index: int, group: Dataset) -> None:
        item = Dataset()
        item.DiffusionBValue = [0.0, 1000.0][index % 2]
        group.MRDiffusionSequence = Items([item])

    ds = builders.enhanced_mr(
        builders.ramp(4, 3, 3),
        places_mm=[(0, 0, 3.0 * (i // 2)) for i in range(4)],
        per_frame=diffusion,
        SeriesDescription="DWI",
    )

    row = harvest([ds]).per_instance[str(ds.SOPInstanceUID)]

    assert [frame["b_value"] for frame in row["frames"]] == [0.0, 1000.0, 0.0, 1000.0]


def test_philips_scaling_and_pet_factors_are_found():
    (mr,) = builders.t2w(1, Manufacturer="Philips Medical Systems")
    builders.add_private_bytes(
        mr, 0x2005, "Philips MR Imaging DD 001", 0x0E, builders.float_bytes(0.00428404)
    )
    (pt,) = builders.pet(1, Manufacturer="Philips Medical Systems")
    builders.add_private(pt, 0x7053, "Philips PET Private Group", 0x00, "DS", "0.000551")
    builders.add_private_bytes(pt, 0x7053, "Philips PET Private Group", 0x09, b"1.25 ")

    mr_row = harvest([mr]).per_instance[str(mr.SOPInstanceUID)]
    pt_row = harvest([pt]).per_instance[str(pt.SOPInstanceUID)]

    assert mr_row["scale_slope"] == pytest.approx(0.00428404, rel=1e-6)
    assert pt_row == {"suv_factor": 0.000551, "activity_factor": 1.25}


def test_a_private_date_leaves_only_the_seconds_after_the_public_one():
    (pt,) = builders.pet(1, SeriesDate="20200102", SeriesTime="101500.25")
    builders.add_private(pt, 0x0009, "GEMS_PETD_01", 0x0D, "DT", "20200102102030.00")

    passport = harvest([pt])

    assert passport.per_instance[str(pt.SOPInstanceUID)] == {"scan_start_offset_s": 329.75}
    assert "2020" not in json.dumps(passport_to_json(passport))


@pytest.mark.parametrize(
    ("maker", "kernel", "expected"),
    [
        ("SIEMENS", "B30f", "soft"),
        ("SIEMENS", ["Br40d", "3"], "soft"),
        ("SIEMENS", "B70f", "sharp"),
        ("SIEMENS", ["I31f", "3"], "soft"),
        ("SIEMENS", "Bv44d", "medium"),
        ("SIEMENS", "Bl57d", "sharp"),
        ("GE MEDICAL SYSTEMS", "BONE PLUS", "sharp"),
        ("GE MEDICAL SYSTEMS", "STANDARD", "soft"),
        ("GE MEDICAL SYSTEMS", "LUNG", "sharp"),
        ("Philips", "YA", "sharp"),
        ("SIEMENS", "XYZ", None),
    ],
)
def test_a_ct_kernel_gets_its_class_and_an_unknown_one_none(maker, kernel, expected):
    (ds,) = builders.ct(1, Manufacturer=maker, ConvolutionKernel=kernel)

    findings = [f.value for f in harvest([ds]).findings if f.field == "kernel_class"]

    assert findings == ([] if expected is None else [expected])


def test_a_passport_survives_json_and_new_uids():
    series = builders.dwi(3, None)
    for ds in series:
        siemens_bytes(ds)
    passport = harvest(series)

    back = passport_from_json(json.loads(json.dumps(passport_to_json(passport))))
    moved = remap(back, "2.25.1", {str(series[0].SOPInstanceUID): "2.25.2"})

    assert back == passport
    assert moved.series_uid == "2.25.1"
    assert moved.per_instance == {"2.25.2": {"b_value": 400.0}}


def test_a_passport_that_is_not_one_is_refused():
    with pytest.raises(UnreadableObject, match="PASSPORT_UNREADABLE"):
        passport_from_json({"series_uid": "1"})


def test_numbers_reads_the_bytes_of_a_vr_and_gives_nothing_for_nonsense():
    assert numbers(builders.double_bytes(1.5, -2.0), "FD") == (1.5, -2.0)
    assert numbers(b"800 ", "IS") == (800.0,)
    assert numbers(b"\x00\x01\x02", "FD") == ()
    assert numbers("n/a", "DS") == ()
    assert numbers(None, "DS") == ()
    assert numbers(["1", float("nan"), 3], "DS") == (1.0, 3.0)


def test_an_object_that_cannot_be_read_has_an_empty_row_and_spoils_no_other():
    good, bad = builders.dwi(2, 400.0)
    bad.add_new("NumberOfFrames", "IS", None)
    bad.SOPClassUID = builders.ENHANCED_MR
    bad.PerFrameFunctionalGroupsSequence = None
    nameless = builders.dwi(1, 400.0)[0]
    del nameless.SOPInstanceUID

    passport = harvest([good, bad, nameless])

    assert passport.per_instance[str(good.SOPInstanceUID)]["b_value"] == 400.0
    assert len(passport.per_instance) == 2


@pytest.mark.realdata
def test_no_real_object_whatever_its_kind_stops_the_harvest(realdata):
    """Warnings are errors here: nothing of a header may reach the log either."""
    for folder in ("US", "SM", "SR", "SEG", "RT", "DX", "MG", "TS", "charset", "broken"):
        for path in sorted(p for p in (realdata / folder).rglob("*") if p.is_file()):
            try:
                with quiet():
                    ds = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            except FOREIGN:
                continue
            passport = harvest([ds])
            assert json.loads(json.dumps(passport_to_json(passport)))["vendor"] is not None


@pytest.mark.realdata
def test_real_siemens_b_values_come_from_bytes_under_their_creator(realdata):
    paths = sorted((realdata / "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800").glob("*"))
    datasets = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    assert isinstance(private_value(datasets[0], 0x0019, "SIEMENS MR HEADER", 0x0C), bytes)

    passport = harvest(datasets)

    values = [row["b_value"] for row in passport.per_instance.values()]
    assert {b: values.count(b) for b in set(values)} == {50.0: 19, 400.0: 19, 800.0: 19}


@pytest.mark.realdata
def test_real_uih_b_value_is_the_actual_one(realdata):
    datasets = [
        pydicom.dcmread(path, stop_before_pixels=True)
        for path in sorted((realdata / "MR/dcm_qa_uih").glob("*"))
    ]

    values = sorted(row["b_value"] for row in harvest(datasets).per_instance.values())

    assert values[0] == pytest.approx(1.25, abs=0.01)
    assert all(928.0 < value < 930.0 for value in values[1:])


@pytest.mark.realdata
def test_an_archive_that_renumbers_private_blocks_changes_no_passport(realdata):
    """dcm_qa_agfa: the same frame before and after an Agfa PACS."""
    folder = realdata / "MR/dcm_qa_agfa-private-remap"
    passports = [
        harvest([pydicom.dcmread(path, stop_before_pixels=True)])
        for maker in ("Siemens", "Agfa")
        for path in (folder / maker).glob("*")
    ]

    assert list(passports[0].per_instance.values()) == list(passports[1].per_instance.values())
    assert passports[0].findings == passports[1].findings


@pytest.mark.realdata
def test_real_philips_scale_slope_is_the_published_one(realdata):
    """harmonisation.md 2.3: RS 1.29035, SS 0.00428404."""
    path = next(iter(sorted((realdata / "MR/dcm_qa_philips-phantom-fmri").glob("*"))))
    ds = pydicom.dcmread(path, stop_before_pixels=True)

    row = harvest([ds]).per_instance[str(ds.SOPInstanceUID)]

    assert row["scale_slope"] == pytest.approx(0.00428404, rel=1e-5)
    assert row["rescale_slope"] == pytest.approx(1.29035, rel=1e-5)
