"""The recipes: checked when they are made, honest when they are painted, each run from its line.

That their losses are the published ones is the matter of test_published.py.
"""

import math

import pytest
import torch
from safetensors.torch import save_file

from helpers import recipes
from helpers.images import as_saved, load, noise
from helpers.losses import content_loss, gram, style_loss, total_variation
from helpers.published import CAFFE_MEAN, INPUTS
from helpers.recipes import (
    RECIPES,
    Objective,
    Recipe,
    departures,
    optimiser_for,
    paint,
    pictures_for,
    recipe,
    start_for,
)
from helpers.transfer import METHODS
from helpers.vgg import VGG

STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


# ---- a recipe is checked when it is made ---------------------------------------------------------

REFUSED = {  # fields that cannot be or do not go together -> words of the sentence
    "a word of no list": (
        {"gram": "mean"},
        "no gram 'mean'; known: one; places; features; moments",
    ),
    "an unknown way to treat pixels": ({"pixels": "clip"}, "no pixels 'clip'; known: fence; clamp"),
    "an unknown pooling": ({"pool": "median"}, "no pool 'median'; known: max; avg"),
    "an unknown network": ({"network": "vgg18"}, "no network 'vgg18'; known: vgg19; torchvision-"),
    "no steps": ({"steps": 0}, "steps must be a whole number from 1 on .*, not 0"),
    "less than no steps": ({"steps": -5}, "steps must be .*, not -5"),
    "half a step": ({"steps": 2.5}, "steps must be .*, not 2.5"),
    "a size that pooling uses up": ({"size": 8}, "size must be a whole number from 16 on"),
    "a layer that no network has": ({"style": {"relu1_4": 1.0}}, "no layer 'relu1_4' in vgg19"),
    "a layer that another network has": (
        {"network": "torchvision-vgg16", "style": {"relu3_4": 1.0}},
        "no layer 'relu3_4' in torchvision-vgg16; known: conv1_1, relu1_1",
    ),
    "a layer by its number": ({"content": {21: 1.0}}, "no layer 21 in vgg19"),
    "layers without weights": (
        {"style": ["relu1_1"]},
        r"style must be a table {name: value}, not \['relu1_1'\]",
    ),
    "an optimiser in one word": (
        {"optimiser": "adam"},
        "optimiser must be a table {name: value}, not 'adam'",
    ),
    "a picture shown before the first step": ({"snapshots": (0, 10)}, "snapshots must be steps"),
    "no layer at all": ({"content": {}, "style": {}}, "needs a layer of content or style"),
    "a negative weight": (
        {"style": {"relu1_1": -1.0}},
        "style of relu1_1 must be a finite number from 0 on, not -1.0",
    ),
    "a weight that is no number": ({"content": {"relu4_2": math.nan}}, "content of .*, not nan"),
    "a weight without end": ({"style": {"relu1_1": math.inf}}, "finite number from 0 on, not inf"),
    "a weight in words": ({"style": {"relu1_1": "1e6"}}, "finite number from 0 on, not '1e6'"),
    "a negative variation": ({"tv": -1.0}, "the weight tv must be a finite number"),
    "moments compared as Gram matrices": (
        {"gram": "moments", "style_error": "mean"},
        "'moments' with style_error='mean': .* need each other",
    ),
    "Gram matrices compared as moments": (
        {"gram": "places", "style_error": "wasserstein"},
        "'places' with style_error='wasserstein': .* need each other",
    ),
    "content compared as moments": (
        {"content_error": "wasserstein"},
        'content_error="wasserstein" compares moments, and content has features',
    ),
    "an unknown optimiser": (
        {"optimiser": {"name": "newton"}},
        "no optimiser 'newton'; known: lbfgs, adam, or a class of torch.optim",
    ),
    "a thing of torch.optim that optimises nothing": (
        {"optimiser": {"name": "lr_scheduler"}},
        "no optimiser 'lr_scheduler'",
    ),
    "an optimiser without a name": ({"optimiser": {"lr": 0.1}}, "no optimiser None; known: lbfgs"),
    "a setting that our optimiser does not take": (
        {"optimiser": {"name": "adam", "eps": 0.1}},
        'takes lr and not eps; for others name the class of torch.optim, "Adam"',
    ),
    "a setting that PyTorch's does not take": (
        {"optimiser": {"name": "Adam", "rate": 0.1}},
        "torch.optim.Adam: .*'rate'",
    ),
    "a negative learning rate": ({"optimiser": {"name": "adam", "lr": -1.0}}, "not -1.0"),
    "a negative learning rate for PyTorch": (
        {"optimiser": {"name": "Adam", "lr": -1.0}},
        "[Ll]earning rate",
    ),
    "a rate that falls after no steps": (
        {"optimiser": {"name": "Adam", "lr": 0.1, "decay": [0, 0.5]}},
        r"decay must be \[steps, factor\], such as \[50, 0.8\], not \[0, 0.5\]",
    ),
    "a rate that falls by nobody knows what": (
        {"optimiser": {"name": "Adam", "lr": 0.1, "decay": 50}},
        r"decay must be \[steps, factor\]",
    ),
    "a rate that falls by a word": (
        {"optimiser": {"name": "Adam", "lr": 0.1, "decay": [10, "x"]}},
        r"decay must be \[steps, factor\]",
    ),
    "a learning rate without end": (
        {"optimiser": {"name": "adam", "lr": math.inf}},
        "lr must be a finite number above 0, not inf",
    ),
    "a setting that PyTorch refuses in its first step only": (
        {"optimiser": {"name": "LBFGS", "line_search_fn": "wolfe"}},
        "the optimiser LBFGS cannot work: only 'strong_wolfe'",
    ),
    "an optimiser that cannot change pixels": (
        {"optimiser": {"name": "SparseAdam"}},
        "the optimiser SparseAdam cannot work",
    ),
    "an optimiser that is no table": ({"optimiser": "adam"}, "optimiser must be a table"),
    "an unknown side": ({"side": "width"}, "no side 'width'; known: long; short; height"),
    "an unknown variable": ({"variable": "latent"}, "no variable 'latent'; known: image; input"),
    "a start of the first edition": ({"start": "grey"}, "no start 'grey'; known: content; noise"),
    "a deviation of nothing": ({"start_deviation": 0}, "start_deviation must be .*, not 0"),
    "an average of all the past": ({"average": 1.0}, "average must be .* below 1, not 1.0"),
    "a style too small": ({"style_size": 8}, "style_size must be a whole number from 16 on"),
    "a style with a size and with the photo's": (
        {"style_size": 64, "style_shape": "photo"},
        'style_size and style_shape="photo" exclude each other',
    ),
    "bounds of an image": ({"bounds": [0, 1]}, 'bounds are of variable="input"'),
    "bounds that fall": (
        {"variable": "input", "pixels": "free", "bounds": [1, -1]},
        r"bounds must rise, and these do not: \[1, -1\]",
    ),
    "one bound": (
        {"variable": "input", "pixels": "free", "bounds": 1.5},
        r"bounds must be two numbers, \[low, high\], not 1.5",
    ),
    "an input clamped as if it were RGB": (
        {"variable": "input", "pixels": "clamp"},
        "pixels='clamp' clamps RGB, and variable=\"input\": take bounds",
    ),
    "a stage in one word": ({"stages": "all"}, "stages must be a list of tables, not 'all'"),
    "a stage without steps": ({"stages": [{"size": 64}]}, "a stage needs its number of steps"),
    "a stage with a field that it cannot have": (
        {"stages": [{"steps": 3, "pool": "avg"}]},
        "a stage must be a table of size, steps, optimiser, not .*avg",
    ),
    "stages of no steps": ({"stages": [{"steps": 0}]}, "the steps of a stage must be .*, not 0"),
    "stages too small": (
        {"steps": 3, "stages": [{"steps": 3, "size": 4}]},
        "the size of a stage must be a whole number from 16 on",
    ),
    "stages that do not add up": (
        {"steps": 7, "stages": [{"steps": 3}, {"steps": 3}]},
        "the steps of its stages are 6 together, and steps = 7",
    ),
    "a last stage of another size": (
        {"steps": 3, "stages": [{"steps": 3, "size": 64}]},
        "its last stage must have its size",
    ),
    "a stage with an unknown optimiser": (
        {"steps": 3, "stages": [{"steps": 3, "optimiser": {"name": "Adm"}}]},
        "no optimiser 'Adm'",
    ),
    "a stage with an optimiser in one word": (
        {"steps": 3, "stages": [{"steps": 3, "optimiser": "adam"}]},
        "the optimiser of a stage must be a table",
    ),
    "a truth for a number of steps": ({"steps": True}, "whole number from 1 on .*, not True"),
    "a truth for a weight": ({"tv": True}, "the weight tv must be a finite number from 0 on"),
    "moments that go back": ({"snapshots": (20, 10)}, "snapshots must rise"),
    "a moment in words": ({"snapshots": (10, "last")}, "snapshots must be steps from 1 on"),
    "a word for some styles instead of a table": (
        {"per_style": {"mosaic": "tv"}},
        "per_style of mosaic must be a table of fields, not 'tv'",
    ),
    "a field for some styles that no recipe has": (
        {"per_style": {"mosaic": {"weight": 3.0}}},
        "a recipe has no 'weight'; it has name, source",
    ),
    "a weight for some styles that cannot be": (
        {"per_style": {"mosaic": {"tv": -0.3}}},
        "the weight tv must be a finite number",
    ),
}


