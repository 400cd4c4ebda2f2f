"""Published programs: what they minimise, and the loop with which they do it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from helpers import losses, published
from helpers.losses import gram
from helpers.recipes import (
    Objective,
    optimiser_for,
    paint,
    recipe,
    reshaped,
    start_for,
    variable_for,
)
from helpers.transfer import Callback, Parametrize, the_pixels_themselves
from helpers.vgg import VGG

Loss = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> scalar
MakeLoss = Callable[[VGG, Tensor, Tensor], Loss]  # network, photo, style -> loss


class Trajectory(NamedTuple):
    """What a loop went through: seconds from its start, and the image, at each evaluation."""

    seconds: list[float]
    images: list[Tensor]


def recorded() -> tuple[Trajectory, Callback]:
    """A trajectory whose clock runs from now on, and a callback of `optimise` that fills it."""
    run = Trajectory([], [])
    start = time.perf_counter()

    def callback(step: int, image: Tensor, value: float) -> None:
        run.seconds.append(time.perf_counter() - start)
        run.images.append(image)

    return run, callback


class TutorialLoss:
    """The objective of PyTorch's official tutorial: image (1, 3, H, W) -> scalar.

    A million times the mean squared errors of five Gram matrices / (C h w), and that of conv2_2.
    """

    STYLE = ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")
    CONTENT = "conv2_2"
    STYLE_WEIGHT = 1e6

    @torch.no_grad()
    def __init__(self, vgg: VGG, photo: Tensor, style: Tensor):
        self.vgg = vgg
        self.content = vgg(photo, [self.CONTENT])[self.CONTENT].float()
        features = vgg(style, list(self.STYLE))
        self.targets = {layer: self.gram(features[layer]) for layer in self.STYLE}

    @staticmethod
    def gram(features: Tensor) -> Tensor:
        """Ours, divided by the number of channels C as well."""
        return gram(features) / features.shape[1]

    def __call__(self, image: Tensor) -> Tensor:
        features = self.vgg(image, list(self.STYLE))
        style_error = 0
        for layer in self.STYLE:
            style_error = style_error + mse_loss(self.gram(features[layer]), self.targets[layer])
        content_error = mse_loss(features[self.CONTENT].float(), self.content)
        return self.STYLE_WEIGHT * style_error + content_error


class UsedUp(Exception):
    """All evaluations are made, perhaps in the middle of a step: some take a thousand in one."""


@dataclass(frozen=True)
class Peer:
    """One published program.

    recipe: its name in data/recipes.toml, whose loss ours minimises in a race. evaluations: how
    many it takes by itself. make_loss: what it minimises. make_optimiser: what it
    changes, in a list -> its optimiser. make_start: photo -> the image with which it begins.
    make_variable: image -> what it changes, in a list, and a function that makes an image of that.
    clamps: whether it clamps the pixels before each evaluation; if not, they run free.
    """

    recipe: str
    evaluations: int
    make_loss: MakeLoss
    make_optimiser: Callable[[list[Tensor]], torch.optim.Optimizer]
    make_start: Callable[[Tensor], Tensor] = torch.clone
    make_variable: Parametrize | None = None
    clamps: bool = False

    def run(self, loss: Loss, pair: tuple[Tensor, Tensor], evaluations: int) -> Trajectory:
        """The loop as published, stopped after some evaluations; images may lie outside [0, 1]."""
        make_variable = self.make_variable or the_pixels_themselves
        variables, picture = make_variable(self.make_start(pair[0]))
        seconds = []
        images = []
        start = time.perf_counter()

        def closure() -> Tensor:
            if len(images) == evaluations:
                raise UsedUp
            for variable in variables:
                variable.grad = None
                if self.clamps:
                    variable.data.clamp_(0, 1)
            image = picture()
            value = loss(image)
            value.backward()
            value.item()  # waits for the device
            images.append(image.detach().clone())
            seconds.append(time.perf_counter() - start)
            return value

        optimiser = self.make_optimiser(variables)
        with suppress(UsedUp):
            while True:
                optimiser.step(closure)
        return Trajectory(seconds, images)


@dataclass(frozen=True)
class StagedPeer:
    """A published program that paints at several sizes, one after another, and keeps a mean.

    recipe, evaluations, make_loss: as in Peer; the loss is that of the last size.
    """

    recipe: str
    evaluations: int
    make_loss: MakeLoss

    def run(self, loss: Objective, pair: tuple[Tensor, Tensor], evaluations: int) -> Trajectory:
        """All its sizes up to that of the pair; what it keeps at each moment, at that size."""
        run, callback = recorded()
        size = max(pair[0].shape[2:])
        paint(self.recipe, *pair, loss.vgg, size=size, steps=evaluations, callback=callback)
        kept = running_means(run.images, recipe(self.recipe).average)
        return Trajectory(run.seconds, [reshaped(image, pair[0].shape[2:]) for image in kept])


def running_means(images: list[Tensor], share: float) -> list[Tensor]:
    """The mean of the images of one size up to each, the old ones with less and less weight."""
    means = []
    total = None
    for image in images:
        if total is None or total.shape != image.shape:
            total = torch.zeros_like(image)
            weight = 0.0
        total = share * total + (1 - share) * image.clamp(0, 1)
        weight = share * weight + (1 - share)
        means.append(total / weight)
    return means


def of_recipe(name: str, evaluations: int) -> Peer:
    """A program that is described in data/recipes.toml."""
    made = recipe(name)
    return Peer(
        recipe=name,
        evaluations=evaluations,
        make_loss=partial(Objective, made),
        make_optimiser=optimiser_for(made),
        make_start=partial(start_for, made),
        make_variable=variable_for(made),
    )


PEERS = {
    "tutorial": Peer(
        recipe="pytorch_tutorial",
        evaluations=300,
        make_loss=TutorialLoss,
        make_optimiser=torch.optim.LBFGS,  # as it comes
        clamps=True,
    ),
    "gatys": of_recipe("gatys", evaluations=500),
    "neural_style_pt": of_recipe("neural_style_pt", evaluations=1000),
    "gordicaleksa": of_recipe("gordicaleksa", evaluations=1000),
    "crowsonkb": StagedPeer("crowsonkb", 3000, partial(Objective, recipe("crowsonkb"))),
}


@contextmanager
def plain_products() -> Iterator[None]:
    """Inside, F Fᵀ is computed as everybody writes it: in float32, with the gradient of autograd.

    This is the one place of the repository where a function of the helpers is exchanged: Gram
    matrices are made in `losses` and in `published`, and both find `products` under its name.
    """

    def multiply(F: Tensor) -> Tensor:
        F = F.float()
        return F @ F.T

    with patch.object(losses, "products", multiply), patch.object(published, "products", multiply):
        yield
