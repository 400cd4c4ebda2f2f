"""A rose window with the sun behind it, after the leaded glass of the cathedrals.

A good style for its saturated panes (15-45 units) glowing from within, warm at the heart and cool
at the rim, each ringed by a black line: closed shapes, strong edges in all directions, no flat
ground.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter

from tools.pictures.styles.canvas import (
    DRAWN,
    TURN,
    Tiles,
    blur,
    cells,
    finish,
    grid,
    mix,
    noise,
    relief,
    rgb,
    scatter,
)

SIZE = (600, 600)
SEED = 1377

MIDDLE = 300
GLASS = rgb("f9c846 f08a24 d8341f 8e1238 5b2a86 1c3fa8 1f7fc4 38b0a8 2c8a4a f8ebbc")
YELLOW, ORANGE, RED, WINE, VIOLET, BLUE, AZURE, TURQUOISE, GREEN, CREAM = range(10)
LEAD = rgb("17161c")[0]

RINGS = np.array([0, 22, 52, 126, 144, 224, 242, 330])  # radii of the rings' borders
SECTORS = np.array([1, 8, 12, 36, 12, 48, 1])  # of each ring
LEAF_RING = 2  # its sectors hold a leaf each ...
ROSE_RING = 4  # ... and these a rose of six petals
OUTER_RING = 6  # broken glass of any shape
GROUND, PETAL, HEART = range(3)
TINTS = np.array(  # ring by ring: the ground, the petal and the heart of even and of odd sectors
    [
        [(CREAM, CREAM), (CREAM, CREAM), (CREAM, CREAM)],
        [(YELLOW, RED), (YELLOW, RED), (YELLOW, RED)],
        [(WINE, VIOLET), (ORANGE, YELLOW), (YELLOW, CREAM)],
        [(BLUE, YELLOW), (BLUE, YELLOW), (BLUE, YELLOW)],
        [(BLUE, VIOLET), (RED, AZURE), (YELLOW, ORANGE)],
        [(YELLOW, WINE), (YELLOW, WINE), (YELLOW, WINE)],
        [(BLUE, AZURE), (BLUE, AZURE), (BLUE, AZURE)],
    ]
)
OUTER_TINTS = [BLUE] * 3 + [AZURE] * 3 + [TURQUOISE] * 2 + [VIOLET] * 2 + [GREEN, WINE, ORANGE]
PIECE_GAP = 33
PIECE_REACH = 60
PANE_NUMBERS = (7, 64, 3, 6, 4096)  # more than there are rings, sectors, petals, sides, pieces


class Panes(NamedTuple):
    """Where every place of the window lies: four whole numbers, each (h, w)."""

    ring: np.ndarray
    sector: np.ndarray
    petal: np.ndarray  # GROUND, PETAL or HEART
    side: np.ndarray  # of the leaf, or which of the rose's six petals


def stained_glass(rng: np.random.Generator, size=SIZE) -> Image.Image:
    """Glaze the picture with one generator; size in units."""
    panes = window(*grid(size))
    seeds = scatter(size, PIECE_GAP, rng)
    upright = Tiles(seeds, np.zeros(len(seeds)))
    pieces = cells(upright, PIECE_REACH, size, DRAWN, np.hypot).label
    piece = np.where(panes.ring == OUTER_RING, pieces, 0)
    number = np.ravel_multi_index((*panes, piece), PANE_NUMBERS)
    _, first, pane = np.unique(number, return_index=True, return_inverse=True)
    colours = pane_colours(panes, first, rng)
    return light(colours[pane.reshape(number.shape)], number, size, rng)


def window(x: np.ndarray, y: np.ndarray) -> Panes:
    """The panes of a rose window."""
    radius = np.hypot(x - MIDDLE, y - MIDDLE)
    turn = (np.arctan2(y - MIDDLE, x - MIDDLE) / TURN) % 1
    ring = np.minimum(np.searchsorted(RINGS, radius, side="right") - 1, OUTER_RING)
    place = turn * SECTORS[ring]
    out = (radius - RINGS[ring]) / (RINGS[ring + 1] - RINGS[ring])  # 0 to 1 across the ring
    around = place % 1 - 0.5  # -0.5 to 0.5 across the sector

    leaf_width = 0.45 * np.sin(np.pi * np.clip(out, 0, 1) ** 0.8)
    leaf = np.abs(around) / np.maximum(leaf_width, 1e-3)
    leaf_depth = np.digitize(-leaf, [-1, -0.5])

    right = around * 2.3
    up = out * 1.7 - 0.85
    rose_turn = (np.arctan2(up, right) / TURN * 6 + 0.25) % 6
    rose = np.hypot(right, up) - 0.09 * np.abs(np.sin(np.pi * rose_turn))
    rose_depth = np.digitize(-rose, [-0.72, -0.26])

    petal = np.select([ring == LEAF_RING, ring == ROSE_RING], [leaf_depth, rose_depth], GROUND)
    which_petal = np.where(ring == ROSE_RING, rose_turn.astype(int), 0)
    half = (right > 0) & np.isin(ring, (LEAF_RING, ROSE_RING))
    side = np.select([petal == HEART, petal == PETAL], [0, which_petal], half)
    return Panes(ring, place.astype(int), petal, side)


def pane_colours(panes: Panes, first: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour for each pane, (n, 3). first: the place of one pixel of each, counted in rows."""
    ring = panes.ring.ravel()[first]
    sector = panes.sector.ravel()[first]
    petal = panes.petal.ravel()[first]
    count = len(first)
    outer = rng.choice(OUTER_TINTS, count)
    tint = np.where(ring == OUTER_RING, outer, TINTS[ring, petal, sector % 2])
    shade = rng.uniform(0.75, 1.1, (count, 1))
    return GLASS[tint] * shade + rng.normal(0, 12, (count, 3))


def light(colours: np.ndarray, number: np.ndarray, size, rng: np.random.Generator) -> Image.Image:
    """Lead the edges of the panes and light them from behind.

    The middle of each pane is brightest, and the middle of the window. number: (h, w), equal
    inside a pane.
    """
    lead = lead_lines(number)
    glow = 1 - blur(lead, 15)
    long_streaks = noise(size, (70, 5), rng, DRAWN) * 0.1
    short_streaks = noise(size, (14, 40), rng, DRAWN) * 0.1
    x, y = grid(size)
    sun = 0.3 * np.exp(-((x - MIDDLE) ** 2 + (y - MIDDLE) ** 2) / MIDDLE**2)
    brightness = 0.35 + 0.85 * glow + (long_streaks + short_streaks) + sun
    glass = colours * brightness[..., None] + 55 * np.clip(glow - 0.6, 0, 1)[..., None]
    metal = LEAD + 380 * np.clip(relief(lead, 2.5), -0.1, 0.1)[..., None]
    return finish(mix(glass, metal, lead * 1.3), size)


def lead_lines(number: np.ndarray) -> np.ndarray:
    """Soft lines, 0 to 1, where neighbouring places belong to different panes."""
    down = np.diff(number, axis=0)[:, 1:] != 0
    across = np.diff(number, axis=1)[1:] != 0
    edge = np.pad(down | across, ((1, 0), (1, 0)))
    lines = Image.fromarray(edge.astype(np.uint8) * 255)
    thick = lines.filter(ImageFilter.MaxFilter(9))
    soft = thick.filter(ImageFilter.GaussianBlur(1.5))
    return np.asarray(soft, dtype=np.float32) / 255
