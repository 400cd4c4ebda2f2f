"""The loop: change the pixels of an image until a loss is small. It never sees a network."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.images import require_picture
from helpers.losses import range_penalty

__all__ = ["optimise", "Result", "the_pixels_themselves"]

Loss = Callable[[Tensor], Tensor]  # an image (1, 3, H, W) -> a scalar
Callback = Callable[[int, Tensor, float], None]  # step, image, value of the loss
Method = Callable[[list[Tensor]], torch.optim.Optimizer]  # what changes -> what changes it
Parametrize = Callable[[Tensor], tuple[list[Tensor], Callable[[], Tensor]]]

PIXELS = ("fence", "clamp", "closure", "free")  # the ways to keep them in [0, 1], or not
FENCE = 100  # for losses of about 1; with 1, some pictures lose more in saving (notebook 07)
MAX_RESTARTS = 3
HISTORY_BYTES = 10**9  # what L-BFGS may keep of earlier steps


class Result(NamedTuple):
    """What `optimise` returns."""

    image: Tensor  # the best image, (1, 3, H, W) in [0, 1]
    history: list[float]  # the loss at each evaluation
    last: Tensor  # the image after the last update, which is what published codes keep


def optimise(  # noqa: PLR0913 - each is a knob of the lesson, and all but three have to be named
    start: Tensor,
    loss: Loss,
    steps: int = 150,
    *,
    method: str | Method = "lbfgs",
    lr: float | None = None,
    pixels: str | None = None,
    callback: Callback | None = None,
    parametrize: Parametrize | None = None,
) -> Result:
    """Change the pixels of `start` until `loss(image)` is small. Notebooks 06 and 07 write it.

    start: (1, 3, H, W) in [0, 1]; it is not changed. loss: image (1, 3, H, W) -> scalar.
    steps: how often the loss is evaluated, each time with its gradient: that is what costs time,
        and what makes methods comparable.
    method: "lbfgs" (Liu and Nocedal 1989, with a strong Wolfe line search), "adam" (Kingma and Ba
        2015), or a function [variables] -> torch.optim.Optimizer.
    lr: None takes 1 for L-BFGS and 0.02 for Adam; after a NaN it is halved.
    pixels: how they are kept in [0, 1]: "fence" (a soft penalty; the default for L-BFGS), "clamp"
        (between steps; the default otherwise), "closure" (clamped inside the closure, as some do;
        see notebook 07) or "free".
    callback: called as callback(step, image, value) after each evaluation.
    parametrize: what changes instead of the pixels: a function image -> (variables, a function that
        makes an image of them), such as helpers.fast.pyramid.

    Returns the image with the smallest loss (the fence counts), the history of the loss, and the
    image after the last update, where the loss was not evaluated any more. Interrupting returns the
    best image so far; NaN goes back to the best image and says so. Raises ValueError for arguments
    that cannot work.
    """
    if pixels is None:
        pixels = "fence" if method == "lbfgs" else "clamp"
    _require_known("method", method, METHODS)
    _require_known("way to treat pixels", pixels, PIXELS)
    _require_functions(loss, callback, parametrize)
    if parametrize is not None and pixels in ("clamp", "closure"):
        advice = 'with parametrize, take "fence" or "free"'
        raise ValueError(f"pixels={pixels!r} needs pixels to clamp; {advice}")
    _require_numbers(steps, lr)
    if torch.is_inference_mode_enabled():
        raise ValueError("painting needs gradients: leave torch.inference_mode() first")
    require_picture("start", start)
    if start.dtype in (torch.float16, torch.bfloat16):
        start = start.float()  # steps would be rounded away

    make_optimiser = METHODS.get(method, method)
    run = _Run(start, loss, steps, pixels, callback, parametrize or the_pixels_themselves)
    try:
        for attempt in range(MAX_RESTARTS + 1):
            optimiser = make_optimiser(run.variables)
            for group in optimiser.param_groups:
                group["lr"] = (group["lr"] if lr is None else lr) * 0.5**attempt
            if run.advance(optimiser):
                break
            moment = f"after {len(run.history)} evaluations"
            what_now = "going on from" if attempt < MAX_RESTARTS else "this is"
            print(f"The loss became NaN {moment}; {what_now} the best image.")
    except KeyboardInterrupt:
        evaluations = f"{len(run.history)} of {steps} evaluations"
        print(f"Stopped after {evaluations}: this is the best image so far.")
    return Result(run.best.clamp(0, 1), run.history, run.last.clamp(0, 1))


@dataclass
class _Run:
    """One optimisation: what changes, the best image so far, the history, and the closure."""

    start: Tensor
    loss: Loss
    steps: int
    pixels: str
    callback: Callback | None
    parametrize: Parametrize

    def __post_init__(self):
        self.history = []
        self.least = math.inf
        self.best = self.start.detach().clone(memory_format=torch.contiguous_format)
        self.last = self.best
        self.variables, self.picture = self.parametrize(self.best)

    def advance(self, optimiser: torch.optim.Optimizer) -> bool:
        """Step until the evaluations are used up: True. False where the loss is no number any more.

        Then the variables are those of the best image again.
        """
        try:
            while True:
                before = len(self.history)
                optimiser.step(self.closure)
                self._clamp_if("clamp")
                self._require_progress(before, optimiser)
        except _UsedUp:
            return True
        except _Diverged:
            if not self.history:
                advice = "check the image and the targets"
                sentence = f"the loss is NaN or infinite at the start: {advice}"
                raise ValueError(sentence) from None
            self.variables, self.picture = self.parametrize(self.best)
            return False

    def _require_progress(self, before: int, optimiser: torch.optim.Optimizer) -> None:
        """A step that evaluates nothing would be followed by another, for ever."""
        if len(self.history) >= self.steps:
            return
        if len(self.history) == before:
            kind = type(optimiser).__name__
            raise ValueError(f"a step of {kind} evaluated nothing: its step must call the closure")

    def closure(self) -> Tensor:
        """Evaluate the loss and its gradient once, and remember the image if it is the best yet."""
        if len(self.history) >= self.steps:
            self._keep_last()
            raise _UsedUp
        for variable in self.variables:
            variable.grad = None
        self._clamp_if("closure")
        image = self.picture()
        value = self.loss(image)
        _require_scalar(value)
        total = value
        if self.pixels == "fence":
            total = value + FENCE * range_penalty(image)
        total.backward()
        if not self.history and all(variable.grad is None for variable in self.variables):
            raise ValueError("the loss does not depend on the image: its gradient is nothing")
        numbers = _at_once(total, value)
        self._remember(image.detach().clone(), *numbers)
        return total

    def _remember(self, image: Tensor, total: float, value: float) -> None:
        if not math.isfinite(total):
            raise _Diverged
        self.history.append(value)
        self.last = image
        if total < self.least:
            self.best = image
            self.least = total
        if self.callback is not None:
            self.callback(
                len(self.history), image.clone(), value
            )  # theirs, to do with it as they like

    @torch.no_grad()
    def _keep_last(self) -> None:
        """Remember where the last update went, if that is anywhere."""
        image = self.picture()
        if image.isfinite().all():
            self.last = image.clone()

    @torch.no_grad()
    def _clamp_if(self, way: str) -> None:
        if self.pixels == way:
            self.picture().clamp_(0, 1)


def _require_scalar(value: Tensor) -> None:
    """Refuse what a gradient cannot be taken of, in a sentence."""
    if isinstance(value, Tensor) and value.numel() == 1 and value.requires_grad:
        return
    given = repr(value)
    if isinstance(value, Tensor):
        given = f"a tensor of shape {tuple(value.shape)}"
        if not value.requires_grad:
            given += " without a gradient: is there a detach, an item or a no_grad in the loss?"
    raise ValueError(f"loss(image) must be a scalar tensor that depends on the image, not {given}")


def _at_once(*scalars: Tensor) -> list[float]:
    """Some numbers of a device together: a GPU has to be waited for each time that it is asked."""
    return torch.stack([scalar.detach().reshape(()) for scalar in scalars]).tolist()


class _UsedUp(BaseException):  # no optimiser's `except Exception` shall hold it
    """All evaluations are done, perhaps in the middle of a line search."""


class _Diverged(BaseException):
    """The loss is NaN or infinite."""


def the_pixels_themselves(start: Tensor) -> tuple[list[Tensor], Callable[[], Tensor]]:
    """The parametrization that is none: the variable is the image."""
    image = start.detach().clone().requires_grad_()
    return [image], lambda: image


def _lbfgs(variables: list[Tensor]) -> torch.optim.LBFGS:
    """L-BFGS that ends by count alone: the tolerances of torch depend on the loss's unit (07)."""
    numbers = sum(variable.numel() for variable in variables)
    pairs_that_fit = HISTORY_BYTES // (2 * 4 * numbers)  # a step and a change of gradient, float32
    return torch.optim.LBFGS(
        variables,
        lr=1,
        max_iter=10**9,
        history_size=max(5, min(50, pairs_that_fit)),
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )


