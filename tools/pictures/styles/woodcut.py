"""A mountain, a red sun and the sea, after Japanese and Expressionist woodcuts.

A good style for its tapering gouge marks (2-6 units wide, 20-80 long) that follow one flow in every
direction, and for its flat inks: indigo cut open over paper, ochre, vermilion and a washed green.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tools.pictures.styles.canvas import (
    DRAWN,
    at,
    finish,
    grid,
    mix,
    noise,
    normals,
    rgb,
    scatter,
    trace,
)

SIZE = (512, 640)
SEED = 773

INKS = rgb("1b2747 f0e2c4 d4472b dca13c 6f9a94 8fb0a8 26424a")
INDIGO, PAPER, VERMILION, OCHRE, GREEN, WATERY, PINE = range(7)
SKY, SUN, MOUNTAIN, HILLS, WATER = range(5)
KEY_INK = [INDIGO, VERMILION, INDIGO, PINE, INDIGO]  # of each part, where nothing is cut away

SUN_X = 345
SUN_Y = 190
SUN_RADIUS = 84

CUT_GAP = 4.5
CUT_STEPS = 16
CUT_STEP = 2.5
SHORTEST_CUT = 5  # points
WIDEST_CUT = 3.3  # units to either side
FREE_CELL = 2  # units of a cell of the map that tells where the wood is cut already
FREE_MARGIN = 8  # its cells beyond the border


def woodcut(rng: np.random.Generator, size=SIZE) -> Image.Image:
    """Cut and print the picture with one generator; size in units."""
    swirl = noise(size, (190, 150), rng, octaves=2)
    bumps = noise(size, (40, 40), rng)

    def flow(x, y):
        return gouge_direction(x, y, at(swirl, x, y))

    paths = trace(flow, scatter(size, CUT_GAP, rng), CUT_STEPS, CUT_STEP)
    cuts = Image.new("L", (size[0] * DRAWN, size[1] * DRAWN))
    pen = ImageDraw.Draw(cuts)
    taken = np.zeros((size[1] // FREE_CELL + 20, size[0] // FREE_CELL + 20), dtype=bool)
    for whole_path in paths:
        path = free_stretch(whole_path, taken)
        if len(path) > SHORTEST_CUT:
            x = path[:, 0]
            y = path[:, 1]
            width = gouge_width(x, y, at(swirl, x, y)) + 0.16 * at(bumps, x, y)
            outline = cut_outline(path, np.clip(width, 0.12, 0.95))
            pen.polygon((outline * DRAWN).ravel().tolist(), fill=255)
    soft = cuts.filter(ImageFilter.GaussianBlur(1))
    return prints(np.asarray(soft) / 255, size, rng)


def part_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What each place shows: SKY, SUN, MOUNTAIN, HILLS or WATER."""
    mountain = 452 - 255 * np.exp(-np.abs(x - 178) / 150) - 8 * np.sin(x / 17)
    right_hill = 88 * np.exp(-(((x - 455) / 105) ** 2))
    left_hill = 40 * np.exp(-(((x - 20) / 70) ** 2))
    hills = 468 - right_hill - left_hill
    shore = 478 + 6 * np.sin(x / 40)
    sun = np.hypot(x - SUN_X, y - SUN_Y) < SUN_RADIUS
    return np.select(
        [y > shore, y > hills, y > mountain, sun],
        [WATER, HILLS, MOUNTAIN, SUN],
        SKY,
    )


def gouge_direction(x: np.ndarray, y: np.ndarray, swirl: np.ndarray) -> np.ndarray:
    """The way of the gouge, in radians: around the sun, down the slopes, along hills and waves."""
    far = np.hypot(x - SUN_X, y - SUN_Y)
    bearing = np.arctan2(y - SUN_Y, x - SUN_X)
    sky = bearing + np.pi / 2 + 1.1 * swirl * np.clip(far / 130 - 0.7, 0, 1)
    slope = np.where(is_lit(x, y, swirl), 2.35, 0.8) + 0.35 * np.sin(y / 23 + x / 31)
    hill = 0.35 * np.sin(x / 40) + np.where(x > 455, 0.6, -0.6) + 0.5 * swirl
    nearer = np.clip((y - 470) / 90, 0.15, 1)
    wave = 0.75 * np.sin(x / 38 + y / 27 + 2 * swirl) * nearer
    return np.choose(part_at(x, y), [sky, sky, slope, hill, wave])


