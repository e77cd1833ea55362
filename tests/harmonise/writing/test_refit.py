"""ADC on one b set and the calculated image: against a decay known by hand, and PROSTATEx-0000."""

from __future__ import annotations

import json
from collections.abc import Iterable

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydantic import ValidationError

from config.recipe import BSet, Recipe
from harmonise.classify import role_of
from harmonise.study import apply_study, plan_study
from harmonise.vendor.headers import plain_header
from pipelines.prepare.replay_file import replay_file
from tests.harmonise import builders
from tests.support import referees

SHAPE = (4, 30, 30)
S0 = 8000.0
ADC = 1200.0
"""um2/s; perfusion below 50 and kurtosis above 1000 s/mm2 would bend the line."""

RECIPE = Recipe.model_validate({"name": "refit", "roles": ["adc", "adc_refit", "dwi_calc_refit"]})

X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def signal(b_value: float, adc: float = ADC) -> np.ndarray:
    """Stored integers of a decay; the last column has an ADC of noise (negative)."""
    values = np.full(SHAPE, S0 * np.exp(-b_value * adc * 1e-6))
    values[:, :, -1] = 20 + b_value / 100
    return np.round(values).astype(int)


def images(*b_values: float, **changes):
    """One series of these b-values, in the public element."""
    return [
        ds
        for n, b in enumerate(b_values)
        for ds in builders.dwi(SHAPE[0], b, values=signal(b), first_uid=1000 + 20 * n, **changes)
    ]


def made(folder, datasets: Iterable, recipe=RECIPE):
    paths = builders.write_all(datasets, folder / "in")
    rows = apply_study(plan_study(paths, recipe), folder / "out")
    return {row.role: row for row in rows}, rows


def values_of(folder, row):
    return np.asarray(nib.load(folder / "out" / row.nifti_path).dataobj).T


def side_of(folder, row):
    return json.loads((folder / "out" / f"{row.dicom_path}.json").read_bytes())


def test_the_adc_is_that_of_the_decay_and_the_calculated_image_lies_on_it(tmp_path):
    by_role, _ = made(tmp_path, images(0, 50, 400, 800, 1500))

    adc, calculated = by_role["adc_refit"], by_role["dwi_calc_refit"]
    assert (adc.unit, adc.b_value, adc.codes) == ("um2/s", None, ())
    assert values_of(tmp_path, adc)[:, :, :-1] == pytest.approx(ADC, rel=1e-3)
    assert (calculated.b_value, calculated.codes) == (1400.0, ("MR_CALCULATED_B",))
    expected = S0 * np.exp(-1400 * ADC * 1e-6)
    assert values_of(tmp_path, calculated)[:, :, :-1] == pytest.approx(expected, rel=2e-3)


def test_a_voxel_whose_adc_no_tissue_can_have_is_not_measured(tmp_path):
    by_role, _ = made(tmp_path, images(50, 800))

    for role in ("adc_refit", "dwi_calc_refit"):
        values = values_of(tmp_path, by_role[role])
        assert np.isnan(values[:, :, -1]).all()
        assert np.isfinite(values[:, :, :-1]).all()


SETS = {
    "PROSTATEx": ((50, 400, 800), [50, 800]),
    "with b 0": ((0, 50, 1000), [50, 1000]),
    "both of each range": ((0, 50, 100, 800, 1000, 2000), [50, 800]),
    "as UIH applied them": ((49.6, 928.289), [49.6, 928.289]),
    "a hundred": ((100, 1000), [100, 1000]),
}


@pytest.mark.parametrize(("there", "used"), SETS.values(), ids=SETS.keys())
def test_one_b_value_of_each_range_is_used_at_every_site(there, used, tmp_path):
    by_role, _ = made(tmp_path, images(*there))

    record = side_of(tmp_path, by_role["adc_refit"])
    assert record["computed"]["b_values_s_mm2"] == used
    assert len(record["inputs"]) == 2 * SHAPE[0]


