"""Resolve and retrieve: every row ends in a named outcome, counted by UID and not by status."""

from __future__ import annotations

from collections import Counter

import pytest
from pydicom import dcmread
from sqlalchemy import select

from config.errors import ConfigurationError, TransientError
from config.site import Site
from pipelines.acquire.archive import Faults
from pipelines.acquire.resolve import resolve
from pipelines.acquire.retrieve import open_rows, retrieve
from pipelines.catalogue import identified as table
from pipelines.demo.hospitals import World
from pipelines.workspace import Workspace


def acquire(ws: Workspace) -> dict[str, int]:
    project, site = ws.project("tiny"), ws.site("chu-atlas")
    resolve(ws, project, site)
    retrieve(ws, project, site)
    return outcomes(ws)


def outcomes(ws: Workspace) -> dict[str, int]:
    with ws.ledger.session() as session:
        rows = session.scalars(select(table.RequestRow)).all()
        return dict(Counter(f"{r.outcome} {r.code or ''}".strip() for r in rows))


def prostate_studies(world: World) -> dict[str, list[str]]:
    """Study UID -> SOP UIDs of the site's MR files, read with pydicom alone."""
    found: dict[str, list[str]] = {}
    for path in world.sites["chu-atlas"].files:
        ds = dcmread(path, stop_before_pixels=True)
        if ds.Modality == "MR":
            found.setdefault(str(ds.StudyInstanceUID), []).append(str(ds.SOPInstanceUID))
    return found


def test_every_instance_the_archive_holds_is_expected_and_received(
    asking, tiny_world: World
) -> None:
    truth = prostate_studies(tiny_world)
    with asking() as ws:
        assert acquire(ws) == {"complete": len(truth)}
        with ws.ledger.session() as session:
            have = set(session.scalars(select(table.ReceivedObject.sop_uid)))
            rows = session.scalars(select(table.RequestRow)).all()
            counts = {r.study_uid: (r.expected, r.received) for r in rows}
    assert have == {uid for uids in truth.values() for uid in uids}
    assert counts == {study: (len(uids), len(uids)) for study, uids in truth.items()}


def test_a_study_that_is_listed_and_not_delivered_is_refused_and_the_others_come(
    asking, tiny_world: World
) -> None:
    lost = tiny_world.sites["chu-atlas"].unavailable_study_uids
    faults = Faults(unavailable_study_uids=frozenset(lost))
    with asking(faults) as ws:
        found = acquire(ws)
    assert found["refused STUDY_NOT_DELIVERED"] == 1
    assert found["complete"] == len(prostate_studies(tiny_world)) - 1


def test_an_instance_that_never_comes_makes_the_row_partial_whatever_the_status_said(
    asking, tiny_world: World
) -> None:
    truth = prostate_studies(tiny_world)
    study, uids = min(truth.items())
    with asking(Faults(drop_instances=frozenset(uids[:2]))) as ws:
        found = acquire(ws)
        with ws.ledger.session() as session:
            row = session.scalars(
                select(table.RequestRow).where(table.RequestRow.study_uid == study)
            ).one()
            assert (row.outcome, row.code) == ("partial", "STUDY_PARTIAL")
            assert row.detail == f"{len(uids) - 2} of {len(uids)} instances"
    assert found["complete"] == len(truth) - 1


def test_a_second_look_asks_nothing_below_study_level_and_fetches_nothing(
    asking, tiny_world: World
) -> None:
    with asking() as ws:
        acquire(ws)
        project, site = ws.project("tiny"), ws.site("chu-atlas")
        again = resolve(ws, project, site)
        fetched = retrieve(ws, project, site)
    assert (again.done, again.skipped) == (0, len(prostate_studies(tiny_world)))
    assert (fetched.done, fetched.skipped) == (0, len(prostate_studies(tiny_world)))


def test_a_study_that_grew_is_open_again_and_only_the_new_instances_are_fetched(
    asking, tiny_world: World
) -> None:
    site = tiny_world.sites["chu-atlas"]
    with asking() as ws:
        acquire(ws)
        with ws.ledger.session() as session:
            row = session.scalars(select(table.RequestRow).limit(1)).one()
            late = session.scalars(
                select(table.ExpectedInstance).where(table.ExpectedInstance.row_id == row.row_id)
            ).first()
            session.delete(late)
            row.expected -= 1
            gone = session.scalars(
                select(table.ReceivedObject).where(table.ReceivedObject.sop_uid == late.sop_uid)
            ).one()
            session.delete(gone)
            row_id = row.row_id
        project = ws.project("tiny")
        resolve(ws, project, ws.site(site.name))
        assert open_rows(ws, project, ws.site(site.name)) == [row_id]
        retrieve(ws, project, ws.site(site.name))
        assert set(outcomes(ws)) == {"complete"}


