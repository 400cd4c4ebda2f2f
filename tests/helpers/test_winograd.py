"""Winograd's convolution is the convolution: values, gradients, and where it steps aside."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from helpers import winograd as module
from helpers.fast import fast
from helpers.vgg import VGG
from helpers.winograd import WinogradConv
from tests.support import drawn

ROUNDING = 1e-5  # a few times the rounding of 36 sums; one wrong number of a transform gives 0.01


def conv(channels=5, kernels=7):
    """A frozen convolution with numbers of its own."""
    layer = nn.Conv2d(channels, kernels, 3, padding=1).requires_grad_(False)
    layer.weight.copy_(drawn(kernels, channels, 3, 3) - 0.5)
    layer.bias.copy_(drawn(kernels) - 0.5)
    return layer


def exactly(layer, features):
    """The direct convolution with twice as many digits."""
    return conv2d(features.double(), layer.weight.double(), layer.bias.double(), padding=1)


def distance(actual, expected):
    """‖actual − expected‖ / ‖expected‖."""
    return ((actual - expected).norm() / expected.norm()).item()


@pytest.fixture
def transforms(monkeypatch):
    """How often a convolution was Winograd's."""
    calls = []
    true = module._convolved

    def counted(*arguments):
        calls.append(arguments)
        return true(*arguments)

    monkeypatch.setattr(module, "_convolved", counted)
    return calls


# One strip and many, whole tiles and cut ones, one row of tiles and one column.
SIDES = [(32, 32), (33, 34), (35, 31), (4, 128), (130, 3), (1, 200), (67, 129), (200, 90)]


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_convolution(sides, order, transforms):
    layer = conv()
    features = (drawn(1, 5, *sides) - 0.3).to(memory_format=order)
    result = WinogradConv(layer)(features)
    assert transforms
    assert result.shape == (1, 7, *sides)
    assert distance(result, exactly(layer, features)) < ROUNDING


@pytest.mark.parametrize("sides", SIDES)
def test_its_gradient_is_that_of_the_convolution(sides):
    layer = conv()
    features = drawn(1, 5, *sides).requires_grad_()
    aims = drawn(1, 7, *sides) - 0.5
    (result,) = torch.autograd.grad(WinogradConv(layer)(features), features, aims)
    (expected,) = torch.autograd.grad(exactly(layer, features), features, aims.double())
    assert result.shape == features.shape
    assert distance(result, expected) < ROUNDING


def test_a_gradient_has_a_gradient():
    """What a Hessian times a vector needs."""
    layer = conv()

    def second(convolution):
        features = (drawn(1, 5, 40, 36) - 0.5).requires_grad_()
        (first,) = torch.autograd.grad(
            convolution(features).square().sum(), features, create_graph=True
        )
        return torch.autograd.grad(first.square().sum(), features)[0]

    expected = second(lambda features: exactly(layer, features))
    assert distance(second(WinogradConv(layer)), expected) < ROUNDING


@pytest.mark.parametrize("sides", [(32, 32), (33, 30)])
def test_features_and_gradients_lie_with_channels_last(sides):
    """Else pooling and ReLU turn them round, which takes more time than Winograd saves."""
    features = drawn(1, 5, *sides).requires_grad_()
    result = WinogradConv(conv())(features).relu()
    (gradient,) = torch.autograd.grad(result.sum(), features)
    for maps in (result, gradient):
        assert maps.is_contiguous(memory_format=torch.channels_last)


def test_strips_change_nothing(monkeypatch):
    layer = WinogradConv(conv())
    features = drawn(1, 5, 61, 50)
    whole = layer(features)
    monkeypatch.setattr(module, "STRIP", 1)
    assert distance(layer(features), whole) < ROUNDING


@pytest.mark.parametrize(
    "features",
    [
        drawn(1, 5, 4, 44),  # 11 tiles
        drawn(2, 5, 32, 32),
        drawn(5, 32, 32),
    ],
    ids=["few tiles", "a batch", "no batch"],
)
def test_where_nothing_is_gained_it_is_the_direct_convolution(features, transforms):
    layer = conv()
    assert torch.equal(WinogradConv(layer)(features), layer(features))
    assert not transforms


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_another_precision_is_convolved_directly(kind, transforms):
    layer = conv().to(kind)
    features = drawn(1, 5, 32, 32).to(kind)
    assert torch.equal(WinogradConv(layer)(features), layer(features))
    assert not transforms


