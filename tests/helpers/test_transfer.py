"""The loop: what it finds, what it counts, what it keeps, and what it leaves alone."""

import math

import pytest
import torch

from helpers.images import noise
from helpers.losses import relative_error
from helpers.transfer import METHODS, optimise
from tests.support import run_python


def towards(target):
    """The loss of a person who wants just this image."""
    return lambda image: (image - target).square().sum()


def images_seen(start, loss, steps, **settings):
    """A copy of every image that a callback gets."""
    images = []

    def remember(step, image, value):
        images.append(image.clone())

    optimise(start, loss, steps, callback=remember, **settings)
    return images


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_optimise_finds_a_picture(ramp, method):
    start = noise(ramp)
    result = optimise(start, towards(ramp), steps=200, method=method)
    assert torch.equal(start, noise(ramp)), "the start was changed"
    assert (result.image - ramp).abs().max() < 0.02
    assert len(result.history) <= 200
    assert min(result.history) < 0.01 * result.history[0]
    assert 0 <= result.image.min() <= result.image.max() <= 1


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_optimise_counts_evaluations(ramp, method):
    calls = []

    def loss(image):
        calls.append(1)
        return towards(noise(ramp))(image)

    optimise(ramp, loss, steps=17, method=method)
    assert len(calls) == 17


def test_the_callback_gets_each_step_its_image_and_its_loss(ramp):
    loss = towards(noise(ramp))
    steps = []

    def check(step, image, value):
        steps.append(step)
        assert value == pytest.approx(loss(image).item())

    result = optimise(ramp, loss, 6, callback=check)
    assert steps == [1, 2, 3, 4, 5, 6]
    assert len(result.history) == 6


def overshoot(image):
    return (image - image.clamp(0, 1)).abs().max().item()


@pytest.mark.parametrize(
    "pixels, inside", [("clamp", True), ("closure", True), ("fence", False), ("free", False)]
)
def test_where_pixels_are_kept_in_range(ramp, pixels, inside):
    target = 4 * ramp - 1.5
    images = images_seen(ramp, towards(target), 30, method="adam", lr=0.2, pixels=pixels)
    assert (max(map(overshoot, images)) == 0) == inside


@pytest.mark.parametrize("method, leaves", [("lbfgs", True), ("adam", False)])
def test_by_default_lbfgs_has_a_fence_and_adam_a_clamp(ramp, method, leaves):
    images = images_seen(ramp, towards(4 * ramp - 1.5), 20, method=method, lr=1.0)
    assert (max(image.max().item() for image in images) > 1.01) == leaves


def test_the_fence_is_a_force_and_freedom_is_none(ramp):
    def brightest(pixels):
        settings = {"method": "adam", "lr": 0.2, "pixels": pixels}
        return images_seen(ramp, lambda image: -image.mean(), 60, **settings)[-1].max()

    assert brightest("clamp") == brightest("closure") == 1
    assert brightest("fence") < brightest("free")


def test_the_fence_holds_against_a_loss_of_about_one(ramp):
    """A target half a range too bright: a force of one against one would meet it half way."""
    target = ramp + 0.5

    def loss(image):
        return relative_error(image, target) * target.square().mean()

    last = images_seen(ramp, loss, 60, pixels="fence")[-1]
    assert 0 < overshoot(last) < 0.01


def test_no_result_carries_a_graph(ramp):
    images = []
    result = optimise(
        ramp,
        towards(noise(ramp)),
        5,
        callback=lambda step, image, value: images.append(image),
    )
    assert not any(image.requires_grad for image in (result.image, result.last, *images))
    assert len({image.data_ptr() for image in images}) == 5, "kept images are copies"


def test_any_optimiser_of_torch_can_paint(ramp):
    result = optimise(
        noise(ramp),
        towards(ramp),
        60,
        method=lambda variables: torch.optim.SGD(variables, lr=0.1, momentum=0.5),
    )
    assert (result.image - ramp).abs().max() < 0.05


def test_a_learning_rate_reaches_any_optimiser(ramp):
    made = []

    def method(variables):
        made.append(torch.optim.SGD(variables, lr=0.1))
        return made[-1]

    optimise(noise(ramp), towards(ramp), 3, method=method, lr=0.3)
    assert len(made) == 1
    assert made[0].param_groups[0]["lr"] == 0.3


@pytest.mark.parametrize("unit", [1, 1e-7])
def test_lbfgs_does_not_mind_the_unit_of_the_loss(ramp, unit):
    """torch's own tolerances end the same descent early where the loss is small."""
    loss = towards(0.25 + 0.5 * ramp)
    start = 0.25 + 0.5 * noise(ramp)
    history = optimise(start, lambda image: unit * loss(image), 12, pixels="free").history
    assert history[-1] < 1e-3 * history[0]


