"""The losses and optimisers of the recipes are those of the published codes.

They are compared with an independent transcription, tests/helpers/published_losses.py. It feeds its
network as the published code does; ours is fed what it was trained with. So the transcription gets
weights that make up for the difference (`as_published`), and then both must find one number.
"""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from helpers.published import INPUTS, VARIATIONS, to_normalised
from helpers.recipes import RECIPES, Objective, recipe
from helpers.vgg import MEAN, STD, VGG
from helpers.weights import load_weights
from tests.helpers import published_losses
from tests.helpers.published_losses import LOSSES, OPTIMISERS

CLOSE = 1e-4  # of two sums of float32 numbers in another order
DEVIATION = 0.226  # the mean of STD: what features of inputs of 0 ... 255 are larger by, beside 255


class Network(NamedTuple):
    """One network twice: its state dict for the transcription, and ours."""

    state: dict[str, Tensor]
    vgg: VGG


@pytest.fixture(scope="session", params=["narrow", "vgg19"])
def network(request, narrow_state, narrow, vgg):
    """Random weights in a narrow network, or the original VGG19's."""
    if request.param == "narrow":
        return Network(narrow_state, narrow)
    state = {name: weight.float() for name, weight in load_weights("vgg19")[1].items()}
    return Network(state, vgg)


def as_published(state, feeds):
    """The weights that find, fed as a published code does, what `state` finds in normalised RGB.

    Where a code feeds 0 ... 255, the deviation by which it does not divide is folded into the first
    convolution, which sees BGR where the code feeds that. All features are larger, as those of such
    a network are. This is exact, also at the border: neither side adds anything to the input, so
    zeros beside it mean the same, and 256 in place of 255 (neural_style) reaches both networks.
    """
    if feeds == "normalised":
        return state
    gain = 255 * DEVIATION
    changed = {name: gain * x if name.endswith("bias") else x for name, x in state.items()}
    first = gain * state["features.0.weight"] / (255 * torch.tensor(STD).view(1, 3, 1, 1))
    changed["features.0.weight"] = first if feeds.startswith("rgb") else first.flip(1)
    return changed


def recipe_of(key):
    """Our recipe of a published loss; TensorFlow's tutorial has two, without and with variation."""
    if key == "tensorflow":
        return recipe("tensorflow", tv=0.0)
    return RECIPES[key.removesuffix("_tv")]


def published_loss(key, network, content, style, image):
    state = as_published(network.state, published_losses.INPUTS[key])
    return LOSSES[key](state, content, style, image)


@pytest.mark.parametrize("key", LOSSES)
def test_the_loss_is_that_of_the_published_code(key, network, pictures):
    """At the photo, where most of them start, and elsewhere."""
    content, style, image = pictures
    objective = Objective(recipe_of(key), network.vgg, content, style)
    for at in (content, image):
        theirs = published_loss(key, network, content, style, at)
        assert objective(at).item() == pytest.approx(theirs, rel=CLOSE)


@pytest.mark.parametrize("key", LOSSES)
def test_content_and_variation_alone_are_those_of_the_published_code(key, network, pictures):
    """Small terms drown in the whole: here the picture is its own style."""
    content, _, image = pictures
    ours = Objective(recipe_of(key), network.vgg, content, image)(image).item()
    theirs = published_loss(key, network, content, image, image)
    assert ours == pytest.approx(theirs, rel=CLOSE, abs=1e-4)


@pytest.mark.parametrize("key", LOSSES)
def test_variation_alone_is_that_of_the_published_code(key, narrow_state, narrow, pictures):
    """The picture is its own content and style; without a variation nothing is left."""
    image = pictures.image
    ours = Objective(recipe_of(key), narrow, image, image)(image).item()
    theirs = published_loss(key, Network(narrow_state, narrow), image, image, image)
    assert ours == pytest.approx(theirs, rel=CLOSE, abs=1e-4)
    assert (theirs > 1e-2) == (recipe_of(key).tv > 0)


@pytest.mark.parametrize(
    "change",
    [
        {"input": "caffe"},
        {"gram": "places"},
        {"content": {"conv4_2": 5.0}},
        {"tv": 1e-3},
    ],
)
def test_a_loss_can_be_told_from_its_neighbours(change, network, pictures):
    """The tolerance is tight enough: another input, Gram, layer or weight is further away."""
    content, style, image = pictures
    changed = recipe("neural_style", **change)
    ours = []
    theirs = []
    for look in (style, image):
        ours.append(Objective(changed, network.vgg, content, look)(image).item())
        theirs.append(published_loss("neural_style", network, content, look, image))
    assert ours != pytest.approx(theirs, rel=CLOSE)


def per_channel(values):
    return torch.tensor(values).view(1, 3, 1, 1)


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_means_the_same_picture(name, pictures):
    """For a network of normalised RGB they differ by half a grey level, or by 256 for 255."""
    normalised, gain = to_normalised(INPUTS[name](pictures.image), name)
    rgb = normalised * per_channel(STD) + per_channel(MEAN)
    torch.testing.assert_close(
        rgb, pictures.image, atol=0.55 / 255 + (name == "caffe256") / 255, rtol=0
    )
    assert gain == (1 if name == "torchvision" else pytest.approx(255 * DEVIATION))


@pytest.mark.parametrize("name", VARIATIONS)
def test_no_variation_in_one_colour_and_some_at_an_edge(name):
    """And as much in the picture that is turned over: right and down are treated alike."""
    image = torch.full((1, 3, 6, 9), 0.25)
    assert VARIATIONS[name](image) == 0
    image[..., 4:] = 0.75
    assert VARIATIONS[name](image) > 0
    square = image[..., 1:7]
    torch.testing.assert_close(VARIATIONS[name](square), VARIATIONS[name](square.mT))


UNITS = {"rgb01": 1, "rgb255": 255, "bgr255": 255, "bgr256": 256, "normalised": 1 / DEVIATION}
POWERS = {"lbfgs": 0, "adam": 1, "sgd": 2}  # of the unit of pixels, in a learning rate


@pytest.mark.parametrize("key", OPTIMISERS)
def test_the_optimiser_is_the_published_one(key):
    theirs = OPTIMISERS[key]
    settings = dict(recipe_of(key).optimiser)
    kind = settings.pop("name").lower()
    assert kind == theirs["name"]
    unit = UNITS[theirs["unit"]] ** POWERS[kind]
    assert settings.pop("lr") == pytest.approx(theirs["lr"] / unit, rel=1e-3)
    assert ("decay" in settings) == ("decay" in theirs)
    settings.pop("decay", None)
    if "line_search_fn" in settings:
        settings["line_search"] = settings.pop("line_search_fn")
    for word, value in settings.items():
        assert (tuple(value) if isinstance(value, list) else value) == theirs[word], word


DECAYS = {  # step: what the published rate is multiplied by there
    "d2l": {0: 1, 49: 1, 50: 0.8, 100: 0.64},
    "cs231n": {0: 1, 179: 1, 180: 0.1 / 3.0},
    "keras": {0: 1, 100: 0.96, 250: 0.96**2.5},
}


@pytest.mark.parametrize("key", DECAYS)
def test_the_learning_rate_falls_as_published(key):
    every, factor = recipe_of(key).optimiser["decay"]
    for step, expected in DECAYS[key].items():
        assert factor ** (step // every) == pytest.approx(expected, rel=1e-3)
