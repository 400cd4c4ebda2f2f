"""Published recipes as data, through one loss and one loop: paint("d2l", photo, style, vgg)."""

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.images import noise, require_image
from helpers.published import (
    ERRORS,
    INPUTS,
    STATISTICS,
    VARIATIONS,
    Moments,
    Sizes,
    features_themselves,
    to_normalised,
)
from helpers.transfer import METHODS, PIXELS, Callback, Result, optimise
from helpers.vgg import NETWORKS, PADDINGS, POOLS, VGG, layer_names

__all__ = [
    "RECIPES",
    "Recipe",
    "Term",
    "Objective",
    "recipe",
    "paint",
    "departures",
    "optimiser_for",
]

WORDS = {  # the fields that take one word of a list
    "network": NETWORKS,
    "pool": tuple(POOLS),
    "padding": PADDINGS,
    "input": tuple(INPUTS),
    "content_error": tuple(ERRORS),
    "gram": tuple(STATISTICS),
    "style_error": tuple(ERRORS),
    "tv_error": tuple(VARIATIONS),
    "tv_of": ("image", "input"),
    "start": ("content", "noise", "grey"),
    "pixels": PIXELS,
}


@dataclass(frozen=True)
class Recipe:
    """One run of neural style transfer, complete, and checked when it is made.

    Words are those of helpers.published and helpers.transfer. Weights are the published ones.
    recipe(name, steps=100) gives a changed copy. Raises ValueError for what cannot work.
    """

    name: str
    source: str  # where it was published
    choices: str = ""  # what the source leaves open and we chose, or where we depart from it
    network: str = "vgg19"
    pool: str = "max"
    padding: str = "zeros"  # of the first convolution
    input: str = "torchvision"  # what the published network is fed
    content: dict[str, float] = field(default_factory=lambda: {"relu4_2": 1.0})  # layer: weight
    content_error: str = "mean"
    style: dict[str, float] = field(default_factory=dict)  # layer: weight
    gram: str = "places"  # what F Fᵀ is divided by, or "moments"
    style_error: str = "mean"
    tv: float = 0.0  # weight of the variation
    tv_error: str = "squares, mean"
    tv_of: str = "image"  # RGB in [0, 1], or "input": what the network is fed
    start: str = "content"
    optimiser: dict = field(default_factory=lambda: {"name": "lbfgs"})  # see optimiser_for
    pixels: str = "fence"  # as in helpers.transfer.optimise
    steps: int = 300  # evaluations of the loss
    size: int = 512  # pixels of the long side
    snapshots: tuple[int, ...] = ()  # steps at which the source shows its picture
    per_style: dict[str, dict] = field(default_factory=dict)  # changes for some style images

    def __post_init__(self):
        for word, known in WORDS.items():
            if getattr(self, word) not in known:
                self._refuse(f"no {word} {getattr(self, word)!r}; known: {'; '.join(known)}")
        self._check_tables()
        self._check_numbers()
        self._check_layers()
        self._check_pairs()
        self._check_optimiser()
        for changes in self.per_style.values():
            _changed(replace(self, per_style={}), changes)

    def _refuse(self, problem: str) -> None:
        raise ValueError(f"{self.name}: {problem}")

    def _check_tables(self) -> None:
        for word in ("content", "style", "optimiser", "per_style"):
            if not isinstance(getattr(self, word), dict):
                self._refuse(f"{word} must be a table {{name: value}}, not {getattr(self, word)!r}")
        for style, changes in self.per_style.items():
            if not isinstance(changes, dict):
                self._refuse(f"per_style of {style} must be a table of fields, not {changes!r}")

    def _check_numbers(self) -> None:
        for word, smallest in (("steps", 1), ("size", 16)):
            value = getattr(self, word)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < smallest:
                expected = f"a whole number from {smallest} on"
                self._refuse(f"{word} must be {expected} ({word} >= {smallest}), not {value!r}")
        weights = {"tv": self.tv}
        for part in ("content", "style"):
            for layer, weight in getattr(self, part).items():
                weights[f"{part} of {layer}"] = weight
        for what, weight in weights.items():
            if not _is_number(weight) or weight < 0:
                self._refuse(f"the weight {what} must be a finite number from 0 on, not {weight!r}")
        moments = list(self.snapshots) if isinstance(self.snapshots, list | tuple) else [None]
        if not all(isinstance(step, Integral) and step >= 1 for step in moments):
            self._refuse(f"snapshots must be steps from 1 on, not {self.snapshots!r}")
        if moments != sorted(moments):
            self._refuse(f"snapshots must rise, and these do not: {self.snapshots!r}")

    def _check_layers(self) -> None:
        topology = "vgg16" if self.network.endswith("vgg16") else "vgg19"
        known = layer_names(topology)
        if not self.content and not self.style:
            self._refuse(f"needs a layer of content or style; known: {', '.join(known)}")
        for layer in [*self.content, *self.style]:
            if layer not in known:
                self._refuse(f"no layer {layer!r} in {self.network}; known: {', '.join(known)}")

    def _check_pairs(self) -> None:
        """Moments are compared by their Wasserstein distance, and nothing else is."""
        if self.content_error == "wasserstein":
            self._refuse('content_error="wasserstein" compares moments, and content has features')
        if (self.gram == "moments") != (self.style_error == "wasserstein"):
            pair = f"gram={self.gram!r} with style_error={self.style_error!r}"
            self._refuse(f'{pair}: "moments" and "wasserstein" need each other')

    def _check_optimiser(self) -> None:
        """Try it on one number, so that a wrong name or setting is told now."""
        try:
            _take_first_step(optimiser_for(self))
        except ValueError as error:
            self._refuse(str(error))
        except RuntimeError as error:
            self._refuse(f"the optimiser {self.optimiser['name']} cannot work: {error}")


