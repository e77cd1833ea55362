"""Text in its character sets; expected bytes are those of PS3.5 annexes H, I and J."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.text import decode, fold, squeeze, views


@pytest.mark.parametrize(
    ("value", "charset", "text"),
    [
        # PS3.5 H.3.1: Japanese, ISO 2022 IR 87
        (
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B",
            ("", "ISO 2022 IR 87"),
            "Yamada^Tarou=山田^太郎",
        ),
        # PS3.5 I.2: Korean, ISO 2022 IR 149
        (
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
            ("", "ISO 2022 IR 149"),
            "Hong^Gildong=洪^吉洞",
        ),
        # PS3.5 J.3: Chinese, GB18030
        (b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab", ("GB18030",), "Wang^XiaoDong=王^小东"),
        ("Lefèvre^Zoé".encode("latin-1"), ("ISO_IR 100",), "Lefèvre^Zoé"),
        ("Lefèvre^Zoé".encode(), ("ISO_IR 192",), "Lefèvre^Zoé"),
    ],
)
def test_a_name_is_read_in_its_character_set(
    value: bytes, charset: tuple[str, ...], text: str
) -> None:
    assert decode(value, charset) == text


def test_case_accents_and_ligatures_are_folded() -> None:
    assert fold("LEFÈVRE Cœur Ç") == "lefevre coeur c"
    assert squeeze(fold("Le Fèvre-d'Œil, 05.56")) == "lefevredoeil0556"


@pytest.mark.parametrize("codec", ["latin-1", "utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("offset", [0, 1])
def test_a_name_is_seen_in_bytes_of_any_encoding_at_any_offset(codec: str, offset: int) -> None:
    data = b"\x01" * offset + b"\xff\xfe\x00" + "Quincampoix".encode(codec) + b"\x00\x01"
    assert any("quincampoix" in fold(text) for text in views(data))


@given(st.binary(max_size=200), st.lists(st.sampled_from(["ISO_IR 192", "GB18030", "x"])))
def test_decoding_never_fails(value: bytes, charset: list[str]) -> None:
    assert isinstance(decode(value, charset), str)
    assert all(isinstance(text, str) for text in views(value))
