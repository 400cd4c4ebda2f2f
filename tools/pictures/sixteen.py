"""Notebook 07: ten iterations of L-BFGS with another network, VGG16."""

from pathlib import Path

import torch
from torch import Tensor

from helpers.fast import fast
from helpers.images import as_saved, load, read_settings, save
from helpers.losses import range_penalty
from helpers.show import show
from helpers.transfer import FENCE
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import enlarged, total_loss
from tools.pictures.sheets import save_sheet

PHOTO = "fushimi_inari_gates"
PAINTING = "mosaic"
SIZE = 400  # pixels of the long side; the painting is brought to the photo's shape
CONTENT_WEIGHT = 0.03
TV_WEIGHT = 0.3
MAX_ITER = 20  # evaluations of one `step` of torch's L-BFGS, which is called an iteration
SHOWN = (1, 2, 5, 10)
NETWORK = "torchvision's VGG16 (IMAGENET1K_V1)"


def sixteen(vgg: VGG, path: Path) -> None:
    """A path under orange gates after a mosaic, at 400 px, after 1, 2, 5 and 10 iterations of
    L-BFGS with torchvision's VGG16 (IMAGENET1K_V1): content, style and total variation, from the
    photo.

    An iteration is one `step` of torch.optim.LBFGS, which is 20 evaluations. Each picture is kept
    in the folder `07_vgg16`. The network is downloaded once.
    """
    paint_with(VGG("torchvision-vgg16", device=vgg.device), path)


def paint_with(network: VGG, path: Path) -> None:
    """The same, with a network that is there already."""
    folder = path.parent / path.stem
    fast(network)
    photo = load(PHOTO, SIZE).to(network.device)
    style = enlarged(load(PAINTING, SIZE).to(network.device), photo)
    image = photo.clone().requires_grad_()
    loss = total_loss(network, photo, style, CONTENT_WEIGHT, TV_WEIGHT)
    optimiser = torch.optim.LBFGS([image], max_iter=MAX_ITER, tolerance_grad=0, tolerance_change=0)
    evaluations = 0

    def closure() -> Tensor:
        nonlocal evaluations
        evaluations += 1
        image.grad = None
        total = loss(image) + FENCE * range_penalty(image)
        total.backward()
        return total

    countdown = Countdown(max(SHOWN))
    for iteration in range(1, max(SHOWN) + 1):
        optimiser.step(closure)
        saved = as_saved(image)
        with torch.no_grad():
            value = loss(saved).item()
        countdown.step(f"iteration {iteration}: {value:.4f} after {evaluations} evaluations")
        if iteration in SHOWN:
            note = {
                "network": NETWORK,
                "pool": network.pool,
                "method": "L-BFGS without a line search, from the photo",
                "content": PHOTO,
                "style": PAINTING,
                "size": SIZE,
                "content_weight": CONTENT_WEIGHT,
                "tv_weight": TV_WEIGHT,
                "iteration": iteration,
                "evaluations": evaluations,
                "loss": round(value, 4),
            }
            save(saved, folder / f"{iteration}.jpg", note, quality=90)
    write_sheet(photo, style, path)


def write_sheet(photo: Tensor, style: Tensor, path: Path) -> None:
    """The photo, the four kept pictures and the style, with titles."""
    pictures = [photo]
    titles = ["the photo"]
    for iteration in SHOWN:
        file = path.parent / path.stem / f"{iteration}.jpg"
        note = read_settings(file)
        pictures.append(load(file, None))
        word = "iteration" if iteration == 1 else "iterations"
        titles.append(f"{iteration} {word}: {note['evaluations']} evaluations")
    sheet = show(
        [*pictures, style],
        [*titles, "the style, in the photo's shape"],
        columns=3,
        height=312,
        alt="A photo, four moments of its painting, and the style.",
    )
    save_sheet(sheet.pil, path, quality=90)
