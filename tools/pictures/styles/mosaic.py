"""Two fishes in a lapis sea, after the Roman opus vermiculatum.

A good style for its small square stones (11 units) laid in courses around every outline: one scale,
all orientations, dark joints, and strong contrasts of lapis, gold, terracotta and ivory.
"""

import numpy as np
from PIL import Image

from tools.pictures.styles.canvas import (
    DRAWN,
    Tiles,
    cells,
    finish,
    grid,
    mix,
    noise,
    relief,
    rgb,
    scatter,
)

SIZE = (640, 512)
SEED = 636

STONES = rgb("16245c 24408f 3d74b8 86bccb f3e9d2 d8a531 b9532e 7a2e22 f0c766 1c171c")
NIGHT, LAPIS, BLUE, FOAM, IVORY, GOLD, TERRACOTTA, BROWN, STRAW, BLACK = range(10)
SEA, SHELL, FISH = range(3)

MIDDLE = (320, 256)
# x, y, radius: a quarter of a shell in each corner, and three stars
CORNERS = [(0, 0, 78), (0, 512, 78), (640, 0, 78), (640, 512, 78)]
STARS = [(320, 256, 29), (62, 262, 36), (578, 250, 36)]

FISH_LENGTH = 450
FISH_FROM_MIDDLE = 122  # how far the middle of a fish lies above or below the middle of the picture
STATIONS = np.array([0, 4, 17, 36, 44, 66, 76, 90, 100]) / 100  # from nose to tail ...
HALF_WIDTHS = [3, 22, 52, 62, 60, 28, 15, 52, 74]  # ... and how far the body reaches there

STONE_GAP = 11.4
STONE_REACH = 15
ROUNDS = 14  # of moving each stone into the middle of its own cell


def mosaic(rng: np.random.Generator, size=SIZE) -> Image.Image:
    """Lay the picture with one generator; size in units."""
    outlines = outline_points()
    places = scatter(size, STONE_GAP, rng)
    for _ in range(ROUNDS):
        gap = to_nearest(outlines, places)
        tiles = Tiles(places, np.arctan2(gap[:, 1], gap[:, 0]))
        places = middles(tiles, size)
    part, stone = pond(places[:, 0], places[:, 1])
    waves = sea(np.hypot(gap[:, 0], gap[:, 1]), rng)
    colours = STONES[np.where(part == SEA, waves, stone)]
    return lay(Tiles(places, tiles.angles), colours, size, rng)


