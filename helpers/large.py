"""A large painting in one call: from coarse to fine, as notebook 09 does it step by step."""

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.images import as_saved
from helpers.losses import range_penalty
from helpers.memory import free_memory, memory_for
from helpers.recipes import Objective, Recipe, pictures_for, recipe, reshaped
from helpers.tiles import TiledObjective, can_be_tiled
from helpers.transfer import FENCE, Callback, Result, optimise
from helpers.vgg import VGG, require_vgg

__all__ = ["paint_large", "sizes_up_to"]

FIRST = 128  # the coarsest size has this many pixels, or up to twice as many
MOST = (25, 15, 20, 30)  # evaluations at most: of the last size, and so on back to the first
LOOK = 5  # evaluations between two pictures that are compared
STILL = 2.0  # grey levels of 255 (root mean square) between two saved pictures: hard to see
COARSE = 2.0  # an earlier size may change by as many times as much: the next paints over it
STRONGEST = 3.0  # as strong as this, at most, is the photo's fine detail made
SECONDS = 15  # between two lines of progress
TILES = (2048, 1024, 512, 256)  # sides to choose from; the largest one that fits wastes least


def paint_large(  # noqa: PLR0913 - a painting's three things, and what has to be named
    content: Tensor,
    style: Tensor,
    vgg: VGG | None = None,
    *,
    size: int = 1024,
    what: str | Recipe = "ours",
    callback: Callback | None = None,
) -> Result:
    """Paint from coarse to fine, with all tricks, and say how far it is.

    content, style: (1, 3, H, W), RGB in [0, 1], as large as there are. vgg: the network; None takes
    the recipe's own, as `fast` makes it. size: pixels of the long side. what: a recipe that changes
    the image itself by our L-BFGS, such as recipe("ours", tv=2.0); its loss counts, and its number
    of steps does not. callback: as in helpers.transfer.optimise; steps are counted through all
    sizes, and the image grows.

    The first size begins with the photo in the style's colours (helpers.colours), each other one
    with the picture before, enlarged, and with the photo's finest detail, which enlarging cannot
    give, as strong as it is in the style. The last size takes 25 evaluations at most, and, going
    back, those before it 15, 20 and 30. A size ends sooner where the picture, as saved, changes by
    less than two grey levels in five evaluations (an earlier size: by less than four); that takes
    two looks, and so 10 evaluations at least.

    Returns the best image of the last size, the history of all sizes, and the last image. After an
    interruption it is the best image of the size that was at work. A size whose features would not
    fit into the memory that is free is painted in exact tiles (helpers.tiles), and a line says so.
    Raises ValueError for what cannot work, and for a size that would not fit in tiles either.
    """
    chosen = _fitting_recipe(what)
    sizes = sizes_up_to(size)
    vgg = fast(VGG(chosen.network)) if vgg is None else require_vgg(vgg)
    pictures = [pictures_for(chosen, content, style, side) for side in sizes]
    # All before the first evaluation, the last size first: what would not fit is refused now.
    tiles = [_side_of_tiles(chosen, vgg, photo) for photo, _ in reversed(pictures)][::-1]
    most = [MOST[min(back, len(MOST) - 1)] for back in reversed(range(len(sizes)))]
    work = [count * photo[0, 0].numel() for count, (photo, _) in zip(most, pictures, strict=True)]
    history = []
    image = None
    for number, (photo, on_style) in enumerate(pictures):
        photo, on_style = photo.to(vgg.device), on_style.to(vgg.device)
        if image is None:
            start = matched_colour(photo, on_style)
        else:
            start = _enlarged(image, photo, on_style)
        watch = _Watch(
            size=sizes[number],
            most=most[number],
            later=sum(work[number + 1 :]) / work[number],
            callback=_counted(callback, len(history)),
        )
        objective = _objective(chosen, vgg, photo, on_style, tiles[number])
        result = _until_still(start, objective, watch)
        history += watch.history
        image = result.image
        if watch.is_interrupted:
            break
    return Result(image, history, result.last)


def sizes_up_to(size: int) -> list[int]:
    """The sizes on the way to `size`: each twice the one before, from about 128 pixels on.

    Raises ValueError for what is no size.
    """
    recipe("ours", size=size)  # refuses what is no size
    sizes = [size]
    while sizes[0] >= 2 * FIRST:
        sizes.insert(0, round(sizes[0] / 2))
    return sizes


def _fitting_recipe(what: str | Recipe) -> Recipe:
    """A recipe whose loss can be painted on a pyramid; ValueError for another."""
    chosen = what if isinstance(what, Recipe) else recipe(what)
    own = chosen.variable == "image" and chosen.optimiser["name"] == "lbfgs" and not chosen.stages
    if not own:
        advice = f"paint({chosen.name!r}, ...) runs it as published"
        raise ValueError(f"{chosen.name} brings its own optimiser, unit or sizes: {advice}")
    return chosen


def _objective(
    chosen: Recipe, vgg: VGG, photo: Tensor, style: Tensor, side: int | None
) -> Objective:
    """The loss of one size: of the whole picture, or in tiles of a side."""
    if side is None:
        return Objective(chosen, vgg, photo, style)
    print(f"  {max(photo.shape[2:])} px do not fit into memory at once: in tiles of {side} px.")
    return TiledObjective(chosen, vgg, photo, style, side)


