"""Each rule of the IBSI SUV manual on a built object; expected factors by hand arithmetic."""

from __future__ import annotations

import math

import pytest

from config.codes import explain_code
from config.recipe import Recipe
from harmonise.stacks import read_stacks
from harmonise.study import plan_study
from harmonise.vendor.suv import suv_of
from tests.harmonise import builders

NATIVE = Recipe(name="native")
DECAY = math.log(2) / 6586.2
HOUR = math.exp(DECAY * 3600)
PER_BQ_ML = 70_000 / 3.5e8
"""SUV of 1 Bq/ml at the administration: 70 kg, 350 MBq."""

START = {"DecayCorrection": "START", "FrameReferenceTime": 59900.0}
"""Two minutes from 12:00:00; the average count rate comes 59.9 s later (59.937)."""


def average_s(duration_s: float) -> float:
    return math.log(DECAY * duration_s / (1 - math.exp(-DECAY * duration_s))) / DECAY


def found(folder, **changes):
    (stack,), refused = read_stacks(builders.write_all(builders.pet(3, **changes), folder))
    assert not refused
    return suv_of(stack)


def declined(folder, **changes):
    plan = plan_study(builders.write_all(builders.pet(3, **changes), folder), NATIVE)
    assert not plan.volumes
    (one,) = plan.declined
    return one.refusal.code, one.refusal.detail


def start(**changes):
    """Return a drug given at 11:00 whose start is told otherwise."""
    nothing = {"RadiopharmaceuticalStartDateTime": None, "RadiopharmaceuticalStartTime": None}
    return builders.injection(**{**nothing, **changes})


def drug(**changes):
    return {"RadiopharmaceuticalInformationSequence": builders.injection(**changes)}


# --- dose and weight ------------------------------------------------------------------------------


def test_admin_needs_no_clock(tmp_path):
    suv = found(tmp_path, AcquisitionTime=None, SeriesTime=None)

    assert suv.factors == pytest.approx([PER_BQ_ML] * 3, rel=1e-12)
    assert suv.flags == ()


def test_a_weight_above_1000_is_in_grams(tmp_path):
    assert found(tmp_path, PatientWeight=70_000).factors[0] == pytest.approx(PER_BQ_ML)


def test_a_dose_of_a_few_hundred_is_in_mbq_and_flagged(tmp_path):
    suv = found(tmp_path, **drug(RadionuclideTotalDose=350))

    assert suv.factors[0] == pytest.approx(PER_BQ_ML)
    assert suv.flags == ("PT_DOSE_IN_MBQ",)


@pytest.mark.parametrize("dose", [9.5, 350_000, 0.35])
def test_a_dose_that_may_be_mci_kbq_or_gbq_is_refused(tmp_path, dose):
    code, detail = declined(tmp_path, **drug(RadionuclideTotalDose=dose))

    assert code == "PT_DOSE_UNIT"
    assert detail == f"(0018,1074) {dose:g}"


@pytest.mark.parametrize("dose", [None, 0, -3.5e8])
def test_a_series_without_a_dose_is_refused(tmp_path, dose):
    assert declined(tmp_path, **drug(RadionuclideTotalDose=dose))[0] == "PT_NO_DOSE"


@pytest.mark.parametrize(("weight", "said"), [(None, "absent"), (0, "0")])
def test_a_series_without_a_weight_is_refused(tmp_path, weight, said):
    refusal = declined(tmp_path, PatientWeight=weight)

    assert refusal == ("PT_NO_WEIGHT", f"(0010,1030) {said}")


def test_unusual_weight_and_dose_are_flagged(tmp_path):
    suv = found(tmp_path, PatientWeight=20, **drug(RadionuclideTotalDose=9e8))

    assert set(suv.flags) == {"PT_WEIGHT_UNUSUAL", "PT_DOSE_UNUSUAL"}


# --- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", ["PROPCNTS", "PROPCPS", "1CM", "CPS", "MLMINML", "NONE", None])
def test_other_units_are_refused_by_name(tmp_path, units):
    refusal = declined(tmp_path, Units=units)

    assert refusal == ("PT_UNITS_UNSUPPORTED", f"(0054,1001) {units or 'absent'}")