def pond(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What every place belongs to, SEA, SHELL or FISH, and its stone; the sea's come later."""
    way = np.where(y < MIDDLE[1], 1, -1)  # the upper fish swims to the right, the lower to the left
    along = 0.5 - way * (x - MIDDLE[0]) / FISH_LENGTH  # 0 at the nose, 1 at the end of the tail
    bend = 15 * np.sin(6 * along)
    up = MIDDLE[1] - way * FISH_FROM_MIDDLE + bend - y
    fin = np.where(up > 0, 26, 12) * np.exp(-(((along - 0.43) / 0.07) ** 4))
    across = up / (np.interp(along, STATIONS, HALF_WIDTHS) + fin)  # -1 at the belly, 1 at the back

    tail_end = 1 - 0.1 * (1 - np.abs(across))
    fish = (along > 0) & (np.abs(across) < 1) & (along < tail_end)
    disc = shell_distance(x, y)
    part = np.select([fish, disc < 1], [FISH, SHELL], SEA)
    eye = np.hypot((along - 0.135) * FISH_LENGTH, across * 46 - 12)
    stone = np.select(
        [~fish, eye < 6.5, eye < 16],
        [shell_stone(disc), BLACK, IVORY],
        skin_stone(along, across),
    )
    return part, stone


def shell_distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far the nearest shell or star is, as a part of its radius: under 1 inside."""
    discs = CORNERS + STARS
    return np.min([np.hypot(x - left, y - top) / radius for left, top, radius in discs], 0)


def shell_stone(disc: np.ndarray) -> np.ndarray:
    """Six rings, from the heart of a shell outwards."""
    rings = [STRAW, TERRACOTTA, BROWN, IVORY, GOLD, TERRACOTTA]
    return np.choose((disc * len(rings)).astype(int) % len(rings), rings)


def skin_stone(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Stripes along the body, rays in the tail, and a dark line at the rim and behind the gills."""
    body = np.select(
        [across > 0.5, across > 0.02, across > -0.42],
        [TERRACOTTA, GOLD, STRAW],
        IVORY,
    )
    rays = np.where(np.sin(across * 9) > 0, TERRACOTTA, GOLD)
    skin = np.where(along > 0.77, rays, body)
    rim = (np.abs(across) > 0.78) & (along > 0.06)
    gills = np.abs(along - 0.25 + 0.05 * across**2) < 0.015
    return np.where(rim | gills, BROWN, skin)


def outline_points() -> np.ndarray:
    """Points on all outlines, (n, 2): where two neighbouring places belong to different parts."""
    step = 2
    x, y = np.meshgrid(np.arange(0, SIZE[0], step), np.arange(0, SIZE[1], step))
    part, _ = pond(x, y)
    differs = (part != np.roll(part, 1, 0)) | (part != np.roll(part, 1, 1))
    return step * np.argwhere(differs)[:, ::-1].astype(np.float32)


def to_nearest(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """From each place to the nearest of the points, (n, 2)."""
    gaps = points[None] - places[:, None].astype(np.float32)
    nearest = (gaps**2).sum(2).argmin(1)
    return gaps[np.arange(len(places)), nearest]


def middles(tiles: Tiles, size) -> np.ndarray:
    """The middle of each tile's own cell, one pixel a unit; a tile without a pixel stays."""
    label = cells(tiles, STONE_REACH, size, 1, np.maximum).label.ravel()
    total = len(tiles.places)
    row, column = np.divmod(np.arange(label.size), size[0])
    sums = [np.bincount(label, column, total), np.bincount(label, row, total)]
    count = np.bincount(label, minlength=total)[:, None]
    middle = np.stack(sums, 1) / np.maximum(count, 1) + 0.5
    return np.where(count > 0, middle, tiles.places)


def sea(distance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stones of the sea: ripples that run around every outline, at some distance from it."""
    ripple = np.sin(distance / 5.4 + rng.normal(0, 0.3, len(distance)))
    ripple = np.where(distance < 8, 1, ripple)
    dark = rng.integers(NIGHT, BLUE, len(distance))
    return np.select([ripple > 0.75, ripple > 0.1], [FOAM, BLUE], dark)


def lay(tiles: Tiles, colours: np.ndarray, size, rng: np.random.Generator) -> Image.Image:
    """Draw the stones: a shade and a tilt of its own for each, bevelled edges, dark joints."""
    count = len(tiles.places)
    label, near, second = cells(tiles, STONE_REACH, size, DRAWN, np.maximum)
    shade = rng.normal(1, 0.09, (count, 1))
    colours = colours * shade + rng.normal(0, 7, (count, 3))
    tilt = rng.normal(0, 0.01, (count, 2))[label]
    x, y = grid(size)
    from_left = x - tiles.places[label, 0]
    from_top = y - tiles.places[label, 1]
    slope = from_left * tilt[..., 0] + from_top * tilt[..., 1]
    joint = (second - near) / 1.5
    corner = (7.6 - near) / 1.2
    bevel = np.clip(np.minimum(joint, corner), 0, 2)
    grain = 0.04 * noise(size, (5, 5), rng, DRAWN, octaves=2)
    light = 1.03 + slope + grain + 0.4 * relief(bevel, 1.5)
    mortar = STONES[BLACK] * 1.3
    return finish(mix(mortar, colours[label] * light[..., None], bevel - 0.35), size)
