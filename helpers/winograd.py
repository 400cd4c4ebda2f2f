"""3 x 3 convolutions that multiply a quarter as often: Winograd's, for processors.

From Lavin and Gray (2016), "Fast Algorithms for Convolutional Neural Networks", section 4.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

__all__ = ["WinogradConv"]

# F(4 x 4, 3 x 3), their section 4.3: a tile of 6 x 6 pixels and a filter of 3 x 3 become 36 numbers
# each, which are multiplied one by one, and the 36 products become 4 x 4 pixels of the result.
OF_TILES = (
    (4, 0, -5, 0, 1, 0),
    (0, -4, -4, 1, 1, 0),
    (0, 4, -4, -1, 1, 0),
    (0, -2, -1, 2, 1, 0),
    (0, 2, -1, -2, 1, 0),
    (0, 4, 0, -5, 0, 1),
)
OF_FILTERS = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)
OF_PRODUCTS = (
    (1, 1, 1, 1, 1, 0),
    (0, 1, -1, 2, -2, 0),
    (0, 1, 1, 4, 4, 0),
    (0, 1, -1, 8, -8, 1),
)
STRIP = 256  # tiles at a time: what is between stays in the processor's cache
FEWEST = 12  # tiles; with fewer, reading the transformed filters takes the time that is saved


class WinogradConv(nn.Conv2d):
    """A 3 x 3 convolution with padding 1, in float32, on a processor: the same sums in less time.

    conv: the convolution whose weight and bias it shares. A pixel of the result takes 2.25
    multiplications for each pair of channels instead of 9. The transforms cost less than that saves
    from 64 channels on; the result differs from the direct one by about 3e-6 of its length, five
    times its rounding. Filters take four times their memory once more, from the first call on.

    Where nothing would be gained, it is the direct convolution: in another precision, on another
    device, for a batch, for features of fewer than 12 tiles of 4 x 4, and for weights that learn.
    """

    def __init__(self, conv: nn.Conv2d):
        with torch.device("meta"):  # nothing is drawn: the weights come from elsewhere
            super().__init__(conv.in_channels, conv.out_channels, 3, padding=1)
        self.weight = conv.weight
        self.bias = conv.bias
        self._filters = None
        self._made_of = None

    def forward(self, features: Tensor) -> Tensor:
        """(1, C, H, W) -> (1, K, H, W)."""
        if not self._gains(features):
            return super().forward(features)
        return _Convolution.apply(features, self._transformed_filters(), self.bias)

    def _gains(self, features: Tensor) -> bool:
        is_here = features.device.type == self.weight.device.type == "cpu"
        is_exact = features.dtype == self.weight.dtype == torch.float32
        is_frozen = not (self.weight.requires_grad or self.bias.requires_grad)
        if not (is_here and is_exact and is_frozen and features.ndim == 4 and len(features) == 1):
            return False
        rows, columns = _tiles(*features.shape[2:])
        return rows * columns >= FEWEST

    def _transformed_filters(self) -> Tensor:
        """The filters as 36 matrices (36, C, K); made anew when somebody changed the weights."""
        weight = self.weight
        version = 0 if weight.is_inference() else weight._version
        if self._made_of != (weight.data_ptr(), version):
            with torch.no_grad():
                transform = torch.tensor(OF_FILTERS, dtype=torch.float64)
                both = torch.einsum("ij,kcjl,ml->imck", transform, weight.double(), transform)
                self._filters = both.flatten(0, 1).float().contiguous()
            self._made_of = (weight.data_ptr(), version)
        return self._filters


class _Convolution(torch.autograd.Function):
    """The convolution; its derivative is the transposed one, and the other way round."""

    @staticmethod
    def forward(ctx, features: Tensor, filters: Tensor, bias: Tensor | None) -> Tensor:
        ctx.filters = filters
        ctx.sides = features.shape[2:]
        return _convolved(features, filters, bias)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Transposed.apply(gradient, ctx.filters, *ctx.sides), None, None


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gradient: Tensor, filters: Tensor, height: int, width: int) -> Tensor:
        ctx.filters = filters
        return _transposed(gradient, filters, height, width)

    @staticmethod
    def backward(ctx, features: Tensor) -> tuple[Tensor, None, None, None]:
        return _Convolution.apply(features, ctx.filters, None), None, None, None


def _convolved(features: Tensor, filters: Tensor, bias: Tensor | None) -> Tensor:
    """(1, C, H, W) and (36, C, K) -> (1, K, H, W), channels last in memory."""
    height, width = features.shape[2:]
    rows, columns = _tiles(height, width)
    _, channels, kernels = filters.shape
    to_numbers = _both_ways(OF_TILES)
    to_pixels = _both_ways(OF_PRODUCTS)
    pixels = features[0].permute(1, 2, 0)
    result = features.new_empty(4 * rows, 4 * columns, kernels)
    blocks = result.view(rows, 4, columns, 4, kernels).permute(1, 3, 0, 2, 4)
    for first, count in _strips(rows, columns):
        top = max(0, 4 * first - 1)
        bottom = 4 * (first + count) + 1
        strip = pixels[top:bottom]
        above = int(first == 0)
        below = bottom - top - len(strip)
        strip = pad(strip, (0, 0, 1, 4 * columns + 1 - width, above, below))
        tiles = strip.unfold(0, 6, 4).unfold(1, 6, 4).permute(3, 4, 0, 1, 2).reshape(36, -1)
        products = torch.bmm((to_numbers @ tiles).view(36, -1, channels), filters)
        block = (to_pixels @ products.view(36, -1)).view(4, 4, count, columns, kernels)
        blocks[:, :, first : first + count] = block if bias is None else block.add_(bias)
    return result[None, :height, :width].permute(0, 3, 1, 2)


def _transposed(gradient: Tensor, filters: Tensor, height: int, width: int) -> Tensor:
    """(1, K, H, W) and (36, C, K) -> (1, C, H, W): each step of `_convolved` back again."""
    rows, columns = _tiles(height, width)
    _, channels, kernels = filters.shape
    from_numbers = _both_ways(OF_TILES).T
    from_pixels = _both_ways(OF_PRODUCTS).T
    pixels = gradient[0].permute(1, 2, 0)
    result = gradient.new_zeros(height, width, channels)
    for first, count in _strips(rows, columns):
        strip = pixels[4 * first : 4 * (first + count)]
        strip = pad(strip, (0, 0, 0, 4 * columns - width, 0, 4 * count - len(strip)))
        tiles = strip.unfold(0, 4, 4).unfold(1, 4, 4).permute(3, 4, 0, 1, 2).reshape(16, -1)
        products = torch.bmm((from_pixels @ tiles).view(36, -1, kernels), filters.mT)
        tiles = (from_numbers @ products.view(36, -1)).view(6, 6, count, columns, channels)
        strip = _overlapped(tiles)
        top = max(0, 4 * first - 1)
        bottom = min(height, 4 * (first + count) + 1)
        above = int(first == 0)
        result[top:bottom] += strip[above : above + bottom - top, 1 : width + 1]
    return result[None].permute(0, 3, 1, 2)


def _overlapped(tiles: Tensor) -> Tensor:
    """The sum of tiles (6, 6, rows, columns, C), each two pixels into its neighbours."""
    rows, columns, channels = tiles.shape[2:]
    strip = tiles.new_zeros(4 * rows + 4, 4 * columns + 4, channels)
    blocks = strip.view(rows + 1, 4, columns + 1, 4, channels).permute(1, 3, 0, 2, 4)
    blocks[:, :, :rows, :columns] = tiles[:4, :4]
    blocks[:2, :, 1:, :columns] += tiles[4:, :4]
    blocks[:, :2, :rows, 1:] += tiles[:4, 4:]
    blocks[:2, :2, 1:, 1:] += tiles[4:, 4:]
    return strip


def _tiles(height: int, width: int) -> tuple[int, int]:
    """Rows and columns of tiles that cover a picture."""
    return -(-height // 4), -(-width // 4)


def _strips(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Strips of tiles: the first row of each, and how many rows it has."""
    most = max(1, STRIP // columns)
    for first in range(0, rows, most):
        yield first, min(most, rows - first)


def _both_ways(transform: tuple[tuple[float, ...], ...]) -> Tensor:
    """The transform of rows and of columns in one matrix, for tiles written as one column."""
    matrix = torch.tensor(transform, dtype=torch.float32)
    return torch.kron(matrix, matrix)
