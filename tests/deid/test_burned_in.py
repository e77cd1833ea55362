"""Burned-in risk: what may hold text is refused until a person's rule clears it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from config.errors import PixelsNotCleared
from config.policy import ClearedPixels, Policy
from deid.burned_in import burned_in_risk

ROOT = "1.2.840.10008.5.1.4.1.1."
RISKY: list[tuple[str, str, dict[str, Any]]] = [
    ("6.1", "US", {}),
    ("3.1", "US", {"BurnedInAnnotation": "NO"}),
    ("7", "OT", {}),
    ("7.4", "MR", {}),
    ("12.1", "XA", {}),
    ("12.2", "RF", {}),
    ("4", "MR", {"BurnedInAnnotation": "YES"}),
    ("2", "CT", {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}),
    ("2", "CT", {"ImageType": ["ORIGINAL", "SECONDARY", "SCREEN SAVE"]}),
    ("4", "MR", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}),
    ("4", "MR", {"ConversionType": "WSD"}),
    ("77.1.6", "SM", {"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}),
]
SAFE: list[tuple[str, str, dict[str, Any]]] = [
    ("4", "MR", {}),
    ("4", "MR", {"ImageType": ["ORIGINAL", "SECONDARY", "M_SE", "M", "SE"]}),  # Philips
    ("2", "CT", {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}),
    ("1.2", "MG", {"ImageType": ["DERIVED", "PRIMARY"], "BurnedInAnnotation": "NO"}),
    ("1.2", "MG", {"BurnedInAnnotation": "NO", "ConversionType": "WSD"}),  # GE Senographe
    ("66.4", "SEG", {"ImageType": ["DERIVED", "PRIMARY"]}),
    ("128", "PT", {}),
]


@pytest.mark.parametrize(("suffix", "modality", "values"), RISKY)
def test_an_image_at_risk_is_refused_with_a_reason(
    suffix: str, modality: str, values: dict[str, Any],
    make: Callable[..., Dataset], release: Callable[..., object], basic: Policy,
) -> None:  # fmt: skip
    with pytest.raises(PixelsNotCleared) as caught:
        release(make(ROOT + suffix, modality, **values), basic)
    assert caught.value.code == "PIXELS_NOT_CLEARED"
    assert caught.value.detail


@pytest.mark.parametrize(("suffix", "modality", "values"), SAFE)
def test_an_image_not_at_risk_passes(
    suffix: str, modality: str, values: dict[str, Any], make: Callable[..., Dataset]
) -> None:
    risk = burned_in_risk(make(ROOT + suffix, modality, **values))
    assert risk is None or risk.level == "read"


def test_a_rule_clears_what_it_names_and_nothing_else(
    make: Callable[..., Dataset], release: Callable[..., object]
) -> None:
    rule = ClearedPixels(
        modality="MR",
        image_type=("DERIVED", "ADC"),
        manufacturer="SIEMENS*",
        reason="seen by a person",
    )
    policy = Policy(name="cleared", cleared_pixels=(rule,))
    adc = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
    assert release(make(ImageType=adc, Manufacturer="Siemens Healthineers"), policy)
    for values in (
        {"ImageType": adc, "Manufacturer": "GE"},
        {"ImageType": ["DERIVED", "PRIMARY", "MPR"], "Manufacturer": "SIEMENS"},
        {"ImageType": adc, "Manufacturer": "SIEMENS", "BurnedInAnnotation": "YES"},
    ):
        with pytest.raises(PixelsNotCleared):
            release(make(**values), policy)


def test_only_an_explicit_rule_clears_an_image_marked_yes(
    make: Callable[..., Dataset], release: Callable[..., object]
) -> None:
    rule = ClearedPixels(even_if_marked=True, reason="phantom images only")
    ds = make(BurnedInAnnotation="YES")
    assert release(ds, Policy(name="cleared", cleared_pixels=(rule,)))


def test_research_longitudinal_clears_scanner_made_diffusion_maps_only(
    make: Callable[..., Dataset], release: Callable[..., object], research: Policy
) -> None:
    assert release(make(ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]), research)
    for image_type in (["DERIVED", "PRIMARY", "MPR"], ["DERIVED", "SECONDARY", "DIFFUSION"]):
        with pytest.raises(PixelsNotCleared):
            release(make(ImageType=image_type), research)


def test_113101_is_never_claimed_since_no_pixel_is_cleaned(
    make: Callable[..., Dataset], reread: Callable[..., Dataset], research: Policy
) -> None:
    out = reread(make(), research)
    assert "113101" not in {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
