"""Faults in what is no program: tables of recipes and pictures, notebooks and their sources."""

from tests.planted.operators import (
    argument,
    constant,
    default,
    dropped,
    earlier,
    everywhere,
    instead_of_call,
    other_operator,
    renamed,
    without_division,
    without_function,
    without_method,
    without_operand,
    without_slice,
)
from tests.planted.planting import Fault
from tests.planted.values import (
    broken_link,
    conda_line,
    field,
    in_cell,
    in_cell_with,
    in_solution,
    misspelled_marker,
    more_prose,
    other_digit,
    requirement,
    swapped_descriptions,
    white_picture,
    without_description,
)

DATA = "tests/project/test_data.py"
DRIFT = "tests/notebooks/test_drift.py"
IMAGES = "tests/helpers/test_images.py"
LOOPS = "tests/notebooks/test_loops.py"
INSTALL = "tests/helpers/test_install.py"
NOTEBOOKS = "tests/notebooks/test_notebooks.py"
PUBLISHED = "tests/helpers/test_published.py"
RECIPES = "tests/helpers/test_recipes.py"
# The first test of that file compares every notebook with its source, and would notice these too.
LINKS = f"{NOTEBOOKS}::test_links_lead_somewhere"
DESCRIPTIONS = f"{NOTEBOOKS}::test_a_stored_picture_has_the_description_of_its_cell"
MARKERS = f"{NOTEBOOKS}::test_markers_are_spelled_right"
SOLUTIONS = f"{NOTEBOOKS}::test_every_solution_passes_and_every_stub_is_only_noted"

VALUES = "tests/helpers/test_recipe_values.py"

RECIPE_TABLE = "data/recipes.toml"
PICTURE_TABLE = "data/images.toml"
NOTEBOOK = "notebooks/03_gram_matrices.ipynb"
SOURCE = "notebooks/src/03_gram_matrices.py"

IN_TABLES = [
    Fault(
        "a digit of a weight",
        RECIPE_TABLE,
        field("tensorflow", "content", to={"relu5_2": 2e4}),
        PUBLISHED,
    ),
    Fault(
        "conv3_2 for conv2_2",
        RECIPE_TABLE,
        field("pytorch_tutorial", "content", to={"conv3_2": 1.0}),
        PUBLISHED,
    ),
    Fault(
        "another divisor of a Gram matrix",
        RECIPE_TABLE,
        field("neural_style", "gram", to="places"),
        PUBLISHED,
    ),
    Fault(
        "another learning rate", RECIPE_TABLE, field("d2l", "optimiser", "lr", to=0.03), PUBLISHED
    ),
    Fault(
        "a rate that falls too often",
        RECIPE_TABLE,
        field("d2l", "optimiser", "decay", to=[5, 0.8]),
        PUBLISHED,
    ),
    Fault(
        "a variation ten times as strong",
        RECIPE_TABLE,
        field("neural_style", "tv", to=5e-3),
        PUBLISHED,
    ),
    Fault(
        "an input of other colours",
        RECIPE_TABLE,
        field("gatys", "input", to="torchvision"),
        PUBLISHED,
    ),
    Fault(
        "a misspelled layer", RECIPE_TABLE, field("ours", "content", to={"rleu4_2": 1.0}), RECIPES
    ),
    Fault("our own weight", RECIPE_TABLE, field("ours", "content", to={"relu4_2": 0.3}), RECIPES),
    Fault("a snapshot after the end", RECIPE_TABLE, field("adam_9000", "steps", to=900), RECIPES),
    Fault(
        "numbers of ours that do not say so",
        RECIPE_TABLE,
        field("adam_9000", "choices", to=""),
        RECIPES,
    ),
    Fault("a digit of a hash", PICTURE_TABLE, field("china", "sha256", to="0" * 64), DATA),
    Fault(
        "a picture under the name of another",
        PICTURE_TABLE,
        field("china", "file", to="content/coffee.jpg"),
        DATA,
    ),
    Fault(
        "a picture that is not described", PICTURE_TABLE, field("china", "alt", to="China"), IMAGES
    ),
    Fault("a picture of no known kind", PICTURE_TABLE, field("china", "kind", to="photo"), IMAGES),
    Fault(
        "a package with an upper bound",
        "pyproject.toml",
        requirement("torch", to="torch==2.6"),
        INSTALL,
    ),
    Fault(
        "another bound for conda",
        "environment.yml",
        conda_line("nbval", to="nbval >=0.10"),
        NOTEBOOKS,
    ),
]


