"""Each trick gives the same answer as doing without it, and does what it says."""

import os
import subprocess
import sys

import pytest
import torch

from helpers import fast
from helpers.fast import fast as turned
from helpers.fast import keep_memory, matched_colour, own_pixels, products, pyramid
from helpers.images import load
from helpers.transfer import gram, optimise
from helpers.vgg import VGG


def drawn(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("turned", [False, True])
def test_products_and_their_gradient_are_those_of_autograd(turned):
    """For both orders in memory, as an image (channels first) and as a GPU likes it (channels last)."""
    flat = drawn(900, 7).double().T if turned else drawn(7, 900).double()
    weights = drawn(7, 7, seed=1).double()
    one, other = flat.clone().requires_grad_(), flat.clone().requires_grad_()
    (products(one) * weights).sum().backward()
    (other @ other.T * weights).sum().backward()
    torch.testing.assert_close(products(one), other @ other.T)
    torch.testing.assert_close(one.grad, other.grad)
    assert torch.autograd.gradcheck(products, drawn(3, 5).double().requires_grad_())


@pytest.mark.parametrize("places", [5, 1023, 1024, 5000])
def test_products_of_bfloat16_are_as_good_as_their_features(places):
    """Any number of places, also none in a piece; the rounding of features is not made worse by that of the sums."""
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


STYLE = ("relu1_1", "relu3_1", "relu5_1")


def gradient(net, image, scale=1.0):
    """The gradient of a style loss, `scale` times as large as usual, divided by it."""
    image = image.clone().requires_grad_()
    loss = sum(gram(f).square().sum() for f in net(image, list(STYLE)).values())
    (scale * loss).backward()
    return image.grad / scale


@pytest.mark.parametrize("kind, nearly", [("bfloat16", 0.01), ("float16", 0.002)])
def test_a_network_in_half_precision_finds_the_same_style(vgg, kind, nearly, capsys):
    net = turned(VGG(device="cpu"), kind)
    assert capsys.readouterr().out.startswith(f"vgg19 computes in {kind}") and net.mean.dtype == torch.float32
    image = load("china", 96)
    for layer in STYLE:
        one, other = (gram(n(image, [layer])[layer]) for n in (vgg, net))
        assert other.dtype == torch.float32 and ((one - other).norm() / one.norm()).item() < nearly


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_float16_neither_overflows_nor_vanishes(vgg, scale):
    """However large or small a loss: its gradient is scaled before it is rounded. float16 itself ends at 65,504."""
    net = turned(VGG(device="cpu"), torch.float16)
    image = load("china", 64)
    exact, found = gradient(vgg, image), gradient(net, image, scale)
    assert found.isfinite().all() and ((found - exact).norm() / exact.norm()).item() < 0.15


def test_float16_takes_pictures_that_no_screen_shows():
    """Early steps of an optimiser can leave [0, 1] by far."""
    features = turned(VGG(device="cpu"), "float16")(1e5 * drawn(1, 3, 32, 32), ["relu5_1"])["relu5_1"]
    assert features.isfinite().all() and features.max() > 65_504


@pytest.mark.parametrize(
    "device, known, kind, reason",
    [
        ("cpu", {"_cpu_units": ""}, torch.float32, "this processor has no units for bfloat16"),
        ("cpu", {"_cpu_units": "AMX"}, torch.bfloat16, "AMX"),
        ("cuda", {"bf16": True, "capability": (8, 0)}, torch.bfloat16, "this GPU has units for it"),
        ("cuda", {"bf16": False, "capability": (7, 5)}, torch.float16, "none for bfloat16"),
        ("cuda", {"bf16": False, "capability": (6, 1)}, torch.float32, "no units for half precision"),
        ("mps", {}, torch.float32, "not tried unasked"),
    ],
)
def test_what_the_device_says_of_itself_decides(monkeypatch, device, known, kind, reason):
    monkeypatch.setattr(fast, "_cpu_units", lambda: known.get("_cpu_units"))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: known["bf16"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: known["capability"])
    found, said = fast._best_precision(torch.device(device))
    assert found == kind and reason in said


def test_no_stopwatch_decides():
    """A busy machine chooses as a quiet one does: the module does not even know the time."""
    assert "time" not in vars(fast)
    assert fast._best_precision(torch.device("cpu")) == fast._best_precision(torch.device("cpu"))


def test_precision_by_name_by_type_and_only_once(capsys):
    net = turned(VGG(device="cpu"), "float32")
    assert net.dtype == torch.float32 and "as you asked" in capsys.readouterr().out
    assert turned(turned(net, "bfloat16"), torch.bfloat16).dtype == torch.bfloat16
    for again in ("float32", "float16"):
        with pytest.raises(ValueError, match="in bfloat16 already, and its digits are gone"):
            turned(net, again)
    for wrong in ("half", torch.float64, 16):
        with pytest.raises(ValueError, match="precision must be None or one of float32, bfloat16, float16"):
            turned(VGG(device="cpu"), wrong)


@pytest.mark.parametrize("shape", [(1, 3, 32, 48), (1, 3, 37, 51), (1, 3, 5, 9)])
def test_a_pyramid_starts_as_the_image_and_can_become_any_other(shape):
    start, aim = drawn(*shape), drawn(*shape, seed=1)
    levels, image = pyramid(start)
    assert torch.equal(image(), start) and len(levels) == 5
    result = optimise(start, lambda x: (x - aim).square().mean(), 60, via=pyramid, pixels="free")
    assert (result.image - aim).abs().max() < 0.02


def test_a_pyramid_moves_large_areas_first():
    """One step down the gradient changes the mean more, beside fine detail, than the same step on pixels."""
    start, aim = drawn(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    shares = []
    for via in (own_pixels, lambda image: pyramid(image, reach=0)):
        variables, image = via(start)
        (image() - aim).square().mean().backward()
        with torch.no_grad():
            for v in variables:
                v.sub_(v.grad)
            step = image() - start
        shares.append((step.mean((2, 3)).square().sum() / step.square().mean((2, 3)).sum()).item())
    assert shares[1] > 1.1 * shares[0]


def test_lbfgs_needs_fewer_evaluations_on_a_pyramid():
    start, style = drawn(1, 3, 64, 64), 0.2 * drawn(1, 3, 64, 64, seed=2)
    style[..., 20:40, :] = 0.8
    vgg, layers = VGG(device="cpu"), ["relu1_1", "relu2_1", "relu3_1"]
    aims = {k: gram(f) for k, f in vgg(style, layers).items()}

    def loss(image):
        return sum((gram(f) - aims[k]).square().sum() / aims[k].square().sum() for k, f in vgg(image, layers).items())

    plain, fine = (min(optimise(start, loss, 15, via=via).history) for via in (None, pyramid))
    assert fine < 0.7 * plain


def test_the_first_trial_of_lbfgs_moves_pixels_by_its_reach():
    """torch's own first step has absolute values that add up to 1: for 3 x 64 x 64 numbers, 0.0001 each."""
    for reach, low, high in ((0.01, 1e-3, 0.1), (0, 0, 2e-4)):
        images = []
        via = lambda image, reach=reach: pyramid(image, reach=reach) if reach == 0 else pyramid(image)  # noqa: E731
        loss = lambda image: 1e6 * (image - 0.5).square().mean()  # noqa: E731
        optimise(
            drawn(1, 3, 64, 64),
            loss,
            2,
            via=via,
            pixels="free",
            seen=lambda n, image, value, to=images: to.append(image),
        )
        assert low < (images[1] - images[0]).abs().mean().item() < high


def test_adam_can_paint_on_a_pyramid():
    start = drawn(1, 3, 32, 32)
    via = lambda image: pyramid(image, reach=0)  # noqa: E731
    result = optimise(start, lambda x: (x - 0.5).square().mean(), 60, "adam", via=via, pixels="fence")
    assert result.history[-1] < 0.1 * result.history[0]


@pytest.mark.parametrize("pixels", ["clamp", "closure"])
def test_what_is_no_pixel_cannot_be_clamped(pixels):
    with pytest.raises(ValueError, match="pixels to clamp"):
        optimise(drawn(1, 3, 8, 8), lambda x: x.mean(), 2, via=pyramid, pixels=pixels)


def test_after_nan_a_pyramid_goes_on_from_the_best_image(capsys):
    calls = []

    def loss(image):
        calls.append(1)
        return (image - 0.3).square().mean() * (float("nan") if len(calls) == 4 else 1.0)

    result = optimise(drawn(1, 3, 16, 16), loss, 30, via=pyramid)
    assert "NaN" in capsys.readouterr().out and min(result.history) == pytest.approx(result.history[-1], abs=1e-3)


def test_matched_colour_has_the_colours_of_the_style():
    photo, style = 0.4 + 0.2 * drawn(1, 3, 40, 40), 0.3 + 0.1 * drawn(1, 3, 30, 50, seed=1)
    style[:, 0] += 0.2 * style[:, 1]
    found = matched_colour(photo, style)
    for statistic in (lambda x: x[0].flatten(1).mean(1), lambda x: torch.cov(x[0].flatten(1))):
        torch.testing.assert_close(statistic(found), statistic(style), atol=2e-3, rtol=0.02)
    assert found.shape == photo.shape and found.dtype == photo.dtype


@pytest.mark.parametrize("flat", [0.0, 0.5, 1.0])
def test_matched_colour_of_an_empty_picture_is_a_picture(flat):
    empty = torch.full((1, 3, 8, 8), flat)
    assert matched_colour(empty, drawn(1, 3, 8, 8)).isfinite().all()
    torch.testing.assert_close(matched_colour(drawn(1, 3, 8, 8), empty), empty, atol=0.02, rtol=0)


def test_memory_is_kept_unless_told_otherwise():
    code = "from helpers.fast import keep_memory; print(keep_memory())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"NST_KEEP_MEMORY": "0"},
        cwd=os.path.dirname(os.path.dirname(__file__)),
        capture_output=True,
        text=True,
    )
    assert run.stdout.strip() == "False"
    assert keep_memory() is keep_memory()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: pyramid(torch.rand(3, 8, 8)),
            r"start has to be a float image \(1, 3, H, W\).*found torch.float32 \(3, 8, 8\)",
        ),
        (lambda: pyramid("china"), "found str"),
        (lambda: pyramid(torch.rand(1, 3, 8, 8), grey=(1.0,)), "one weight a level, found 1 and 5"),
        (
            lambda: matched_colour(torch.rand(1, 3, 8, 8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8)),
            "style has to be.*uint8",
        ),
        (lambda: products(torch.rand(1, 3, 8, 8)), "rows of channels"),
    ],
)
def test_bad_input_gets_a_sentence(call, said):
    with pytest.raises(ValueError, match=said):
        call()
