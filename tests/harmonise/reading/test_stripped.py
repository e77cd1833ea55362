"""What a series lost on its way, told from the other series of the study that kept it."""

from __future__ import annotations

import pytest

from harmonise.stacks import read_stacks
from harmonise.vendor.harvest import harvest
from tests.harmonise import builders


def siemens_private(_index, ds):
    builders.add_private(ds, 0x0019, "SIEMENS MR HEADER", 0x0C, "IS", 800)


def philips_private(_index, ds):
    creator = "Philips MR Imaging DD 001"
    builders.add_private_bytes(ds, 0x2005, creator, 0x0E, builders.float_bytes(0.0014))


PHILIPS = {"Manufacturer": "Philips Medical Systems", "RescaleSlope": 2.5, "RescaleIntercept": 0}
BARE = {"SeriesInstanceUID": builders.uid(11), "first_uid": 200}


def codes_of(folder, *series):
    stacks, refusals = read_stacks(builders.write_all([d for s in series for d in s], folder))
    flags = {stack.series_uid: stack.flags for stack in stacks}
    return flags, [(r.series_uid, r.code, r.detail) for r in refusals]


def test_a_b_value_that_only_the_sibling_kept_was_removed(tmp_path):
    kept = builders.dwi(3, None, per_slice=siemens_private)
    bare = builders.dwi(3, None, **BARE)

    _, ((uid, code, detail),) = codes_of(tmp_path, kept, bare)

    assert (uid, code) == (builders.uid(11), "MR_PRIVATE_STRIPPED")
    assert '(0019,"SIEMENS MR HEADER",0C)' in detail


@pytest.mark.parametrize(
    "changes",
    [
        {"StudyInstanceUID": builders.uid(9)},
        {"Manufacturer": "Philips Medical Systems"},
        {"per_slice": None},
    ],
    ids=["another study", "another maker", "nobody kept it"],
)
def test_without_such_a_sibling_it_is_only_unknown(changes, tmp_path):
    kept = builders.t2w(3, **{"per_slice": siemens_private, **changes})
    bare = builders.dwi(3, None, **BARE)

    _, ((_, code, _),) = codes_of(tmp_path, kept, bare)

    assert code == "MR_B_UNKNOWN"


def test_a_philips_image_without_the_scale_its_sibling_has_is_flagged(tmp_path):
    kept = builders.t2w(3, per_slice=philips_private, **PHILIPS)
    bare = builders.t2w(3, **PHILIPS, **BARE)
    phase = builders.t2w(
        3,
        ImageType=["ORIGINAL", "PRIMARY", "PHASE MAP", "P"],
        **PHILIPS,
        SeriesInstanceUID=builders.uid(12),
        first_uid=300,
    )

    flags, refusals = codes_of(tmp_path, kept, bare, phase)

    assert refusals == []
    assert flags == {
        builders.uid(10): (),
        builders.uid(11): ("MR_SCALE_STRIPPED",),
        builders.uid(12): (),
    }


def test_what_the_passport_kept_was_not_lost(tmp_path):
    """De-identification removes private elements after their harvest."""
    kept = builders.t2w(3, per_slice=philips_private, **PHILIPS)
    passport = harvest(kept)
    for ds in kept:
        ds.remove_private_tags()
    sibling = builders.t2w(3, per_slice=philips_private, **PHILIPS, **BARE)
    paths = builders.write_all([*kept, *sibling], tmp_path)

    stacks, _ = read_stacks(paths, {passport.series_uid: passport})

    assert {stack.flags for stack in stacks} == {()}
