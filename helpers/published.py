"""What published codes compute, one named function each: inputs, statistics, errors, variations.

The tables at the end of each part give them the names that data/recipes.toml uses. Every function
is compared with an independent transcription of its source in the tests.

F: features of one layer, (C, N), a row a channel and a column a place. image: (1, 3, H, W), RGB in
[0, 1].
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from helpers.losses import products, relative_error, total_variation
from helpers.vgg import MEAN, STD

__all__ = [
    "INPUTS",
    "STATISTICS",
    "ERRORS",
    "VARIATIONS",
    "Sizes",
    "Moments",
    "to_image",
    "to_normalised",
]


# ---- inputs: what the published code feeds its network -------------------------------------------
#
# Channels stay in the order RGB. Codes with Caffe's weights feed BGR to a network that knows BGR,
# and neither a total variation nor an optimiser depends on the order.

MEAN_STD = 0.226  # the mean of ImageNet's three deviations
CAFFE_MEAN = (123.68, 116.779, 103.939)  # RGB of 255: what networks trained with Caffe expect


def torchvision_input(image: Tensor) -> Tensor:
    """(RGB − mean) / deviation of ImageNet: torchvision's networks, and ours."""
    return (image - _per_channel(MEAN, image)) / _per_channel(STD, image)


def rgb255_input(image: Tensor) -> Tensor:
    """255 (RGB − mean), not divided by the deviation (gordicaleksa)."""
    return (image - _per_channel(MEAN, image)) * 255


def caffe_input(image: Tensor) -> Tensor:
    """255 RGB − Caffe's mean: the networks of the paper, of Keras and of TensorFlow."""
    return 255 * image - _per_channel(CAFFE_MEAN, image)


def caffe256_input(image: Tensor) -> Tensor:
    """256 RGB − Caffe's mean, as in jcjohnson/neural-style."""
    return 256 * image - _per_channel(CAFFE_MEAN, image)


INPUTS = {
    "torchvision": torchvision_input,
    "rgb255": rgb255_input,
    "caffe": caffe_input,
    "caffe256": caffe256_input,
}


def to_image(fed: Tensor, name: str) -> Tensor:
    """The way back: what INPUTS[name] gives -> RGB; both (1, 3, H, W)."""
    if name == "torchvision":
        return fed * _per_channel(STD, fed) + _per_channel(MEAN, fed)
    if name == "rgb255":
        return fed / 255 + _per_channel(MEAN, fed)
    return (fed + _per_channel(CAFFE_MEAN, fed)) / (256 if name == "caffe256" else 255)


class Feed(NamedTuple):
    """What a network of normalised RGB gets, so that it finds what the published one found."""

    pixels: Tensor  # (1, 3, H, W)
    border: str | Tensor  # what its first convolution sees beyond them: padding of VGG.features
    gain: float  # by what the published features are larger than those of the original VGG19 here


def to_normalised(fed: Tensor, name: str) -> Feed:
    """What INPUTS[name] gives, for a network that knows normalised RGB.

    fed: (1, 3, H, W). Caffe's networks know BGR of 0 ... 255 minus a mean of their own. Ours have
    that folded into conv1_1, and features smaller by 255 times the mean deviation; zeros beside the
    picture mean Caffe's mean colour there. Codes that feed 0 ... 255 to torchvision's networks
    ("rgb255") feed them what they were not trained with, and so do we.
    """
    if name in ("torchvision", "rgb255"):
        return Feed(fed, "zeros", 1.0)
    rgb = (fed + _per_channel(CAFFE_MEAN, fed)) / 255  # 256 is an image that is a little too bright
    border = torchvision_input(_per_channel(CAFFE_MEAN, fed) / 255)
    return Feed(torchvision_input(rgb), border, 255 * MEAN_STD)


def _per_channel(values: tuple[float, float, float], like: Tensor) -> Tensor:
    """Three numbers -> (1, 3, 1, 1), on the device of a tensor."""
    return _constant(values, like.device)


@cache
def _constant(values: tuple[float, float, float], device: torch.device) -> Tensor:
    """Three numbers, copied to a device once: a GPU would wait for each copy.

    They must not be those of `torch.inference_mode`, which no gradient can go through later.
    """
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(1, 3, 1, 1)


