"""Released objects written in pieces: every byte in its place, whatever its length."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import UnreadableObject
from deid.span import Span
from pipelines.prepare import splice
from pipelines.prepare.splice import digest_pieces, write_pieces

SOURCE = bytes(range(256)) * 4
CHUNK_BYTES = 64


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(splice, "_CHUNK_BYTES", CHUNK_BYTES)
    path = tmp_path / "source"
    path.write_bytes(SOURCE)
    return path


@pytest.mark.parametrize("head_bytes", [0, 1, 63, 64, 65, 200])
@pytest.mark.parametrize("span", [(0, 0), (3, 1), (7, 63), (5, 64), (9, 65), (0, 1024), (101, 900)])
def test_what_is_written_is_what_the_pieces_say(
    source: Path, tmp_path: Path, head_bytes: int, span: tuple[int, int]
) -> None:
    head, place = b"h" * head_bytes, Span(*span)
    for pieces in (
        (head, place, b"tail", b""),
        (b"", head, b"more", place, b"between", place),
        (place, head),
    ):
        expected = b"".join(
            SOURCE[p.offset : p.offset + p.length] if isinstance(p, Span) else p for p in pieces
        )
        target = tmp_path / "target"
        assert write_pieces(source, target, pieces) == len(expected)
        assert target.read_bytes() == expected


def test_a_source_that_became_shorter_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    with pytest.raises(UnreadableObject, match="DEID_TRUNCATED"):
        write_pieces(source, tmp_path / "target", (b"head", Span(1000, 25)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    with pytest.raises(UnreadableObject, match="DEID_TRUNCATED"):
        digest_pieces(source, (b"head", Span(1000, 25)))
