"""Speed and memory, one trick a function; each can be left out, and nothing else here needs it.

Measured by tools.bench, explained in notebook 09.
"""

import ctypes
import platform
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate

from helpers.images import require_image
from helpers.vgg import VGG, require_vgg
from helpers.winograd import WinogradConv

__all__ = ["fast", "keep_memory", "pyramid"]

# The weights of a pyramid's levels, at full size, half, a quarter, ...: large where the loss bends
# little. Colour is nearly free in fine detail and stiff in large areas.
GREY = (1.0, 0.7, 0.5, 0.35, 0.25)
COLOUR = (1.7, 0.3, 0.15, 0.08, 0.04)
# Pixels change along grey and two axes of colour, each of length 1, in RGB.
AXES = ((0.577, 0.577, 0.577), (0.707, 0.0, -0.707), (0.408, -0.816, 0.408))

WIDE = 64  # channels from which on, with twice as many behind, Winograd's convolutions pay

M_MMAP_THRESHOLD = -3  # these two are numbers of glibc's malloc.h
M_TRIM_THRESHOLD = -1


def fast(vgg: VGG, precision: str | torch.dtype | None = None) -> VGG:
    """Turn a network to half precision where its device has units for that, and say so in one line.

    vgg: changed in place, and returned. precision: None asks the device what it can do, and never a
    stopwatch, so that a busy machine decides as a quiet one does; "bfloat16", "float16" or
    "float32" (or torch's types) decides for it.

    bfloat16 has the range of float32 and an eighth of its digits: layers and features are turned to
    it, with channels last in memory. float16 has more digits and little range: there each
    convolution alone is turned, and its input, its weights and its gradient are scaled by a power
    of two before they are rounded, so none can overflow or vanish; features stay float32. float32
    keeps its precision. On x86 processors its channels go last, too, and from conv2_1 on it
    multiplies as Winograd does (helpers.winograd): an evaluation at 256 to 512 px takes 0.7 of the
    time, and the network 200 MB more. Losses and Gram matrices are float32 in any case. There is no
    way back: make a new VGG.

    Raises ValueError for another precision, where the network is in half precision already, or
    where its device does not know the precision.
    """
    require_vgg(vgg)
    if precision is None:
        kind, reason = _best_precision(vgg.device)
    else:
        kind = _named_precision(precision)
        reason = "as you asked"
    before = _precision(vgg)
    if before not in (torch.float32, kind):
        gone = f"this network is in {_short(before)} already, and its digits are gone"
        raise ValueError(f"{gone}: make a new VGG()")
    order = ""
    if kind != torch.float32:
        _require_known_to(vgg.device, kind)
    if kind == torch.bfloat16 or (kind == torch.float32 and _is_x86(vgg.device)):
        vgg.layers.to(kind, memory_format=torch.channels_last)
        order = ", channels last in memory"
        if kind == torch.float32 and _multiply_less(vgg.layers):
            order += ", with fewer multiplications"
    elif kind == torch.float16 and before != kind:
        for name, layer in vgg.layers.items():
            if isinstance(layer, nn.Conv2d):
                vgg.layers[name] = _HalfConv(layer)
    print(f"{vgg.name} computes in {_short(kind)}{order}: {reason}.")
    return vgg


