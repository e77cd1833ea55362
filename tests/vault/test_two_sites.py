"""One person at two hospitals is one subject where traits say so; no party alone can go back."""

from __future__ import annotations

import hmac
import os
import re
import subprocess
import sys
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pytest

from deid.keys import derive_keys, subject_of
from deid.linkage import linkage_token
from deid.traits import read_traits
from tests.vault.sites import (
    LINKAGE,
    NIR,
    NIR_WITH_KEY,
    SITES,
    TWO_VISITS,
    Country,
    Visit,
    dataset,
)

ROOT = Path(__file__).resolve().parents[2]
STRICT = {"traits": "strict"}
INS = {"traits": "ins", "ins_attribute": "OtherPatientIDs"}
SUBJECT = re.compile(rb"S-[0-9A-HJKMNP-TV-Z]{10}")


def country(root: Path, linkage: dict[str, str], *visits: Visit) -> Country:
    made = Country(root)
    made.found(linkage)
    made.prepare(list(visits))
    return made


def day(value: str) -> date:
    return date(int(value[:4]), int(value[4:6]), int(value[6:8]))


def shifts(made: Country, visits: dict[str, str], project: str = "tiny") -> set[timedelta]:
    """Return what was taken from each study's date; ``visits`` maps site -> date."""
    sites = {row.row_id: row.site for row in made.rows(project)}
    objects = made.objects(project)
    return {
        day(visits[sites[row_id]]) - day(str(ds.StudyDate))
        for row_id, found in objects.items()
        for ds in found
    }


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Country:
    return country(
        tmp_path_factory.mktemp("linked"),
        STRICT,
        Visit("chu-a", "PLANTED-8001"),
        Visit("chu-b", "PLANTED-9102", "Märtin^ANNE^", "20220506"),
    )


def test_one_person_by_strict_traits_is_one_subject_with_one_shift(linked: Country) -> None:
    rows = linked.rows()
    assert [r.outcome for r in rows] == ["deidentified"] * 2
    assert len({r.subject for r in rows}) == 1
    assert len(shifts(linked, {"chu-a": "20200115", "chu-b": "20220506"})) == 1


def test_the_objects_bear_the_hubs_subject_and_nothing_of_the_sites_pseudonym(
    linked: Country,
) -> None:
    (subject,) = {r.subject for r in linked.rows()}
    objects = [ds for found in linked.objects().values() for ds in found]
    assert {(str(ds.PatientID), str(ds.PatientName)) for ds in objects} == {(subject, subject)}
    sent = {found for data in linked.files("chu-a") for found in SUBJECT.findall(data)}
    assert len(sent) == 1
    assert subject.encode() not in sent
    assert sum(pseudonym in data for pseudonym in sent for data in linked.files("hub")) == 0


def test_one_person_by_ins_is_one_subject_whatever_the_names(tmp_path: Path) -> None:
    made = country(
        tmp_path,
        INS,
        Visit("chu-a", "PLANTED-8001", changed={"OtherPatientIDs": NIR_WITH_KEY}),
        Visit("chu-b", "PLANTED-9102", "DUPONT^A", changed={"OtherPatientIDs": NIR_WITH_KEY}),
    )
    assert len({r.subject for r in made.rows()}) == 1
    assert len(shifts(made, dict.fromkeys(SITES, "20200115"))) == 1
    assert sum(NIR.encode() in data for data in made.files("hub")) == 0


@pytest.mark.parametrize(
    ("linkage", "changed"),
    [({}, {}), (STRICT, {"PatientBirthDate": ""}), (STRICT, {"PatientBirthName": ""})],
)
def test_without_the_traits_one_person_is_two_subjects(
    tmp_path: Path, linkage: dict[str, str], changed: dict[str, str]
) -> None:
    visits = [Visit(s, f"PLANTED-8{n}01", changed=changed) for n, s in enumerate(SITES, 1)]
    made = country(tmp_path, linkage, *visits)
    assert len({r.subject for r in made.rows()}) == 2


def test_a_later_study_without_traits_stays_with_its_patient(tmp_path: Path) -> None:
    made = country(tmp_path, STRICT, Visit("chu-a", "PLANTED-8001"))
    later = Visit("chu-a", "PLANTED-8001", "X", "20230607")
    made.prepare([later])
    assert len(made.rows()) == 2
    assert len({r.subject for r in made.rows()}) == 1


