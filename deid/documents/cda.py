"""A CDA document (HL7 CDA R2) with a new header and a body whose every text was cleaned.

The header names everyone, so none of it is carried over but what kind of document it is. In the
body, elements that name people, places or times, or carry bytes, are left out; of the others'
attributes only those that state structure or a code stay.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape, quoteattr

import defusedxml.minidom
from defusedxml.common import DefusedXmlException

from deid.documents.scrub import holds_identity, scrub
from deid.documents.tables import attribute_kind, is_block, is_dropped
from deid.hunt import Hunter

__all__ = ["blank_cda", "clean_cda"]

_LARGEST_BYTES = 2 << 20
_DEEPEST = 100
_ELEMENT, _TEXT, _CDATA = 1, 3, 4
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,40}")
_DECIMAL = re.compile(r"[-+]?\d{1,8}(?:\.\d{1,8})?%?")
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:sdtc="urn:hl7-org:sdtc">'
    '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
    '<id root="{id}"/>{code}<title>{title}</title><effectiveTime nullFlavor="MSK"/>'
    '<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>'
    '<recordTarget><patientRole><id nullFlavor="MSK"/></patientRole></recordTarget>'
    '<author><time nullFlavor="MSK"/><assignedAuthor><id nullFlavor="MSK"/></assignedAuthor>'
    "</author><custodian><assignedCustodian><representedCustodianOrganization>"
    '<id nullFlavor="MSK"/></representedCustodianOrganization></assignedCustodian></custodian>'
    "<component>{body}</component></ClinicalDocument>\n"
)
_SHELLS = frozenset({"component", "consumable", "entry", "entryRelationship", "product"})
_KIND = '<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>'
"""LOINC: summarization of episode note."""
_BLANK = (
    "<structuredBody><component><section><text>This document was removed during de-identification. "
    "Ce document a été retiré lors de la dé-identification.</text></section></component>"
    "</structuredBody>"
)


def blank_cda(document_uid: str) -> bytes:
    """Return a valid CDA that says the document was removed."""
    text = _HEADER.format(id=document_uid, code=_KIND, title="REMOVED", body=_BLANK)
    return text.encode("utf-8")


def clean_cda(data: bytes, document_uid: str, hunter: Hunter) -> bytes | None:
    """Return the document cleaned; None when it is no CDA, or cannot be trusted to be clean.

    A document type declaration, and with it every entity, is not accepted.
    """
    root = _parsed(data)
    if root is None or root.localName != "ClinicalDocument":
        return None
    bodies = [node for part in _children(root, "component") for node in _children(part)]
    if len(bodies) != 1 or bodies[0].localName != "structuredBody":
        return None  # a nonXMLBody holds bytes of any kind
    kind, title = _first(root, "code"), _first(root, "title")
    cleaner = _Cleaner(hunter)
    try:
        text = _HEADER.format(
            id=document_uid,
            code=cleaner.written(kind, 0) if kind is not None else _KIND,
            title=escape(cleaner.text(_joined(title))) if title is not None else "REMOVED",
            body=cleaner.written(bodies[0], 0),
        )
    except RecursionError:
        return None
    words = re.sub(r"<[^>]*>", " ", text)
    return None if holds_identity(words, hunter) else text.encode("utf-8")


class _Cleaner:
    def __init__(self, hunter: Hunter) -> None:
        self._hunter = hunter

    def text(self, text: str) -> str:
        """Return a run of text without identity; what cannot be cleaned goes whole."""
        if not text.strip():
            return " " if text else ""
        lead, tail = text[: text[0].isspace()], text[len(text) - text[-1].isspace() :]
        clean = scrub(text, self._hunter)
        return f"{lead}{clean.strip()}{tail}" if clean else " "

    def written(self, node: Any, depth: int) -> str:
        """Return an element as XML, or nothing when it is one of those left out."""
        if depth > _DEEPEST:
            raise RecursionError
        name = node.localName
        if is_dropped(name) or node.getAttribute("representation") == "B64":
            return ""
        attributes = "".join(self._attribute(node, i) for i in range(node.attributes.length))
        in_two = is_block(name) and holds_identity(_joined(node), self._hunter)
        inner = self._whole_block(node, depth) if in_two else self._inner(node, depth)
        if name in _SHELLS and not inner.strip():
            return ""  # what it held was left out
        if name == "code" and not attributes:
            attributes = ' nullFlavor="MSK"'
        prefix = "sdtc:" if node.namespaceURI == "urn:hl7-org:sdtc" else ""
        return f"<{prefix}{name}{attributes}>{inner}</{prefix}{name}>"

    def _inner(self, node: Any, depth: int) -> str:
        return "".join(
            escape(self.text(child.data))
            if child.nodeType in {_TEXT, _CDATA}
            else self.written(child, depth + 1)
            for child in node.childNodes
            if child.nodeType in {_TEXT, _CDATA, _ELEMENT}
        )

    def _whole_block(self, node: Any, depth: int) -> str:
        """Return a block that names someone: its parts if that cleans it, else its joined text."""
        inner = self._inner(node, depth)
        if not holds_identity(re.sub(r"<[^>]*>", "", inner), self._hunter):
            return inner
        return escape(self.text(_joined(node)))

    def _attribute(self, node: Any, index: int) -> str:
        attribute = node.attributes.item(index)
        kind, value = attribute_kind(attribute.localName), attribute.value
        if attribute.prefix == "xmlns" or attribute.name == "xmlns" or not kind:
            return ""
        if kind == "text":
            value = self.text(value).strip()
        elif not (_DECIMAL.fullmatch(value) if kind == "number" else self._is_harmless(value)):
            return ""
        prefix = "xsi:" if attribute.localName == "type" and attribute.prefix else ""
        return f" {prefix}{attribute.localName}={quoteattr(value)}" if value else ""

    def _is_harmless(self, token: str) -> bool:
        return bool(_TOKEN.fullmatch(token)) and self._hunter.clean(token) == token


def _parsed(data: bytes) -> Any:
    """Return the root element, None when the bytes are no XML or declare a document type."""
    if not 0 < len(data) <= _LARGEST_BYTES:
        return None
    try:
        document = defusedxml.minidom.parseString(data.rstrip(b"\0 "), forbid_dtd=True)
    except (DefusedXmlException, ExpatError, ValueError, LookupError, RecursionError):
        return None
    return document.documentElement


def _children(node: Any, name: str = "") -> list[Any]:
    elements = (child for child in node.childNodes if child.nodeType == _ELEMENT)
    return [child for child in elements if name in {"", child.localName}]


def _first(node: Any, name: str) -> Any:
    return next(iter(_children(node, name)), None)


def _joined(node: Any) -> str:
    """Return all text below an element, in order."""
    if node.nodeType in {_TEXT, _CDATA}:
        return str(node.data)
    return "".join(_joined(child) for child in node.childNodes)
