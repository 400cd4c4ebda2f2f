"""Speed and memory, one trick a function; each can be left out. Measured by tools/bench.py, explained in notebook 09.

Like `transfer`, it sees images, features and layers, never a particular network.
"""

import ctypes
import functools
import os
import platform

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["fast", "products", "keep_memory", "own_pixels", "pyramid", "matched_colour"]

# Grey, and two colour axes, each of length 1: pixels change along them, because the loss bends differently along each.
AXES = ((0.577, 0.577, 0.577), (0.707, 0.0, -0.707), (0.408, -0.816, 0.408))
GREY = (1.0, 0.7, 0.5, 0.35, 0.25)  # weights at full size, half, a quarter, ...: where the loss bends little, more
COLOUR = (1.7, 0.3, 0.15, 0.08, 0.04)  # colour is nearly free in fine detail and stiff in large areas
PIECES = 16  # sums of products in 16 pieces: bfloat16 keeps 8 bits of each, float32 adds them up


class _Products(torch.autograd.Function):
    """F Fᵀ. Autograd would multiply twice on the way back, once for each F; the two products are one."""

    @staticmethod
    def forward(ctx, flat):
        ctx.save_for_backward(flat)
        if flat.dtype != torch.bfloat16:
            return flat @ flat.T
        whole = flat.shape[1] // PIECES * PIECES
        parts, rest = flat[:, :whole].unflatten(1, (PIECES, -1)).transpose(0, 1), flat[:, whole:].float()
        return torch.bmm(parts, parts.transpose(1, 2)).float().sum(0) + rest @ rest.T

    @staticmethod
    def backward(ctx, gradient):
        (flat,) = ctx.saved_tensors
        both = (gradient + gradient.T).to(flat.dtype)
        return (flat.T @ both).T if flat.stride(0) == 1 else both @ flat  # laid out in memory as flat is


def products(flat: Tensor) -> Tensor:
    """F Fᵀ of features F, (C, hw) -> (C, C) in float32, or float64 for float64.

    Its gradient (G + Gᵀ) F, after Gatys et al. (2016), equation 6, costs one product instead of two. Large maps in
    bfloat16 are not copied to float32: the products of a piece are rounded once, and the pieces added in float32.
    """
    if flat.ndim != 2:
        raise ValueError(f"products takes features as rows of channels, (C, hw), found {tuple(flat.shape)}")
    large = flat.dtype == torch.bfloat16 and flat.shape[1] >= 64 * PIECES
    return _Products.apply(flat if large or flat.dtype == torch.float64 else flat.float())


def fast(net: nn.Module, precision: str | torch.dtype | None = None) -> nn.Module:
    """Turn a network to half precision where its device has units for that, and say so in one line; returns the network.

    net: a `VGG`, changed in place. precision: None asks the device what it can do, and never a stopwatch, so that a busy
    machine decides as a quiet one does; "bfloat16", "float16" or "float32" (or torch's types) decides for it.

    bfloat16 has the range of float32 and an eighth of its digits: layers and features are turned to it, with channels
    last in memory. float16 has more digits and little range: there each convolution alone is turned, and its input and
    its gradient are scaled by a power of two before they are rounded, so neither can overflow nor vanish; features stay
    float32. Losses and Gram matrices are float32 in any case. There is no way back: make a new VGG.
    Raises ValueError for another precision, or where the network has been turned to half precision before.
    """
    if precision is None:
        kind, reason = _best_precision(net.device)
    else:
        kind, reason = _asked_precision(precision), "as you asked"
    before = _precision(net)
    if before not in (torch.float32, kind):
        raise ValueError(f"this network is in {_short(before)} already, and its digits are gone: make a new VGG()")
    if kind == torch.bfloat16:
        net.layers.to(kind, memory_format=torch.channels_last)
    elif kind == torch.float16 and before != kind:
        for name, layer in net.layers.items():
            if isinstance(layer, nn.Conv2d):
                net.layers[name] = _HalfConv(layer)
    how = ", channels last in memory" if kind == torch.bfloat16 else ""
    print(f"{net.name} computes in {_short(kind)}{how}: {reason}.")
    return net


