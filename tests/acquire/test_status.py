"""Every status pynetdicom knows for our services has a meaning here, and the same category."""

from __future__ import annotations

import pytest
from pynetdicom import status as known

from config.codes import explain_code
from config.errors import ConfigurationError, TransientError
from pipelines.acquire.pacs.status import judge_status, status_error

TABLES = (
    known.GENERAL_STATUS,
    known.STORAGE_SERVICE_CLASS_STATUS,
    known.QR_FIND_SERVICE_CLASS_STATUS,
    known.QR_MOVE_SERVICE_CLASS_STATUS,
    known.QR_GET_SERVICE_CLASS_STATUS,
)
STATUSES = sorted({(status, row[0]) for table in TABLES for status, row in table.items()})


def test_every_known_status_is_judged_with_pynetdicoms_category() -> None:
    wrong = {
        f"0x{status:04X}": (judge_status(status).kind, category)
        for status, category in STATUSES
        if judge_status(status).kind != category.lower()
    }
    assert wrong == {}
    assert len(STATUSES) > 20


def test_every_failure_has_a_code_that_is_explained() -> None:
    for status in range(0x10000):
        verdict = judge_status(status)
        if verdict.kind in ("failure", "cancel"):
            assert verdict.code is not None
            assert explain_code(verdict.code).fr
        else:
            assert verdict.code is None


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (0xA701, TransientError, "PACS_OUT_OF_RESOURCES"),
        (0xA702, TransientError, "PACS_OUT_OF_RESOURCES"),
        (0xA801, ConfigurationError, "PACS_MOVE_DESTINATION_UNKNOWN"),
        (0xA900, ConfigurationError, "PACS_REFUSED_QUERY"),
        (0xC123, ConfigurationError, "PACS_CANNOT_PROCESS"),
        (0x0122, ConfigurationError, "PACS_UNSUPPORTED"),
        (0xFE00, TransientError, "PACS_CANCELLED"),
        (0x4242, ConfigurationError, "PACS_CANNOT_PROCESS"),
    ],
)
def test_a_failure_becomes_the_error_that_says_what_to_do_next(
    status: int, kind: type[Exception], code: str
) -> None:
    error = status_error(status)
    assert type(error) is kind
    assert error is not None
    assert error.code == code
    assert f"0x{status:04X}" in error.detail


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB007, 0xFF00])
def test_success_warning_and_pending_are_no_errors(status: int) -> None:
    assert status_error(status) is None
