"""Synthetic frames with text burned in, and the key to them: where each text stands, and tissue.

Frozen before the reading of pixels was tuned on it: figures before and after a change of this
file cannot be compared. ``draw(seed, index)`` gives the same frame on every machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
from burned_words import MARKERS, Person, draw_identity, draw_person
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

FONTS = (
    "DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSansMono.ttf", "DejaVuSerif.ttf",
    "DejaVuSansMono-Bold.ttf", "DejaVuSans-Oblique.ttf", "STIXGeneral.ttf", "STIXGeneralBol.ttf",
)  # fmt: skip
SIZES_PX = (12, 60)
"""Size of the font's em, so that capitals are from 9 pixels high."""
COLOURS = (
    (1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0.6, 0), (1, 0.3, 1), (1, 0.25, 0.25), (0.4, 0.6, 1),
)  # fmt: skip
LEAST_CONTRAST = 0.25
"""Of the range, between ink and the mean of what lies under it, in one channel at least."""
SIGMAS = 4.0
"""Least contrast in standard deviations of what lies under the ink."""
PLAN = ("ultrasound",) * 6 + ("mammogram",) * 4 + ("radiograph",) * 4 + ("capture",) * 4
PLAN += ("cine",) * 2
"""The kinds of 20 frames; a cine counts as one."""
FREE_OF_TEXT = 0.08
"""Share of frames in which nothing is planted."""