def test_weights_that_are_trained_get_their_gradient(transforms):
    layer = conv().requires_grad_(True)
    WinogradConv(layer)(drawn(1, 5, 32, 32)).sum().backward()
    assert layer.weight.grad.abs().sum() > 0
    assert not transforms


def test_changed_weights_are_noticed():
    """Somebody silences a filter, and looks at what becomes of the picture."""
    layer = WinogradConv(conv())
    features = drawn(1, 5, 32, 32)
    layer(features)
    layer.weight[3] = 0
    result = layer(features)
    assert (result[0, 3] - layer.bias[3]).abs().max() < ROUNDING
    assert distance(result, exactly(layer, features)) < ROUNDING


def test_weights_made_for_inference_can_be_used():
    with torch.inference_mode():
        layer = conv()
        result = WinogradConv(layer)(drawn(1, 5, 32, 32))
    assert distance(result, exactly(layer, drawn(1, 5, 32, 32))) < ROUNDING


def test_a_copy_and_what_is_saved_are_those_of_a_convolution():
    layer = conv()
    winograd = WinogradConv(layer)
    features = drawn(1, 5, 32, 32)
    result = winograd(features)
    assert torch.equal(copy.deepcopy(winograd)(features), result)
    assert winograd.weight is layer.weight
    assert list(winograd.state_dict()) == list(layer.state_dict())


# ---- in the network ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def networks():
    """The network as it is, and as `fast` makes it in float32 on an x86 processor."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("helpers.fast.platform.machine", lambda: "x86_64")
        return VGG(device="cpu"), fast(VGG(device="cpu"), "float32")


def test_wide_layers_are_winograds(networks):
    _, turned = networks
    convs = {name: layer for name, layer in turned.layers.items() if name.startswith("conv")}
    direct = [name for name, layer in convs.items() if not isinstance(layer, WinogradConv)]
    assert direct == ["conv1_1", "conv1_2"]


def test_turning_twice_is_turning_once(networks, monkeypatch, capsys):
    monkeypatch.setattr("helpers.fast.platform.machine", lambda: "x86_64")
    _, turned = networks
    before = dict(turned.layers)
    fast(turned, "float32")
    assert dict(turned.layers) == before
    order = "channels last in memory, with fewer multiplications"
    assert capsys.readouterr().out == f"vgg19 computes in float32, {order}: as you asked.\n"


@pytest.mark.parametrize(
    ("kind", "machine"), [("float32", "arm64"), ("bfloat16", "x86_64"), ("float16", "x86_64")]
)
def test_elsewhere_convolutions_stay(kind, machine, monkeypatch, capsys):
    """Where it was not measured, and where units for half precision are quicker still."""
    monkeypatch.setattr("helpers.fast.platform.machine", lambda: machine)
    turned = fast(VGG(device="cpu"), kind)
    assert not any(isinstance(layer, WinogradConv) for layer in turned.layers.values())
    assert "multiplications" not in capsys.readouterr().out


def test_a_network_can_still_go_to_half_precision(networks, monkeypatch):
    monkeypatch.setattr("helpers.fast.platform.machine", lambda: "x86_64")
    image = drawn(1, 3, 64, 64)
    turned = fast(fast(VGG(device="cpu"), "float32"), "bfloat16")
    once = fast(VGG(device="cpu"), "bfloat16")
    assert torch.equal(turned(image, "relu3_1")["relu3_1"], once(image, "relu3_1")["relu3_1"])


@pytest.mark.slow
def test_features_and_gradients_of_the_network_stay(networks, transforms):
    image = drawn(1, 3, 150, 131)
    layers = ["relu2_2", "relu4_2", "relu5_1"]
    gradients = []
    for vgg in networks:
        pixels = image.clone().requires_grad_()
        features = vgg(pixels, layers)
        gradients.append((features, torch.autograd.grad(features["relu5_1"].sum(), pixels)[0]))
    (exact, slope), (close, near) = gradients
    assert len(transforms) == 10  # conv2_1 to conv4_4; conv5_1 has 6 tiles only
    for layer in layers:
        assert distance(close[layer], exact[layer]) < ROUNDING
    # Where two pixels are nearly equal, another rounding lets max pooling choose the other one.
    assert distance(near, slope) < 0.01
