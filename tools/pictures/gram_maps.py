"""Notebook 03's ten readable channels, as pictures: what lies behind each entry of its table."""

import json
from pathlib import Path

import torch
from torch import Tensor

from helpers.files import write_file
from helpers.images import load
from helpers.losses import gram
from helpers.vgg import VGG
from tools.pictures.sheets import contact_sheet, save_sheet

PICTURE = "starry_night"
LAYER = "relu3_1"
SIZE = 512
CHANNELS = [244, 139, 21, 193, 237, 205, 100, 215, 128, 1]
FULL = 0.98  # so much of a map lies below what counts as fully lit, as in the notebook


def gram_maps(vgg: VGG, path: Path) -> None:
    """Where ten channels of relu3_1 fire in The Starry Night, each from black to white, in the
    order of notebook 03: 244, 139, 21, 193 and 237 above, 205, 100, 215, 128 and 1 below. The file
    03_gram.json beside it holds their Gram matrix.
    """
    image = load(PICTURE, SIZE).to(vgg.device)
    with torch.no_grad():
        maps = vgg(image, [LAYER])[LAYER][0, CHANNELS].cpu()  # (10, h, w)
    height, width = maps.shape[1:]
    lamps = [lamp(feature_map) for feature_map in maps]
    save_sheet(contact_sheet(lamps, 5, (width, height), gap=0), path)
    numbers = gram(maps[None])  # (10, 10)
    table = {
        "picture": PICTURE,
        "layer": LAYER,
        "channels": CHANNELS,
        "width": width,
        "height": height,
        "gram": [[round(number, 2) for number in row] for row in numbers.tolist()],
    }
    write_file(path.with_suffix(".json"), json.dumps(table))


def lamp(feature_map: Tensor) -> Tensor:
    """A map (h, w) as a grey image (1, 3, h, w), white where it is among its largest numbers."""
    bright = (feature_map / feature_map.quantile(FULL)).clamp(0, 1)
    return bright.expand(1, 3, *bright.shape)
