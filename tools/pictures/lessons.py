"""Larger versions of what notebooks 02, 04, 05 and 07 make, with more pixels and more work."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.fast import fast, pyramid
from helpers.images import as_saved, load, noise
from helpers.losses import content_loss, range_penalty, total_variation
from helpers.show import show
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import (
    STYLE,
    Plan,
    Settings,
    coarse_to_fine,
    gram_targets,
    mean_style,
    total_loss,
)
from tools.pictures.sheets import contact_sheet, save_sheet

Loss = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> scalar


def quiet(like: Tensor, seed: int) -> Tensor:
    """Mid-grey with a fifth of the contrast of uniform noise: notebook 04's start."""
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)


DEPTHS = {"relu1_1": 20, "relu2_1": 30, "relu3_1": 60, "relu4_1": 80, "relu5_1": 100}


def content_depths(vgg: VGG, path: Path) -> None:
    """Notebook 02: a photo, and the photo rebuilt from noise, each upright strip from the features
    of a deeper layer. From left to right these are relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1,
    after 20, 30, 60, 80 and 100 evaluations at 512 px, with average pooling.
    """
    photo = load("tubingen_neckarfront", 512).to(vgg.device)
    copies = rebuilt(fast(VGG(pool="avg", device=vgg.device)), photo)
    sheet = show(
        [photo, in_strips(copies)],
        ["the photo", "rebuilt: the further right, the deeper the layer"],
        alt="A photo, and the same rebuilt from five depths of a network, in strips.",
    )
    save_sheet(sheet.pil, path)


def rebuilt(network: VGG, photo: Tensor) -> list[Tensor]:
    """The photo rebuilt from noise at five depths, one image each."""
    countdown = Countdown(len(DEPTHS))
    copies = []
    for layer, evaluations in DEPTHS.items():
        loss = rebuilding_loss(network, photo, layer)
        start = quiet(photo, seed=0)
        result = optimise(start, loss, evaluations, parametrize=pyramid)
        copies.append(as_saved(result.image))
        countdown.step(layer)
    return copies


def in_strips(images: list[Tensor]) -> Tensor:
    """One image of upright strips of equal width: the first from the first image, and so on."""
    strips = []
    for number, image in enumerate(images):
        width = image.shape[3]
        left = number * width // len(images)
        right = (number + 1) * width // len(images)
        strips.append(image[..., left:right])
    return torch.cat(strips, dim=3)


def rebuilding_loss(vgg: VGG, photo: Tensor, layer: str) -> Loss:
    """How far an image is from the photo at one layer, and how rough it is."""
    with torch.no_grad():
        target = vgg(photo, [layer])[layer]

    def loss(image: Tensor) -> Tensor:
        return content_loss(vgg(image, [layer])[layer], target) + 2 * total_variation(image)

    return loss


TEXTURES = ("red_brick", "autumn_leaves", "morris_holland_park_carpet", "starry_night")
TEXTURE_PLAN: Plan = ((240, 60), (480, 50))
PIECE = 156  # pixels of the piece of each picture that is shown, at the same scale


def textures(vgg: VGG, path: Path) -> None:
    """Notebook 04: four textures made from Gram matrices, each with a piece of the picture that the
    matrices come from in its corner, at the same scale.
    """
    network = fast(VGG(pool="avg", device=vgg.device))
    sheets = []
    countdown = Countdown(len(TEXTURES))
    for name in TEXTURES:
        texture, picture = texture_coarse_to_fine(network, name)
        top = picture.shape[2] // 3
        piece = picture[..., top : top + PIECE, -PIECE - 20 : -20]
        framed = torch.ones(1, 3, PIECE + 6, PIECE + 6)
        framed[..., 6:, 6:] = piece.cpu()
        sheet = as_saved(texture).cpu()
        sheet[..., -PIECE - 6 :, -PIECE - 6 :] = framed
        sheets.append(sheet)
        countdown.step(name)
    save_sheet(contact_sheet(sheets, columns=2, size=(480, 480), gap=8), path, quality=90)


def texture_coarse_to_fine(vgg: VGG, name: str) -> tuple[Tensor, Tensor]:
    """A texture, small at first, and the picture whose Gram matrices it has, 1.2 times as large."""
    texture = None
    for size, evaluations in TEXTURE_PLAN:
        picture = load(name, size * 6 // 5).to(vgg.device)
        square = picture.new_empty(1, 3, size, size)
        if texture is None:
            start = quiet(square, seed=0)
        else:
            start = interpolate(texture, (size, size), mode="bicubic").clamp(0, 1)
        loss = texture_loss(vgg, picture)
        texture = optimise(start, loss, evaluations, parametrize=pyramid).image
    return texture, picture


def texture_loss(vgg: VGG, picture: Tensor) -> Loss:
    """The mean style error over the five layers."""
    targets = gram_targets(vgg, picture)

    def loss(image: Tensor) -> Tensor:
        return mean_style(vgg(image, STYLE), targets)

    return loss


RATIO_PLAN: Plan = ((256, 45), (512, 25))
RATIOS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def content_ratio(vgg: VGG, path: Path) -> None:
    """Notebook 05's walk along the front, larger: one photo, six content weights."""
    network = fast(VGG(device=vgg.device))
    paintings = {}
    countdown = Countdown(len(RATIOS))
    for weight in RATIOS:
        settings = Settings("lake_sherburne", "woodcut", weight, 1.25, RATIO_PLAN)
        title = f"content weight {weight:g}"
        paintings[title] = as_saved(coarse_to_fine(network, settings))
        countdown.step(title)
    sheet = show(
        list(paintings.values()),
        list(paintings),
        columns=2,
        alt="One photo, painted with six weights of its content.",
    )
    save_sheet(sheet.pil, path, quality=90)


STEPS_SHOWN = (1, 2, 5, 10)


def ten_steps(vgg: VGG, path: Path) -> None:
    """Notebook 07's gallery, larger: the photo and the picture after 1, 2, 5 and 10 steps of up to
    20 evaluations.
    """
    network = fast(VGG(device=vgg.device))
    photo = load("coffee", 384).to(network.device)
    style = load("stained_glass", 480).to(network.device)
    pictures = {"the photo": photo}
    pictures.update(painted_by_steps(photo, total_loss(network, photo, style, 0.05)))
    pictures["the style"] = style
    sheet = show(
        list(pictures.values()),
        list(pictures),
        columns=3,
        height=209,
        alt="Five moments of one painting, and its style.",
    )
    save_sheet(sheet.pil, path, quality=90)


def painted_by_steps(photo: Tensor, painting_loss: Loss) -> dict[str, Tensor]:
    """The loop of notebook 07, written out: the image as saved after some of its ten steps."""
    image = photo.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image], max_iter=20, tolerance_grad=0, tolerance_change=0)

    def closure() -> Tensor:
        image.grad = None
        loss = painting_loss(image)
        loss = loss + 0.3 * total_variation(image) + 100 * range_penalty(image)
        loss.backward()
        return loss

    moments = {}
    countdown = Countdown(max(STEPS_SHOWN))
    for step in range(1, max(STEPS_SHOWN) + 1):
        optimiser.step(closure)
        countdown.step(f"step {step}")
        if step in STEPS_SHOWN:
            moments[f"step {step}"] = as_saved(image)
    return moments
