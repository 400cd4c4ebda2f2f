"""Every published recipe as data (data/recipes.toml), through one loss and one loop: paint("d2l", photo, style, vgg)."""

import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from helpers.fast import products
from helpers.transfer import Result, optimise, relative_error, total_variation

__all__ = ["RECIPES", "Recipe", "Objective", "recipe", "paint"]

CAFFE = (123.68, 116.779, 103.939)  # RGB of 255: the mean that networks trained with Caffe expect
GAIN = 255 * 0.226  # features for inputs of 0 .. 255 are this much larger than for inputs divided by a deviation
INPUTS = {"torchvision": 1, "rgb255": 255, "caffe": 255, "caffe256": 256}  # white, in what the network is fed
# What F Fᵀ of features F, (C, hw), is divided by; "moments" compares mean and covariance instead.
GRAMS = {"one": lambda f: 1, "places": lambda f: f.shape[1], "features": lambda f: f.numel(), "moments": None}
ERRORS = {  # between found f and target t, of features or Gram matrices: n = C hw features, p = H W pixels
    "mean": lambda f, t, n, p: (f - t).square().mean(),
    "sum": lambda f, t, n, p: (f - t).square().sum(),
    "paper": lambda f, t, n, p: (f - t).square().sum() / (4 * n**2),  # Gatys et al. (2016), equation 4
    "relative": lambda f, t, n, p: relative_error(f, t),
    "mean over features": lambda f, t, n, p: (f - t).square().mean() / n,
    "three channels": lambda f, t, n, p: (f - t).square().sum() / (4 * 3**2 * p**2),
    "wasserstein": lambda f, t, n, p: _wasserstein(*f, *t),
}
VARIATIONS = {  # of pixels z; x, y: steps to the right and down; both: x² + y² of pixels that have both neighbours
    "squares, mean": lambda z, x, y, both: total_variation(z),
    "squares": lambda z, x, y, both: x.square().sum() + y.square().sum(),
    "squares, both": lambda z, x, y, both: both.sum(),
    "power 2.5, both": lambda z, x, y, both: both.pow(1.25).sum(),
    "absolute": lambda z, x, y, both: x.abs().sum() + y.abs().sum(),
    "absolute, mean": lambda z, x, y, both: x.abs().mean() + y.abs().mean(),
    "nine points": lambda z, x, y, both: _nine_points(F.pad(z, (1, 1, 1, 1), mode="replicate")),
}
LAYERS = [f"{kind}{block}_{i}" for block in range(1, 6) for i in range(1, 5) for kind in ("conv", "relu")]
WORDS = {"input": INPUTS, "gram": GRAMS, "content_error": ERRORS, "style_error": ERRORS, "tv_error": VARIATIONS}
WORDS |= {"tv_of": ("image", "input"), "padding": ("zeros", "replicate"), "start": ("content", "noise", "grey")}


@dataclass(frozen=True)
class Recipe:
    """One run, described in the words of the tables above; recipe(name, steps=100) gives a changed one."""

    name: str
    source: str  # where it was published
    choices: str = ""  # what the source leaves open and we chose, or where we depart from it
    network: str = "vgg19"
    pool: str = "max"
    padding: str = "zeros"  # of the first convolution
    input: str = "torchvision"
    content: dict[str, float] = field(default_factory=lambda: {"relu4_2": 1.0})  # layer: weight
    content_error: str = "mean"
    style: dict[str, float] = field(default_factory=dict)
    gram: str = "places"
    style_error: str = "mean"
    tv: float = 0.0
    tv_error: str = "squares, mean"
    tv_of: str = "image"  # RGB in [0, 1], or "input": what the network is fed
    start: str = "content"
    optimiser: dict = field(default_factory=lambda: {"name": "lbfgs"})  # for pixels in [0, 1]
    pixels: str = "fence"  # as in transfer.optimise
    steps: int = 300  # evaluations of the loss
    size: int = 512
    snapshots: tuple = ()  # steps at which the source shows its picture
    per_style: dict[str, dict] = field(default_factory=dict)  # changes for some style images

    def __post_init__(self):
        words = [(word, getattr(self, word), known) for word, known in WORDS.items()]
        for word, given, known in words + [("layer", name, LAYERS) for name in self.content | self.style or [None]]:
            if given not in known:
                raise ValueError(f"{self.name}: no {word} {given!r}; known: {', '.join(known)}")