def _short(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _precision(vgg: VGG) -> torch.dtype:
    """What the convolutions of a network multiply in."""
    return vgg.layers["conv1_1"].weight.dtype


def _named_precision(precision: str | torch.dtype) -> torch.dtype:
    """A precision by torch's type or its name."""
    known = {_short(kind): kind for kind in (torch.float32, torch.bfloat16, torch.float16)}
    if precision in known.values():
        return precision
    if isinstance(precision, str) and precision in known:
        return known[precision]
    raise ValueError(f"precision must be None or one of {', '.join(known)}, not {precision!r}")


def _is_x86(device: torch.device) -> bool:
    """Whether a processor computes whose library (oneDNN) likes channels to be last in memory."""
    return device.type == "cpu" and platform.machine().lower() in ("x86_64", "amd64")


def _multiply_less(layers: nn.ModuleDict) -> bool:
    """Winograd's convolutions for wide layers, and whether there are any.

    In narrow ones the transforms cost as much as they save.
    """
    for name, layer in layers.items():
        is_direct = isinstance(layer, nn.Conv2d) and not isinstance(layer, WinogradConv)
        if is_direct and layer.in_channels >= WIDE and layer.out_channels >= 2 * WIDE:
            layers[name] = WinogradConv(layer)
    return any(isinstance(layer, WinogradConv) for layer in layers.values())


def _require_known_to(device: torch.device, kind: torch.dtype) -> None:
    """Refuse a type that a device cannot hold, while the network is still whole."""
    try:
        torch.ones(1, device=device).to(kind)
    except (RuntimeError, TypeError) as error:
        sentence = f"{device} does not know {_short(kind)} ({error})"
        raise ValueError(f"{sentence}; fast(vgg) takes what it knows") from None


def _best_precision(device: torch.device) -> tuple[torch.dtype, str]:
    """The fastest precision that a device has units for, and why, by its own account of itself."""
    if device.type == "cpu":
        units = _cpu_units()
        if units:
            return torch.bfloat16, f"this processor multiplies it in {units} units"
        return torch.float32, "this processor has no fast units for bfloat16"
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16, f"this GPU, {name}, has units for it"
        if torch.cuda.get_device_capability(device) >= (7, 0):
            return torch.float16, f"this GPU, {name}, has units for it, and none for bfloat16"
        return torch.float32, f"this GPU, {name}, has no units for half precision"
    reason = f"half precision is not tried unasked on a device of type {device.type!r}"
    return torch.float32, reason


def _cpu_units() -> str:
    """The name of this processor's fast bfloat16 units; empty where torch knows of none.

    Processors that have float16 in AVX-512 as well multiply bfloat16 there at half the speed of
    float32: they are made to do it in AMX units, which a virtual machine may hide.
    """
    if platform.machine().lower() in ("arm64", "aarch64"):
        try:
            return "BF16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else ""
        except (AttributeError, RuntimeError):  # a torch without oneDNN
            return ""
    ask = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if ask is not None and ask():
        return "AMX"
    known = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    if known.get("avx512_bf16") and not known.get("avx512_fp16"):
        return "AVX-512"
    return ""


class _HalfConv(nn.Module):
    """A convolution that multiplies in float16; features, biases and sums stay float32."""

    def __init__(self, conv: nn.Conv2d):
        super().__init__()
        unit = _power_of_two_above(conv.weight.detach())
        self.register_buffer("unit", unit)
        self.register_buffer("weight", (conv.weight.detach() / unit).half())
        self.bias = conv.bias
        self.out_channels = conv.out_channels

    def forward(self, features: Tensor) -> Tensor:
        return _HalfProduct.apply(features, self.weight, self.unit) + self.bias.view(-1, 1, 1)


class _HalfProduct(torch.autograd.Function):
    """The convolution, and its transpose on the way back, of numbers scaled to at most 1.

    A sum has 9 x 512 products at most, far from the end of float16.
    """

    @staticmethod
    def forward(ctx, features: Tensor, weight: Tensor, unit: Tensor) -> Tensor:
        ctx.save_for_backward(weight, unit)
        scale = _power_of_two_above(features)
        products = conv2d((features / scale).half(), weight, padding=1)
        return products.float() * (scale * unit)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None, None]:
        weight, unit = ctx.saved_tensors
        scale = _power_of_two_above(gradient)
        back = conv_transpose2d((gradient / scale).half(), weight, padding=1)
        return back.float() * (scale * unit), None, None


def _power_of_two_above(values: Tensor) -> Tensor:
    """A scale that loses no digit: the power of two from the largest absolute value on."""
    largest = values.abs().amax().clamp(1e-30, 1e38)
    return torch.exp2(torch.ceil(torch.log2(largest)))


def keep_memory() -> bool:
    """Ask the C library (glibc, Linux) to keep freed memory for the next feature map.

    Otherwise every evaluation returns its maps to the system and waits for fresh, zeroed pages: 6
    to 20 % of the time at 256 px. What is kept does not always fit the next map, so a process
    grows: at 1,536 x 1,152 px to 6.6 GB instead of 5.0. It is a setting of the whole process, and
    nothing here makes it unasked. Returns whether the library agreed; elsewhere nothing happens,
    and it is False.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    from_which_size_to_map = mallopt(M_MMAP_THRESHOLD, 2**30)
    from_which_size_to_trim = mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    return bool(from_which_size_to_map and from_which_size_to_trim)


def pyramid(
    start: Tensor,
    grey: tuple[float, ...] = GREY,
    colour: tuple[float, ...] = COLOUR,
    reach: float = 0.01,
) -> tuple[list[Tensor], Callable[[], Tensor]]:
    """Paint by changing a pyramid of images instead of pixels; for `parametrize` of `optimise`.

    start: (1, 3, H, W). grey, colour: the weight of each level, finest first, along grey and along
    the two axes of colour: large where the loss bends little. reach: how far a mean pixel goes in
    the first trial of L-BFGS, which torch begins with a step whose absolute values add up to 1,
    much too short for an image; 0 leaves steps alone, as Adam needs it.

    Returns the levels, (1, 3, H / 2^k, W / 2^k) of zeros, and a function that makes the image of
    them: start + the sum of the levels, each enlarged to full size (Burt and Adelson 1983, without
    the differences). Raises ValueError for what is no image and for weights that do not pair up.
    """
    require_image("start", start)
    if len(grey) != len(colour):
        lengths = f"{len(grey)} and {len(colour)}"
        raise ValueError(f"grey and colour need one weight a level, found {lengths}")
    height, width = start.shape[2:]
    levels = []
    weights = []
    for halvings, (grey_weight, colour_weight) in enumerate(zip(grey, colour, strict=True)):
        sides = (max(1, height >> halvings), max(1, width >> halvings))
        level = start.new_zeros(1, 3, *sides)
        levels.append(level.requires_grad_())
        weights.append(start.new_tensor((grey_weight, colour_weight, colour_weight)))
    unit = reach * sum(level.numel() for level in levels) or 1.0
    axes = unit * start.new_tensor(AXES).T[:, :, None, None]

    def image() -> Tensor:
        total = 0.0
        for level, weight in zip(levels, weights, strict=True):
            weighted = level * weight.view(1, 3, 1, 1)
            if level.shape != start.shape:
                weighted = interpolate(weighted, (height, width), mode="bilinear")
            total = total + weighted
        return start + conv2d(total, axes)  # from grey and two colours to red, green and blue

    return levels, image
