"""The losses and optimisers of the recipes are those of the published codes.

They are compared with an independent transcription, tests/helpers/published_losses.py. It feeds its
network as the published code does: one of Caffe's convention gets BGR of 0 ... 255 minus Caffe's
mean, one of torchvision's gets normalised RGB. Ours is one network in torchvision's convention; in
Caffe's, the same network has other weights in its first layer (`in_convention_of`), and then both
must find one number, and one gradient.
"""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from helpers import published
from helpers.images import load
from helpers.published import INPUTS, VARIATIONS, to_image, to_normalised
from helpers.recipes import RECIPES, Objective, optimiser_for, paint, recipe
from helpers.vgg import MEAN, STD, VGG, layer_names
from tests.helpers.published_losses import CAFFE_MEAN, LOSSES, OPTIMISERS
from tests.helpers.published_losses import INPUTS as FEEDS

CLOSE = 1e-4  # of two sums of float32 numbers in another order
GAIN = 255 * 0.226  # Caffe's features are larger by the range of pixels and ImageNet's deviation


class Network(NamedTuple):
    """One network twice: its state dict in torchvision's layout, and ours."""

    state: dict[str, Tensor]
    vgg: VGG


def twice(ours: VGG) -> Network:
    """A network, and its weights as a state dict."""
    indices = {name: index for index, name in enumerate(layer_names())}
    state = {}
    for name, layer in ours.layers.items():
        if name.startswith("conv"):
            state[f"features.{indices[name]}.weight"] = layer.weight
            state[f"features.{indices[name]}.bias"] = layer.bias
    return Network(state, ours)


@pytest.fixture(scope="session", params=["narrow", "vgg19"])
def network(request, narrow_state, narrow, vgg):
    """Random weights in a narrow network, or the original VGG19's."""
    return Network(narrow_state, narrow) if request.param == "narrow" else twice(vgg)


def per_channel(values):
    return torch.tensor(values).view(1, 3, 1, 1)


def in_convention_of(feeds, network):
    """The weights that find, fed as a published code does, what its network found.

    Caffe's network takes BGR of 0 ... 255 minus a mean of its own; what torchvision's way divides
    by and takes away is folded into the first convolution. Its features are larger by the gain,
    those of the normalised network are not. Zeros beside the picture are Caffe's mean colour there.
    """
    if not feeds.startswith("bgr"):
        return network.state
    gain = 1.0 if network.vgg.normalised else GAIN
    changed = {name: gain * x if name.endswith("bias") else x for name, x in network.state.items()}
    weight = gain * network.state["features.0.weight"]
    shift = (per_channel(CAFFE_MEAN[::-1]) / 255 - per_channel(MEAN)) / per_channel(STD)
    changed["features.0.bias"] = changed["features.0.bias"] + (weight * shift).sum((1, 2, 3))
    changed["features.0.weight"] = (weight / (255 * per_channel(STD))).flip(1)
    return changed


def recipe_of(key):
    """Our recipe of a published loss; TensorFlow's tutorial has two, without and with variation."""
    if key == "tensorflow":
        return recipe("tensorflow", tv=0.0)
    return RECIPES[key.removesuffix("_tv")]


def published_loss(key, network, content, style, image):
    return LOSSES[key](in_convention_of(FEEDS[key], network), content, style, image)


@pytest.mark.slow
@pytest.mark.parametrize("key", LOSSES)
def test_the_loss_is_that_of_the_published_code(key, network, pictures):
    """At the photo, where most of them start, and elsewhere."""
    content, style, image = pictures
    objective = Objective(recipe_of(key), network.vgg, content, style)
    for at in (content, image):
        theirs = published_loss(key, network, content, style, at)
        assert objective(at).item() == pytest.approx(theirs, rel=CLOSE)