@pytest.mark.parametrize("given", REFUSED)
def test_a_recipe_that_cannot_work_is_refused_when_it_is_made(given):
    """Both where it is written and where another is changed, with the name of the recipe."""
    fields, words = REFUSED[given]
    with pytest.raises(ValueError, match=f"^mine: .*{words}"):
        Recipe("mine", "a test", **fields)
    with pytest.raises(ValueError, match=f"^ours: .*{words}"):
        recipe("ours", **fields)


TYPOS = {
    "a field": ('[mine]\nsource = "a test"\nstpes = 3\n', "mine: a recipe has no 'stpes'"),
    "a word": (
        '[mine]\nsource = "a test"\ninput = "cafe"\n',
        "mine: no input 'cafe'; known: torch",
    ),
    "a layer": ('[mine]\nsource = "a test"\nstyle = { rleu1_1 = 1.0 }\n', "no layer 'rleu1_1'"),
    "no source": ("[mine]\nsteps = 3\n", "mine must be a table with a source"),
    "no table": ("mine = 3\n", "mine must be a table with a source and no name, not 3"),
    "an optimiser": ('[mine]\nsource = "a test"\noptimiser = { name = "Adm" }\n', "'Adm'"),
}


@pytest.mark.parametrize("typo", TYPOS)
def test_a_typo_in_the_table_is_refused_when_it_is_read(typo, tmp_path):
    text, words = TYPOS[typo]
    path = tmp_path / "recipes.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        recipes._read(path)


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="no recipe 'gatsy'; known recipes: ours, gatys_2016"):
        recipe("gatsy")
    with pytest.raises(ValueError, match="no recipe 'PyTorch'"):
        paint("PyTorch", None, None, None)


