"""The recipes: their losses are those of the published codes, and each of them runs from its one line."""

import math

import pytest
import torch
from safetensors.torch import save_file

from helpers.images import as_saved, load
from helpers.recipes import GAIN, RECIPES, Objective, Recipe, _method, paint, recipe
from helpers.transfer import total_variation
from helpers.vgg import VGG
from helpers.weights import load_weights
from tests.published import LOSSES, OPTIMISERS

NARROW = (4, 6, 8, 10, 10)


def random_state(widths, seed=0):
    """Seeded weights in torchvision's layout, conv1_1 to conv5_2, with biases that matter."""
    generator, state, index, before = torch.Generator().manual_seed(seed), {}, 0, 3
    for width, convs in zip(widths, (2, 2, 4, 4, 2), strict=True):
        for _ in range(convs):
            scale = math.sqrt(2 / (9 * before))
            state[f"features.{index}.weight"] = scale * torch.randn(width, before, 3, 3, generator=generator)
            state[f"features.{index}.bias"] = 0.1 * torch.randn(width, generator=generator)
            index, before = index + 2, width
        index += 1
    return state


@pytest.fixture(scope="module")
def images():
    content, style = load("china", 72), load("mosaic", 60)
    generator = torch.Generator().manual_seed(1)
    return content, style, (content + 0.1 * torch.randn(content.shape, generator=generator)).clamp(0, 1)


@pytest.fixture(scope="module", params=["narrow", "vgg19"])
def network(request, tmp_path_factory):
    """A state dict and our network of the same weights: random ones in a narrow network, or the original VGG19's."""
    if request.param == "vgg19":
        state = {name: value.float() for name, value in load_weights("vgg19")[1].items()}
        return state, VGG(device="cpu")
    state = random_state(NARROW)
    path = tmp_path_factory.mktemp("weights") / "network.safetensors"
    save_file({name: value.contiguous() for name, value in state.items()}, path)
    return state, VGG(path, device="cpu")


@pytest.mark.parametrize("key", sorted(LOSSES))
def test_the_loss_is_that_of_the_published_code(key, network, images):
    state, net = network
    ours = RECIPES["tensorflow" if key == "tensorflow_tv" else key]
    ours = recipe("tensorflow", tv=0.0) if key == "tensorflow" else ours
    objective = Objective(ours, net, images[0], images[1], literal=True)
    for image in (images[0], images[2]):  # at the content image, where most of them start, and elsewhere
        assert objective(image).item() == pytest.approx(LOSSES[key](state, images[0], images[1], image), rel=1e-4)


@pytest.mark.parametrize("key", sorted(LOSSES))
def test_each_term_alone_is_that_of_the_published_code(key, network, images):
    """A picture that is its own style, or its own content and style: small terms drown in the whole."""
    state, net = network
    ours = RECIPES["tensorflow" if key == "tensorflow_tv" else key]
    ours = recipe("tensorflow", tv=0.0) if key == "tensorflow" else ours
    content, _, x = images
    for photo, alone in ((content, "content and variation"), (x, "variation")):
        theirs, found = LOSSES[key](state, photo, x, x), Objective(ours, net, photo, x, literal=True)(x).item()
        assert found == pytest.approx(theirs, rel=1e-4, abs=1e-4), alone
    assert (theirs > 1e-2) == (ours.tv > 0)


def as_if_caffe(state, factor):
    """The same network for BGR of 0 .. `factor` without division, its features GAIN times as large."""
    caffe = {n: v * (GAIN if n.endswith("bias") else 1) for n, v in state.items()}
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    caffe["features.0.weight"] = (state["features.0.weight"] * GAIN / (255 * std)).flip(1)
    return caffe


@pytest.mark.parametrize("key", ["gatys", "neural_style", "neural_style_pt", "keras", "tensorflow_tv"])
def test_our_weights_stand_in_for_caffes(key, network, images):
    state, net = network
    objective = Objective(RECIPES["tensorflow" if key == "tensorflow_tv" else key], net, *images[:2])
    theirs = LOSSES[key](as_if_caffe(state, 255), *images)
    assert objective(images[2]).item() == pytest.approx(theirs, rel=1e-4)