def test_optimise_never_returns_a_worse_image_than_it_saw(ramp):
    loss = towards(noise(ramp))
    result = optimise(ramp, loss, 20, method="adam", lr=3.0)
    assert loss(result.image).item() == pytest.approx(min(result.history), rel=1e-5)


def test_the_last_image_is_kept_beside_the_best(ramp):
    """A rate far too large: the second image is worse than the first, and the third is no better.

    The last image is where the last update went, and no evaluation has seen it.
    """
    loss = towards(noise(ramp))
    result = optimise(ramp, loss, 2, method="adam", lr=3.0)
    assert result.history[1] > result.history[0]
    assert loss(result.image).item() == pytest.approx(result.history[0], rel=1e-5)
    third = optimise(ramp, loss, 3, method="adam", lr=3.0)
    assert loss(result.last).item() == pytest.approx(third.history[2], rel=1e-5)


def test_the_last_update_is_not_lost(ramp):
    """One step of Adam moves every pixel that has a gradient by its rate."""
    start = 0.25 + 0.5 * ramp
    result = optimise(start, towards(1 - ramp), 1, method="adam", lr=0.1)
    assert torch.equal(result.image, start)
    moved = (result.last - start).abs().flatten()
    assert moved.median().item() == pytest.approx(0.1, rel=1e-3)


def test_interrupting_keeps_the_image(ramp, capsys):
    def interrupt(step, image, value):
        if step == 5:
            raise KeyboardInterrupt

    result = optimise(noise(ramp), towards(ramp), 100, callback=interrupt)
    assert len(result.history) == 5
    assert result.history[-1] < result.history[0]
    assert "Stopped after 5 of 100" in capsys.readouterr().out


class Failing:
    """A loss that is NaN at some of its evaluations, counted from 1."""

    def __init__(self, loss, at):
        self.loss = loss
        self.at = at
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        return self.loss(image) * (math.nan if self.calls in self.at else 1)


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_nan_goes_back_to_the_best_image(ramp, capsys, method):
    result = optimise(noise(ramp), Failing(towards(ramp), [4]), 60, method=method, lr=0.1)
    assert result.image.isfinite().all()
    assert min(result.history) < result.history[0]
    assert "became NaN after 3 evaluations; going on from the best" in capsys.readouterr().out


def test_nan_for_ever_still_ends_in_the_best_image(ramp):
    loss = Failing(towards(ramp), range(3, 10**6))
    assert optimise(noise(ramp), loss, 1000, method="adam").image.isfinite().all()
    assert loss.calls < 20


def test_what_a_setting_means_has_to_be_named(ramp):
    """Two strings and three numbers in a row, and nobody knows which is which."""
    with pytest.raises(TypeError, match="positional"):
        optimise(ramp, towards(ramp), 10, "adam")


ALONE = """
import ctypes, os, signal, sys
import torch
from helpers.transfer import METHODS, optimise

def state():
    return {
        "threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "default type": torch.get_default_dtype(),
        "random numbers": torch.get_rng_state().tolist(),
        "determinism": torch.are_deterministic_algorithms_enabled(),
        "precision of products": torch.get_float32_matmul_precision(),
        "convolutions": torch.backends.cudnn.benchmark,
        "environment": dict(os.environ),
        "Ctrl-C": signal.getsignal(signal.SIGINT),
        "folder": os.getcwd(),
    }

def refuse(*arguments, **more):
    raise AssertionError("a library of the system was asked for")

ctypes.CDLL = refuse
before = state()
optimise(torch.zeros(1, 3, 16, 16), lambda image: (image - 0.5).square().sum(), 5)
after = state()
print("changed:", [what for what in before if before[what] != after[what]])
print("imported:", sorted(name for name in sys.modules if name.startswith("helpers.")))
"""


@pytest.mark.slow
def test_optimise_changes_nothing_of_the_process_and_needs_no_trick():
    run = run_python(ALONE)
    assert run.returncode == 0, run.stderr
    changed, imported = run.stdout.splitlines()
    assert changed == "changed: []"
    for trick in ("fast", "recipes", "explorer", "show", "vgg"):
        assert f"helpers.{trick}" not in imported


def test_the_history_is_the_loss_of_each_image_without_the_fence(ramp):
    """The fence keeps pixels in range, and is no part of what was asked for."""
    loss = towards(4 * ramp - 1.5)
    expected = []

    def remember(step, image, value):
        expected.append(loss(image).item())

    history = optimise(ramp, loss, 10, pixels="fence", callback=remember).history
    assert history == pytest.approx(expected)


