"""The recipe `pathology` from end to end: a real pyramid, a synthetic one, and a blank slide."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
import wsidicom
from pydicom.uid import JPEGBaseline8Bit
from scipy.ndimage import uniform_filter

from config.library import find_recipe
from harmonise.explain import provenance_of_file, render
from harmonise.manifest import ManifestRow
from harmonise.parquet import write_manifest
from harmonise.slides import write
from harmonise.slides.lossy import earlier_losses
from harmonise.slides.make import open_slide
from harmonise.stacks import read_stacks
from harmonise.steps import STEPS
from harmonise.study import apply_study, plan_study
from pipelines.prepare.harmonise_folder import dry_run
from pipelines.prepare.replay_file import replay_file
from tests.harmonise import slide_builder
from tests.support import referees

pytestmark = pytest.mark.filterwarnings("ignore")

CMU = "SM/cmu-1-small-region-pyramid"
RECIPE = find_recipe("pathology")


@dataclass(frozen=True)
class Made:
    """A harmonised slide."""

    source: Path
    out: Path
    row: ManifestRow

    @property
    def folder(self) -> Path:
        return self.out / self.row.dicom_path

    @property
    def levels(self) -> list[Path]:
        return sorted(self.folder.glob("*.dcm"))

    @property
    def side(self) -> dict:
        return json.loads((self.out / f"{self.row.dicom_path}.json").read_bytes())

    def before_encoding(self):
        """The slide as the recorded decisions make it."""
        stacks, _ = read_stacks(sorted(self.source.glob("*.dcm")))
        slide = open_slide(stacks[0])
        for record in self.side["steps"]:
            slide = STEPS[record["step"]].apply(slide, record["decided"])
        return slide


def harmonised(source: Path, out: Path) -> Made:
    (row,) = apply_study(plan_study(sorted(source.glob("*.dcm")), RECIPE), out)
    write_manifest([row], out / "manifest.parquet")
    return Made(source, out, row)


@pytest.fixture(scope="module")
def cmu(realdata, tmp_path_factory):
    return harmonised(realdata / CMU, tmp_path_factory.mktemp("cmu"))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    source = tmp_path_factory.mktemp("built")
    slide_builder.write_all(
        slide_builder.pyramid(slide_builder.section(1300, 1000)), source, syntax=JPEGBaseline8Bit
    )
    return harmonised(source, tmp_path_factory.mktemp("built-out"))


def ssim(one, other, window=7):
    """Return the structural similarity of Wang et al. 2004 with a flat window."""
    a, b = one.astype(float), other.astype(float)
    means = uniform_filter(a, window), uniform_filter(b, window)
    n = window**2 / (window**2 - 1)
    spreads = [
        n * (uniform_filter(x * x, window) - m * m) for x, m in zip((a, b), means, strict=True)
    ]
    common = n * (uniform_filter(a * b, window) - means[0] * means[1])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    above = (2 * means[0] * means[1] + c1) * (2 * common + c2)
    below = (means[0] ** 2 + means[1] ** 2 + c1) * (spreads[0] + spreads[1] + c2)
    return (above / below)[window:-window, window:-window].mean()


@pytest.mark.realdata
def test_wsidicom_opens_every_level_at_its_scale(cmu):
    with wsidicom.WsiDicom.open(cmu.folder) as opened:
        assert len(opened.levels) == len(cmu.levels) == 4
        for number, level in enumerate(opened.levels):
            assert level.mpp.width == pytest.approx(0.499 * 2**number, rel=0.01)
            assert level.mpp.height == pytest.approx(0.499 * 2**number, rel=0.01)
            assert level.size.width == pytest.approx(2220 / 2**number, abs=1)
            assert level.size.height == pytest.approx(2967 / 2**number, abs=1)
            wide, high = min(300, level.size.width), min(300, level.size.height)
            region = opened.read_region((0, 0), number, (wide, high))
            assert np.asarray(region.convert("L")).max() > 100


@pytest.mark.realdata
def test_wsidicom_and_our_own_reader_read_the_same_pixels_back(cmu):
    stacks, refusals = read_stacks(cmu.levels)
    assert refusals == []
    slide = open_slide(stacks[0])
    with wsidicom.WsiDicom.open(cmu.folder) as opened:
        for number, size in enumerate((900, 700, 400, 200)):
            theirs = np.asarray(opened.read_region((70, 90), number, (size, size)).convert("RGB"))
            ours = slide.levels.region(number, 90, 70, size, size)
            assert np.abs(ours.astype(int) - theirs).max() <= 2  # two decoders' arithmetic
    slide.close()


@pytest.mark.realdata
def test_encoding_again_keeps_structural_similarity(cmu):
    slide = cmu.before_encoding()
    with wsidicom.WsiDicom.open(cmu.folder) as opened:
        for top, left in ((300, 900), (1200, 900), (2300, 700)):
            read = np.asarray(opened.read_region((left, top), 0, (500, 500)).convert("RGB"))
            wanted = slide.region(top, left, 500, 500)
            assert min(ssim(read[..., c], wanted[..., c]) for c in range(3)) >= 0.95
    slide.close()
    assert cmu.side["qc"]["similarity"] >= 0.95


@pytest.mark.realdata
def test_each_level_is_the_mean_of_two_by_two_pixels_of_the_one_below(cmu):
    slide = cmu.before_encoding()
    fine = slide.region(1000, 800, 402, 402).astype(float)
    slide.close()
    with wsidicom.WsiDicom.open(cmu.folder) as opened:
        coarse = np.asarray(opened.read_region((400, 500), 1, (200, 200)).convert("RGB"))

    mean = fine.reshape(201, 2, 201, 2, 3).mean(axis=(1, 3))
    assert min(ssim(mean[:200, :200, c], coarse[..., c]) for c in range(3)) >= 0.95
    assert max(ssim(mean[1:, :200, c], coarse[..., c]) for c in range(3)) < 0.9  # a pixel aside


@pytest.mark.realdata
def test_lossy_history_holds_the_source_and_then_ours(cmu):
    """The source is JPEG and says no more than 01: its own bytes tell its ratio."""
    stored = (cmu.source / "level-0-frames-0-30.dcm").stat().st_size
    for path in cmu.levels:
        ds = pydicom.dcmread(path)
        assert ds.LossyImageCompression == "01"
        assert list(ds.LossyImageCompressionMethod) == ["ISO_10918_1", "ISO_10918_1"]
        before, now = (float(value) for value in ds.LossyImageCompressionRatio)
        assert before == pytest.approx(30 * 500 * 500 * 3 / stored, rel=0.01)
        pixels = ds.TotalPixelMatrixRows * ds.TotalPixelMatrixColumns * 3
        assert now == pytest.approx(pixels / len(ds.PixelData), rel=0.05)
        assert ds.ImageType[3] == ("NONE" if path.name == "0001.dcm" else "RESAMPLED")


NATIVE, BASELINE, J2K_LOSSLESS, J2K = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
)


@pytest.mark.parametrize(
    ("syntax", "says", "methods", "ratios", "losses"),
    [
        (NATIVE, "00", [], [], []),
        (J2K_LOSSLESS, "00", [], [], []),
        (J2K, "00", [], [], []),  # it may hold lossless data, and says so
        (BASELINE, "00", [], [], [("ISO_10918_1", 12.0)]),  # JPEG baseline always loses
        (J2K, "01", [], [], [("ISO_15444_1", 12.0)]),
        (NATIVE, "01", ["ISO_10918_1"], ["20"], [("ISO_10918_1", 20.0)]),
        (
            J2K,
            "01",
            ["ISO_10918_1", "ISO_15444_1"],
            ["20", "10"],
            [("ISO_10918_1", 20.0), ("ISO_15444_1", 10.0)],
        ),
        (NATIVE, "01", [], [], None),  # decompressed since, and nobody says from what
        (NATIVE, "01", ["ISO_10918_1"], [], None),
    ],
)
def test_what_a_slide_has_lost_is_told_and_never_made_up(syntax, says, methods, ratios, losses):
    ds = slide_builder.level(slide_builder.section(256, 256), LossyImageCompression=says)
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    if methods:
        ds.LossyImageCompressionMethod = methods
    if ratios:
        ds.LossyImageCompressionRatio = ratios

    assert earlier_losses(ds, 256 * 256 * 3 // 12) == losses


def test_a_dry_run_says_the_size_that_is_made(tmp_path):
    picture = slide_builder.section(600, 800)
    slide_builder.write_all([slide_builder.level(picture, um=0.3)], tmp_path / "in")
    (row,) = dry_run(tmp_path / "in", RECIPE)

    made = harmonised(tmp_path / "in", tmp_path / "out")

    assert row["grid"]["shape"] == [1, 360, 480] == [1, made.row.rows, made.row.columns]
    assert row["grid"]["spacing_mm"][1:] == pytest.approx([0.0005, 0.0005])
    assert pydicom.dcmread(made.levels[0]).ImageType[3] == "RESAMPLED"
    assert replay_file(made.folder, made.source).identical


@pytest.mark.realdata
def test_dciodvfy_finds_no_kind_of_error_that_the_source_has_not(cmu):
    source = referees.dciodvfy_errors(cmu.source / "level-0-frames-0-30.dcm")

    assert referees.all_dciodvfy_errors(cmu.levels) - source == set()


def test_dciodvfy_finds_no_error_in_what_a_valid_slide_becomes(built):
    assert referees.all_dciodvfy_errors(built.levels) == set()


@pytest.mark.realdata
def test_a_real_slide_replays_bit_for_bit(cmu):
    for file in (cmu.folder, cmu.levels[2], cmu.out / f"{cmu.row.dicom_path}.json"):
        replayed = replay_file(file, cmu.source)
        assert (replayed.code, replayed.detail, replayed.versions) == ("", "", {})


def test_a_bit_of_a_tile_is_noticed(built, tmp_path):
    data = bytearray(built.levels[0].read_bytes())
    data[-3000] ^= 1
    (tmp_path / "0001.dcm").write_bytes(bytes(data))

    replayed = replay_file(tmp_path / "0001.dcm", built.source)

    assert replayed.code == "REPLAY_DIFFERS"
    assert replayed.detail == "writing: 0001.dcm: 1 of 6 tiles differ"


def test_a_second_run_gives_the_same_bytes(built, tmp_path):
    again = harmonised(built.source, tmp_path)

    for path in (p for p in built.out.rglob("*") if p.is_file()):
        assert (tmp_path / path.relative_to(built.out)).read_bytes() == path.read_bytes()
    assert again.row == built.row


@pytest.mark.realdata
def test_explain_and_dry_run_name_the_same_steps(cmu):
    text = render(provenance_of_file(cmu.levels[3]))
    (row,) = dry_run(cmu.source, RECIPE)

    names = [step["step"] for step in row["steps"]]
    assert names == ["pyramid", "srgb", "microns", "tissue", "stain"]
    assert all(f"  {name} version " in text for name in names)
    assert row["volume_id"] == cmu.row.volume_id
    assert cmu.row.codes == ("WSI_FRAMES_DIFFER", "WSI_NO_ICC", "WSI_STAIN_UNSAID")


MEASURE = """
import sys
from pathlib import Path
from config.library import find_recipe
from harmonise.study import apply_study, plan_study
import harmonise.parquet
files = sorted(Path(sys.argv[1]).glob("*.dcm"))
rows = apply_study(plan_study(files, find_recipe("pathology")), Path(sys.argv[2]))
# not ru_maxrss, which a child takes over from its parent
(peak,) = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.realdata
def test_memory_stays_under_500_megabytes(realdata, tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", MEASURE, str(realdata / CMU), str(tmp_path)]
    found = subprocess.run(command, capture_output=True, check=True, text=True)

    assert int(found.stdout) < 500


@pytest.mark.parametrize("said", [True, False])
def test_a_blank_slide_passes_with_a_flag_and_its_colours(said, tmp_path):
    rng = np.random.default_rng(0)
    blank = (242 + rng.integers(0, 3, (700, 500, 1))).astype(np.uint8).repeat(3, axis=2)
    stains = [slide_builder.HAEMATOXYLIN, slide_builder.EOSIN] if said else []
    slide_builder.write_all(slide_builder.pyramid(blank, 2, stains=stains), tmp_path / "in")

    made = harmonised(tmp_path / "in", tmp_path / "out")

    assert "WSI_BLANK" in made.row.codes
    assert made.row.verdict == "REVIEW"
    slide = made.before_encoding()
    assert np.array_equal(slide.region(0, 0, 700, 500), blank)
    slide.close()
    assert made.side["qc"]["blank_tiles"] == made.side["qc"]["tiles"] == 2
    assert replay_file(made.folder, made.source).identical


def test_a_blank_tile_of_a_stained_slide_passes_as_it_is(tmp_path):
    picture = np.full((1536, 512, 3), 238, np.uint8)
    picture[:512] = slide_builder.section(512, 512)
    slide_builder.write_all([slide_builder.level(picture)], tmp_path / "in")

    made = harmonised(tmp_path / "in", tmp_path / "out")

    slide = made.before_encoding()
    assert made.side["qc"]["blank_tiles"] == 2
    assert np.array_equal(slide.region(512, 0, 1024, 512), picture[512:])
    assert not np.array_equal(slide.region(0, 0, 512, 512), picture[:512])
    slide.close()


def test_offsets_beyond_four_gigabytes_go_into_the_extended_table(built, tmp_path, monkeypatch):
    """PS3.5 A.4; wsidicom reads by it, and finds what the basic table leads to."""
    monkeypatch.setattr(write, "LARGEST_BASIC_OFFSET", -1)

    made = harmonised(built.source, tmp_path)

    assert "ExtendedOffsetTable" in pydicom.dcmread(made.levels[0])
    with wsidicom.WsiDicom.open(made.folder) as one, wsidicom.WsiDicom.open(built.folder) as other:
        regions = [w.read_region((100, 100), 0, (800, 900)).convert("RGB") for w in (one, other)]
    assert regions[0].tobytes() == regions[1].tobytes()
    assert replay_file(made.folder, made.source).identical


def test_a_slide_that_is_refused_leaves_no_file(tmp_path):
    path = slide_builder.write(slide_builder.level(slide_builder.section(600, 600)), tmp_path / "a")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])

    (row,) = apply_study(plan_study([path], RECIPE), tmp_path / "out")

    assert row.codes == ("PIXELS_UNREADABLE",)
    assert not [p for p in (tmp_path / "out").rglob("*") if p.is_file() or "slide" in p.name]


def test_nothing_of_a_label_and_no_text_is_carried_over(tmp_path):
    ds = slide_builder.level(slide_builder.section(600, 600), LabelText="PLANTED", BarcodeValue="9")
    ds.add_new((0x0099, 0x0010), "LO", "MAKER")
    ds.add_new((0x0099, 0x1001), "LO", "PLANTED")
    slide_builder.write_all([ds], tmp_path / "in")

    made = harmonised(tmp_path / "in", tmp_path / "out")

    assert all(b"PLANTED" not in path.read_bytes() for path in made.levels)
