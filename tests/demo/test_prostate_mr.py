"""Claims about the prostate studies: physics, geometry, dialects."""

from __future__ import annotations

import numpy as np
import pytest

SITES = {
    "chu-atlas": [50, 400, 800],
    "chu-boreal": [50, 800],
    "chu-cyan": [0, 500, 1000],
}


def b_of(ds) -> float:
    """Read b where the vendor's documents put it."""
    if ds.Manufacturer == "SIEMENS":
        return float(ds[0x0019, 0x100C].value)
    if ds.Manufacturer == "GE MEDICAL SYSTEMS":
        return float(ds[0x0043, 0x1039].value[0]) % 1e9
    return float(ds[0x2001, 0x1003].value)


def rescaled(ds) -> np.ndarray:
    return ds.pixel_array * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))


@pytest.mark.parametrize(("site", "b_values"), SITES.items())
def test_every_scanner_states_b_in_its_own_private_element(demo_studies, site, b_values) -> None:
    objects = demo_studies.series(site, "mr-01", 2)
    assert sorted({b_of(ds) for ds in objects}) == b_values
    assert all("DiffusionBValue" not in ds for ds in objects)


def test_siemens_names_b_in_the_sequence_too(demo_studies) -> None:
    names = {ds.SequenceName for ds in demo_studies.series("chu-atlas", "mr-01", 2)}
    assert names == {"*ep_b50t", "*ep_b400t", "*ep_b800t"}


def test_ge_adds_a_thousand_million_to_b(demo_studies) -> None:
    values = {
        tuple(ds[0x0043, 0x1039].value) for ds in demo_studies.series("chu-boreal", "mr-01", 2)
    }
    assert values == {(1_000_000_050, 8, 0, 0), (1_000_000_800, 8, 0, 0)}


def test_philips_scales_display_and_floating_point_values(demo_studies) -> None:
    """PMC3998685: FP = DV / (RS x SS). For ADC both are 1e-6 mm2/s, hence RS x SS = 1."""
    for number in (1, 2, 3):
        ds = demo_studies.series("chu-cyan", "mr-01", number)[0]
        assert ds[0x2005, 0x0010].value == "Philips MR Imaging DD 001"
        scale_slope = ds[0x2005, 0x100E].value
        assert 0 < scale_slope < 2
    assert float(ds.RescaleSlope) * scale_slope == 1.0


