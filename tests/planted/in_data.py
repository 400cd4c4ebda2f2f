"""Faults in what is no program: tables of recipes and pictures, notebooks and their sources."""

from tests.planted.operators import constant, renamed, without_division
from tests.planted.planting import Fault
from tests.planted.values import (
    broken_link,
    conda_line,
    field,
    in_cell,
    in_solution,
    misspelled_marker,
    more_prose,
    other_digit,
    requirement,
    white_picture,
    without_description,
)

DATA = "tests/project/test_data.py"
DRIFT = "tests/notebooks/test_drift.py"
IMAGES = "tests/helpers/test_images.py"
INSTALL = "tests/helpers/test_install.py"
NOTEBOOKS = "tests/notebooks/test_notebooks.py"
PUBLISHED = "tests/helpers/test_published.py"
RECIPES = "tests/helpers/test_recipes.py"
# The first test of that file compares every notebook with its source, and would notice these too.
LINKS = f"{NOTEBOOKS}::test_links_lead_somewhere"
MARKERS = f"{NOTEBOOKS}::test_markers_are_spelled_right"
SOLUTIONS = f"{NOTEBOOKS}::test_every_solution_passes_and_every_stub_is_only_noted"

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

IN_NOTEBOOKS = [
    Fault("a digit of a stored output", NOTEBOOK, other_digit, NOTEBOOK),
    Fault("a white picture", NOTEBOOK, white_picture, NOTEBOOKS),
    Fault("a picture without a description", NOTEBOOK, without_description, NOTEBOOKS),
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

FAULTS = [*IN_TABLES, *IN_NOTEBOOKS]
