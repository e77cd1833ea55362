"""The presentation contexts of a C-GET: made so that the PACS need not decompress."""

from __future__ import annotations

from collections.abc import Iterable

from pynetdicom import StoragePresentationContexts, build_context, build_role
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext

from pipelines.acquire.dimse import transfer_syntaxes
from pipelines.acquire.pacs.objects import ExpectedInstance

__all__ = ["MAX_CONTEXTS", "storage_contexts", "storage_roles"]

MAX_CONTEXTS = 128
"""Presentation context ids are the odd numbers of one byte (PS3.8 section 9.3.2.2)."""


def storage_contexts(
    expected: Iterable[ExpectedInstance], room: int = MAX_CONTEXTS - 1
) -> list[PresentationContext]:
    """Propose each (SOP class, transfer syntax) on its own, as far as there is room.

    An acceptor picks one transfer syntax of each context. With several syntaxes in one context an
    archive that stores two of them would have to convert, so each has a context of its own; where
    that makes too many, the last context of a class takes the rest of the syntaxes together.

    Parameters
    ----------
    expected : Iterable[ExpectedInstance]
        What is wanted. Where the PACS tells no SOP class, the usual storage classes are proposed.
    room : int
        Contexts left, at most 127 beside the one of the query.
    """
    instances = list(expected)
    classes = sorted({one.sop_class_uid for one in instances} - {""})
    if not classes or any(not one.sop_class_uid for one in instances):
        usual = [str(context.abstract_syntax) for context in StoragePresentationContexts]
        classes = [*classes, *(uid for uid in usual if uid not in classes)][:room]
    each = max(1, room // len(classes))
    contexts = []
    for sop_class in classes[:room]:
        told = {one.transfer_syntax_uid for one in instances if one.sop_class_uid == sop_class}
        # What the PACS says it stores comes first, then the table's order.
        order = sorted(told - {""}) + [uid for uid in transfer_syntaxes() if uid not in told]
        alone, together = order[: each - 1], order[each - 1 :]
        contexts += [build_context(sop_class, [syntax]) for syntax in alone]
        if together:
            contexts.append(build_context(sop_class, together))
    return contexts


def storage_roles(
    contexts: Iterable[PresentationContext],
) -> list[SCP_SCU_RoleSelectionNegotiation]:
    """Offer to be the provider of each storage class (PS3.7 Annex D.3.3.4)."""
    classes = sorted({str(context.abstract_syntax) for context in contexts})
    return [build_role(sop_class, scp_role=True) for sop_class in classes]
