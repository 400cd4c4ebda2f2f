"""Masks: what a layer sees of them, and that it sees nothing else."""

import pytest
import torch

from helpers.images import save
from helpers.losses import gram
from helpers.masks import (
    WAYS,
    at_layer,
    guide,
    load_mask,
    polygon,
    require_masks,
    what_is_shared,
)

LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]


@pytest.fixture
def left():
    """1 on the left 40 of 96 columns."""
    mask = torch.zeros(1, 1, 64, 96)
    mask[..., :40] = 1
    return mask


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_mask_has_the_size_of_the_layers_maps(layer, way, narrow, left):
    for width in (96, 95, 90):
        features = narrow(torch.zeros(1, 3, 64, width), layer)[layer]
        assert at_layer(left[..., :width], layer, way).shape[2:] == features.shape[2:]


@pytest.mark.parametrize("layer", LAYERS)
def test_inside_sees_nothing_of_what_is_outside(layer, narrow, left):
    """Whatever stands outside the mask, features inside stay; of a resized mask they do not."""
    generator = torch.Generator().manual_seed(0)
    one, other = torch.rand(2, 1, 3, 64, 96, generator=generator)
    other = left * one + (1 - left) * other
    change = (narrow(one, layer)[layer] - narrow(other, layer)[layer]).abs()
    assert (change * at_layer(left, layer, "inside")).max() == 0
    assert (change * at_layer(left, layer, "resized")).max() > 0
    unseen = 1 - at_layer(left, layer, "all")
    other = (1 - left) * one + left * torch.rand(1, 3, 64, 96, generator=generator)
    change = (narrow(one, layer)[layer] - narrow(other, layer)[layer]).abs()
    assert (change * unseen).max() == 0


@pytest.mark.parametrize("layer", LAYERS)
def test_inside_is_in_the_mask_and_all_is_round_it(layer, left):
    inside, resized, everything = (at_layer(left, layer, way) for way in WAYS)
    assert (inside <= resized + 1e-6).all()
    assert (resized <= everything + 1e-6).all()
    assert 0 < inside.sum() < resized.sum() < everything.sum()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", LAYERS)
def test_a_mask_of_ones_changes_nothing(layer, way):
    torch.testing.assert_close(guide(torch.ones(1, 1, 64, 96), layer, way).unique(), torch.ones(1))


def test_the_gram_matrix_of_masked_features_is_that_of_the_places_that_count(narrow, left):
    """Hard masks: (T∘F)(T∘F)ᵀ / N is the mean over the places inside."""
    features = narrow(torch.rand(1, 3, 64, 96), "relu2_1")["relu2_1"]
    T = guide(left, "relu2_1")
    masked = gram(features * T.view(1, 1, *features.shape[2:]))
    columns = int(at_layer(left, "relu2_1")[0, 0, 0].sum())
    torch.testing.assert_close(masked, gram(features[..., :columns]))


def test_two_half_masks_add_up_to_the_whole(narrow, left):
    """Weighted by how many places they have, as Gram matrices are means over places."""
    features = narrow(torch.rand(1, 3, 64, 96), "relu1_1")["relu1_1"]
    total = 0
    for mask in (left, 1 - left):
        T = guide(mask, "relu1_1", "resized").view(1, 1, 64, 96)
        total = total + mask.mean() * gram(features * T)
    torch.testing.assert_close(total, gram(features))


def test_a_thin_mask_is_empty_in_a_deep_layer():
    thin = torch.zeros(1, 1, 64, 96)
    thin[..., 40:46] = 1
    assert guide(thin, "relu1_1") is not None
    assert guide(thin, "relu3_1") is None
    assert guide(thin, "relu3_1", "resized") is not None


def test_soft_masks_stay_soft(left):
    soft = at_layer(0.5 * left, "relu1_1")
    assert set(soft.unique().tolist()) == {0.0, 0.5}
    torch.testing.assert_close(guide(0.5 * left, "relu1_1"), guide(left, "relu1_1"))


def test_a_polygon_is_filled_and_smooth(ramp):
    triangle = polygon([(0, 0), (1, 0), (0, 0.5)], ramp)
    assert triangle.shape == (1, 1, 32, 48)
    assert triangle[0, 0, 2, 30] == 1, "along the upper edge"
    assert triangle[0, 0, 24, 2] == 0, "not down to the lower corner"
    assert abs(triangle.mean() - 0.25) < 0.02
    assert len(triangle.unique()) > 3


def test_a_mask_from_a_file_is_one_channel(tmp_path, left):
    path = save(left.expand(1, 3, -1, -1), tmp_path / "mask.png")
    torch.testing.assert_close(load_mask(path, None), left)
    assert load_mask("tubingen_neckarfront_sky", 64).shape == (1, 1, 48, 64)


WRONG = {
    "another size": (lambda m: [m, m[..., :50]], "mask 2 is 50 x 64 px, and the photo 96 x 64 px"),
    "an empty mask": (lambda m: [m, 0 * m], "mask 2 is empty: no place"),
    "no list": (lambda m: m, "must be a list"),
    "no mask": (lambda m: [], "must be a list"),
    "three channels": (
        lambda m: [m.expand(1, 3, -1, -1)],
        r"mask 1: expected floats \(1, 1, H, W\)",
    ),
    "0 to 255": (lambda m: [255 * m], "divide a mask of 0 to 255 by 255"),
    "whole numbers": (lambda m: [m.byte()], "found torch.uint8"),
    "NaN": (lambda m: [m * torch.nan], "values must lie in"),
    "a name": (lambda m: ["sky"], "mask 1: expected floats .* found str"),
}


@pytest.mark.parametrize("what", WRONG)
def test_masks_that_cannot_be_are_refused(what, left):
    make, words = WRONG[what]
    with pytest.raises(ValueError, match=words):
        require_masks(make(left), 64, 96)


def test_rounding_is_neither_overlap_nor_gap():
    thirds = torch.randn(3, 1, 1, 40, 40, generator=torch.Generator().manual_seed(0)).softmax(0)
    assert {*thirds.sum(0).unique().tolist()} != {1.0}
    assert what_is_shared(list(thirds)) == []


def test_overlaps_and_gaps_are_said(left):
    assert what_is_shared([left, 1 - left]) == []
    assert what_is_shared([0.3 * left, 1 - 0.3 * left]) == []
    assert what_is_shared([left, torch.ones_like(left)]) == [
        "masks overlap in 41.7% of the picture: styles mix there"
    ]
    assert what_is_shared([left]) == ["masks leave 58.3% of the picture without a style of its own"]


@pytest.mark.parametrize(
    "corners", [[], [(0, 0), (1, 1)], [(0, 0, 0), (1, 1), (0, 1)], "abc", None]
)
def test_what_is_no_polygon(corners, ramp):
    with pytest.raises(ValueError, match="a polygon needs three corners"):
        polygon(corners, ramp)


def test_unknown_words_list_the_known_ones(left):
    with pytest.raises(
        ValueError, match="no way 'outside' for a mask; known: inside, resized, all"
    ):
        at_layer(left, "relu1_1", "outside")
    with pytest.raises(ValueError, match="there is no layer 'relu9_1'; known: conv1_1"):
        at_layer(left, "relu9_1")
