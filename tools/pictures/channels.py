"""Notebook 01: images that excite one channel of VGG19, made from noise."""

from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

from helpers.fast import fast
from helpers.vgg import VGG
from tools.pictures.sheets import contact_sheet, save_sheet

CHANNELS = [  # picked by eye, out of some two hundred
    ("conv4_1", 496),
    ("conv5_1", 333),
    ("conv5_1", 143),
    ("conv5_1", 426),
    ("conv5_1", 175),
    ("conv5_1", 51),
]
SIDE = 384  # of an image, in pixels
STEPS = 40


def excited_channels(vgg: VGG, path: Path) -> None:
    """Six images, each made from noise so that one channel of VGG19 becomes as strong as possible.

    The upper row holds channel 496 of conv4_1 and channels 333 and 143 of conv5_1, the lower one
    channels 426, 175 and 51 of conv5_1. Forty steps of gradient ascent at 384 px, through average
    pooling, as in notebook 01.
    """
    painter = fast(VGG(pool="avg", device=vgg.device))
    images = [excite(painter, layer, channel, SIDE, STEPS) for layer, channel in CHANNELS]
    save_sheet(contact_sheet(images, columns=3, size=(SIDE, SIDE), gap=8), path, quality=90)


def all_widths(gradient: Tensor) -> Tensor:
    """A gradient (1, 3, H, W) plus blurred copies of it, all equally strong, in muted colours."""
    total = gradient / gradient.std()
    for width in (2, 4, 8, 16):
        blurred = avg_pool2d(gradient, width)
        blurred = interpolate(blurred, gradient.shape[2:], mode="bilinear")
        total = total + blurred / blurred.std()
    grey = total.mean(1, keepdim=True)
    return 0.4 * total + 0.6 * grey


def excite(vgg: VGG, layer: str, channel: int, size: int, steps: int) -> Tensor:
    """Change noise until a channel is strong on average: -> an image (1, 3, size, size)."""
    generator = torch.Generator().manual_seed(0)
    start = 0.5 + 0.05 * torch.randn(1, 3, size, size, generator=generator)
    image = start.to(vgg.device)
    for step in range(steps):
        image.requires_grad_()
        shift = torch.randint(-8, 9, (2,), generator=generator).tolist()
        features = vgg(image.roll(shift, dims=(2, 3)), [layer])[layer]
        strength = features[0, channel].float().mean()
        (gradient,) = torch.autograd.grad(strength, image)
        direction = all_widths(gradient)
        rate = 0.05 * (1 - step / steps)
        image = image.detach() + rate * direction / direction.std()
        image = (0.5 + 0.97 * (image - 0.5)).clamp(0, 1)
    return image
