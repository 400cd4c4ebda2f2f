"""Notebook 12: what a program paints when one thing in it is wrong."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.images import as_saved, load, save
from helpers.losses import content_loss, gram, range_penalty, style_loss
from helpers.show import show
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, RESULTS, STYLE, rounded
from tools.pictures.sheets import save_sheet

FOLDER = RESULTS / "12_museum"
SIZE = 320
STYLE_SIZE = 400
CONTENT_WEIGHT = 0.08
EVALUATIONS = 45
CONV_STYLE = ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
SHALLOW_STYLE = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]
ON_THE_SHEET = ["keras", "columns", "names", "overwritten", "right", "unscaled"]
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red
CLAMPED_PAIRS = [  # content, style, content weight
    ("coffee", "suminagashi", 0.1),
    ("astronaut", "stained_glass", 0.08),
    ("coffee", "stained_glass", 0.08),
]
CLAMPED_EVALUATIONS = 60

Loss = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> scalar
Look = Callable[[Tensor, list[str]], dict[str, Tensor]]  # image, layers -> features by layer


class Scene(NamedTuple):
    """What every program of the museum works with."""

    vgg: VGG
    photo: Tensor
    style: Tensor


def scene_of(vgg: VGG, size: int = SIZE, style_size: int = STYLE_SIZE) -> Scene:
    """The astronaut without the lower third of her photo, and the window."""
    photo = load("astronaut", size)
    height = round(size * 176 / 256)
    return Scene(
        vgg,
        photo[..., :height, :].to(vgg.device),
        load("stained_glass", style_size).to(vgg.device),
    )


def museum(vgg: VGG, path: Path) -> None:
    """Notebook 12: one photo and one style, painted by the right program and by five with a bug, at
    320 px with 45 evaluations each.
    """
    scene = scene_of(fast(VGG(device=vgg.device)))
    start = matched_colour(scene.photo, scene.style)
    losses = all_losses(scene, start)
    missing = [name for name in losses if not (FOLDER / f"{name}.jpg").is_file()]
    countdown = Countdown(len(missing) + 1)
    for name in missing:
        image = optimise(start, losses[name], EVALUATIONS, parametrize=pyramid).image
        style_errors, content_error = measured(vgg, image, scene)
        note = {
            "evaluations": EVALUATIONS,
            "style_errors": rounded(style_errors),
            "content_error": round(content_error, 4),
        }
        save(image, FOLDER / f"{name}.jpg", note, quality=90)
        countdown.step(f"{name}: {note['style_errors']}, content {note['content_error']}")
    if not (FOLDER / "stopped.jpg").is_file():
        stopped_early(Scene(vgg, scene.photo, scene.style))
    if not (FOLDER / "clamp.jpg").is_file():
        clamp_and_fence(scene.vgg)
    countdown.step("the early stop, clamp and fence")
    pictures = [load(FOLDER / f"{name}.jpg", None) for name in ON_THE_SHEET]
    letters = "ABCDEF"
    sheet = show(
        pictures,
        list(letters),
        columns=3,
        height=scene.photo.shape[2],
        alt="An astronaut in stained glass, painted by one right program and five with a bug.",
    )
    answer = dict(zip(letters, ON_THE_SHEET, strict=True))
    save_sheet(sheet.pil, path, quality=90)
    print(answer, flush=True)


@torch.no_grad()
def measured(judge: VGG, image: Tensor, scene: Scene) -> tuple[list[float], float]:
    """Style errors at the five layers and the content error, as saved, in float32."""
    targets = judge(scene.style, STYLE)
    features = judge(as_saved(image), [*STYLE, CONTENT])
    content = judge(scene.photo, [CONTENT])[CONTENT]
    errors = [style_loss(features[name], gram(targets[name])).item() for name in STYLE]
    return errors, content_loss(features[CONTENT], content).item()


def all_losses(scene: Scene, start: Tensor) -> dict[str, Loss]:
    """The right program and the wrong ones, by the names of their files."""
    overwriting = partial(overwritten, scene.vgg)
    return {
        "right": program(scene, scene.vgg),
        "names": program(scene, scene.vgg, SHALLOW_STYLE, "conv2_2"),
        "conv": program(scene, scene.vgg, CONV_STYLE, "conv4_2"),
        "overwritten": program(scene, overwriting, CONV_STYLE, "conv4_2"),
        "unscaled": program(scene, partial(unscaled, scene.vgg)),
        "columns": program(scene, partial(mean_in_columns, scene.vgg)),
        "keras": counted(scene, start, count_of_keras),
        "paper": counted(scene, start, count_of_the_paper),
    }


def program(
    scene: Scene,
    look: Look,
    style_layers: list[str] = STYLE,
    content_layer: str = CONTENT,
) -> Loss:
    """The loss of a program, right or wrong. look: how it takes features, of targets too.

    It is asked for all layers at once each time, because room 2 depends on where the walk ends.
    """
    with torch.no_grad():
        style_features = look(scene.style, style_layers)
        targets = {layer: gram(features) for layer, features in style_features.items()}
        content = look(scene.photo, [*style_layers, content_layer])[content_layer]

    def loss(image: Tensor) -> Tensor:
        features = look(image, [*style_layers, content_layer])
        errors = [style_loss(features[layer], targets[layer]) for layer in style_layers]
        content_error = content_loss(features[content_layer], content)
        return sum(errors) / len(style_layers) + CONTENT_WEIGHT * content_error

    return loss


def overwritten(vgg: VGG, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Room 2: ReLU in place writes over the features of the convolution before it.

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


def unscaled(vgg: VGG, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Room 4: pixels from 0 to 1 for a network that expects 0 to 255, and no mean taken off."""
    return vgg.features(image / (255 * vgg.std), layers)


