"""What defacing goes by: lengths in millimetres of an adult head, thresholds, limits."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["CheckSettings", "FaceSettings", "HeadSettings", "RegionSettings"]


@dataclass(frozen=True)
class HeadSettings:
    """How the head is found.

    Lengths marked *adult* are for a head ``adult_breadth_mm`` wide and scale with the breadth.

    Parameters
    ----------
    grid_mm : float
        Spacing of the grid that decisions are made on.
    reach_mm : float
        How far below the top of a volume a head is looked for; larger than any head.
    ct_air_hu : float
        CT: what is denser is no air; hair and foam lie below.
    mr_fraction : float
        MR: share of Otsu's threshold above which signal is tissue.
    closing_mm, opening_mm : float
        Radius by which nostrils and ear canals are closed, and tubes, ears and headrests cut off.
    adult_breadth_mm : float
        Breadth to which the *adult* lengths belong; between the published means of both sexes.
    cap_mm : float
        Adult: height below the vertex of the part of the skull that is fitted. The brows lie
        about 95 mm below the vertex.
    breadth_mm, length_mm, height_mm : tuple of float
        Smallest and largest whole axes of the fitted ellipsoid: breadth and length from newborns
        to large adults.
    fit_residual_mm : float
        Largest 90th percentile of the distance of the skin from the ellipsoid.
    coverage_share : float
        Smallest share of directions, of the upper half sphere, in which skin was seen.
    """

    grid_mm: float = 2.0
    reach_mm: float = 340.0
    ct_air_hu: float = -300.0
    mr_fraction: float = 0.5
    closing_mm: float = 8.0
    opening_mm: float = 6.0
    adult_breadth_mm: float = 152.0
    cap_mm: float = 75.0
    breadth_mm: tuple[float, float] = (85.0, 190.0)
    length_mm: tuple[float, float] = (110.0, 240.0)
    height_mm: tuple[float, float] = (90.0, 260.0)
    fit_residual_mm: float = 5.0
    coverage_share: float = 0.8


@dataclass(frozen=True)
class RegionSettings:
    """What is removed; lengths are of an adult and scale with the head.

    Heights are from the centre of the ellipsoid of the vault, in its half height; depths are from
    the same centre towards the front, in its half length.

    Parameters
    ----------
    shell_mm : float
        Adult: thickness beneath the skin that goes where the brain may lie behind. Scalp and
        frontal bone together are seldom under 10 mm.
    bulge_mm : float
        Adult: how far a forehead may bulge out of the ellipsoid without counting as face.
    top_mm : float
        Adult: height below which the front is removed. The brows lie 10 to 20 mm below the
        centre, and rise to it when the chin is lifted by 15 degrees.
    side_depth : float
        Nothing behind it is removed, above ``cut``'s first level.
    cut : tuple of (float, float)
        Height and depth: below its first level everything in front of the line through these goes,
        whatever it is. The frontal lobe ends above the first, the temporal pole behind the line.
    bottom : float
        Height below which nothing goes: the chin lies above.
    ear_mm : float
        How far around what sticks out beside the head is taken.
    """

    shell_mm: float = 8.0
    bulge_mm: float = 4.0
    top_mm: float = 8.0
    side_depth: float = 0.5
    cut: tuple[tuple[float, float], ...] = (
        (-0.55, 0.8),
        (-0.8, 0.5),
        (-1.1, 0.25),
        (-1.8, 0.3),
    )
    bottom: float = -2.2
    ear_mm: float = 3.0


@dataclass(frozen=True)
class CheckSettings:
    """When a face counts as removed; *adult* lengths scale with the head.

    Parameters
    ----------
    window_up, window_side, window_front : tuple of float, float, float
        Rays from the front that count: between these heights and within this breadth, in half
        axes of the vault from its centre, that meet skin before this depth. The neck lies below.
    ray_mm, median_mm : float
        Adult: how far the surface moves back on a ray that counts as moved, and at the median.
    moved_share : float
        Smallest share of rays that moved.
    detail_mm : float
        Adult: standard deviation of the smoothing that separates relief from the head's curve.
    detail_correlation : float
        Largest correlation of the relief before and after.
    face_band, face_side : tuple of float, float
        Heights and breadth, in half axes from the centre, at which a head has eyes and nose
        where a brain stripped of its skull draws back to the temporal poles.
    protrusion_mm, face_share : float
        Adult: how far the surface stands out of the vault's ellipsoid there, and on which share
        of the rays, for a face to be in the volume.
    band_share : float
        Smallest share of that band that has to lie in the volume.
    speck_mm3 : float
        Smaller parts left in the air are noise.
    """

    window_up: tuple[float, float] = (-2.1, -0.15)
    window_side: float = 0.65
    window_front: float = 0.4
    ray_mm: float = 4.0
    median_mm: float = 7.0
    moved_share: float = 0.95
    detail_mm: float = 8.0
    detail_correlation: float = 0.5
    face_band: tuple[float, float] = (-0.6, -0.35)
    face_side: float = 0.5
    protrusion_mm: float = 2.0
    face_share: float = 0.9
    band_share: float = 0.75
    speck_mm3: float = 200.0


@dataclass(frozen=True)
class FaceSettings:
    """All of it, with what a volume needs.

    Parameters
    ----------
    least_slices : int
        Fewer positions make no volume in which a face can be found.
    largest_step_mm : float
        Largest distance of neighbouring slices.
    position_tolerance_mm : float
        How far a slice may lie from its place in an even stack.
    also_not_head, also_head : tuple of str
        Words of a site's own descriptions, beside the shipped ones.
    head, region, check
        See there.
    """

    least_slices: int = 12
    largest_step_mm: float = 8.0
    position_tolerance_mm: float = 0.2
    also_not_head: tuple[str, ...] = ()
    also_head: tuple[str, ...] = ()
    head: HeadSettings = field(default_factory=HeadSettings)
    region: RegionSettings = field(default_factory=RegionSettings)
    check: CheckSettings = field(default_factory=CheckSettings)
