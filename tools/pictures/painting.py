"""How stored paintings are made: from coarse to fine, with their settings inside the file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import pyramid
from helpers.images import DATA, as_saved, load, read_settings, save
from helpers.losses import content_loss, gram, style_loss, total_variation
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown

RESULTS = DATA / "results"
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
CONTENT = "relu4_2"

Plan = tuple[tuple[int, int], ...]  # (pixels of the long side, evaluations), from coarse to fine
LARGE: Plan = ((256, 60), (512, 40), (1024, 25))


class Settings(NamedTuple):
    """All that decides how a painting looks, and is kept inside its file.

    content, style: names that `load` knows. style_scale: the style's long side, as a multiple of
    the painting's. plan: evaluations of L-BFGS at growing sizes.
    """

    content: str
    style: str
    content_weight: float
    style_scale: float = 1.0
    plan: Plan = LARGE

    @property
    def style_size(self) -> int:
        """Pixels of the style's long side at the last size."""
        size, _ = self.plan[-1]
        return round(self.style_scale * size)


def mean_style(features: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Mean style error over the five layers.

    features: by layer name, (1, C, h, w). targets: their Gram matrices (C, C). Returns a scalar.
    """
    return sum(style_loss(features[name], targets[name]) for name in STYLE) / len(STYLE)


def gram_targets(vgg: VGG, style: Tensor) -> dict[str, Tensor]:
    """The Gram matrices of a style at the five layers."""
    return {name: gram(features) for name, features in vgg(style, STYLE).items()}


def total_loss(
    vgg: VGG,
    photo: Tensor,
    style: Tensor,
    content_weight: float,
    tv_weight: float = 0.0,
) -> Callable[[Tensor], Tensor]:
    """The loss of notebook 05 for one pair of pictures: image (1, 3, H, W) -> scalar."""
    targets = gram_targets(vgg, style)
    content = vgg(photo, [CONTENT])[CONTENT]

    def loss(image: Tensor) -> Tensor:
        features = vgg(image, [*STYLE, CONTENT])
        style_error = mean_style(features, targets)
        content_error = content_loss(features[CONTENT], content)
        value = style_error + content_weight * content_error
        return value + tv_weight * total_variation(image) if tv_weight else value

    return loss


@torch.no_grad()
def style_errors(painting: Tensor, style: Tensor, judge: VGG | None = None) -> list[float]:
    """The style error at relu1_1 ... relu5_1 of a painting as saved, measured in float32.

    judge: the network that measures; the original VGG19 with max pooling by default.
    """
    if judge is None:
        judge = VGG(device=painting.device)
    targets = gram_targets(judge, style)
    features = judge(as_saved(painting), STYLE)
    return [style_loss(features[name], targets[name]).item() for name in STYLE]


def enlarged(image: Tensor, photo: Tensor) -> Tensor:
    """An image brought to the size of a photo."""
    size = photo.shape[2:]
    return torch.nn.functional.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)


def coarse_to_fine(vgg: VGG, settings: Settings) -> Tensor:
    """Paint at growing sizes, each from the enlarged result before.

    The first size begins with the photo in the colours of the style. Returns (1, 3, H, W) at the
    last size.
    """
    image = None
    for size, evaluations in settings.plan:
        photo = load(settings.content, size).to(vgg.device)
        style = load(settings.style, round(settings.style_scale * size)).to(vgg.device)
        if image is None:
            start = matched_colour(photo, style)
        else:
            start = enlarged(image, photo)
        loss = total_loss(vgg, photo, style, settings.content_weight)
        image = optimise(start, loss, evaluations, parametrize=pyramid).image
    return image


def save_painting(image: Tensor, path: Path, vgg: VGG, settings: Settings) -> str:
    """Save a painting with its settings -> a line about it.

    A network like its own, in float32, says how well it has the style.
    """
    judge = VGG(vgg.name, pool=vgg.pool, device=image.device)
    style = load(settings.style, settings.style_size).to(image.device)
    errors = style_errors(image, style, judge)
    note = {
        "network": vgg.name,
        "pool": vgg.pool,
        "method": "L-BFGS on a pyramid, from matched colours",
        **settings._asdict(),
        "style_errors": rounded(errors),
    }
    save(image, path, note, quality=90)
    layers = " ".join(f"{error:.4f}" for error in errors)
    return f"{path.name}: mean style error {mean(errors):.4f}, from relu1_1 to relu5_1 {layers}"


def rounded(errors: list[float]) -> list[float]:
    """Errors as a file keeps them, with four decimals."""
    return [round(error, 4) for error in errors]


def mean(values: list[float]) -> float:
    """The mean of some numbers."""
    return sum(values) / len(values)


def is_painted(file: Path, settings: Mapping) -> bool:
    """Whether a file holds the picture with these settings, and perhaps with more."""
    if not file.is_file():
        return False
    stored = read_settings(file)
    return all(json.dumps(stored.get(key)) == json.dumps(settings[key]) for key in settings)


def say_what_was_found(finished: int, of: int) -> None:
    """One line, where an earlier call left something."""
    if finished:
        print(f"{finished} of {of} paintings are there and stay as they are.", flush=True)


def paint_missing(vgg: VGG, paintings: Mapping[Path, Settings]) -> None:
    """Paint and save what is not there already with the same network and settings."""
    network = {"network": vgg.name, "pool": vgg.pool}
    missing = [
        file
        for file, settings in paintings.items()
        if not is_painted(file, {**network, **settings._asdict()})
    ]
    say_what_was_found(len(paintings) - len(missing), len(paintings))
    countdown = Countdown(len(missing))
    for file in missing:
        image = coarse_to_fine(vgg, paintings[file])
        countdown.step(save_painting(image, file, vgg, paintings[file]))
