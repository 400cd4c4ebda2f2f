"""Each trick gives the same answer as doing without it, and does what it says."""

import platform

import pytest
import torch

from helpers import fast as module
from helpers.fast import fast, keep_memory, pyramid
from helpers.images import load
from helpers.losses import gram, relative_error
from helpers.transfer import optimise
from helpers.vgg import VGG
from tests.support import drawn

STYLE = ["relu1_1", "relu3_1", "relu5_1"]


def distance(actual, expected):
    """‖actual − expected‖ / ‖expected‖."""
    return ((actual - expected).norm() / expected.norm()).item()


# ---- half precision ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def in_float16():
    return fast(VGG(device="cpu"), "float16")


@pytest.fixture(scope="session")
def in_bfloat16():
    return fast(VGG(device="cpu"), "bfloat16")


@pytest.mark.parametrize("kind, nearly", [("bfloat16", 0.01), ("float16", 0.002)])
def test_a_network_in_half_precision_finds_the_same_style(vgg, request, kind, nearly):
    turned = request.getfixturevalue(f"in_{kind}")
    image = load("china", 64)
    features = turned(image, STYLE)
    for layer, exact in vgg(image, STYLE).items():
        G = gram(features[layer])
        assert G.dtype == torch.float32
        assert distance(G, gram(exact)) < nearly


@pytest.mark.parametrize("kind", ["bfloat16", "float16", "float32"])
def test_what_a_network_computes_in_is_said(kind, narrow_file, monkeypatch, capsys):
    monkeypatch.setattr(module.platform, "machine", lambda: "arm64")
    fast(VGG(narrow_file, device="cpu"), kind)
    order = ", channels last in memory" if kind == "bfloat16" else ""
    said = capsys.readouterr().out
    assert said == f"{narrow_file} computes in {kind}{order}: as you asked.\n"


@pytest.mark.parametrize(
    ("kind", "machine", "is_last"),
    [
        ("bfloat16", "x86_64", True),
        ("bfloat16", "arm64", True),
        ("float16", "x86_64", False),
        ("float32", "x86_64", True),
        ("float32", "AMD64", True),  # what Windows calls it
        ("float32", "arm64", False),
    ],
)
def test_features_lie_in_memory_as_processors_like_it(
    kind, machine, is_last, narrow_file, monkeypatch
):
    """Channels last: else every convolution would first turn its input round."""
    monkeypatch.setattr(module.platform, "machine", lambda: machine)
    turned = fast(VGG(narrow_file, device="cpu"), kind)
    features = turned(drawn(1, 3, 16, 24), "relu1_2")["relu1_2"]
    assert features.is_contiguous(memory_format=torch.channels_last) == is_last


def test_the_order_in_memory_changes_no_feature(vgg):
    """float32 with channels last: the same sums, in another order."""
    image = load("china", 64)
    turned = fast(VGG(device="cpu"), "float32")
    for layer, exact in vgg(image, STYLE).items():
        assert distance(turned(image, STYLE)[layer], exact) < 1e-5


def style_gradient(vgg, image, scale=1.0):
    """The gradient of a style loss, `scale` times as large as usual, divided by it."""
    image = image.clone().requires_grad_()
    loss = sum(gram(features).square().sum() for features in vgg(image, STYLE).values())
    (scale * loss).backward()
    return image.grad / scale


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_float16_neither_overflows_nor_vanishes(vgg, in_float16, scale):
    """However large or small a loss: its gradient is scaled before it is rounded.

    float16 itself ends at 65,504, and begins at 6e-8.
    """
    image = load("china", 40)
    gradient = style_gradient(in_float16, image, scale)
    assert gradient.isfinite().all()
    assert distance(gradient, style_gradient(vgg, image)) < 0.15


def test_float16_takes_pictures_that_no_screen_shows(in_float16):
    """Early steps of an optimiser can leave [0, 1] by far."""
    features = in_float16(1e5 * drawn(1, 3, 32, 32), "relu5_1")["relu5_1"]
    assert features.isfinite().all()
    assert features.max() > 65_504


@pytest.mark.parametrize(
    "units, kind, reason",
    [
        ("", torch.float32, "this processor has no fast units for bfloat16"),
        ("AMX", torch.bfloat16, "this processor multiplies it in AMX units"),
    ],
)
def test_what_the_processor_says_of_itself_decides(monkeypatch, units, kind, reason):
    monkeypatch.setattr(module, "_cpu_units", lambda: units)
    assert module._best_precision(torch.device("cpu")) == (kind, reason)