def _side_of_tiles(chosen: Recipe, vgg: VGG, photo: Tensor) -> int | None:
    """The side of the tiles that fit; None where the whole picture does, or nobody can tell.

    Raises ValueError where nothing does: a sentence instead of a crash.
    """
    half = vgg.dtype != torch.float32
    free = free_memory(vgg.device)
    sides = [None, *TILES] if can_be_tiled(chosen) else [None]

    def fitting(pixels: int) -> list[int | None]:
        return [side for side in sides if memory_for(pixels, half, side) <= free]

    pixels = photo[0, 0].numel()
    if not free:
        return None
    if fitting_sides := fitting(pixels):
        return fitting_sides[0]
    size = max(photo.shape[2:])
    smaller = range(size - 32, 0, -32)
    fits = [side for side in smaller if fitting(round(pixels * (side / size) ** 2))]
    advice = f"size={fits[0]} would fit" if fits else "nothing fits; close other programs first"
    least = min(memory_for(pixels, half, side) for side in sides)
    amounts = f"about {least / 1e9:.1f} GB of memory, and {free / 1e9:.1f} are free"
    raise ValueError(f"size={size} needs {amounts}: {advice}")


def _enlarged(image: Tensor, photo: Tensor, style: Tensor) -> Tensor:
    """The picture of the size before at the size of the photo, with fine detail."""
    coarse = image.shape[2:]
    matched = matched_colour(photo, style)
    detail = matched - reshaped(reshaped(matched, coarse), matched.shape[2:])
    halves = [max(1, round(side * coarse[0] / photo.shape[2])) for side in style.shape[2:]]
    in_style = style - reshaped(reshaped(style, tuple(halves)), style.shape[2:])
    strength = (in_style.std() / detail.std().clamp_min(1e-6)).clamp(0, STRONGEST)
    return (reshaped(image, photo.shape[2:]) + strength * detail).clamp(0, 1)


def _counted(callback: Callback | None, earlier: int) -> Callback | None:
    """A callback that counts the evaluations of earlier sizes, too."""
    if callback is None:
        return None
    return lambda step, image, value: callback(earlier + step, image, value)


class _Still(BaseException):  # no optimiser's `except Exception` shall hold it
    """The picture does not change any more."""


class _Watch:
    """Looks at one size while it is painted: keeps the best, tells the time, and ends in time.

    later: the most work of all later sizes, in units of the most work of this one.
    """

    def __init__(self, size: int, most: int, later: float, callback: Callback | None):
        self.size = size
        self.most = most
        self.later = later
        self.callback = callback
        self.calm = COARSE * STILL if later else STILL
        self.history = []
        self.best = None
        self.least = math.inf  # the loss with its fence, as in optimise
        self.before = None
        self.is_interrupted = False
        self.start = self.told = time.monotonic()

    def __call__(self, step: int, image: Tensor, value: float) -> None:
        self.history.append(value)
        total = value + FENCE * range_penalty(image).item()
        if total < self.least:
            self.least = total
            self.best = image
        self._call(step, image, value)
        if time.monotonic() - self.told > SECONDS:
            self.told = time.monotonic()
            print(f"  {self.size} px: {step} of at most {self.most} evaluations{self.left()}")
        if step % LOOK == 0 and step < self.most:
            now = as_saved(self.best)
            if self.before is not None and _difference(now, self.before) < self.calm:
                raise _Still
            self.before = now

    def _call(self, step: int, image: Tensor, value: float) -> None:
        """Call back; what it stops stays stopped, in the last evaluation of a size as well."""
        if self.callback is None:
            return
        try:
            self.callback(step, image, value)
        except KeyboardInterrupt:
            self.is_interrupted = True
            raise

    def left(self) -> str:
        """About how long the rest takes, if no size ends early."""
        each = (time.monotonic() - self.start) / len(self.history)
        evaluations = self.most * (1 + self.later) - len(self.history)
        return f", about {each * evaluations:.0f} s left"


def _difference(one: Tensor, other: Tensor) -> float:
    """The root of the mean square between two images of one size, in grey levels of 255."""
    return 255 * (one - other).square().mean().sqrt().item()


def _until_still(start: Tensor, objective: Callable[[Tensor], Tensor], watch: _Watch) -> Result:
    """Paint one size; its line says why it ended, and about how long the later ones take."""
    why = ""
    try:
        result = optimise(start, objective, watch.most, callback=watch, parametrize=pyramid)
        watch.is_interrupted |= len(watch.history) < watch.most
    except _Still:
        why = ": it hardly changes any more"
        image = watch.best.clamp(0, 1)
        result = Result(image, watch.history, image)
    seconds = time.monotonic() - watch.start
    line = f"{watch.size} px: {len(watch.history)} evaluations in {seconds:.1f} s{why}"
    if watch.later and not watch.is_interrupted:
        rest = seconds / len(watch.history) * watch.most * watch.later
        line += f"; about {rest:.0f} s left"
    print(f"{line}.", flush=True)
    return result