def test_another_project_shares_no_subject_no_uid_and_no_shift(tmp_path: Path) -> None:
    made = Country(tmp_path)
    made.found(STRICT, ("tiny", "other"))
    visits = [Visit(s, f"PLANTED-8{n}01") for n, s in enumerate(SITES, 1)]
    for project in ("tiny", "other"):
        made.prepare(visits, project)
    days = dict.fromkeys(SITES, "20200115")
    assert shifts(made, days, "tiny").isdisjoint(shifts(made, days, "other"))
    one, two = (
        {
            str(getattr(ds, keyword))
            for found in made.objects(project).values()
            for ds in found
            for keyword in (
                "PatientID",
                "StudyInstanceUID",
                "SeriesInstanceUID",
                "SOPInstanceUID",
                "FrameOfReferenceUID",
            )
        }
        for project in ("tiny", "other")
    )
    assert len(one) == len(two) == 1 + 2 + 2 + 4 + 2
    assert one.isdisjoint(two)


def secrets_in(made: Country, party: str) -> list[bytes]:
    folder = made.hub if party == "hub" else made.root / party
    return [p.read_bytes() for p in sorted(folder.rglob("*.key"))]


def computable(secrets: list[bytes], person: Visit) -> set[str]:
    """Return every subject of a known person that somebody with these secrets can compute."""
    traits = read_traits(dataset(person, 1), "PatientBirthName", None)
    strict = [linkage_token(secret, traits, "strict") for secret in secrets]
    issuer = "IPP-" + person.site
    own = f"{len(issuer)}:{issuer}:{person.patient_id}".encode()
    tokens = [t for t in strict if t] + [hmac.digest(s, own, "sha256") for s in secrets]
    keys = [derive_keys(secret, "tiny") for secret in secrets]
    return {subject_of(key, token) for key, token in product(keys, tokens)}


def test_all_secrets_together_do_go_back(linked: Country) -> None:
    subjects = {r.subject for r in linked.rows()}
    both = secrets_in(linked, "hub") + secrets_in(linked, "chu-a")
    assert subjects <= computable(both, Visit("chu-a", "PLANTED-8001"))


@pytest.mark.parametrize("party", ["hub", *SITES])
def test_one_partys_files_do_not_lead_from_subject_to_person(linked: Country, party: str) -> None:
    subjects = {r.subject for r in linked.rows()}
    mine = secrets_in(linked, party)
    assert mine
    people = [Visit("chu-a", "PLANTED-8001"), Visit("chu-b", "PLANTED-9102", "MARTIN^Anne")]
    assert sum(bool(subjects & computable(mine, person)) for person in people) == 0


@pytest.mark.parametrize("party", SITES)
def test_a_sites_files_do_not_name_a_subject(linked: Country, party: str) -> None:
    subjects = {str(r.subject).encode() for r in linked.rows()}
    assert sum(subject in data for subject in subjects for data in linked.files(party)) == 0


def test_the_hubs_files_hold_no_person_no_token_and_no_secret_of_a_site(linked: Country) -> None:
    token = linkage_token(
        LINKAGE, read_traits(dataset(TWO_VISITS[0], 1), "PatientBirthName", None), "strict"
    )
    assert token is not None
    planted = [
        b"PLANTED",
        b"MARTIN",
        b"19840312",
        b"1.2.826.0.1.1.8001",
        token,
        token.hex().encode(),
    ]
    planted += [s for site in SITES for s in secrets_in(linked, site)]
    files = linked.files("hub")
    assert len(files) > 4
    assert sum(word.lower() in data.lower() for word in planted for data in files) == 0


def test_two_processes_in_any_order_of_files_make_the_same_bytes(tmp_path: Path) -> None:
    running = []
    for seed in ("1", "2"):
        clean = {**os.environ, "PYTHONHASHSEED": seed}
        arguments = [sys.executable, "-m", "tests.vault.sites", str(tmp_path / seed), seed]
        running.append(subprocess.Popen(arguments, cwd=ROOT, env=clean, stdout=subprocess.PIPE))
    said = [process.communicate()[0] for process in running]
    assert said[0].count(b".dcm") == 8
    assert said[0] == said[1]
