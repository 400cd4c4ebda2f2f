"""Where something happens: masks, and how they come down to the layers of the network.

A mask is a tensor (1, 1, H, W) with values in [0, 1]: 1 where it counts, 0 where not. Notebook 10.
Gatys et al. (2017), section 4; code leongatys/NeuralImageSynthesis.
"""

import os

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d

from helpers.images import load
from helpers.vgg import layer_names

__all__ = ["WAYS", "load_mask", "polygon", "at_layer", "guide", "require_masks", "what_is_shared"]

WAYS = ("inside", "resized", "all")
FULL = 0.999  # rounding leaves 0.9999 of a place that is covered


def load_mask(source: str | os.PathLike, size: int | None = 256) -> Tensor:
    """Read a mask, white on black, from a name of data/images.toml or a file: (1, 1, H, W).

    source, size and errors: as of helpers.images.load; grey counts in part.
    """
    return load(source, size).mean(1, keepdim=True)


def polygon(corners: list[tuple[float, float]], like: Tensor) -> Tensor:
    """A mask that is 1 inside a polygon: (1, 1, H, W), as large as the image `like`.

    corners: three or more (x, y), as shares of width and height, from the top left corner. Raises
    ValueError for what is no polygon.
    """
    is_list = isinstance(corners, list | tuple) and len(corners) >= 3
    if not is_list or not all(len(corner) == 2 for corner in corners):
        raise ValueError(f"a polygon needs three corners (x, y) or more, not {corners!r}")
    height, width = like.shape[2:]
    fine = 4  # drawn larger and averaged, so that the edge is smooth
    canvas = Image.new("L", (fine * width, fine * height))
    points = [(x * fine * width, y * fine * height) for x, y in corners]
    ImageDraw.Draw(canvas).polygon(points, fill=255)
    drawn = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8)
    drawn = drawn.view(1, 1, fine * height, fine * width).float() / 255
    return adaptive_avg_pool2d(drawn, (height, width)).to(like.device)


def at_layer(mask: Tensor, layer: str, way: str = "inside") -> Tensor:
    """A mask as a layer of VGG19 sees it: (1, 1, H, W) -> (1, 1, h, w).

    way: "inside" keeps the places whose whole receptive field lies in the mask, so nothing from
        outside is measured; "resized" takes the mean of the mask over each place; "all" keeps every
        place that sees anything of the mask.

    Inside, a border of up to the radius of the receptive field is lost, and a thin mask is empty in
    deep layers. Raises ValueError for an unknown layer or way.
    """
    _require_mask("mask", mask)
    known = layer_names()
    if layer not in known:
        raise ValueError(f"there is no layer {layer!r}; known: {', '.join(known)}")
    if way not in WAYS:
        raise ValueError(f"there is no way {way!r} for a mask; known: {', '.join(WAYS)}")
    above = known[: known.index(layer) + 1]
    if way == "resized":
        halvings = sum(name.startswith("pool") for name in above)
        height, width = (max(1, side >> halvings) for side in mask.shape[2:])
        return adaptive_avg_pool2d(mask, (height, width))
    seen = mask if way == "all" else 1 - mask  # one place of the wrong kind is enough
    for name in above:
        if name.startswith("conv"):
            seen = max_pool2d(seen, 3, stride=1, padding=1)
        elif name.startswith("pool"):
            seen = max_pool2d(seen, 2)
    return seen if way == "all" else 1 - seen


def guide(mask: Tensor, layer: str, way: str = "inside") -> Tensor | None:
    """What the features of a layer are multiplied by, (N,), with a mean square of 1.

    Gatys et al. (2017), section 4: then a mask of ones changes nothing, and a Gram matrix of the
    masked features is the mean over the places that count. None where no place counts.
    """
    T = at_layer(mask, layer, way).flatten()
    mean_square = T.square().mean()
    if not mean_square > 1e-8:
        return None
    return T / mean_square.sqrt()


def require_masks(masks: list[Tensor], height: int, width: int) -> None:
    """Refuse masks that are none, of another size than the photo, or empty."""
    if not isinstance(masks, list | tuple) or not masks:
        raise ValueError(
            f"masks must be a list of tensors (1, 1, H, W), not {type(masks).__name__}"
        )
    for number, mask in enumerate(masks, start=1):
        _require_mask(f"mask {number}", mask)
        if tuple(mask.shape[2:]) != (height, width):
            given = f"mask {number} is {mask.shape[3]} x {mask.shape[2]} px"
            raise ValueError(f"{given}, and the photo {width} x {height} px: they must be equal")
        if not mask.any():
            raise ValueError(f"mask {number} is empty: no place would be painted by it")


def what_is_shared(masks: list[Tensor]) -> list[str]:
    """What is to be said of masks (1, 1, H, W) that do not cover a picture once, in sentences."""
    total = torch.cat(list(masks), 1).sum(1)
    sentences = []
    overlap = (total > 2 - FULL).float().mean().item()
    gap = (total < FULL).float().mean().item()
    if overlap > 0.001:
        sentences.append(f"masks overlap in {overlap:.1%} of the picture: styles mix there")
    if gap > 0.001:
        sentences.append(f"masks leave {gap:.1%} of the picture without a style of its own")
    return sentences


def _require_mask(name: str, mask: Tensor) -> None:
    is_mask = isinstance(mask, Tensor) and mask.ndim == 4 and tuple(mask.shape[:2]) == (1, 1)
    if not is_mask or not mask.is_floating_point() or mask.numel() == 0:
        given = type(mask).__name__
        if isinstance(mask, Tensor):
            given = f"{mask.dtype} {tuple(mask.shape)}"
        raise ValueError(f"{name}: expected floats (1, 1, H, W) in [0, 1], found {given}")
    if not (mask.min() >= 0 and mask.max() <= 1):  # NaN, too
        raise ValueError(f"{name}: values must lie in [0, 1]; divide a mask of 0 to 255 by 255")
