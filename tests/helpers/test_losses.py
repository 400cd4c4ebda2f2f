"""The losses, with answers known by thought."""

import pytest
import torch

from helpers.losses import (
    content_loss,
    gram,
    products,
    range_penalty,
    relative_error,
    style_loss,
    total_variation,
)
from tests.support import drawn


@pytest.fixture
def features():
    return drawn(1, 5, 4, 6, seed=1)


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


def test_gram_is_symmetric(features):
    torch.testing.assert_close(gram(features), gram(features).T)


def test_gram_is_the_same_for_a_picture_laid_twice(features):
    torch.testing.assert_close(gram(torch.cat([features, features], dim=3)), gram(features))


def test_gram_of_half_precision_is_taken_in_single(features):
    """Three hundred squared times many places is more than float16 can hold, 65,504."""
    large = (features * 300).half()
    assert gram(large).dtype == torch.float32
    torch.testing.assert_close(gram(large), gram(large.float()))


def test_errors_are_zero_for_a_match_and_one_for_black(features):
    black = torch.zeros_like(features)
    assert content_loss(features, features) == style_loss(features, gram(features)) == 0
    assert content_loss(black, features) == style_loss(black, gram(features)) == 1


def test_errors_have_no_unit(features):
    """Ten times the activations on both sides, and the error stays."""
    other = features.flip(1)
    ten = content_loss(10 * other, 10 * features)
    torch.testing.assert_close(ten, content_loss(other, features))
    ten = style_loss(10 * other, gram(10 * features))
    torch.testing.assert_close(ten, style_loss(other, gram(features)))


def test_errors_of_twice_the_features_are_one_and_nine(features):
    """(2 - 1)² and (4 - 1)², because a Gram matrix is a square already."""
    torch.testing.assert_close(content_loss(2 * features, features), torch.tensor(1.0))
    torch.testing.assert_close(style_loss(2 * features, gram(features)), torch.tensor(9.0))


def test_errors_of_an_empty_target_are_finite(features):
    assert content_loss(features, torch.zeros_like(features)).isfinite()
    assert style_loss(torch.zeros_like(features), torch.zeros(5, 5)) == 0


def test_the_relative_error_by_hand():
    error = relative_error(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 2.0]))
    torch.testing.assert_close(error, torch.tensor(4 / 13))


def double(*shape, seed=0):
    return drawn(*shape, seed=seed).double().requires_grad_()


@pytest.mark.parametrize("loss", [total_variation, range_penalty])
def test_the_gradient_of_a_loss_of_pixels_is_right(loss):
    assert torch.autograd.gradcheck(loss, double(1, 3, 4, 5) * 3 - 1)


def test_the_gradient_of_the_content_loss_is_that_of_the_book():
    features = double(1, 3, 4, 5)
    target = double(1, 3, 4, 5, seed=1).detach()
    (gradient,) = torch.autograd.grad(content_loss(features, target), features)
    by_hand = 2 * (features - target) / target.square().sum()
    torch.testing.assert_close(gradient, by_hand, rtol=1e-4, atol=1e-6)


def test_the_gradient_of_the_style_loss_is_that_of_the_book():
    """Gatys, Ecker and Bethge (2016), equation 6, with our divisors."""
    features = double(1, 3, 4, 5)
    A = gram(double(1, 3, 4, 5, seed=1)).detach()
    (gradient,) = torch.autograd.grad(style_loss(features, A), features)
    F = features.detach()[0].flatten(1)
    G = F @ F.T / 20
    by_hand = 4 / 20 * (G - A) @ F / A.square().sum()
    torch.testing.assert_close(gradient[0].flatten(1), by_hand, rtol=1e-4, atol=1e-6)


def test_total_variation_of_a_ramp_is_its_slope_squared():
    ramp = (torch.arange(8) * 0.1).expand(1, 3, 5, 8)
    torch.testing.assert_close(total_variation(ramp), torch.tensor(0.01))
    torch.testing.assert_close(total_variation(ramp.mT), torch.tensor(0.01))


def test_total_variation_of_one_colour_is_zero():
    assert total_variation(torch.full((1, 3, 4, 4), 0.7)) == 0


def test_range_penalty_counts_only_what_is_outside():
    image = torch.tensor([-0.5, 0.0, 0.5, 1.0, 2.0]).view(1, 1, 1, 5).expand(1, 3, 1, 5)
    torch.testing.assert_close(range_penalty(image), torch.tensor((0.25 + 1) / 5))


@pytest.mark.parametrize("channels_last", [False, True])
def test_products_and_their_gradient_are_those_of_autograd(channels_last):
    """For both orders in memory, as an image has them and as a GPU likes them."""
    flat = drawn(900, 7).double().T if channels_last else drawn(7, 900).double()
    weights = drawn(7, 7, seed=1).double()
    ours = flat.clone().requires_grad_()
    plain = flat.clone().requires_grad_()
    (products(ours) * weights).sum().backward()
    (plain @ plain.T * weights).sum().backward()
    torch.testing.assert_close(products(ours), plain @ plain.T)
    torch.testing.assert_close(ours.grad, plain.grad)


@pytest.mark.parametrize("places", [5, 1023, 1024, 5000])
def test_products_of_bfloat16_are_as_good_as_their_features(places):
    """Any number of places, also none in a piece: the sums do not add to the features' rounding."""
    flat = drawn(6, places).bfloat16()
    exact = flat.double() @ flat.double().T
    assert products(flat).dtype == torch.float32
    assert ((products(flat).double() - exact).norm() / exact.norm()).item() < 1e-3


def test_the_gradient_lies_in_memory_as_the_features_do():
    """Else adding it to the gradient of the next layer would walk through memory in strides."""
    features = drawn(1, 8, 40, 40).contiguous(memory_format=torch.channels_last).requires_grad_()
    gram(features).square().sum().backward()
    assert features.grad.is_contiguous(memory_format=torch.channels_last)
    for flat in (drawn(900, 7).T.requires_grad_(), drawn(7, 900).requires_grad_()):
        (gradient,) = torch.autograd.grad(products(flat).sum(), flat)
        assert gradient.stride() == flat.stride()


def test_the_content_loss_of_half_precision_is_taken_in_single(features):
    """Three hundred squared is more than float16 can hold, 65,504."""
    large = (features * 300).half()
    torch.testing.assert_close(content_loss(2 * large, large), torch.tensor(1.0))


def test_a_small_target_is_no_empty_one():
    """Only a norm below 1e-6 counts as 1e-6."""
    small = torch.full((4,), 1e-5)
    torch.testing.assert_close(relative_error(2 * small, small), torch.tensor(1.0))
    empty = torch.zeros(4)
    torch.testing.assert_close(relative_error(small, empty), torch.tensor(4e-10 / 1e-12))


def test_the_gradient_of_bfloat16_features_is_nearly_that_of_float32():
    """For a gradient that arrives without symmetry, too."""
    F = drawn(3, 1100)
    weights = drawn(3, 3, seed=1)
    gradients = []
    for kind in (torch.bfloat16, torch.float32):
        features = F.to(kind).requires_grad_()
        (products(features) * weights).sum().backward()
        assert features.grad.dtype == kind
        gradients.append(features.grad.float())
    torch.testing.assert_close(*gradients, rtol=0.03, atol=0.03)
