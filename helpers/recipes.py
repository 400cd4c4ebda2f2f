"""Published recipes as data, through one loss and one loop: paint("d2l", photo, style, vgg)."""

import math
import os
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.control import Controls, Region
from helpers.decode import MAX_PIXELS
from helpers.images import noise, require_image, require_picture
from helpers.keeping import Keeper, fingerprint
from helpers.masks import guide
from helpers.published import (
    ERRORS,
    INPUTS,
    STATISTICS,
    VARIATIONS,
    Moments,
    Sizes,
    features_themselves,
    to_image,
    to_normalised,
)
from helpers.transfer import METHODS, PIXELS, Callback, Result, optimise
from helpers.vgg import NETWORKS, PADDINGS, POOLS, VGG, layer_names, require_vgg

__all__ = [
    "RECIPES",
    "Recipe",
    "Term",
    "Objective",
    "recipe",
    "paint",
    "departures",
    "optimiser_for",
    "pictures_for",
    "reshaped",
    "variable_for",
    "start_for",
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
    "variable": ("image", "input"),
    "start": ("content", "noise", "normal"),
    "pixels": PIXELS,
    "side": ("long", "short", "height"),
    "style_shape": ("own", "photo"),
}
IN_A_STAGE = ("size", "steps", "optimiser")
SMALLEST = 16  # pixels of a side: four poolings halve it down to one


class _Table(dict):
    """A table of a recipe, which stays as it was checked."""

    def _refuse(self, *_, **__):
        advice = "recipe(name, content={...}) makes a changed copy"
        raise TypeError(f"a recipe stays as it was made; {advice}")

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = setdefault = pop = popitem = clear = _refuse

    def __reduce__(self):  # to be copied, and sent to another process
        return type(self), (dict(self),)