@pytest.mark.parametrize(("site", "b_values"), SITES.items())
def test_adc_is_the_decay_of_the_diffusion_images(demo_studies, demo, site, b_values) -> None:
    """First against last b by S1/S2 = exp((b2 - b1) ADC), over the voxels of the gland."""
    dwi = demo_studies.series(site, "mr-01", 2)
    adc = {
        tuple(ds.ImagePositionPatient): rescaled(ds) for ds in demo_studies.series(site, "mr-01", 3)
    }
    first = {tuple(d.ImagePositionPatient): rescaled(d) for d in dwi if b_of(d) == b_values[0]}
    last = {tuple(d.ImagePositionPatient): rescaled(d) for d in dwi if b_of(d) == b_values[-1]}
    assert adc.keys() == first.keys() == last.keys()
    middle = sorted(adc, key=lambda p: p[2])[len(adc) // 2]
    gland = (slice(44, 53), slice(42, 54))
    expected = (
        1e6 * np.log(first[middle][gland] / last[middle][gland]) / (b_values[-1] - b_values[0])
    )
    ratio = np.median(adc[middle][gland] / expected)
    assert 0.99 < ratio < 1.01


def sample(objects, point_mm):
    """Nearest voxel's real value at an LPS point."""
    nearest = min(
        objects,
        key=lambda ds: abs(
            np.cross(ds.ImageOrientationPatient[:3], ds.ImageOrientationPatient[3:])
            @ (np.array(ds.ImagePositionPatient, float) - point_mm)
        ),
    )
    offset = np.asarray(point_mm) - np.array(nearest.ImagePositionPatient, float)
    orientation = np.array(nearest.ImageOrientationPatient, float)
    # PS3.3 C.7.6.2.1.1: the first direction runs along a row, to growing columns.
    column = round(float(orientation[:3] @ offset) / float(nearest.PixelSpacing[1]))
    row = round(float(orientation[3:] @ offset) / float(nearest.PixelSpacing[0]))
    return rescaled(nearest)[row - 1 : row + 2, column - 1 : column + 2].mean()


@pytest.mark.parametrize("site", SITES)
def test_the_lesion_is_dark_on_adc_where_the_truth_puts_it(demo_studies, demo, site) -> None:
    """The tissue table gives the lesion 720 x 1e-6 mm2/s, within texture and noise."""
    for study in demo_studies.study_folders(site, "mr")[:3]:
        adc = demo_studies.series(site, study, 3)
        truth = demo.truth[adc[0].StudyInstanceUID]
        lesion = sample(adc, np.array(truth["lesion_centre_mm"]))
        assert 600 < lesion < 840, study
        mirrored = np.array(truth["lesion_centre_mm"])
        mirrored[0] = 2 * truth["gland_centre_mm"][0] - mirrored[0]
        assert sample(adc, mirrored) > 1.5 * lesion, study


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_series_covers_the_common_grid(demo_studies, demo, site, number) -> None:
    """All corners of 60 x 128 x 128 mm in the T2W frame lie inside every series' field of view."""
    t2w = demo_studies.series(site, "mr-01", 1)[0]
    centre = np.array(demo.truth[t2w.StudyInstanceUID]["gland_centre_mm"])
    o = np.array(t2w.ImageOrientationPatient, float)
    frame = [np.cross(o[:3], o[3:]), o[3:], o[:3]]
    series = demo_studies.series(site, "mr-01", number)
    ds = series[0]
    o = np.array(ds.ImageOrientationPatient, float)
    normal = np.cross(o[:3], o[3:])
    heights = [normal @ np.array(d.ImagePositionPatient, float) for d in series]
    corner = np.array(ds.ImagePositionPatient, float)
    for signs in np.ndindex(2, 2, 2):
        halves = (np.array(signs) * 2 - 1) * [30, 64, 64]
        point = centre + sum(h * axis for h, axis in zip(halves, frame, strict=True))
        assert min(heights) <= normal @ point <= max(heights)
        assert 0 <= o[:3] @ (point - corner) <= float(ds.PixelSpacing[1]) * (ds.Columns - 1)
        assert 0 <= o[3:] @ (point - corner) <= float(ds.PixelSpacing[0]) * (ds.Rows - 1)


def test_the_hospitals_differ_in_spacing_orientation_and_gain(demo_studies) -> None:
    first = [demo_studies.series(site, "mr-01", 1)[10] for site in SITES]
    assert len({tuple(ds.PixelSpacing) for ds in first}) == 3
    assert len({tuple(ds.ImageOrientationPatient) for ds in first}) == 3
    means = sorted(ds.pixel_array.mean() for ds in first)
    assert means[2] > 2 * means[0]


@pytest.mark.parametrize("site", SITES)
def test_slices_are_evenly_spaced_along_a_unit_normal(demo_studies, site) -> None:
    series = demo_studies.series(site, "mr-01", 1)
    o = np.array(series[0].ImageOrientationPatient, float)
    assert abs(o[:3] @ o[3:]) < 1e-8
    assert np.allclose([np.linalg.norm(o[:3]), np.linalg.norm(o[3:])], 1, atol=1e-8)
    heights = sorted(
        np.cross(o[:3], o[3:]) @ np.array(d.ImagePositionPatient, float) for d in series
    )
    assert np.allclose(np.diff(heights), float(series[0].SpacingBetweenSlices), atol=1e-6)


def test_the_same_man_has_the_same_gland_at_both_hospitals(demo, demo_studies) -> None:
    uids = [
        demo_studies.series(s, "mr-01", 1)[0].StudyInstanceUID for s in ("chu-atlas", "chu-cyan")
    ]
    assert demo.truth[uids[0]] == demo.truth[uids[1]]