def test_a_loss_can_be_told_from_its_neighbours(network, images):
    """The tolerance is tight enough: another input, Gram or layer of the same recipe is further away than it."""
    state, net = network
    content, style, image = images
    theirs = LOSSES["neural_style"](state, *images), LOSSES["neural_style"](state, content, image, image)
    for change in ({"input": "caffe"}, {"gram": "places"}, {"content": {"conv4_2": 5.0}}, {"tv": 1e-3}):
        made = recipe("neural_style", **change)
        ours = [Objective(made, net, content, look, literal=True)(image).item() for look in (style, image)]
        assert ours != pytest.approx(theirs, rel=1e-4), change


UNITS = {"rgb01": 1, "rgb255": 255, "bgr255": 255, "bgr256": 256, "normalised": 1 / 0.226}


@pytest.mark.parametrize("key", sorted(LOSSES))
def test_the_optimiser_is_the_published_one(key):
    ours, theirs = RECIPES["tensorflow" if key == "tensorflow_tv" else key], OPTIMISERS[key]
    settings, unit = dict(ours.optimiser), UNITS[theirs["unit"]]
    assert settings.pop("name").lower() == theirs["name"].lower().replace("-", "")
    decay = settings.pop("decay", None)
    assert (decay is not None) == (key in ("keras", "d2l", "cs231n"))
    power = {"lbfgs": 0, "adam": 1, "sgd": 2}[ours.optimiser["name"].lower()]
    assert settings.pop("lr") == pytest.approx(theirs["lr"] / unit**power, rel=1e-3)
    names = {"line_search_fn": "line_search"}
    for word, value in settings.items():
        published = theirs[names.get(word, word)]
        assert (tuple(published) if isinstance(value, list) else published) == (
            tuple(value) if isinstance(value, list) else value
        ), word


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_runs_from_its_one_line(name, images, vgg):
    result = paint(name, *images[:2], vgg, steps=3)
    assert len(result.history) == 3 and all(math.isfinite(value) for value in result.history)
    assert result.image.shape == images[0].shape and 0 <= result.image.min() and result.image.max() <= 1
    assert min(result.history) <= result.history[0]


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_has_its_papers(name):
    r = RECIPES[name]
    assert len(r.source) > 30 and r.steps >= 100 and r.size >= 192 and r.style
    assert list(r.snapshots) == sorted(r.snapshots) and all(s <= r.steps for s in r.snapshots)
    for changes in r.per_style.values():
        assert recipe(name, **changes) != r


def test_what_the_five_projects_show():
    assert RECIPES["vgg16_lbfgs"].network == "torchvision-vgg16" and RECIPES["vgg16_lbfgs"].tv > 0
    assert [s / 20 for s in RECIPES["vgg16_lbfgs"].snapshots] == [1, 2, 5, 10]
    assert RECIPES["noise_1024"].start == "noise" and RECIPES["noise_1024"].size == 1024
    assert list(RECIPES["adam_9000"].snapshots) == [1000, 3000, 6000, 9000] and RECIPES["adam_9000"].steps == 9000
    assert RECIPES["named_layers"].tv > 0 and RECIPES["named_layers"].optimiser["name"] == "Adam"
    for name in ("vgg16_lbfgs", "noise_1024", "eight_steps", "adam_9000", "named_layers"):
        assert "ours" in RECIPES[name].choices, name


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="no recipe 'gatsy'; known recipes: ours, gatys_2016, gatys, neural_style"):
        recipe("gatsy")
    with pytest.raises(ValueError, match="no recipe 'PyTorch'"):
        paint("PyTorch", None, None, None)
    with pytest.raises(ValueError, match="a recipe has no 'stepz'; it has name, source"):
        recipe("d2l", stepz=3)


@pytest.mark.parametrize(
    "word", ["input", "gram", "content_error", "style_error", "tv_error", "tv_of", "padding", "start"]
)
def test_unknown_words_list_the_known_ones(word):
    with pytest.raises(ValueError, match=f"d2l: no {word} 'other'; known: "):
        recipe("d2l", **{word: "other"})


@pytest.fixture(scope="module")
def shallow(tmp_path_factory):
    """A network that ends at relu5_1, as a file of the first layers would."""
    state = random_state(NARROW)
    path = tmp_path_factory.mktemp("weights") / "shallow.safetensors"
    save_file({name: value for name, value in state.items() if int(name.split(".")[1]) <= 28}, path)
    return VGG(path, device="cpu")


def test_a_missing_layer_names_its_substitute(shallow, images, capsys):
    paint("tensorflow", *images[:2], shallow, steps=1)
    said = capsys.readouterr().out
    assert f"tensorflow asks for relu5_2, which {shallow.name} lacks: relu5_1 takes its place." in said
    few = Recipe("few", "A made-up recipe", style={"relu1_1": 1.0, "relu5_3": 1.0}, content={"conv5_4": 1.0})
    assert {term[2] for term in Objective(few, shallow, *images[:2]).terms} == {"relu1_1", "relu5_1", "conv5_1"}


