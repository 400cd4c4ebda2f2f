"""The losses and the loop. Everything here sees features and images, never a network.

Losses are pure functions of features and targets. They are unit-free: 0 is a perfect match, 1 is what features that
are all zero would score (an empty grey picture comes close), 0.01 is one per cent.
"""

import math
from typing import Callable, NamedTuple

import torch
from torch import Tensor

from helpers.fast import keep_memory, own_pixels, products

__all__ = ["gram", "content_loss", "style_loss", "total_variation", "range_penalty", "optimise", "Result"]

Loss = Callable[[Tensor], Tensor]


def gram(features: Tensor) -> Tensor:
    """Channel correlations of one feature map: (1, C, h, w) -> (C, C), G = F Fᵀ / (h w). Derived in notebook 03.

    Gatys et al. (2016), equation 3, without the division: here a picture and its half have the same G.
    """
    if features.ndim != 4 or features.shape[0] != 1:
        raise ValueError(f"gram takes the features of one image, (1, C, h, w), found {tuple(features.shape)}")
    flat = features.squeeze(0).flatten(1)  # one row a channel, one column a position
    return products(flat) / flat.shape[1]  # F Fᵀ in float32: float16 would overflow


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """‖F − P‖² / ‖P‖² of one layer: both (1, C, h, w) -> scalar. Derived in notebook 02.

    Gatys et al. (2016), equation 1, is ½ ‖F − P‖²; dividing by ‖P‖² takes the unit away.
    """
    _same_shape("features", features, "target", target)
    return relative_error(features.float(), target.float())