@pytest.mark.parametrize("field", sorted(recipes.WORDS))
def test_unknown_words_list_the_known_ones(field):
    with pytest.raises(ValueError, match=f"d2l: no {field} 'other'; known: "):
        recipe("d2l", **{field: "other"})


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_says_where_it_is_from_and_what_it_shows(name):
    made = RECIPES[name]
    assert made.source.endswith("."), "a sentence"
    assert list(made.snapshots) == sorted(made.snapshots)
    assert all(0 < step <= made.steps for step in made.snapshots)
    for changes in made.per_style.values():
        assert recipe(name, **changes) != made


def test_what_the_five_projects_show():
    assert RECIPES["vgg16_lbfgs"].network == "torchvision-vgg16"
    assert [step / 20 for step in RECIPES["vgg16_lbfgs"].snapshots] == [1, 2, 5, 10]
    assert RECIPES["noise_1024"].start == "noise"
    assert RECIPES["noise_1024"].steps == 1024
    assert RECIPES["adam_9000"].network == "vgg19-normalised"
    assert RECIPES["vgg16_lbfgs"].style_shape == "photo", "both pictures of one shape"
    assert RECIPES["adam_9000"].snapshots[-1] == RECIPES["adam_9000"].steps == 9000
    assert RECIPES["named_layers"].optimiser["name"] == "Adam"
    assert RECIPES["named_layers"].tv > 0
    assert RECIPES["vgg16_lbfgs"].tv > 0


@pytest.mark.parametrize(
    "name", ["vgg16_lbfgs", "noise_1024", "eight_steps", "adam_9000", "named_layers"]
)
def test_a_recipe_whose_numbers_are_ours_says_so(name):
    assert "ours" in RECIPES[name].choices


# ---- the optimiser of a recipe -------------------------------------------------------------------


def rate_of(optimiser):
    return optimiser.param_groups[0]["lr"]


@pytest.mark.parametrize("name, rate", [("adam", 0.02), ("lbfgs", 1)])
def test_our_optimisers_take_a_learning_rate_or_their_own(name, rate):
    variables = [torch.zeros(3, requires_grad=True)]
    assert rate_of(optimiser_for(recipe("ours", optimiser={"name": name}))(variables)) == rate
    faster = recipe("ours", optimiser={"name": name, "lr": 0.1})
    assert rate_of(optimiser_for(faster)(variables)) == 0.1


