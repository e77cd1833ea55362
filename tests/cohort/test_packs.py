from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.errors import RejectedError
from config.files import PARTIAL
from harmonise.volume import Grid, Volume
from pipelines.cohort.frames import pack_codes
from pipelines.cohort.packs import (
    RANKS,
    SIDES,
    PackHeader,
    Side,
    build_colour_pack,
    build_pack,
    build_spoilt,
    load_pack,
    verify_pack,
)
from pipelines.cohort.spoil import spoil


def build(before: Volume, after: Volume, root: Path) -> str:
    return build_pack(before, after, root, role="t2w_ax", recipe="prostate-mpmri")


def test_the_same_pair_gives_the_same_bytes_and_the_same_name(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    first, second = (build(before, after, tmp_path / name) for name in ("one", "two"))
    assert first == second
    for name in ("before.npy", "after.npy", "pack.json"):
        one, two = (tmp_path / folder / first / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_the_name_is_the_digest_of_header_and_arrays(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    sha256 = build(before, after, tmp_path)
    folder = tmp_path / sha256
    content = (folder / "pack.json").read_bytes()
    for name in ("before.npy", "after.npy"):
        content += np.load(folder / name).tobytes()
    assert hashlib.sha256(content).hexdigest() == sha256


def test_one_changed_voxel_gives_another_name(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    values = after.values.copy()
    values[1, 2, 3] += 0.5
    assert build(before, after, tmp_path) != build(before, after.with_values(values), tmp_path)


def test_the_header_holds_nothing_of_subject_site_or_date(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    named = replace(before, meta={"subject": "S-ABCDEFGH12", "site": "site-a", "uid": "2.25.99"})
    header = json.loads((tmp_path / build(named, after, tmp_path) / "pack.json").read_text())
    assert sorted(header) == [
        "direction",
        "format",
        "model",
        "percentiles",
        "quantitative",
        "recipe",
        "role",
        "shape",
        "spacing_mm",
        "unit",
    ]
    text = json.dumps(header)
    assert not any(word in text for word in ("S-ABCDEFGH12", "site-a", "2.25.99"))


def test_percentiles_are_those_of_the_measured_values(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    header = load_pack(tmp_path, build(before, after, tmp_path)).header
    # Of 0..59 the rank p lies at 59 p / 100 (linear interpolation).
    expected = [59 * rank / 100 for rank in RANKS]
    assert header.percentiles["before"] == pytest.approx(expected, abs=1e-5)
    assert header.unit == {"before": "[arb'U]", "after": "1"}


def test_whole_numbers_in_range_are_kept_as_int16_only_when_both_sides_are(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    whole = load_pack(tmp_path, build(before, before, tmp_path))
    assert whole.before.dtype == whole.after.dtype == np.dtype("<i2")
    mixed = load_pack(tmp_path, build(before, after, tmp_path))
    assert mixed.before.dtype == mixed.after.dtype == np.dtype("<f4")
    large = before.with_values(before.values + 32_768)
    assert load_pack(tmp_path, build(large, large, tmp_path)).before.dtype == np.dtype("<f4")


def test_voxels_that_were_not_measured_are_nan_and_count_nowhere(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    values = before.values.copy()
    values[0, 0, 0] = np.inf
    coverage = np.ones(values.shape, dtype=bool)
    coverage[2] = False
    pack = load_pack(
        tmp_path, build(replace(before, values=values, coverage=coverage), after, tmp_path)
    )
    assert np.isnan(pack.before[2]).all()
    assert np.isnan(pack.before[0, 0, 0])
    assert pack.header.percentiles["before"][-1] <= 39
    assert not np.isnan(pack.after).any()


@pytest.mark.parametrize(
    "other",
    [
        Grid((3, 5, 4), (3.0, 0.5, 0.5)),
        Grid((3, 4, 5), (3.0, 0.5, 0.6)),
        Grid((3, 4, 5), (3.0, 0.5, 0.5), origin_mm=(0.0, 0.0, 1.0)),
        Grid((3, 4, 5), (3.0, 0.5, None)),
        Grid((3, 4, 5), (3.0, 0.5, 0.5), positioned=False),
    ],
    ids=["shape", "spacing", "origin", "unknown spacing", "position"],
)
def test_a_pair_on_two_grids_is_refused(before: Volume, other: Grid, tmp_path: Path) -> None:
    volume = Volume(np.ones(other.shape, dtype=np.float32), other, "1")
    with pytest.raises(RejectedError, match="PACK_GRIDS_DIFFER"):
        build(before, volume, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_pair_without_a_measured_value_is_refused(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    nothing = after.with_values(np.full(after.values.shape, np.nan, dtype=np.float32))
    with pytest.raises(RejectedError, match="PACK_EMPTY"):
        build(before, nothing, tmp_path)


def test_a_failed_write_leaves_nothing_and_the_next_one_mends_it(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    sha256 = build(before, after, tmp_path)
    (tmp_path / sha256 / "after.npy").unlink()
    with pytest.raises(RejectedError, match="PACK_UNREADABLE"):
        load_pack(tmp_path, sha256)
    assert build(before, after, tmp_path) == sha256
    assert verify_pack(tmp_path, sha256).sha256 == sha256
    assert [p.name for p in tmp_path.iterdir()] == [sha256]
    assert not list(tmp_path.rglob(f"*{PARTIAL}"))


def test_a_pack_in_place_is_not_written_again(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    sha256 = build(before, after, tmp_path)
    inode = (tmp_path / sha256 / "before.npy").stat().st_ino
    build(before, after, tmp_path)
    assert (tmp_path / sha256 / "before.npy").stat().st_ino == inode


def test_verify_finds_a_changed_voxel(before: Volume, after: Volume, tmp_path: Path) -> None:
    sha256 = build(before, after, tmp_path)
    path = tmp_path / sha256 / "after.npy"
    raw = bytearray(path.read_bytes())
    raw[-1] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(RejectedError, match="PACK_CHANGED"):
        verify_pack(tmp_path, sha256)


@pytest.mark.parametrize("name", ["", "..", "../../etc", "A" * 64, "0" * 63, "0" * 64])
def test_what_is_not_the_name_of_a_pack_opens_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedError, match="PACK_UNREADABLE"):
        load_pack(tmp_path, name)


def test_a_pack_whose_arrays_contradict_its_header_is_unreadable(
    before: Volume, after: Volume, tmp_path: Path
) -> None:
    sha256 = build(before, after, tmp_path)
    np.save(tmp_path / sha256 / "before.npy", np.zeros((2, 2, 2), dtype=np.float32))
    with pytest.raises(RejectedError, match="shape differs"):
        load_pack(tmp_path, sha256)


def coloured() -> dict[Side, np.ndarray]:
    before = np.random.default_rng(4).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    return {"before": before, "after": 255 - before}


def test_a_pair_in_colours_is_read_back_as_it_was(tmp_path):
    sides = coloured()
    digest = build_colour_pack(sides, (0.0005, 0.0005), tmp_path, role="slide", recipe="pathology")
    pack = verify_pack(tmp_path, digest)
    assert pack.header.shape == (2, 6, 5)
    assert pack.header.colours
    assert all((pack.values(side) == sides[side]).all() for side in SIDES)
    # rows by columns by red, green, blue; the same for both sides
    assert pack_codes(pack, "after", "slice", 1) == sides["after"][1].tobytes()
    assert len(pack_codes(pack, "before", "slice", 0, every=2)) == 3 * 3 * 3


def test_fields_of_a_slide_lie_in_one_plane_alone(tmp_path):
    sides = coloured()
    digest = build_colour_pack(sides, (0.0005, 0.0005), tmp_path, role="slide", recipe="pathology")
    with pytest.raises(RejectedError, match="PACK_NO_FRAME"):
        pack_codes(load_pack(tmp_path, digest), "after", "row", 0)


def test_pictures_of_two_sizes_are_no_pair(tmp_path):
    sides = coloured()
    sides["after"] = sides["after"][:, :5]
    with pytest.raises(RejectedError, match="PACK_GRIDS_DIFFER"):
        build_colour_pack(sides, (1, 1), tmp_path, role="slide", recipe="pathology")


def test_a_spoilt_pair_in_colours_mixes_neither_fields_nor_colours(tmp_path):
    sides = coloured()
    sides["after"][:] = (200, 10, 60)
    sides["after"][1] = (0, 90, 0)
    digest = build_colour_pack(sides, (1, 1), tmp_path, role="slide", recipe="pathology")
    pack = load_pack(tmp_path, digest)
    for last in "01":
        copy = load_pack(tmp_path, build_spoilt(pack, spoil(pack.after, last), tmp_path))
        assert copy.after.dtype == np.uint8
        assert (copy.after == sides["after"]).all()  # what is even stays as it is


def test_the_digest_of_a_grey_pair_is_what_it_was_before_there_were_colours():
    header = PackHeader(
        2, (1, 1, 1), (None, 1.0, 1.0), None, "r", "x", {}, {}, {}, None, colours=False
    )
    assert b"colours" not in header.to_bytes()
    assert b"colours" in replace(header, colours=True).to_bytes()
