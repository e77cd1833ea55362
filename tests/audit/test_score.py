"""The score of small cohorts made by hand: leaks first, and removal apart from retention."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydicom.dataset import Dataset

from pipelines.audit.scorer.key import Check, KeyObject, Secret
from pipelines.audit.scorer.objects import suv_factor
from pipelines.audit.scorer.released import read_released
from pipelines.audit.scorer.samples import box_is_constant, digest_of, unchanged_outside
from pipelines.audit.scorer.score import Score, score
from pipelines.audit.twin.reports import tree_shape
from tests.audit.conftest import CT, original, part10, released

RESEARCH = frozenset({"113107"})


def key(
    *checks: Check, secrets: tuple[Secret, ...] = (), sop: str = "1.2.826.0.1.99.1"
) -> KeyObject:
    study = "1.2.826.0.1.99.2"
    return KeyObject("8001234567", study, "1.2.826.0.1.99.3", sop, CT, "CT", checks, secrets)


def scored(
    after: dict[str, Dataset], before: dict[str, Dataset], keys: dict[str, KeyObject]
) -> Score:
    files = [{name: part10(ds) for name, ds in side.items()} for side in (before, after)]
    return score(keys, files[0], files[1], RESEARCH)


def check(path: str, action: str, value: str = "", text: str = "") -> Check:
    return Check(path, "X", value, action, text)


def test_deleting_everything_earns_removal_and_no_retention() -> None:
    """Hole (a): MIDI counts a deleted file as removed text and says no more."""
    checks = (
        check("<(0008,1030)>", "<text_removed>", text="Quincampoix"),
        check("<(0008,0060)>", "<text_retained>", text="CT"),
    )
    made = scored({}, {"a": original()}, {"a": key(*checks)})
    assert (made.removal, made.retention, made.refused) == (1.0, 0.0, ["a"])


def test_a_leak_is_counted_apart_from_the_checks() -> None:
    """Hole (h): one leak among many kept comments does not drown."""
    secrets = (Secret("Quincampoix", "preamble", "name"), Secret("7001112223", "x", "number"))
    after = released(ImageComments="QUINCAMPOIX", DerivationDescription="70 01 11 22 23")
    made = scored({"a": after}, {"a": original()}, {"a": key(secrets=secrets)})
    assert (made.leaked, made.planted) == (2, 2)
    assert json.dumps(made.as_json()).find("uincampoix") < 0


@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "utf-16-le", "utf-16-be"])
def test_a_secret_in_no_listed_path_is_found_in_the_raw_bytes(codec: str) -> None:
    """Hole (e): only listed paths are read by MIDI."""
    after = released()
    after.private_block(0x0029, "LAB", create=True).add_new(0x10, "OB", "Bréville".encode(codec))
    made = scored(
        {"a": after}, {"a": original()}, {"a": key(secrets=(Secret("Bréville", "x", "name"),))}
    )
    assert made.leaked == 1


def test_dates_of_one_patient_that_move_by_different_days_are_a_fault() -> None:
    """Hole (b): the interval is what research needs."""
    checks = (
        check("<(0008,0020)>", "<date_shifted>", "20180405"),
        check("<(0008,0021)>", "<date_shifted>", "20180406"),
    )
    before = original(SeriesDate="20180406")
    good = released(StudyDate="20170101", SeriesDate="20170102")
    bad = released(StudyDate="20170101", SeriesDate="20170103")
    keys = {"a": key(*checks)}
    assert scored({"a": good}, {"a": before}, keys).retention == 1.0
    worse = scored({"a": bad}, {"a": before}, keys)
    assert worse.retention < 1.0
    assert worse.faults[-1][1:] == ("<(0008,0021)> moved otherwise", "<date_interval>")


def test_a_reference_that_leads_nowhere_is_a_fault() -> None:
    """Hole (c): the map may say what it likes; the file pointed at must be there."""

    def pointing(ds: Dataset, uid: str) -> Dataset:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
        ds.SourceImageSequence = [item]
        return ds

    path = "<(0008,2112)>[<0000>]<(0008,1155)>"
    checks = (check(path, "<uid_changed>", "1.2.826.0.1.99.1"),)
    keys = {"a": key(), "b": key(*checks, sop="1.2.826.0.1.99.7")}
    before = {
        "a": original(),
        "b": pointing(original(SOPInstanceUID="1.2.826.0.1.99.7"), "1.2.826.0.1.99.1"),
    }
    for uid, faults in (("2.25.111", 0), ("2.25.555", 1)):
        after = {"a": released(), "b": pointing(released(SOPInstanceUID="2.25.777"), uid)}
        made = scored(after, before, keys)
        assert sum("leads nowhere" in fault[1] for fault in made.faults) == faults


def test_two_patients_that_became_one_are_a_fault() -> None:
    other = KeyObject("7", "1.2.826.1", "1.2.826.2", "1.2.826.3", CT, "CT", (), ())
    before = {
        "a": original(),
        "b": original(PatientID="7", SOPInstanceUID="1.2.826.3", StudyInstanceUID="1.2.826.1"),
    }
    after = {"a": released(), "b": released(SOPInstanceUID="2.25.3", StudyInstanceUID="2.25.4")}
    made = scored(after, before, {"a": key(), "b": other})
    assert ("", "two of one patient", "<uid_consistent>") in made.faults


def test_pixels_transcoded_without_loss_are_retained() -> None:
    """Hole (f): a digest of raw bytes would fail this."""
    native, packed = released(), released()
    data = part10(native)
    packed.file_meta = native.file_meta
    packed.compress("1.2.840.10008.1.2.5", generate_instance_uid=False)
    assert digest_of(part10(packed, "1.2.840.10008.1.2.5")) == digest_of(data)
    native.PixelData = bytes(255) + b"\1"
    assert digest_of(part10(native)) != digest_of(data)


@pytest.mark.parametrize("shape", [(16, 16), (2, 16, 16), (16, 16, 3), (2, 16, 16, 3)])
def test_a_box_is_hidden_when_it_is_constant_and_the_rest_as_before(
    shape: tuple[int, ...],
) -> None:
    """Hole (g): no OCR, which passes what it cannot read."""
    before = np.arange(np.prod(shape)).reshape(shape)
    box = (2, 3, 5, 9)
    hidden = before.copy()
    view = hidden[..., 2:6, 3:10, :] if shape[-1] == 3 else hidden[..., 2:6, 3:10]
    view[...] = 0
    assert not box_is_constant(before, box)
    assert box_is_constant(hidden, box)
    assert unchanged_outside(before, hidden, [box])
    hidden.flat[0] += 1
    assert not unchanged_outside(before, hidden, [box])


def pet(start: str, **values: str) -> Dataset:
    dose = Dataset()
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = "281000000", "6586.2"
    dose.RadiopharmaceuticalStartDateTime = start
    own = {"SeriesDate": "20180405", "SeriesTime": "105946.2", "PatientWeight": "63.5"}
    return released(RadiopharmaceuticalInformationSequence=[dose], **(own | values))


def test_the_suv_factor_is_that_of_arithmetic() -> None:
    """One half-life after injection: 63.5 kg x 1000 / (281 MBq / 2) = 4.5196e-4 g/Bq."""
    one = read_released(part10(pet("20180405091000")))
    assert one is not None
    assert suv_factor(one) == pytest.approx(63500 / (281e6 * 2 ** (-6586 / 6586.2)), rel=1e-9)


@pytest.mark.parametrize(
    ("start", "values", "expected"),
    [
        ("20170404091000", {"SeriesDate": "20170404"}, 1.0),
        ("20170403091000", {"SeriesDate": "20170404"}, 0.0),
        ("20180405091000", {"PatientWeight": ""}, 0.0),
    ],
)
def test_suv_is_computable_when_dose_time_and_weight_came_through(
    start: str, values: dict[str, str], expected: float
) -> None:
    keys = {"a": key(check("<(0054,0016)>", "<suv_computable>"))}
    after = pet(start, **values)
    made = scored({"a": after}, {"a": pet("20180405091000")}, keys)
    assert made.passed["<suv_computable>"] == expected


def report(text: str, when: str = "20170101101112") -> Dataset:
    one, two = Dataset(), Dataset()
    one.RelationshipType, one.ValueType, one.TextValue = "CONTAINS", "TEXT", text
    two.RelationshipType, two.ValueType, two.DateTime = "HAS OBS CONTEXT", "DATETIME", when
    return released(ValueType="CONTAINER", ContentSequence=[one, two])


def test_a_content_tree_must_keep_its_outline_and_its_values() -> None:
    keys = {"a": key(check("<(0040,A730)>", "<sr_tree_valid>", text=tree_shape(report("x"))))}

    def given(ds: Dataset) -> float:
        return scored({"a": ds}, {"a": report("x")}, keys).passed["<sr_tree_valid>"]

    assert given(report("lesion")) == 1.0
    assert given(report("")) == 0.0
    broken = report("x")
    broken.ContentSequence = broken.ContentSequence[:1]
    assert given(broken) == 0.0


@pytest.mark.filterwarnings("ignore")
def test_a_date_time_of_nines_and_a_line_break_is_no_valid_tree() -> None:
    """As a hospital's anonymiser wrote it (SMI/SmiServices#1561)."""
    keys = {"a": key(check("<(0040,A730)>", "<sr_tree_valid>", text=tree_shape(report("x"))))}
    made = scored({"a": report("x", "9999999999\n")}, {"a": report("x")}, keys)
    assert made.passed["<sr_tree_valid>"] == 0.0


@pytest.mark.parametrize(
    ("after", "honest"),
    [
        (released(), 1.0),
        (released(StudyDate=""), 0.0),
        (released(PatientIdentityRemoved="NO"), 0.0),
        (released(DeidentificationMethodCodeSequence=[]), 0.0),
    ],
)
def test_codes_are_honest_when_they_say_what_the_object_shows(
    after: Dataset, honest: float
) -> None:
    made = scored({"a": after}, {"a": original()}, {"a": key()})
    assert made.passed["<codes_honest>"] == honest


def test_a_new_error_of_an_iod_is_counted() -> None:
    before, after = part10(original()), part10(released())

    def errors(data: bytes) -> set[str]:
        return {"old"} if data == before else {"old", "new"}

    made = score({"a": key()}, {"a": before}, {"a": after}, RESEARCH, errors=errors)
    assert (made.new_errors, made.total["<iod_valid>"]) == (1, 1)