def _frozen(value):
    """Tables and lists, and those inside them, as what cannot be changed."""
    if isinstance(value, dict):
        return _Table({key: _frozen(inner) for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value


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
    start: str = "content"  # or "noise", uniform in [0, 1], or "normal" noise of the variable
    start_deviation: float = 1.0  # of the normal noise around 0, in the unit of the variable
    seed: int = 0  # of the noise
    variable: str = "image"  # what the optimiser changes: RGB in [0, 1], or "input", what is fed
    bounds: tuple[float, float] | None = None  # where the input is clamped at each evaluation
    optimiser: dict = field(default_factory=lambda: {"name": "lbfgs"})  # see optimiser_for
    pixels: str = "fence"  # as in helpers.transfer.optimise
    average: float = 0.0  # share of the old in a running mean of the images; 0 keeps the last image
    steps: int = 300  # evaluations of the loss
    size: int = 512  # pixels of the photo's long side, or of another `side`
    side: str = "long"
    style_shape: str = "own"  # or "photo": squeezed to the photo's shape
    style_size: int | None = None  # of the same side of the style; None takes that of the photo
    stages: tuple[dict, ...] = ()  # runs one after the other: {size, steps, optimiser} of each
    snapshots: tuple[int, ...] = ()  # steps at which the source shows its picture
    per_style: dict[str, dict] = field(default_factory=dict)  # changes for some style images

    def __post_init__(self):
        for word, known in WORDS.items():
            if getattr(self, word) not in known:
                self._refuse(f"no {word} {getattr(self, word)!r}; known: {'; '.join(known)}")
        self._check_tables()
        self._check_numbers()
        self._check_variable()
        self._check_layers()
        self._check_pairs()
        self._check_optimiser(self.optimiser)
        self._check_stages()
        for changes in self.per_style.values():
            _changed(replace(self, per_style={}), changes)
        for known in fields(self):  # a copy: nobody's table changes the recipe, or the book
            object.__setattr__(self, known.name, _frozen(getattr(self, known.name)))

    def _refuse(self, problem: str) -> None:
        raise ValueError(f"{self.name}: {problem}")

    def _check_tables(self) -> None:
        for word in ("name", "source", "choices"):
            if not isinstance(getattr(self, word), str):
                self._refuse(f"{word} must be text, not {getattr(self, word)!r}")
        for word in ("content", "style", "optimiser", "per_style"):
            if not isinstance(getattr(self, word), dict):
                self._refuse(f"{word} must be a table {{name: value}}, not {getattr(self, word)!r}")
        for style, changes in self.per_style.items():
            if not isinstance(changes, dict):
                self._refuse(f"per_style of {style} must be a table of fields, not {changes!r}")

    def _check_whole(self, word: str, value, smallest: int) -> None:
        fault = _fault_of_whole(word, value, smallest)
        if fault:
            self._refuse(fault)

    def _check_numbers(self) -> None:
        self._check_whole("steps", self.steps, 1)
        self._check_whole("size", self.size, SMALLEST)
        self._check_whole("seed", self.seed, 0)
        if self.style_size is not None:
            self._check_whole("style_size", self.style_size, SMALLEST)
        if not _is_number(self.average) or not 0 <= self.average < 1:
            self._refuse(f"average must be a number from 0 to below 1, not {self.average!r}")
        if not _is_number(self.start_deviation) or self.start_deviation <= 0:
            given = repr(self.start_deviation)
            self._refuse(f"start_deviation must be a finite number above 0, not {given}")
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

    def _check_variable(self) -> None:
        """What can be done with pixels only where pixels are what changes."""
        if self.bounds is not None:
            is_pair = isinstance(self.bounds, list | tuple) and len(self.bounds) == 2
            if not is_pair or not all(map(_is_number, self.bounds)):
                self._refuse(f"bounds must be two numbers, [low, high], not {self.bounds!r}")
            if not self.bounds[0] < self.bounds[1]:
                self._refuse(f"bounds must rise, and these do not: {self.bounds!r}")
            if self.variable == "image":
                self._refuse('bounds are of variable="input"; an image has pixels="clamp"')
        if self.variable == "input" and self.pixels in ("clamp", "closure"):
            advice = 'take bounds, or variable="image"'
            self._refuse(f'pixels={self.pixels!r} clamps RGB, and variable="input": {advice}')
        if self.style_size is not None and self.style_shape == "photo":
            self._refuse('style_size and style_shape="photo" exclude each other')

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

    def _check_optimiser(self, optimiser: dict) -> None:
        """Try it on one number, so that a wrong name or setting is told now."""
        try:
            _take_first_step(_optimiser(optimiser))
        except ValueError as error:
            self._refuse(str(error))
        except RuntimeError as error:
            self._refuse(f"the optimiser {optimiser['name']} cannot work: {error}")

    def _check_stages(self) -> None:
        if not isinstance(self.stages, list | tuple):
            self._refuse(f"stages must be a list of tables, not {self.stages!r}")
        for stage in self.stages:
            known = ", ".join(IN_A_STAGE)
            if not isinstance(stage, dict) or not set(stage) <= set(IN_A_STAGE):
                self._refuse(f"a stage must be a table of {known}, not {stage!r}")
            if "steps" not in stage:
                self._refuse(f"a stage needs its number of steps: {stage!r}")
            self._check_whole("the steps of a stage", stage["steps"], 1)
            self._check_whole("the size of a stage", stage.get("size", self.size), SMALLEST)
            if not isinstance(stage.get("optimiser", {}), dict):
                self._refuse(f"the optimiser of a stage must be a table, not {stage!r}")
            if "optimiser" in stage:
                self._check_optimiser(stage["optimiser"])
        total = sum(stage["steps"] for stage in self.stages)
        if self.stages and total != self.steps:
            self._refuse(f"the steps of its stages are {total} together, and steps = {self.steps}")
        if self.stages and self.stages[-1].get("size", self.size) != self.size:
            self._refuse(f"its last stage must have its size, {self.size}")


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

    part: str  # "content", "style" or "protected"
    layer: str
    weight: float
    statistic: Callable[[Tensor], Tensor | Moments]  # features F (C, N) -> what is compared
    target: Tensor | Moments  # the statistic of the content or style image
    error: Callable[[Tensor | Moments, Tensor | Moments, Sizes], Tensor]
    guide: Tensor | None = None  # (N,): what the features are multiplied by, see helpers.masks


class Wanted(NamedTuple):
    """What one term wants to know of an image."""

    layer: str
    statistic: Callable[[Tensor], Tensor | Moments]  # features F (C, N) -> what is compared
    guide: Tensor | None = None  # (N,): what the features are multiplied by first


class Found(NamedTuple):
    """What was wanted, and how many numbers the layer's features are."""

    statistic: Tensor | Moments
    features: int  # C N


def _as_list(style: Tensor | list[Tensor]) -> list[Tensor]:
    """One style or several -> a list; ValueError for a list without any."""
    if not isinstance(style, list | tuple):
        return [style]
    if not style:
        raise ValueError("style is an empty list: a painting needs one style or more")
    return list(style)


def _as_controls(controls: Controls | None) -> Controls:
    """What is controlled; None controls nothing. ValueError for what is something else."""
    if controls is None:
        return Controls()
    if not isinstance(controls, Controls):
        expected = 'Controls of helpers.control, such as Controls(colour="matched")'
        raise ValueError(f"controls must be {expected}, not {type(controls).__name__}")
    return controls


def _as_recipe(what: str | Recipe) -> Recipe:
    """A recipe, or the recipe of that name."""
    return what if isinstance(what, Recipe) else recipe(what)


class Objective:
    """The loss of a recipe for two pictures: objective(image) -> scalar.

    what: a recipe, or its name. content, style: (1, 3, H, W), RGB in [0, 1], of any two sizes, on
    any device; the image has to be on that of `vgg`. `terms` holds a Term for each layer.

    The formulas are those of helpers.published, where each has its name; for the recipe "ours" they
    give the same numbers as helpers.losses, which notebooks 02 to 05 derive.

    The network pools as the recipe says. It is fed so that it finds what the published one found,
    and features are multiplied by what Caffe's range makes of them, so that the published weights
    keep their meaning. A layer that `vgg` lacks gives its place to the deepest before it, and a
    printed line says so. Raises ValueError for what is no image.

    style may be a list of pictures; controls say where each goes, how much of it there is, and what
    of the photo is protected. Masks have the size of `content`.
    """

    def __init__(
        self,
        what: str | Recipe,
        vgg: VGG,
        content: Tensor,
        style: Tensor | list[Tensor],
        controls: Controls | None = None,
    ):
        self.recipe = _as_recipe(what)
        self.vgg = require_vgg(vgg).pooled(self.recipe.pool)
        styles = _as_list(style)
        for name, image in [("content", content), *(("style", style) for style in styles)]:
            require_image(name, image)
        content = content.detach().to(self.vgg.device)
        controls = _as_controls(controls)
        if controls.colour != "style":
            given = f"colour={controls.colour!r}"
            raise ValueError(f"{given} is for paint: an objective takes its pictures as they are")
        controls.require_fit(content, styles)
        self.controls = controls.resized(content)
        self.terms = self._content_terms(content)
        weights = self._weights_of_present_layers(self.recipe.style)
        for region in self.controls.regions(styles):
            self.terms += self._style_terms(region, weights)

    def __call__(self, image: Tensor) -> Tensor:
        """The loss at an image (1, 3, H, W): a scalar, with a gradient."""
        return sum(self.parts(image).values())

    def parts(self, image: Tensor) -> dict[str, Tensor]:
        """The weighted loss at an image (1, 3, H, W), in parts: {"content", "style", "tv"}.

        What is protected is a part of its own, "protected".
        """
        parts = {}
        for (part, _), value in self.each_term(image).items():
            parts[part] = parts.get(part, 0.0) + value
        return parts

    def each_term(self, image: Tensor) -> dict[tuple[str, str], Tensor]:
        """The weighted loss at an image (1, 3, H, W), term by term.

        Returns {("content", "relu4_2"): scalar, ("style", "relu1_1"): scalar, ..., ("tv", ""):
        scalar}, each with a gradient.
        """
        values = {}
        wanted = [Wanted(term.layer, term.statistic, term.guide) for term in self.terms]
        for term, found in zip(self.terms, self._find(image, wanted), strict=True):
            is_compared = term.part != "style"
            if is_compared and found.statistic.shape != term.target.shape:
                sides = f"{image.shape[3]} x {image.shape[2]} px"
                raise ValueError(f"the image is {sides}: content is compared at the photo's size")
            sizes = Sizes(features=found.features, pixels=image.shape[2] * image.shape[3])
            error = term.error(found.statistic, term.target, sizes)
            earlier = values.get((term.part, term.layer), 0.0)  # of another style
            values[term.part, term.layer] = earlier + term.weight * error
        if self.recipe.tv:
            values["tv", ""] = self.recipe.tv * self._variation(image)
        return values

    def _content_terms(self, content: Tensor) -> list[Term]:
        """The terms of content, and those of what is protected, with their targets."""
        weights = self._weights_of_present_layers(self.recipe.content)
        found = self._find(content, [Wanted(layer, features_themselves) for layer in weights])
        targets = {layer: each.statistic for layer, each in zip(weights, found, strict=True)}
        error = ERRORS[self.recipe.content_error]
        terms = []
        for layer, weight in weights.items():
            summand = Term("content", layer, weight, features_themselves, targets[layer], error)
            terms.append(summand)
        if self.controls.protected is None:
            return terms
        mask, protected_weight = self.controls.protected
        for layer, weight in weights.items():
            guided = guide(mask, layer, "resized")
            if guided is None:
                raise ValueError(f"what is protected is too small: {layer} has no place for it")
            share = protected_weight * weight / sum(weights.values())
            target = features_themselves(targets[layer] * guided)
            summand = Term("protected", layer, share, features_themselves, target, error, guided)
            terms.append(summand)
        return terms

    def _style_terms(self, region: Region, weights: dict[str, float]) -> list[Term]:
        """The terms of one style, where its mask leaves something to compare."""
        statistic = STATISTICS[self.recipe.gram]
        error = ERRORS[self.recipe.style_error]
        style = region.style.detach().to(self.vgg.device)
        found = self._find(style, [Wanted(layer, statistic) for layer in weights])
        terms = []
        for (layer, weight), each in zip(weights.items(), found, strict=True):
            guided = None
            if region.mask is not None:
                guided = guide(region.mask, layer, self.controls.way)
                if guided is None:
                    print(f"A mask is too thin for {layer}: its style is left out there.")
                    continue
            share = region.share * weight
            terms.append(Term("style", layer, share, statistic, each.statistic, error, guided))
        return terms

    def _find(self, image: Tensor, wanted: list[Wanted]) -> list[Found]:
        """What is wanted of an image, (1, 3, H, W), each with the number of its features."""
        maps = self._maps(image, [each.layer for each in wanted])
        found = []
        for layer, statistic, guided in wanted:
            F = maps[layer].squeeze(0).flatten(1)
            found.append(Found(statistic(F if guided is None else F * guided), F.numel()))
        return found

    def _maps(self, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
        """Features (1, C, h, w) of some layers, as large as the published network's."""
        require_image("image", image)
        pixels, border, gain = to_normalised(INPUTS[self.recipe.input](image), self.recipe.input)
        if self.recipe.padding != "zeros":
            border = self.recipe.padding
        if self.vgg.normalised:
            gain = 1.0  # a mean activation of 1 has no unit
        features = self.vgg.features(pixels, layers, padding=border)
        if gain == 1:  # whole maps would be read and written for nothing, forth and back
            return features
        return {layer: gain * maps for layer, maps in features.items()}

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


def paint(  # noqa: PLR0913 - three things that a painting needs, and what has to be named
    what: str | Recipe,
    content: Tensor,
    style: Tensor | list[Tensor],
    vgg: VGG | None = None,
    *,
    size: int | None = None,
    steps: int | None = None,
    callback: Callback | None = None,
    keep: str | os.PathLike | None = None,
    controls: Controls | None = None,
) -> Result:
    """Run a recipe, or the recipe of that name, on two pictures.

    content, style: (1, 3, H, W), RGB in [0, 1], of any two sizes, as large as there are: they are
    brought to the recipe's size, by its own rule. vgg: the network; None takes the recipe's own,
    which may have to be downloaded. It pools as the recipe says. size: another size of the recipe's
    side, to which all its sizes are scaled alike. steps: evaluations of the loss; None takes the
    recipe's, and its stages share another number. callback: as in helpers.transfer.optimise; steps
    are counted through all stages. keep: a .png that holds the painting so far, from every twenty
    seconds; after a crash, or for more steps, the same call goes on from there, with an optimiser
    that begins anew. controls: whose colours, where which style goes, how much of it, what has to
    stay (helpers.control.Controls); with several styles, `style` is a list. A recipe's `per_style`
    is not looked into: choose a row of it with recipe(name, **changes).

    A printed line says what differs from the recipe: the network, the size. A published optimiser
    returns its last image, as the source does; our own return their best. Raises ValueError for
    what cannot work.
    """
    chosen = _as_recipe(what)
    styles = _as_list(style)
    controls = _as_controls(controls)
    _require_material("content", content)
    for picture in styles:
        _require_material("style", picture)
    for sentence in controls.require_fit(content, styles):
        print(f"The {sentence}.")
    vgg = VGG(chosen.network) if vgg is None else require_vgg(vgg)
    stages = _stages(chosen, size, steps)
    styles = [style.to(vgg.device, torch.float32) for style in styles]
    material = _Material(content.to(vgg.device, torch.float32), styles, controls)
    differences = departures(chosen, vgg, size)
    if differences:
        print(f"{chosen.name} is painted {', '.join(differences)}.")
    return _Painting(chosen, material, vgg, callback).run(stages, keep)


def _require_material(name: str, image: Tensor) -> None:
    """Refuse what is no picture, and what is too small to be made larger."""
    require_picture(name, image)
    height, width = image.shape[2:]
    if min(height, width) < SMALLEST:
        sides = f"both sides must have at least {SMALLEST} px"
        raise ValueError(f"{name} is {width} x {height} px; {sides}")


class _Material(NamedTuple):
    """What is painted: the photo, the styles, and what is controlled."""

    content: Tensor
    styles: list[Tensor]
    controls: Controls

    def at(self, chosen: Recipe, stage: "_Stage") -> "_Material":
        """The same at the size of a stage."""
        photo = _resized(self.content, stage.size, chosen.side)
        styles = [_style_at(style, photo, chosen, stage) for style in self.styles]
        return _Material(photo, styles, self.controls.resized(photo))


class _Stage(NamedTuple):
    """One run of `optimise`."""

    size: int
    style_size: int
    steps: int
    optimiser: dict | None  # None goes on with that of the stage before


def _stages(chosen: Recipe, size: int | None, steps: int | None) -> list[_Stage]:
    """The runs of a recipe, at other sizes or with fewer steps if asked for."""
    for word, value, smallest in (("size", size, SMALLEST), ("steps", steps, 1)):
        fault = "" if value is None else _fault_of_whole(word, value, smallest)
        if fault:
            raise ValueError(fault)
    scale = 1 if size is None else size / chosen.size
    share = 1 if steps is None else steps / chosen.steps
    stages = []
    planned = 0
    done = 0
    for stage in chosen.stages or ({"steps": chosen.steps},):
        planned += stage["steps"]
        runs_to = round(planned * share)
        photo_size = stage.get("size", chosen.size)
        style_size = photo_size
        if chosen.style_size is not None:
            style_size = chosen.style_size * photo_size / chosen.size
        optimiser = stage.get("optimiser", None if stages else chosen.optimiser)
        if runs_to > done:
            sizes = (round(photo_size * scale), round(style_size * scale))
            stages.append(_Stage(*sizes, runs_to - done, optimiser))
        done = runs_to
    return stages


def _left(stages: list[_Stage], done: int) -> list[_Stage]:
    """The stages that are left after some evaluations."""
    left = []
    optimiser = None
    for stage in stages:
        optimiser = stage.optimiser or optimiser
        if stage.steps > done:
            own = stage.optimiser if left else optimiser
            left.append(stage._replace(steps=stage.steps - done, optimiser=own))
        done = max(0, done - stage.steps)
    return left


class _Painting:
    """A recipe at work: what its stages hand to each other."""

    def __init__(self, chosen: Recipe, material: _Material, vgg: VGG, callback: Callback | None):
        self.chosen = chosen
        self.material = material
        self.vgg = vgg
        self.callback = callback
        self.history = []
        self.image = None
        self.last = None
        self.next_start = None
        self.table = {}
        self.optimiser = None
        self.mean = None
        self.keeper = None
        self.is_stopped = False

    def run(self, stages: list[_Stage], keep: str | os.PathLike | None) -> Result:
        """All stages; with `keep`, those that are left of a painting that was begun there."""
        if keep is not None:
            stages = self._taken_up(stages, keep)
        for stage in stages:
            if not self.advance(stage):
                break
        if self.keeper is not None and stages:
            self.keeper.write(self.image)
        return Result(self.image, self.history, self.last)

    def _taken_up(self, stages: list[_Stage], path: str | os.PathLike) -> list[_Stage]:
        """Find what lies in a file of this painting; returns the stages that are left."""
        chosen = self.chosen
        notes = {"recipe": chosen.name, "network": self.vgg.name, "size": stages[-1].size}
        sizes = [(stage.size, stage.style_size, stage.optimiser) for stage in stages]
        what_makes_it = {**asdict(chosen), **notes, "steps": None, "stages": sizes}
        content, styles, controls = self.material
        what_makes_it |= {"controls": controls.settings()}
        masks = [mask.expand(1, 3, -1, -1) for mask in controls.all_masks()]
        job = fingerprint(what_makes_it, content, *styles, *masks)
        self.keeper = Keeper(path, job, sum(stage.steps for stage in stages), notes)
        self.history = list(self.keeper.history)
        if self.keeper.image is not None:
            found = self.keeper.image.to(self.vgg.device)
            self.image = self.last = found
            # A finished one may have the photo's colours: what is painted in grey goes on in grey.
            self.next_start, _ = controls.before(found, found)
        return _left(stages, len(self.history))

    def advance(self, stage: _Stage) -> bool:
        """Run one stage; False if it was interrupted."""
        chosen = self.chosen
        photo, styles, controls = self.material.at(chosen, stage)
        pairs = [controls.before(photo, style) for style in styles]
        uncoloured = replace(controls, colour="style")  # the pictures have their colours by now
        start = start_for(chosen, pairs[0][0])
        if self.next_start is not None:
            start = reshaped(self.next_start, photo.shape[2:])
        earlier = len(self.history)

        def evaluated(step: int, image: Tensor, value: float) -> None:
            if self.keeper is not None:
                self.keeper(image, value, is_best_kept=self.table["name"] in METHODS)
            if self.callback is not None:
                self._call(earlier + step, image, value)

        result = optimise(
            start,
            Objective(chosen, self.vgg, pairs[0][0], [style for _, style in pairs], uncoloured),
            stage.steps,
            method=self._method(stage.optimiser),
            pixels=chosen.pixels,
            callback=evaluated if self.callback or self.keeper else None,
            parametrize=variable_for(chosen),
        )
        self.history += result.history
        self.last = result.last
        self.next_start = result.image if self.table["name"] in METHODS else result.last
        image = self.mean.image() if chosen.average else self.next_start
        self.image = controls.after(photo, image)
        return len(result.history) == stage.steps and not self.is_stopped

    def _call(self, step: int, image: Tensor, value: float) -> None:
        """Call back; what it stops stays stopped, in the last evaluation of a stage as well."""
        try:
            self.callback(step, image, value)
        except KeyboardInterrupt:
            self.is_stopped = True
            raise

    def _method(self, table: dict | None) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
        """The optimiser of a stage; without a table of its own, it goes on with the old moments."""
        before = self.optimiser if table is None else None
        if table is not None:
            self.table = table
        make = _optimiser(self.table)

        def make_and_watch(variables: list[Tensor]) -> torch.optim.Optimizer:
            self.optimiser = make(variables)
            if before is not None:
                _carry_moments(before, self.optimiser)
            if self.chosen.average:
                self.mean = _RunningMean(self.chosen, variables[0])
                self.optimiser.register_step_post_hook(self.mean.update)
            return self.optimiser

        return make_and_watch


class _RunningMean:
    """The mean of the images after each update, the old ones with less and less weight.

    It begins with zeros, and is divided by the weight that there is (crowsonkb, `EMA`).
    """

    def __init__(self, chosen: Recipe, variable: Tensor):
        self.chosen = chosen
        self.variable = variable
        self.total = torch.zeros_like(variable)
        self.weight = 0.0

    @torch.no_grad()
    def update(self, *_) -> None:
        """Take the variable in, as it is after an update."""
        share = self.chosen.average
        image = self.variable
        if self.chosen.variable == "input":
            image = to_image(image, self.chosen.input)
        self.total = share * self.total + (1 - share) * image.clamp(0, 1)
        self.weight = share * self.weight + (1 - share)

    def image(self) -> Tensor:
        """The mean, (1, 3, H, W)."""
        return (self.total / (self.weight or 1.0)).detach()


@torch.no_grad()
def _carry_moments(old: torch.optim.Optimizer, new: torch.optim.Optimizer) -> None:
    """Give Adam's moments to an Adam of a larger image, enlarged (crowsonkb, `stylize`)."""
    before = old.param_groups[0]["params"][0]
    after = new.param_groups[0]["params"][0]
    state = old.state.get(before, {})
    if not {"step", "exp_avg", "exp_avg_sq"} <= set(state):
        return
    size = after.shape[2:]
    new.state[after] = {
        "step": state["step"].clone(),
        "exp_avg": interpolate(state["exp_avg"], size, mode="bicubic"),
        "exp_avg_sq": interpolate(state["exp_avg_sq"], size, mode="bilinear").clamp_min(0),
    }


def pictures_for(
    what: str | Recipe, content: Tensor, style: Tensor, size: int | None = None
) -> tuple[Tensor, Tensor]:
    """The two pictures as a recipe has them in the end, brought to its size by its own rule.

    content, style: (1, 3, H, W) in [0, 1]. size: as in `paint`. Returns photo and style.
    """
    chosen = _as_recipe(what)
    _require_material("content", content)
    _require_material("style", style)
    material = _Material(content, [style], Controls())
    photo, styles, _ = material.at(chosen, _stages(chosen, size, None)[-1])
    return photo, styles[0]


def _style_at(style: Tensor, photo: Tensor, chosen: Recipe, stage: _Stage) -> Tensor:
    """A style as a recipe has it beside a photo of this size."""
    if chosen.style_shape == "photo":
        return reshaped(style, photo.shape[2:])
    return _resized(style, stage.style_size, chosen.side)


def _resized(image: Tensor, size: int, side: str) -> Tensor:
    """An image (1, 3, H, W) whose long side, short side or height is `size` pixels.

    As in helpers.images.load, no side becomes shorter than 16 pixels.
    """
    height, width = image.shape[2:]
    of = {"long": max(height, width), "short": min(height, width), "height": height}[side]
    rows = max(SMALLEST, round(height * size / of))
    columns = max(SMALLEST, round(width * size / of))
    return reshaped(image, (rows, columns))


def reshaped(image: Tensor, shape: tuple[int, int] | torch.Size) -> Tensor:
    """An image (1, 3, H, W) at another height and width."""
    shape = tuple(shape)
    if tuple(image.shape[2:]) == shape:
        return image
    # On the CPU: the Apple GPUs of torch 2.6 cannot, and every device gets the same picture.
    larger = interpolate(image.cpu(), shape, mode="bicubic", antialias=True)
    return larger.clamp(0, 1).to(image.device)


def departures(chosen: Recipe, vgg: VGG, size: int | None = None) -> list[str]:
    """What `paint` cannot honour of a recipe with this network and size, in words.

    size: as in `paint`. Returns phrases such as "at 256 px instead of 512"; none, if all is
    honoured.
    """
    phrases = []
    if vgg.name != chosen.network:
        phrases.append(f"with {vgg.name} instead of {chosen.network}")
    if size is not None and size != chosen.size:
        phrases.append(f"at {size} px instead of {chosen.size}")
    return phrases


def start_for(chosen: Recipe, content: Tensor) -> Tensor:
    """The image with which a recipe begins, (1, 3, H, W), as large as the content.

    Normal noise of the variable may lie outside [0, 1] where the published code starts there too;
    here it is clamped.
    """
    if chosen.start == "content":
        return content
    if chosen.start == "noise":
        return noise(content, chosen.seed)
    generator = torch.Generator().manual_seed(chosen.seed)
    normal = torch.randn(content.shape, generator=generator).to(content.device)
    variable = chosen.start_deviation * normal
    if chosen.variable == "input":
        variable = to_image(variable, chosen.input)
    return variable.clamp(0, 1)


def variable_for(chosen: Recipe) -> Callable | None:
    """What the optimiser of a recipe changes, for `parametrize` of helpers.transfer.optimise.

    A learning rate, and with it the first step of L-BFGS, has the unit of what is changed: so a
    published optimiser changes what the published one did, the input of its network. Returns None
    where that is the image itself.
    """
    if chosen.variable == "image":
        return None

    def parametrize(start: Tensor) -> tuple[list[Tensor], Callable[[], Tensor]]:
        variable = INPUTS[chosen.input](start.detach()).requires_grad_()

        def image() -> Tensor:
            if chosen.bounds is not None:
                with torch.no_grad():
                    variable.clamp_(*chosen.bounds)
            return to_image(variable, chosen.input)

        return [variable], image

    return parametrize


def optimiser_for(chosen: Recipe) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    """The optimiser of a recipe as a function: [variables] -> torch.optim.Optimizer.

    Its name is one of this series' own ("lbfgs", "adam", as in helpers.transfer), which take only a
    learning rate, lr, or a class of torch.optim ("LBFGS", "Adam", "SGD"), which takes its settings
    as PyTorch documents them, and decay: [steps, factor], after how many steps the rate is
    multiplied by what. Raises ValueError for another name or setting.
    """
    return _optimiser(chosen.optimiser)


def _optimiser(table: dict) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    """As optimiser_for, of the table of an optimiser."""
    settings = {word: value for word, value in table.items() if word != "name"}
    name = table.get("name")
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


@torch.inference_mode(False)  # a recipe can be made where gradients are switched off
@torch.enable_grad()
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


def _fault_of_whole(word: str, value, smallest: int) -> str:
    """What is wrong with a whole number, in a sentence; nothing, if it is one and large enough."""
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= smallest:
        if word.endswith("size") and value**2 > MAX_PIXELS:
            return f"{word} {value} asks for more than {MAX_PIXELS / 1e6:.0f} megapixels"
        return ""
    expected = f"a whole number from {smallest} on ({word} >= {smallest})"
    return f"{word} must be {expected}, not {value!r}"


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
