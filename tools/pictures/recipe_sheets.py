"""Notebook 08: published recipes beside each other, and the two knobs that matter most."""

from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image

from helpers.fast import fast
from helpers.images import as_saved, load, read_settings, save
from helpers.recipes import RECIPES, paint, recipe
from helpers.show import show
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import (
    CONTENT,
    STYLE,
    enlarged,
    is_painted,
    mean,
    rounded,
    style_errors,
)
from tools.pictures.sheets import captioned, in_rows, save_sheet

PHOTO = "china"
PAINTING = "kandinsky_composition_vii"
SIZE = 256
STYLE_SIZE = 384


class ShortRun(NamedTuple):
    """How a recipe is painted on the sheet: evaluations, and what is changed for 256 pixels."""

    evaluations: int
    changes: dict


# a line search, where a first leap would ruin so short a run
SEARCH = {"optimiser": {"name": "LBFGS", "lr": 1, "line_search_fn": "strong_wolfe"}}
# the weights of its authors' own program for the normalised network, leongatys/NeuralImageSynthesis
GATYS_2016 = {
    **SEARCH,
    "network": "vgg19-normalised",
    "input": "torchvision",
    "content": {"relu4_2": 1e6},
    "content_error": "mean",
    "style": dict.fromkeys(STYLE, 2e8),
    "gram": "places",
    "style_error": "mean",
    "start": "content",
}
# the gradient of a pixel grows as there are fewer of them, and the rate has to shrink as much
KERAS_OPTIMISER = RECIPES["keras"].optimiser
KERAS_RATE = KERAS_OPTIMISER["lr"] * (256 * 171) / (600 * 400)

GALLERY = {
    "ours": ShortRun(60, {}),
    "gatys": ShortRun(60, SEARCH),
    "gatys_2016": ShortRun(60, GATYS_2016),
    "gordicaleksa": ShortRun(60, {}),
    "neural_style": ShortRun(60, {**SEARCH, "start": "content"}),
    "pytorch_tutorial": ShortRun(60, SEARCH),
    "crowsonkb": ShortRun(100, {}),
    "tensorflow": ShortRun(100, {}),
    "d2l": ShortRun(100, {}),
    "keras": ShortRun(200, {"optimiser": {**KERAS_OPTIMISER, "lr": KERAS_RATE}}),
}


def recipe_settings(name: str) -> dict:
    """What the file of a recipe keeps of how it was made."""
    return {
        "content": PHOTO,
        "style": PAINTING,
        "size": SIZE,
        "style_size": STYLE_SIZE,
        "recipe": name,
        "changes": GALLERY[name].changes,
        "evaluations": GALLERY[name].evaluations,
    }


def recipe_gallery(vgg: VGG, path: Path) -> None:
    """Notebook 08's gallery: ours and nine published recipes on one pair, each kept in the folder
    `08_recipes`.
    """
    files = {name: path.parent / path.stem / f"{name}.jpg" for name in GALLERY}
    missing = [name for name in GALLERY if not is_painted(files[name], recipe_settings(name))]
    countdown = Countdown(sum(GALLERY[name].evaluations for name in missing))
    for name in missing:
        paint_recipe(name, files[name], vgg.device)
        countdown.step(name, work=GALLERY[name].evaluations)
    tiles = [
        captioned(load(PHOTO, SIZE), ["the photo", "Summer Palace, Beijing"]),
        captioned(load(PAINTING, SIZE), ["the style", "Kandinsky, Composition VII"]),
    ]
    tiles += [recipe_tile(name, files[name]) for name in GALLERY]
    save_sheet(in_rows(tiles, columns=4, gap=8), path)


def paint_recipe(name: str, file: Path, device: torch.device) -> None:
    """Paint the pair after one recipe, and save it with its settings and errors."""
    evaluations, changes = GALLERY[name]
    made = recipe(name, **changes)
    normalised = made.network == "vgg19-normalised"
    network = fast(VGG(pool=made.pool, normalised=normalised, device=device))
    photo = load(PHOTO, SIZE).to(device)
    style = load(PAINTING, STYLE_SIZE).to(device)
    target = style
    if made.gram == "one":
        # a Gram matrix that is not divided grows with the picture: both have to have one shape
        target = enlarged(style, photo)
    image = paint(made, photo, target, network, steps=evaluations).image
    errors = rounded(style_errors(image, style))
    save(image, file, {**recipe_settings(name), "style_errors": errors}, quality=90)


def recipe_tile(name: str, file: Path) -> Image.Image:
    """A stored painting with two lines of text below it."""
    error = mean(read_settings(file)["style_errors"])
    work = f"{GALLERY[name].evaluations} of {RECIPES[name].steps:,} evaluations"
    return captioned(load(file, None), [name, f"{work}, style {error:.2f}"])


GRID_WEIGHTS = (0.01, 0.1, 1.0)


def depth_grid(vgg: VGG, path: Path) -> None:
    """Notebook 08's grid, as in figure 3 of Gatys, Ecker and Bethge (2015): layers downwards,
    content weight to the right.
    """
    network = fast(VGG(device=vgg.device))
    photo = load(PHOTO, SIZE).to(vgg.device)
    style = load(PAINTING, STYLE_SIZE).to(vgg.device)
    paintings = {}
    countdown = Countdown(len(STYLE) * len(GRID_WEIGHTS))
    for depth, deepest in enumerate(STYLE, start=1):
        layers = dict.fromkeys(STYLE[:depth], 1 / depth)
        for weight in GRID_WEIGHTS:
            made = recipe("ours", style=layers, content={CONTENT: weight})
            title = f"to {deepest}, content {weight:g}"
            paintings[title] = as_saved(paint(made, photo, style, network, steps=40).image)
            countdown.step(title)
    sheet = show(
        list(paintings.values()),
        list(paintings),
        columns=len(GRID_WEIGHTS),
        alt="One photo at five depths of style and three content weights.",
    )
    save_sheet(sheet.pil, path)