def test_a_rescale_intercept_is_refused(tmp_path):
    refusal = declined(tmp_path, RescaleIntercept=-5)

    assert refusal == ("PT_INTERCEPT_NONZERO", "(0028,1052) -5")


@pytest.mark.parametrize("kind", [None, "BW"])
def test_grams_per_ml_by_body_weight_are_suv_already(tmp_path, kind):
    assert found(tmp_path, Units="GML", SUVType=kind, PatientWeight=None).factors == (1, 1, 1)


BODY = {"PatientWeight": 75, "PatientSize": 1.85}


@pytest.mark.parametrize(
    ("kind", "sex", "kg"),
    [
        ("LBM", "M", 62.77757), ("LBM", "F", 55.92568),
        ("LBMJAMES128", "M", 1.10 * 75 - 128 * (75 / 185) ** 2),
        ("LBMJANMA", "M", 60.91534), ("LBMJANMA", "F", 49.21438),
        ("IBW", "M", 48 + 1.06 * 33), ("IBW", "F", 45.5 + 0.91 * 33),
        ("IBW", "O", (48 + 1.06 * 33 + 45.5 + 0.91 * 33) / 2),
    ],
)  # fmt: skip
def test_another_body_size_is_turned_into_body_weight(tmp_path, kind, sex, kg):
    suv = found(tmp_path, Units="GML", SUVType=kind, PatientSex=sex, **BODY)

    assert suv.factors[0] == pytest.approx(75 / kg, rel=1e-6)


def test_body_surface_is_turned_into_body_weight(tmp_path):
    suv = found(tmp_path, Units="CM2ML", SUVType="BSA", **BODY)

    assert suv.factors[0] == pytest.approx(75_000 / 19813.76, rel=1e-6)


def test_a_height_above_3_is_in_centimetres(tmp_path):
    suv = found(tmp_path, Units="CM2ML", PatientWeight=75, PatientSize=185)

    assert suv.factors[0] == pytest.approx(75_000 / 19813.76, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Units": "GML", "SUVType": "IBW", "PatientSex": "M"}, "PT_NO_HEIGHT"),
        ({"Units": "GML", "SUVType": "IBW", "PatientSex": "M", "PatientSize": 0}, "PT_NO_HEIGHT"),
        ({"Units": "GML", "SUVType": "IBW", "PatientSize": 1.8}, "PT_NO_SEX"),
        ({"Units": "GML", "SUVType": "IBW", "PatientSize": 1.8, "PatientSex": "X"}, "PT_NO_SEX"),
        ({"Units": "GML", "SUVType": "BSA"}, "PT_SUV_TYPE_UNSUPPORTED"),
        ({"Units": "GML", "SUVType": "LBP"}, "PT_SUV_TYPE_UNSUPPORTED"),
        ({"Units": "CM2ML", "SUVType": "BW"}, "PT_SUV_TYPE_UNSUPPORTED"),
    ],
)
def test_a_body_size_that_cannot_be_known_is_refused(tmp_path, changes, code):
    assert declined(tmp_path, **changes)[0] == code


# --- counts ---------------------------------------------------------------------------------------

PHILIPS = {"Manufacturer": "Philips Medical Systems", "Units": "CNTS"}


def philips(suv=None, activity=None, creator="Philips PET Private Group"):
    def add(_index, ds):
        for element, value in ((0x00, suv), (0x09, activity)):
            if value is not None:
                builders.add_private(ds, 0x7053, creator, element, "DS", str(value))

    return add


def test_counts_become_suv_by_the_suv_factor(tmp_path):
    suv = found(tmp_path, per_slice=philips(suv=0.000728), **{**PHILIPS, **START})

    assert suv.factors[0] == pytest.approx(0.000728)


def test_counts_become_activity_by_the_activity_factor(tmp_path):
    suv = found(tmp_path, per_slice=philips(activity=1.5), **PHILIPS)

    assert suv.factors[0] == pytest.approx(1.5 * PER_BQ_ML)


