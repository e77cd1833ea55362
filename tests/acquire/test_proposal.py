"""The contexts of a C-GET: one syntax each while there is room, never more than 128 in all."""

from __future__ import annotations

import pytest

from pipelines.acquire.dimse import transfer_syntaxes
from pipelines.acquire.pacs.objects import ExpectedInstance
from pipelines.acquire.pacs.proposal import MAX_CONTEXTS, storage_contexts, storage_roles

MR = "1.2.840.10008.5.1.4.1.1.4"
CT = "1.2.840.10008.5.1.4.1.1.2"


def expected(*classes: str, syntax: str = "") -> list[ExpectedInstance]:
    return [ExpectedInstance("1.2", f"1.2.{n}", uid, syntax) for n, uid in enumerate(classes)]


def test_each_syntax_of_each_class_has_its_own_context() -> None:
    contexts = storage_contexts(expected(MR, CT, MR))
    assert all(len(context.transfer_syntax) == 1 for context in contexts)
    assert {(c.abstract_syntax, c.transfer_syntax[0]) for c in contexts} == {
        (uid, syntax) for uid in (MR, CT) for syntax in transfer_syntaxes()
    }


@pytest.mark.parametrize("count", [1, 6, 7, 20, 127, 200])
def test_there_are_never_more_than_128_with_the_query(count: int) -> None:
    contexts = storage_contexts(expected(*(f"1.2.840.99.{n}" for n in range(count))))
    assert len(contexts) + 1 <= MAX_CONTEXTS == 128
    assert len({context.abstract_syntax for context in contexts}) == min(count, 127)


def test_where_there_is_no_room_every_syntax_is_still_proposed() -> None:
    classes = [f"1.2.840.99.{n}" for n in range(40)]
    contexts = storage_contexts(expected(*classes))
    for uid in classes:
        proposed = [s for c in contexts if c.abstract_syntax == uid for s in c.transfer_syntax]
        assert sorted(proposed) == sorted(transfer_syntaxes())


def test_a_syntax_the_pacs_names_comes_first_even_if_we_do_not_know_it() -> None:
    first = storage_contexts(expected(MR, syntax="1.2.840.99.1"))[0]
    assert (first.abstract_syntax, first.transfer_syntax) == (MR, ["1.2.840.99.1"])


def test_unknown_classes_get_the_usual_storage_classes() -> None:
    contexts = storage_contexts(expected("", MR))
    classes = {context.abstract_syntax for context in contexts}
    assert len(contexts) + 1 <= MAX_CONTEXTS
    assert {MR, CT} <= classes
    assert len(classes) > 50


def test_we_offer_to_be_the_provider_of_every_class() -> None:
    roles = storage_roles(storage_contexts(expected(MR, CT)))
    assert [(role.sop_class_uid, role.scp_role) for role in roles] == [(CT, True), (MR, True)]
