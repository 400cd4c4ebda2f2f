"""Roses in a garden at dusk, in thick paint laid with a loaded brush.

A good style for its curved ridged strokes (8-20 units wide) turning around ten hearts, with light
on every bristle: strong structure at two scales, and magenta, orange and cream against deep green.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from tools.pictures.styles.canvas import (
    DRAWN,
    at,
    finish,
    mix,
    noise,
    normals,
    relief,
    rgb,
    scatter,
    trace,
)

SIZE = (640, 512)
SEED = 765

ROSES = np.array(  # x, y, radius
    [
        (140, 140, 98),
        (345, 105, 76),
        (535, 160, 96),
        (292, 282, 90),
        (72, 345, 84),
        (478, 372, 100),
        (232, 462, 76),
        (640, 330, 60),
        (372, 512, 58),
        (18, 0, 60),
    ]
)[..., None]
PETALS = [  # of three kinds of roses, from the rim to the heart
    rgb("4a0d33 8f1450 cc2b68 e8507c f58f8a fbd9c0"),
    rgb("6e1a2a b8342c e3622f f49243 fac36f fdebc0"),
    rgb("43124f 7d2272 b5479a dd83b8 f3bccb fdf0e0"),
]
LEAVES = rgb("0b2622 123c33 1f5a45 3c7a4a 8a9c3c 1d5660 3a3466")
GROUND = "#0b2622"
GROUND_HEIGHT = 90  # of 255

LAYERS = [(14, 21, 10), (12, 17, 8), (12, 13, 6)]  # of strokes: gap, width, steps each way
STEP = 2.4
BRISTLE = 3.3  # drawn pixels from one bristle to the next
BRISTLE_WIDTH = 6


def impasto(rng: np.random.Generator, size=SIZE) -> Image.Image:
    """Paint the picture with one generator; size in units."""
    swirl = noise(size, (240, 200), rng, octaves=2)
    moss = noise(size, (70, 70), rng)
    paint = Paint(size)

    def flow(x, y):
        return stroke_direction(x, y, at(swirl, x, y))

    for gap, width, steps in LAYERS:
        start = scatter(size, gap, rng)
        depth, rose, _ = garden(start[:, 0], start[:, 1])
        paths = trace(flow, start, steps, STEP)
        for i in np.argsort(depth + rng.normal(0, 0.07, len(depth))):
            x, y = paths[i, steps]
            load = loaded_brush(depth[i], rose[i], at(moss, x, y), rng)
            narrower = 3 - 1.35 * max(depth[i], 0)  # towards the heart of a rose
            paint.stroke(paths[i] * DRAWN, width * narrower, load, rng)
    return lit(paint, size)


def garden(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How deep in a rose each place (n,) lies, in which, and its bearing from the rose's middle.

    The depth is 1 at the heart, 0 at the rim, and below 0 outside.
    """
    bearing = np.arctan2(y - ROSES[:, 1], x - ROSES[:, 0])
    distance = np.hypot(x - ROSES[:, 0], y - ROSES[:, 1])
    number = np.arange(len(ROSES))[:, None]
    five_petals = 1 + 0.09 * np.cos(5 * bearing + number)
    depth = 1 - distance / ROSES[:, 2] * five_petals
    rose = depth.argmax(0)
    return depth.max(0), rose, bearing[rose, np.arange(len(rose))]


def stroke_direction(x: np.ndarray, y: np.ndarray, swirl: np.ndarray) -> np.ndarray:
    """The way of the brush, in radians: around the roses, and with the wind between them."""
    depth, rose, bearing = garden(x, y)
    around = bearing + 1.85 + 0.5 * np.sin(3 * bearing + 9 * depth + rose)
    return np.where(depth > -0.22, around, 3 * swirl)


class Load(NamedTuple):
    """What is on the brush: two colours (3,), and how much of the second."""

    first: np.ndarray
    second: np.ndarray
    blend: float


def loaded_brush(depth: float, rose: int, moss: float, rng: np.random.Generator) -> Load:
    """The paint for a stroke: two neighbouring petals' colours, or the green of a leaf."""
    petal = np.clip(depth * 6.4 + rng.normal(-0.4, 0.6), 0, 4.99)
    leaf = np.clip(2.5 + 1.8 * moss + rng.normal(0, 1), 0, 6).astype(int)
    if depth <= 0:
        return Load(LEAVES[leaf], LEAVES[leaf], petal % 1)
    colours = PETALS[rose % len(PETALS)]
    return Load(colours[int(petal)], colours[int(petal) + 1], petal % 1)


class Paint:
    """The wet picture: its colours, and how thick the paint lies."""

    def __init__(self, size):
        width, height = size
        self.colours = Image.new("RGB", (width * DRAWN, height * DRAWN), GROUND)
        self.body = Image.new("L", self.colours.size, GROUND_HEIGHT)
        self.colour_pen = ImageDraw.Draw(self.colours)
        self.body_pen = ImageDraw.Draw(self.body)

    def stroke(self, path: np.ndarray, width: float, load: Load, rng: np.random.Generator) -> None:
        """Drag a brush along a path (n, 2): each bristle has its own colour, height and length.

        path, width: in drawn pixels.
        """
        bristles = max(6, int(width / BRISTLE))
        offset = np.linspace(-1, 1, bristles)  # from one edge of the brush to the other
        taper = np.minimum(1, 0.45 + 3 * np.sin(np.linspace(0, np.pi, len(path))))[:, None]
        side = normals(path) * width / 2 * taper
        height = 115 + 75 * np.abs(offset) ** 3 + rng.normal(0, 32, bristles)
        height = np.clip(height, 0, 255).astype(int)
        blend = load.blend + rng.normal(0, 0.25, bristles)
        shade = rng.normal(1, 0.06, (bristles, 1))
        colour = mix(load.first, load.second, blend) * shade + rng.normal(0, 9, 3)
        colour = np.clip(colour, 0, 255).astype(int)
        for i in rng.permutation(bristles):
            first = rng.integers(0, 4)
            last = len(path) - rng.integers(0, 4)
            line = (path + side * offset[i])[first:last].ravel().tolist()
            self.colour_pen.line(line, fill=tuple(colour[i]), width=BRISTLE_WIDTH)
            self.body_pen.line(line, fill=int(height[i]), width=BRISTLE_WIDTH)


def lit(paint: Paint, size) -> Image.Image:
    """The picture in light from the upper left, with gloss on the steepest ridges."""
    slope = relief(np.asarray(paint.body), 1.65) / 17
    gloss = 55 * np.clip(slope - 0.45, 0, 1)[..., None]
    shade = 1 + 0.4 * np.clip(slope, -1, 1)
    return finish(np.asarray(paint.colours) * shade[..., None] + gloss, size)
