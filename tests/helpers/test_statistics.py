"""The ladder of statistics: identities, what each rung can tell apart, and what must not be NaN."""

import math

import pytest
import torch

from helpers.statistics import (
    LADDER,
    gram_of,
    histograms_of,
    means_and_deviations_of,
    moments_of,
    octaves,
    patches_of,
    shifted_gram_of,
    slices_of,
    spectrum_of,
    transport_of,
    wasserstein_of,
)


def maps_of(*columns, width=None):
    """Points in the plane, one a place, as maps of two channels (1, 2, 1, N), in float64."""
    points = torch.tensor(columns, dtype=torch.float64).T
    return points[None, :, None, :]


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    ours = torch.randn(1, 5, 6, 7, generator=generator, dtype=torch.float64)
    theirs = 0.5 + 2 * torch.rand(1, 5, 8, 5, generator=generator, dtype=torch.float64)
    return ours, theirs


def gradient(far, maps):
    x = maps.clone().requires_grad_()
    return torch.autograd.grad(far(x), x)[0]


@pytest.mark.parametrize("name", LADDER)
def test_a_style_is_near_itself_and_far_from_another(name, pair):
    ours, theirs = pair
    make = LADDER[name]
    assert make(theirs)(theirs) < 1e-9
    assert make(theirs)(ours) > 1e-3
    assert make(theirs)(ours).ndim == 0


@pytest.mark.parametrize("name", [name for name in LADDER if name not in ("patches",)])
def test_places_are_forgotten(name, pair):
    ours, theirs = pair
    shuffled = ours[..., torch.randperm(7)][..., torch.randperm(6), :]
    make = LADDER[name]
    torch.testing.assert_close(make(theirs)(shuffled), make(theirs)(ours), rtol=0.2, atol=1e-9)


@pytest.mark.parametrize("name", LADDER)
def test_gradients_are_those_of_finite_differences(name, pair):
    ours, theirs = pair
    far = slices_of(theirs, seed=3) if name == "slices" else LADDER[name](theirs)
    direction = torch.randn(ours.shape, dtype=torch.float64)
    step = 1e-6 * direction
    slope = (far(ours + step) - far(ours - step)) / 2e-6
    torch.testing.assert_close((gradient(far, ours) * direction).sum(), slope, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", LADDER)
@pytest.mark.parametrize("kind", ["dead channels", "one place repeated", "all zero"])
def test_no_gradient_is_nan(name, kind, pair):
    ours, theirs = (maps.float() for maps in pair)
    if kind == "dead channels":
        ours[:, :2] = 0
        theirs[:, 1:3] = 0
    elif kind == "one place repeated":
        ours[:] = ours[..., :1, :1]
    else:
        ours[:] = 0
    far = LADDER[name](theirs)
    assert far(ours).isfinite()
    assert gradient(far, ours).isfinite().all()
    assert gradient(LADDER[name](theirs), theirs).isfinite().all()


# ---- identities ----------------------------------------------------------------------------------


def test_the_gram_error_is_a_discrepancy_of_means_with_a_quadratic_kernel(pair):
    """‖G − A‖² = mean k(f, f') + mean k(s, s') − 2 mean k(f, s), k = (fᵀs)² (Li et al. 2017)."""
    F, S = (maps[0].flatten(1) for maps in pair)

    def kernel(X, Y):
        return (X.T @ Y).square().mean()

    discrepancy = kernel(F, F) + kernel(S, S) - 2 * kernel(F, S)
    torch.testing.assert_close(gram_of(pair[1])(pair[0]), discrepancy, rtol=1e-9, atol=0)


def test_histogram_matching_has_the_gradient_of_sorted_distances(pair):
    ours = pair[0]
    theirs = pair[1].flatten(2)[..., :40].view(1, 5, 8, 5)
    ours = ours.flatten(2)[..., :40].view(1, 5, 8, 5)
    F = ours[0].flatten(1)
    matched = torch.empty_like(F)
    matched.scatter_(1, F.argsort(1), theirs[0].flatten(1).sort(1).values)
    wanted = 2 * (F - matched) / F.shape[1]
    found = gradient(histograms_of(theirs), ours)[0].flatten(1)
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-12)


def test_slices_along_the_axes_are_histograms(pair, monkeypatch):
    ours, theirs = pair
    monkeypatch.setattr(torch, "randn", lambda rows, columns, generator: torch.eye(columns))
    torch.testing.assert_close(slices_of(theirs)(ours), histograms_of(theirs)(ours))


def test_wasserstein_of_commuting_covariances_is_that_of_deviations():
    ours = maps_of((-1, 0), (1, 0), (0, -2), (0, 2))
    theirs = maps_of((-3, 0), (3, 0), (0, -1), (0, 1))
    found = wasserstein_of(theirs)(ours)
    deviations = [(math.sqrt(0.5), math.sqrt(4.5)), (math.sqrt(2), math.sqrt(0.5))]
    wanted = sum((a - b) ** 2 for a, b in deviations)
    torch.testing.assert_close(found.item(), wanted, rtol=1e-5, atol=0)


def test_wasserstein_of_shifted_points_is_the_square_of_the_shift(pair):
    ours = pair[0]
    shift = torch.tensor([1.0, 0, 2, 0, 0], dtype=torch.float64).view(1, 5, 1, 1)
    torch.testing.assert_close(wasserstein_of(ours)(ours + shift).item(), 5.0, rtol=1e-6, atol=0)


# ---- metamers: eight points that a rung cannot tell apart, and the next can ----------------------

