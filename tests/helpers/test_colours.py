"""Colours: lightness apart, and maps that hit mean and covariance."""

import itertools

import pytest
import torch

from helpers.colours import (
    MAPS,
    colour_map,
    grey,
    luminance,
    matched_colour,
    matched_luminance,
    with_colours_of,
)
from helpers.images import load, names, noise
from tests.support import drawn


def moments(colours):
    return colours.mean(1), torch.cov(colours)


def colours_of(image):
    return image[0].flatten(1).double()


@pytest.fixture(scope="module")
def every_picture():
    return [load(name, 48) for name in names()]


@pytest.mark.slow
@pytest.mark.parametrize("how", MAPS)
def test_a_map_hits_mean_and_covariance_of_every_pair(how, every_picture):
    for source, target in itertools.permutations(every_picture, 2):
        M, b = colour_map(source, target, how)
        mean, covariance = moments(M @ colours_of(source) + b[:, None])
        wanted_mean, wanted = moments(colours_of(target))
        torch.testing.assert_close(mean, wanted_mean, atol=1e-9, rtol=0)
        assert (covariance - wanted).norm() < 1e-3 * wanted.norm()


def shift(how, source, target):
    """Mean squared distance that a map moves the colours of a source."""
    M, b = colour_map(source, target, how)
    x = colours_of(source)
    return (M @ x + b[:, None] - x).square().sum(0).mean().item()


@pytest.mark.slow
def test_transport_moves_colours_least(every_picture):
    for source, target in itertools.pairwise(every_picture[:12]):
        least = shift("transport", source, target)
        assert all(least <= shift(how, source, target) * (1 + 1e-9) for how in MAPS)


@pytest.mark.parametrize("how, depends", [("transport", 0), ("principal axes", 0), ("cholesky", 1)])
def test_only_cholesky_minds_the_order_of_the_channels(how, depends, every_picture):
    source, target = every_picture[0], every_picture[20]
    there = matched_colour(source, target, how)
    turned = matched_colour(source.flip(1), target.flip(1), how).flip(1)
    assert ((there - turned).abs().max() > 1e-2) == bool(depends)


def test_matched_colours_are_an_image_as_large_as_the_photo(ramp):
    image = matched_colour(ramp, noise(torch.zeros(1, 3, 20, 20)))
    assert image.shape == ramp.shape
    assert 0 <= image.min() <= image.max() <= 1


def test_a_grey_photo_gets_no_colours_out_of_its_rounding(ramp):
    photo = (grey(ramp) * 255).round() / 255
    image = matched_colour(photo, noise(ramp))
    of_light = image - image.mean((2, 3), keepdim=True)
    assert torch.linalg.matrix_rank(of_light[0].flatten(1), tol=1e-2) == 1


def test_luminance_is_a_weighted_mean_of_the_channels():
    colours = torch.eye(3).view(1, 3, 1, 3)
    torch.testing.assert_close(luminance(colours)[0, 0, 0], torch.tensor([0.299, 0.587, 0.114]))
    white = torch.ones(1, 3, 2, 2)
    torch.testing.assert_close(grey(white), white)


def test_colours_put_back_leave_the_lightness_of_the_painting(ramp):
    painting = 0.3 + 0.4 * noise(ramp)
    photo = 0.4 + 0.2 * ramp
    image = with_colours_of(photo, painting)
    torch.testing.assert_close(luminance(image), luminance(painting))
    difference = (image - photo)[0]
    torch.testing.assert_close(difference[0], difference[1])
    torch.testing.assert_close(difference[0], difference[2])


def test_colours_that_do_not_exist_are_cut_off():
    red = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    image = with_colours_of(red, torch.full((1, 3, 1, 1), 0.4))
    torch.testing.assert_close(image.flatten(), torch.tensor([1.0, 0.101, 0.101]))


def test_two_sizes_are_refused(ramp):
    with pytest.raises(ValueError, match="must have one size, found"):
        with_colours_of(ramp, ramp[..., :9])


