"""UIDs and ids of derived objects: equal inputs, equal names."""

from __future__ import annotations

import uuid

from harmonise.uids import derived_uid, volume_id

SETTINGS = {"recipe_hash": "ab", "model_hash": None, "volume": "adc-1", "part": "1"}


def test_a_uid_is_a_version_8_uuid_under_2_25():
    uid = derived_uid(["1.2", "1.3"], **SETTINGS)

    arc, number = uid.rsplit(".", 1)
    value = uuid.UUID(int=int(number))
    assert arc == "2.25"
    assert value.version == 8
    assert value.variant == uuid.RFC_4122
    assert len(uid) <= 64


def test_the_order_of_sources_does_not_matter():
    assert derived_uid(["1.2", "1.3"], **SETTINGS) == derived_uid(["1.3", "1.2"], **SETTINGS)


def test_each_input_changes_the_uid():
    changes = [{"recipe_hash": "ac"}, {"model_hash": "m"}, {"volume": "adc-2"}, {"part": "2"}]
    uids = {derived_uid(["1.2"], **{**SETTINGS, **change}) for change in ({}, *changes)}
    uids.add(derived_uid(["1.4"], **SETTINGS))

    assert len(uids) == 6


def test_a_volume_id_can_be_read():
    name = volume_id("dwi", 800.0, ["1.2#0"], "ab")

    role, digest = name.rsplit("-", 1)
    assert role == "dwi_b800"
    assert len(digest) == 8
    assert int(digest, 16) >= 0
    assert volume_id("mg_presentation", None, ["1"], "ab", "RMLO").startswith(
        "mg_presentation_rmlo-"
    )


def test_b_values_of_one_series_have_ids_of_their_own():
    assert (
        volume_id("dwi", 50.0, ["1.2#0"], "ab")[-8:]
        != volume_id("dwi", 800.0, ["1.2#0"], "ab")[-8:]
    )
