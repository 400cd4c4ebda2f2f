"""Every recipe by its values: what its loss is at one image of the real network, and how it runs.

Most recipes are compared with independent transcriptions in test_published.py. Here stand all of
them, those whose numbers are ours as well, so that no weight, pooling, size or rate of
data/recipes.toml changes unnoticed. Whoever changes one on purpose writes the new value down here.
"""

import json
import math
from dataclasses import fields

import pytest
import torch

from helpers.images import load, noise
from helpers.recipes import RECIPES, Objective, Recipe
from helpers.vgg import NORMALISED, VGG

# Loss, geometric mean of its terms, and length of its gradient. In the loss the largest term may
# drown the others; in the geometric mean a weight of each term weighs the same.
VALUES = {
    "ours": (0.846713, 0.0772490, 0.21444),
    "gatys_2016": (1.79382, 0.0770183, 6.0618),
    "gatys_normalised": (2.55399e09, 6.85047e07, 2.7776e08),
    "gatys": (9.32859e09, 2.11846e07, 2.4854e09),
    "neural_style": (9.42082e08, 1.68136e06, 2.5200e08),
    "neural_style_pt": (9.33455e08, 1.07526e06, 2.4841e08),
    "crowsonkb": (11.2813, 0.554372, 1.8734),
    "gordicaleksa": (1.39324e16, 4.90713e11, 3.7905e15),
    "pytorch_tutorial": (328861, 5076.67, 39077),
    "tensorflow": (4.77034e09, 3.12868e06, 1.2927e09),
    "keras": (327010, 267.212, 1.6286e05),
    "d2l": (8585.54, 38.9665, 2245.3),
    "udacity": (1.76267e09, 3.82207e06, 7.5880e08),
    "cs231n": (329734, 14192.1, 80425),
    "pystiche": (4.31292e07, 15889.1, 1.1731e07),
    "vgg16_lbfgs": (0.861676, 0.0611015, 0.21452),
    "noise_1024": (17.1301, 0.999691, 1.9500),
    "eight_steps": (0.846713, 0.0772490, 0.21444),
    "adam_9000": (0.756761, 0.0711497, 0.19761),
    "named_layers": (0.810871, 0.0512937, 0.080165),
}

