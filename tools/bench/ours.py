"""Our loop with all its tricks, or without one of them, and when it was good enough."""

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import keep_memory, pyramid
from helpers.recipes import Objective
from helpers.soften import optimise_softened
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.bench.peers import Trajectory, recorded

TRICKS = ("pyramid", "colour", "softening", "half", "products", "memory")
FIRST_VALUE = 10  # our losses are brought to this at the start: it sets what a pixel outside costs
STRIDE = 8  # evaluations between two that are judged, before one looks closer


def paint_ours(
    vgg: VGG,
    recipe: str,
    pair: tuple[Tensor, Tensor],
    evaluations: int,
    without: str = "",
) -> Trajectory:
    """Our loop on a photo and a style, with a recipe's loss, timed from before its targets are.

    without: a trick to leave out, "pyramid", "colour", "softening" or "memory"; "half" is a
    property of the network, and "products" of what surrounds this call (see plain_products).
    """
    run, callback = recorded()
    if without != "memory":
        keep_memory()
    photo, style = pair
    image = photo if without == "colour" else matched_colour(photo, style)
    objective = Objective(recipe, vgg, photo, style)
    with torch.no_grad():
        scale = FIRST_VALUE / objective(image).item()
    options = {
        "callback": callback,
        "parametrize": None if without == "pyramid" else pyramid,
    }
    if without == "softening":
        optimise(image, lambda image: scale * objective(image), evaluations, **options)
    else:
        optimise_softened(image, objective, evaluations, scale=scale, **options)
    return run


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