CORNERS = [(-1, -1), (-1, 1), (1, -1), (1, 1)]
ROOT = math.sqrt(2)
TURNED = [(-ROOT, 0), (ROOT, 0), (0, -ROOT), (0, ROOT)]
METAMERS = {  # a rung, the next one, and two sets of points
    "means": ("means and deviations", 2 * CORNERS, 4 * [(-2, -2), (2, 2)]),
    "means and deviations": ("Gram", 2 * CORNERS, 4 * [(-1, -1), (1, 1)]),
    "Gram": ("mean and covariance", 8 * [(1, 0)], 4 * [(-1, 0), (1, 0)]),
    "Wasserstein": ("histograms", 2 * CORNERS, 2 * TURNED),
    "histograms": (
        "slices",
        2 * [(-1, -1), (0, 0), (0, 1), (1, 0)],
        2 * [(-1, 0), (0, -1), (0, 0), (1, 1)],
    ),
}


@pytest.mark.parametrize("name", METAMERS)
def test_a_rung_cannot_tell_its_metamers_apart_and_the_next_can(name):
    following, ours, theirs = METAMERS[name]
    ours, theirs = maps_of(*ours), maps_of(*theirs)
    assert LADDER[name](theirs)(ours) < 1e-9
    assert LADDER[following](theirs)(ours) > 0.05


def test_equal_second_moments_hide_a_mean():
    """Risser's instability: mean 1 and no variance, or mean 0.71 and variance 0.5."""
    flat = maps_of(*8 * [(1.0, 0.0)])
    low = math.sqrt(0.5)
    wild = maps_of(*4 * [(2 * low, 0.0), (0.0, 0.0)])
    assert gram_of(flat)(wild) < 1e-12
    assert moments_of(flat)(wild) > 0.1


def test_wasserstein_and_moments_know_the_same_and_differ_in_distance():
    ours, theirs = maps_of(*2 * CORNERS), maps_of(*2 * TURNED)
    assert moments_of(theirs)(ours) < 1e-9
    assert wasserstein_of(theirs)(ours) < 1e-6


# ---- order ---------------------------------------------------------------------------------------


def test_shifted_gram_matrices_see_order(pair):
    ours = torch.zeros(1, 1, 8, 8, dtype=torch.float64)
    ours[..., ::2] = 1  # stripes
    shuffled = ours[..., torch.tensor([0, 2, 1, 3, 4, 6, 5, 7])]
    assert gram_of(ours)(shuffled) < 1e-12
    assert shifted_gram_of(ours, 1)(shuffled) > 0.01
    assert shifted_gram_of(ours, 1)(ours) == 0


@pytest.mark.parametrize("shift", [0, 6, -1])
def test_a_shift_that_maps_do_not_have(shift, pair):
    with pytest.raises(ValueError, match=r"from 1 to below the sides \(6, 7\)"):
        shifted_gram_of(pair[0], shift)


def test_an_image_with_the_spectrum_of_the_style_is_near(ramp):
    far = spectrum_of(ramp)
    assert far(ramp.roll((3, 5), (2, 3))) < 1e-10, "moved round the border, it has its spectrum"
    assert far(1 - ramp.flip(1)) > 1e-3
    with pytest.raises(ValueError, match="compared at one size"):
        far(ramp[..., :20])


def test_octaves_halve_and_keep_the_mean(ramp):
    levels = octaves(ramp, 2)
    assert [tuple(level.shape[2:]) for level in levels] == [(32, 48), (16, 24)]
    torch.testing.assert_close(levels[1].mean(), ramp.mean(), rtol=0.02, atol=0)
    for count in (0, 3, 2.5):
        with pytest.raises(ValueError, match="16 are needed"):
            octaves(ramp, count)


# ---- settings ------------------------------------------------------------------------------------


def test_directions_are_drawn_anew_unless_they_have_a_seed(pair):
    ours, theirs = pair
    anew, fixed = slices_of(theirs), slices_of(theirs, seed=1)
    assert anew(ours) != anew(ours)
    assert fixed(ours) == fixed(ours)
    assert slices_of(theirs, directions=64, seed=1)(ours) != fixed(ours)


def test_directions_that_stay_are_those_of_the_first_evaluation(pair):
    ours, theirs = pair
    torch.testing.assert_close(slices_of(theirs, seed=0)(ours), slices_of(theirs)(ours))


def test_places_with_a_seed_stay():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn(2, 1, 4, 40, 40, generator=generator)
    far = transport_of(theirs, seed=1)
    assert far(ours) == far(ours)
    assert far(ours) != transport_of(theirs, seed=2)(ours)


def test_many_places_are_drawn_for_the_transport():
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.randn(2, 1, 4, 40, 40, generator=generator)
    far = transport_of(theirs)
    assert far(ours) != far(ours)
    assert abs(far(ours) - far(ours)) < 0.1 * far(ours)


def test_a_patch_of_the_style_is_found_wherever_it_is():
    generator = torch.Generator().manual_seed(0)
    style = torch.rand(1, 3, 9, 9, generator=generator)
    assert patches_of(style)(style[..., 2:7, 3:8]) < 1e-12
    assert patches_of(style)(style.flip(3)) > 1e-3


@pytest.mark.parametrize("name", LADDER)
def test_features_of_two_images_are_refused(name):
    with pytest.raises(ValueError, match=r"features of one image, \(1, C, h, w\), found"):
        LADDER[name](torch.zeros(2, 3, 4, 4))


def test_a_dead_channel_has_a_deviation_that_can_be_learnt_from():
    dead = torch.zeros(1, 2, 3, 3)
    style = torch.rand(1, 2, 3, 3)
    assert gradient(means_and_deviations_of(style), dead).isfinite().all()