def _short(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _precision(net: nn.Module) -> torch.dtype:
    """What the convolutions of a network multiply in."""
    first = next(layer for layer in net.layers.values() if isinstance(layer, (nn.Conv2d, _HalfConv)))
    return first.weight.dtype


def _asked_precision(precision) -> torch.dtype:
    """A precision by torch's type or its name."""
    known = {_short(kind): kind for kind in (torch.float32, torch.bfloat16, torch.float16)}
    if precision in known.values():
        return precision
    if isinstance(precision, str) and precision in known:
        return known[precision]
    raise ValueError(f"precision must be None or one of {', '.join(known)}, not {precision!r}")


def _best_precision(device: torch.device) -> tuple[torch.dtype, str]:
    """The fastest precision that a device has units for, and why, by its own account of itself."""
    if device.type == "cpu":
        units = _cpu_units()
        if units:
            return torch.bfloat16, f"this processor multiplies it in {units} units"
        return torch.float32, "this processor has no units for bfloat16"
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, "this GPU has units for it"
        if torch.cuda.get_device_capability(device) >= (7, 0):
            return torch.float16, "this GPU has units for it, and none for bfloat16"
        return torch.float32, "this GPU has no units for half precision"
    return torch.float32, f"half precision is not tried unasked on a device of type {device.type!r}"


def _cpu_units() -> str:
    """The name of this processor's bfloat16 units; empty where it has none, or where torch cannot tell."""
    if platform.machine().lower() in ("arm64", "aarch64"):
        try:
            return "BF16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else ""
        except (AttributeError, RuntimeError):  # a torch without oneDNN
            return ""
    for name, question in (("AMX", "_is_amx_tile_supported"), ("AVX-512", "_is_avx512_bf16_supported")):
        if getattr(torch.cpu, question, bool)():
            return name
    return ""


class _HalfConv(nn.Module):
    """A convolution that multiplies in float16 between float32 features; biases and sums stay float32."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        self.register_buffer("weight", conv.weight.detach().half())
        self.bias = conv.bias
        self.out_channels = conv.out_channels

    def forward(self, features: Tensor) -> Tensor:
        return _HalfProduct.apply(features, self.weight) + self.bias.view(-1, 1, 1)


class _HalfProduct(torch.autograd.Function):
    """The convolution, and its transpose on the way back, of numbers scaled to at most 1."""

    @staticmethod
    def forward(ctx, features, weight):
        ctx.save_for_backward(weight)
        return _scaled(features, lambda x: F.conv2d(x, weight, padding=1))

    @staticmethod
    def backward(ctx, gradient):
        (weight,) = ctx.saved_tensors
        return _scaled(gradient, lambda g: F.conv_transpose2d(g, weight, padding=1)), None


def _scaled(values: Tensor, product) -> Tensor:
    """A linear function in float16 of float32 values: scaled by a power of two, which loses no digit, and back."""
    largest = values.abs().amax().clamp_min(1e-30)
    scale = torch.exp2(torch.ceil(torch.log2(largest)))
    return product((values / scale).half()).float() * scale


@functools.cache
def keep_memory() -> bool:
    """Ask the C library (glibc, Linux) to keep freed memory for the next feature map; -> whether it agreed.

    Otherwise every evaluation returns its maps to the system and waits for fresh, zeroed pages: 6 to 20 % of the
    time at 256 px. NST_KEEP_MEMORY=0 leaves it alone; elsewhere nothing happens.
    """
    if os.environ.get("NST_KEEP_MEMORY") == "0":
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
        return bool(mallopt(-3, 1 << 30) and mallopt(-1, 2**31 - 1))  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD
    except (OSError, AttributeError):
        return False


def own_pixels(start: Tensor):
    """Paint by changing pixels: image (1, 3, H, W) -> (variables, a function that makes an image of them)."""
    image = start.detach().clone().requires_grad_()
    return [image], lambda: image


def pyramid(start: Tensor, grey=GREY, colour=COLOUR, reach: float = 0.01):
    """Paint by changing a pyramid: image (1, 3, H, W) -> (variables, a function that makes an image of them).

    The image is start + sum of the levels, each enlarged to full size (Burt and Adelson 1983, without the differences).
    grey, colour: the weight of each level, finest first, along grey and along the two colour axes: large where the
    loss bends little. reach: how far a mean pixel goes in the first trial of L-BFGS, which torch begins with a step
    whose absolute values add up to 1, much too short for an image; 0 leaves steps alone, as Adam needs it.
    """
    _be_image("start", start)
    if len(grey) != len(colour):
        raise ValueError(f"grey and colour need one weight a level, found {len(grey)} and {len(colour)}")
    sides = [(max(1, start.shape[2] >> k), max(1, start.shape[3] >> k)) for k in range(len(grey))]
    levels = [start.new_zeros(1, 3, *side).requires_grad_() for side in sides]
    unit = reach * sum(level.numel() for level in levels) or 1.0
    axes = unit * torch.tensor(AXES, dtype=start.dtype, device=start.device).T[:, :, None, None]

    def image() -> Tensor:
        total = 0.0
        for level, g, c in zip(levels, grey, colour, strict=True):
            weighed = level * axes.new_tensor((g, c, c)).view(1, 3, 1, 1)
            total = total + (
                weighed if level is levels[0] else F.interpolate(weighed, start.shape[2:], mode="bilinear")
            )
        return start + F.conv2d(total, axes)  # from grey and two colours to red, green and blue

    return levels, image


def matched_colour(photo: Tensor, style: Tensor) -> Tensor:
    """The photo with the mean and covariance of the style's colours: both (1, 3, ., .) in [0, 1] -> as the photo.

    A start from which colours need not be found any more. The linear map is the one of optimal transport between two
    normal distributions (Pitié and Kokaram 2007). ValueError for what is no image, here and above.
    """
    _be_image("photo", photo), _be_image("style", style)
    one, other = photo[0].flatten(1).double(), style[0].flatten(1).double()
    a, b = (torch.cov(x) + 1e-5 * torch.eye(3, dtype=x.dtype, device=x.device) for x in (one, other))
    root = _power(a, 0.5)
    change = _power(a, -0.5) @ _power(root @ b @ root, 0.5) @ _power(a, -0.5)
    moved = change @ (one - one.mean(1, keepdim=True)) + other.mean(1, keepdim=True)
    return moved.view_as(photo).clamp(0, 1).to(photo.dtype)


def _be_image(what: str, image) -> None:
    """Refuse what is no image, in a sentence."""
    if not isinstance(image, Tensor) or image.ndim != 4 or image.shape[:2] != (1, 3) or not image.is_floating_point():
        found = f"{image.dtype} {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
        raise ValueError(
            f"{what} has to be a float image (1, 3, H, W) in [0, 1] (see helpers.images.load), found {found}"
        )


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric positive matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(1e-12) ** exponent) @ vectors.T
