"""The loops and losses that notebooks write out in their cells reach what they must reach.

nbval asks that cells run and that checked numbers agree. A loop that walks ten times too fast, or
forgets to clear its gradient, runs as well. So here the cells are taken from the sources and run on
pictures of 32 pixels; what they make is compared with what the helpers make of the same pictures.
"""

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from helpers.fast import pyramid
from helpers.images import as_saved, load, noise
from helpers.losses import content_loss, gram, relative_error, style_loss, total_variation
from helpers.transfer import Result, optimise
from tools.pictures.painting import STYLE, gram_targets, mean_style, total_loss
from tools.site import build

SLUGS = {slug[:2]: slug for slug in build.sources()}


@cache
def code_cells(number: str) -> list[str]:
    """The code of a notebook, cell by cell, with its exercises solved."""
    cells = build.assemble(SLUGS[number], solved=True).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    return [re.sub(r"^\s*[%!].*$", "", source, flags=re.M) for source in code]


def run(number: str, *lines: str, **given) -> dict:
    """Run some cells of a notebook, each found by a line of code in it, on what is given.

    Returns the namespace in which they ran.
    """
    space = {"torch": torch, "load": load, "noise": noise, **given}
    for line in lines:
        found = [source for source in code_cells(number) if line in source]
        assert len(found) == 1, f"notebook {number} holds {len(found)} cells with {line!r}"
        exec(found[0], space)
    return space


def define(number: str, *names: str, **given) -> dict:
    """As `run`, but of the cells that define some functions, nothing else is run."""
    space = {"torch": torch, "noise": noise, **given}
    for node in ast.walk(ast.parse("\n\n".join(code_cells(number)))):
        if isinstance(node, ast.FunctionDef) and node.name in names:
            exec(ast.unparse(node), space)
    return space


class Pair(NamedTuple):
    """A photo, a style, and an image between them; all (1, 3, H, W)."""

    photo: Tensor
    style: Tensor
    image: Tensor


@pytest.fixture(scope="module")
def pair() -> Pair:
    photo = load("coffee", 32)
    return Pair(photo, load("stained_glass", 40), (photo + 0.2 * noise(photo) - 0.1).clamp(0, 1))


def value_and_gradient(loss, image: Tensor) -> tuple[Tensor, Tensor]:
    image = image.clone().requires_grad_()
    value = loss(image)
    return value.detach(), torch.autograd.grad(value, image)[0]


def assert_same_loss(actual, expected, image: Tensor) -> None:
    """Two losses agree in value and gradient at an image."""
    for mine, theirs in zip(
        value_and_gradient(actual, image), value_and_gradient(expected, image), strict=True
    ):
        assert_close(mine, theirs, rtol=1e-3, atol=1e-5 * theirs.abs().max().item())


# ---- losses --------------------------------------------------------------------------------------

ERRORS = "def make_errors("
LOSSES = {  # notebook, content weight, weight of the variation
    "05": ("05", 0.3, 2.0),
    "05 without variation": ("05", 0.3, 0.0),
    "06": ("06", 0.03, 0.0),
    "07": ("07", 0.05, 0.0),
}


@pytest.mark.parametrize("which", LOSSES)
def test_the_total_loss_of_a_notebook_is_that_of_the_stored_paintings(which, vgg, pair):
    number, content_weight, tv_weight = LOSSES[which]
    photo, style, image = pair
    if number == "07":
        space = run("07", "def make_loss(photo, style", vgg=vgg)
        loss = space["make_loss"](photo, style)  # its weight is a default
    else:
        space = run(number, ERRORS)
        weights = [content_weight, tv_weight] if tv_weight else [content_weight]
        loss = space["make_loss"](space["make_errors"](photo, style, vgg), *weights)
    assert_same_loss(loss, total_loss(vgg, photo, style, content_weight, tv_weight), image)


def test_targets_are_computed_once_and_without_a_graph(vgg, pair):
    """A target that is computed again in each evaluation follows the image, and costs twice."""
    for number in ("05", "06"):
        visits = []

        def counted(image, layers, visits=visits):
            visits.append(image)
            return vgg(image, layers)

        photo = pair.photo.clone().requires_grad_()
        errors = run(number, ERRORS)["make_errors"](photo, pair.style, counted)
        before = len(visits)
        sum(errors(pair.photo)).item()
        assert len(visits) - before == 1
        assert not any(error.requires_grad for error in errors(pair.image))


# ---- 02: plain descent ---------------------------------------------------------------------------


def test_plain_descent_halves_the_distance_in_each_step(pair):
    space = define("02", "descend", "pixel_gradient", photo=pair.photo)
    image = space["descend"](pair.image, space["pixel_gradient"], step=0.5, steps=3)
    assert_close(image - pair.photo, (pair.image - pair.photo) / 8)