USUALLY = {
    "network": "vgg19",
    "start": "content",
    "start_deviation": 1.0,
    "seed": 0,
    "variable": "image",
    "bounds": None,
    "optimiser": {"name": "lbfgs"},
    "pixels": "fence",
    "average": 0.0,
    "size": 512,
    "side": "long",
    "style_shape": "own",
    "style_size": None,
    "stages": (),
    "snapshots": (),
    "per_style": {},
}
FREE_INPUT = {"variable": "input", "pixels": "free"}
TORCHVISION = {"network": "torchvision-vgg19"}
NO_TOLERANCES = {"tolerance_grad": 0, "tolerance_change": 0}
FROM_LUA = {"name": "LBFGS", "lr": 1, "history_size": 100}
JOHNSON = {
    **FREE_INPUT,
    "start": "normal",
    "start_deviation": 0.001,
    "optimiser": {
        **FROM_LUA,
        "max_iter": 1000,
        "max_eval": 1250,
        "tolerance_grad": -1,
        "tolerance_change": -1,
    },
    "steps": 1000,
}
RUNS = {  # what decides how a recipe runs, beside its loss, where it is not as usual
    "ours": {"steps": 150},
    "gatys_2016": {
        **FREE_INPUT,
        "network": NORMALISED,
        "start": "noise",
        "optimiser": {**FROM_LUA, **NO_TOLERANCES, "max_iter": 2000, "max_eval": 2500},
        "steps": 500,
        "style_shape": "photo",
    },
    "gatys_normalised": {
        **FREE_INPUT,
        "network": NORMALISED,
        "optimiser": {**FROM_LUA, **NO_TOLERANCES, "max_iter": 500, "max_eval": 625},
        "steps": 500,
    },
    "gatys": {**FREE_INPUT, "optimiser": {"name": "LBFGS", "lr": 1}, "steps": 520, "side": "short"},
    "neural_style": JOHNSON,
    "neural_style_pt": JOHNSON,
    "crowsonkb": {
        **TORCHVISION,
        "optimiser": {"name": "Adam", "lr": 0.02, "betas": [0.9, 0.99]},
        "pixels": "clamp",
        "average": 0.99,
        "steps": 3000,
        "stages": [
            {"size": 128, "steps": 1000},
            {"size": 181, "steps": 500},
            {"size": 256, "steps": 500},
            {"size": 362, "steps": 500},
            {"size": 512, "steps": 500},
        ],
    },
    "gordicaleksa": {
        **TORCHVISION,
        **FREE_INPUT,
        "optimiser": {"name": "LBFGS", "lr": 1, "max_iter": 1000, "line_search_fn": "strong_wolfe"},
        "steps": 1000,
        "size": 400,
        "side": "height",
    },
    "pytorch_tutorial": {
        **TORCHVISION,
        "optimiser": {"name": "LBFGS", "lr": 1},
        "pixels": "closure",
        "steps": 320,
        "side": "short",
        "style_shape": "photo",
    },
    "tensorflow": {
        "optimiser": {"name": "Adam", "lr": 0.02, "betas": [0.99, 0.999], "eps": 0.1},
        "pixels": "clamp",
        "steps": 1000,
    },
    "keras": {
        **FREE_INPUT,
        "optimiser": {"name": "SGD", "lr": 100.0, "decay": [1, 0.9995918633652225]},
        "steps": 4000,
        "size": 400,
        "side": "height",
        "style_shape": "photo",
    },
    "d2l": {
        **TORCHVISION,
        **FREE_INPUT,
        "optimiser": {"name": "Adam", "lr": 0.3, "decay": [50, 0.8]},
        "steps": 500,
        "size": 300,
        "side": "height",
        "style_shape": "photo",
    },
    "udacity": {
        **TORCHVISION,
        **FREE_INPUT,
        "optimiser": {"name": "Adam", "lr": 0.003},
        "steps": 2000,
        "size": 400,
        "side": "short",
        "style_shape": "photo",
    },
    "cs231n": {
        **FREE_INPUT,
        "bounds": [-1.5, 1.5],
        "optimiser": {"name": "Adam", "lr": 3.0},
        "steps": 200,
        "size": 192,
        "side": "short",
        "style_size": 512,
        "stages": [{"steps": 180}, {"steps": 20, "optimiser": {"name": "Adam", "lr": 0.1}}],
    },
    "pystiche": {
        **TORCHVISION,
        "optimiser": {"name": "LBFGS", "lr": 1, "max_iter": 1},
        "pixels": "free",
        "steps": 500,
        "size": 500,
        "side": "short",
    },
    "vgg16_lbfgs": {
        "network": "torchvision-vgg16",
        "variable": "input",
        "optimiser": {"name": "LBFGS", "lr": 1, **NO_TOLERANCES, "max_iter": 20},
        "steps": 200,
        "size": 400,
        "style_shape": "photo",
        "snapshots": [20, 40, 100, 200],
    },
    "noise_1024": {
        "start": "noise",
        "optimiser": {"name": "Adam", "lr": 0.05},
        "pixels": "clamp",
        "steps": 1024,
        "size": 600,
        "per_style": {
            "starry_night": {"content": {"relu3_2": 1.0}, "tv": 0.2},
            "mosaic": {"content": {"relu3_2": 2.0}},
            "woodcut": {"content": {"relu3_2": 4.0}},
        },
    },
    "eight_steps": {
        "optimiser": {"name": "Adam", "lr": 0.02},
        "pixels": "clamp",
        "steps": 1000,
    },
    "adam_9000": {
        "network": NORMALISED,
        "optimiser": {"name": "Adam", "lr": 0.0015},
        "pixels": "clamp",
        "steps": 9000,
        "snapshots": [1000, 3000, 6000, 9000],
    },
    "named_layers": {
        "optimiser": {"name": "Adam", "lr": 0.003},
        "pixels": "clamp",
        "steps": 2000,
        "size": 400,
    },
}
NOT_COMPARED = {"name", "source", "choices"}
OF_THE_LOSS = {"pool", "padding", "input", "content", "content_error"}
OF_THE_LOSS |= {"style", "gram", "style_error", "tv", "tv_error", "tv_of"}


@pytest.fixture(scope="module")
def networks(vgg) -> dict[str, VGG]:
    """The two networks that come with the series; a recipe of another is measured with VGG19."""
    return {NORMALISED: VGG(NORMALISED, device="cpu"), "vgg19": vgg}


def test_every_recipe_has_its_values():
    assert set(RECIPES) == set(VALUES) == set(RUNS)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_runs_as_it_is_written_down(name):
    words = {known.name for known in fields(Recipe)} - NOT_COMPARED - OF_THE_LOSS
    actual = {word: getattr(RECIPES[name], word) for word in words}
    assert json.loads(json.dumps(actual)) == json.loads(json.dumps({**USUALLY, **RUNS[name]}))


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_of_a_recipe_has_its_values_on_the_real_network(name, networks):
    made = RECIPES[name]
    content = load("china", 64)
    image = (content + 0.2 * noise(content) - 0.1).clamp(0, 1).requires_grad_()
    vgg = networks.get(made.network, networks["vgg19"])
    terms = Objective(made, vgg, content, load("mosaic", 48)).each_term(image)
    loss = sum(terms.values())
    (gradient,) = torch.autograd.grad(loss, image)
    mean = math.exp(sum(math.log(value.item()) for value in terms.values()) / len(terms))
    expected_loss, expected_mean, expected_length = VALUES[name]
    assert loss.item() == pytest.approx(expected_loss, rel=1e-4)
    assert mean == pytest.approx(expected_mean, rel=1e-4)
    assert gradient.norm().item() == pytest.approx(expected_length, rel=1e-3)