def test_a_suv_factor_of_0_leaves_the_activity_factor(tmp_path):
    suv = found(tmp_path, per_slice=philips(suv=0, activity=1.5), **PHILIPS)

    assert suv.factors[0] == pytest.approx(1.5 * PER_BQ_ML)


def test_two_factors_that_disagree_are_flagged(tmp_path):
    agree = found(tmp_path / "a", per_slice=philips(0.0003, 1.5), **PHILIPS)
    differ = found(tmp_path / "b", per_slice=philips(0.00031, 1.5), **PHILIPS)

    assert agree.flags == ()
    assert differ.flags == ("PT_FACTORS_DISAGREE",)
    assert differ.factors[0] == pytest.approx(0.00031)


def test_a_factor_is_found_by_its_creator_wherever_its_block_lies(tmp_path):
    def moved(_index, ds):
        builders.add_private_bytes(
            ds, 0x7053, "Philips PET Private Group", 0x09, b"1.5 ", block=0x21
        )

    suv = found(tmp_path, per_slice=moved, **PHILIPS)

    assert suv.factors[0] == pytest.approx(1.5 * PER_BQ_ML)


def test_the_element_of_another_creator_is_not_believed(tmp_path):
    refusal = declined(tmp_path, per_slice=philips(0.0003, 1.5, creator="OTHER"), **PHILIPS)

    assert refusal[0] == "PT_CNTS_NO_FACTOR"


def test_a_factor_without_its_creator_is_believed_of_its_maker_and_flagged(tmp_path):
    def orphan(_index, ds):
        ds.add_new((0x7053, 0x1009), "UN", b"1.5 ")

    suv = found(tmp_path / "a", per_slice=orphan, **PHILIPS)
    other = {**PHILIPS, "Manufacturer": "SIEMENS"}

    assert suv.factors[0] == pytest.approx(1.5 * PER_BQ_ML)
    assert suv.flags == ("PT_PRIVATE_WITHOUT_CREATOR",)
    assert declined(tmp_path / "b", per_slice=orphan, **other)[0] == "PT_CNTS_NO_FACTOR"


def test_counts_without_a_factor_are_refused(tmp_path):
    code, detail = declined(tmp_path, **PHILIPS)

    assert code == "PT_CNTS_NO_FACTOR"
    assert "7053" in detail


def test_a_suv_factor_cannot_undo_the_decay_of_single_frames(tmp_path):
    code, detail = declined(
        tmp_path, per_slice=philips(suv=0.0003), **PHILIPS, DecayCorrection="NONE"
    )

    assert (code, "NONE" in detail) == ("PT_CNTS_NO_FACTOR", True)


# --- decay ----------------------------------------------------------------------------------------


def test_start_is_decayed_to_the_start_of_the_scan(tmp_path):
    suv = found(tmp_path, **{**START, "FrameReferenceTime": average_s(120) * 1000})

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-6)
    assert suv.facts["uptake_s"] == pytest.approx(3600, abs=0.01)


def test_the_start_is_computed_back_where_the_series_time_is_of_later(tmp_path):
    """The bed of 12:06:00 with its average at 360 + 59.9 s: the scan began at 12:00:00."""
    suv = found(
        tmp_path,
        SeriesTime="143000",
        AcquisitionTime="120600.00",
        DecayCorrection="START",
        FrameReferenceTime=(360 + average_s(120)) * 1000,
    )

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-6)
    assert suv.flags == ("PT_SERIES_TIME_DIFFERS",)


def test_beds_at_their_own_times_agree_on_one_start(tmp_path):
    def bed(index, ds):
        ds.AcquisitionTime = f"12{2 * index:02d}00"
        ds.FrameReferenceTime = (120 * index + average_s(120)) * 1000

    suv = found(tmp_path, per_slice=bed, DecayCorrection="START", SeriesTime="130000")

    assert suv.factors == pytest.approx([PER_BQ_ML * HOUR] * 3, rel=1e-6)


