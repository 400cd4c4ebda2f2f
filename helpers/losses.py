"""The losses of neural style transfer: pure functions of features, targets and images.

They are unit-free: 0 is a perfect match, and 1 is what features score that are zero everywhere (an
empty grey picture comes close). They are squared, so 0.01 means that a tenth of the norm is wrong.
Everything here sees features and images, and never a network. The recipes of published programs
have formulas of their own, in helpers.published.
"""

import torch
from torch import Tensor

__all__ = [
    "products",
    "gram",
    "content_loss",
    "style_loss",
    "total_variation",
    "range_penalty",
    "relative_error",
]

PIECES = 16  # into how many pieces a sum of bfloat16 products is cut; float32 adds the pieces up


def gram(features: Tensor) -> Tensor:
    """Channel correlations of one feature map: (1, C, h, w) -> (C, C), G = F Fᵀ / (h w).

    Gatys, Ecker and Bethge (2016), equation 3, without the division: here a picture and its half
    have the same G. Derived in notebook 03. Raises ValueError for features of several images.
    """
    is_tensor = isinstance(features, Tensor)
    if not is_tensor or features.ndim != 4 or features.shape[0] != 1:
        given = tuple(features.shape) if is_tensor else type(features).__name__
        raise ValueError(f"gram takes the features of one image, (1, C, h, w), found {given}")
    F = features.squeeze(0).flatten(1)  # one row a channel, one column a place
    return products(F) / F.shape[1]


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """How far the features of one layer are from their target: ‖F − P‖² / ‖P‖².

    features, target: both (1, C, h, w). Returns a scalar, at least 0. Gatys et al. (2016),
    equation 1, is ½ ‖F − P‖²; dividing by ‖P‖² takes the unit away. Derived in notebook 02.
    Raises ValueError for two shapes.
    """
    _require_same_shape("features", features, target)
    return relative_error(features.float(), target.float())


def style_loss(features: Tensor, target: Tensor) -> Tensor:
    """How far the Gram matrix of one layer is from its target: ‖G − A‖² / ‖A‖².

    features: (1, C, h, w). target: A = gram(features of the style), (C, C). Returns a scalar, at
    least 0. Gatys et al. (2016), equation 4, divides by 4 C² (h w)² instead. Derived in notebook
    04. Raises ValueError for a target of another shape.
    """
    G = gram(features)
    _require_same_shape("gram(features)", G, target)
    return relative_error(G, target.float())


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference between neighbouring pixels, across and down: (1, C, H, W) -> scalar.

    A horizontal ramp that rises by s a pixel has s². Mahendran and Vedaldi (2015), R_Vβ with β = 2,
    as a mean instead of a sum.
    """
    across = image[..., :, 1:] - image[..., :, :-1]
    down = image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean() + down.square().mean()


def range_penalty(image: Tensor) -> Tensor:
    """Mean squared excess over [0, 1], (1, 3, H, W) -> scalar: a fence that leaves gradients alone.

    Departs from Gatys et al., who let pixels run free: what is outside cannot be saved.
    """
    return (image - image.clamp(0, 1)).square().mean()


def relative_error(actual: Tensor, target: Tensor) -> Tensor:
    """‖actual − target‖² / ‖target‖², for tensors of one shape -> scalar.

    A target that is zero everywhere counts as one of norm 1e-6, so that nothing is divided by zero.
    """
    return (actual - target).square().sum() / target.square().sum().clamp_min(1e-12)


def products(F: Tensor) -> Tensor:
    """F Fᵀ: features as rows of channels, (C, N) -> (C, C), in float32, or float64 for float64.

    The gradient, (G' + G'ᵀ) F for a gradient G' that arrives (Gatys et al. 2016, equation 6), costs
    one product; automatic differentiation would take two. Large maps in bfloat16 are not copied to
    float32: the products of each piece are rounded once, and the pieces are added in float32.
    Raises ValueError for anything but a matrix.
    """
    if F.ndim != 2:
        shape = tuple(F.shape)
        raise ValueError(f"products takes features as rows of channels, (C, N), found {shape}")
    is_large = F.dtype == torch.bfloat16 and F.shape[1] >= 64 * PIECES
    if is_large or F.dtype == torch.float64:
        return _Products.apply(F)
    return _Products.apply(F.float())  # float16 would overflow


class _Products(torch.autograd.Function):
    """F Fᵀ, with a way back that multiplies once: both factors are the same F."""

    @staticmethod
    def forward(ctx, F: Tensor) -> Tensor:
        ctx.save_for_backward(F)
        if F.dtype == torch.bfloat16:
            return _products_in_pieces(F)
        return F @ F.T

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (F,) = ctx.saved_tensors
        both = (gradient + gradient.T).to(F.dtype)
        if F.stride(0) == 1:  # channels last in memory, and so the gradient has to be
            return (F.T @ both).T
        return both @ F


def _products_in_pieces(F: Tensor) -> Tensor:
    """F Fᵀ of bfloat16 features: products of 16 pieces of the places, and of the few left over."""
    whole = F.shape[1] // PIECES * PIECES
    pieces = F[:, :whole].unflatten(1, (PIECES, -1)).transpose(0, 1)  # (16, C, N / 16)
    rest = F[:, whole:].float()
    return torch.bmm(pieces, pieces.transpose(1, 2)).float().sum(0) + rest @ rest.T


def _require_same_shape(name: str, value: Tensor, target: Tensor) -> None:
    """A loss between two shapes would broadcast in silence; refuse it in a sentence."""
    for what, given in ((name, value), ("target", target)):
        if not isinstance(given, Tensor):
            raise ValueError(f"{what} must be a tensor, not {type(given).__name__}")
    if value.shape != target.shape:
        shapes = f"{name} has shape {tuple(value.shape)}, target has {tuple(target.shape)}"
        raise ValueError(f"{shapes}; they must be equal")
