"""Roles from headers: real series of several vendors, and the rules one by one."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from harmonise.classify import classify, role_of
from harmonise.stacks import read_stacks
from harmonise.vendor.harvest import harvest
from tests.harmonise import builders

REAL = [
    ("MR/prostatex-0000-siemens-skyra/t2_tse_tra", [("t2w_ax", None, None)]),
    ("MR/prostatex-0000-siemens-skyra/adc", [("adc", None, None)]),
    ("MR/prostatex-0000-siemens-skyra/calc_bval", [("dwi_calc", 1000.0, True)]),
    (
        "MR/prostatex-0000-siemens-skyra/dwi_b50-400-800",
        [("dwi", 50.0, False), ("dwi", 400.0, False), ("dwi", 800.0, False)],
    ),
    ("MR/prostate-mri-0001-philips-achieva/t2_tse_ax", [("t2w_ax", None, None)]),
    ("MR/dcmqi-ge-signa-adc", [("adc", None, None)]),
    ("MR/dcm_qa_philips-phantom-fmri", [("other", None, None)] * 3),
    ("PETCT/ibsi-sts_002/MR_T1", [("t1w", None, None)]),
    ("MR/dcm_qa_enh-philips", [("other", None, None)] * 2),
    ("MR/dcm_qa_enh-siemens-xa10", [("other", None, None)] * 4),
    ("MR/dcm_qa_nih-siemens-mosaic", [("other", None, None)] * 4),
    ("MR/dcm_qa_nih-ge-epi", [("other", None, None)] * 4),
    ("MR/dcm_qa_deident-ge", [("t1w", None, None)]),
    ("MR/dcm_qa_toshiba-galan", [("dwi", 0.0, False)]),
    (
        "MR/dcm_qa_uih",
        [("dwi", 1.2512641359237109, False)] + [("dwi", 929.7501831337527, False)] * 2,
    ),
    ("MR/dicom2nifti-hitachi", [("pd", None, None)]),
    ("CT/crlm-1004-ge-lightspeed16", [("ct", None, None)]),
    ("PT/openrem-siemens-vision", [("pt", None, None)]),
    ("MG/fo-dicom-ge-essential", [("mg_presentation", None, None)]),
]


def role(**header):
    orientation = header.pop("orientation", builders.AXIAL)
    b_value = header.pop("b_value", None)
    return role_of({"Modality": "MR", **header}, orientation=orientation, b_value=b_value)


@pytest.mark.realdata
@pytest.mark.parametrize(("folder", "expected"), REAL, ids=[row[0] for row in REAL])
def test_real_series_get_their_role(realdata, folder, expected):
    stacks, _ = read_stacks(sorted((realdata / folder).glob("*")))

    roles = [classify(stack) for stack in stacks]

    assert [(r.name, r.b_value, r.calculated) for r in roles] == expected
    assert all(r.why for r in roles)


@pytest.mark.realdata
def test_the_computed_b_value_is_told_by_its_sequence_name_once_its_description_is_gone(realdata):
    """Clean Descriptors may take (0008,103E); (0018,0024) and ImageType stay."""
    folder = realdata / "MR/prostatex-0000-siemens-skyra/calc_bval"
    (stack,), _ = read_stacks(sorted(folder.glob("*")))
    for keyword in ("SeriesDescription", "ProtocolName"):
        stack.header.pop(keyword)

    assert (classify(stack).name, classify(stack).calculated) == ("dwi_calc", True)


@pytest.mark.parametrize(
    ("orientation", "name"),
    [
        (builders.AXIAL, "t2w_ax"),
        (builders.SAGITTAL, "t2w_sag"),
        (builders.CORONAL, "t2w_cor"),
        ((1.0, 0.0, 0.0, 0.0, 0.948, -0.317), "t2w_ax"),
    ],
)
def test_t2w_is_named_by_its_plane(orientation, name):
    assert role(SeriesDescription="T2 TSE", EchoTime=100.0, orientation=orientation).name == name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ({"SeriesDescription": "AAHead_Scout"}, "localizer"),
        ({"SeriesDescription": "t2_haste_loc", "EchoTime": 90.0}, "localizer"),
        ({"SeriesDescription": "REPERAGE"}, "localizer"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"SeriesDescription": "DWI b1000", "ScanningSequence": "EP"}, "dwi"),
        ({"SeriesDescription": "Diffusion AX", "ScanningSequence": ["SE", "EP"]}, "dwi"),
        ({"SequenceName": "*ep_b1400t"}, "dwi"),
        ({"SeriesDescription": "AX", "b_value": 800.0}, "dwi"),
        ({"SeriesDescription": "synthetic b1400", "ImageType": ["DERIVED"]}, "dwi_calc"),
        ({"SeriesDescription": "ADC", "ImageType": ["DERIVED", "SECONDARY"]}, "adc"),
        ({"SeriesDescription": "eADC", "ImageType": ["DERIVED", "SECONDARY"]}, "other"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "FA"]}, "fa"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC", "DIS2D"]}, "adc"),
        ({"SeriesDescription": "DCE dyn", "ScanningSequence": "GR", "EchoTime": 1.4}, "dce"),
        (
            {
                "SeriesDescription": "tfl_3d dynamisch fast",
                "ScanningSequence": "GR",
                "EchoTime": 1.4,
            },
            "dce",
        ),
        ({"SeriesDescription": "tfl_3d PD ref_tra_1.5x1.5_t3", "ScanningSequence": "GR"}, "pd"),
        ({"SeriesDescription": "t2_loc sag", "EchoTime": 90.0}, "localizer"),
        ({"SeriesDescription": "t2_tse", "ImageType": ["ORIGINAL", "PRIMARY", "P"]}, "other"),
        (
            {"SeriesDescription": "t1", "ImageType": ["DERIVED", "PRIMARY", "B0 MAP", "NONE"]},
            "other",
        ),
        (
            {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW", "ND", "ADC"]},
            "dwi",
        ),
        ({"SeriesDescription": "t1_tse_tra", "EchoTime": 12.0}, "t1w"),
        ({"SeriesDescription": "pd_tse", "EchoTime": 30.0}, "pd"),
        ({"SeriesDescription": "T2 FLAIR", "EchoTime": 120.0}, "other"),
        ({"SeriesDescription": "t2 map", "EchoTime": 80.0}, "other"),
        ({"ScanningSequence": "SE", "EchoTime": 100.0, "RepetitionTime": 4000.0}, "t2w_ax"),
        ({"ScanningSequence": "SE", "EchoTime": 10.0, "RepetitionTime": 600.0}, "t1w"),
        ({"ScanningSequence": "SE", "EchoTime": 20.0, "RepetitionTime": 3000.0}, "pd"),
        ({"ScanningSequence": "EP", "EchoTime": 30.0, "RepetitionTime": 2000.0}, "other"),
        (
            {
                "ScanningSequence": "GR",
                "EchoTime": 1.5,
                "RepetitionTime": 4.0,
                "NumberOfTemporalPositions": 30,
            },
            "dce",
        ),
        ({}, "other"),
    ],
)
def test_a_rule_gives_its_role(header, name):
    assert role(**header).name == name


def test_adc_in_the_name_of_an_original_series_does_not_make_it_a_map():
    """Protocols named after their purpose hold the raw images too."""
    found = role(SeriesDescription="DWI b50 b800 ADC", ImageType=["ORIGINAL", "PRIMARY"])

    assert found.name == "dwi"


@pytest.mark.parametrize("keyword", ["TemporalPositionIdentifier", "AcquisitionNumber"])
def test_the_volumes_of_a_dynamic_series_know_their_place_in_time(tmp_path, keyword):
    series = []
    for phase in (1, 2, 3):
        series += builders.t2w(
            3,
            first_uid=100 + 10 * phase,
            SeriesDescription="DCE dyn",
            ScanningSequence="GR",
            EchoTime=1.4,
            **{keyword: phase},
        )

    stacks, _ = read_stacks(builders.write_all(series, tmp_path))

    assert [(classify(s).name, classify(s).phase) for s in stacks] == [
        ("dce", 1),
        ("dce", 2),
        ("dce", 3),
    ]


def test_mammograms_are_named_by_their_intent(tmp_path):
    shown = builders.mammogram(np.zeros((4, 5)))
    raw = builders.mammogram(
        np.zeros((4, 5)),
        SOPClassUID=builders.MG_PROCESSING,
        SOPInstanceUID=builders.uid(301),
        PresentationIntentType="FOR PROCESSING",
    )

    stacks, _ = read_stacks(builders.write_all([shown, raw], tmp_path))

    assert {classify(s).name for s in stacks} == {"mg_presentation", "mg_processing"}


def test_the_role_read_before_the_description_went_is_kept_in_the_passport(tmp_path):
    series = builders.dwi(
        3,
        1400.0,
        SeriesDescription="calculated b1400",
        ImageType=["DERIVED", "PRIMARY", "DIFFUSION"],
    )
    passport = harvest(series)
    for ds in series:
        del ds.SeriesDescription

    (stack,), _ = read_stacks(builders.write_all(series, tmp_path), {passport.series_uid: passport})
    found = classify(stack)

    assert (found.name, found.b_value, found.calculated) == ("dwi_calc", 1400.0, True)
    assert found.why.startswith("passport:")


@pytest.mark.parametrize(
    ("orientation", "name"), [(builders.AXIAL, "t2w_ax"), (builders.SAGITTAL, "t2w_sag")]
)
@pytest.mark.parametrize("enhanced", [False, True])
def test_the_passport_of_a_t2w_names_its_plane(orientation, name, enhanced):
    """Without a description the kept role is all there is: it must not say axial of the others."""
    (ds,) = builders.t2w(1, ImageOrientationPatient=list(orientation))
    if enhanced:  # PS3.3 C.7.6.16.2.4
        plane = Dataset()
        plane.ImageOrientationPatient = ds.ImageOrientationPatient
        shared = Dataset()
        shared.PlaneOrientationSequence = [plane]
        del ds.ImageOrientationPatient
        ds.SharedFunctionalGroupsSequence = [shared]

    assert [f.value for f in harvest([ds]).findings if f.field == "role"] == [name]