def mean_in_columns(vgg: VGG, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Room 4: red for blue, and a mean that is taken from three columns, not from three colours."""
    pixels = 255 * image
    mean = torch.zeros_like(pixels)
    for column, value in enumerate(CAFFE_MEAN):
        mean[..., column] = value
    blue_first = (pixels - mean).flip(1)
    return vgg.features(blue_first / (255 * vgg.std), layers)


def count_of_keras(channels: int, places: int, pixels: int) -> int:
    """Room 6: three channels and all pixels, for every layer."""
    return 3 * pixels


def count_of_the_paper(channels: int, places: int, pixels: int) -> int:
    """Equation 4: the layer's own channels and places."""
    return channels * places


def counted(scene: Scene, start: Tensor, count: Callable[[int, int, int], int]) -> Loss:
    """Sums of squared differences of F Fᵀ over 4 count², as in equation 4 of the paper.

    The style's sums are brought to as many places as the photo has. The style term is 1 at the
    start, and content is weighed as in the right program.
    """
    with torch.no_grad():
        style_features = scene.vgg(scene.style, STYLE)
        targets = {layer: gram(features) for layer, features in style_features.items()}
        content = scene.vgg(scene.photo, [CONTENT])[CONTENT]
    pixels = scene.photo.shape[2] * scene.photo.shape[3]

    def style_sum(features: dict[str, Tensor]) -> Tensor:
        total = 0.0
        for layer, target in targets.items():
            channels = len(target)
            places = features[layer].shape[2] * features[layer].shape[3]
            difference = (gram(features[layer]) - target) * places
            total = total + difference.square().sum() / 4 / count(channels, places, pixels) ** 2
        return total

    unit = style_sum(scene.vgg(start, STYLE)).detach()

    def loss(image: Tensor) -> Tensor:
        features = scene.vgg(image, [*STYLE, CONTENT])
        content_error = content_loss(features[CONTENT], content)
        return style_sum(features) / unit + CONTENT_WEIGHT * content_error

    return loss


def lbfgs(start: Tensor, loss: Loss, inside: bool, evaluations: int) -> Tensor:
    """Room 3: PyTorch's L-BFGS as it comes, with a clamp inside its closure or with a fence."""
    image = start.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image])
    count = 0

    def closure() -> Tensor:
        nonlocal count
        if inside:
            image.data.clamp_(0, 1)
        optimiser.zero_grad()
        value = loss(image)
        if not inside:
            value = value + 100 * range_penalty(image)
        value.backward()
        count += 1
        return value

    while count < evaluations:
        optimiser.step(closure)
    return image.detach()