@pytest.mark.parametrize("there", [(0, 800), (50, 400), (0, 500, 1500), (0, 1.25)])
def test_without_the_pair_no_adc_is_computed_and_the_row_says_why(there, tmp_path):
    _, rows = made(tmp_path, images(*there))

    refused = {row.role: row for row in rows if row.role != "dwi"}
    assert set(refused) == {"adc_refit", "dwi_calc_refit"}
    for row in refused.values():
        assert (row.verdict, row.codes, row.volume_id) == ("REJECT", ("MR_NO_COMMON_B",), None)


def test_an_image_the_scanner_calculated_is_never_fitted(tmp_path):
    """The only image in the upper range is a calculated one."""
    datasets = images(50, 400)
    datasets += builders.dwi(
        SHAPE[0],
        800,
        values=signal(800),
        first_uid=1200,
        ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "CALC_BVALUE"],
    )

    by_role, _ = made(tmp_path, datasets)

    assert by_role["adc_refit"].codes == ("MR_NO_COMMON_B",)


def directional(vectors, b_value=800.0, adcs=(ADC,) * 9, first_uid=1100):
    return [
        ds
        for n, (vector, adc) in enumerate(zip(vectors, adcs, strict=False))
        for ds in builders.dwi(
            SHAPE[0],
            b_value,
            values=signal(b_value, adc),
            first_uid=first_uid + 20 * n,
            DiffusionGradientOrientation=list(vector),
        )
    ]


def test_three_orthogonal_directions_give_the_mean_of_their_adcs(tmp_path):
    """The logarithm of the geometric mean is the mean of the logarithms: (900+1200+1500)/3."""
    datasets = images(50) + directional((X, Y, Z), adcs=(900.0, 1200.0, 1500.0))
    # S(50) is one image of ADC 1200: its logarithm is that of the mean as well

    by_role, _ = made(tmp_path, datasets)

    assert values_of(tmp_path, by_role["adc_refit"])[:, :, :-1] == pytest.approx(1200.0, rel=2e-3)
    assert side_of(tmp_path, by_role["adc_refit"])["computed"]["images"] == 4


@pytest.mark.parametrize("vectors", [(X,), (X, Y), (X, X, Y)])
def test_some_directions_alone_are_no_mean(vectors, tmp_path):
    by_role, _ = made(tmp_path, images(50) + directional(vectors))

    assert by_role["adc_refit"].codes == ("MR_NO_COMMON_B",)


def test_the_scanners_average_goes_before_its_directions(tmp_path):
    datasets = images(50, 800) + directional((X, Y), adcs=(300.0, 300.0), first_uid=1500)

    by_role, _ = made(tmp_path, datasets)

    assert values_of(tmp_path, by_role["adc_refit"])[:, :, :-1] == pytest.approx(ADC, rel=1e-3)


def test_one_direction_that_stands_for_a_b_value_asks_for_a_look(tmp_path):
    recipe = Recipe.model_validate({"name": "one", "roles": ["dwi"]})
    _, rows = made(tmp_path, images(50) + directional((X, Y, Z)), recipe)

    chosen = {row.b_value: row for row in rows if row.volume_id}
    assert chosen[50.0].codes == ()
    assert chosen[800.0].codes == ("MR_DWI_ONE_DIRECTION",)


def test_images_of_two_series_are_never_fitted_together(tmp_path):
    """Another series has another receiver gain."""
    datasets = images(50)
    datasets += builders.dwi(
        SHAPE[0],
        800,
        values=signal(800),
        first_uid=1300,
        SeriesInstanceUID=builders.uid(11),
    )

    by_role, rows = made(tmp_path, datasets)

    assert by_role["adc_refit"].codes == ("MR_NO_COMMON_B",)
    assert sum(row.role == "adc_refit" for row in rows) == 1


