"""Controls through paint: identities, and sentences for what does not fit."""

import pytest
import torch

from helpers import recipes
from helpers.colours import grey, luminance, matched_colour, matched_luminance
from helpers.control import Controls
from helpers.images import noise
from helpers.recipes import Objective, paint, pictures_for, recipe


@pytest.fixture
def photo(pictures):
    return pictures.content


@pytest.fixture
def ones(photo):
    return torch.ones(1, 1, *photo.shape[2:])


@pytest.fixture
def sky(ones):
    mask = torch.zeros_like(ones)
    mask[..., :16, :] = 1
    return mask


@pytest.mark.parametrize("name", ["ours", "gatys", "tensorflow", "neural_style"])
def test_a_mask_of_ones_is_no_mask(name, narrow, pictures, ones):
    content, style, image = pictures
    whole = Objective(name, narrow, content, style)(image)
    masked = Objective(name, narrow, content, style, Controls(masks=[ones]))(image)
    torch.testing.assert_close(masked, whole, rtol=1e-5, atol=0)


def test_one_style_twice_is_one_style(narrow, pictures):
    content, style, image = pictures
    once = Objective("ours", narrow, content, style)(image)
    twice = Objective("ours", narrow, content, [style, style])(image)
    torch.testing.assert_close(twice, once)


def test_mixing_losses_is_mixing_gram_matrices(narrow, pictures):
    """Σ wᵢ ‖G − Aᵢ‖² and ‖G − Σ wᵢ Aᵢ‖² differ by a constant: equal gradients (absolute errors)."""
    content, style, image = pictures
    other = noise(style)
    shares = [0.3, 0.7]
    bare = recipe("ours", content={}, style={"relu2_1": 1.0}, style_error="sum")
    mixed = Objective(bare, narrow, content, [style, other], Controls(shares=shares))
    target = Objective(bare, narrow, content, style)
    grams = [Objective(bare, narrow, content, look).terms[0].target for look in (style, other)]
    blend = sum(share * G for share, G in zip(shares, grams, strict=True))
    target.terms = [target.terms[0]._replace(target=blend)]
    gradients = []
    for objective in (mixed, target):
        x = image.clone().requires_grad_()
        gradients.append(torch.autograd.grad(objective(x), x)[0])
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_a_style_is_heard_in_its_own_place_alone(narrow, pictures, sky):
    """The gradient of a masked style vanishes where the mask is far away, and only there."""
    content, style, image = pictures
    bare = recipe("ours", content={}, style={"relu2_1": 1.0})
    objective = Objective(bare, narrow, content, style, Controls(masks=[sky]))
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(x), x)
    assert gradient[..., 16:, :].abs().max() == 0
    assert gradient[..., :12, :].abs().max() > 0


def test_what_is_protected_has_a_term_of_its_own(narrow, pictures, sky):
    content, style, image = pictures
    objective = Objective("ours", narrow, content, style, Controls(protected=(sky, 0.5)))
    parts = objective.parts(image)
    assert parts["protected"] > 0
    plain = Objective("ours", narrow, content, style)
    torch.testing.assert_close(objective(image), plain(image) + parts["protected"])
    assert objective.parts(content)["protected"] < 1e-9


def test_what_is_protected_is_a_place(narrow, pictures, sky):
    """Elsewhere the image may be what it wants."""
    content, style, image = pictures
    shallow = recipe("ours", content={"relu1_2": 1.0})
    objective = Objective(shallow, narrow, content, style, Controls(protected=(sky, 0.5)))
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective.parts(x)["protected"], x)
    assert gradient[..., 20:, :].abs().max() == 0
    assert gradient[..., :12, :].abs().max() > 0


@pytest.mark.slow
def test_a_protected_place_changes_less(vgg, pictures, sky):
    content, style, _ = pictures
    errors = []
    for controls in (Controls(), Controls(protected=(sky, 3.0))):
        image = paint("ours", content, style, vgg, size=56, steps=12, controls=controls).image
        errors.append((image - content)[..., :16, :].abs().mean().item())
    assert errors[1] < 0.7 * errors[0]


def test_masks_follow_the_photo_to_another_size(narrow, pictures, sky, capsys):
    content, style, _ = pictures
    controls = Controls(masks=[sky, 1 - sky])
    result = paint(
        "ours", content, [style, noise(style)], narrow, size=32, steps=2, controls=controls
    )
    assert max(result.image.shape) == 32
    assert "too thin for relu4_1" in capsys.readouterr().out


