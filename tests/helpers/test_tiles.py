"""helpers.tiles: the loss and the gradient of the whole picture, whatever the tiles."""

import pytest
import torch

from helpers import tiles
from helpers.memory import HALO
from helpers.recipes import Objective, recipe
from helpers.tiles import TiledObjective, can_be_tiled, halo_for
from helpers.vgg import VGG

SIDES = (50, 96, 1000)  # 50 is no multiple of 16, and 1000 more than the picture has


@pytest.fixture(scope="module")
def odd():
    """A photo and an image of 187 x 122 px, which no pooling divides, and a larger style."""
    generator = torch.Generator().manual_seed(3)
    photo = torch.rand(1, 3, 122, 187, generator=generator)
    image = (0.8 * photo + 0.1).clamp(0, 1)
    return photo, torch.rand(1, 3, 150, 201, generator=generator), image


def value_and_gradient(objective, image):
    image = image.clone().requires_grad_()
    value = objective(image)
    value.backward()
    return value.detach(), image.grad


@pytest.mark.parametrize("name", ["ours", "gatys", "neural_style", "pytorch_tutorial", "keras"])
@pytest.mark.parametrize("side", SIDES)
def test_tiles_give_the_loss_and_the_gradient_of_the_whole(name, side, narrow, odd):
    photo, style, image = odd
    value, gradient = value_and_gradient(Objective(name, narrow, photo, style), image)
    tiled = TiledObjective(name, narrow, photo, style, side)
    their_value, their_gradient = value_and_gradient(tiled, image)
    assert their_value.item() == pytest.approx(value.item(), rel=1e-5)
    assert (their_gradient - gradient).norm() < 1e-5 * gradient.norm()


@pytest.mark.parametrize(("height", "width"), [(16, 16), (96, 97), (100, 112), (129, 192)])
def test_a_rest_of_a_few_pixels_is_not_lost(height, width, narrow, odd):
    image = torch.nn.functional.interpolate(odd[2], (height, width))
    whole = Objective("ours", narrow, image * 0.9, odd[1])
    tiled = TiledObjective("ours", narrow, image * 0.9, odd[1], side=48)
    value, gradient = value_and_gradient(whole, image)
    their_value, their_gradient = value_and_gradient(tiled, image)
    assert their_value.item() == pytest.approx(value.item(), rel=1e-5)
    assert (their_gradient - gradient).norm() < 1e-5 * gradient.norm()


def test_the_terms_have_their_names(narrow, odd):
    photo, style, image = odd
    whole, tiled = Objective("ours", narrow, photo, style), TiledObjective("ours", narrow, *odd[:2])
    one, other = whole.each_term(image), tiled.each_term(image)
    assert list(one) == list(other)
    for name, value in one.items():
        assert other[name].item() == pytest.approx(value.item(), rel=1e-5, abs=1e-7)


@pytest.mark.slow
def test_the_network_never_sees_more_than_a_tile_with_its_halo(narrow, odd, monkeypatch):
    photo, style, image = odd
    seen = []
    original = VGG.features

    def features(self, pixels, *others, **named):
        seen.append(tuple(pixels.shape[2:]))
        return original(self, pixels, *others, **named)

    monkeypatch.setattr(VGG, "features", features)
    tiled = TiledObjective("ours", narrow, photo, style, side=16)
    seen.clear()
    value_and_gradient(tiled, image)
    # 8 rows of 12 tiles, once for the sums and once more on the way back
    assert len(seen) == 2 * 8 * 12
    assert max(map(max, seen)) <= 16 + 2 * 80


@pytest.mark.parametrize(
    ("layer", "halo"),
    [("relu1_1", 1), ("relu2_1", 4), ("relu3_1", 12), ("relu4_2", 40), ("relu5_1", 80)],
)
def test_a_halo_is_half_of_a_window_up_to_a_whole_place(layer, halo, vgg):
    assert halo_for(vgg, layer) == halo


def test_no_place_sees_further_than_its_halo(vgg):
    picture = torch.full((1, 3, 400, 16), 0.5)
    maps = vgg(picture, "relu3_1")["relu3_1"]
    picture[:, :, 190] = 1.0
    changed = (vgg(picture, "relu3_1")["relu3_1"] - maps).abs().amax((0, 1, 3))
    places = changed.gt(1e-4).nonzero()
    assert places.max() == 50  # begins at row 200 and sees ten rows above it, of a halo of twelve


def test_the_memory_forecast_knows_the_halo(vgg):
    assert halo_for(vgg, "relu5_1") == HALO


@pytest.mark.parametrize("side", [0, -5, 12.0, "512", None, True])
def test_what_is_no_side_is_refused(side, narrow, odd):
    with pytest.raises(ValueError, match="side must be a whole number"):
        TiledObjective("ours", narrow, *odd[:2], side)


def test_a_style_that_is_no_sum_is_refused(narrow, odd):
    chosen = recipe("crowsonkb")
    assert not can_be_tiled(chosen) and can_be_tiled(recipe("ours"))
    with pytest.raises(ValueError, match="mean_and_covariance"):
        TiledObjective(chosen, narrow, *odd[:2])


def test_another_size_than_the_photos_is_refused(narrow, odd):
    photo, style, image = odd
    tiled = TiledObjective("ours", narrow, photo, style, side=48)
    with pytest.raises(ValueError, match="compared at the photo's size"):
        tiled(image[..., :96, :])


def test_every_pixel_is_in_one_tile(odd):
    for side, halo in [(16, 16), (48, 80), (64, 12)]:
        counted = torch.zeros(odd[2].shape[2:])
        for row in tiles._tiles(odd[2], side, halo):
            for tile in row:
                counted[tile.rows, tile.columns] += 1
        assert counted.eq(1).all()