def recipe(name: str, /, **changes) -> Recipe:
    """A recipe of data/recipes.toml by name, with some of its fields changed.

    Raises ValueError for an unknown name or field, with the known ones, and for what cannot work.
    """
    if not isinstance(name, str) or name not in RECIPES:
        raise ValueError(f"there is no recipe {name!r}; known recipes: {', '.join(RECIPES)}")
    return _changed(RECIPES[name], changes)


def _changed(original: Recipe, changes: dict) -> Recipe:
    """A copy with other fields; ValueError for a field that a recipe does not have."""
    _require_fields(original.name, changes)
    return replace(original, **changes)


def _require_fields(name: str, given: dict) -> None:
    known = [known.name for known in fields(Recipe)]
    for word in given:
        if word not in known:
            raise ValueError(f"{name}: a recipe has no {word!r}; it has {', '.join(known)}")


class Term(NamedTuple):
    """One summand of a loss: one layer of content or of style."""

    part: str  # "content" or "style"
    layer: str
    weight: float
    statistic: Callable[[Tensor], Tensor | Moments]  # features F (C, N) -> what is compared
    target: Tensor | Moments  # the statistic of the content or style image
    error: Callable[[Tensor | Moments, Tensor | Moments, Sizes], Tensor]


def _as_recipe(what: str | Recipe) -> Recipe:
    """A recipe, or the recipe of that name."""
    return what if isinstance(what, Recipe) else recipe(what)