def test_lightness_gets_the_mean_and_the_deviation_of_the_photo(ramp):
    """The deviation, and not its square: a program that mixed them up had a third of it."""
    style = matched_luminance(0.2 * noise(ramp), ramp)
    light = luminance(style)
    torch.testing.assert_close(light.mean(), luminance(ramp).mean())
    torch.testing.assert_close(light.std(), luminance(ramp).std())
    assert torch.equal(style[:, 0], style[:, 2])


def test_a_style_of_one_lightness_becomes_no_noise(ramp):
    flat = torch.full((1, 3, 20, 20), 0.5)
    style = matched_luminance(flat, ramp)
    torch.testing.assert_close(style, torch.full_like(style, luminance(ramp).mean().item()))


def test_an_unknown_map_lists_the_known_ones(ramp):
    with pytest.raises(ValueError, match="no colour map 'pca'; known: transport, principal axes"):
        colour_map(ramp, ramp, "pca")


def test_matched_colour_has_the_colours_of_the_style():
    photo = 0.4 + 0.2 * drawn(1, 3, 40, 40)
    style = 0.3 + 0.1 * drawn(1, 3, 30, 50, seed=1)
    style[:, 0] += 0.2 * style[:, 1]
    matched = matched_colour(photo, style)
    assert matched.shape == photo.shape
    assert matched.dtype == photo.dtype
    colours = matched[0].flatten(1)
    wanted = style[0].flatten(1)
    torch.testing.assert_close(colours.mean(1), wanted.mean(1), atol=2e-3, rtol=0.02)
    torch.testing.assert_close(torch.cov(colours), torch.cov(wanted), atol=2e-3, rtol=0.02)


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_matched_colour_of_an_empty_picture_is_a_picture(flat):
    empty = torch.full((1, 3, 8, 8), flat)
    assert matched_colour(empty, drawn(1, 3, 8, 8)).isfinite().all()
    torch.testing.assert_close(matched_colour(drawn(1, 3, 8, 8), empty), empty, atol=0.02, rtol=0)


def test_the_rounding_of_a_grey_photo_does_not_become_colours():
    """It is the only difference between its channels, and would be stretched to the style's."""
    grey = torch.linspace(0.1, 0.9, 40).expand(1, 3, 40, 40)
    photo = grey + 3e-4 * drawn(1, 3, 40, 40)
    matched = matched_colour(photo, drawn(1, 3, 40, 40, seed=1))
    colour = matched - matched.mean(1, keepdim=True)
    assert (colour - colour.mean((2, 3), keepdim=True)).std() < 0.01


def test_matched_colours_go_the_shortest_way():
    """Of all linear maps with the right covariance, that of optimal transport is symmetric."""
    photo = drawn(1, 3, 24, 24) * torch.tensor([0.1, 0.4, 1.0]).view(1, 3, 1, 1)
    photo[:, 0] += 0.5 * photo[:, 2]
    style = drawn(1, 3, 24, 24, seed=1) * torch.tensor([0.5, 0.3, 0.1]).view(1, 3, 1, 1)
    style[:, 1] += 0.5 * style[:, 0]
    matched = matched_colour(0.4 + 0.1 * photo, 0.4 + 0.1 * style)
    colours = torch.cat([0.1 * photo[0].flatten(1), torch.ones(1, 24 * 24)]).T
    change = torch.linalg.lstsq(colours, matched[0].flatten(1).T).solution[:3]
    torch.testing.assert_close(change, change.T, atol=0.01, rtol=0)
    assert (change - change.diag().diag()).abs().max() > 0.1, "it does mix colours"


def test_matched_colours_stay_in_range():
    photo = 0.5 + 0.1 * drawn(1, 3, 24, 24)
    matched = matched_colour(photo, (drawn(1, 3, 24, 24, seed=1) > 0.4).float())
    assert matched.min() == 0 and matched.max() == 1
