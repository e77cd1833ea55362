"""Documents inside objects: cleaned as text, or replaced by a valid blank one; never passed."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pypdf import PdfReader, PdfWriter

from config.policy import Policy
from deid.documents.cda import blank_cda, clean_cda
from deid.documents.pdf_read import read_pdf
from deid.documents.pdf_write import write_pdf
from deid.documents.scrub import scrub
from deid.hunt import Hunter
from deid.identity import Identity

PDF, CDA = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.840.10008.5.1.4.1.1.104.2"
HL7 = {"h": "urn:hl7-org:v3"}
REPORT = (
    "Compte rendu de Mme Lefèvre Élodie, née le 12/03/1957 (IPP 8001234567)\n"
    "Vu par le Dr Garnier le 5 avril 2018.\nSein droit : pas de masse, ACR 2.\n"
)
NEEDLES = ("lefevre", "lefèvre", "elodie", "élodie", "8001234567", "garnier", "1957")


@pytest.fixture(scope="module")
def hunter() -> Hunter:
    identity = Identity(
        names=frozenset({"LEFEVRE^Elodie", "GARNIER^Hubert"}),
        ids=frozenset({"8001234567"}),
        dates=frozenset({"20180405"}),
        birth_dates=frozenset({"19570312"}),
    )
    return Hunter(identity, institutions=True)


def _pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)


def _encrypted(data: bytes) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_an_independent_reader_finds_in_our_pdf_what_was_written() -> None:
    text = "\n".join(f"ligne {i} (été) \\ sein" for i in range(150))
    reader = PdfReader(io.BytesIO(write_pdf(text)), strict=True)
    assert len(reader.pages) == 3  # 64 lines a page
    assert reader.metadata is None
    assert _pdf_text(write_pdf(text)).split() == text.split()


def test_a_pdf_is_released_with_its_medical_words_and_without_its_people(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    ds = make(
        PDF, "DOC", pixels=False, EncapsulatedDocument=write_pdf(REPORT),
        MIMETypeOfEncapsulatedDocument="application/pdf", BurnedInAnnotation="YES",
        ReferringPhysicianName="GARNIER^Hubert", DocumentTitle="CR de LEFEVRE Elodie",
    )  # fmt: skip
    out = reread(ds, research)
    text = _pdf_text(out.EncapsulatedDocument).lower()
    assert "pas de masse" in text
    assert [needle for needle in NEEDLES if needle in text] == []
    assert out.BurnedInAnnotation == "NO"
    assert out.EncapsulatedDocument[: out.EncapsulatedDocumentLength].endswith(b"%%EOF\n")
    codes = [item.CodeValue for item in out.DeidentificationMethodCodeSequence]
    assert "113105" in codes
    assert "113104" not in codes


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.4 LEFEVRE^Elodie", b"", _encrypted(write_pdf("LEFEVRE Elodie")), write_pdf("")],
    ids=["broken", "empty", "encrypted", "without text"],
)
def test_a_pdf_that_cannot_be_read_is_replaced_by_a_blank_one(
    data: bytes, make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    ds = make(PDF, "DOC", pixels=False, EncapsulatedDocument=data)
    out = reread(ds, research)
    assert "removed during de-identification" in _pdf_text(out.EncapsulatedDocument)
    codes = [item.CodeValue for item in out.DeidentificationMethodCodeSequence]
    assert "113105" not in codes


def test_under_basic_a_document_is_always_the_blank_one(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], basic: Policy
) -> None:
    out = reread(make(PDF, "DOC", pixels=False, EncapsulatedDocument=write_pdf(REPORT)), basic)
    assert "removed during de-identification" in _pdf_text(out.EncapsulatedDocument)
    assert out.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_the_same_document_gives_the_same_bytes(
    make: Callable[..., Dataset], release: Callable[..., object], research: Policy
) -> None:
    one, two = (
        release(make(PDF, "DOC", pixels=False, EncapsulatedDocument=write_pdf(REPORT)), research)
        for _ in range(2)
    )
    assert one.to_bytes() == two.to_bytes()  # type: ignore[attr-defined]


def test_a_font_that_does_not_say_its_letters_is_not_trusted() -> None:
    data = write_pdf("A name in glyph codes").replace(b"/Subtype /Type1 ", b"/Subtype /Type3 ")
    assert read_pdf(data) is None


@pytest.mark.parametrize(
    "text",
    ["L E F E V R E sein", "LEFE-\nVRE sein", "sein LEF EVRE", "80 01 23 45 67", "8001 234567"],
)
def test_identity_set_with_gaps_is_cut_or_the_document_refused(text: str, hunter: Hunter) -> None:
    clean = scrub(text, hunter)
    squeezed = "".join(c for c in (clean or "").lower() if c.isalnum())
    assert "lefevre" not in squeezed
    assert "8001234567" not in squeezed


CLINICAL = """<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<id root="1.2.3" extension="8001234567"/>
<code code="18748-4" codeSystem="2.16.840.1.113883.6.1" displayName="Imaging report"/>
<title>CR de LEFEVRE Elodie</title><effectiveTime value="20180405"/>
<recordTarget><patientRole><id extension="8001234567"/><patient><name>LEFEVRE</name></patient>
</patientRole></recordTarget><!-- LEFEVRE Elodie --><component><structuredBody><component><section>
<author><assignedAuthor><id extension="8001234567"/></assignedAuthor></author>
<text><paragraph>Mme LEF<content>EVRE</content>, sein droit sans masse</paragraph>
<paragraph><![CDATA[Elodie LEFEVRE le 12/03/1957]]></paragraph></text>
<entry><observation classCode="OBS" moodCode="EVN"><code code="LEFEVRE"/>
<effectiveTime value="20180405"/><value xsi:type="PQ" value="12.5" unit="mm"/></observation></entry>
<entry><observationMedia classCode="OBS" moodCode="EVN">
<value representation="B64">TEVGRVZSRQ==</value></observationMedia></entry>
</section></component></structuredBody></component></ClinicalDocument>"""


def test_a_cda_keeps_its_findings_and_loses_its_people(hunter: Hunter) -> None:
    clean = clean_cda(CLINICAL.encode(), "2.25.1", hunter)
    assert clean is not None
    root = ET.fromstring(clean)
    text = clean.decode().lower()
    assert [needle for needle in (*NEEDLES, "20180405", "tevgr") if needle in text] == []
    assert "sein droit sans masse" in "".join(root.itertext())
    value = root.find(".//h:observation/h:value", HL7)
    assert value is not None
    assert (value.get("value"), value.get("unit")) == ("12.5", "mm")
    kind = root.find("h:code", HL7)
    assert kind is not None
    assert kind.get("code") == "18748-4"
    order = [child.tag.partition("}")[2] for child in root]
    assert order == [  # POCD_MT000040.ClinicalDocument
        "typeId", "id", "code", "title", "effectiveTime", "confidentialityCode", "recordTarget",
        "author", "custodian", "component",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "data",
    [
        CLINICAL.replace('<?xml version="1.0"?>', '<!DOCTYPE a [<!ENTITY b "LEFEVRE">]>').encode(),
        b"<ClinicalDocument", b"<html/>", b"\xff\xfe\0", CLINICAL.encode() + b"x" * (3 << 20),
        b"<a>" * 5000,
        CLINICAL.replace("structuredBody", "nonXMLBody").encode(),
    ],
    ids=["doctype", "broken", "other root", "no text", "too large", "too deep", "bytes inside"],
)  # fmt: skip
def test_a_cda_that_cannot_be_trusted_is_not_cleaned(data: bytes, hunter: Hunter) -> None:
    assert clean_cda(data, "2.25.1", hunter) is None


def test_the_blank_cda_is_well_formed_and_in_the_order_of_its_schema() -> None:
    root = ET.fromstring(blank_cda("2.25.7"))
    identifier = root.find("h:id", HL7)
    assert identifier is not None
    assert identifier.get("root") == "2.25.7"


def test_a_cda_object_names_its_document_by_a_new_identifier(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    ds = make(
        CDA, "DOC", pixels=False, EncapsulatedDocument=CLINICAL.encode(),
        MIMETypeOfEncapsulatedDocument="text/XML", HL7InstanceIdentifier="1.2.3^8001234567",
    )  # fmt: skip
    out = reread(ds, research)
    assert out.HL7InstanceIdentifier.startswith("2.25.")
    assert f'<id root="{out.HL7InstanceIdentifier}"/>'.encode() in out.EncapsulatedDocument
    codes = [item.CodeValue for item in out.DeidentificationMethodCodeSequence]
    assert "113104" in codes
