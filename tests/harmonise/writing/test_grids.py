"""Grid arithmetic: sizes, centres and the analytic coverage mask."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from config.errors import InconsistentSeries
from harmonise.grids import analytic_coverage, centred_grid, grid_from_json, grid_to_json
from harmonise.volume import Grid

IBSI_CT = Grid(shape=(60, 201, 204), spacing_mm=(3.0, 0.977, 0.977), origin_mm=(1.0, 2.0, 3.0))
"""The CT phantom of IBSI: 204 x 201 x 60 voxels of 0.977 x 0.977 x 3 mm."""


def centre_of(grid):
    middle = [(count - 1) / 2 for count in grid.shape]
    return (grid.affine() @ np.array([*middle, 1.0]))[:3]


@pytest.mark.parametrize(
    ("spacing_mm", "shape"),
    [((3.0, 2.0, 2.0), (60, 99, 100)), ((2.0, 2.0, 2.0), (90, 99, 100))],
    ids=["B: 2 x 2 mm in plane", "C, D, E: 2 mm isotropic"],
)
def test_the_ibsi_phantom_gets_the_published_size(spacing_mm, shape):
    """Sizes published for configurations B to E of IBSI 1 (column x row x slice there)."""
    assert centred_grid(IBSI_CT, spacing_mm).shape == shape


def test_old_and_new_grid_share_their_centre():
    new = centred_grid(IBSI_CT, (2.0, 2.0, 2.0))

    assert centre_of(new) == pytest.approx(centre_of(IBSI_CT), abs=1e-9)


def test_origin_follows_the_ibsi_formula():
    """origin + 0.5 ((n0 - 1) s0 - (n - 1) s), by hand for the column axis."""
    new = centred_grid(IBSI_CT, (2.0, 2.0, 2.0))

    assert new.origin_mm[0] == pytest.approx(1.0 + 0.5 * (203 * 0.977 - 99 * 2.0))


def test_a_ratio_that_is_whole_is_not_rounded_up():
    """10 x 0.7 / 7.0 is 1.0000000000000002 in binary and must give one voxel."""
    grid = Grid(shape=(10, 10, 10), spacing_mm=(0.7, 0.7, 0.7))

    assert centred_grid(grid, (7.0, 7.0, 7.0)).shape == (1, 1, 1)


@pytest.mark.parametrize(("shift_mm", "covered"), [(0.0, 20), (5.0, 19), (10.0, 18), (-10.0, 18)])
def test_a_shifted_field_of_view_covers_what_arithmetic_says(shift_mm, covered):
    """20 voxels of 5 mm: a shift of one voxel uncovers one plane, of two voxels two."""
    native = Grid(shape=(20, 4, 4), spacing_mm=(5.0, 1.0, 1.0))
    moved = replace(native, origin_mm=(0.0, 0.0, shift_mm))

    mask = analytic_coverage(moved, native)

    assert mask.all(axis=(1, 2)).sum() == covered
    assert mask.sum() == covered * 16


def test_a_centre_on_the_outer_face_is_covered_whatever_the_rounding():
    """19 slices of 3 mm under a grid of 20: the outermost centres lie exactly on the faces."""
    native = Grid(shape=(19, 4, 4), spacing_mm=(2.999999994193697, 1.0, 1.0))
    target = centred_grid(native, (3.0, 1.0, 1.0), (20, 4, 4))

    assert analytic_coverage(native, target).all()


def test_a_centre_beyond_the_face_is_not_covered():
    native = Grid(shape=(19, 4, 4), spacing_mm=(3.0, 1.0, 1.0))
    target = centred_grid(native, (3.0, 1.0, 1.0), (21, 4, 4))

    assert analytic_coverage(native, target).all(axis=(1, 2)).tolist() == [
        False,
        *[True] * 19,
        False,
    ]


def test_a_rotated_grid_is_covered_where_the_rotated_centre_lies_inside():
    angle = np.deg2rad(30)
    rotated = Grid(
        shape=(1, 41, 41),
        spacing_mm=(1.0, 1.0, 1.0),
        origin_mm=(0.0, 0.0, 0.0),
        direction=(
            (0.0, 0.0, 1.0),
            (-float(np.sin(angle)), float(np.cos(angle)), 0.0),
            (float(np.cos(angle)), float(np.sin(angle)), 0.0),
        ),
    )
    plain = Grid(shape=(1, 41, 41), spacing_mm=(1.0, 1.0, 1.0))
    y, x = np.mgrid[:41, :41]
    column = x * np.cos(angle) + y * np.sin(angle)
    row = -x * np.sin(angle) + y * np.cos(angle)
    expected = (column >= -0.5) & (column <= 40.5) & (row >= -0.5) & (row <= 40.5)

    assert (analytic_coverage(rotated, plain)[0] == expected).all()


def test_an_image_without_a_place_is_refused():
    planar = Grid(shape=(1, 4, 4), spacing_mm=(None, 1.0, 1.0), positioned=False)

    with pytest.raises(InconsistentSeries, match="VOLUME_NOT_POSITIONED"):
        centred_grid(planar, (1.0, 1.0, 1.0))


def test_a_grid_survives_json():
    assert grid_from_json(grid_to_json(IBSI_CT)) == IBSI_CT
