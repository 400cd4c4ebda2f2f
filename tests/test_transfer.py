"""The losses and the loop, with answers known by thought."""

import math

import pytest
import torch

from helpers.images import noise
from helpers.transfer import content_loss, gram, optimise, range_penalty, style_loss, total_variation


@pytest.fixture
def features():
    return torch.rand(1, 5, 4, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (16, 16)])
def test_gram_of_ones_is_one(size):
    assert torch.equal(gram(torch.ones(1, 4, *size)), torch.ones(4, 4))


def test_gram_by_hand():
    channels = torch.tensor([[1.0, 0, 1, 0], [0, 2, 0, 2]]).view(1, 2, 2, 2)
    assert torch.equal(gram(channels), torch.tensor([[0.5, 0], [0, 2]]))


def test_gram_forgets_where(features):
    order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
    shuffled = features.flatten(2)[:, :, order].view_as(features)
    assert not torch.equal(shuffled, features)
    torch.testing.assert_close(gram(shuffled), gram(features))


def test_gram_is_symmetric_and_the_same_for_a_picture_laid_twice(features):
    torch.testing.assert_close(gram(features), gram(features).T)
    torch.testing.assert_close(gram(torch.cat([features, features], dim=3)), gram(features))


def test_gram_of_half_precision_is_taken_in_single(features):
    assert gram((features * 300).half()).dtype == torch.float32
    assert gram((features * 300).half()).isfinite().all()


@pytest.mark.parametrize("shape", [(5, 4, 6), (2, 5, 4, 6), (5,)])
def test_gram_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="features of one image"):
        gram(torch.ones(shape))


def test_errors_are_zero_for_a_match_and_one_for_black(features):
    for loss, target in ((content_loss, features), (style_loss, gram(features))):
        assert loss(features, target) == 0
        assert loss(torch.zeros_like(features), target) == 1


def test_errors_have_no_unit(features):
    """Ten times the activations on both sides: the same error. Twice the values against once: 1 and 9 by algebra."""
    other = features.flip(1)
    torch.testing.assert_close(content_loss(10 * other, 10 * features), content_loss(other, features))
    torch.testing.assert_close(style_loss(10 * other, gram(10 * features)), style_loss(other, gram(features)))
    torch.testing.assert_close(content_loss(2 * features, features), torch.tensor(1.0))
    torch.testing.assert_close(style_loss(2 * features, gram(features)), torch.tensor(9.0))


def test_errors_of_an_empty_target_are_finite(features):
    assert content_loss(features, torch.zeros_like(features)).isfinite()
    assert style_loss(torch.zeros_like(features), torch.zeros(5, 5)) == 0


def test_losses_refuse_other_shapes(features):
    with pytest.raises(ValueError, match="must be equal"):
        content_loss(features, features[..., :1])
    with pytest.raises(ValueError, match="must be equal"):
        style_loss(features, torch.ones(1, 1))


def test_losses_pass_a_gradient_check():
    features = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    target = torch.rand(1, 3, 4, 5, dtype=torch.float64)
    image = torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(total_variation, image)
    assert torch.autograd.gradcheck(range_penalty, image * 3 - 1)
    value = style_loss(features, gram(target))
    (by_autograd,) = torch.autograd.grad(value, features)
    A, F = gram(target).double(), features.detach()[0].flatten(1)
    G = F @ F.T / 20
    by_hand = 4 / 20 * (G - A) @ F / A.square().sum()
    torch.testing.assert_close(by_autograd[0].flatten(1), by_hand, rtol=1e-4, atol=1e-6)


def test_total_variation_of_a_ramp_is_its_slope_squared():
    ramp = (torch.arange(8) * 0.1).expand(1, 3, 5, 8)
    torch.testing.assert_close(total_variation(ramp), torch.tensor(0.01))
    torch.testing.assert_close(total_variation(ramp.mT), torch.tensor(0.01))
    assert total_variation(torch.full((1, 3, 4, 4), 0.7)) == 0