@pytest.mark.parametrize("colour", ["luminance", "afterwards"])
def test_the_colours_of_the_photo_stay(colour, narrow, pictures):
    content, style, _ = pictures
    photo, _ = pictures_for("ours", content, style, 48)
    image = paint(
        "ours", content, style, narrow, size=48, steps=4, controls=Controls(colour=colour)
    ).image
    inside = ((image > 0) & (image < 1)).all(1, keepdim=True)
    chroma = (image - grey(image)) - (photo - grey(photo))
    assert (chroma * inside).abs().max() < 1e-4
    assert (luminance(image) - luminance(photo)).abs().max() > 0.01


def test_what_is_painted_has_the_colours_that_were_asked_for(narrow, pictures, monkeypatch):
    seen = []

    class Watched(Objective):
        def __init__(self, what, vgg, content, styles, controls):
            seen.append((content, styles[0]))
            super().__init__(what, vgg, content, styles, controls)

    monkeypatch.setattr(recipes, "Objective", Watched)
    content, style, _ = pictures
    for colour in ("luminance", "matched"):
        chosen = Controls(colour=colour)
        paint("ours", content, style, narrow, size=48, steps=1, controls=chosen)
    photo, style = pictures_for("ours", content, style, 48)
    torch.testing.assert_close(seen[0], (grey(photo), matched_luminance(style, photo).clamp(0, 1)))
    torch.testing.assert_close(seen[1], (photo, matched_colour(style, photo)))


def test_a_matched_style_has_the_palette_of_the_photo(narrow, pictures):
    content, style, _ = pictures
    before = Controls(colour="matched").before(content, style)[1]
    torch.testing.assert_close(before.mean((2, 3)), content.mean((2, 3)), atol=0.03, rtol=0)


def test_what_is_said_of_masks(narrow, pictures, sky, capsys):
    content, style, _ = pictures
    paint("ours", content, style, narrow, size=48, steps=1, controls=Controls(masks=[sky]))
    assert "masks leave" in capsys.readouterr().out


WRONG = {
    "no colour": ({"colour": "blue"}, "no colour 'blue'; known: style, matched, luminance"),
    "no way": ({"way": "outside"}, "no way 'outside'; known: inside"),
    "shares of two": ({"shares": [1, 1]}, "shares must add up to 1, and these to 2"),
    "negative shares": ({"shares": [2, -1]}, "numbers from 0 to 1"),
    "shares in words": ({"shares": ["half", 0.5]}, "numbers from 0 to 1"),
    "nothing protected": ({"protected": "face"}, "protected must be a mask and the weight"),
    "a weight of NaN": ({"protected": (torch.ones(1, 1, 2, 2), float("nan"))}, "the weight of"),
}


@pytest.mark.parametrize("what", WRONG)
def test_controls_that_cannot_be_are_refused_when_they_are_made(what):
    fields, words = WRONG[what]
    with pytest.raises(ValueError, match=words):
        Controls(**fields)


def test_what_is_no_control_is_refused(narrow, pictures):
    content, style, _ = pictures
    with pytest.raises(ValueError, match="controls must be Controls of helpers.control.* not dict"):
        paint("ours", content, style, narrow, controls={"colour": "matched"})
    with pytest.raises(ValueError, match="style is an empty list"):
        paint("ours", content, [], narrow)
    with pytest.raises(ValueError, match="style: .* found str"):
        paint("ours", content, ["konen_ocean_waves"], narrow)


def test_an_objective_looks_at_its_masks_too(narrow, pictures, sky):
    content, style, _ = pictures
    with pytest.raises(ValueError, match="they must be equal"):
        Objective("ours", narrow, content, style, Controls(masks=[sky[..., :20]]))


def test_an_objective_has_no_colours(narrow, pictures):
    """Else the word would be heard by paint alone, and nobody would know."""
    with pytest.raises(ValueError, match="colour='luminance' is for paint"):
        Objective("ours", narrow, pictures.content, pictures.style, Controls(colour="luminance"))


UNFIT = {
    "a mask too many": (lambda m: {"masks": [m, m]}, "found 2 masks and 1 styles"),
    "shares for one style": (lambda m: {"shares": [0.5, 0.5]}, "found 2 shares and 1 styles"),
    "a mask of another size": (lambda m: {"masks": [m[..., :20]]}, "they must be equal"),
    "an empty face": (lambda m: {"protected": (0 * m, 1.0)}, "is empty"),
}


@pytest.mark.parametrize("what", UNFIT)
def test_controls_that_do_not_fit_the_pictures_are_refused(what, narrow, pictures, sky):
    make, words = UNFIT[what]
    with pytest.raises(ValueError, match=words):
        paint("ours", pictures.content, pictures.style, narrow, controls=Controls(**make(sky)))