@pytest.mark.parametrize(
    ("amx", "known", "units"),
    [
        (True, {"avx512_bf16": True, "avx512_fp16": True}, "AMX"),
        (False, {"avx512_bf16": True, "avx512_fp16": True}, ""),  # made for AMX, which is hidden
        (False, {"avx512_bf16": True, "avx512_fp16": False}, "AVX-512"),
        (False, {"avx512_bf16": True}, "AVX-512"),
        (False, {"avx512_bf16": False}, ""),
        (False, None, ""),
        (None, None, ""),
    ],
)
def test_units_count_where_they_are_faster_than_float32(monkeypatch, amx, known, units):
    """None: a torch that has no such question."""
    monkeypatch.setattr(module.platform, "machine", lambda: "x86_64")
    answers = {"_is_amx_tile_supported": amx, "get_capabilities": known}
    for question, answer in answers.items():
        if answer is None:
            monkeypatch.delattr(torch.cpu, question, raising=False)
        else:
            monkeypatch.setattr(torch.cpu, question, lambda answer=answer: answer, raising=False)
    assert module._cpu_units() == units


@pytest.mark.parametrize(
    "has_bfloat16, capability, kind, reason",
    [
        (True, (8, 0), torch.bfloat16, "this GPU, an A, has units for it"),
        (
            False,
            (7, 5),
            torch.float16,
            "this GPU, an A, has units for it, and none for bfloat16",
        ),
        (False, (6, 1), torch.float32, "this GPU, an A, has no units for half precision"),
    ],
)
def test_what_the_gpu_says_of_itself_decides(monkeypatch, has_bfloat16, capability, kind, reason):
    """It is asked for units, not for what it can imitate."""

    def is_supported(including_emulation=True):
        return has_bfloat16 or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_supported)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "an A")
    assert module._best_precision(torch.device("cuda")) == (kind, reason)


def test_other_devices_keep_their_digits_unless_asked():
    kind, reason = module._best_precision(torch.device("mps"))
    assert kind == torch.float32
    assert "not tried unasked on a device of type 'mps'" in reason


def test_a_busy_machine_chooses_as_a_quiet_one_does(monkeypatch):
    """No stopwatch decides: where every second is a thousand, the answer is the same."""
    quiet = module._best_precision(torch.device("cpu"))
    for clock in ("time", "monotonic", "perf_counter", "process_time"):
        monkeypatch.setattr(f"time.{clock}", iter(range(0, 10**9, 1000)).__next__)
    busy = module._best_precision(torch.device("cpu"))
    monkeypatch.undo()
    assert busy == quiet


@pytest.mark.parametrize("precision", ["bfloat16", torch.bfloat16])
def test_precision_by_name_and_by_type(narrow_file, precision):
    assert fast(VGG(narrow_file, device="cpu"), precision).dtype == torch.bfloat16


@pytest.mark.parametrize("precision", ["half", torch.float64, 16])
def test_an_unknown_precision_lists_the_known_ones(narrow, precision):
    expected = "precision must be None or one of float32, bfloat16, float16"
    with pytest.raises(ValueError, match=expected):
        fast(narrow, precision)


def test_digits_that_are_gone_do_not_come_back(narrow_file):
    turned = fast(VGG(narrow_file, device="cpu"), "bfloat16")
    assert fast(turned, "bfloat16") is turned
    for other in ("float32", "float16"):
        with pytest.raises(ValueError, match="in bfloat16 already, and its digits are gone"):
            fast(turned, other)


# ---- memory --------------------------------------------------------------------------------------


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be asked")
def test_glibc_agrees_to_keep_memory():
    """It is a setting of the whole process; to the other tests it does no harm."""
    assert keep_memory() is True


def test_elsewhere_memory_is_left_alone(monkeypatch):
    def fail(name):
        raise OSError(f"{name} is not here")

    monkeypatch.setattr(module.ctypes, "CDLL", fail)
    assert keep_memory() is False


# ---- the pyramid ---------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3, 32, 48), (1, 3, 37, 51), (1, 3, 5, 9)])
def test_a_pyramid_starts_as_the_image_and_can_become_any_other(shape):
    start = drawn(*shape)
    target = drawn(*shape, seed=1)
    levels, image = pyramid(start)
    assert torch.equal(image(), start)
    assert len(levels) == 5
    result = optimise(
        start,
        lambda x: (x - target).square().mean(),
        60,
        parametrize=pyramid,
        pixels="free",
    )
    assert (result.image - target).abs().max() < 0.02


def share_of_the_mean(variables, image):
    """How much of one step down the gradient, towards black, changes the mean of the image."""
    start = image().detach().clone()
    image().square().mean().backward()
    with torch.no_grad():
        for variable in variables:
            variable.sub_(variable.grad)
        step = image() - start
    return (step.mean((2, 3)).square().sum() / step.square().mean((2, 3)).sum()).item()


def test_a_pyramid_moves_large_areas_first():
    """One step changes the mean more, beside fine detail, than the same step on pixels."""
    start = drawn(1, 3, 64, 64)
    pixels = start.clone().requires_grad_()
    on_pixels = share_of_the_mean([pixels], lambda: pixels)
    on_a_pyramid = share_of_the_mean(*pyramid(start, reach=0))
    assert on_a_pyramid > 1.1 * on_pixels


