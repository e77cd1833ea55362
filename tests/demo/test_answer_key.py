"""Claims about the answer key: exact, and complete for every person's name."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from pydicom import Dataset, dcmread
from pydicom.charset import python_encoding

from pipelines.demo.answer_key import planted_strings

STEP = re.compile(r'\(([0-9A-F]{4}),(?:"([^"]+)",)?([0-9A-F]{2,4})\)(?:\[(\d+)\])?')


@pytest.fixture(scope="module")
def objects(tiny):
    """Study UID -> every object of the study."""
    studies = defaultdict(list)
    for site in tiny.sites.values():
        for path in site.files:
            ds = dcmread(path)
            studies[ds.StudyInstanceUID].append(ds)
    return studies


def value_at(ds: Dataset, path: str):
    """Follow a path of the answer key; None where the object has no such element."""
    for part in path.split("/"):
        group, creator, element, item = STEP.fullmatch(part).groups()
        if group == "0002":
            ds = ds.file_meta
        if creator:
            try:
                tag = ds.private_block(int(group, 16), creator).get_tag(int(element, 16))
            except KeyError:
                return None
        else:
            tag = (int(group, 16) << 16) | int(element, 16)
        if tag not in ds:
            return None
        value = ds[tag].value
        if item is None:
            return value
        ds = value[int(item)]
    raise AssertionError(path)


def as_text(value, charset: str) -> str:
    if isinstance(value, bytes):
        return value.decode(python_encoding[charset])
    return str(value)


def test_every_value_stands_in_every_place_the_key_names(tiny, objects) -> None:
    wrong = []
    for entry in tiny.answer_key:
        for path in entry["where"]:
            texts = (
                as_text(value_at(ds, path), ds.SpecificCharacterSet)
                for ds in objects[entry["study_uid"]]
            )
            if not any(entry["value"] in text for text in texts):
                wrong.append((entry["value"], path))
    assert not wrong


def test_every_value_is_in_the_bytes_of_its_study(tiny) -> None:
    """What a leak test will search for is really there before de-identification."""
    content = defaultdict(bytes)
    charset = {}
    for site in tiny.sites.values():
        for path in site.files:
            ds = dcmread(path, specific_tags=["StudyInstanceUID", "SpecificCharacterSet"])
            content[ds.StudyInstanceUID] += path.read_bytes()
            charset[ds.StudyInstanceUID] = python_encoding[ds.SpecificCharacterSet]
    for entry in tiny.answer_key:
        uid = entry["study_uid"]
        assert entry["value"].encode(charset[uid]) in content[uid], entry["value"]


def person_names(ds: Dataset):
    for elem in ds:
        if elem.VR == "SQ":
            for item in elem.value:
                yield from person_names(item)
        elif elem.VR == "PN" and elem.value:
            yield str(elem.value)


def test_no_person_name_stands_outside_the_key(tiny, objects) -> None:
    known = {e["value"] for e in tiny.answer_key if e["kind"] in {"name", "physician"}}
    found = {name for study in objects.values() for ds in study for name in person_names(ds)}
    assert found <= known


def test_no_family_name_stands_in_a_place_the_key_does_not_name(tiny, objects) -> None:
    """Any element, at any level, public, private or bytes."""

    def walk(ds: Dataset, names: set[str], charset: str, prefix: str = ""):
        for elem in ds:
            if elem.VR == "SQ":
                for index, item in enumerate(elem.value):
                    yield from walk(item, names, charset, f"{prefix}{elem.tag}[{index}]/")
            elif elem.tag != 0x7FE00010:
                value = elem.value
                text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                for name in names:
                    spelled = {name, name.encode(charset).decode("latin-1")}
                    if any(spelling in text for spelling in spelled):
                        yield name, prefix, elem.tag

    for uid, study in objects.items():
        entries = [e for e in tiny.answer_key if e["study_uid"] == uid and e["kind"] == "name"]
        names = {e["value"] for e in entries}
        charset = python_encoding[study[0].SpecificCharacterSet]
        places = {
            (name, prefix, tag) for ds in study for name, prefix, tag in walk(ds, names, charset)
        }
        counted = sum(len(e["where"]) for e in entries)
        assert len(places) == counted, uid


def test_each_kind_of_identity_is_planted_at_each_hospital(tiny) -> None:
    for site in tiny.sites:
        kinds = {e["kind"] for e in tiny.answer_key if e["site"] == site}
        assert kinds == {
            "name",
            "id",
            "nir",
            "date",
            "phone",
            "address",
            "institution",
            "physician",
            "accession",
            "uid",
        }


def test_names_stand_in_public_private_nested_and_unknown_elements(tiny, objects) -> None:
    names = [e for e in tiny.answer_key if e["kind"] == "name"]
    places = {path for e in names for path in e["where"]}
    assert "(0010,0010)" in places
    assert any('"' in path and "/" in path for path in places), "nested in a private sequence"
    assert any(path.startswith("(0008,1030)") for path in places), "in a study description"
    assert any(path.startswith("(0020,4000)") for path in places), "in an image comment"
    unknown = '(0035,"PASSERELLE REGIONALE 2.1",01)'
    assert unknown in places
    holders = [ds for study in objects.values() for ds in study]
    assert {type(value_at(ds, unknown)) for ds in holders} == {bytes}


def test_planted_strings_are_sorted_and_distinct_by_kind(tiny) -> None:
    strings = planted_strings(tiny.answer_key)
    assert "LEFÈVRE" in strings["name"]
    assert "LEFEVRE" in strings["name"]
    for kind, values in strings.items():
        assert values == sorted(set(values)), kind
        assert all(len(value) >= 6 for value in values), kind
