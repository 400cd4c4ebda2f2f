"""What a run of the bench can be told, and the pictures that it measures with."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.images import load

Table = dict[str, dict]  # {row: {column: value}}

# Ten pairs of different kinds: smooth and crowded photos, strong and weak styles.
TEN_PAIRS = (
    ("china", "starry_night"),
    ("desert_dune", "munch_the_scream"),
    ("lake_sherburne", "woodcut"),
    ("chelsea", "mondrian_tableau_no2"),
    ("roman_colosseum", "turner_shipwreck_minotaur"),
    ("river_otter", "kandinsky_composition_vii"),
    ("astronaut", "seurat_grande_jatte"),
    ("spices", "monet_impression_sunrise"),
    ("tubingen_neckarfront", "hokusai_great_wave"),
    ("girl_with_a_pearl_earring", "piranesi_carceri_xv"),
)


@dataclass(frozen=True)
class Options:
    """How to measure.

    pair: names or files of a photo and a style. pairs: the race on each of these instead.
    pixels: the long side of the race's pictures. evaluations: of the published loops, instead of
    their own number. repeats: interleaved, and the median counts. peers: the published loops to
    race with. pictures: a folder for both sides of a race at equal objective; None keeps none.
    """

    device: torch.device
    pair: tuple[str, str] = TEN_PAIRS[0]
    pairs: tuple[tuple[str, str], ...] = ()
    pixels: int = 256
    evaluations: int | None = None
    repeats: int = 3
    peers: tuple[str, ...] = ()
    quick: bool = False
    pictures: Path | None = None


def photo_and_style(options: Options) -> tuple[Tensor, Tensor]:
    """The photo, and the style at the photo's size, as PyTorch's tutorial needs it."""
    photo_name, style_name = options.pair
    photo = load(photo_name, options.pixels).to(options.device)
    style = load(style_name, options.pixels).to(options.device)
    same_size = interpolate(style, photo.shape[2:], mode="bicubic", antialias=True)
    return photo, same_size.clamp(0, 1)
