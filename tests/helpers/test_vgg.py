"""The network: names, shapes, and equality with torchvision's own forward pass."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import avg_pool2d, conv2d, pad
from torchvision.models import VGG19_Weights, vgg16, vgg19

from helpers import vgg as module
from helpers.images import load, names, noise
from helpers.vgg import MEAN, NETWORKS, STD, VGG, layer_names
from helpers.weights import load_factors
from tests.support import drawn

WIDTHS = [64, 128, 256, 512, 512]
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
MEANS_OF_CHINA = [0.39739, 2.29885, 2.26460, 9.15890, 0.95092]  # at STYLE, 256 px, in float32


@pytest.fixture(scope="session", params=["vgg16", "vgg19"])
def full(request, tmp_path_factory):
    """A network of torchvision with random weights, as a file, and torchvision's own network."""
    with torch.device("meta"):  # the classifier's 0.5 GB are never needed
        network = {"vgg16": vgg16, "vgg19": vgg19}[request.param](weights=None).features
    network = network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        deviation = (2 / max(parameter[0].numel(), 9)) ** 0.5
        torch.nn.init.normal_(parameter, std=deviation, generator=generator)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save({f"features.{key}": value for key, value in network.state_dict().items()}, path)
    return path, network


def test_names_follow_the_paper():
    known = layer_names("vgg19")
    assert known[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    assert known[-2:] == ["relu5_4", "pool5"]
    assert sum(name.startswith("conv") for name in known) == 16
    assert sum(name.startswith("conv") for name in layer_names("vgg16")) == 13
    assert "conv3_4" not in layer_names("vgg16")


def expected_shape(layer, height, width):
    block = int(layer[4])
    stride = 2 ** (block if layer.startswith("pool") else block - 1)
    return (1, WIDTHS[block - 1], height // stride, width // stride)


def test_every_layer_has_its_channels_and_stride(full):
    path, _ = full
    layers = layer_names(path.stem)
    for layer, features in VGG(path, device="cpu")(drawn(1, 3, 64, 96), layers).items():
        assert features.shape == expected_shape(layer, 64, 96), layer


def test_the_embedded_network_has_all_layers(vgg):
    assert list(vgg.layers) == layer_names("vgg19")
    assert sum(parameter.numel() for parameter in vgg.parameters()) == 20_024_384
    for layer, features in vgg(drawn(1, 3, 48, 32), layer_names("vgg19")).items():
        assert features.shape == expected_shape(layer, 48, 32), layer


def test_equal_to_torchvision_layer_by_layer_without_aliasing(full):
    """torchvision's ReLUs work in place; run on copies, it gives what each of our layers must."""
    path, network = full
    image = drawn(1, 3, 40, 56)
    layers = layer_names(path.stem)
    features = VGG(path, device="cpu")(image, layers)
    x = (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    for name, layer in zip(layers, network, strict=True):
        x = layer(x.clone())
        torch.testing.assert_close(features[name], x, msg=f"{name} differs")
    assert features["conv1_1"].min() < 0 <= features["relu1_1"].min()


def test_normalises_with_the_mean_and_std_of_the_weights():
    transform = VGG19_Weights.IMAGENET1K_V1.transforms()
    assert list(MEAN) == transform.mean
    assert list(STD) == transform.std


def test_what_is_normalised_already_is_not_normalised_again(vgg):
    image = drawn(1, 3, 32, 48)
    normalised = (image - vgg.mean) / vgg.std
    layers = ["relu1_1", "relu3_1"]
    directly = vgg.features(normalised, layers)
    for layer, features in vgg(image, layers).items():
        assert torch.equal(features, directly[layer])


@pytest.mark.parametrize("padding, mode", [("zeros", "constant"), ("replicate", "replicate")])
def test_what_the_first_convolution_sees_beyond_the_border(narrow, narrow_state, padding, mode):
    """And nothing else changes: the layers after it pad with zeros."""
    x = drawn(1, 3, 20, 24)
    features = narrow.features(x, ["conv1_1", "conv1_2"], padding=padding)
    first = conv2d(
        pad(x, (1, 1, 1, 1), mode=mode),
        narrow_state["features.0.weight"],
        narrow_state["features.0.bias"],
    )
    second = conv2d(
        first.relu(),
        narrow_state["features.2.weight"],
        narrow_state["features.2.bias"],
        padding=1,
    )
    torch.testing.assert_close(features["conv1_1"], first)
    torch.testing.assert_close(features["conv1_2"], second)


def test_average_pooling(vgg):
    image = drawn(1, 3, 16, 16)
    pooled = VGG(pool="avg", device="cpu")(image, ["pool1"])["pool1"]
    torch.testing.assert_close(pooled, avg_pool2d(vgg(image, ["relu1_2"])["relu1_2"], 2))


def test_order_repeats_and_a_single_name(vgg):
    image = drawn(1, 3, 32, 32)
    assert list(vgg(image, ["relu3_1", "conv1_1", "relu3_1"])) == ["relu3_1", "conv1_1"]
    assert list(vgg(image, "pool2")) == ["pool2"]


def test_stops_at_the_deepest_layer_asked_for(vgg):
    deeper = []
    handle = vgg.layers["conv2_1"].register_forward_hook(lambda *_: deeper.append(1))
    vgg(drawn(1, 3, 32, 32), ["relu1_2"])
    handle.remove()
    assert not deeper


def test_frozen_but_gradients_reach_the_image(vgg):
    image = drawn(1, 3, 32, 32).requires_grad_()
    vgg(image, ["relu5_1"])["relu5_1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in vgg.parameters())


def test_first_blocks_only_and_a_clear_refusal_deeper(tmp_path, narrow_state):
    weights = {key: x for key, x in narrow_state.items() if int(key.split(".")[1]) <= 14}
    path = tmp_path / "blocks 1 bis 3 ä.safetensors"
    save_file(weights, path)
    network = VGG(path, device="cpu")
    assert list(network.layers)[-1] == "relu3_3"
    with pytest.raises(ValueError, match="has no layer 'relu4_2'; it has conv1_1, .*relu3_3"):
        network(drawn(1, 3, 32, 32), ["relu4_2"])


def test_the_embedded_weights_are_the_original_ones(vgg):
    """Rounded to float16: known answers to a picture, computed once from the float32 file."""
    features = vgg(load("china", 256), STYLE)
    means = [features[layer].mean().item() for layer in STYLE]
    assert means == pytest.approx(MEANS_OF_CHINA, rel=2e-3)


def test_a_trained_network_is_no_random_one(vgg):
    """What a picture of the series and its mirror image share, features of noise do not."""
    photo = load("china", 128)

    def features(image):
        return vgg(image, ["relu5_1"])["relu5_1"].mean((0, 2, 3))

    to_mirrored = (features(photo) - features(photo.flip(3))).norm()
    to_noise = (features(photo) - features(noise(photo))).norm()
    assert to_mirrored < 0.5 * to_noise


@pytest.mark.parametrize("normalised", [False, True])
def test_the_name_of_a_network_gives_it_again(normalised):
    """What a saved picture says of its network is enough to have it again."""
    network = VGG(normalised=normalised, device="cpu")
    again = VGG(network.name, device="cpu")
    assert network.name in NETWORKS
    assert again.name == network.name
    assert again.normalised == normalised
    assert torch.equal(again.layers["conv3_1"].weight, network.layers["conv3_1"].weight)


def test_the_name_of_a_file_gives_it_again(narrow):
    again = VGG(narrow.name, device="cpu")
    assert torch.equal(again.layers["conv3_1"].weight, narrow.layers["conv3_1"].weight)
    first, *rest = repr(again).splitlines()
    assert not rest
    assert first.startswith(f'VGG("{narrow.name}", pool="max"): 14 convolutions, float32')


@pytest.fixture(scope="session")
def normalised():
    return VGG(normalised=True, device="cpu")


@pytest.mark.slow
def test_normalised_activations_are_near_one(normalised):
    """Over photos and paintings of data/: within a factor of two, where the original has 0.4 to 9.

    The factors were measured on larger pictures, which have less to see in a place.
    """
    means = []
    for name in [*names("content"), *names("style")][::4]:
        features = normalised(load(name, 96), STYLE)
        means.append([features[layer].mean().item() for layer in STYLE])
    for mean in torch.tensor(means).mean(0).tolist():
        assert 0.5 < mean < 2


def test_a_normalised_feature_is_the_original_one_times_its_factor(vgg, normalised):
    image = load("china", 64)
    factors = load_factors()
    layers = [layer for layer in layer_names("vgg19") if not layer.startswith("pool")]
    before = vgg(image, layers)
    after = normalised(image, layers)
    for layer in layers:
        factor = factors[layer.replace("relu", "conv")].view(1, -1, 1, 1)
        assert factor.min() > 0
        torch.testing.assert_close(after[layer], before[layer] * factor, rtol=1e-3, atol=1e-3)


def test_only_the_original_network_has_factors(narrow_file):
    for name in ("torchvision-vgg19", "torchvision-vgg16", narrow_file):
        with pytest.raises(ValueError, match="normalised=True is for the original network"):
            VGG(name, normalised=True, device="cpu")


def test_a_device_that_is_listed_and_fails_is_passed_over(monkeypatch, capsys):
    """As with a driver that is too old: CUDA says it is there, and the first sum shows that not."""

    def fail(layer, device):
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(module.nn.Conv2d, "to", fail)
    assert module.best_device() == torch.device("cpu")
    said = capsys.readouterr().out
    assert "A cuda device is listed, but a small convolution fails on it (no kernel" in said


def test_features_stand_under_their_names_in_whatever_order_they_are_asked_for(vgg):
    image = drawn(1, 3, 32, 32)
    features = vgg(image, ["relu2_1", "relu1_1"])
    for layer in features:
        assert torch.equal(features[layer], vgg(image, layer)[layer])


def test_a_twin_that_pools_otherwise_says_so_and_can_go_back(vgg):
    image = load("china", 32)
    twin = vgg.pooled("avg")
    assert (vgg.pool, twin.pool) == ("max", "avg")
    assert 'pool="avg"' in repr(twin)
    assert twin.pooled("avg") is twin
    back = twin.pooled("max")(image, "relu3_1")["relu3_1"]
    assert torch.equal(back, vgg(image, "relu3_1")["relu3_1"])


def test_cuda_is_tried_before_mps(monkeypatch, capsys):
    def fail(layer, device):
        raise RuntimeError("too old")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(module.nn.Conv2d, "to", fail)
    module.best_device()
    kinds = [line.split()[1] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["cuda", "mps"]


@pytest.mark.parametrize("layer, smallest", [("relu1_1", 1), ("relu3_1", 4), ("relu5_1", 16)])
def test_the_smallest_side_is_one_that_poolings_leave_a_pixel_of(narrow, layer, smallest):
    assert narrow(drawn(1, 3, smallest, 20), layer)[layer].numel()
    if smallest > 1:
        with pytest.raises(ValueError, match=f"{layer} needs sides of at least {smallest} px"):
            narrow(drawn(1, 3, smallest - 1, 20), layer)


def test_no_layer_is_computed_that_nobody_needs(narrow):
    """Not even one: after relu1_2 comes a pooling, and an image of one row has nothing to pool."""
    computed = []

    def remember(layer, *_):
        computed.append(layer)

    hooks = [layer.register_forward_hook(remember) for layer in narrow.layers.values()]
    narrow(drawn(1, 3, 1, 20), ["relu1_2", "conv1_1"])
    for hook in hooks:
        hook.remove()
    assert computed == [narrow.layers[name] for name in layer_names()[:4]]
