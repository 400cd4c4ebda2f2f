"""Our loop with all its tricks, or without one of them, and when it was good enough."""

import time
from collections.abc import Callable

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import keep_memory, pyramid
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.bench.peers import Loss, MakeLoss, Trajectory

TRICKS = ("pyramid", "colour", "half", "products", "memory")
FIRST_VALUE = 10  # our losses are brought to this at the start: it sets what a pixel outside costs
STRIDE = 8  # evaluations between two that are judged, before one looks closer


def paint_ours(
    vgg: VGG,
    make_loss: MakeLoss,
    pair: tuple[Tensor, Tensor],
    evaluations: int,
    without: str = "",
) -> Trajectory:
    """Our loop on a photo and a style, timed from before its targets are computed.

    without: a trick to leave out, "pyramid", "colour" or "memory"; "half" is a property of the
    network, and "products" of what surrounds this call (see plain_products).
    """
    seconds = []
    images = []
    start = time.perf_counter()

    def callback(step: int, image: Tensor, value: float) -> None:
        seconds.append(time.perf_counter() - start)
        images.append(image)

    if without != "memory":
        keep_memory()
    photo, style = pair
    loss = scaled(make_loss(vgg, photo, style))
    optimise(
        photo if without == "colour" else matched_colour(photo, style),
        loss,
        evaluations,
        callback=callback,
        parametrize=None if without == "pyramid" else pyramid,
    )
    return Trajectory(seconds, images)


def scaled(loss: Loss) -> Loss:
    """A loss times the factor that makes its first value FIRST_VALUE."""
    factor = None

    def scaled_loss(image: Tensor) -> Tensor:
        nonlocal factor
        value = loss(image)
        if factor is None:
            factor = FIRST_VALUE / value.item()
        return factor * value

    return scaled_loss


@torch.no_grad()
def first_reached(
    trajectory: Trajectory,
    judge: Callable[[Tensor], Tensor],
    goal: float,
) -> tuple[int | None, float | None]:
    """The first moment at which the judge gives the clamped image at most the goal.

    Returns the number of evaluations, from 1, and the seconds; (None, None) where it never does.
    Looks at every eighth image first, and then at those before the first that is good enough.
    """
    seconds, images = trajectory

    def is_reached(number: int) -> bool:
        return judge(images[number].clamp(0, 1)).item() <= goal

    first = 0
    while first + STRIDE <= len(images) and not is_reached(first + STRIDE - 1):
        first += STRIDE
    for number in range(first, min(first + STRIDE, len(images))):
        if is_reached(number):
            return number + 1, seconds[number]
    return None, None