def test_range_penalty_counts_only_what_is_outside():
    image = torch.tensor([-0.5, 0.0, 0.5, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    torch.testing.assert_close(range_penalty(image), torch.tensor((0.25 + 1) / 5))


def towards(target):
    return lambda image: (image - target).square().sum()


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_optimise_finds_a_picture(ramp, method):
    start = noise(ramp)
    kept = start.clone()
    result = optimise(start, towards(ramp), steps=300, method=method)
    assert torch.equal(start, kept), "the start was changed"
    assert (result.image - ramp).abs().max() < 0.02
    assert len(result.history) <= 300 and min(result.history) < 0.01 * result.history[0]
    assert 0 <= result.image.min() and result.image.max() <= 1


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_optimise_counts_evaluations(ramp, method):
    calls = []
    optimise(ramp, lambda image: calls.append(1) or towards(noise(ramp))(image), steps=17, method=method)
    assert len(calls) == 17


@pytest.mark.parametrize("pixels, inside", [("clamp", True), ("closure", True), ("fence", False), ("free", False)])
def test_where_pixels_are_kept_in_range(ramp, pixels, inside):
    looked_at, target = [], 4 * ramp - 1.5
    optimise(
        ramp, towards(target), 30, "adam", lr=0.2, pixels=pixels, seen=lambda k, image, v: looked_at.append(image + 0)
    )
    overshoot = max((image - image.clamp(0, 1)).abs().max().item() for image in looked_at)
    assert (overshoot == 0) == inside


@pytest.mark.parametrize("method, leaves", [("lbfgs", True), ("adam", False)])
def test_by_default_lbfgs_has_a_fence_and_adam_a_clamp(ramp, method, leaves):
    looked_at = []
    optimise(ramp, towards(4 * ramp - 1.5), 20, method, 1.0, lambda k, image, v: looked_at.append(image))
    assert (max(image.max().item() for image in looked_at) > 1.01) == leaves


def test_no_result_carries_a_graph(ramp):
    looked_at = []
    result = optimise(ramp, towards(noise(ramp)), 5, seen=lambda k, image, v: looked_at.append(image))
    assert not any(image.requires_grad for image in (result.image, result.last, *looked_at))
    assert len({image.data_ptr() for image in looked_at}) == 5, "kept images are copies"


def test_the_fence_is_a_force_and_the_rest_is_none(ramp):
    def far(pixels):
        images = []
        optimise(ramp, lambda x: -x.mean(), 60, "adam", 0.2, lambda k, image, v: images.append(image.max()), pixels)
        return images[-1]

    assert far("clamp") == far("closure") == 1 and far("fence") < far("free")


def test_any_optimiser_of_torch_can_paint(ramp):
    made = []

    def plain(pixels):
        made.append(torch.optim.SGD(pixels, lr=0.1, momentum=0.5))
        return made[-1]

    result = optimise(noise(ramp), towards(ramp), 60, plain)
    assert len(made) == 1 and (result.image - ramp).abs().max() < 0.05
    assert optimise(noise(ramp), towards(ramp), 3, plain, lr=0.3) and made[-1].param_groups[0]["lr"] == 0.3


def test_lbfgs_does_not_mind_the_unit_of_the_loss(ramp):
    """torch's own tolerances end the same descent early where the loss is small."""
    start, loss = 0.25 + 0.5 * noise(ramp), towards(0.25 + 0.5 * ramp)
    progress = [optimise(start, lambda x, unit=unit: unit * loss(x), 12, pixels="free").history for unit in (1, 1e-7)]
    assert all(history[-1] < 1e-3 * history[0] for history in progress)


def test_optimise_never_returns_a_worse_image_than_it_saw(ramp):
    seen = []
    loss = towards(noise(ramp))
    result = optimise(ramp, loss, 20, "adam", lr=3.0, seen=lambda step, image, value: seen.append(value))
    assert math.isclose(loss(result.image).item(), min(seen), rel_tol=1e-5)
    worse = optimise(ramp, loss, 2, "adam", lr=3.0)
    assert math.isclose(loss(worse.last).item(), worse.history[1], rel_tol=1e-5)
    assert (
        math.isclose(loss(worse.image).item(), worse.history[0], rel_tol=1e-5) and worse.history[1] > worse.history[0]
    )


def test_interrupting_keeps_the_image(ramp, capsys):
    def interrupt(step, image, value):
        if step == 5:
            raise KeyboardInterrupt

    result = optimise(noise(ramp), towards(ramp), 100, seen=interrupt)
    assert len(result.history) == 5 and result.history[-1] < result.history[0]
    assert "Stopped after 5 of 100" in capsys.readouterr().out


@pytest.mark.parametrize("method", ["lbfgs", "adam"])
def test_nan_goes_back_to_the_best_image(ramp, capsys, method):
    calls = []

    def loss(image):
        calls.append(1)
        return towards(ramp)(image) * (math.nan if len(calls) == 4 else 1)

    result = optimise(noise(ramp), loss, 60, method, lr=0.1)
    assert result.image.isfinite().all() and min(result.history) < result.history[0]
    assert "NaN" in capsys.readouterr().out


def test_nan_for_ever_still_ends_in_the_best_image(ramp, capsys):
    calls = []

    def loss(image):
        calls.append(1)
        return towards(ramp)(image) * (1 if len(calls) < 3 else math.nan)

    assert optimise(noise(ramp), loss, 1000, "adam").image.isfinite().all()
    assert len(calls) < 20


def test_optimise_refuses_what_cannot_work(ramp):
    with pytest.raises(ValueError, match="no method 'sgd'; known: lbfgs, adam"):
        optimise(ramp, towards(ramp), method="sgd")
    with pytest.raises(ValueError, match="no way to treat pixels 'clip'; known: fence, clamp, closure, free"):
        optimise(ramp, towards(ramp), pixels="clip")
    with pytest.raises(ValueError, match="steps >= 1"):
        optimise(ramp, towards(ramp), steps=0)
    with pytest.raises(ValueError, match="float image"):
        optimise((ramp * 255).byte(), towards(ramp))
    with pytest.raises(ValueError, match="NaN or infinite at the start"):
        optimise(ramp, lambda image: image.sum() * math.nan)
