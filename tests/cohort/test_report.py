from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from config.codes import codes, explain_code
from config.errors import RejectedError
from harmonise.volume import Grid, Volume
from pipelines.cohort.gate import Gate
from pipelines.cohort.packs import build_pack
from pipelines.cohort.report import AskedRow, PackRef, ReportContext, VolumeRow, write_report
from pipelines.cohort.roles import role_label, role_rank

NATIVE = (3.6, 0.5625, 0.5625)
COMMON = (3.0, 0.5, 0.5)


class Outline(HTMLParser):
    """What a reader of the page, by eye or by ear, is given."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def plain(sentence: str) -> str:
    """A sentence of the table as it reads on the page: commands lose their backticks."""
    return " ".join(re.sub(r"\s*`\s*", " ", sentence).split())


@pytest.fixture
def context(before: Volume, after: Volume, tmp_path: Path) -> ReportContext:
    root = tmp_path / "packs"
    louder = before.with_values(before.values * 4)
    packs = [
        PackRef(build_pack(b, after, root, role=role, recipe="r"), site, role, ("accept",))
        for b, site, role in (
            (before, "site-a", "t2w_ax"),
            (louder, "site-b", "t2w_ax"),
            (before, "site-a", "adc"),
        )
    ]
    packs[1] = replace(packs[1], verdicts=("accept", "reject"), reasons=("banding",))
    return ReportContext(
        project="prostate-mpmri",
        title="Prostate <MRI> of two hospitals",
        version=3,
        simulated=True,
        policy="research-longitudinal",
        recipe="prostate-mpmri",
        program_version="9.8.7",
        rows=(
            AskedRow("R-001", "site-a", "released", "RELEASED", "accepted"),
            AskedRow("R-002", "site-a", "refused", "NOTHING_TO_HARMONISE", "deidentified"),
            AskedRow("R-003", "site-b", "harmonised", "HARMONISED", "harmonised"),
            AskedRow("R-004", "site-b", "offline", "STUDY_NOT_DELIVERED", "found"),
        ),
        volumes=(
            VolumeRow("R-001", "site-a", "t2w_ax", "PASS", (), NATIVE, COMMON),
            VolumeRow("R-001", "site-a", "adc", "REVIEW", ("MR_TILT",), None, COMMON),
            VolumeRow("R-003", "site-b", "t2w_ax", "PASS", (), COMMON, COMMON),
            VolumeRow("R-002", "site-a", "t2w_ax", "REJECT", ("MR_MISSING_SLICE",)),
            VolumeRow("R-003", "site-b", "dwi", "REJECT", ("MR_MISSING_SLICE",)),
            VolumeRow("R-003", "site-b", "dwi", "REJECT", ("MR_B_UNKNOWN",)),
        ),
        packs_root=root,
        packs=tuple(packs),
        gate=Gate(False, ("GATE_REJECTED: site-b / t2w_ax: 1 of 1",), 3, 1, 3),
    )


@pytest.fixture
def html(context: ReportContext, tmp_path: Path) -> str:
    return write_report(tmp_path / "release", context).read_text(encoding="utf-8")


@pytest.fixture
def page(html: str) -> Outline:
    return Outline(html)


def test_the_report_asks_nothing_of_any_other_file_or_machine(html: str, page: Outline) -> None:
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "poster", "data"):
            assert (attributes.get(name) or "data:").startswith(("data:", "#"))
    assert not page.all("script")
    without_data = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "", html)
    assert not re.search(r"https?:|//|@import|url\(", without_data)


def test_equal_contexts_give_equal_bytes(context: ReportContext, tmp_path: Path) -> None:
    one, two = (write_report(tmp_path / name, context).read_bytes() for name in ("one", "two"))
    assert one == two


def test_every_asked_study_has_one_row_with_its_sentences_in_both_languages(
    page: Outline, context: ReportContext
) -> None:
    for row in context.rows:
        said = explain_code(row.code)
        assert page.text.count(row.row_id) >= 1
        for sentence in (said.en, said.fr, said.next_en, said.next_fr):
            assert plain(sentence) in page.text


def test_french_sentences_come_from_the_table_of_codes(
    html: str, monkeypatch: pytest.MonkeyPatch, context: ReportContext, tmp_path: Path
) -> None:
    changed = replace(codes()["RELEASED"], fr="Phrase d’essai à voir.")
    monkeypatch.setitem(codes(), "RELEASED", changed)
    assert "Phrase d’essai à voir." not in html
    again = write_report(tmp_path / "again", context).read_text(encoding="utf-8")
    assert '<p lang="fr">Phrase d’essai à voir.</p>' in again


def test_refused_series_stand_under_their_codes_most_frequent_first(page: Outline) -> None:
    refused = page.text.split("Refused series by code.")[1].split("Delivered with a flag")[0]
    assert refused.index("MR_MISSING_SLICE 2") < refused.index("MR_B_UNKNOWN 1")
    assert plain(explain_code("MR_MISSING_SLICE").fr) in refused
    flagged = page.text.split("Delivered volumes by flag.")[1]
    assert flagged.index("MR_TILT 1") < flagged.index("Voxel spacing")


def test_attrition_counts_studies_that_came_at_least_so_far(page: Outline) -> None:
    table = page.text.split("Studies that came at least as far as each stage.")[1]
    for line in (
        "Asked 4 – 2 2",
        "Found in the archive 4 – 2 2",
        "Received complete 3 1 2 1",
        "De-identified and checked 3 – 2 1",
        "Harmonised 2 1 1 1",
        "Accepted by readers 1 1 1 0",
    ):
        assert line in table


def test_spacing_is_told_before_and_after_for_every_site(page: Outline) -> None:
    table = page.text.split("in millimetres; every value found.")[1]
    assert "T2-weighted, axial site-a 0.5625 × 0.5625 × 3.6 0.5 × 0.5 × 3" in table
    assert "T2-weighted, axial site-b 0.5 × 0.5 × 3 0.5 × 0.5 × 3" in table
    assert "Diffusion, ADC map site-a unknown 0.5 × 0.5 × 3" in table


def test_verdicts_and_the_gate_are_told(page: Outline) -> None:
    assert "Red. 3 pairs sampled, 3 read, 1 rejected." in page.text
    assert plain(explain_code("GATE_REJECTED").en) in page.text
    assert "site-b / t2w_ax: 1 of 1" in page.text
    # site, volume, made, flagged, drawn, accepts, rejects, reasons
    assert "site-b T2-weighted, axial 1 0 1 1 1 banding" in page.text
    assert "site-a Diffusion, ADC map 1 1 1 1 0 –" in page.text


def test_every_site_and_role_has_a_picture_before_and_after(page: Outline) -> None:
    pictures = [image for image in page.all("img") if "middle slice" in (image["alt"] or "")]
    assert [image["alt"] for image in pictures] == [
        f"{label}, {site}, {side} harmonising: middle slice"
        for label, sites in (
            ("T2-weighted, axial", ("site-a", "site-b")),
            ("Diffusion, ADC map", ("site-a",)),
        )
        for side in ("before", "after")
        for site in sites
    ]


def test_pictures_share_one_window_after_and_have_their_own_before(page: Outline) -> None:
    pictures = {image["alt"]: image["src"] for image in page.all("img")}

    def greys(site: str, side: str) -> np.ndarray:
        uri = pictures[f"T2-weighted, axial, {site}, {side} harmonising: middle slice"]
        assert uri is not None
        with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as image:
            return np.asarray(image)

    # Middle slice: 20..39; site-b is four times as loud, so each window runs from the 0.5th to
    # the 99.5th percentile of gain times 0..59.
    for site, gain in (("site-a", 1), ("site-b", 4)):
        low, high = gain * 59 * 0.005, gain * 59 * 0.995
        share = (gain * np.arange(20, 40).reshape(4, 5) - low) / (high - low)
        assert greys(site, "before").tolist() == np.floor(share * 255 + 0.5).tolist()
    assert (greys("site-a", "after") == greys("site-b", "after")).all()


def test_curves_stand_by_every_role_and_hold_no_date(page: Outline) -> None:
    curves = [i for i in page.all("img") if "share of voxels by value" in (i["alt"] or "")]
    assert [c["alt"] for c in curves] == [
        "T2-weighted, axial: share of voxels by value, one curve for each of site-a, site-b",
        "Diffusion, ADC map: share of voxels by value, one curve for each of site-a",
    ]
    png = base64.b64decode((curves[0]["src"] or "").split(",")[1])
    assert not any(chunk in png for chunk in (b"tIME", b"tEXt", b"iTXt"))


def test_a_simulated_release_says_so_at_the_top_in_the_title_and_at_the_end(html: str) -> None:
    assert html.index("SIMULATED") < html.index("<body>")
    assert re.search(r'<div class="simulated" role="note"><strong>SIMULATED', html)
    assert "SIMULATED" in html.split("<footer>")[1]


def test_a_real_release_is_never_called_simulated(context: ReportContext, tmp_path: Path) -> None:
    html = write_report(tmp_path, replace(context, simulated=False)).read_text(encoding="utf-8")
    assert "SIMULATED" not in html


def test_words_of_the_project_are_text_and_never_markup(html: str) -> None:
    assert "Prostate &lt;MRI&gt; of two hospitals" in html
    assert "<MRI>" not in html


def test_the_report_can_be_read_by_ear(page: Outline, html: str) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert all(image.get("alt") for image in page.all("img"))
    assert all(cell.get("scope") in {"row", "col"} for cell in page.all("th"))
    assert html.count("<table") == html.count("<caption>")
    assert len(page.all("section")) == len(page.all("h2"))


def test_a_release_without_pairs_or_volumes_still_has_a_report(
    context: ReportContext, tmp_path: Path
) -> None:
    bare = replace(context, packs=(), volumes=(), rows=())
    text = Outline(write_report(tmp_path, bare).read_text(encoding="utf-8")).text
    assert "No pair was drawn" in text
    assert "No volume was made" in text


def test_large_images_are_averaged_down_for_the_page(
    context: ReportContext, tmp_path: Path
) -> None:
    grid = Grid((1, 1000, 800), (None, 0.1, 0.1))
    checks = np.indices((1, 1000, 800)).sum(axis=0) % 2
    volume = Volume(checks.astype(np.float32), grid, "1")
    root = tmp_path / "large"
    sha256 = build_pack(volume, volume, root, role="mg_presentation", recipe="mammography")
    ref = PackRef(sha256, "site-a", "mg_presentation")
    html = write_report(tmp_path, replace(context, packs_root=root, packs=(ref,))).read_text()
    uri = next(i["src"] for i in Outline(html).all("img") if "middle" in (i["alt"] or ""))
    with Image.open(io.BytesIO(base64.b64decode((uri or "").split(",")[1]))) as image:
        assert max(image.size) <= 480
        assert abs(image.size[0] / image.size[1] - 0.8) < 0.01


def test_a_damaged_pack_stops_the_report_before_anything_is_written(
    context: ReportContext, tmp_path: Path
) -> None:
    missing = replace(context, packs=(replace(context.packs[0], sha256="0" * 64),))
    with pytest.raises(RejectedError, match="PACK_UNREADABLE"):
        write_report(tmp_path / "release", missing)
    assert not (tmp_path / "release").exists()


def test_roles_have_names_in_both_languages_and_anatomy_comes_first() -> None:
    assert role_label("t2w_ax") == "T2-weighted, axial"
    assert role_label("adc", "fr") == "Diffusion, carte ADC"
    assert role_label("new_role") == "new_role"
    assert role_label(None) == "Other"
    assert role_rank("t2w_ax") < role_rank("adc") < role_rank("new_role")


def with_means(
    context: ReportContext, means: dict[str, list[tuple[float, float]]]
) -> ReportContext:
    volumes = tuple(
        VolumeRow("R-001", site, "t2w_ax", "PASS", mean_before=before, mean_after=after)
        for site, pairs in means.items()
        for before, after in pairs
    )
    return replace(context, volumes=volumes)


def test_the_sites_share_of_the_intensity_is_told_before_and_after(
    context: ReportContext, tmp_path: Path
) -> None:
    """By hand: before 23/29, after (sites alike) below nothing, shown as none."""
    told = with_means(
        context, {"site-a": [(1, 4), (2, 5), (3, 6)], "site-b": [(5, 4), (6, 5), (7, 6)]}
    )

    page = Outline(write_report(tmp_path / "r", told).read_text(encoding="utf-8"))

    # means 2 and 6, then 5 and 5
    assert f"{role_label('t2w_ax')} site-a: 3, site-b: 3 79 % 0 % 100.0 % 0.0 %" in page.text
    assert "fewer than ten volumes" in page.text


def test_too_few_volumes_tell_no_share(context: ReportContext, tmp_path: Path) -> None:
    told = with_means(context, {"site-a": [(1, 4)], "site-b": [(5, 4)]})

    page = Outline(write_report(tmp_path / "r", told).read_text(encoding="utf-8"))

    assert "cannot be told" in page.text


def test_every_site_has_its_own_histogram_before_and_after(
    context: ReportContext, tmp_path: Path
) -> None:
    told = with_means(context, {"site-a": [(1, 4), (2, 5)], "site-b": [(5, 4), (6, 5)]})

    page = Outline(write_report(tmp_path / "r", told).read_text(encoding="utf-8"))

    (picture,) = [i for i in page.all("img") if "histogram of each of" in str(i["alt"])]
    assert "site-a, site-b" in str(picture["alt"])
    drawn = Image.open(io.BytesIO(base64.b64decode(str(picture["src"]).split(",", 1)[1])))
    # two sites side by side in two rows, each half of the width filled with its own colour
    pixels = np.asarray(drawn.convert("RGB")).astype(int)
    half = pixels.shape[1] // 2
    bluish = (pixels[..., 2] - pixels[..., 0]) > 60
    reddish = (pixels[..., 0] - pixels[..., 2]) > 60
    assert bluish[:, :half].sum() > 10 * bluish[:, half:].sum()
    assert reddish[:, half:].sum() > 10 * reddish[:, :half].sum()


def test_a_report_without_an_intensity_step_has_no_such_section(page: Outline) -> None:
    assert "Intensity by site" not in page.text