def recipe(name: str, **changes) -> Recipe:
    """A recipe of data/recipes.toml by name, some of its fields changed; ValueError lists the known names."""
    if name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; known recipes: {', '.join(RECIPES)}")
    for word in set(changes) - {f.name for f in fields(Recipe)}:
        raise ValueError(f"a recipe has no {word!r}; it has {', '.join(f.name for f in fields(Recipe))}")
    return replace(RECIPES[name], **changes)


class Objective:
    """The loss of a recipe: objective(image) -> scalar, objective.parts(image) -> {"content", "style", "tv"}.

    content, style: RGB in [0, 1], of any sizes. The network is fed what it was trained with, and its features multiplied
    by GAIN where the published one saw 0 .. 255; literal=True feeds what the published code would. A layer that `net`
    lacks gives its place to the deepest before it, and a line says so. ValueError for what is no image (1, 3, H, W).
    """

    def __init__(self, recipe: Recipe, net, content: Tensor, style: Tensor, literal: bool = False):
        self.recipe, self.net, self.literal, self.terms = recipe, net, literal, []
        for part, image, of in (("content", content, Tensor.float), ("style", style, self._statistics)):
            layers, error = self._present(getattr(recipe, part)), ERRORS[getattr(recipe, f"{part}_error")]
            found = self._features(image.detach(), layers)
            self.terms += [(part, w, name, of, of(found[name]), error) for name, w in layers.items()]

    def __call__(self, image: Tensor) -> Tensor:
        return sum(self.parts(image).values())

    def parts(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted terms of the loss at an image (1, 3, H, W)."""
        r, found, parts = self.recipe, self._features(image, {term[2] for term in self.terms}), {}
        for part, w, name, of, target, error in self.terms:
            value = error(of(found[name]), target, found[name].numel(), image.shape[2] * image.shape[3])
            parts[part] = parts.get(part, 0.0) + w * value
        if r.tv:
            z = image if r.tv_of == "image" else self._input(image)
            x, y = z[..., :, 1:] - z[..., :, :-1], z[..., 1:, :] - z[..., :-1, :]
            parts["tv"] = r.tv * VARIATIONS[r.tv_error](z, x, y, x[..., :-1, :].square() + y[..., :, :-1].square())
        return parts

    def _input(self, image: Tensor) -> Tensor:
        """What the published code feeds its network."""
        kind, net = self.recipe.input, self.net
        if kind in ("torchvision", "rgb255"):
            return (image - net.mean) * (255 if kind == "rgb255" else 1 / net.std)
        return (INPUTS[kind] * image - torch.tensor(CAFFE, device=image.device).view(1, 3, 1, 1)).flip(1)

    def _features(self, image: Tensor, layers) -> dict[str, Tensor]:
        """Features (C, hw) of some layers, in the published unit."""
        x, gain, found, kind, net = self._input(image), 1.0, {}, self.recipe.input, self.net
        if kind != "torchvision" and not self.literal:  # departs: our networks know RGB, divided by a deviation
            x, gain = (x if kind == "rgb255" else x.flip(1)) / (255 * net.std), GAIN
        for name in list(net.layers)[: net.deepest(image, list(layers)) + 1]:
            layer, x, edges = net.layers[name], x.to(net.dtype), (name, self.recipe.padding) == ("conv1_1", "replicate")
            x = layer(F.pad(x, (1, 1, 1, 1), mode="replicate"))[..., 1:-1, 1:-1] if edges else layer(x)
            if name in layers:
                found[name] = gain * x.squeeze(0).flatten(1)
        return found

    def _statistics(self, f: Tensor):
        """What is compared as style: the Gram matrix, divided; or mean and covariance."""
        if self.recipe.gram != "moments":
            return products(f) / GRAMS[self.recipe.gram](f)
        return f.float().mean(1), f.float().cov(correction=0) + 1e-4 * torch.eye(len(f), device=f.device)

    def _present(self, wanted: dict[str, float]) -> dict[str, float]:
        """The layers of a recipe with their weights; where the network ends earlier, the deepest of the same kind."""
        layers = {}
        for name, weight in wanted.items():
            there = [n for n in self.net.layers if n[:4] == name[:4] and n[4:] <= name[4:]][-1]
            if there != name:
                print(f"{self.recipe.name} asks for {name}, which {self.net.name} lacks: {there} takes its place.")
            layers[there] = layers.get(there, 0.0) + weight
        return layers


def paint(what: str | Recipe, content: Tensor, style: Tensor, net, steps: int | None = None, seen=None) -> Result:
    """Run a recipe, or the one of that name, on images (1, 3, H, W); published optimisers return their last image."""
    r = what if isinstance(what, Recipe) else recipe(what)
    content = content.to(net.device)
    style = style.to(net.device)
    noise = torch.rand(content.shape, generator=torch.Generator().manual_seed(0)).to(content.device)
    start = {"content": content, "noise": noise, "grey": 0.5 + (noise - 0.5) / 255}[r.start]
    result = optimise(start, Objective(r, net, content, style), steps or r.steps, _method(r), None, seen, r.pixels)
    return result if len(r.optimiser) == 1 else result._replace(image=result.last)


def _method(r: Recipe):
    """The method for `optimise`: a name of ours, or an optimiser of torch.optim with its settings."""
    given = {word: value for word, value in r.optimiser.items() if word not in ("name", "decay")}

    def make(pixels):
        optimiser = getattr(torch.optim, r.optimiser["name"])(pixels, **given)
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, *r.optimiser.get("decay", (1, 1.0)))
        optimiser.register_step_post_hook(lambda *_: schedule.step())
        return optimiser

    return make if given else r.optimiser["name"]


def _nine_points(z: Tensor) -> Tensor:
    """Mean squared differences to all eight neighbours, in a padded image."""
    near = [z[..., 1:-1, 2:] - z[..., 1:-1, 1:-1], z[..., 2:, 1:-1] - z[..., 1:-1, 1:-1]]
    far = [z[..., 1:, 1:] - z[..., :-1, :-1], z[..., 1:, :-1] - z[..., :-1, 1:]]
    return 2 * sum(d.square().mean() / 3 for d in near) + 2 * sum(d.square().mean() / 12 for d in far)


def _root(a: Tensor) -> Tensor:
    """The square root of a positive matrix (n, n), by twelve rounds of Newton and Schulz."""
    eye, norm = torch.eye(len(a), device=a.device), a.square().sum().sqrt()
    y, z = a / norm, eye
    for _ in range(12):
        t = (3 * eye - z @ y) / 2
        y, z = y @ t, t @ z
    return y * norm.sqrt()


def _wasserstein(m: Tensor, s: Tensor, n: Tensor, t: Tensor) -> Tensor:
    """Squared Wasserstein-2 distance of two normal distributions, means m, n and covariances s, t, over channels."""
    root = _root(t)
    return ((m - n).square() + (s + t - 2 * _root(root @ s @ root)).diag()).mean()


BOOK = (Path(__file__).resolve().parent.parent / "data" / "recipes.toml").read_text(encoding="utf-8")
RECIPES = {name: Recipe(name, **entry) for name, entry in tomllib.loads(BOOK).items()}