UDACITY = {"relu1_1": 1e6, "relu2_1": 7.5e5, "relu3_1": 2e5, "relu4_1": 2e5, "relu5_1": 2e5}
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
REVERSED = dict(zip(STYLE, [weight / 2.1 for weight in (0.1, 0.2, 0.4, 0.6, 0.8)], strict=True))


def in_recipes(*rows: tuple) -> list[Fault]:
    """Faults in the table of recipes that their values show: name, recipe and word, other value."""
    return [
        Fault(name, RECIPE_TABLE, field(*path.split("."), to=value), VALUES)
        for name, path, value in rows
    ]


IN_RECIPES = in_recipes(
    ("gatys_2016: another ratio", "gatys_2016.content", {"relu4_2": 1e-3}),
    ("gatys_2016: the largest of four", "gatys_2016.pool", "max"),
    ("gatys_2016: a mean over places", "gatys_2016.gram", "places"),
    ("gatys_2016: fewer steps", "gatys_2016.steps", 300),
    ("gatys_normalised: a tenth of the content", "gatys_normalised.content", {"relu4_2": 1e5}),
    ("gatys: the long side", "gatys.side", "long"),
    ("neural_style: another first picture", "neural_style.start_deviation", 0.01),
    ("neural_style_pt: squares for amounts", "neural_style_pt.tv_error", "squares"),
    ("crowsonkb: a mean that forgets faster", "crowsonkb.average", 0.9),
    ("crowsonkb: a border of zeros", "crowsonkb.padding", "zeros"),
    ("gordicaleksa: five times the style", "gordicaleksa.style", dict.fromkeys(STYLE, 3e4)),
    ("gordicaleksa: the long side", "gordicaleksa.side", "long"),
    ("pytorch_tutorial: a clamp between steps", "pytorch_tutorial.pixels", "clamp"),
    (
        "tensorflow: an epsilon of torch's",
        "tensorflow.optimiser",
        {"name": "Adam", "lr": 0.02, "betas": [0.99, 0.999]},
    ),
    ("keras: five times the style", "keras.style", dict.fromkeys(STYLE, 1e-6)),
    ("keras: variation of the image", "keras.tv_of", "image"),
    ("d2l: twice the variation", "d2l.tv", 10.0),
    ("udacity: a Gram matrix divided", "udacity.gram", "features"),
    ("udacity: a digit of a weight", "udacity.style", {**UDACITY, "relu2_1": 7.5e4}),
    ("cs231n: one rate for all steps", "cs231n.stages", [{"steps": 180}, {"steps": 20}]),
    ("pystiche: five times the style", "pystiche.style", dict.fromkeys(STYLE, 1000.0)),
    ("pystiche: twenty iterations a step", "pystiche.optimiser", {"name": "LBFGS", "lr": 1}),
    ("vgg16_lbfgs: half the variation", "vgg16_lbfgs.tv", 0.25),
    ("noise_1024: the largest of four", "noise_1024.pool", "max"),
    ("eight_steps: another rate", "eight_steps.optimiser", {"name": "Adam", "lr": 0.01}),
    ("adam_9000: a rate for other pixels", "adam_9000.optimiser", {"name": "Adam", "lr": 0.003}),
    ("named_layers: weights in another order", "named_layers.style", REVERSED),
)

IN_NOTEBOOKS = [
    Fault("a digit of a stored output", NOTEBOOK, other_digit, NOTEBOOK),
    Fault("a white picture", NOTEBOOK, white_picture, NOTEBOOKS),
    Fault("a picture without a description", NOTEBOOK, without_description, NOTEBOOKS),
    Fault("descriptions of one another", NOTEBOOK, swapped_descriptions, DESCRIPTIONS),
    Fault("a link that leads nowhere", NOTEBOOK, broken_link, LINKS),
    Fault("a misspelled marker", NOTEBOOK, misspelled_marker, MARKERS),
    Fault("a sentence written into the notebook alone", NOTEBOOK, more_prose, NOTEBOOKS),
    Fault("a source that was not built", SOURCE, more_prose, NOTEBOOKS),
    Fault(
        "a solution that is wrong",
        SOURCE,
        in_solution("my_grams", without_division()),
        SOLUTIONS,
    ),
    Fault(
        "a pair that does not have one Gram matrix",
        SOURCE,
        in_solution("my_pair", constant(2.0, 3.0)),
        SOLUTIONS,
    ),
    Fault(
        "another function than the helper's",
        SOURCE,
        in_cell("gram_matrix", renamed("gram_matrix", "gram")),
        DRIFT,
    ),
]