def test_ge_counts_its_frame_reference_time_to_the_start_of_the_frame(tmp_path):
    suv = found(
        tmp_path,
        Manufacturer="GE MEDICAL SYSTEMS",
        SeriesTime="143000",
        AcquisitionTime="120600",
        DecayCorrection="START",
        FrameReferenceTime=360_000,
    )

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-9)


def test_an_acquisition_time_that_is_the_series_own_means_the_series_time(tmp_path):
    """As in real GE series: beds differ in frame reference time, not in acquisition time."""

    def bed(index, ds):
        ds.FrameReferenceTime = 243_000 * index

    suv = found(tmp_path, per_slice=bed, DecayCorrection="START")

    assert suv.factors == pytest.approx([PER_BQ_ML * HOUR] * 3, rel=1e-9)


def test_times_that_give_no_one_start_are_refused(tmp_path):
    def bed(index, ds):
        ds.AcquisitionTime = f"12{5 * index:02d}00"

    code, detail = declined(tmp_path, per_slice=bed, **{**START, "SeriesTime": "140000"})

    assert code == "PT_TIMES_CONTRADICT"
    assert "(0008,0032)" in detail


def scan_start(group, creator, element, stamp):
    return lambda _index, ds: builders.add_private(ds, group, creator, element, "DT", stamp)


MAKERS = {
    "GE MEDICAL SYSTEMS": (0x0009, "GEMS_PETD_01", 0x0D),
    "SIEMENS": (0x0071, "SIEMENS MED PT", 0x22),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_the_makers_own_scan_start_goes_first(tmp_path, maker):
    stamp = scan_start(*MAKERS[maker], "20240305120000.00")

    suv = found(tmp_path, per_slice=stamp, Manufacturer=maker, **{**START, "SeriesTime": "133000"})

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-9)
    assert suv.facts["reference"] == "the maker's scan start"
    assert suv.flags == ("PT_SERIES_TIME_DIFFERS",)


def test_without_decay_correction_each_frame_has_its_own_factor(tmp_path):
    """a / (1 - e^-a) for the decay during ten minutes, then that since the injection."""

    def bed(index, ds):
        ds.AcquisitionTime = f"12{10 * index:02d}00"
        ds.FrameReferenceTime = 600_000 * index

    suv = found(
        tmp_path,
        per_slice=bed,
        DecayCorrection="NONE",
        CorrectedImage=["ATTN"],
        ActualFrameDuration=600_000,
    )

    during = DECAY * 600 / (1 - math.exp(-DECAY * 600))
    expected = [PER_BQ_ML * during * math.exp(DECAY * (3600 + 600 * n)) for n in range(3)]
    assert suv.factors == pytest.approx(expected, rel=1e-9)
    assert suv.flags == ()


def test_without_decay_correction_beds_must_have_times_of_their_own(tmp_path):
    def bed(index, ds):
        ds.FrameReferenceTime = 600_000 * index

    code, _ = declined(tmp_path, per_slice=bed, DecayCorrection="NONE", CorrectedImage=["ATTN"])

    assert code == "PT_TIMES_CONTRADICT"


@pytest.mark.parametrize("kind", [None, "OTHER"])
def test_an_unknown_decay_correction_is_refused(tmp_path, kind):
    refusal = declined(tmp_path, DecayCorrection=kind)

    assert refusal == ("PT_DECAY_UNKNOWN", f"(0054,1102) {kind or 'absent'}")


def test_a_decay_correction_that_the_list_of_corrections_denies_is_flagged(tmp_path):
    assert found(tmp_path, CorrectedImage=["ATTN"]).flags == ("PT_DECAY_CONTRADICTION",)


def test_a_frame_without_duration_is_refused_unless_ge_made_it(tmp_path):
    changes = {**START, "ActualFrameDuration": None}

    assert declined(tmp_path / "a", **changes)[0] == "PT_NO_FRAME_DURATION"
    assert found(tmp_path / "b", Manufacturer="GE MEDICAL SYSTEMS", **changes).factors