def test_adam_with_a_learning_rate_paints_with_that_rate(narrow, pictures):
    """Its first step moves every pixel by the rate, whatever the gradient."""
    moments = []
    made = recipe("ours", optimiser={"name": "adam", "lr": 0.1}, pixels="free", start="noise")

    def keep(step, image, value):
        moments.append(image)

    paint(made, pictures.content, pictures.style, narrow, size=56, steps=2, callback=keep)
    moved = (moments[1] - moments[0]).abs()
    assert moved.median().item() == pytest.approx(0.1, rel=1e-3)


def test_a_rate_that_falls():
    pixel = torch.zeros(1, requires_grad=True)
    falling = {"name": "Adam", "lr": 0.08, "decay": [2, 0.5]}
    optimiser = optimiser_for(recipe("d2l", optimiser=falling))([pixel])
    rates = []
    for _ in range(6):
        rates.append(rate_of(optimiser))
        pixel.grad = torch.ones(1)
        optimiser.step()
    assert rates == pytest.approx([0.08, 0.08, 0.04, 0.04, 0.02, 0.02])


# ---- the objective -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def shallow(narrow_state, tmp_path_factory):
    """A network that ends with relu5_1, as a file of the first layers would."""
    state = {key: x for key, x in narrow_state.items() if int(key.split(".")[1]) <= 28}
    path = tmp_path_factory.mktemp("weights") / "shallow.safetensors"
    save_file(state, path)
    return VGG(path, device="cpu")


def test_a_missing_layer_names_its_substitute(shallow, pictures, capsys):
    Objective(RECIPES["tensorflow"], shallow, pictures.content, pictures.style)
    asked = f"tensorflow asks for relu5_2, which {shallow.name} lacks: relu5_1 takes its place."
    assert capsys.readouterr().out == f"{asked}\n"


def test_a_substitute_is_of_the_same_kind(shallow, pictures):
    few = recipe("ours", style={"relu1_1": 1.0, "relu5_3": 1.0}, content={"conv5_4": 1.0})
    terms = Objective(few, shallow, pictures.content, pictures.style).terms
    assert [(term.part, term.layer) for term in terms] == [
        ("content", "conv5_1"),
        ("style", "relu1_1"),
        ("style", "relu5_1"),
    ]


def test_weights_of_layers_that_share_a_substitute_add_up(shallow, pictures):
    content, style, image = pictures
    deep = recipe("ours", content={"relu5_2": 1.0, "relu5_4": 2.0})
    once = recipe("ours", content={"relu5_1": 3.0})
    values = [Objective(made, shallow, content, style)(image) for made in (deep, once)]
    torch.testing.assert_close(*values)


def test_our_recipe_is_our_losses(vgg, pictures):
    """The recipe `ours` and the helpers' losses, added by hand, give one number."""
    content, style, image = pictures
    here = vgg(image, [*STYLE, "relu4_2"])
    targets = vgg(style, STYLE)
    by_hand = sum(style_loss(here[layer], gram(targets[layer])) for layer in STYLE) / 5
    by_hand += 0.03 * content_loss(here["relu4_2"], vgg(content, "relu4_2")["relu4_2"])
    by_hand += 0.7 * total_variation(image)
    ours = Objective(recipe("ours", tv=0.7), vgg, content, style)
    torch.testing.assert_close(ours(image), by_hand)


def test_the_parts_of_an_objective_add_up_to_it(narrow, pictures):
    content, style, image = pictures
    objective = Objective(recipe("ours", tv=0.7), narrow, content, style)
    parts = objective.parts(image)
    assert list(parts) == ["content", "style", "tv"]
    torch.testing.assert_close(sum(parts.values()), objective(image))


@pytest.mark.parametrize("part, other", [("content", "style"), ("style", "content")])
def test_a_recipe_may_have_content_or_style_alone(part, other, narrow, pictures):
    """As reconstruction and texture synthesis do, in notebooks 02 and 04."""
    content, style, image = pictures
    objective = Objective(recipe("ours", **{other: {}}), narrow, content, style)
    assert list(objective.parts(image)) == [part]
    whole = Objective(RECIPES["ours"], narrow, content, style)
    torch.testing.assert_close(objective(image), whole.parts(image)[part])


