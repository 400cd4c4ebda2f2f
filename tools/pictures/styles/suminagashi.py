"""Rings of ink floated on water and moved by a breath, after the Japanese suminagashi.

A good style to set beside the coloured ones: almost no colour at all, only wandering dark lines
(1-8 units) on white paper, nested like the rings of a tree and bent in every direction.
"""

import numpy as np
from PIL import Image

from tools.pictures.styles.canvas import DRAWN, finish, grid, mix, noise, rgb, scatter

SIZE = (640, 512)
SEED = 1177

INKS = rgb("14171f 6d7d92 2a3140 8f9bad 3d4c66")
PAPER = rgb("f3eee3")[0]
RING_WIDTH = 10.5
DROP_GAP = 180
DRIFT = 62  # how far the water carries the ink


def suminagashi(rng: np.random.Generator, size=SIZE) -> Image.Image:
    """Float the picture with one generator; size in units."""
    x, y = grid(size)
    x = x + DRIFT * noise(size, (250, 210), rng, DRAWN, octaves=4)
    y = y + DRIFT * noise(size, (250, 210), rng, DRAWN, octaves=4)
    drops = scatter(size, DROP_GAP, rng)
    far = np.min([np.hypot(x - drop_x, y - drop_y) for drop_x, drop_y in drops], 0)
    ragged = 0.25 * noise(size, (90, 90), rng, DRAWN)
    ring, place = np.divmod(far / RING_WIDTH + ragged, 1)
    from_line = np.abs(place - 0.5)  # 0 on the line of ink, 0.5 between two lines
    thick = 0.5 + 0.3 * noise(size, (110, 110), rng, DRAWN) - 2 * from_line
    ink = INKS[(ring.astype(int) * 3) % len(INKS)]
    grain = 1 + 0.025 * noise(size, (3, 9), rng, DRAWN, octaves=2)
    return finish(mix(PAPER, ink, 11 * thick) * grain[..., None], size)
