"""One error tree, one table of codes."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from config import errors
from config.codes import codes, explain_code
from config.errors import AccordageError, ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cli", "config", "deid", "harmonise", "pipelines", "portal")
RAISED = re.compile(r"(?:" + "|".join(n for n in errors.__all__) + r')\(\s*"([A-Z][A-Z0-9_]+)"')


def raised_codes() -> set[str]:
    files = [p for package in PACKAGES for p in (ROOT / package).rglob("*.py")]
    files.append(ROOT / "flows.py")
    return {code for path in files for code in RAISED.findall(path.read_text(encoding="utf-8"))}


def test_every_code_that_is_raised_has_its_sentences() -> None:
    found = raised_codes()
    assert "RELEASE_REFUSED" in found
    assert sorted(found - set(codes())) == []


def test_every_sentence_is_whole_in_both_languages() -> None:
    for code in codes().values():
        for text in (code.en, code.fr, code.next_en, code.next_fr):
            assert text.strip(), code.code
            assert text.strip()[-1] in ".!?)", f"{code.code}: {text}"
        assert code.en != code.fr, code.code


def test_an_unknown_code_is_a_defect() -> None:
    with pytest.raises(KeyError):
        explain_code("NO_SUCH_CODE")


def test_every_error_of_ours_hangs_on_the_tree() -> None:
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), AccordageError)


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_crosses_a_process_boundary_whole(name: str) -> None:
    error = getattr(errors, name)("DISK_FULL", "12 bytes left")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (again.code, again.detail) == ("DISK_FULL", "12 bytes left")


def test_a_configuration_error_names_file_and_line() -> None:
    error = ConfigurationError("CONFIG_INVALID", "wrong", file=Path("a.yaml"), line=3)
    assert str(error) == "CONFIG_INVALID: a.yaml:3: wrong"