# ---- statistics: what of the features is compared as style ---------------------------------------


class Moments(NamedTuple):
    """Mean and covariance of the channels over all places."""

    mean: Tensor  # (C,)
    covariance: Tensor  # (C, C)


def features_themselves(F: Tensor) -> Tensor:
    """The features as they are, in float32: what is compared as content."""
    return F.float()


def gram_undivided(F: Tensor) -> Tensor:
    """F Fᵀ, as in Gatys et al. (2016), equation 3; Keras, Udacity. It grows with the picture."""
    return products(F)


def gram_over_places(F: Tensor) -> Tensor:
    """F Fᵀ / N: Gatys' own PyTorch notebook, TensorFlow, pystiche, and this series."""
    return products(F) / F.shape[1]


def gram_over_features(F: Tensor) -> Tensor:
    """F Fᵀ / (C N): neural-style, PyTorch's tutorial, d2l, gordicaleksa, CS231n."""
    return products(F) / F.numel()


def mean_and_covariance(F: Tensor) -> Moments:
    """Mean and covariance, with 1e-4 on its diagonal (crowsonkb, StyleLossW2)."""
    mean = F.float().mean(1)
    ridge = 1e-4 * torch.eye(len(F), device=F.device)
    # torch.cov would ask the device whether there are places enough, and a GPU wait for it
    return Moments(mean, products(F.float() - mean[:, None]) / F.shape[1] + ridge)


STATISTICS = {
    "one": gram_undivided,  # divided by 1
    "places": gram_over_places,
    "features": gram_over_features,
    "moments": mean_and_covariance,
}


# ---- errors: how far features or statistics are from their target --------------------------------
#
# A mean is written as a sum that is divided: with channels last in memory, the gradient of torch's
# mean has another order than the features, and meeting them takes three times as long.


class Sizes(NamedTuple):
    """What some published errors are divided by."""

    features: int  # C N: how many numbers the layer has
    pixels: int  # H W, of the image


