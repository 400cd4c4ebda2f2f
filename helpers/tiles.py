"""A loss of large pictures in little memory: exact tiles, as notebook 09 derives them.

A Gram matrix is a sum over places, so it can be added up tile by tile. Each tile is cut out with a
halo of neighbours, and the features of the halo are thrown away: no seam, and the gradient of the
whole picture up to rounding. It costs time: a tile's features are computed once for the sums, and
once more on the way back.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from helpers.losses import products
from helpers.published import STATISTICS, features_themselves
from helpers.recipes import Found, Objective, Recipe, Wanted
from helpers.vgg import VGG

__all__ = ["TiledObjective", "can_be_tiled", "halo_for"]

DIVISORS = {  # of F Fᵀ, for channels C and places N; other statistics are no plain sums over places
    STATISTICS["one"]: lambda channels, places: 1,
    STATISTICS["places"]: lambda channels, places: places,
    STATISTICS["features"]: lambda channels, places: channels * places,
}
AGAIN = {"use_reentrant": False, "preserve_rng_state": False}  # nothing here is random


class Tile(NamedTuple):
    """Where a tile lies in a picture, and where it is cut out, in pixels: rows and columns."""

    rows: slice
    columns: slice
    cut_rows: slice  # with the halo, as far as the picture goes
    cut_columns: slice


class TiledObjective(Objective):
    """An Objective that looks at one tile after another: the same loss, the same gradient.

    what, vgg, content, style: as in helpers.recipes.Objective; one style, no masks. side: of a
    tile, in pixels, rounded up to what the poolings need. What is kept for the gradient grows with
    the tile, and no more with the picture, but for the features that are compared as content.

    Raises ValueError for a recipe whose style is no Gram matrix.
    """

    def __init__(
        self,
        what: str | Recipe,
        vgg: VGG,
        content: Tensor,
        style: Tensor,
        side: int = 1024,
    ):
        if not isinstance(side, int) or isinstance(side, bool) or side < 1:
            raise ValueError(f"side must be a whole number of pixels from 1 on, not {side!r}")
        self.side = side
        super().__init__(what, vgg, content, style)

    def _find(self, image: Tensor, wanted: list[Wanted]) -> list[Found]:
        """As in Objective; each tile is computed anew where its gradient is wanted."""
        for _, statistic, guided in wanted:
            if guided is not None or statistic not in {features_themselves, *DIVISORS}:
                name = getattr(statistic, "__name__", statistic)
                raise ValueError(f"tiles add up Gram matrices without masks, and not {name}")
        layers = [each.layer for each in wanted]
        summed = [each.statistic is not features_themselves for each in wanted]
        jumps = {layer: _pixels_between(self.vgg, layer) for layer in layers}
        halo = max(halo_for(self.vgg, layer) for layer in layers)
        step = max(jumps.values())

        def of_tile(cut: Tensor, tile: Tile) -> tuple[Tensor, ...]:
            maps = self._maps(cut, layers)
            found = []
            for layer, is_summed in zip(layers, summed, strict=True):
                inner = _without_halo(maps[layer], tile, jumps[layer])
                found.append(products(inner[0].flatten(1)) if is_summed else inner.float())
            return tuple(found)

        rows = []
        for row in _tiles(image, -(-self.side // step) * step, halo):
            results = []
            for tile in row:
                cut = image[..., tile.cut_rows, tile.cut_columns]
                results.append(checkpoint(of_tile, cut, tile, **AGAIN))
            rows.append(list(zip(*results, strict=True)))  # for each that is wanted, its tiles
        return [
            self._joined(image, each, [row[number] for row in rows], jumps[each.layer])
            for number, each in enumerate(wanted)
        ]

    def _joined(self, image: Tensor, wanted: Wanted, rows: list[tuple], jump: int) -> Found:
        """What the tiles found, as one: side by side, or as a sum."""
        places = (image.shape[2] // jump) * (image.shape[3] // jump)
        if wanted.statistic is features_themselves:
            maps = torch.cat([torch.cat(row, dim=3) for row in rows], dim=2)
            return Found(maps[0].flatten(1), maps.numel())
        total = sum(sum(row) for row in rows)
        channels = len(total)
        return Found(total / DIVISORS[wanted.statistic](channels, places), channels * places)


def can_be_tiled(chosen: Recipe) -> bool:
    """Whether a recipe's style is compared by sums over places, which tiles can add up."""
    return STATISTICS[chosen.gram] in DIVISORS


def halo_for(vgg: VGG, layer: str) -> int:
    """How many pixels beyond its own a place of a layer sees, up to the next pooling's multiple.

    Each 3 x 3 convolution sees one place more on each side, and a place is 2 pixels wide after the
    first pooling, 4 after the second, and so on. 80 for relu5_1, whose window has 156 pixels.
    """
    seen = 0
    width = 1
    for name in vgg.layers:
        if name.startswith("conv"):
            seen += width
        elif name.startswith("pool"):
            width *= 2
        if name == layer:
            break
    return -(-seen // width) * width


def _pixels_between(vgg: VGG, layer: str) -> int:
    """The pixels between two neighbouring places of a layer."""
    names = list(vgg.layers)
    before = names[: names.index(layer) + 1]
    return 2 ** sum(name.startswith("pool") for name in before)


def _tiles(image: Tensor, side: int, halo: int) -> Iterator[list[Tile]]:
    """The tiles of a picture, row by row; the last ones are as large as what is left."""
    height, width = image.shape[2:]
    for rows, cut_rows in _pieces(height, side, halo):
        yield [
            Tile(rows, columns, cut_rows, cut_columns)
            for columns, cut_columns in _pieces(width, side, halo)
        ]


def _pieces(length: int, side: int, halo: int) -> list[tuple[slice, slice]]:
    """A length in pieces of `side`, each without and with its halo."""
    pieces = []
    for start in range(0, length, side):
        end = min(start + side, length)
        pieces.append((slice(start, end), slice(max(0, start - halo), min(end + halo, length))))
    return pieces


def _without_halo(maps: Tensor, tile: Tile, jump: int) -> Tensor:
    """The features of a tile's own pixels, of those of its cut."""
    for dim, own, cut in ((2, tile.rows, tile.cut_rows), (3, tile.columns, tile.cut_columns)):
        first = (own.start - cut.start) // jump
        last = (own.stop - cut.start) // jump
        maps = maps.narrow(dim, first, last - first)
    return maps
