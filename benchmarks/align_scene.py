"""A band-limited scene known everywhere, and the fields of view that see it; numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["ADC", "CASES", "T2", "scene_at", "seen_by"]

WAVES = (
    ((0.020, 0.004, 0.006), 0.3, 60.0),
    ((-0.008, 0.025, 0.004), 1.1, 50.0),
    ((0.012, -0.010, 0.015), 2.0, 40.0),
    ((0.050, -0.035, 0.020), 0.7, 30.0),
    ((-0.030, 0.060, 0.045), 1.9, 12.0),
)
"""Cycles per millimetre (x, y, z), phase and amplitude; the shortest wave is 12 mm long."""

T2 = {"shape": (24, 384, 384), "spacing_mm": (3.0, 0.5, 0.5)}
ADC = {"shape": (30, 100, 100), "spacing_mm": (3.0, 2.0, 2.0)}

CASES = {
    "same centre": (0.0, 0.0, 0.0),
    "5 mm": (5.0, 0.0, 0.0),
    "10 mm": (10.0, 0.0, 0.0),
    "5 mm, 3 mm along the slices": (5.0, 3.0, 0.0),
    "3 degrees": (0.0, 0.0, 3.0),
    "5 degrees": (0.0, 0.0, 5.0),
    "5 degrees, 5 mm": (5.0, 0.0, 5.0),
}
"""The ADC's field of view against that of T2: shift along x and z in mm, turn about z."""


def scene_at(points_mm: Any) -> Any:
    """Return the scene's values at LPS points, shape (3, n)."""
    x, y, z = points_mm
    values = np.full(x.shape, 1000.0)
    for (fx, fy, fz), phase, amplitude in WAVES:
        values += amplitude * np.cos(2 * np.pi * (fx * x + fy * y + fz * z) + phase)
    return values


def affine(kind: dict[str, Any], shift_x: float, shift_z: float, degrees: float) -> Any:
    """Return the matrix (slice, row, column, 1) to LPS mm of a field of view about the origin."""
    angle = np.deg2rad(degrees)
    c, s = np.cos(angle), np.sin(angle)
    axes = np.array([[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]]).T
    matrix = np.eye(4)
    matrix[:3, :3] = axes * np.array(kind["spacing_mm"])
    middle = (np.array(kind["shape"]) - 1) / 2
    matrix[:3, 3] = np.array([shift_x, 0.0, shift_z]) - matrix[:3, :3] @ middle
    return matrix


def seen_by(kind: dict[str, Any], case: tuple[float, float, float]) -> tuple[Any, Any]:
    """Return values (slice, row, column) and matrix of what a field of view sees."""
    matrix = affine(kind, *case)
    index = np.indices(kind["shape"]).reshape(3, -1)
    points = matrix[:3, :3] @ index + matrix[:3, 3:]
    return scene_at(points).reshape(kind["shape"]), matrix