@pytest.mark.parametrize(
    ("factor", "codes"), [(1.0, ()), (1.03, ()), (1.08, ("MR_ADC_REFIT_DIFFERS",))]
)
def test_its_ratio_to_the_scanners_map_is_a_qc_figure(factor, codes, tmp_path):
    shape = (9, 30, 30)
    rng = np.random.default_rng(1)
    adc = rng.uniform(700, 1800, shape)
    datasets = [
        ds
        for n, b in enumerate((50.0, 800.0))
        for ds in builders.dwi(
            shape[0], b, values=np.round(S0 * np.exp(-b * adc * 1e-6)), first_uid=1000 + 20 * n
        )
    ]
    datasets += builders.adc(
        shape[0],
        values=np.round(adc / factor),
        first_uid=1400,
        SeriesInstanceUID=builders.uid(12),
    )
    recipe = RECIPE.model_copy(update={"roles": ("adc", "dwi", "adc_refit")})

    by_role, _ = made(tmp_path, datasets, recipe)

    qc = side_of(tmp_path, by_role["adc_refit"])["qc"]
    assert qc["over_scanner_adc"] == pytest.approx(factor, rel=0.005)
    assert by_role["adc_refit"].codes == codes


def test_the_objects_name_themselves_calculated_and_replay_bit_for_bit(tmp_path):
    source = images(50, 800, SequenceName="*ep_b50t", DiffusionGradientOrientation=None)

    by_role, _ = made(tmp_path, source)

    for role, kind in (("adc_refit", "ADC"), ("dwi_calc_refit", "CALC_BVALUE")):
        row = by_role[role]
        files = sorted((tmp_path / "out" / row.dicom_path).iterdir())
        ds = pydicom.dcmread(files[0])
        assert list(ds.ImageType)[:4] == ["DERIVED", "SECONDARY", "DIFFUSION", kind]
        assert ds.get("DiffusionBValue") == row.b_value
        assert "SequenceName" not in ds
        assert ds.DerivationCodeSequence[0].CodeMeaning == "Diffusion image analysis"
        assert len(ds.SourceImageSequence) == 2
        # read again, nobody takes it for an acquired image
        assert role_of(plain_header(ds)).name == {"adc_refit": "adc"}.get(role, "dwi_calc")
        known = referees.all_dciodvfy_errors((tmp_path / "in").iterdir())
        assert referees.all_dciodvfy_errors(files) <= known
        for file in (row.nifti_path, row.dicom_path):
            replayed = replay_file(tmp_path / "out" / file, tmp_path / "in")
            assert (replayed.code, replayed.detail) == ("", "")


def test_frames_of_an_enhanced_object_are_fitted_as_classic_ones_are(tmp_path):
    b_values = (50.0, 800.0)

    def group(index, item):
        macro = pydicom.Dataset()
        macro.DiffusionBValue = b_values[index // SHAPE[0]]
        item.MRDiffusionSequence = [macro]

    places = [(0.0, 0.0, 3.0 * i) for _ in b_values for i in range(SHAPE[0])]
    ds = builders.enhanced_mr(
        np.concatenate([signal(b) for b in b_values]),
        places_mm=places,
        per_frame=group,
        SeriesDescription="ep2d_diff",
        ImageType=["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"],
    )

    by_role, _ = made(tmp_path, [ds])

    assert values_of(tmp_path, by_role["adc_refit"])[:, :, :-1] == pytest.approx(ADC, rel=1e-3)


def test_ranges_that_overlap_are_no_b_set():
    with pytest.raises(ValidationError, match="ascend and lie apart"):
        BSet(low=(50.0, 900.0), high=(800.0, 1000.0))


@pytest.mark.realdata
def test_the_real_prostate_is_refitted_within_5_percent_of_its_scanner(runs):
    """By b 50 and 800; three b-values give 1.026 in a central region (harmonisation.md 2.4)."""
    run = runs("prostate")

    row = run.row("adc_refit")

    record = json.loads((run.out / f"{row.dicom_path}.json").read_bytes())
    assert record["computed"]["b_values_s_mm2"] == [50.0, 800.0]
    assert 0.95 <= record["qc"]["over_scanner_adc"] <= 1.05
    assert (row.verdict, row.codes) == ("PASS", ())
    calculated = run.row("dwi_calc_refit", 1400.0)
    assert calculated.codes == ("MR_CALCULATED_B",)
