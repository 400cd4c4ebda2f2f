"""Draw the style pictures of the series from code alone, each from its own fixed seed.

    python tools/make_styles.py [names ...] [--out data/style]

Lengths are in units of a picture about 640 units wide, which is finished at two pixels a unit; it is drawn larger than
that and reduced, so its edges are clean.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

TAU = 2 * np.pi
FINISHED = 2  # pixels a unit


def rgb(text):
    """Turn "1d2a4d d2452d" into an (n, 3) array of colours between 0 and 255."""
    return np.array([[int(word[i : i + 2], 16) for i in (0, 2, 4)] for word in text.split()], dtype=np.float32)


def grid(size, scale):
    """Coordinates x (1, w) and y (h, 1) of the pixel centres of a picture drawn `scale` times larger."""
    x, y = ((np.arange(n * scale, dtype=np.float32) + 0.5) / scale for n in size)
    return x[None, :], y[:, None]


def noise(size, cell, rng, scale=1, octaves=3):
    """Smooth noise, about -1 to 1, whose largest bumps are `cell` = (across, down) pixels wide."""
    total = 0
    for octave in range(octaves):
        shape = [max(4, int(n * 2**octave / c) + 2) for n, c in zip(size[::-1], cell[::-1], strict=True)]
        bumps = Image.fromarray(rng.normal(0, 0.6, shape).astype(np.float32))
        total = total + np.asarray(bumps.resize((size[0] * scale, size[1] * scale), Image.BICUBIC)) / 2**octave
    return total


def blur(values, radius):
    """Gaussian blur of a 2-D array, in its own pixels (it wraps around at the borders)."""
    fy, fx = np.fft.fftfreq(values.shape[0])[:, None], np.fft.rfftfreq(values.shape[1])[None, :]
    bell = np.exp(-2 * (np.pi * radius) ** 2 * (fx**2 + fy**2))
    return np.fft.irfft2(np.fft.rfft2(values) * bell, s=values.shape).astype(np.float32)


def relief(height, soft):
    """Light from the upper left on a height map, softened first: positive on the slopes that face it."""
    down, across = np.gradient(blur(height, soft))
    return -(0.8 * down + 0.6 * across)


def mix(low, high, amount):
    """Blend two colours, or arrays of them, by amounts between 0 and 1."""
    amount = np.clip(np.asarray(amount), 0, 1)[..., None]
    return low * (1 - amount) + high * amount


def scatter(size, gap, rng, jitter=0.45):
    """Jittered grid points in random order, a little beyond the picture too: even cover without a visible grid."""
    x, y = np.meshgrid(*(np.arange(-gap, n + gap, gap) + gap / 2 for n in size))
    points = np.stack([x.ravel(), y.ravel()], 1)
    return rng.permutation(points + rng.uniform(-jitter, jitter, points.shape) * gap)


def at(field, x, y):
    """Read a map, one value per finished pixel, at any points (clipped to its borders)."""
    return field[np.clip(y, 0, field.shape[0] - 1).astype(int), np.clip(x, 0, field.shape[1] - 1).astype(int)]


def trace(angle, start, steps, step):
    """Follow angle(x, y) both ways from every start point: paths of shape (n, 2 * steps + 1, 2)."""
    path = [start]
    for end, way in [(0, -step)] * steps + [(-1, step)] * steps:
        turn = angle(*path[end].T)
        path.insert(len(path) if end else 0, path[end] + way * np.stack([np.cos(turn), np.sin(turn)], 1))
    return np.stack(path, 1)


def normals(path):
    """Unit vectors across a path, one per point."""
    along = np.gradient(path, axis=0)
    return np.stack([-along[:, 1], along[:, 0]], 1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)


def cells(seeds, angles, reach, size, scale, metric):
    """Nearest seed of every pixel and the distances to the two nearest, looking `reach` around each seed."""
    label = np.zeros((size[1] * scale, size[0] * scale), dtype=np.int32)
    near, second = (np.full(label.shape, 1e6, dtype=np.float32) for _ in range(2))
    for i, (seed, angle) in enumerate(zip(seeds, angles, strict=True)):
        low, high = (np.clip((seed + d) * scale, 0, label.shape[::-1]).astype(int) for d in (-reach, reach))
        part = slice(low[1], high[1]), slice(low[0], high[0])
        x, y = (np.arange(a, b, dtype=np.float32) / scale - s for a, b, s in zip(low, high, seed, strict=True))
        c, s, y = np.cos(angle), np.sin(angle), y[:, None]
        distance = metric(np.abs(x * c + y * s), np.abs(y * c - x * s))
        second[part] = np.minimum(second[part], np.maximum(near[part], distance))
        label[part][distance < near[part]] = i
        near[part] = np.minimum(near[part], distance)
    return label, near, second


def finish(values, size, light=None):
    """Round an array of colours, times its light where one is given, and reduce it to the finished size."""
    values = np.asarray(values) if light is None else np.asarray(values) * light[..., None]
    pixels = [FINISHED * side for side in size]
    return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8)).resize(pixels, Image.LANCZOS)


STONES = rgb("16245c 24408f 3d74b8 86bccb f3e9d2 d8a531 b9532e 7a2e22 f0c766 1c171c")
DISCS = [(x, y, 78) for x in (0, 640) for y in (0, 512)] + [(320, 256, 29), (62, 262, 36), (578, 250, 36)]


def pond(x, y):
    """Part (0 sea, 1 shell or star, 2 fish) and stone of every place; the sea gets its stones later."""
    way = np.where(y < 256, 1, -1)
    along = 0.5 - way * (x - 320) / 450
    half = np.interp(along, np.array([0, 4, 17, 36, 44, 66, 76, 90, 100]) / 100, [3, 22, 52, 62, 60, 28, 15, 52, 74])
    up = 256 - way * 122 + 15 * np.sin(6 * along) - y
    across = up / (half + np.where(up > 0, 26, 12) * np.exp(-(((along - 0.43) / 0.07) ** 4)))
    disc = np.min([np.hypot(x - a, y - b) / r for a, b, r in DISCS], 0)
    skin = np.select([across > 0.5, across > 0.02, across > -0.42], [6, 5, 8], 4)
    skin = np.where(along > 0.77, np.where(np.sin(across * 9) > 0, 6, 5), skin)
    rim = (np.abs(across) > 0.78) & (along > 0.06)
    skin = np.where(rim | (np.abs(along - 0.25 + 0.05 * across**2) < 0.015), 7, skin)
    eye = np.hypot((along - 0.135) * 450, across * 46 - 12)
    fish = (along > 0) & (np.abs(across) < 1) & (along < 1 - 0.1 * (1 - np.abs(across)))
    shell = np.choose((disc * 6).astype(int) % 6, [8, 6, 7, 4, 5, 6])
    stone = np.select([~fish, eye < 6.5, eye < 16], [shell, 9, 4], skin)
    return np.select([fish, disc < 1], [2, 1], 0), stone


def mosaic(rng, size=(640, 512)):
    """Two fishes in a lapis sea, after the Roman opus vermiculatum.

    A good style for its small square stones (11 units) laid in courses around every outline: one scale, all
    orientations, dark joints, and strong contrasts of lapis, gold, terracotta and ivory.
    """
    part = pond(*np.meshgrid(np.arange(0, 640, 2), np.arange(0, 512, 2)))[0]
    edges = 2 * np.argwhere((part != np.roll(part, 1, 0)) | (part != np.roll(part, 1, 1)))[:, ::-1].astype(np.float32)
    seeds = scatter(size, 11.4, rng)
    for _ in range(14):
        gap = edges[None] - seeds[:, None].astype(np.float32)
        gap = gap[np.arange(len(seeds)), (gap**2).sum(2).argmin(1)]
        angles = np.arctan2(gap[:, 1], gap[:, 0])
        label = cells(seeds, angles, 15, size, 1, np.maximum)[0].ravel()
        middle = [np.bincount(label, v, len(seeds)) for v in np.divmod(np.arange(label.size), size[0])[::-1]]
        count = np.bincount(label, minlength=len(seeds))[:, None]
        seeds = np.where(count > 0, np.stack(middle, 1) / np.maximum(count, 1) + 0.5, seeds)
    part, stone = pond(*seeds.T)
    far = np.hypot(*gap.T)
    ripple = np.where(far < 8, 1, np.sin(far / 5.4 + rng.normal(0, 0.3, len(seeds))))
    sea = np.select([ripple > 0.75, ripple > 0.1], [3, 2], rng.integers(0, 2, len(seeds)))
    return lay(seeds, angles, STONES[np.where(part, stone, sea)], size, rng)


def lay(seeds, angles, colour, size, rng):
    """Draw the tiles: a shade and a tilt of its own for each, bevelled edges, dark joints."""
    label, near, second = cells(seeds, angles, 15, size, 3, np.maximum)
    colour = colour * rng.normal(1, 0.09, (len(seeds), 1)) + rng.normal(0, 7, (len(seeds), 3))
    tilt, (x, y) = rng.normal(0, 0.01, (len(seeds), 2))[label], grid(size, 3)
    slope = (x - seeds[label, 0]) * tilt[..., 0] + (y - seeds[label, 1]) * tilt[..., 1]
    inner = np.clip(np.minimum((second - near) / 1.5, (7.6 - near) / 1.2), 0, 2)
    light = 1.03 + slope + 0.04 * noise(size, (5, 5), rng, 3, 2) + 0.4 * relief(inner, 1.5)
    return finish(mix(STONES[9] * 1.3, colour[label] * light[..., None], inner - 0.35), size)


INKS = rgb("1b2747 f0e2c4 d4472b dca13c 6f9a94 8fb0a8 26424a")


def land(x, y, swirl=0):
    """What each place prints (0 sky, 1 sun, 2 mountain, 3 hills, 4 water); direction and width of the gouge there."""
    far, turn, lit = np.hypot(x - 345, y - 190), np.arctan2(y - 190, x - 345), x < 178 + 9 * np.sin(y / 19) + 14 * swirl
    mountain = 452 - 255 * np.exp(-np.abs(x - 178) / 150) - 8 * np.sin(x / 17)
    hills = 468 - 88 * np.exp(-(((x - 455) / 105) ** 2)) - 40 * np.exp(-(((x - 20) / 70) ** 2))
    part = np.select([y > 478 + 6 * np.sin(x / 40), y > hills, y > mountain, far < 84], [4, 3, 2, 1], 0)
    sky = turn + np.pi / 2 + 1.1 * swirl * np.clip(far / 130 - 0.7, 0, 1)
    slope = np.where(lit, 2.35, 0.8) + 0.35 * np.sin(y / 23 + x / 31)
    hill = 0.35 * np.sin(x / 40) + np.where(x > 455, 0.6, -0.6) + 0.5 * swirl
    wave = 0.75 * np.sin(x / 38 + y / 27 + 2 * swirl) * np.clip((y - 470) / 90, 0.15, 1)
    snow = np.clip(1.15 - (y - 200) / 250, 0.25, 1) - 0.3 * ~lit
    water = 0.35 + 0.5 * np.exp(-(((x - 345) / 75) ** 2))
    width = np.choose(part, [1.05 - far / 520, 0.34, snow, 0.42, water])
    return part, np.choose(part, [sky, sky, slope, hill, wave]), width


def woodcut(rng, size=(512, 640)):
    """A mountain, a red sun and the sea, after Japanese and Expressionist woodcuts.

    A good style for its tapering gouge marks (2-6 units wide, 20-80 long) that follow one flow in every direction,
    and for its flat inks: indigo cut open over paper, ochre, vermilion and a washed green.
    """
    swirl, bumps = noise(size, (190, 150), rng, octaves=2), noise(size, (40, 40), rng)
    paths = trace(lambda x, y: land(x, y, at(swirl, x, y))[1], scatter(size, 4.5, rng), 16, 2.5)
    mask = Image.new("L", (size[0] * 3, size[1] * 3))
    pen, taken = ImageDraw.Draw(mask), np.zeros((size[1] // 2 + 20, size[0] // 2 + 20), dtype=bool)
    for path in (free(path, taken) for path in paths):
        if len(path) > 5:
            cut = np.clip(land(*path.T, at(swirl, *path.T))[2] + 0.16 * at(bumps, *path.T), 0.12, 0.95)
            taper = np.sin(np.linspace(0.12, np.pi - 0.04, len(path))) ** 0.6 * min(1, len(path) / 14)
            side = normals(path) * (cut * taper * 3.3)[:, None]
            pen.polygon((np.concatenate([path + side, (path - side)[::-1]]) * 3).ravel().tolist(), fill=255)
    return prints(np.asarray(mask.filter(ImageFilter.GaussianBlur(1))) / 255, size, rng)


def free(path, taken):
    """The stretch of a path around its middle that stays on one block and clear of earlier cuts; marks it taken."""
    part, middle = land(*path.T)[0], len(path) // 2
    i, j = np.clip((path / 2 + 8).astype(int), 1, np.array(taken.shape[::-1]) - 2).T
    bad = np.flatnonzero(taken[j, i] | (part != part[middle]))
    first, last = bad[bad <= middle].max(initial=-1) + 1, bad[bad >= middle].min(initial=len(path))
    for k in range(9) if last - first > 5 else ():
        taken[j[first:last] + k // 3 - 1, i[first:last] + k % 3 - 1] = True
    return path[first:last]


def prints(mask, size, rng):
    """Print the colour blocks, then the key block with its cuts, with the grain of the wood in the ink."""
    x, y = grid(size, 3)
    part, pale = land(x, y)[0], (np.hypot(x - 345, y - 190) - 90) / 170 - np.clip((y - 240) / 260, 0, 0.5)
    sky = mix(INKS[3], INKS[1], pale + 0.12 * noise(size, (60, 20), rng, 3))
    path = 1.5 * np.exp(-(((x - 345) / (44 + (y - 470) / 6)) ** 2)) - 0.3
    water = mix(mix(INKS[5], INKS[1], (y - 500) / 160), INKS[2], path)
    paper = np.choose(part[..., None], [sky, INKS[3], mix(INKS[1], INKS[4], (y - 250) / 130), INKS[3], water])
    worn = np.clip(0.5 * noise(size, (4, 160), rng, 3, 2) - 0.25, 0, 0.3)
    inked = mix(INKS[[0, 2, 0, 6, 0]][part], paper, np.maximum(mask, worn))
    return finish(inked, size, 1 + 0.03 * noise(size, (3, 3), rng, 3, 1))


ROSES = np.array([(140, 140, 98), (345, 105, 76), (535, 160, 96), (292, 282, 90), (72, 345, 84), (478, 372, 100),
                  (232, 462, 76), (640, 330, 60), (372, 512, 58), (18, 0, 60)])[..., None]  # fmt: skip
PETALS = [rgb("4a0d33 8f1450 cc2b68 e8507c f58f8a fbd9c0"), rgb("6e1a2a b8342c e3622f f49243 fac36f fdebc0"),
          rgb("43124f 7d2272 b5479a dd83b8 f3bccb fdf0e0")]  # fmt: skip
LEAVES = rgb("0b2622 123c33 1f5a45 3c7a4a 8a9c3c 1d5660 3a3466")


def garden(x, y):
    """How far into a rose each place lies (1 at its heart, 0 at its rim, below 0 outside), which, and its bearing."""
    turn = np.arctan2(y - ROSES[:, 1], x - ROSES[:, 0])
    number = np.arange(len(ROSES))[:, None]
    depth = 1 - np.hypot(x - ROSES[:, 0], y - ROSES[:, 1]) / ROSES[:, 2] * (1 + 0.09 * np.cos(5 * turn + number))
    which = depth.argmax(0)
    return depth.max(0), which, turn[which, np.arange(len(which))]


def impasto(rng, size=(640, 512)):
    """Roses in a garden at dusk, in thick paint laid with a loaded brush.

    A good style for its curved ridged strokes (8-20 units wide) turning around ten hearts, with light on every
    bristle: strong structure at two scales, and magenta, orange and cream against deep green.
    """
    swirl, moss = noise(size, (240, 200), rng, octaves=2), noise(size, (70, 70), rng)
    paint = Image.new("RGB", (size[0] * 3, size[1] * 3), "#0b2622")
    body = Image.new("L", paint.size, 90)

    def angle(x, y):
        depth, which, turn = garden(x, y)
        return np.where(depth > -0.22, turn + 1.85 + 0.5 * np.sin(3 * turn + 9 * depth + which), 3 * at(swirl, x, y))

    for gap, width, steps in ((14, 21, 10), (12, 17, 8), (12, 13, 6)):
        start = scatter(size, gap, rng)
        depth, which, _ = garden(*start.T)
        order = np.argsort(depth + rng.normal(0, 0.07, len(depth)))
        for path, d, rose in zip(trace(angle, start, steps, 2.4)[order], depth[order], which[order], strict=True):
            k = np.clip(d * 6.4 + rng.normal(-0.4, 0.6), 0, 4.99)
            leaf = np.clip(2.5 + 1.8 * at(moss, *path[steps]) + rng.normal(0, 1), 0, 6).astype(int)
            tint = PETALS[rose % 3][int(k) : int(k) + 2] if d > 0 else LEAVES[[leaf, leaf]]
            brush(paint, body, path * 3, width * (3 - 1.35 * max(d, 0)), tint, k % 1, rng)
    slope = relief(np.asarray(body), 1.65) / 17
    gloss = 55 * np.clip(slope - 0.45, 0, 1)[..., None]
    return finish(np.asarray(paint) * (1 + 0.4 * np.clip(slope, -1, 1))[..., None] + gloss, size)


def brush(paint, body, path, width, tint, blend, rng):
    """Drag one loaded brush along a path: every bristle leaves a line of its own colour, height and length."""
    n = max(6, int(width / 3.3))
    edge = np.linspace(-1, 1, n)
    taper = np.minimum(1, 0.45 + 3 * np.sin(np.linspace(0, np.pi, len(path))))[:, None]
    side = normals(path) * width / 2 * taper
    high = np.clip(115 + 75 * np.abs(edge) ** 3 + rng.normal(0, 32, n), 0, 255).astype(int)
    colour = mix(tint[0], tint[1], blend + rng.normal(0, 0.25, n)) * rng.normal(1, 0.06, (n, 1)) + rng.normal(0, 9, 3)
    pens = ImageDraw.Draw(paint), ImageDraw.Draw(body)
    for i in rng.permutation(n):
        line = (path + side * edge[i])[rng.integers(0, 4) : len(path) - rng.integers(0, 4)].ravel().tolist()
        pens[0].line(line, fill=tuple(np.clip(colour[i], 0, 255).astype(int)), width=6)
        pens[1].line(line, fill=int(high[i]), width=6)


GLASS = rgb("f9c846 f08a24 d8341f 8e1238 5b2a86 1c3fa8 1f7fc4 38b0a8 2c8a4a f8ebbc")
RINGS = np.array([0, 22, 52, 126, 144, 224, 242, 330])
TINTS = np.array([int(digit) for digit in "999999 020202 341009 505050 542601 030303 565656" if digit > " "]).reshape(
    7, 3, 2
)


def window(x, y):
    """Panes of a rose window: ring, sector, depth in its petal (0 outside to 2 heart) and side of its middle line."""
    r, turn = np.hypot(x - 300, y - 300), (np.arctan2(y - 300, x - 300) / TAU) % 1
    ring = np.minimum(np.searchsorted(RINGS, r, side="right") - 1, 6)
    place = turn * np.array([1, 8, 12, 36, 12, 48, 1])[ring]
    t, off = (r - RINGS[ring]) / (RINGS[ring + 1] - RINGS[ring]), np.abs(place % 1 - 0.5)
    leaf = off / np.maximum(0.45 * np.sin(np.pi * np.clip(t, 0, 1) ** 0.8), 1e-3)
    u, v = (place % 1 - 0.5) * 2.3, t * 1.7 - 0.85
    round_ = (np.arctan2(v, u) / TAU * 6 + 0.25) % 6
    disc = np.hypot(u, v) - 0.09 * np.abs(np.sin(np.pi * round_))
    petal = np.select([ring == 2, ring == 4], [np.digitize(-leaf, [-1, -0.5]), np.digitize(-disc, [-0.72, -0.26])], 0)
    side = np.select([petal == 2, petal == 1], [0, (ring == 4) * round_.astype(int)], (u > 0) & np.isin(ring, (2, 4)))
    return ring, place.astype(int), petal, side


def stained_glass(rng, size=(600, 600)):
    """A rose window with the sun behind it, after the leaded glass of the cathedrals.

    A good style for its saturated panes (15-45 units) glowing from within, warm at the heart and cool at the rim,
    each ringed by a black line: closed shapes, strong edges in all directions, no flat ground.
    """
    x, y = grid(size, 3)
    ring, sector, petal, side = window(x, y)
    seeds = scatter(size, 33, rng)
    piece = np.where(ring == 6, cells(seeds, np.zeros(len(seeds)), 60, size, 3, np.hypot)[0], 0)
    key = (((ring * 64 + sector) * 3 + petal) * 6 + side) * 4096 + piece
    _, first, pane = np.unique(key, return_index=True, return_inverse=True)
    ring, sector, petal = (v.ravel()[first] for v in (ring, sector, petal))
    outer = rng.choice([5, 5, 5, 6, 6, 6, 7, 7, 4, 4, 8, 3, 1], len(first))
    tint = np.where(ring == 6, outer, TINTS[ring, petal, sector % 2])
    colour = GLASS[tint] * rng.uniform(0.75, 1.1, (len(first), 1)) + rng.normal(0, 12, (len(first), 3))
    return light(colour[pane.reshape(key.shape)], key, size, rng)


def light(colour, key, size, rng):
    """Lead the edges of the panes and light them from behind, brightest in the middle of pane and window."""
    x, y = grid(size, 3)
    edge = np.pad((np.diff(key, axis=0)[:, 1:] != 0) | (np.diff(key, axis=1)[1:] != 0), ((1, 0), (1, 0)))
    lead = (
        Image.fromarray(edge.astype(np.uint8) * 255)
        .filter(ImageFilter.MaxFilter(9))
        .filter(ImageFilter.GaussianBlur(1.5))
    )
    lead = np.asarray(lead, dtype=np.float32) / 255
    glow = 1 - blur(lead, 15)
    streak = noise(size, (70, 5), rng, 3) * 0.1 + noise(size, (14, 40), rng, 3) * 0.1
    sun = 0.3 * np.exp(-((x - 300) ** 2 + (y - 300) ** 2) / 300**2)
    glass = colour * (0.35 + 0.85 * glow + streak + sun)[..., None] + 55 * np.clip(glow - 0.6, 0, 1)[..., None]
    metal = rgb("17161c")[0] + 380 * np.clip(relief(lead, 2.5), -0.1, 0.1)[..., None]
    return finish(mix(glass, metal, lead * 1.3), size)


SUMI = rgb("14171f 6d7d92 2a3140 8f9bad 3d4c66 f3eee3")


def suminagashi(rng, size=(640, 512)):
    """Rings of ink floated on water and moved by a breath, after the Japanese suminagashi.

    A good style to set beside the coloured ones: almost no colour at all, only wandering dark lines (1-8 units) on
    white paper, nested like the rings of a tree and bent in every direction.
    """
    x, y = (v + 62 * noise(size, (250, 210), rng, 3, 4) for v in grid(size, 3))
    far = np.min([np.hypot(x - a, y - b) for a, b in scatter(size, 180, rng)], 0)
    ring, place = np.divmod(far / 10.5 + 0.25 * noise(size, (90, 90), rng, 3), 1)
    thick = 0.5 + 0.3 * noise(size, (110, 110), rng, 3) - 2 * np.abs(place - 0.5)
    ink = SUMI[(ring.astype(int) * 3) % 5]
    return finish(mix(SUMI[5], ink, 11 * thick), size, 1 + 0.025 * noise(size, (3, 9), rng, 3, 2))


DRAWN = mosaic, woodcut, impasto, stained_glass, suminagashi
STYLES = {draw.__name__: draw for draw in DRAWN}


def main():
    """Draw the named pictures, or all of them, and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="pictures to draw (default: all)")
    parser.add_argument("--out", type=Path, default=Path("data/style"), help="folder for the JPEGs")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in STYLES]
    if unknown:
        print(f"No style is called {', '.join(unknown)}; the known ones are {', '.join(STYLES)}.", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names or STYLES:
        begun = time.perf_counter()
        image = STYLES[name](np.random.default_rng(sum(name.encode())))
        path = args.out / f"{name}.jpg"
        image.save(path.with_suffix(".part"), "JPEG", quality=90, optimize=True)
        os.replace(path.with_suffix(".part"), path)
        spent = time.perf_counter() - begun
        print(f"{name:14} {image.width}x{image.height} {path.stat().st_size:7} bytes {spent:5.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
