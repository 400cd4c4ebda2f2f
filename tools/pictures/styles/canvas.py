"""What the drawn styles share: colours, coordinates, smooth noise, light, flow lines and cells.

Lengths are in units. A picture is about 640 units wide. It is drawn at three pixels a unit and
finished at two, so its edges are clean. `size` is always (width, height) in units, and `rng` is the
generator from which a picture takes all its accidents, in a fixed order.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

DRAWN = 3  # pixels a unit while drawing
FINISHED = 2  # pixels a unit in the file
TURN = 2 * np.pi
FAR = 1e6  # farther than any place of a picture
SMALL = 1e-6  # keeps a division from 0 / 0


def rgb(text: str) -> np.ndarray:
    """Colours in hexadecimal, "1d2a4d d2452d" -> (n, 3), between 0 and 255."""
    return np.array([list(bytes.fromhex(word)) for word in text.split()], dtype=np.float32)


def grid(size) -> tuple[np.ndarray, np.ndarray]:
    """The middles of all drawn pixels, in units: x (1, w) and y (h, 1)."""
    width, height = size
    x = (np.arange(width * DRAWN, dtype=np.float32) + 0.5) / DRAWN
    y = (np.arange(height * DRAWN, dtype=np.float32) + 0.5) / DRAWN
    return x[None, :], y[:, None]


def noise(size, cell, rng, scale: int = 1, octaves: int = 3) -> np.ndarray:
    """Smooth noise, about -1 to 1.

    cell: the largest bumps, (across, down) in units. Each octave has bumps half as wide and half as
    high as the one before. scale: pixels a unit. Returns (scale * height, scale * width).
    """
    width, height = size
    total = 0
    for octave in range(octaves):
        detail = 2**octave
        rows = max(4, int(height * detail / cell[1]) + 2)
        columns = max(4, int(width * detail / cell[0]) + 2)
        values = rng.normal(0, 0.6, (rows, columns)).astype(np.float32)
        bumps = Image.fromarray(values).resize((width * scale, height * scale), Image.BICUBIC)
        total = total + np.asarray(bumps) / detail
    return total


def blur(values: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of a 2-D array, in its own pixels; it wraps around at the borders."""
    down = np.fft.fftfreq(values.shape[0])[:, None]
    across = np.fft.rfftfreq(values.shape[1])[None, :]
    bell = np.exp(-2 * (np.pi * radius) ** 2 * (across**2 + down**2))
    blurred = np.fft.irfft2(np.fft.rfft2(values) * bell, s=values.shape)
    return blurred.astype(np.float32)


def relief(height: np.ndarray, soft: float) -> np.ndarray:
    """Light from the upper left on a softened height map: positive on slopes that face it."""
    down, across = np.gradient(blur(height, soft))
    return -(0.8 * down + 0.6 * across)


def mix(low: np.ndarray, high: np.ndarray, amount) -> np.ndarray:
    """Blend two colours, or arrays of them, by amounts that are cut to 0 ... 1."""
    amount = np.clip(np.asarray(amount), 0, 1)[..., None]
    return low * (1 - amount) + high * amount


def scatter(size, gap: float, rng, jitter: float = 0.45) -> np.ndarray:
    """Jittered grid points in random order, (n, 2): even cover without a visible grid.

    They reach a little beyond the picture. gap: units between neighbours.
    """
    width, height = size
    across = np.arange(-gap, width + gap, gap) + gap / 2
    down = np.arange(-gap, height + gap, gap) + gap / 2
    x, y = np.meshgrid(across, down)
    points = np.stack([x.ravel(), y.ravel()], 1)
    return rng.permutation(points + rng.uniform(-jitter, jitter, points.shape) * gap)


def at(field: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Read a map that has one value a unit at any places, clipped to its borders."""
    rows, columns = field.shape
    row = np.clip(y, 0, rows - 1).astype(int)
    column = np.clip(x, 0, columns - 1).astype(int)
    return field[row, column]


def trace(angle: Callable, start: np.ndarray, steps: int, step: float) -> np.ndarray:
    """Follow a field of directions both ways from every start.

    angle: (x, y) -> radians. start: (n, 2). step: units. Returns paths (n, 2 * steps + 1, 2).
    """
    backwards = _follow(angle, start, steps, -step)
    forwards = _follow(angle, start, steps, step)
    return np.stack([*reversed(backwards), start, *forwards], 1)


def _follow(angle: Callable, start: np.ndarray, steps: int, step: float) -> list[np.ndarray]:
    """The places after 1, 2, ... steps."""
    places = []
    place = start
    for _ in range(steps):
        direction = angle(place[:, 0], place[:, 1])
        place = place + step * np.stack([np.cos(direction), np.sin(direction)], 1)
        places.append(place)
    return places


def normals(path: np.ndarray) -> np.ndarray:
    """Unit vectors across a path (n, 2), one for each of its points."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    return across / (np.linalg.norm(along, axis=1, keepdims=True) + SMALL)


class Tiles(NamedTuple):
    """Where tiles lie, (n, 2) in units, and how each is turned, (n,) in radians."""

    places: np.ndarray
    angles: np.ndarray


class Cells(NamedTuple):
    """For every pixel the number of its nearest tile, and the distances to the two nearest."""

    label: np.ndarray
    near: np.ndarray
    second: np.ndarray


def cells(tiles: Tiles, reach: float, size, scale: int, distance: Callable) -> Cells:
    """Give every pixel to its nearest tile.

    reach: units around each tile in which it is looked for. scale: pixels a unit. distance:
    (along, across) of a tile's own axes -> its measure, such as np.maximum for squares.
    """
    width, height = size
    shape = np.array([width * scale, height * scale])
    label = np.zeros(shape[::-1], dtype=np.int32)
    near = np.full(label.shape, FAR, dtype=np.float32)
    second = np.full(label.shape, FAR, dtype=np.float32)
    for number, (place, angle) in enumerate(zip(*tiles, strict=True)):
        left, top = np.clip((place - reach) * scale, 0, shape).astype(int)
        right, bottom = np.clip((place + reach) * scale, 0, shape).astype(int)
        part = (slice(top, bottom), slice(left, right))
        x = np.arange(left, right, dtype=np.float32) / scale - place[0]
        y = np.arange(top, bottom, dtype=np.float32)[:, None] / scale - place[1]
        cosine = np.cos(angle)
        sine = np.sin(angle)
        far = distance(np.abs(x * cosine + y * sine), np.abs(y * cosine - x * sine))
        second[part] = np.minimum(second[part], np.maximum(near[part], far))
        label[part][far < near[part]] = number
        near[part] = np.minimum(near[part], far)
    return Cells(label, near, second)


def finish(colours: np.ndarray, size) -> Image.Image:
    """Round an array of colours (h, w, 3) and reduce it to the finished size."""
    width, height = size
    picture = Image.fromarray(np.clip(colours + 0.5, 0, 255).astype(np.uint8))
    return picture.resize((FINISHED * width, FINISHED * height), Image.LANCZOS)