@pytest.mark.slow
@pytest.mark.parametrize("key", LOSSES)
def test_the_gradient_is_that_of_the_published_code(key, network, pictures):
    """In direction and length: what moves the pixels is the gradient, and not the loss."""
    content, style, image = pictures
    state = in_convention_of(FEEDS[key], network)
    gradients = []
    for loss in (
        Objective(recipe_of(key), network.vgg, content, style),
        lambda x: LOSSES[key].__wrapped__(state, content, style, x),
    ):
        at = image.clone().requires_grad_()
        gradients.append(torch.autograd.grad(loss(at), at)[0].flatten())
    ours, theirs = gradients
    assert cosine_similarity(ours, theirs, dim=0).item() > 0.9999
    assert ours.norm().item() == pytest.approx(theirs.norm().item(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("key", ["gatys", "tensorflow", "d2l", "crowsonkb"])
def test_the_loss_of_real_pictures_is_that_of_the_published_code(key, vgg):
    """At a size at which all layers have several places, and the border is not everything."""
    content = load("chelsea", 128)
    style = load("starry_night", 96)
    objective = Objective(recipe_of(key), vgg, content, style)
    theirs = published_loss(key, twice(vgg), content, style, content)
    assert objective(content).item() == pytest.approx(theirs, rel=CLOSE)


@pytest.mark.parametrize("key", ["gatys_2016", "gatys_normalised"])
def test_the_paper_on_its_own_network(key, pictures):
    """Mean activations of 1: there Caffe's range makes features no larger."""
    content, style, image = pictures
    network = twice(VGG(normalised=True, device="cpu"))
    objective = Objective(key, network.vgg, content, style)
    theirs = published_loss(key, network, content, style, image)
    assert objective(image).item() == pytest.approx(theirs, rel=CLOSE)


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"input": "caffe"},
        {"input": "torchvision"},
        {"pool": "avg"},
        {"gram": "places"},
        {"content": {"conv4_2": 5.0}},
        {"tv": 1e-3},
    ],
)
def test_a_loss_can_be_told_from_its_neighbours(change, network, pictures):
    """The tolerance is tight enough: another input, pooling, Gram, layer or weight is too far."""
    content, style, image = pictures
    changed = recipe("neural_style", **change)
    ours = []
    theirs = []
    for look in (style, image):
        ours.append(Objective(changed, network.vgg, content, look)(image).item())
        theirs.append(published_loss("neural_style", network, content, look, image))
    assert ours != pytest.approx(theirs, rel=CLOSE)


@pytest.mark.parametrize("name", INPUTS)
def test_every_input_can_be_turned_back_into_the_picture(name, pictures):
    back = to_image(INPUTS[name](pictures.image), name)
    torch.testing.assert_close(back, pictures.image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["torchvision", "caffe", "caffe256"])
def test_a_network_of_normalised_rgb_gets_the_same_picture(name, pictures):
    """To the last digit, whatever mean the published code takes away; 256 for 255 stays a bit more.

    Beyond the border stands what is black to the published network: zero.
    """
    feed = to_normalised(INPUTS[name](pictures.image), name)
    brightness = 256 / 255 if name == "caffe256" else 1.0
    rgb = feed.pixels * per_channel(STD) + per_channel(MEAN)
    torch.testing.assert_close(rgb, brightness * pictures.image, atol=1e-6, rtol=0)
    if name == "torchvision":
        assert feed.border == "zeros" and feed.gain == 1
    else:
        nothing = to_normalised(torch.zeros_like(pictures.image), name).pixels
        torch.testing.assert_close(feed.border.expand_as(nothing), nothing, atol=1e-6, rtol=0)
        assert feed.gain == pytest.approx(GAIN)


@pytest.mark.parametrize("name", VARIATIONS)
def test_no_variation_in_one_colour_and_some_at_an_edge(name):
    """And as much in the picture that is turned over: right and down are treated alike."""
    image = torch.full((1, 3, 6, 9), 0.25)
    assert VARIATIONS[name](image) == 0
    image[..., 4:] = 0.75
    assert VARIATIONS[name](image) > 0
    square = image[..., 1:7]
    torch.testing.assert_close(VARIATIONS[name](square), VARIATIONS[name](square.mT))


UNITS = {  # what the published optimiser changes -> words of a recipe
    "rgb01": ("image", None),
    "rgb255": ("input", "rgb255"),
    "bgr255": ("input", "caffe"),
    "bgr256": ("input", "caffe256"),
    "normalised": ("input", "torchvision"),
}