class Objective:
    """The loss of a recipe for two pictures: objective(image) -> scalar.

    what: a recipe, or its name. content, style: (1, 3, H, W), RGB in [0, 1], on the device of
    `vgg`, of any two sizes. After that, `terms` holds a Term for each layer.

    The formulas are those of helpers.published, where each has its name; for the recipe "ours" they
    give the same numbers as helpers.losses, which notebooks 02 to 05 derive.

    Our network is fed what it was trained with. Where the published one saw 0 ... 255, features are
    multiplied by what that makes of them, so that the published weights keep their meaning. A layer
    that `vgg` lacks gives its place to the deepest before it, and a printed line says so. Raises
    ValueError for what is no image.
    """

    def __init__(self, what: str | Recipe, vgg: VGG, content: Tensor, style: Tensor):
        self.recipe = _as_recipe(what)
        self.vgg = vgg
        content_error = ERRORS[self.recipe.content_error]
        self.terms = self._terms("content", content, features_themselves, content_error)
        statistic = STATISTICS[self.recipe.gram]
        self.terms += self._terms("style", style, statistic, ERRORS[self.recipe.style_error])

    def __call__(self, image: Tensor) -> Tensor:
        """The loss at an image (1, 3, H, W): a scalar, with a gradient."""
        return sum(self.parts(image).values())

    def parts(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted loss at an image (1, 3, H, W), in parts: {"content", "style", "tv"}."""
        parts = {}
        features = self._features(image, [term.layer for term in self.terms])
        for term in self.terms:
            F = features[term.layer]
            sizes = Sizes(features=F.numel(), pixels=image.shape[2] * image.shape[3])
            value = term.error(term.statistic(F), term.target, sizes)
            parts[term.part] = parts.get(term.part, 0.0) + term.weight * value
        if self.recipe.tv:
            parts["tv"] = self.recipe.tv * self._variation(image)
        return parts

    def _terms(self, part: str, image: Tensor, statistic: Callable, error: Callable) -> list[Term]:
        """The terms of content or of style, with their targets."""
        weights = self._weights_of_present_layers(getattr(self.recipe, part))
        features = self._features(image.detach(), list(weights))
        return [
            Term(part, layer, weight, statistic, statistic(features[layer]), error)
            for layer, weight in weights.items()
        ]

    def _features(self, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
        """Features F, (C, N), of some layers, as large as the published network's."""
        require_image("image", image)
        fed = INPUTS[self.recipe.input](image)
        pixels, gain = to_normalised(fed, self.recipe.input)
        features = self.vgg.features(pixels, layers, padding=self.recipe.padding)
        return {layer: gain * maps.squeeze(0).flatten(1) for layer, maps in features.items()}

    def _variation(self, image: Tensor) -> Tensor:
        x = image if self.recipe.tv_of == "image" else INPUTS[self.recipe.input](image)
        return VARIATIONS[self.recipe.tv_error](x)

    def _weights_of_present_layers(self, wanted: dict[str, float]) -> dict[str, float]:
        """Layer: weight; where the network ends earlier, the deepest before of the same kind."""
        weights = {}
        for layer, weight in wanted.items():
            kind = layer.rstrip("_0123456789")  # within a kind, names sort from shallow to deep
            present = [known for known in self.vgg.layers if known.startswith(kind)]
            stand_in = max((known for known in present if known <= layer), default=layer)
            if stand_in != layer:
                asked = f"{self.recipe.name} asks for {layer}, which {self.vgg.name} lacks"
                print(f"{asked}: {stand_in} takes its place.")
            weights[stand_in] = weights.get(stand_in, 0.0) + weight
        return weights


def paint(  # noqa: PLR0913 - four things that a painting needs, and two that have to be named
    what: str | Recipe,
    content: Tensor,
    style: Tensor,
    vgg: VGG,
    *,
    steps: int | None = None,
    callback: Callback | None = None,
) -> Result:
    """Run a recipe, or the recipe of that name, on two pictures.

    content, style: (1, 3, H, W), RGB in [0, 1], of any two sizes; the painting has the content's.
    vgg: the network. steps: evaluations of the loss; None takes the recipe's. callback: as in
    helpers.transfer.optimise. A recipe's `per_style` is not looked into: choose a row of it with
    recipe(name, **changes).

    One printed line says what differs from the recipe: the network, its pooling, the size. A
    published optimiser returns its last image, as the source does; our own return their best.
    Raises ValueError for what cannot work.
    """
    chosen = _as_recipe(what)
    require_image("content", content)
    require_image("style", style)
    differences = departures(chosen, vgg, content)
    if differences:
        print(f"{chosen.name} is painted {', '.join(differences)}.")
    content = content.to(vgg.device)
    result = optimise(
        _start(chosen, content),
        Objective(chosen, vgg, content, style.to(vgg.device)),
        chosen.steps if steps is None else steps,
        method=optimiser_for(chosen),
        pixels=chosen.pixels,
        callback=callback,
    )
    if chosen.optimiser["name"] in METHODS:
        return result
    return result._replace(image=result.last)


def departures(chosen: Recipe, vgg: VGG, content: Tensor) -> list[str]:
    """What `paint` cannot honour of a recipe with this network and picture, in words.

    content: (1, 3, H, W). Returns phrases such as "at 256 px instead of 512"; none, if all is
    honoured.
    """
    phrases = []
    if vgg.name != chosen.network:
        phrases.append(f"with {vgg.name} instead of {chosen.network}")
    if vgg.pool != chosen.pool:
        phrases.append(f"with {vgg.pool} pooling instead of {chosen.pool}")
    size = max(content.shape[2:])
    if size != chosen.size:
        phrases.append(f"at {size} px instead of {chosen.size}")
    return phrases


def _start(chosen: Recipe, content: Tensor) -> Tensor:
    """The image with which a recipe begins, (1, 3, H, W), as large as the content."""
    if chosen.start == "content":
        return content
    uniform = noise(content)
    if chosen.start == "noise":
        return uniform
    return 0.5 + (uniform - 0.5) / 255  # grey, with noise of at most half a grey level


def optimiser_for(chosen: Recipe) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    """The optimiser of a recipe as a function: [variables] -> torch.optim.Optimizer.

    Its name is one of this series' own ("lbfgs", "adam", as in helpers.transfer), which take only a
    learning rate, lr, or a class of torch.optim ("LBFGS", "Adam", "SGD"), which takes its settings
    as PyTorch documents them, and decay: [steps, factor], after how many steps the rate is
    multiplied by what. Raises ValueError for another name or setting.
    """
    settings = {word: value for word, value in chosen.optimiser.items() if word != "name"}
    name = chosen.optimiser.get("name")
    if name in METHODS:
        return _own_optimiser(name, settings)
    kind = getattr(torch.optim, name, None) if isinstance(name, str) else None
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        published = "a class of torch.optim such as LBFGS, Adam, SGD"
        raise ValueError(f"no optimiser {name!r}; known: {', '.join(METHODS)}, or {published}")
    return _published_optimiser(kind, settings)


def _own_optimiser(name: str, settings: dict) -> Callable:
    """One of the methods of helpers.transfer, perhaps with another learning rate."""
    unknown = [word for word in settings if word != "lr"]
    if unknown:
        class_name = {"lbfgs": "LBFGS", "adam": "Adam"}[name]
        advice = f'for others name the class of torch.optim, "{class_name}"'
        raise ValueError(f"optimiser {name!r} takes lr and not {', '.join(unknown)}; {advice}")
    lr = settings.get("lr", 1.0)
    if not _is_number(lr) or lr <= 0:
        raise ValueError(f"the learning rate lr must be a finite number above 0, not {lr!r}")

    def make(variables: list[Tensor]) -> torch.optim.Optimizer:
        optimiser = METHODS[name](variables)
        for group in optimiser.param_groups:
            group["lr"] = settings.get("lr", group["lr"])
        return optimiser

    return make


def _published_optimiser(kind: type[torch.optim.Optimizer], settings: dict) -> Callable:
    """A class of torch.optim with its settings; with `decay`, its rate falls."""
    settings = dict(settings)
    decay = settings.pop("decay", [1, 1.0])
    is_pair = isinstance(decay, list | tuple) and len(decay) == 2 and all(map(_is_number, decay))
    if not (is_pair and isinstance(decay[0], Integral) and min(decay) > 0):
        raise ValueError(f"decay must be [steps, factor], such as [50, 0.8], not {decay!r}")

    def make(variables: list[Tensor]) -> torch.optim.Optimizer:
        try:
            optimiser = kind(variables, **settings)
        except (TypeError, IndexError) as error:
            raise ValueError(f"torch.optim.{kind.__name__}: {error}") from None
        schedule = torch.optim.lr_scheduler.StepLR(optimiser, *decay)
        optimiser.register_step_post_hook(lambda *_: schedule.step())
        return optimiser

    return make


class _Enough(Exception):
    """The trial step has shown what it could."""


def _take_first_step(make: Callable[[list[Tensor]], torch.optim.Optimizer]) -> None:
    """Let an optimiser begin on one number: some settings are refused in the first step only."""
    number = torch.ones(1, requires_grad=True)
    optimiser = make([number])
    values = []

    def closure() -> Tensor:
        if len(values) == 3:
            raise _Enough
        optimiser.zero_grad()
        values.append(number.square().sum())
        values[-1].backward()
        return values[-1]

    try:
        optimiser.step(closure)
    except _Enough:
        pass


def _is_number(value) -> bool:
    """Whether a value is a finite number; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _read(path: Path) -> dict[str, Recipe]:
    """The table of recipes: name -> recipe."""
    recipes = {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    for name, entry in tables.items():
        if not isinstance(entry, dict) or "source" not in entry or "name" in entry:
            raise ValueError(
                f"{path.name}: {name} must be a table with a source and no name, not {entry!r}"
            )
        _require_fields(name, entry)
        recipes[name] = Recipe(name, **entry)
    return recipes


RECIPES = _read(Path(__file__).resolve().parent.parent / "data" / "recipes.toml")
