"""Notebook 12: what a program paints when one thing in it is wrong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.fast import fast, matched_colour, pyramid
from helpers.images import as_saved, load
from helpers.losses import content_loss, gram, style_loss
from helpers.show import show
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, STYLE, mean, style_errors
from tools.pictures.sheets import save_sheet

CONTENT_WEIGHT = 0.03
EVALUATIONS = 45
CONV_STYLE = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
SHALLOW_STYLE = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]

Loss = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> scalar
Look = Callable[[Tensor, list[str]], dict[str, Tensor]]  # image, layers -> features by layer


class Exhibit(NamedTuple):
    """A loss, and how an image is painted with it: start -> image."""

    loss: Loss
    paint: Callable[[Tensor, Loss], Tensor]


class Scene(NamedTuple):
    """What every program of the museum works with."""

    vgg: VGG
    photo: Tensor
    style: Tensor


def museum(vgg: VGG, path: Path) -> None:
    """Notebook 12: one photo and one style, a right program and seven bugs, all with 45 evaluations
    at 256 px.
    """
    scene = Scene(
        fast(VGG(device=vgg.device)),
        load("astronaut", 256)[..., :176, :].to(vgg.device),
        load("stained_glass", 320).to(vgg.device),
    )
    start = matched_colour(scene.photo, scene.style)
    paintings = {}
    exhibits = all_exhibits(scene, start)
    countdown = Countdown(len(exhibits))
    for name, exhibit in exhibits.items():
        paintings[name] = as_saved(exhibit.paint(start, exhibit.loss))
        error = mean(style_errors(paintings[name], scene.style))
        countdown.step(f"{name}: style error {error:.4f}")
    sheet = show(
        list(paintings.values()),
        list(paintings),
        columns=4,
        alt="One right program and seven bugs, on one photo.",
    )
    save_sheet(sheet.pil, path, quality=90)


def all_exhibits(scene: Scene, start: Tensor) -> dict[str, Exhibit]:
    """The right program first, then the bugs, under their numbers in the notebook."""
    look = scene.vgg
    right = program(scene, look)
    overwriting = partial(overwritten, scene.vgg)
    undivided = partial(not_divided, scene.vgg)
    return {
        "the right one": Exhibit(right, painted),
        "1: names that lie": Exhibit(program(scene, look, SHALLOW_STYLE, "conv2_2"), painted),
        "2: as named, conv": Exhibit(program(scene, look, CONV_STYLE, "conv4_2"), painted),
        "2: as got, overwritten": Exhibit(
            program(scene, overwriting, CONV_STYLE, "conv4_2"),
            painted,
        ),
        "4: one side not divided": Exhibit(
            program(scene, undivided, look_at_targets=scene.vgg),
            painted,
        ),
        "5: the early stop": Exhibit(right, stopped_early),
        "6: divided by C C": Exhibit(divided_by_channels(scene, start), painted),
        "one axis": Exhibit(with_one_axis(right), painted),
    }


def painted(start: Tensor, loss: Loss) -> Tensor:
    """The loop of the series."""
    return optimise(start, loss, EVALUATIONS, parametrize=pyramid).image


def stopped_early(start: Tensor, loss: Loss) -> Tensor:
    """PyTorch's own tolerances, and a loss times a millionth: the first gradient counts as zero."""
    image = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image])

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = 1e-6 * loss(image)
        value.backward()
        return value

    for _ in range(4):
        optimiser.step(closure)
    return image.detach()


def program(
    scene: Scene,
    look: Look,
    style_layers: list[str] = STYLE,
    content_layer: str = CONTENT,
    look_at_targets: Look | None = None,
) -> Loss:
    """The loss of a program, right or wrong.

    look: how it takes features of the image that it paints, and of its targets too, unless
    look_at_targets is given.
    """
    if look_at_targets is None:
        look_at_targets = look
    with torch.no_grad():
        style_features = look_at_targets(scene.style, style_layers)
        targets = {layer: gram(features) for layer, features in style_features.items()}
        content = look_at_targets(scene.photo, [content_layer])[content_layer]

    def loss(image: Tensor) -> Tensor:
        features = look(image, [*style_layers, content_layer])
        errors = [style_loss(features[layer], targets[layer]) for layer in style_layers]
        content_error = content_loss(features[content_layer], content)
        return sum(errors) / len(style_layers) + CONTENT_WEIGHT * content_error

    return loss


def overwritten(vgg: VGG, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Bug 2: ReLU in place writes over the features of the convolution before it.

    So ReLU's stand under the names of conv, but for the last one asked for.
    """
    names = list(vgg.layers)
    deepest = max(names.index(layer) for layer in layers)
    x = ((image - vgg.mean) / vgg.std).to(vgg.dtype)
    features = {}
    for name in names[: deepest + 1]:
        if name.startswith("relu"):
            x = x.relu_()
        else:
            x = vgg.layers[name](x)
        features[name] = x
    return {layer: features[layer] for layer in layers}


def not_divided(vgg: VGG, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Bug 4: the mean is taken off, and nobody divides by the deviation."""
    return vgg((image - vgg.mean) * vgg.std + vgg.mean, layers)


def gram_by_channels(features: Tensor) -> Tensor:
    """Bug 6: a Gram matrix divided by C C, and not by the number of places N."""
    _, C, h, w = features.shape
    return gram(features) * h * w / C**2


def divided_by_channels(scene: Scene, start: Tensor) -> Loss:
    """Bug 6 as a loss; the style counts as 1 at the start, as its authors may have tuned it."""
    content = scene.vgg(scene.photo, [CONTENT])[CONTENT]
    style_features = scene.vgg(scene.style, STYLE)
    targets = {layer: gram_by_channels(features) for layer, features in style_features.items()}

    def style_part(features: dict[str, Tensor]) -> Tensor:
        errors = [gram_by_channels(features[layer]) - targets[layer] for layer in STYLE]
        return sum(error.square().mean() for error in errors)

    unit = style_part(scene.vgg(start, STYLE)).detach()

    def loss(image: Tensor) -> Tensor:
        features = scene.vgg(image, [*STYLE, CONTENT])
        content_error = content_loss(features[CONTENT], content)
        return style_part(features) / unit + CONTENT_WEIGHT * content_error

    return loss


def with_one_axis(loss: Loss) -> Loss:
    """A total variation that forgot to look downwards."""

    def total(image: Tensor) -> Tensor:
        value = loss(image)
        across = image[..., :, 1:] - image[..., :, :-1]
        return value + 20 * across.square().mean()

    return total
