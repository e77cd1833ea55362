"""Claims about the faults planted on purpose."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pydicom import Dataset, dcmread


@pytest.fixture(scope="module")
def series(tiny):
    """Series UID -> its objects."""
    found = {}
    for site in tiny.sites.values():
        for path in site.files:
            ds = dcmread(path)
            found.setdefault(ds.SeriesInstanceUID, []).append(ds)
    return found


def along_normal(ds: Dataset) -> float:
    orientation = np.array(ds.ImageOrientationPatient, float)
    normal = np.cross(orientation[:3], orientation[3:])
    return round(float(normal @ np.array(ds.ImagePositionPatient, float)), 3)


def test_the_four_faults_lie_in_four_studies_at_three_hospitals(tiny) -> None:
    assert set(tiny.faults) == {
        "MR_MISSING_SLICE",
        "MR_DUPLICATE_SLICE",
        "MR_B_UNKNOWN",
        "STUDY_NOT_DELIVERED",
    }
    assert len({fault["study_uid"] for fault in tiny.faults.values()}) == 4
    assert {fault["site"] for fault in tiny.faults.values()} == set(tiny.sites)


def test_one_slice_is_missing_from_the_middle(tiny, series) -> None:
    heights = sorted(map(along_normal, series[tiny.faults["MR_MISSING_SLICE"]["series_uid"]]))
    steps = np.round(np.diff(heights), 2)
    assert Counter(steps) == {3.5: 3, 7.0: 1}


def test_one_slice_was_sent_twice_under_two_uids(tiny, series) -> None:
    objects = series[tiny.faults["MR_DUPLICATE_SLICE"]["series_uid"]]
    heights = Counter(map(along_normal, objects))
    assert sorted(heights.values()) == [1] * 5 + [2]
    (twice,) = (height for height, count in heights.items() if count == 2)
    one, other = (ds for ds in objects if along_normal(ds) == twice)
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.PixelData == other.PixelData


def mentions(ds: Dataset, number: str) -> list[str]:
    return [
        str(elem.tag)
        for elem in ds.iterall()
        if elem.VR != "SQ" and elem.keyword != "PixelData" and number in str(elem.value).split()
    ]


def test_one_diffusion_series_states_its_b_values_nowhere(tiny, series) -> None:
    objects = series[tiny.faults["MR_B_UNKNOWN"]["series_uid"]]
    assert len(objects) == 3 * 6
    for ds in objects:
        assert "DiffusionBValue" not in ds
        assert 0x2001_1003 not in ds
        assert not ds.get("SequenceName")
        assert not mentions(ds, "500.0") + mentions(ds, "1000.0") + mentions(ds, "1000")


def test_the_other_series_of_a_faulty_study_are_good(tiny, series) -> None:
    bad = {fault["series_uid"] for fault in tiny.faults.values()}
    faulty_studies = {fault["study_uid"] for fault in tiny.faults.values()}
    for uid, objects in series.items():
        if objects[0].StudyInstanceUID in faulty_studies and uid not in bad:
            heights = Counter(map(along_normal, objects))
            assert len(heights) == 6
            assert len(set(heights.values())) == 1


def test_the_undelivered_study_is_listed_and_its_objects_exist(tiny) -> None:
    fault = tiny.faults["STUDY_NOT_DELIVERED"]
    site = tiny.sites[fault["site"]]
    assert site.unavailable_study_uids == (fault["study_uid"],)
    uids = {
        dcmread(path, specific_tags=["StudyInstanceUID"]).StudyInstanceUID for path in site.files
    }
    assert fault["study_uid"] in uids
    others = [s.unavailable_study_uids for s in tiny.sites.values() if s is not site]
    assert others == [(), ()]