@dataclass(frozen=True)
class Planted:
    """One text: ``ink`` are its pixels within rows ``top:`` and columns ``left:``."""

    text: str
    role: str
    ground: str
    colour: str
    size_px: int
    top: int
    left: int
    ink: Mask
    frames: tuple[int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Rows and columns, half open."""
        rows, columns = self.ink.shape
        return self.top, self.top + rows, self.left, self.left + columns


@dataclass(frozen=True)
class Frames:
    """A picture or clip as stored, and its key.

    ``samples`` are (frame, row, column) or (frame, row, column, 3); ``header`` are values of the
    Image Pixel Module by keyword; ``tissue`` is where body is shown.
    """

    name: str
    kind: str
    samples: NDArray[Any]
    header: dict[str, Any]
    planted: tuple[Planted, ...]
    tissue: Mask
    person: Person


def draw(seed: int, index: int) -> Frames:
    """Return frame ``index`` of the set with this seed."""
    rng = random.Random(f"{seed}/{index}")
    noise = np.random.default_rng([seed, index])
    kind = PLAN[index % len(PLAN)]
    person = draw_person(rng)
    scene = _SCENES[kind](rng, noise)
    planted: list[Planted] = []
    if rng.random() >= FREE_OF_TEXT:
        _plant(scene, planted, person, rng)
    return _stored(f"{kind}-{seed}-{index}", kind, scene, tuple(planted), person, rng)


@dataclass
class _Scene:
    """Frames in 0 to 1, (frame, row, column, 3), before and after planting."""

    picture: Floats
    tissue: Mask
    sigma: float
    coloured: bool
    marker_kind: str
    scale: bool = False


def _smooth(noise: np.random.Generator, shape: tuple[int, int], cell: int) -> Floats:
    """Return noise whose grains are about ``cell`` pixels, of standard deviation 1."""
    small = noise.normal(size=(shape[0] // cell + 3, shape[1] // cell + 3)).astype(np.float32)
    wide = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(wide / max(float(wide.std()), 1e-6), np.float32)


def _grid(shape: tuple[int, int]) -> tuple[Floats, Floats]:
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return rows, columns


def _air_noise(rng: random.Random) -> float:
    return rng.choice((0.0, 0.0, 0.004, 0.02, 0.05, 0.08))


def _mammogram(rng: random.Random, noise: np.random.Generator) -> _Scene:
    shape = rng.choice(((1280, 1024), (2294, 1914), (2294, 1914), (3328, 2560)))
    rows, columns = _grid(shape)
    high, wide = rng.uniform(0.35, 0.46), rng.uniform(0.45, 0.7)
    middle = rng.uniform(0.45, 0.55)
    radius = ((rows / shape[0] - middle) / high) ** 2 + (columns / shape[1] / wide) ** 2
    tissue = radius < 1
    thick = np.clip(1 - radius, 0, 1) ** 0.35
    texture = 0.10 * _smooth(noise, shape, 90) + 0.05 * _smooth(noise, shape, 24)
    texture += 0.03 * _smooth(noise, shape, 6)
    flat = np.where(tissue, thick * (0.45 + texture), 0.0).astype(np.float32)
    if rng.random() < 0.5:  # oblique: the muscle in the upper corner
        muscle = tissue & (columns / shape[1] * 1.6 + rows / shape[0] * 1.1 < 0.55)
        flat = np.where(muscle, flat + 0.25, flat)
    sigma = _air_noise(rng)
    flat = flat + noise.normal(scale=max(sigma, 1e-6), size=shape).astype(np.float32)
    if rng.random() < 0.5:
        flat, tissue = flat[:, ::-1], tissue[:, ::-1]
    return _Scene(_three(flat), np.ascontiguousarray(tissue), sigma, False, "mammogram")


def _fan(shape: tuple[int, int], rng: random.Random) -> tuple[Mask, Floats]:
    rows, columns = _grid(shape)
    apex = (rng.uniform(-0.1, 0.1) * shape[0], shape[1] * rng.uniform(0.42, 0.58))
    away = np.hypot(rows - apex[0], columns - apex[1])
    angle = np.abs(np.arctan2(columns - apex[1], rows - apex[0]))
    reach = (shape[0] * rng.uniform(0.12, 0.22), shape[0] * rng.uniform(0.85, 0.95))
    fan = (away > reach[0]) & (away < reach[1]) & (angle < rng.uniform(0.45, 0.75))
    return fan, away / shape[0]


def _speckle(noise: np.random.Generator, fan: Mask, depth: Floats, layers: Floats) -> Floats:
    grains = np.abs(0.6 * _smooth(noise, fan.shape, 3) + 0.5 * _smooth(noise, fan.shape, 7))
    level = np.clip(0.32 + 0.18 * layers - 0.12 * depth, 0.03, 0.9)
    return np.where(fan, np.clip(level * (0.45 + 0.6 * grains), 0.01, 1), 0).astype(np.float32)


def _ultrasound(rng: random.Random, noise: np.random.Generator) -> _Scene:
    shape = rng.choice(((600, 800), (768, 1024), (768, 1024)))
    fan, depth = _fan(shape, rng)
    layers = _smooth(noise, shape, 70)
    sigma = rng.choice((0.0, 0.0, 0.0, 0.01, 0.04))
    flat = _speckle(noise, fan, depth, layers)
    flat += noise.normal(scale=max(sigma, 1e-6), size=shape).astype(np.float32)
    picture = _three(flat)
    if rng.random() < 0.3:  # Doppler
        patch = fan & (_smooth(noise, shape, 60) > 1.0) & (depth > 0.35) & (depth < 0.7)
        hue = np.array(rng.choice(((0.9, 0.25, 0.1), (0.15, 0.3, 0.95))), np.float32)
        picture = np.where(patch[None, :, :, None], hue * 0.8, picture)
    coloured = rng.random() < 0.75
    return _Scene(np.asarray(picture, np.float32), fan, sigma, coloured, "ultrasound", scale=True)


def _radiograph(rng: random.Random, noise: np.random.Generator) -> _Scene:
    shape = rng.choice(((1024, 1024), (1280, 1024), (1760, 1440), (2048, 1680)))
    rows, columns = _grid(shape)
    body = (np.abs(rows / shape[0] - 0.55) / rng.uniform(0.42, 0.5)) ** 4
    body = body + (np.abs(columns / shape[1] - 0.5) / rng.uniform(0.3, 0.4)) ** 4
    tissue = body < 1
    flat = 0.5 + 0.14 * _smooth(noise, shape, 150) + 0.05 * _smooth(noise, shape, 30)
    bones = np.sin(rows / shape[0] * 40 + 2 * np.cos(columns / shape[1] * 6))
    flat += 0.07 * (bones > 0.5)
    sigma = _air_noise(rng)
    air = rng.choice((0.02, 0.08, 0.2))
    flat = np.where(tissue, flat, air) + noise.normal(scale=max(sigma, 0.004), size=shape)
    edge = rng.choice((0, 0, shape[0] // 16))
    if edge:  # collimated: white in some consoles
        shutter = np.ones(shape, bool)
        shutter[edge:-edge, edge:-edge] = False
        flat = np.where(shutter, rng.choice((0.0, 0.0, 0.95)), flat)
        tissue = tissue & ~shutter
    return _Scene(_three(flat.astype(np.float32)), tissue, sigma, False, "radiograph")


def _capture(rng: random.Random, noise: np.random.Generator) -> _Scene:
    shape = rng.choice(((512, 512), (600, 800), (768, 1024), (1024, 1280)))
    page = rng.choice((0.0, 0.0, 0.12, 0.5, 0.85, 1.0))
    sigma = rng.choice((0.0, 0.0, 0.0, 0.02, 0.06, 0.1))
    flat = page + noise.normal(scale=max(sigma, 1e-6), size=shape).astype(np.float32)
    tissue = np.zeros(shape, bool)
    if rng.random() < 0.5:  # a slice shown within the page
        rows, columns = _grid(shape)
        side = min(shape) * 0.28
        tissue = np.hypot(rows - shape[0] * 0.6, (columns - shape[1] * 0.5) * 0.8) < side
        slice_ = 0.45 + 0.12 * _smooth(noise, shape, 25) + 0.04 * _smooth(noise, shape, 3)
        flat = np.where(tissue, slice_, flat)
    return _Scene(_three(flat.astype(np.float32)), tissue, sigma, rng.random() < 0.6, "capture")


def _cine(rng: random.Random, noise: np.random.Generator) -> _Scene:
    shape = rng.choice(((480, 640), (600, 800)))
    count = rng.randint(8, 16)
    fan, depth = _fan(shape, rng)
    layers = _smooth(noise, shape, 70)
    moving = [
        _speckle(noise, fan, depth, np.roll(layers, (3 * i, 2 * i), (0, 1))) for i in range(count)
    ]
    picture = np.repeat(np.stack(moving)[..., None], 3, axis=3)
    return _Scene(picture, fan, 0.0, rng.random() < 0.75, "ultrasound", scale=True)


_SCENES: dict[str, Callable[[random.Random, np.random.Generator], _Scene]] = {
    "ultrasound": _ultrasound,
    "mammogram": _mammogram,
    "radiograph": _radiograph,
    "capture": _capture,
    "cine": _cine,
}


def _three(flat: Floats) -> Floats:
    return np.repeat(np.clip(flat, 0, 1)[None, :, :, None], 3, axis=3).astype(np.float32)


def _plant(scene: _Scene, planted: list[Planted], person: Person, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 5)):
        _put(scene, planted, draw_identity(person, rng), "identity", rng)
    if rng.random() < 0.75:
        _put(scene, planted, rng.choice(MARKERS[scene.marker_kind]), "marker", rng)
    if scene.scale and rng.random() < 0.6:
        for text in rng.sample(("0", "5", "10", "15", "20", "cm"), 3):
            _put(scene, planted, text, "scale", rng)


def _put(scene: _Scene, planted: list[Planted], text: str, role: str, rng: random.Random) -> None:
    """Plant one text where there is room for it; where there is none, nothing is planted."""
    count, rows, columns, _ = scene.picture.shape
    lowest, highest = SIZES_PX
    for _attempt in range(60):
        size = round(lowest * (highest / lowest) ** rng.random()) if role != "scale" else 16
        alpha = _drawn(text, size, rng)
        high, wide = alpha.shape
        gap = max(size // 2, 8)
        if high + 8 >= rows or wide + 8 >= columns:
            continue
        top, left = rng.randint(4, rows - high - 4), rng.randint(4, columns - wide - 4)
        inside = scene.tissue[top : top + high, left : left + wide]
        on_tissue = role == "identity" and rng.random() < 0.3
        if (inside.all() if on_tissue else not inside.any()) and not any(
            top - gap < p.box[1] and p.box[0] < top + high + gap
            and left - gap < p.box[3] and p.box[2] < left + wide + gap
            for p in planted
        ):  # fmt: skip
            break
    else:
        return
    first, last = 0, count
    if count > 1 and role == "identity" and rng.random() < 0.35:
        first = rng.randint(1, count - 3)
        last = rng.randint(first + 2, count)
    place = np.s_[first:last, top : top + high, left : left + wide]
    under = scene.picture[place]
    colour, ink = _ink(under, coloured=scene.coloured, rng=rng)
    scene.picture[place] = under * (1 - alpha[..., None]) + ink * alpha[..., None]
    ground = "tissue" if on_tissue else ("noise" if scene.sigma >= 0.02 else "air")
    planted.append(Planted(text, role, ground, colour, size, top, left, alpha > 0.1, (first, last)))


def _drawn(text: str, size: int, rng: random.Random) -> Floats:
    """Return the cover of each pixel by the letters, 0 to 1, cropped to them."""
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / rng.choice(FONTS)
    font = ImageFont.truetype(str(path), size)
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    picture = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, fill=255, font=font)
    alpha = np.asarray(picture, np.float32) / 255
    if rng.random() < 0.3:  # a console without smooth letters
        alpha = (alpha > 0.45).astype(np.float32)
    seen = alpha > 0.1
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    return alpha[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _ink(under: Floats, *, coloured: bool, rng: random.Random) -> tuple[str, Floats]:
    """Return a name and a colour that a person could read on what lies under it."""
    mean, spread = under.mean((0, 1, 2)), float(under.std((0, 1, 2)).max())
    least = max(LEAST_CONTRAST, SIGMAS * spread)
    wish = rng.choice(("white", "white", "grey", "colour") if coloured else ("white", "grey"))
    if wish == "colour":
        ink = np.array(rng.choice(COLOURS), np.float32)
        if float(np.abs(ink - mean).max()) >= least:
            return "colour", ink
    level = float(mean.mean())
    if wish == "grey":
        step = rng.uniform(least, max(least, 0.5))
        for value in (level + step, level - step):
            if 0 <= value <= 1:
                return "grey", np.full(3, value, np.float32)
    brightest = level <= 0.6 or (1 - level >= least and rng.random() < 0.3)
    return ("white", np.ones(3, np.float32)) if brightest else ("dark", np.zeros(3, np.float32))


def _stored(
    name: str,
    kind: str,
    scene: _Scene,
    planted: tuple[Planted, ...],
    person: Person,
    rng: random.Random,
) -> Frames:
    """Return the scene as a console would store it."""
    colour = kind in {"ultrasound", "capture", "cine"} and (
        scene.coloured or rng.random() < 0.5 or bool(np.ptp(scene.picture[:1], axis=3).max() > 0)
    )
    header: dict[str, Any] = {"Rows": scene.tissue.shape[0], "Columns": scene.tissue.shape[1]}
    header |= {"PixelRepresentation": 0, "SamplesPerPixel": 3 if colour else 1}
    if kind in {"mammogram", "radiograph"}:
        bits = rng.choice((10, 12, 12, 14))
        top = (1 << bits) - 1
        samples = np.round(np.clip(scene.picture[..., 0], 0, 1) * top).astype(np.uint16)
        inverse = rng.random() < 0.3
        if inverse:
            samples = (top - samples).astype(np.uint16)
        header |= {"PhotometricInterpretation": f"MONOCHROME{1 if inverse else 2}"}
        if rng.random() < 0.6:
            header |= {"WindowCenter": top / 2, "WindowWidth": top * rng.uniform(0.6, 1.0)}
        header |= {"BitsAllocated": 16, "BitsStored": bits, "HighBit": bits - 1}
    else:
        eight = np.round(np.clip(scene.picture, 0, 1) * 255).astype(np.uint8)
        if rng.random() < 0.4:
            quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(75, 95)]
            eight = np.stack([_squeezed(frame, quality) for frame in eight])
        header |= {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
        samples, photometric = eight[..., 0], "MONOCHROME2"
        if colour:
            samples, photometric = eight, rng.choice(("RGB", "RGB", "YBR_FULL"))
        if photometric == "YBR_FULL":
            samples = np.stack([_ybr(frame) for frame in eight])
        header |= {"PhotometricInterpretation": photometric}
    return Frames(name, kind, np.ascontiguousarray(samples), header, planted, scene.tissue, person)


def _squeezed(frame: NDArray[np.uint8], quality: list[int]) -> NDArray[np.uint8]:
    _, coded = cv2.imencode(".jpg", frame, quality)
    return np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def _ybr(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return YBR_FULL, PS3.3 C.7.6.3.1.2; OpenCV puts Cr before Cb."""
    return np.ascontiguousarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]])