def test_targets_are_computed_once(narrow, pictures):
    """The network runs twice for the targets, and once for each evaluation."""
    content, style, image = pictures
    runs = []
    hook = narrow.layers["conv1_1"].register_forward_hook(lambda *_: runs.append(1))
    try:
        objective = Objective(RECIPES["ours"], narrow, content.clone().requires_grad_(), style)
        assert len(runs) == 2
        objective(image)
        assert len(runs) == 3
    finally:
        hook.remove()
    assert not any(term.target.requires_grad for term in objective.terms)


@pytest.mark.parametrize("name", RECIPES)
def test_the_original_network_lacks_no_layer_of_any_recipe(name, vgg):
    assert {*RECIPES[name].content, *RECIPES[name].style} <= {*vgg.layers}


# ---- painting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_runs_from_its_one_line(name, pictures, narrow):
    content, style, _ = pictures
    made = RECIPES[name]
    steps = len(made.stages) or 3
    size = 128 if made.stages else 40  # the first of several stages is four times as small
    result = paint(name, content, style, narrow, size=size, steps=steps)
    assert len(result.history) == steps
    assert all(math.isfinite(value) for value in result.history)
    assert result.image.shape == pictures_for(name, content, style, size)[0].shape
    assert 0 <= result.image.min() <= result.image.max() <= 1


@pytest.mark.parametrize("name", ["ours", "gatys", "d2l"])
def test_a_recipe_runs_on_the_original_network(name, pictures, vgg):
    result = paint(name, pictures.content, pictures.style, vgg, size=40, steps=3)
    assert min(result.history) < result.history[0]


@pytest.mark.parametrize("shape", [(1, 3, 17, 60), (1, 3, 60, 17)])
def test_a_strip_of_a_picture(shape, narrow, pictures):
    strip = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    assert paint("ours", strip, pictures.style, narrow, size=60, steps=2).image.shape == shape
    painting = paint("ours", pictures.content, strip, narrow, size=56, steps=2).image
    assert painting.shape == pictures.content.shape


# ---- sizes ---------------------------------------------------------------------------------------

SIDES = {  # side -> rows and columns of a photo of 40 x 80, at a size of 60
    "long": (30, 60),
    "short": (60, 120),
    "height": (60, 120),
}


@pytest.mark.parametrize("side", SIDES)
def test_a_size_means_the_side_that_the_recipe_says(side):
    wide = torch.rand(1, 3, 40, 80)
    rows, columns = SIDES[side]
    made = recipe("ours", size=60, side=side)
    photo, style = pictures_for(made, wide, wide.mT)
    assert photo.shape[2:] == (rows, columns)
    expected = (60, 30) if side == "height" else (columns, rows)
    assert style.shape[2:] == expected


def test_a_style_is_squeezed_to_the_photo_where_the_source_does_that(pictures):
    content, style, _ = pictures
    assert content.shape != style.shape
    photo, look = pictures_for(recipe("ours", size=56, style_shape="photo"), content, style)
    assert photo.shape == look.shape
    photo, look = pictures_for(recipe("ours", size=56, style_size=100), content, style)
    assert max(photo.shape) == 56 and max(look.shape) == 100


def test_all_sizes_shrink_alike(pictures):
    made = recipe("ours", size=512, style_size=1024)
    photo, look = pictures_for(made, pictures.content, pictures.style, 64)
    assert max(photo.shape) == 64 and max(look.shape) == 128


def test_a_picture_of_the_right_size_is_not_touched(pictures):
    content, style, _ = pictures
    photo, _ = pictures_for(recipe("ours", size=max(content.shape)), content, style)
    assert photo is content


@pytest.mark.parametrize("size", [0, 15, 3.5, True, "large"])
def test_a_size_that_cannot_be_is_refused(size, narrow, pictures):
    with pytest.raises(ValueError, match="size must be a whole number from 16 on"):
        paint("ours", pictures.content, pictures.style, narrow, size=size, steps=1)


# ---- stages, and what they hand on ---------------------------------------------------------------


def test_stages_grow_and_count_their_steps_through(narrow, pictures):
    stages = [{"size": 24, "steps": 2}, {"size": 40, "steps": 1}, {"size": 56, "steps": 2}]
    made = recipe("ours", size=56, steps=5, stages=stages)
    sides = {}

    def keep(step, image, value):
        sides[step] = max(image.shape[2:])

    result = paint(made, pictures.content, pictures.style, narrow, callback=keep)
    assert sides == {1: 24, 2: 24, 3: 40, 4: 56, 5: 56}
    assert len(result.history) == 5
    assert result.image.shape == pictures.content.shape