def test_the_callback_gets_worse_images_as_well(ramp):
    """A rate far too large: the second image is worse than the first."""
    loss = towards(noise(ramp))
    losses = [loss(image).item() for image in images_seen(ramp, loss, 2, method="adam", lr=3.0)]
    assert losses[1] > losses[0]


def test_after_nan_the_next_image_is_the_best_one(ramp):
    loss = Failing(towards(ramp), [4])
    history = optimise(noise(ramp), loss, 6, method="adam", lr=0.1).history
    assert history[3] == pytest.approx(min(history[:3]))


def test_after_nan_the_best_image_is_not_painted_over(ramp):
    """The second attempt begins with it, and here finds nothing better."""
    loss = towards(ramp)
    calls = []

    def failing_and_worse_then(image):
        calls.append(1)
        if len(calls) == 4:
            return loss(image) * math.nan
        return loss(image) + (1000 if len(calls) > 4 else 0)

    result = optimise(noise(ramp), failing_and_worse_then, 20, method="adam", lr=0.1)
    assert loss(result.image).item() == pytest.approx(min(result.history), rel=1e-5)


def test_after_nan_the_learning_rate_is_halved(ramp):
    made = []

    def method(variables):
        made.append(torch.optim.SGD(variables, lr=0.1))
        return made[-1]

    optimise(noise(ramp), Failing(towards(ramp), [2, 4]), 8, method=method)
    assert [optimiser.param_groups[0]["lr"] for optimiser in made] == [0.1, 0.05, 0.025]


@pytest.mark.parametrize("side, steps", [(16, 50), (1024, 39), (8192, 5)])
def test_lbfgs_remembers_what_fits_into_a_gigabyte(side, steps):
    """A step and a change of gradient, 4 bytes a number: 50 steps of a small image, 5 at least."""
    image = torch.zeros(1, 3, side, side, device="meta", requires_grad=True)
    assert METHODS["lbfgs"]([image]).param_groups[0]["history_size"] == steps


def test_adam_moves_by_its_own_rate(ramp):
    """In its first step, wherever there is a gradient."""
    images = []
    optimise(
        0.25 + 0.5 * ramp,
        lambda image: (image - 2).square().mean(),
        2,
        method="adam",
        callback=lambda step, image, value: images.append(image),
    )
    torch.testing.assert_close(images[1] - images[0], torch.full_like(ramp, 0.02))


def visiting(*images):
    """An optimiser that goes from image to image, whatever the gradient says."""

    class Visitor(torch.optim.SGD):
        def step(self, closure):
            closure()
            (variable,) = self.param_groups[0]["params"]
            variable.data.copy_(remaining.pop(0))

    remaining = list(images)
    return Visitor


def test_the_best_image_is_judged_with_its_fence(ramp):
    """What the loss likes best lies outside; saved, it would be another picture."""
    inside = torch.full_like(ramp, 0.5)
    outside = torch.full_like(ramp, 0.2)
    outside[..., 0] = 1.9
    result = optimise(
        inside,
        lambda image: 2 - image[..., 0].mean(),
        2,
        method=visiting(outside, outside),
        pixels="fence",
    )
    assert result.history == pytest.approx([1.5, 0.1], rel=1e-4)
    assert torch.equal(result.image, inside)


def test_after_nan_it_goes_on_from_the_best_image_and_not_from_the_last(ramp, capsys):
    good, worse, bad = (torch.full_like(ramp, value) for value in (0.2, 0.6, torch.nan))
    images = images_seen(
        good, lambda image: image.mean(), 3, method=visiting(worse, bad, worse), pixels="free"
    )
    assert [image.mean().item() for image in images] == pytest.approx([0.2, 0.6, 0.2])


def test_a_callback_may_do_what_it_likes_with_its_image(ramp):
    def spoil(step, image, value):
        image.zero_()

    spoiled = optimise(ramp, lambda image: (image - 0.5).square().sum(), 5, callback=spoil)
    alone = optimise(ramp, lambda image: (image - 0.5).square().sum(), 5)
    assert torch.equal(spoiled.image, alone.image)


def test_an_optimiser_that_swallows_the_end_still_ends(ramp):
    class Swallowing(torch.optim.SGD):
        def step(self, closure=None):
            try:
                closure()
            except Exception:
                return
            super().step()

    def make(variables):
        return Swallowing(variables, lr=0.01)

    assert len(optimise(ramp, lambda image: image.square().sum(), 4, method=make).history) == 4


def test_half_precision_is_painted_in_full(ramp):
    result = optimise(ramp.half(), lambda image: image.square().sum(), 4, method="adam")
    assert result.image.dtype == torch.float32
    assert result.history[-1] < result.history[0]
