"""What is packed is unpacked, and what is broken is passed over."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
import zlib

from hypothesis import given
from hypothesis import strategies as st

from pipelines.audit.contents import unpacked


def seen(data: bytes, text: bytes) -> bool:
    return any(text in inner for inner in unpacked(data))


def test_a_deflated_stream_of_a_pdf_is_read_and_its_pieces_joined() -> None:
    page = rb"BT [(Quincam) -20 (po\151x)] TJ ET"
    pdf = b"%PDF-1.4\n1 0 obj<<>>stream\n" + zlib.compress(page) + b"\nendstream endobj"
    assert seen(pdf, b"Quincampoix")


def test_a_hexadecimal_string_of_a_pdf_is_read() -> None:
    assert seen(b"%PDF-1.4 /Title <" + b"Quincampoix".hex().encode() + b">", b"Quincampoix")


def test_zip_and_gzip_and_base64_are_opened_inside_each_other() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("a.txt", gzip.compress(b"Quincampoix"))
    assert seen(buffer.getvalue(), b"Quincampoix")
    inner = base64.b64encode(b"a long text that names Quincampoix")
    assert seen(b'<?xml version="1.0"?><a>' + inner + b"</a>", b"Quincampoix")


def test_entities_of_xml_are_resolved() -> None:
    assert seen(b"<a>Lef&#232;vre</a>", "Lefèvre".encode())


@given(st.binary(max_size=300), st.sampled_from([b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"<?xml "]))
def test_broken_packages_are_passed_over(data: bytes, head: bytes) -> None:
    assert isinstance(list(unpacked(head + data)), list)
