"""The pictures of notebook 10: what is stored, and identities of what is mixed."""

import pytest
import torch

from helpers.control import Controls
from helpers.images import load, read_settings
from helpers.losses import gram
from tools.pictures import control
from tools.pictures.painting import RESULTS, is_painted


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random numbers between 0 and 1."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def stored() -> dict:
    """Each file of the four folders, with what decides how it looks."""
    files = {}
    for name in control.COLOURS:
        files[RESULTS / "10_colours" / f"{name}.jpg"] = control.colour_settings(name)
    for place in [(size, depth) for size in control.STYLE_SIZES for depth in control.DEPTHS]:
        file = control.scale_file(RESULTS / "10_scale", *place)
        files[file] = control.scale_settings(*place)
    for name in ("style", *control.MIXES):
        files[RESULTS / "10_mix" / f"{name}.jpg"] = control.mix_settings(name)
    for name in control.BLENDS:
        files[RESULTS / "10_blends" / f"{name}.jpg"] = control.blend_settings(name)
    files[RESULTS / "10_town.jpg"] = control.TOWN_SETTINGS
    return files


@pytest.mark.parametrize("file", stored(), ids=lambda file: file.relative_to(RESULTS).as_posix())
def test_no_stored_painting_would_be_painted_again(file):
    assert is_painted(file, stored()[file])


def test_the_town_is_as_large_as_its_last_stage():
    assert max(load(RESULTS / "10_town.jpg", None).shape[2:]) == control.STAGES[-1][0]
    assert read_settings(RESULTS / "10_town.jpg")["stages"][-1][-1] == "inside"


def test_each_place_of_the_town_has_one_painter():
    photo, styles, controls = control.town_pictures(128)
    total = sum(controls.masks)
    torch.testing.assert_close(total, torch.ones_like(total))
    assert controls.require_fit(photo, styles) == []
    start = control.region_by_region(photo, styles, controls.masks)
    assert start.shape == photo.shape and 0 <= start.min() and start.max() <= 1


def test_half_way_between_a_style_and_itself_is_the_style():
    features = drawn(1, 5, 9, 8)
    # covariances divide by N - 1, and Gram matrices by N
    torch.testing.assert_close(
        control.halfway(features, features), gram(features), rtol=0.02, atol=0.002
    )


def test_half_way_between_two_means_keeps_the_variance():
    """A mean of the Gram matrices would not: it holds the distance of the means."""
    features = torch.randn(1, 4, 40, 50, generator=torch.Generator().manual_seed(0))
    moved = features + 4
    half = control.halfway(features, moved)
    torch.testing.assert_close(half, gram(features + 2), rtol=1e-2, atol=1e-2)
    mixed = (gram(features) + gram(moved)) / 2
    assert (mixed - half).diagonal().min() > 3.9  # 16 / 4


def test_half_way_is_the_same_from_both_sides():
    first = drawn(1, 4, 8, 9)
    second = drawn(1, 4, 7, 6, seed=1).square() + 0.1 * first[..., :7, :6]
    torch.testing.assert_close(control.halfway(first, second), control.halfway(second, first))


def test_powers_of_a_symmetric_matrix():
    F = drawn(3, 20).double()
    matrix = F @ F.T
    root = control.power(matrix, 0.5)
    torch.testing.assert_close(root @ root, matrix)
    identity = control.power(matrix, -0.5) @ root
    torch.testing.assert_close(identity, torch.eye(3, dtype=torch.float64))


def test_a_blend_of_one_style_is_that_style(vgg):
    styles = [drawn(1, 3, 48, 48), drawn(1, 3, 40, 56, seed=1)]
    with torch.no_grad():
        for name, style in zip(("0", "1"), styles, strict=True):
            targets = control.blend_targets(vgg, name, styles)
            for layer, features in vgg(style, control.STYLE).items():
                torch.testing.assert_close(targets[layer], gram(features))


@pytest.mark.slow
def test_a_painting_of_a_builder_comes_as_a_file_keeps_it(vgg, monkeypatch):
    photo = drawn(1, 3, 32, 48)
    style = drawn(1, 3, 40, 40, seed=1)
    for colour in control.COLOURS:
        image = control.painted(vgg, (photo, style), Controls(colour=colour), 2)
        assert image.shape == photo.shape
        torch.testing.assert_close(image * 255, (image * 255).round(), rtol=0, atol=1e-4)
    monkeypatch.setattr(control, "NEW_EVALUATIONS", 3)
    monkeypatch.setattr(control, "MIX_EVALUATIONS", 2)
    assert control.new_style(vgg, style, photo).shape == style.shape
    assert control.swapped(vgg, photo, style, photo).shape == photo.shape


def test_recipes_of_the_grid_count_their_layers_alike():
    for depth, layers in zip(control.DEPTHS, (2, 4, 5), strict=True):
        style = control.up_to(depth).style
        assert len(style) == layers and depth in style
        assert sum(style.values()) == pytest.approx(1)
