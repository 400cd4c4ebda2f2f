"""The drawn styles of the series: made by code alone, one file each, each from its own fixed seed.

    python -m tools.pictures.styles [name ...] [--out data/style]

A new one needs a file beside the others with SIZE, SEED and its function, and a line in STYLES.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from PIL import Image

from tools.pictures.styles import impasto, mosaic, stained_glass, suminagashi, woodcut

__all__ = ["STYLES", "Style", "draw"]


class Style(NamedTuple):
    """A function (generator, size in units) -> picture, and what it is called with."""

    function: Callable[..., Image.Image]
    seed: int
    size: tuple[int, int]


STYLES = {
    "mosaic": Style(mosaic.mosaic, mosaic.SEED, mosaic.SIZE),
    "woodcut": Style(woodcut.woodcut, woodcut.SEED, woodcut.SIZE),
    "impasto": Style(impasto.impasto, impasto.SEED, impasto.SIZE),
    "stained_glass": Style(stained_glass.stained_glass, stained_glass.SEED, stained_glass.SIZE),
    "suminagashi": Style(suminagashi.suminagashi, suminagashi.SEED, suminagashi.SIZE),
}


def draw(name: str, size: tuple[int, int] | None = None, seed: int | None = None) -> Image.Image:
    """Draw a style as an RGB picture.

    size: (width, height) in units, of which each becomes two pixels; a smaller one shows the upper
    left part. size and seed are the style's own unless they are given. Raises ValueError for an
    unknown name.
    """
    if name not in STYLES:
        raise ValueError(f"there is no style {name!r}; known: {', '.join(STYLES)}")
    style = STYLES[name]
    if size is None:
        size = style.size
    if seed is None:
        seed = style.seed
    return style.function(np.random.default_rng(seed), size)