def test_a_stage_begins_with_the_enlarged_image_of_the_one_before(narrow, pictures):
    made = recipe("ours", size=56, steps=4, stages=[{"size": 28, "steps": 3}, {"steps": 1}])
    images = {}

    def keep(step, image, value):
        images[step] = image

    paint(made, pictures.content, pictures.style, narrow, callback=keep)
    small = recipe("ours", size=28, steps=3)
    before = paint(small, pictures.content, pictures.style, narrow).image
    size = images[4].shape[2:]
    enlarged = torch.nn.functional.interpolate(before, size, mode="bicubic", antialias=True)
    torch.testing.assert_close(images[4], enlarged.clamp(0, 1))


def test_fewer_steps_are_shared_by_the_stages(narrow, pictures):
    made = recipe("ours", size=56, steps=10, stages=[{"size": 28, "steps": 6}, {"steps": 4}])
    sides = []

    def keep(step, image, value):
        sides.append(max(image.shape[2:]))

    paint(made, pictures.content, pictures.style, narrow, steps=5, callback=keep)
    assert sides == [28, 28, 28, 56, 56]


def test_an_interrupted_stage_is_the_last(narrow, pictures, capsys):
    made = recipe("ours", size=56, steps=4, stages=[{"size": 28, "steps": 3}, {"steps": 1}])

    def interrupt(step, image, value):
        if step == 2:
            raise KeyboardInterrupt

    result = paint(made, pictures.content, pictures.style, narrow, callback=interrupt)
    assert len(result.history) == 2
    assert max(result.image.shape) == 28
    assert "Stopped after 2 of 3" in capsys.readouterr().out


def moves_of(made, narrow, pictures):
    """How far the median pixel moves in each step."""
    images = []

    def keep(step, image, value):
        images.append(image)

    paint(made, pictures.content, pictures.style, narrow, callback=keep)
    pairs = zip(images, images[1:], strict=False)
    return [(after - before).abs().median().item() for before, after in pairs]


def test_adam_goes_on_with_its_moments_unless_a_stage_brings_its_own(narrow, pictures):
    """A new Adam's first step is its rate, whatever the gradient; an old one's is smaller."""
    adam = {"name": "Adam", "lr": 0.01}
    fields = {"size": 56, "steps": 12, "optimiser": adam, "pixels": "free", "start": "noise"}
    old = recipe("ours", **fields, stages=[{"steps": 10}, {"steps": 2}])
    new = recipe("ours", **fields, stages=[{"steps": 10}, {"steps": 2, "optimiser": adam}])
    whole = recipe("ours", **fields)
    assert moves_of(new, narrow, pictures)[-1] == pytest.approx(0.01, rel=1e-2)
    assert moves_of(old, narrow, pictures)[-1] == pytest.approx(
        moves_of(whole, narrow, pictures)[-1], rel=1e-2
    )
    assert moves_of(old, narrow, pictures)[-1] < 0.0099


def test_a_running_mean_of_the_images(narrow, pictures):
    """Of two updates with a share of 0.5: a third of the first and two thirds of the second."""
    adam = {"name": "Adam", "lr": 0.05}
    made = recipe("ours", size=56, steps=2, optimiser=adam, pixels="clamp", average=0.5)
    content, style, _ = pictures
    result = paint(made, content, style, narrow)
    plain = [
        paint(
            recipe("ours", size=56, steps=steps, optimiser=adam, pixels="clamp"),
            *pictures[:2],
            narrow,
        )
        for steps in (1, 2)
    ]
    expected = plain[0].image / 3 + 2 * plain[1].image / 3
    torch.testing.assert_close(result.image, expected)


# ---- starts, variables and pooling ---------------------------------------------------------------


def first_image(narrow, pictures, **changes):
    """The image at the first evaluation of a recipe that starts so."""
    images = []

    def keep(step, image, value):
        images.append(image)

    made = recipe("ours", size=56, **changes)
    paint(made, pictures.content, pictures.style, narrow, steps=1, callback=keep)
    return images[0]


def test_where_recipes_start(narrow, pictures):
    content = pictures.content
    torch.testing.assert_close(first_image(narrow, pictures, start="content"), content)
    torch.testing.assert_close(first_image(narrow, pictures, start="noise"), noise(content))
    around = first_image(narrow, pictures, start="normal", start_deviation=0.1) - 0
    assert around.min() == 0, "half of it lies below zero, and is cut off"
    assert around.max() == pytest.approx(0.4, abs=0.15)