@pytest.mark.slow
def test_lbfgs_needs_fewer_evaluations_on_a_pyramid(vgg):
    layers = ["relu1_1", "relu2_1", "relu3_1"]
    style = 0.2 * drawn(1, 3, 64, 64, seed=2)
    style[..., 20:40, :] = 0.8
    targets = {layer: gram(features) for layer, features in vgg(style, layers).items()}

    def loss(image):
        features = vgg(image, layers)
        return sum(relative_error(gram(features[layer]), targets[layer]) for layer in layers)

    start = drawn(1, 3, 64, 64)
    on_pixels = min(optimise(start, loss, 15).history)
    on_a_pyramid = min(optimise(start, loss, 15, parametrize=pyramid).history)
    assert on_a_pyramid < 0.7 * on_pixels


@pytest.mark.parametrize("reach, least, most", [(0.01, 1e-3, 0.1), (0, 0, 2e-4)])
def test_the_first_trial_of_lbfgs_moves_pixels_by_its_reach(reach, least, most):
    """torch's own first step adds up to 1: for 3 x 64 x 64 numbers, 0.0001 each."""
    images = []
    optimise(
        drawn(1, 3, 64, 64),
        lambda image: 1e6 * (image - 0.5).square().mean(),
        2,
        parametrize=lambda start: pyramid(start, reach=reach),
        pixels="free",
        callback=lambda step, image, value: images.append(image),
    )
    assert least < (images[1] - images[0]).abs().mean().item() < most


def test_adam_can_paint_on_a_pyramid():
    result = optimise(
        drawn(1, 3, 32, 32),
        lambda image: (image - 0.5).square().mean(),
        60,
        method="adam",
        parametrize=lambda start: pyramid(start, reach=0),
        pixels="fence",
    )
    assert result.history[-1] < 0.1 * result.history[0]


def test_after_nan_a_pyramid_goes_on_from_the_best_image(capsys):
    calls = []

    def loss(image):
        calls.append(1)
        return (image - 0.3).square().mean() * (float("nan") if len(calls) == 4 else 1.0)

    history = optimise(drawn(1, 3, 16, 16), loss, 30, parametrize=pyramid).history
    assert "NaN" in capsys.readouterr().out
    assert min(history) == pytest.approx(history[-1], abs=1e-3)


def test_a_pyramid_weighs_grey_and_both_colours_as_it_is_told():
    """One at one place of a level becomes weight · reach · count along the axis of its channel."""
    axes = {0: (0.577, 0.577, 0.577), 1: (0.707, 0.0, -0.707), 2: (0.408, -0.816, 0.408)}
    start = torch.zeros(1, 3, 8, 12)
    levels, image = pyramid(start, grey=(2.0, 3.0), colour=(5.0, 7.0), reach=0.5)
    assert [tuple(level.shape[2:]) for level in levels] == [(8, 12), (4, 6)]
    unit = 0.5 * 3 * (8 * 12 + 4 * 6)
    for number, weights in enumerate([(2.0, 5.0, 5.0), (3.0, 7.0, 7.0)]):
        for channel, axis in axes.items():
            with torch.no_grad():
                levels[number][:, channel] = 1
                expected = unit * weights[channel] * torch.tensor(axis)
                torch.testing.assert_close(image()[0, :, 3, 5], expected)
                levels[number].zero_()


def test_a_pyramid_is_enlarged_smoothly_and_halved_downwards():
    levels, image = pyramid(torch.zeros(1, 3, 7, 9))
    sizes = [tuple(level.shape[2:]) for level in levels]
    assert sizes == [(7, 9), (3, 4), (1, 2), (1, 1), (1, 1)]
    with torch.no_grad():
        levels[1][..., 0] = 1
        steps = image()[0, 0, 3].diff().abs()
    assert (steps > 0).sum() >= 3, "an edge that is smooth has several steps"


@pytest.mark.parametrize("largest, scale", [(3.0, 4.0), (4.0, 4.0), (0.3, 0.5), (-1000.0, 1024.0)])
def test_numbers_are_scaled_to_at_most_one(largest, scale):
    assert module._power_of_two_above(torch.tensor([0.1, largest])).item() == scale


def test_the_first_gpus_with_units_for_float16_use_them(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a V")
    kind, _ = module._best_precision(torch.device("cuda"))
    assert kind == torch.float16


@pytest.mark.parametrize("refused", [module.M_MMAP_THRESHOLD, module.M_TRIM_THRESHOLD])
def test_memory_is_kept_only_if_the_library_agrees_to_all(refused, monkeypatch):
    class Library:
        def mallopt(self, number, value):
            return number != refused

    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: Library())
    assert keep_memory() is False
