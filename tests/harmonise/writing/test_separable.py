"""Interpolation axis by axis is ITK's, and stands aside where axes are turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harmonise.grids import centred_grid, index_transform
from harmonise.interpolate import PAD_VOXELS, interpolate
from harmonise.itk import on_one_thread, place, sitk, to_image
from harmonise.separable import is_separable, sampled_along_axes
from harmonise.volume import Grid

HOW = {1: sitk.sitkLinear, 3: sitk.sitkBSpline}


def scene(shape):
    return np.random.default_rng(5).normal(500, 200, shape).astype(np.float32)


def grids(shape, spacing, moved=(0.0, 0.0, 0.0)):
    native = Grid(shape=shape, spacing_mm=spacing, origin_mm=(-3.0, 4.0, 5.0))
    target = centred_grid(native, (1.5, 0.7, 0.8), (9, 40, 36))
    origin = tuple(a + b for a, b in zip(target.origin_mm, moved, strict=True))
    return native, replace(target, origin_mm=origin)


def by_itk(values, native, target, order):
    """ITK alone, on the volume with its edges repeated as ours."""
    corner = np.asarray(native.origin_mm) - np.array(native.direction).T @ (
        PAD_VOXELS * np.array(native.spacing_mm)
    )
    padded = np.pad(values, PAD_VOXELS, mode="edge")
    image = to_image(padded, replace(native, shape=padded.shape, origin_mm=tuple(corner)))
    spacing, origin, direction = place(target)
    resampler = on_one_thread(sitk.ResampleImageFilter())
    resampler.SetInterpolator(HOW[order])
    resampler.SetDefaultPixelValue(float("nan"))
    resampler.SetSize(target.shape[::-1])
    resampler.SetOutputSpacing(spacing)
    resampler.SetOutputOrigin(origin)
    resampler.SetOutputDirection(direction)
    return sitk.GetArrayFromImage(resampler.Execute(image))


@pytest.mark.parametrize("order", [1, 3])
@pytest.mark.parametrize("moved", [(0.0, 0.0, 0.0), (0.31, -0.2, 0.4), (9.0, 0.0, -4.0)])
@pytest.mark.parametrize(
    ("shape", "spacing"), [((7, 30, 26), (3.0, 1.0, 1.1)), ((1, 30, 26), (3.0, 0.7, 0.8))]
)
def test_every_value_is_the_one_of_itk(shape, spacing, moved, order):
    native, target = grids(shape, spacing, moved)
    values = scene(shape)

    matrix = index_transform(native, target)
    found = sampled_along_axes(values, matrix, target.shape, order=order, pad=PAD_VOXELS)

    expected = by_itk(values, native, target, order)
    assert is_separable(matrix, target.shape)
    assert (np.isnan(found) == np.isnan(expected)).mean() > 0.999, "but for a place on the border"
    both = np.isfinite(found) & np.isfinite(expected)
    assert found[both] == pytest.approx(expected[both], abs=1e-3)


def test_places_on_the_native_centres_hold_the_native_values_exactly():
    native = Grid(shape=(5, 20, 20), spacing_mm=(3.0, 0.5, 0.5))
    target = centred_grid(native, native.spacing_mm, (3, 10, 12))
    values = scene(native.shape)

    found = interpolate(values, native, target, order=3)

    assert (found == values[1:4, 5:15, 4:16]).all()


def test_axes_a_degree_apart_are_not_called_the_same():
    native, target = grids((7, 30, 26), (3.0, 1.0, 1.1))
    c, s = np.cos(np.pi / 180), np.sin(np.pi / 180)
    turned = replace(target, direction=((0.0, 0.0, 1.0), (-s, c, 0.0), (c, s, 0.0)))

    assert is_separable(index_transform(native, target), target.shape)
    assert not is_separable(index_transform(native, turned), turned.shape)