def test_the_embedded_network_lacks_no_layer_of_any_recipe(vgg, images, capsys):
    for r in RECIPES.values():
        Objective(r, vgg, *images[:2])
    assert capsys.readouterr().out == ""


def test_weights_of_layers_that_share_a_substitute_add_up(shallow, images):
    twice = Objective(recipe("ours", content={"relu5_2": 1.0, "relu5_4": 2.0}), shallow, *images[:2])
    once = Objective(recipe("ours", content={"relu5_1": 3.0}), shallow, *images[:2])
    torch.testing.assert_close(twice(images[2]), once(images[2]))


def test_our_recipe_is_our_losses(vgg, images):
    """The recipe `ours` and the helpers' losses, added by hand, give one number."""
    from helpers.transfer import content_loss, gram, style_loss

    layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    content, style, image = images
    here, there, photo = vgg(image, [*layers, "relu4_2"]), vgg(style, layers), vgg(content, ["relu4_2"])
    by_hand = sum(style_loss(here[n], gram(there[n])) for n in layers) / 5
    by_hand = by_hand + 0.03 * content_loss(here["relu4_2"], photo["relu4_2"]) + 0.7 * total_variation(image)
    ours = Objective(recipe("ours", tv=0.7), vgg, content, style)
    torch.testing.assert_close(ours(image), by_hand)
    assert list(ours.parts(image)) == ["content", "style", "tv"]


def test_targets_are_computed_once(vgg, images):
    """The network runs twice to aim, and once for each evaluation."""
    runs, hook = [], vgg.layers["conv1_1"].register_forward_hook(lambda *_: runs.append(1))
    try:
        objective = Objective(RECIPES["ours"], vgg, *images[:2])
        assert len(runs) == 2
        objective(images[2])
        assert len(runs) == 3 and not any(term[4].requires_grad for term in objective.terms)
    finally:
        hook.remove()


@pytest.mark.parametrize("size", [(1, 3, 17, 90), (1, 3, 90, 17)])
def test_a_strip_of_a_picture(vgg, images, size):
    strip = torch.rand(size, generator=torch.Generator().manual_seed(0))
    assert paint("ours", strip, images[1], vgg, steps=2).image.shape == size
    assert paint("ours", images[0], strip, vgg, steps=2).image.shape == images[0].shape


def test_where_recipes_start(vgg, images):
    firsts = {}
    for kind in ("content", "noise", "grey"):
        seen = []
        paint(
            recipe("ours", start=kind),
            *images[:2],
            vgg,
            steps=1,
            seen=lambda k, image, v, seen=seen: seen.append(image.clone()),
        )
        firsts[kind] = seen[0]
    torch.testing.assert_close(firsts["content"], images[0])
    assert firsts["noise"].std() > 0.25 and 0 <= firsts["noise"].min() and firsts["noise"].max() <= 1
    assert (firsts["grey"] - 0.5).abs().max() < 0.003 and firsts["grey"].std() > 0


def test_a_rate_that_falls():
    pixel, rates = torch.zeros(1, requires_grad=True), []
    optimiser = _method(recipe("d2l", optimiser={"name": "Adam", "lr": 0.08, "decay": [2, 0.5]}))([pixel])
    for _ in range(6):
        rates.append(optimiser.param_groups[0]["lr"])
        pixel.grad = torch.ones(1)
        optimiser.step()
    assert rates == pytest.approx([0.08, 0.08, 0.04, 0.04, 0.02, 0.02])


def test_published_optimisers_end_with_their_last_image(vgg, images):
    wild = recipe("ours", optimiser={"name": "Adam", "lr": 2.0}, pixels="clamp")
    result = paint(wild, *images[:2], vgg, steps=3)
    assert torch.equal(result.image, result.last) and result.history[-1] > result.history[0]
    assert not torch.equal(result.image, images[0])


def test_what_is_saved_is_what_was_found(vgg):
    """A style of white foam and dark blue tempts pixels out of range; the fence keeps what saving would cut off small."""
    result = paint("ours", coffee := load("coffee", 96), stars := load("hokusai_great_wave", 150), vgg, steps=60)
    saved = Objective(RECIPES["ours"], vgg, coffee, stars)(as_saved(result.image)).item()
    assert saved < 1.5 * min(result.history)