def _adam(variables: list[Tensor]) -> torch.optim.Adam:
    """Adam as it comes, but for the rate."""
    return torch.optim.Adam(variables, lr=0.02)


METHODS = {"lbfgs": _lbfgs, "adam": _adam}


def _require_functions(loss: Loss, callback: Callback | None, parametrize: Parametrize | None):
    """Refuse what cannot be called."""
    if not callable(loss):
        raise ValueError(f"loss must be a function of an image, not {loss!r}")
    if callback is not None and not callable(callback):
        raise ValueError(f"callback must be a function (step, image, value), not {callback!r}")
    if parametrize is not None and not callable(parametrize):
        given = type(parametrize).__name__
        raise ValueError(f"parametrize must be a function such as pyramid itself, not a {given}")


def _require_numbers(steps: int, lr: float | None) -> None:
    """Refuse a number of steps or a rate that cannot be."""
    if not isinstance(steps, Integral) or isinstance(steps, bool) or steps < 1:
        raise ValueError(f"steps must be a whole number from 1 on (steps >= 1), not {steps!r}")
    if lr is not None and not (isinstance(lr, Real) and 0 < lr < math.inf):
        raise ValueError(f"the learning rate lr must be a finite number above 0, not {lr!r}")


def _require_known(what: str, given, known) -> None:
    """Refuse an unknown name with the list of known ones; a method may also be a function."""
    if given in list(known) or (what == "method" and callable(given)):
        return
    raise ValueError(f"there is no {what} {given!r}; known: {', '.join(known)}")
