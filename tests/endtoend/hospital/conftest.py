"""A real Orthanc with a prostate study of two vendors and a mammogram, worked through once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.shared import FINDING
from pipelines.ports import free_port
from tests.support.home import Cohort, Home
from tests.support.orthanc import OrthancServer

SKYRA = "MR/prostatex-0000-siemens-skyra"
WHOLE = ("t2_tse_tra", "dwi_b50-400-800", "adc", "calc_bval")
ACHIEVA = "MR/prostate-mri-0001-philips-achieva/t2_tse_ax"
MAMMOGRAM = "MG/fo-dicom-ge-essential/GH133.dcm"


@dataclass(frozen=True)
class Hospital:
    """An Orthanc, what it was filled with, and the port it moves objects to."""

    orthanc: OrthancServer
    sent: tuple[Path, ...]
    receiver: int


@dataclass(frozen=True)
class Worked:
    """An installation after its commands, with its accounts and what it released."""

    home: Home
    accounts: dict[str, dict[str, Any]]
    prostate: Cohort
    breast: Cohort


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


@pytest.fixture(scope="package")
def hospital(start_orthanc: Callable[..., OrthancServer], realdata: Path) -> Iterator[Hospital]:
    receiver = free_port()
    sent = [path for name in WHOLE for path in files_in(realdata / SKYRA / name)]
    sent += [*files_in(realdata / ACHIEVA), realdata / MAMMOGRAM]
    orthanc = start_orthanc({"ACCORDAGE": ("127.0.0.1", receiver)})
    orthanc.load(sent)
    yield Hospital(orthanc, tuple(sent), receiver)
    orthanc.stop()


@pytest.fixture(scope="package")
def by_get(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """By C-GET, from an empty home to two released cohorts; the longest in processes of its own."""
    root = tmp_path_factory.mktemp("by-get")
    made = Home.make(root, hospital.orthanc, "c-get", hospital.receiver)
    printed = json.loads(made.command("acquire", "prostate", "--json"))
    printed += json.loads(made.command("prepare", "prostate", "--json"))
    made.command("cohort", "build", "prostate")
    accounts = {"prostate": {account["stage"]: account for account in printed}}
    accounts["breast"] = made.acquire_and_prepare("breast")
    made.call("cohort", "build", "breast")
    released = [made.read_and_release(project) for project in ("prostate", "breast")]
    return Worked(made, accounts, *released)


@pytest.fixture(scope="package")
def by_move(hospital: Hospital, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The same projects in another home, acquired by C-MOVE and prepared."""
    root = tmp_path_factory.mktemp("by-move")
    made = Home.make(root, hospital.orthanc, "c-move", hospital.receiver)
    for project in ("prostate", "breast"):
        made.acquire_and_prepare(project)
    return made


@pytest.fixture(scope="package")
def missing_slice(
    start_orthanc: Callable[..., OrthancServer],
    realdata: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], Home, Cohort]:
    """The variant with a slice less, in an archive of its own: it has the same UIDs."""
    orthanc = start_orthanc()
    names = ("t2_tse_tra", "calc_bval_missing_slice")
    orthanc.load(path for name in names for path in files_in(realdata / SKYRA / name))
    made = Home.make(tmp_path_factory.mktemp("missing"), orthanc, "c-get", 0)
    accounts = made.acquire_and_prepare("prostate", expect=FINDING)
    made.call("cohort", "build", "prostate")
    cohort = made.read_and_release("prostate")
    orthanc.stop()
    return accounts, made, cohort
