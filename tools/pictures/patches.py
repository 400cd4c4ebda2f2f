"""Notebook 01: what excites a channel, in VGG19 and in a network that was never trained."""

from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from helpers.images import load, names, to_pil
from helpers.vgg import VGG
from tools.pictures.painting import STYLE
from tools.pictures.sheets import INK, save_sheet


class Field(NamedTuple):
    """What one place of a layer sees, and how far the next place is: both in pixels."""

    side: int
    jump: int

    @property
    def margin(self) -> int:
        """Places at the border that see the frame of zeros around the picture."""
        outside = self.side - self.jump
        return (outside + 2 * self.jump - 1) // (2 * self.jump)


FIELDS = {
    "relu1_1": Field(3, 1),
    "relu2_1": Field(10, 2),
    "relu3_1": Field(24, 4),
    "relu4_1": Field(68, 8),
    "relu5_1": Field(156, 16),
}
PICKED = {"relu1_1": 29, "relu2_1": 34, "relu3_1": 117, "relu4_1": 264, "relu5_1": 457}
COLUMNS = 6  # patches of a layer

SIDE = 112  # of a patch on the sheet, in pixels
GAP = 6
LEFT = 76  # for the names of the layers
TOP = 34  # for the titles
BETWEEN = 30
UNSMOOTHED = 32  # patches with fewer pixels show them as squares

Patches = dict[str, list[Tensor]]  # by layer name


def inside_patches(vgg: VGG, path: Path) -> None:
    """Notebook 01's question, asked of VGG19 (left) and of the same network with random weights
    (right).

    A row a layer; each patch is what one place of that layer sees where one channel is strongest in
    one picture. The channels of VGG19 are those picked in the notebook; the random network's are
    those that vary most in the photo.
    """
    untrained = randomised(VGG(device=vgg.device))
    liveliest = liveliest_channels(untrained, load("astronaut", 256).to(vgg.device))
    pictures = {name: load(name, 384).to(vgg.device) for name in names()}
    sides = {
        "VGG19": exciting_patches(vgg, pictures, PICKED),
        "the same network with random weights": exciting_patches(untrained, pictures, liveliest),
    }
    save_sheet(two_sides(sides), path, quality=90)


def randomised(vgg: VGG) -> VGG:
    """A network with new random weights, as in notebook 01: He et al. (2015), biases of zero."""
    generator = torch.Generator().manual_seed(0)
    for name, layer in vgg.layers.items():
        if name.startswith("conv"):
            deviation = (2 / layer.weight[0].numel()) ** 0.5
            values = torch.randn(layer.weight.shape, generator=generator)
            layer.weight.copy_(values * deviation)
            layer.bias.zero_()
    return vgg


@torch.no_grad()
def liveliest_channels(vgg: VGG, photo: Tensor) -> dict[str, int]:
    """The channel of each layer that varies most in a photo (1, 3, H, W), away from its borders."""
    liveliest = {}
    for layer, features in vgg(photo, STYLE).items():
        deviation = features[0, :, 2:-2, 2:-2].std((1, 2))
        liveliest[layer] = deviation.argmax().item()
    return liveliest


def exciting_patches(vgg: VGG, pictures: dict[str, Tensor], channels: dict[str, int]) -> Patches:
    """What a channel of each layer sees where it is strongest, in the pictures that excite it most.

    pictures: (1, 3, H, W) by name. channels: by layer name. Returns COLUMNS patches a layer.
    """
    maps = channel_maps(vgg, pictures, channels)
    patches = {}
    for layer, field in FIELDS.items():
        margin = field.margin
        inside = {name: maps[name][layer][margin:-margin, margin:-margin] for name in pictures}
        strongest = {name: values.max().item() for name, values in inside.items()}
        best = sorted(strongest, key=strongest.get, reverse=True)[:COLUMNS]
        patches[layer] = [patch_at_peak(pictures[name], inside[name], field) for name in best]
    return patches


@torch.no_grad()
def channel_maps(
    vgg: VGG,
    pictures: dict[str, Tensor],
    channels: dict[str, int],
) -> dict[str, dict[str, Tensor]]:
    """One channel of each layer in each picture: {name: {layer: (h, w)}}."""
    maps = {}
    for name, picture in pictures.items():
        features = vgg(picture, STYLE)
        maps[name] = {layer: features[layer][0, channels[layer]] for layer in STYLE}
    return maps


def patch_at_peak(picture: Tensor, values: Tensor, field: Field) -> Tensor:
    """The square that the strongest place sees. values: a channel (h, w) without its margin."""
    row, column = divmod(values.argmax().item(), values.shape[1])
    before = (field.side - field.jump) // 2
    top = (row + field.margin) * field.jump - before
    left = (column + field.margin) * field.jump - before
    return picture[..., top : top + field.side, left : left + field.side]


def two_sides(sides: dict[str, Patches]) -> Image.Image:
    """Patches of two networks side by side, under titles; the layers are named at the left."""
    half = COLUMNS * (SIDE + GAP) - GAP
    paper = (LEFT + 2 * half + BETWEEN, TOP + len(STYLE) * (SIDE + GAP) - GAP)
    sheet = Image.new("RGB", paper, "white")
    pen = ImageDraw.Draw(sheet)
    label_font = ImageFont.load_default(15)
    left = LEFT
    for title, patches in sides.items():
        place = (left + half / 2, 6)
        pen.text(place, title, fill=INK, font=ImageFont.load_default(18), anchor="ma")
        for row, layer in enumerate(STYLE):
            top = TOP + row * (SIDE + GAP)
            # once for each side, which makes the letters a little bolder
            pen.text((0, top + SIDE / 2), layer, fill=INK, font=label_font, anchor="lm")
            for column, patch in enumerate(patches[layer]):
                sheet.paste(as_square(patch), (left + column * (SIDE + GAP), top))
        left += half + BETWEEN
    return sheet


def as_square(patch: Tensor) -> Image.Image:
    """A patch at its size on the sheet."""
    method = Image.Resampling.LANCZOS
    if patch.shape[3] < UNSMOOTHED:
        method = Image.Resampling.NEAREST
    return to_pil(patch).resize((SIDE, SIDE), method)
