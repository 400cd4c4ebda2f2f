"""What a run of the bench can be told, and the pictures that it measures with."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.images import load

Table = dict[str, dict]  # {row: {column: value}}


@dataclass(frozen=True)
class Options:
    """How to measure.

    pair: names or files of a photo and a style. pixels: the long side of the race's pictures.
    evaluations: of the published loops, instead of their own number. repeats: interleaved, and the
    median counts. peers: the published loops to race with.
    """

    device: torch.device
    pair: tuple[str, str] = ("china", "starry_night")
    pixels: int = 256
    evaluations: int | None = None
    repeats: int = 3
    peers: tuple[str, ...] = ()
    quick: bool = False


def photo_and_style(options: Options) -> tuple[Tensor, Tensor]:
    """The photo, and the style at the photo's size, as PyTorch's tutorial needs it."""
    photo_name, style_name = options.pair
    photo = load(photo_name, options.pixels).to(options.device)
    style = load(style_name, options.pixels).to(options.device)
    same_size = interpolate(style, photo.shape[2:], mode="bicubic", antialias=True)
    return photo, same_size.clamp(0, 1)