def loss_of_pair(vgg: VGG, photo: str, style: str, weight: float, size: int) -> tuple[Tensor, Loss]:
    """Return the photo of a pair, and the loss of the series."""
    content_image = load(photo, size).to(vgg.device)
    style_image = load(style, round(1.25 * size)).to(vgg.device)
    scene = Scene(vgg, content_image, style_image)
    right = program(scene, vgg)
    content = vgg(content_image, [CONTENT])[CONTENT]

    def loss(image: Tensor) -> Tensor:
        if weight == CONTENT_WEIGHT:
            return right(image)
        features = vgg(image, [CONTENT])[CONTENT]
        return right(image) + (weight - CONTENT_WEIGHT) * content_loss(features, content)

    return content_image, loss


def clamp_and_fence(vgg: VGG) -> None:
    """Paint the cup twice, and measure both loops on several pairs and starts."""
    runs = []
    for photo, style, weight in CLAMPED_PAIRS:
        runs += clamped_runs(vgg, photo, style, weight, 112)
    runs += clamped_runs(vgg, *CLAMPED_PAIRS[0], 256)
    image, loss = loss_of_pair(vgg, *CLAMPED_PAIRS[0], 256)
    for name, inside in (("fence", False), ("clamp", True)):
        painting = as_saved(lbfgs(image, loss, inside, CLAMPED_EVALUATIONS))
        note = {"evaluations": CLAMPED_EVALUATIONS, "loss": round(loss(painting).item(), 4)}
        save(painting, FOLDER / f"{name}.jpg", {**note, "runs": runs}, quality=90)


def clamped_runs(vgg: VGG, photo: str, style: str, weight: float, size: int) -> list[dict]:
    """Return for two starts near the photo what either loop reaches, as saved."""
    runs = []
    image, loss = loss_of_pair(vgg, photo, style, weight, size)
    for seed in (0, 1):
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(image.shape, generator=generator).to(image.device)
        start = (image + 0.05 * noise).clamp(0, 1)
        row = {"photo": photo, "style": style, "size": size, "seed": seed}
        for name, inside in (("clamp", True), ("fence", False)):
            painting = as_saved(lbfgs(start, loss, inside, CLAMPED_EVALUATIONS))
            row[name] = round(loss(painting).item(), 4)
        runs.append(row)
        print(row, flush=True)
    return runs


def stopped_early(scene: Scene) -> None:
    """Room 5: neural-style's loss and start in its own unit, with the tolerances of torch."""
    loss = loss_of_neural_style(scene)
    generator = torch.Generator().manual_seed(0)
    pixels = 0.001 * torch.randn(scene.photo.shape, generator=generator).to(scene.vgg.device)
    pixels.requires_grad_()
    optimiser = torch.optim.LBFGS([pixels], max_iter=1000)
    values = []

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = loss(pixels)
        value.backward()
        values.append(value.item())
        return value

    optimiser.step(closure)
    print(f"stopped: {values}", flush=True)
    image = pixels.detach() / 256 + scene.vgg.mean
    save(image, FOLDER / "stopped.jpg", {"losses": values}, quality=90)


def loss_of_neural_style(scene: Scene) -> Loss:
    """Of pixels from 0 to 256 less a mean: weights 5 and 100, means of squares, F Fᵀ over C N.

    A network for such pixels has features that are 58 times as large as ours.
    """
    gain = 58

    def matrix(features: Tensor) -> Tensor:
        return gain**2 * gram(features) / features.shape[1]

    with torch.no_grad():
        targets = {name: matrix(f) for name, f in scene.vgg(scene.style, STYLE).items()}
        content = gain * scene.vgg(scene.photo, [CONTENT])[CONTENT]

    def loss(pixels: Tensor) -> Tensor:
        features = scene.vgg(pixels / 256 + scene.vgg.mean, [*STYLE, CONTENT])
        style = sum((matrix(features[name]) - targets[name]).square().mean() for name in STYLE)
        return 100 * style + 5 * (gain * features[CONTENT] - content).square().mean()

    return loss