def mean_square(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """The mean of the squared differences: PyTorch's mse_loss."""
    return (value - target).square().sum() / value.numel()


def sum_square(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """The sum of the squared differences (gordicaleksa, CS231n)."""
    return (value - target).square().sum()


def gatys_layer_error(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """Σ (G − A)² / (4 C² N²): Gatys et al. (2016), equation 4."""
    return (value - target).square().sum() / (4 * sizes.features**2)


def mean_amount(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """The mean of the absolute differences: PyTorch's l1_loss (the small project from noise)."""
    return (value - target).abs().sum() / value.numel()


def unit_free(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """‖value − target‖² / ‖target‖²: this series."""
    return relative_error(value, target)


def mean_square_over_features(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """The mean of the squares, divided by C N once more (Udacity)."""
    return mean_square(value, target, sizes) / sizes.features


def keras_layer_error(value: Tensor, target: Tensor, sizes: Sizes) -> Tensor:
    """Σ (G − A)² / (4 · 3² · (H W)²): Keras takes every layer for an image of three channels."""
    return (value - target).square().sum() / (4 * 3**2 * sizes.pixels**2)


def wasserstein(value: Moments, target: Moments, sizes: Sizes) -> Tensor:
    """Squared Wasserstein-2 distance of two normal distributions, as a mean over channels.

    crowsonkb: the mean of (μ − ν)² + diag(Σ + T − 2 (T^½ Σ T^½)^½), for means μ, ν and covariances
    Σ, T.
    """
    root = _square_root(target.covariance)
    cross = _square_root(root @ value.covariance @ root)
    shift = (value.mean - target.mean).square()
    return (shift + (value.covariance + target.covariance - 2 * cross).diag()).mean()


ROUNDS = 12  # of Newton and Schulz, in crowsonkb's sqrtm


def _square_root(matrix: Tensor) -> Tensor:
    """The square root of a positive matrix (C, C)."""
    return _SquareRoot.apply(matrix)


class _SquareRoot(torch.autograd.Function):
    """Twelve rounds of Newton and Schulz, and on the way back twelve for Lyapunov's equation.

    With R² = M, a small change of M changes R by the X of R X + X R = dM; so the gradient of M is
    the X of R X + X R = dR. Both are found by multiplications alone (Lin and Maji 2017, "Improved
    bilinear pooling with CNNs", sections 3.1 and 3.2), as crowsonkb's sqrtm does.
    """

    @staticmethod
    def forward(ctx, matrix: Tensor) -> Tensor:
        identity = torch.eye(len(matrix), device=matrix.device)
        norm = matrix.square().sum().sqrt()
        root = matrix / norm
        inverse = identity
        for _ in range(ROUNDS):
            correction = (3 * identity - inverse @ root) / 2
            root = root @ correction
            inverse = correction @ inverse
        root = root * norm.sqrt()
        ctx.save_for_backward(root)
        return root

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (root,) = ctx.saved_tensors
        three = 3 * torch.eye(len(root), device=root.device)
        norm = root.square().sum().sqrt()
        sign = root / norm  # goes to the identity, and the gradient to twice the answer
        answer = gradient / norm
        for _ in range(ROUNDS):
            square = sign @ sign
            twisted = sign.T @ answer - answer @ sign
            answer = (answer @ (three - square) - sign.T @ twisted) / 2
            sign = sign @ (three - square) / 2
        return answer / 2


ERRORS = {
    "mean": mean_square,
    "sum": sum_square,
    "absolute": mean_amount,
    "paper": gatys_layer_error,
    "relative": unit_free,
    "mean over features": mean_square_over_features,
    "three channels": keras_layer_error,
    "wasserstein": wasserstein,
}


# ---- variations: how much neighbouring pixels x differ -------------------------------------------


def sum_of_squares(x: Tensor) -> Tensor:
    """Σ (right² + down²) over all neighbours (CS231n)."""
    return _right(x).square().sum() + _down(x).square().sum()


def sum_of_squares_at_both(x: Tensor) -> Tensor:
    """Σ (right² + down²) of the pixels that have both neighbours (neural-style)."""
    return _squares_at_both(x).sum()


def sum_of_powers_at_both(x: Tensor) -> Tensor:
    """Σ (right² + down²)^1.25 of the pixels that have both neighbours (Keras)."""
    return _squares_at_both(x).pow(1.25).sum()


def sum_of_amounts(x: Tensor) -> Tensor:
    """Σ |right| + Σ |down| (TensorFlow, neural-style-pt, gordicaleksa)."""
    return _right(x).abs().sum() + _down(x).abs().sum()


def mean_of_amounts(x: Tensor) -> Tensor:
    """The mean of |right| and the mean of |down|, added (d2l)."""
    return _right(x).abs().mean() + _down(x).abs().mean()


def nine_points(x: Tensor) -> Tensor:
    """Mean squares towards all eight neighbours, the diagonal ones with a quarter of the weight.

    crowsonkb, TVLoss. The image is continued beyond its border by its nearest pixels.
    """
    x = pad(x, (1, 1, 1, 1), mode="replicate")
    right = x[..., 1:-1, 2:] - x[..., 1:-1, 1:-1]
    down = x[..., 2:, 1:-1] - x[..., 1:-1, 1:-1]
    falling = x[..., 1:, 1:] - x[..., :-1, :-1]
    rising = x[..., 1:, :-1] - x[..., :-1, 1:]
    straight = right.square().mean() / 3 + down.square().mean() / 3
    diagonal = falling.square().mean() / 12 + rising.square().mean() / 12
    return 2 * straight + 2 * diagonal


def _right(x: Tensor) -> Tensor:
    return x[..., :, 1:] - x[..., :, :-1]


def _down(x: Tensor) -> Tensor:
    return x[..., 1:, :] - x[..., :-1, :]


def _squares_at_both(x: Tensor) -> Tensor:
    """right² + down² of the pixels that have both neighbours."""
    return _right(x)[..., :-1, :].square() + _down(x)[..., :, :-1].square()


VARIATIONS = {
    "squares, mean": total_variation,
    "squares": sum_of_squares,
    "squares, both": sum_of_squares_at_both,
    "power 2.5, both": sum_of_powers_at_both,
    "absolute": sum_of_amounts,
    "absolute, mean": mean_of_amounts,
    "nine points": nine_points,
}