def test_neural_style_starts_from_the_mean_colour_of_its_network(narrow, pictures):
    """A thousandth of a grey level around what Caffe's network takes for zero."""
    start = start_for(RECIPES["neural_style"], pictures.content)
    mean = torch.tensor(CAFFE_MEAN).view(1, 3, 1, 1) / 256
    levels = (start - mean) * 256
    assert levels.abs().max() < 0.01
    assert levels.std().item() == pytest.approx(0.001, rel=0.1)


@pytest.mark.parametrize("fed", INPUTS)
def test_a_rate_is_that_of_the_published_unit(fed, narrow, pictures):
    """Adam's first step is its rate in what it changes: the input of the network."""
    adam = {"name": "Adam", "lr": 0.01}
    fields = {"variable": "input", "input": fed, "optimiser": adam, "pixels": "free"}
    made = recipe("ours", size=56, start="noise", steps=2, **fields)
    images = []

    def keep(step, image, value):
        images.append(INPUTS[fed](image))

    paint(made, pictures.content, pictures.style, narrow, callback=keep)
    moved = (images[1] - images[0]).abs().median().item()
    assert moved == pytest.approx(0.01, rel=2e-2)


def test_bounds_hold_the_variable(narrow, pictures):
    adam = {"name": "Adam", "lr": 3.0}
    fields = {"variable": "input", "optimiser": adam, "pixels": "free", "bounds": [-0.5, 0.5]}
    made = recipe("ours", size=56, steps=4, **fields)

    def keep(step, image, value):
        assert INPUTS["torchvision"](image).abs().max() < 0.5001

    paint(made, pictures.content, pictures.style, narrow, callback=keep)


def test_the_last_update_is_in_the_painting(narrow, pictures):
    """One step of Udacity's Adam moves the photo, and the moved photo is what one gets."""
    result = paint("udacity", pictures.content, pictures.style, narrow, size=56, steps=1)
    photo, _ = pictures_for("udacity", pictures.content, pictures.style, 56)
    moved = INPUTS["torchvision"](result.image) - INPUTS["torchvision"](photo)
    assert moved.abs().median().item() == pytest.approx(0.003, rel=1e-2)


def test_the_network_pools_as_the_recipe_says(narrow, pictures):
    content, style, image = pictures
    made = recipe("ours", pool="avg")
    average = Objective(made, narrow, content, style)
    assert average.vgg.pool == "avg" and narrow.pool == "max"
    assert average(image) != Objective("ours", narrow, content, style)(image)
    torch.testing.assert_close(
        average(image), Objective(made, narrow.pooled("avg"), content, style)(image)
    )


def test_published_optimisers_end_with_their_last_image(narrow, pictures):
    """As their sources do, even if it is a worse one."""
    wild = recipe("ours", optimiser={"name": "Adam", "lr": 2.0}, pixels="clamp")
    result = paint(wild, pictures.content, pictures.style, narrow, size=56, steps=3)
    assert result.history[-1] > result.history[0]
    assert torch.equal(result.image, result.last)


@pytest.mark.parametrize("name", METHODS)
def test_our_optimisers_end_with_their_best_image(name, narrow, pictures):
    content, style, _ = pictures
    wild = recipe("ours", optimiser={"name": name, "lr": 5.0}, pixels="free")
    result = paint(wild, content, style, narrow, size=56, steps=3)
    at_the_best = Objective(wild, narrow, content, style)(result.image).item()
    assert at_the_best <= 1.001 * min(result.history[0], result.history[-1])


@pytest.mark.slow
def test_the_fence_keeps_what_saving_cuts_off_small(vgg):
    """A style of white foam and dark blue tempts pixels out of range."""
    photo = load("coffee", 48)
    style = load("hokusai_great_wave", 72)
    made = recipe("ours", size=48, style_size=72)
    result = paint(made, photo, style, vgg, steps=25)
    saved = Objective(RECIPES["ours"], vgg, photo, style)(as_saved(result.image)).item()
    assert saved < 1.01 * min(result.history)


@pytest.mark.parametrize("steps", [0, -1])
def test_no_steps_are_refused_and_not_taken_for_the_published_number(steps, narrow, pictures):
    with pytest.raises(ValueError, match=f"steps >= 1.*{steps}"):
        paint("ours", pictures.content, pictures.style, narrow, steps=steps)


# ---- what painting cannot honour -----------------------------------------------------------------


def honest_recipe(**changes):
    """A recipe that asks for just what there is: its network, 56 px."""
    return recipe("ours", **{"network": "vgg19", "size": 56, **changes})


def test_nothing_is_said_where_everything_is_honoured(vgg, pictures, capsys):
    """Pooling is among what is honoured: the network follows the recipe."""
    paint(honest_recipe(pool="avg"), pictures.content, pictures.style, vgg, steps=1)
    assert capsys.readouterr().out == ""