def style_loss(features: Tensor, target: Tensor) -> Tensor:
    """‖G − A‖² / ‖A‖² of one layer: features (1, C, h, w), target A = gram(style features), (C, C) -> scalar.

    Gatys et al. (2016), equation 4, divides by 4 C² (h w)² instead. Derived in notebook 04.
    """
    found = gram(features)
    _same_shape("gram(features)", found, "target", target)
    return relative_error(found, target.float())


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference between neighbouring pixels, across and down: (1, C, H, W) -> scalar.

    A horizontal ramp that rises by s a pixel has s². Mahendran and Vedaldi (2015), R_Vβ with β = 2.
    """
    across, down = image[..., :, 1:] - image[..., :, :-1], image[..., 1:, :] - image[..., :-1, :]
    return across.square().mean() + down.square().mean()


def range_penalty(image: Tensor) -> Tensor:
    """Mean squared excess over [0, 1], (1, 3, H, W) -> scalar: a soft fence that leaves gradients intact.

    Departs from Gatys et al., who let pixels run free: what is outside cannot be saved.
    """
    return (image - image.clamp(0, 1)).square().mean()


def relative_error(found: Tensor, target: Tensor) -> Tensor:
    """‖found − target‖² / ‖target‖²; a target that is zero everywhere counts as one of norm 1e-12."""
    return (found - target).square().sum() / target.square().sum().clamp_min(1e-12)


def _same_shape(one: str, a: Tensor, other: str, b: Tensor) -> None:
    """A loss between different shapes would broadcast in silence; refuse it in a sentence."""
    if a.shape != b.shape:
        raise ValueError(f"{one} has shape {tuple(a.shape)}, {other} has {tuple(b.shape)}; they must be equal")


class Result(NamedTuple):
    """What `optimise` returns: the best image, (1, 3, H, W), the loss at each evaluation, the image at the last one."""

    image: Tensor
    history: list[float]
    last: Tensor


def optimise(start, loss: Loss, steps=150, method="lbfgs", lr=None, seen=None, pixels=None, via=None) -> Result:
    """Change the pixels of `start` until `loss(image)` is small. Written in the open in notebooks 06 and 07.

    loss: image (1, 3, H, W) -> scalar. steps: how often it is evaluated, each time with its gradient: that is what
    costs time, and what makes methods comparable. method: "lbfgs" (Liu and Nocedal 1989, strong Wolfe line search),
    "adam" (Kingma and Ba 2015), or a function [image] -> torch.optim.Optimizer. lr: None takes 1 for L-BFGS and 0.02
    for Adam. pixels: how they are kept in [0, 1]: "fence" (a soft penalty; the default for L-BFGS), "clamp" (between
    steps; the default otherwise), "closure" (clamped inside the closure, as some do; see notebook 07) or "free".
    seen(step, image, value) is called after each evaluation. via: what changes instead of the pixels: a function image
    -> (variables, function that makes an image of them), such as helpers.fast.pyramid.

    Returns the image with the smallest loss, the history, and the last image, which is what published codes keep.
    Interrupting returns the image so far; NaN goes back to the best image and says so. `start` is not changed. Raises
    ValueError for arguments that cannot work.
    """
    pixels = pixels or ("fence" if method == "lbfgs" else "clamp")
    for what, given, known in (("method", method, METHODS), ("way to treat pixels", pixels, PIXELS)):
        if given not in known and not callable(given):
            raise ValueError(f"there is no {what} {given!r}; known: {', '.join(known)}")
    if via and pixels in ("clamp", "closure"):
        raise ValueError(f'pixels={pixels!r} needs pixels to clamp; with via, take "fence" or "free"')
    if steps < 1 or start.ndim != 4 or not start.is_floating_point():
        raise ValueError(f"needs steps >= 1 and a float image (1, 3, H, W), found {steps} and {tuple(start.shape)}")
    keep_memory()
    run = _Run(start, loss, steps, seen, pixels, via or own_pixels)
    try:
        for attempt in range(MAX_RESTARTS + 1):
            if run.advance(METHODS.get(method, method)(run.variables), lr, 0.5**attempt):
                break
            print(f"The loss became NaN after {len(run.history)} evaluations; going on from the best image.")
    except KeyboardInterrupt:
        print(f"Stopped after {len(run.history)} of {steps} evaluations: this is the best image so far.")
    return Result(run.best.clamp(0, 1), run.history, run.last.clamp(0, 1))


class _Run:
    """One optimisation: the variable, the best image so far, the history, and the closure that fills them."""

    def __init__(self, start: Tensor, loss: Loss, steps: int, seen, pixels: str, via):
        self.best = self.last = start.detach().clone(memory_format=torch.contiguous_format)
        self.via, (self.variables, self.picture) = via, via(self.best)
        self.least, self.history = math.inf, []
        self.loss, self.steps, self.seen, self.pixels = loss, steps, seen, pixels

    def closure(self) -> Tensor:
        """Evaluate the loss and its gradient once, and remember the image if it is the best so far."""
        if len(self.history) >= self.steps:
            raise _Finished
        for variable in self.variables:
            variable.grad = None
        self._clamp("closure")
        image = self.picture()
        value = self.loss(image)
        total = value + FENCE * range_penalty(image) if self.pixels == "fence" else value
        total.backward()
        self._remember(image, total.item(), value.item())
        return total

    def _remember(self, image: Tensor, total: float, value: float) -> None:
        if not math.isfinite(total):
            raise _Diverged
        self.history.append(value)
        self.last = image.detach().clone()
        if total < self.least:
            self.best, self.least = self.last, total
        if self.seen is not None:
            self.seen(len(self.history), self.last, value)

    @torch.no_grad()
    def _clamp(self, where: str) -> None:
        if self.pixels == where:
            self.picture().clamp_(0, 1)

    def advance(self, optimiser: torch.optim.Optimizer, lr: float | None, shrink: float) -> bool:
        """Step until the evaluations are used up (True) or the loss is no number (False: back to the best image)."""
        for group in optimiser.param_groups:
            group["lr"] = (lr or group["lr"]) * shrink
        try:
            while True:
                optimiser.step(self.closure)
                self._clamp("clamp")
        except _Finished:
            return True
        except _Diverged:
            if not self.history:
                raise ValueError("the loss is NaN or infinite at the start: check the image and the targets") from None
            self.variables, self.picture = self.via(self.best)
            return False


class _Finished(Exception):
    """The evaluations are used up, perhaps in the middle of a line search."""


class _Diverged(Exception):
    """The loss is NaN or infinite."""


def _lbfgs(pixels: list[Tensor]) -> torch.optim.LBFGS:
    """No early stop: the tolerances of torch depend on the unit of the loss (see notebook 07). At most 1 GB of history."""
    history = max(5, min(50, 10**9 // (8 * sum(p.numel() for p in pixels))))
    settings = {"history_size": history, "tolerance_grad": 0, "tolerance_change": 0, "line_search_fn": "strong_wolfe"}
    return torch.optim.LBFGS(pixels, lr=1, max_iter=10**9, **settings)


def _adam(pixels: list[Tensor]) -> torch.optim.Adam:
    """Clamped between steps: Adam looks at one gradient at a time, so nobody is misled about curvature."""
    return torch.optim.Adam(pixels, lr=0.02)


METHODS = {"lbfgs": _lbfgs, "adam": _adam}
PIXELS = ("fence", "clamp", "closure", "free")
FENCE = 100  # for losses of about 1: with 1, some pictures lose more in saving than the fence costs (notebook 07)
MAX_RESTARTS = 3
