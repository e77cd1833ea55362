"""The fault archive on its own: faults from words and files, and the command that serves it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ConfigurationError
from config.site import PacsNode
from pipelines.acquire.archive import Faults, read_faults
from pipelines.acquire.pacs import echo, find_instances
from tests.support.files import write_instance


def test_faults_are_written_as_words() -> None:
    given = read_faults("silent_success, drop_after_n=3,late_instances=[1.2.3]")
    assert given.archive == Faults(
        silent_success=True, drop_after_n=3, late_instances=frozenset({"1.2.3"})
    )
    assert read_faults("").archive == Faults()


def test_faults_of_single_studies_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("archive: {max_answers: 9}\nstudies:\n  '1.2': {times: 1}\n", encoding="utf-8")
    given = read_faults(str(path))
    assert (given.archive.max_answers, given.studies["1.2"].times) == (9, 1)


@pytest.mark.parametrize("words", ["no_such_fault", "drop_after_n=many"])
def test_a_fault_nobody_knows_is_refused_by_its_name(words: str) -> None:
    with pytest.raises(ConfigurationError, match=words.split("=", maxsplit=1)[0]):
        read_faults(words)


def test_the_command_serves_a_folder_with_faults_until_it_is_stopped(tmp_path: Path) -> None:
    for number in (1, 2):
        write_instance(tmp_path, 1, 1, number)
    command = [str(Path(sys.executable).with_name("accordage")), "demo-pacs", str(tmp_path)]
    options = [
        "--port",
        "0",
        "--ae-title",
        "BROKEN",
        "--faults",
        "late_instances=[2.25.4242.1.1.2]",
    ]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        line = served.stdout.readline()
        (port,) = re.findall(r"127\.0\.0\.1:(\d+), 2 instances", line)
        node = PacsNode(ae_title="BROKEN", host="127.0.0.1", port=int(port))
        assert echo(node) >= 0
        assert len(find_instances(node, "2.25.4242.1")) == 1
        served.terminate()