# --- when the dose was given ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"RadiopharmaceuticalStartDateTime": "20240305110000.000"},
        {"RadiopharmaceuticalStartDateTime": "20240305110000.000+0100"},
        {"RadiopharmaceuticalStartTime": "110000.00"},
        {"RadiopharmaceuticalStartTime": "1100"},
    ],
)
def test_the_start_may_be_told_by_date_and_time_or_by_time(tmp_path, given):
    suv = found(tmp_path, RadiopharmaceuticalInformationSequence=start(**given), **START)

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-4)


NIGHT = {
    "DecayCorrection": "START",
    "FrameReferenceTime": 0,
    "SeriesTime": "003000",
    "AcquisitionTime": "003000",
}


@pytest.mark.parametrize(
    "given",
    [
        {"RadiopharmaceuticalStartDateTime": "20240304233000"},
        {"RadiopharmaceuticalStartTime": "233000"},
    ],
)
def test_an_uptake_may_span_midnight(tmp_path, given):
    suv = found(tmp_path, RadiopharmaceuticalInformationSequence=start(**given), **NIGHT)

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-9)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "PT_NO_START_TIME"),
        ({"RadiopharmaceuticalStartTime": "123000"}, "PT_TIME_NEGATIVE"),
        ({"RadiopharmaceuticalStartDateTime": "20240305123000"}, "PT_TIME_NEGATIVE"),
        ({"RadiopharmaceuticalStartDateTime": "20240306110000"}, "PT_DATE_SHIFT_INCONSISTENT"),
        ({"RadiopharmaceuticalStartDateTime": "20240201110000"}, "PT_DATE_SHIFT_INCONSISTENT"),
        (
            {"RadiopharmaceuticalStartTime": "110000", "RadionuclideHalfLife": 276_000,
             "RadionuclideCodeSequence": None},
            "PT_START_DATE_UNKNOWN",
        ),
        (
            {"RadiopharmaceuticalStartTime": "010000", "RadionuclideHalfLife": 1221,
             "RadionuclideCodeSequence": None},
            "PT_UPTAKE_IMPLAUSIBLE",
        ),
    ],
)  # fmt: skip
def test_a_start_that_cannot_be_is_refused(tmp_path, given, code):
    found_code, detail = declined(
        tmp_path, RadiopharmaceuticalInformationSequence=start(**given), **START
    )

    assert found_code == code
    assert "(0018,107" in detail


def test_a_long_lived_nuclide_may_be_scanned_days_later(tmp_path):
    given = start(
        RadiopharmaceuticalStartDateTime="20240301120000",
        RadionuclideHalfLife=282_276,
        RadionuclideCodeSequence=None,
    )

    suv = found(
        tmp_path,
        RadiopharmaceuticalInformationSequence=given,
        **{**START, "FrameReferenceTime": 0},
    )

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * 2 ** (4 * 86400 / 282_276), rel=1e-9)


def test_two_starts_that_differ_are_flagged_and_the_dated_one_is_believed(tmp_path):
    suv = found(tmp_path, **{**START, **drug(RadiopharmaceuticalStartTime="103000")})

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-4)
    assert suv.flags == ("PT_START_TIMES_DIFFER",)


@pytest.mark.parametrize(
    ("clock", "flags"),
    [("111100", ("PT_UPTAKE_UNUSUAL",)), ("110900", ()), ("104600", ()),
     ("104400", ("PT_UPTAKE_UNUSUAL",))],
)  # fmt: skip
def test_an_fdg_uptake_outside_50_to_75_minutes_is_flagged(tmp_path, clock, flags):
    given = start(RadiopharmaceuticalStartDateTime=f"20240305{clock}")

    suv = found(tmp_path, RadiopharmaceuticalInformationSequence=given, **START)

    assert suv.flags == flags


# --- half-life ------------------------------------------------------------------------------------


def test_the_half_life_is_the_headers(tmp_path):
    code = builders.nuclide("C-131A3", "^68^Gallium")
    given = drug(
        RadionuclideHalfLife=4062.6, RadionuclideCodeSequence=code, Radiopharmaceutical="X"
    )

    suv = found(tmp_path, **{**START, **given})

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * 2 ** (3600 / 4062.6), rel=2e-4)