def is_lit(x: np.ndarray, y: np.ndarray, swirl: np.ndarray) -> np.ndarray:
    """Which side of the mountain: True on the left of its ridge, which wanders a little."""
    return x < 178 + 9 * np.sin(y / 19) + 14 * swirl


def gouge_width(x: np.ndarray, y: np.ndarray, swirl: np.ndarray) -> np.ndarray:
    """How wide the gouge cuts there, as a part of the widest cut."""
    far = np.hypot(x - SUN_X, y - SUN_Y)
    sky = 1.05 - far / 520
    snow = np.clip(1.15 - (y - 200) / 250, 0.25, 1) - 0.3 * ~is_lit(x, y, swirl)
    glitter = 0.35 + 0.5 * np.exp(-(((x - SUN_X) / 75) ** 2))
    return np.choose(part_at(x, y), [sky, 0.34, snow, 0.42, glitter])


def free_stretch(path: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The part of a path around its middle that stays on one block and clear of earlier cuts.

    Marks it in the map `taken`, unless it is too short to cut.
    """
    part = part_at(path[:, 0], path[:, 1])
    middle = len(path) // 2
    largest = np.array(taken.shape[::-1]) - 2
    place = np.clip((path / FREE_CELL + FREE_MARGIN).astype(int), 1, largest)
    column = place[:, 0]
    row = place[:, 1]
    bad = np.flatnonzero(taken[row, column] | (part != part[middle]))
    first = bad[bad <= middle].max(initial=-1) + 1
    last = bad[bad >= middle].min(initial=len(path))
    if last - first > SHORTEST_CUT:
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                taken[row[first:last] + down, column[first:last] + across] = True
    return path[first:last]


def cut_outline(path: np.ndarray, width: np.ndarray) -> np.ndarray:
    """The outline of one cut along a path (n, 2) -> (2 n, 2): swelling, and pointed at its ends.

    width: (n,), as parts of the widest cut.
    """
    swelling = np.sin(np.linspace(0.12, np.pi - 0.04, len(path))) ** 0.6
    taper = swelling * min(1, len(path) / 14)
    side = normals(path) * (width * taper * WIDEST_CUT)[:, None]
    return np.concatenate([path + side, (path - side)[::-1]])


def prints(cuts: np.ndarray, size, rng: np.random.Generator) -> Image.Image:
    """Print the colour blocks, then the key block; the ink shows the grain of the wood."""
    x, y = grid(size)
    part = part_at(x, y)
    colours = colour_blocks(part, x, y, noise(size, (60, 20), rng, DRAWN))
    worn = np.clip(0.5 * noise(size, (4, 160), rng, DRAWN, octaves=2) - 0.25, 0, 0.3)
    key_block = INKS[KEY_INK][part]
    inked = mix(key_block, colours, np.maximum(cuts, worn))
    grain = 1 + 0.03 * noise(size, (3, 3), rng, DRAWN, octaves=1)
    return finish(inked * grain[..., None], size)


def colour_blocks(part: np.ndarray, x: np.ndarray, y: np.ndarray, clouds: np.ndarray) -> np.ndarray:
    """The colours under the key block: where it is cut away, they are seen."""
    far = np.hypot(x - SUN_X, y - SUN_Y)
    pale = (far - 90) / 170 - np.clip((y - 240) / 260, 0, 0.5)
    sky = mix(INKS[OCHRE], INKS[PAPER], pale + 0.12 * clouds)
    slope = mix(INKS[PAPER], INKS[GREEN], (y - 250) / 130)
    path_width = 44 + (y - 470) / 6
    sun_path = 1.5 * np.exp(-(((x - SUN_X) / path_width) ** 2)) - 0.3
    depth = mix(INKS[WATERY], INKS[PAPER], (y - 500) / 160)
    water = mix(depth, INKS[VERMILION], sun_path)
    return np.choose(part[..., None], [sky, INKS[OCHRE], slope, INKS[OCHRE], water])