def test_the_gradient_of_features_is_that_of_the_content_loss(vgg, pair):
    """The same in each call; the error is noted, and the image is left as it was."""
    targets = vgg(pair.photo, ["relu2_1"])
    known = {"vgg": vgg, "content_loss": content_loss, "small_targets": targets, "errors": []}
    space = define("02", "error_at", "feature_gradient", **known)

    def loss(image):
        return content_loss(vgg(image, "relu2_1")["relu2_1"], targets["relu2_1"])

    value, gradient = value_and_gradient(loss, pair.image)
    for _ in range(2):
        assert_close(space["feature_gradient"](pair.image), gradient)
    assert space["errors"] == pytest.approx([value.item()] * 2)
    assert not pair.image.requires_grad


def test_a_photo_is_rebuilt_from_its_features(vgg, pair):
    known = {"content_loss": content_loss, "total_variation": total_variation}
    known |= {"optimise": optimise, "pyramid": pyramid, "as_saved": as_saved}
    rebuild = define("02", "rebuild", **known)["rebuild"]
    P = vgg(pair.photo, "relu2_1")["relu2_1"]
    grey = torch.full_like(pair.photo, 0.5)
    image, errors = rebuild(vgg, "relu2_1", P, grey, 25)
    assert min(errors) < errors[0] / 20
    assert (image - pair.photo).square().mean() < (grey - pair.photo).square().mean() / 10
    assert_close(image, as_saved(image))


# ---- 03 and 04: Gram matrices and textures -------------------------------------------------------


def test_the_gram_matrix_that_is_derived_is_the_helpers():
    features = torch.randn(1, 5, 5, 6)
    assert_close(define("03", "gram_matrix")["gram_matrix"](features), gram(features))


def test_the_style_error_and_its_gradient_that_are_derived_are_the_helpers(vgg, pair):
    space = define("04", "style_error", "style_gradient", relative_error=relative_error)
    features = vgg(pair.image, STYLE)
    targets = gram_targets(vgg, pair.style)
    grams = {name: gram(maps) for name, maps in features.items()}
    assert_close(space["style_error"](grams, targets), mean_style(features, targets))
    F = features["relu3_1"][0].flatten(1)
    target = targets["relu3_1"]
    _, gradient = value_and_gradient(lambda F: relative_error(F @ F.T / F.shape[1], target), F)
    assert_close(space["style_gradient"](F, target), gradient)


def test_a_texture_has_the_statistics_of_its_picture(vgg, pair):
    layers = STYLE[:3]
    known = {"vgg": vgg, "painter": vgg, "layers": layers, "size": 40, "steps": 20, "gram": gram}
    known |= {"style_loss": style_loss, "optimise": optimise, "pyramid": pyramid}
    space = define("04", "quiet_noise", "texture", as_saved=as_saved, **known)

    @torch.no_grad()
    def error(image):
        features = vgg(image, layers)
        targets = gram_targets(vgg, pair.style)
        return sum(style_loss(features[name], targets[name]).item() for name in layers)

    start = space["quiet_noise"](40)
    assert error(space["texture"](pair.style)) < error(start) / 20
    assert start.mean().item() == pytest.approx(0.5, abs=0.01)
    assert 0.4 <= start.min() < 0.41 and 0.59 < start.max() <= 0.6


# ---- 05: a walk through the weights --------------------------------------------------------------


def test_each_painting_of_the_walk_begins_where_the_one_before_ended(pair):
    starts = []

    def one_darker(start, loss, steps, parametrize):
        starts.append((start.mean().item(), loss, steps))
        return Result(start - 0.125, [], start)

    weights = (3.0, 2.0, 1.0, 0.5, 0.25, 0.125)
    space = run(
        "05",
        "for content_weight in weights[:3]:",
        "for content_weight in weights[3:]:",
        **{
            "make_errors": lambda *_: None,
            "matched_colour": lambda photo, style: torch.ones(1, 3, 2, 2),
            "make_loss": lambda errors, weight: weight,
            "optimise": one_darker,
            "as_saved": as_saved,
            "weights": weights,
            "walk": {weight: round(8 * weight) for weight in weights},
            **dict.fromkeys(("photo", "style", "quick", "pyramid")),
        },
    )
    expected = [
        (1 - number / 8, weight, round(8 * weight)) for number, weight in enumerate(weights)
    ]
    assert starts == expected
    assert list(space["paintings"]) == list(weights)
    assert_close(space["paintings"][0.125], as_saved(torch.full((1, 3, 2, 2), 0.25)))


# ---- 06: the loop with Adam ----------------------------------------------------------------------

STEPS = 8


@pytest.fixture(scope="module")
def adams(vgg, pair) -> tuple[dict, list, Tensor]:
    """What the loop of 06 leaves, the evaluations of the series' own loop, and its last image."""
    photo, style, _ = pair
    space = run("06", ERRORS, photo=photo, style=style, steps=STEPS, VGG=lambda: vgg)
    names = {**space, "fast": lambda network: network}
    space = run("06", "quick_errors = make_errors", "progress = Progress(steps)", **names)
    evaluations = []
    result = optimise(
        photo,
        total_loss(vgg, photo, style, 0.03),
        STEPS,
        method="adam",
        callback=lambda *about: evaluations.append(about),
    )
    return space, evaluations, result.last