def in_notebook(slug: str, *rows: tuple) -> list[Fault]:
    """Faults in the code that a notebook writes out: for each its name, its cell, and the edit.

    A cell is that of a function, "make_loss", or is known by some code in it, "for step in". A row
    may name its own tests.
    """
    faults = []
    for name, cell, edit, *own_tests in rows:
        mistake = in_cell(cell, edit) if cell.isidentifier() else in_cell_with(cell, edit)
        tests = own_tests[0] if own_tests else LOOPS
        faults.append(Fault(name, f"notebooks/src/{slug}.py", mistake, tests))
    return faults


ADAM_LOOP = "progress = Progress(steps)"

IN_LOOPS = [
    *in_notebook(
        "02_content_from_features",
        ("02: uphill", "descend", other_operator("-", "+", "step")),
        ("02: the start is changed", "feature_gradient", without_method("clone")),
        ("02: a gradient of another layer", "feature_gradient", constant("relu2_1", "relu1_1")),
        ("02: pictures better than any file", "rebuild", without_function("as_saved")),
        ("02: the photo is not looked at", "rebuild", argument("content_loss", 1, "F.detach()")),
    ),
    *in_notebook(
        "03_gram_matrices",
        ("03: a Gram matrix of sums", "gram_matrix", without_division()),
    ),
    *in_notebook(
        "04_texture_from_statistics",
        ("04: half a gradient", "style_gradient", constant(4, 2)),
        ("04: a sum for the mean over layers", "style_error", without_division()),
        ("04: noise that is not quiet", "quiet_noise", constant(0.2, 1.0)),
        ("04: a texture of nothing", "texture", argument("style_loss", 1, "0 * targets[name]")),
    ),
    *in_notebook(
        "05_the_total_loss",
        ("05: no variation", "make_loss", without_operand("+", "smoothness")),
        ("05: content without its weight", "make_loss", without_operand("*", "content_weight")),
        (
            "05: targets that follow the image",
            "make_errors",
            argument("style_loss", 1, "gram(features[layer]).detach()"),
        ),
        (
            "05: every painting from the first",
            "for content_weight in weights[3:]:",
            argument("optimise", 0, "paintings[weights[0]]"),
        ),
    ),
    *in_notebook(
        "06_painting_with_adam",
        ("06: ten times as fast", ADAM_LOOP, constant(0.02, 0.2)),
        ("06: a clamp before the step", ADAM_LOOP, earlier("clamp_", "step")),
        ("06: no clamp", ADAM_LOOP, dropped("clamp_")),
        (
            "06: zero_grad forgotten",
            ADAM_LOOP,
            dropped("zero_grad"),
            f"{LOOPS}::test_the_loop_of_06_ends_where_the_series_own_loop_ends",
        ),
        ("06: uphill", ADAM_LOOP, instead_of_call("backward", "(-loss).backward()")),
        ("06: no content", ADAM_LOOP, without_operand("+", "content_weight")),
        ("06: errors noted after the step", ADAM_LOOP, earlier("step", "backward")),
        ("06: content without its weight", "make_loss", without_operand("*", "content_weight")),
        (
            "06: a content target that follows the image",
            "make_errors",
            argument("content_loss", 1, "features['relu4_2'].detach()"),
        ),
        ("06: another weight of content", "quick_errors = make_errors", constant(0.03, 0.3)),
    ),
    *in_notebook(
        "07_painting_with_lbfgs",
        ("07: the number of the oldest pair", "two_loop", constant(1, 0)),
        ("07: one loop with the other sign", "two_loop", other_operator("-", "+", "q")),
        ("07: pairs in one order twice", "two_loop", everywhere(without_function("reversed"))),
        ("07: a first step as long as the gradient", "lbfgs", without_method("clamp")),
        ("07: pairs that are not forgotten", "lbfgs", without_slice("history")),
        (
            "07: gradients that add up",
            "make_closure",
            dropped("grad"),
            f"{LOOPS}::test_the_closure_of_07_evaluates_anew_each_time",
        ),
        ("07: another weight of content", "make_loss", default("content_weight", "0.5")),
        ("07: a clamp that does not clamp", "clamped_run", dropped("clamp_")),
        ("07: a fence without weight", "fenced_run", without_operand("*", "weight")),
    ),
]

FAULTS = [*IN_TABLES, *IN_RECIPES, *IN_NOTEBOOKS, *IN_LOOPS]