DEPARTURES = {  # changes, the size asked for -> words
    "the network": (
        {"network": "torchvision-vgg16"},
        None,
        "with vgg19 instead of torchvision-vgg16",
    ),
    "the training": (
        {"network": "vgg19-normalised"},
        None,
        "with vgg19 instead of vgg19-normalised",
    ),
    "the size": ({"size": 512}, 56, "at 56 px instead of 512"),
    "a larger size": ({"size": 40}, 56, "at 56 px instead of 40"),
}


@pytest.mark.parametrize("what", DEPARTURES)
def test_painting_says_in_one_line_what_it_cannot_honour(what, vgg, pictures, capsys):
    changes, size, words = DEPARTURES[what]
    made = honest_recipe(**changes)
    paint(made, pictures.content, pictures.style, vgg, size=size, steps=1)
    assert capsys.readouterr().out == f"ours is painted {words}.\n"


def test_all_that_cannot_be_honoured_is_said_in_one_line(vgg, pictures, capsys):
    made = honest_recipe(network="torchvision-vgg16", size=512)
    paint(made, pictures.content, pictures.style, vgg, size=56, steps=1)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert len(departures(made, vgg, 56)) == 2
    for part in departures(made, vgg, 56):
        assert part in said


def test_without_a_network_a_recipe_takes_its_own(pictures, capsys):
    """The paper's is the normalised one, and comes with the series."""
    content, style, _ = pictures
    painted = paint("gatys_2016", content, style, size=32, steps=2)
    assert capsys.readouterr().out == "gatys_2016 is painted at 32 px instead of 512.\n"
    own = VGG(normalised=True, pool="avg")
    again = paint("gatys_2016", content, style, own, size=32, steps=2)
    assert again.history == pytest.approx(painted.history, rel=1e-4)


def test_a_style_of_another_size_is_scaled_with_its_stage(narrow, pictures):
    """As large for the photo in the first stage as in the last."""
    sizes = []

    class Watched(Objective):
        def __init__(self, what, vgg, content, styles, controls):
            sizes.append((max(content.shape), max(styles[0].shape)))
            super().__init__(what, vgg, content, styles, controls)

    stages = [{"size": 32, "steps": 1}, {"size": 64, "steps": 1}]
    made = recipe("ours", size=64, style_size=96, steps=2, stages=stages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "Objective", Watched)
        paint(made, pictures.content, pictures.style, narrow)
    assert sizes == [(32, 48), (64, 96)]


def test_however_few_steps_are_asked_for_the_stages_have_them_all():
    for made in (RECIPES["crowsonkb"], RECIPES["cs231n"]):
        for steps in range(1, 60):
            stages = recipes._stages(made, None, steps)
            assert sum(stage.steps for stage in stages) == steps
    shares = [stage.steps for stage in recipes._stages(RECIPES["crowsonkb"], None, 8)]
    assert shares == [3, 1, 1, 2, 1]  # up to 2.7, 4, 5.3, 6.7 and 8


def test_normal_noise_is_the_same_whatever_ran_before(pictures):
    starts = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        starts.append(start_for(RECIPES["neural_style"], pictures.content))
    assert torch.equal(*starts)


def test_a_rate_falls_after_the_steps_and_not_before():
    """What counts is how far the pixel goes."""
    pixel = torch.zeros(1, requires_grad=True)
    falling = {"name": "SGD", "lr": 8.0, "decay": [2, 0.5]}
    optimiser = optimiser_for(recipe("keras", optimiser=falling))([pixel])
    places = []
    for _ in range(5):
        pixel.grad = -torch.ones(1)
        optimiser.step()
        places.append(pixel.item())
    assert places == [8, 16, 20, 24, 26]


def test_more_steps_than_published_are_taken_if_asked_for(narrow, pictures):
    made = recipe("ours", steps=2, size=32)
    assert len(paint(made, pictures.content, pictures.style, narrow, steps=5).history) == 5


def test_pictures_with_a_gradient_give_targets_without_one(narrow, pictures):
    """Somebody may paint towards a picture that is painted itself; targets stay where they are."""
    photo, style = (image.clone().requires_grad_() for image in pictures[:2])
    objective = Objective("ours", narrow, photo, style)
    assert not any(term.target.requires_grad for term in objective.terms)
    image = pictures.image.clone().requires_grad_()
    for _ in range(2):  # a second way back through a graph of the targets would fail
        objective(image).backward()
    assert photo.grad is None and style.grad is None