def test_a_lost_file_is_fetched_again(asking) -> None:
    with asking() as ws:
        acquire(ws)
        with ws.ledger.session() as session:
            obj = session.scalars(select(table.ReceivedObject).limit(1)).one()
            row = session.scalars(
                select(table.RequestRow).where(table.RequestRow.study_uid == obj.study_uid)
            ).one()
            row.outcome = "found"
            path = ws.identified.absolute(obj.path)
        path.unlink()
        retrieve(ws, ws.project("tiny"), ws.site("chu-atlas"))
        assert path.is_file()
        assert set(outcomes(ws)) == {"complete"}


def test_a_pacs_that_refuses_is_a_transient_error_and_keeps_what_is_there(asking) -> None:
    with asking(Faults(refuse_associations=100), retries=0) as ws:
        with pytest.raises(TransientError) as caught:
            resolve(ws, ws.project("tiny"), ws.site("chu-atlas"))
        assert caught.value.code == "PACS_REFUSED"
        assert outcomes(ws) == {}


def test_a_site_without_a_pacs_says_so(asking) -> None:
    with asking() as ws, pytest.raises(ConfigurationError, match="SITE_WITHOUT_PACS"):
        resolve(ws, ws.project("tiny"), Site(name="folder-only"))


def test_other_bytes_under_one_uid_are_both_kept_and_flagged(asking, tiny_world: World) -> None:
    from pipelines.acquire.pacs import ReceivedObject
    from pipelines.acquire.taken import keep

    with asking() as ws:
        acquire(ws)
        sink = keep(ws, ws.site("chu-atlas"))
        with ws.ledger.session() as session:
            obj = session.scalars(select(table.ReceivedObject).limit(1)).one()
            twin = ReceivedObject(
                "1.2.840.10008.5.1.4.1.1.4",
                obj.sop_uid,
                obj.study_uid,
                obj.series_uid,
                obj.transfer_syntax_uid,
                b"\x08\x00\x05\x00CS\x02\x00  ",
            )
            uid = obj.sop_uid
        sink(twin)
        sink(twin)
        with ws.ledger.session() as session:
            both = session.scalars(
                select(table.ReceivedObject).where(table.ReceivedObject.sop_uid == uid)
            ).all()
            assert [o.conflict for o in both] == [True, True]
            assert all(ws.identified.absolute(o.path).is_file() for o in both)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch):
    """Make the PACS leave one instance out of its first ``n`` lists of each study."""
    from dataclasses import replace

    from pipelines.acquire import resolve as module

    whole_list, sweep = module.find_instances, module.sweep_studies
    asked: Counter[str] = Counter()

    def forget(times: int, *, counts: bool = True) -> None:
        def short_list(node, study_uid, **options):
            asked[study_uid] += 1
            found = whole_list(node, study_uid, **options)
            return found[:-1] if asked[study_uid] <= times else found

        def counted(*args, **options):
            found = sweep(*args, **options)
            if not counts:
                found.studies = {
                    uid: replace(s, instance_count=None) for uid, s in found.studies.items()
                }
            return found

        monkeypatch.setattr(module, "find_instances", short_list)
        monkeypatch.setattr(module, "sweep_studies", counted)

    return forget


def test_a_list_shorter_than_the_count_is_asked_for_again(
    asking, forgetful, tiny_world: World
) -> None:
    forgetful(2)
    with asking() as ws:
        assert acquire(ws) == {"complete": len(prostate_studies(tiny_world))}


def test_a_list_that_stays_short_is_not_complete_and_is_listed_anew_the_next_time(
    asking, forgetful, tiny_world: World
) -> None:
    forgetful(3)
    with asking() as ws:
        number = len(prostate_studies(tiny_world))
        assert acquire(ws) == {"partial STUDY_LIST_INCOMPLETE": number}
        assert acquire(ws) == {"complete": number}


def test_an_archive_that_does_not_count_is_found_out_by_what_it_sends(
    asking, forgetful, tiny_world: World
) -> None:
    forgetful(1, counts=False)
    with asking() as ws:
        number = len(prostate_studies(tiny_world))
        assert acquire(ws) == {"partial STUDY_LIST_INCOMPLETE": number}
        assert acquire(ws) == {"complete": number}