def assert_nearly_the_same(image: Tensor, other: Tensor) -> None:
    """On average, images differ by less than a tenth of a step; in places Adam may turn."""
    assert (image - other).abs().mean() < 0.002


def test_the_loop_of_06_ends_where_the_series_own_loop_ends(adams):
    space, _, last = adams
    assert_nearly_the_same(space["image"].detach(), last)
    assert 0 <= space["image"].min() and space["image"].max() <= 1


def test_the_loop_of_06_notes_the_errors_of_the_images_that_it_measured(adams):
    space, evaluations, _ = adams
    history = space["history"]
    assert history["content error"][0] == 0
    losses = [
        style + 0.03 * content
        for content, style in zip(history["content error"], history["style error"], strict=True)
    ]
    assert losses == pytest.approx([value for _, _, value in evaluations], rel=0.01)
    assert space["loss"].item() == pytest.approx(losses[-1], rel=1e-3)  # what went downhill
    assert losses[-1] < losses[0] / 2


def test_the_loop_of_06_keeps_the_images_of_its_steps(adams):
    """The image after a step is what the next evaluation sees."""
    space, evaluations, last = adams
    snapshots = space["snapshots"]
    assert sorted(snapshots) == [0, 1, 2, 3, 5, 7, STEPS]
    images = [image for _, image, _ in evaluations] + [last]
    for step, image in snapshots.items():
        assert_nearly_the_same(image, images[step])


# ---- 07: L-BFGS ----------------------------------------------------------------------------------

VALLEY = ('print("it changes along', "descent = [start]", "def guess(", "def two_loop(")


@pytest.fixture(scope="module")
def valley() -> dict:
    """The cells of 07 that write L-BFGS out, run in its valley of two numbers."""
    return run("07", *VALLEY, "def lbfgs(", "def torch_lbfgs(")


def test_the_two_loops_are_the_matrix(valley):
    gradient = torch.tensor([0.3, -2.0], dtype=torch.float64)
    pairs = valley["pairs"]
    assert_close(valley["two_loop"](gradient, pairs), valley["guess"](pairs) @ gradient)
    for s, y in pairs[-1:]:
        assert_close(valley["two_loop"](y, pairs), s)


def test_our_own_lbfgs_walks_as_pytorchs_and_reaches_the_bottom(valley):
    """With all its pairs; with one pair it goes another way, and arrives as well."""
    for start in ([3.0, -2.0], [0.1, 0.7], [0.01, 0.02]):
        x = torch.tensor(start, dtype=torch.float64)
        points = valley["lbfgs"](x, 8)
        assert_close(points[:7], valley["torch_lbfgs"](x, 6))
        assert points[-1].norm() < 1e-6
    forgetful = valley["lbfgs"](torch.tensor([3.0, -2.0], dtype=torch.float64), 40, history=1)
    assert not torch.allclose(forgetful[4], valley["lbfgs"](valley["start"], 4)[4])
    assert forgetful[-1].norm() < 1e-3


def test_descent_and_newton_go_where_the_valley_lets_them(valley):
    start = valley["start"]
    slow = 1 - 0.09 * 2  # the curvature along (1, -1) is 2
    assert len(valley["descent"]) == 21
    assert_close(valley["descent"][20] @ valley["flat"], start @ valley["flat"] * slow**20)
    assert valley["newton"].norm() < 1e-9


def test_the_closure_of_07_evaluates_anew_each_time():
    make_closure = define("07", "make_closure")["make_closure"]
    x = torch.tensor([2.0, -1.0], requires_grad=True)
    values = []
    closure = make_closure(x, lambda x: x.square().sum(), values)
    for _ in range(3):
        assert closure().item() == 5
        assert x.grad.tolist() == [4, -2]
    assert values == [5, 5, 5]


def test_a_fence_leads_to_the_best_point_inside_and_a_clamp_leaves_the_box(valley):
    """The bottom lies beyond the edge x₂ = 1; the best point there is (0.6 + 0.5 · 9 / 11, 1)."""
    zero = {"tolerance_grad": 0, "tolerance_change": 0}
    names = ("make_closure", "clamped_run", "fenced_run", "loss_at")
    space = define("07", *names, Q=valley["Q"], zero=zero)
    bottom = torch.tensor([0.6, 1.5], dtype=torch.float64)
    corner = torch.tensor([0.2, 0.9], dtype=torch.float64)
    best = torch.tensor([0.6 + 0.5 * 9 / 11, 1], dtype=torch.float64)
    fenced = space["fenced_run"](bottom, corner, 40, weight=1000)
    assert space["loss_at"](fenced, bottom) < space["loss_at"](best, bottom) + 0.01
    rows = space["clamped_run"](bottom, corner, 8)
    assert len(rows) == 8
    for asked, got, gradient in rows:
        assert_close(got, asked.clamp(0, 1))
        assert_close(gradient, valley["Q"] @ (got - bottom))
    assert max(asked.max() for asked, _, _ in rows) > 1