@pytest.mark.parametrize("stated", [None, 0])
def test_without_one_it_is_that_of_the_nuclide_and_flagged(tmp_path, stated):
    suv = found(tmp_path, **{**START, **drug(RadionuclideHalfLife=stated)})

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-4)
    assert suv.flags == ("PT_HALF_LIFE_FROM_TABLE",)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"RadionuclideHalfLife": 109.77}, "PT_HALF_LIFE_WRONG"),
        ({"RadionuclideHalfLife": None, "RadionuclideCodeSequence": None}, "PT_NO_HALF_LIFE"),
    ],
)
def test_a_half_life_in_minutes_or_of_an_unknown_nuclide_is_refused(tmp_path, changes, code):
    found_code, detail = declined(tmp_path, **{**START, **drug(**changes)})

    assert (found_code, "(0018,1075)" in detail) == (code, True)


# --- a series is one ------------------------------------------------------------------------------


def test_images_of_different_weights_are_refused(tmp_path):
    def other(index, ds):
        ds.PatientWeight = 70 + index

    code, detail = declined(tmp_path, per_slice=other)

    assert (code, detail[:11]) == ("PT_SERIES_DIFFERS", "(0010,1030)")


def test_different_injections_are_refused(tmp_path):
    both = [*builders.injection(), *builders.injection(RadionuclideTotalDose=2e8)]

    assert declined(tmp_path, RadiopharmaceuticalInformationSequence=both)[0] == "PT_SEVERAL_DOSES"


def test_sul_needs_weight_height_and_sex(tmp_path):
    man = found(tmp_path / "a", PatientSex="M", **BODY)
    unknown = found(tmp_path / "b", **BODY)

    assert man.sul_per_suv == pytest.approx(60.91534 / 75, rel=1e-6)
    assert unknown.sul_per_suv is None


def test_a_pet_that_does_not_say_its_corrections_is_flagged(tmp_path):
    assert found(tmp_path, CorrectedImage=None).flags == ("PT_CORRECTION_UNKNOWN",)


@pytest.mark.parametrize("word", ["PT_TIME_NEGATIVE", "PT_DOSE_UNIT", "PT_CNTS_NO_FACTOR"])
def test_each_refusal_has_its_sentence(word):
    assert explain_code(word).kind == "refusal"


# --- clocks of two zones, enhanced objects --------------------------------------------------------


def test_an_injection_written_in_utc_is_brought_to_the_scans_own_zone(tmp_path):
    given = start(RadiopharmaceuticalStartDateTime="20240305100000.00+0000")

    suv = found(
        tmp_path,
        RadiopharmaceuticalInformationSequence=given,
        TimezoneOffsetFromUTC="+0100",
        **START,
    )

    assert suv.factors[0] == pytest.approx(PER_BQ_ML * HOUR, rel=1e-4)


def test_an_unusual_uptake_is_flagged_where_no_clock_is_needed_too(tmp_path):
    given = start(RadiopharmaceuticalStartDateTime="20240305093000")

    suv = found(tmp_path, RadiopharmaceuticalInformationSequence=given)

    assert suv.factors[0] == pytest.approx(PER_BQ_ML)
    assert suv.flags == ("PT_UPTAKE_UNUSUAL",)


@pytest.mark.parametrize(
    ("decayed", "expected"),
    [
        ("YES", [HOUR, HOUR]),
        ("NO", [math.exp(DECAY * 3660), math.exp(DECAY * 3960)]),
    ],
)
def test_enhanced_pet_names_the_moment_of_its_values(tmp_path, decayed, expected):
    made = builders.enhanced_pet(2, DecayCorrected=decayed)

    (stack,), _ = read_stacks([builders.write(made, tmp_path / "one.dcm")])

    assert suv_of(stack).factors == pytest.approx([PER_BQ_ML * e for e in expected], rel=1e-9)


def test_enhanced_pet_without_attenuation_correction_is_no_suv(tmp_path):
    made = builders.enhanced_pet(2, AttenuationCorrected="NO")

    plan = plan_study([builders.write(made, tmp_path / "one.dcm")], NATIVE)

    assert plan.volumes[0].codes == ("PT_NOT_ATTENUATION_CORRECTED",)