@pytest.mark.parametrize("key", OPTIMISERS)
def test_the_optimiser_is_the_published_one(key):
    """Its settings, number by number, and the unit in which they mean something."""
    theirs = OPTIMISERS[key]
    made = recipe_of(key)
    settings = dict(made.optimiser)
    assert settings.pop("name").lower() == theirs["name"]
    variable, fed = UNITS[theirs["unit"]]
    assert made.variable == variable
    assert fed in (None, made.input)
    assert settings.pop("lr") == pytest.approx(theirs["lr"])
    has_decay = "decay" in theirs and "new" not in theirs["decay"][0]
    assert ("decay" in settings) == has_decay
    settings.pop("decay", None)
    if "line_search_fn" in settings:
        settings["line_search"] = settings.pop("line_search_fn")
    for word, value in settings.items():
        assert (tuple(value) if isinstance(value, list) else value) == theirs[word], word


@pytest.mark.parametrize("key", OPTIMISERS)
def test_the_optimiser_takes_its_first_step_as_published(key):
    """What torch makes of the table: every setting, also those that the table leaves out."""
    theirs = OPTIMISERS[key]
    (group,) = optimiser_for(recipe_of(key))([torch.zeros(3, requires_grad=True)]).param_groups
    words = {"line_search_fn": "line_search"}
    for word, value in group.items():
        if words.get(word, word) in theirs and word != "params":
            assert value == pytest.approx(theirs[words.get(word, word)]), word


@pytest.mark.parametrize("key", OPTIMISERS)
def test_size_start_and_steps_are_the_published_ones(key):
    theirs = OPTIMISERS[key]
    made = recipe_of(key)
    side, size = theirs["size"]
    if side == "exact":  # rows and columns
        side, size = "height", size[0]
    sizes = size if isinstance(size, tuple) else (size,)
    assert made.side == side
    assert made.size == sizes[-1]
    if key != "tensorflow":  # without variation it runs three trial steps more
        runs = theirs.get("evaluations", theirs["steps"])
        if key == "gordicaleksa":  # one step of a thousand iterations
            runs = theirs["max_iter"]
        assert made.steps == (sum(runs) if isinstance(runs, tuple) else runs)
    if len(sizes) > 1:
        stages = [(stage["size"], stage["steps"]) for stage in made.stages]
        assert stages == list(zip(sizes, theirs["steps"], strict=True))
    if theirs["init"] == "content":
        assert made.start == "content"
    else:
        assert theirs["init"] == "0.001 * randn"
        assert (made.start, made.start_deviation) == ("normal", 0.001)
    assert made.average == theirs.get("average", 0)


DECAYS = {  # step: what the published rate is multiplied by there
    "d2l": {0: 1, 49: 1, 50: 0.8, 100: 0.64},
    "keras": {0: 1, 100: 0.96, 250: 0.96**2.5, 4000: 0.96**40},
}


@pytest.mark.parametrize("key", DECAYS)
def test_the_learning_rate_falls_as_published(key):
    every, factor = recipe_of(key).optimiser["decay"]
    for step, expected in DECAYS[key].items():
        assert factor ** (step // every) == pytest.approx(expected, rel=1e-6)


def test_cs231n_begins_a_new_adam_with_a_lower_rate(narrow, pictures, monkeypatch):
    """After 180 of 200 steps, and so after 18 of 20."""
    made = RECIPES["cs231n"]
    assert [stage["steps"] for stage in made.stages] == [180, 20]
    images = []
    content, style, _ = pictures
    paint(
        made,
        content,
        style,
        narrow,
        steps=20,
        size=64,
        callback=lambda *about: images.append(about),
    )
    steps = [step for step, *_ in images]
    assert steps == list(range(1, 21))
    moves = [
        (after - before).abs().median().item() * 1 / 0.226
        for (_, before, _), (_, after, _) in zip(images, images[1:], strict=False)
    ]
    assert moves[18] == pytest.approx(0.1, rel=0.05), "the first step of a new Adam is its rate"


def test_caffes_mean_is_the_published_one():
    """What is taken away is added again, so that a wrong digit shows at the border alone."""
    assert published.CAFFE_MEAN == CAFFE_MEAN[::-1]
