"""The marks of de-identification, for what really ran on this instance (PS3.3 C.12.1.1.7)."""

from __future__ import annotations

from functools import lru_cache

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import BaseTag, Tag

from config.base import fingerprint
from config.policy import Policy
from deid.rules import WEAKER, Rules
from deid.tables import methods
from deid.tally import Tally
from deid.values import Element, new_text

__all__ = ["OWN_TAGS", "stamp", "steps_that_ran"]


OWN_TAGS = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})
"""Elements that hold what this program says of itself; the source's never pass."""


_PIXEL_STEPS = {"113101": "BurnedInAnnotation", "113102": "RecognizableVisualFeatures"}
"""What PS3.15 E.3.1 and E.3.2 want said when the pixels were cleaned."""


def steps_that_ran(rules: Rules, tally: Tally) -> tuple[str, ...]:
    """Return 113100 and the codes of the options that acted on something, in order.

    An instance of which an override kept what the profile takes away does not claim the profile.
    """
    profile = () if WEAKER in tally.ran else ("113100",)
    return (*profile, *sorted((tally.ran & rules.options) - {"113100"}))


def stamp(out: Dataset, policy: Policy, steps: tuple[str, ...], subject: str) -> None:
    """Write (0012,0062), (0012,0063), (0012,0064), (0028,0303), and the subject, into ``out``.

    Longitudinal Temporal Information Modified is PS3.3 C.12.1.1.7: what became of the dates.
    """
    parts = list(_named(policy))
    if "113100" not in steps:
        parts.append("not the Basic Profile: kept more")
    method = "\\".join(parts)
    temporal = {"113106": "UNMODIFIED", "113107": "MODIFIED"}
    when = next((temporal[code] for code in steps if code in temporal), "REMOVED")
    for keyword, vr, text in (
        ("PatientName", "PN", subject),
        ("PatientID", "LO", subject),
        ("PatientIdentityRemoved", "CS", "YES"),
        ("DeidentificationMethod", "LO", method),
        ("LongitudinalTemporalInformationModified", "CS", when),
    ):
        _put(out, new_text(Tag(keyword), vr, text))
    for code, keyword in _PIXEL_STEPS.items():
        if code in steps:
            _put(out, new_text(Tag(keyword), "CS", "NO"))
    if steps:  # Type 1C, and needs an item (PS3.3 C.7.1.1)
        codes = DicomSequence([_code(code) for code in steps])
        _put(out, DataElement(Tag("DeidentificationMethodCodeSequence"), "SQ", codes))


@lru_cache(maxsize=8)
def _named(policy: Policy) -> tuple[str, str, str]:
    return "Accordage", policy.name, f"policy {fingerprint(policy)[:16]}"


def _code(code: str) -> Dataset:
    texts = {0x00080100: code, 0x00080102: "DCM", 0x00080104: methods()[code].meaning}
    elements = [new_text(BaseTag(tag), "SH", text) for tag, text in texts.items()]
    elements[-1] = elements[-1]._replace(VR="LO")
    return Dataset({element.tag: element for element in elements})


def _put(out: Dataset, element: Element) -> None:
    out[element.tag] = element
