"""The network: names, shapes, files, and equality with torchvision's own forward pass."""

import os
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import vgg16, vgg19

from helpers import weights as module
from helpers.images import load, names
from helpers.vgg import MEAN, STD, VGG, layer_names

WIDTHS = [64, 128, 256, 512, 512]
MEANS_OF_CHINA = [0.39739, 2.29885, 2.26460, 9.15890, 0.95092]  # at STYLE, 256 px
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


@pytest.fixture(scope="module", params=["vgg16", "vgg19"])
def full(request, tmp_path_factory):
    """A network of torchvision with random weights, as a file, and torchvision's own network."""
    torch.manual_seed(0)
    with torch.device("meta"):  # the classifier's 0.5 GB are never needed
        network = {"vgg16": vgg16, "vgg19": vgg19}[request.param](weights=None).features
    network = network.to_empty(device="cpu")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=(2 / max(parameter[0].numel(), 9)) ** 0.5)
    path = tmp_path_factory.mktemp("weights") / f"{request.param}.pth"
    torch.save({f"features.{key}": value for key, value in network.state_dict().items()}, path)
    return path, network


def test_names_follow_the_paper():
    names = layer_names("vgg19")
    assert len(names) == 37 and sum(n.startswith("conv") for n in names) == 16
    assert names[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"] and names[-2:] == ["relu5_4", "pool5"]
    assert len(layer_names("vgg16")) == 31 and "conv3_4" not in layer_names("vgg16")


def test_every_layer_has_its_channels_and_stride(full):
    path, _ = full
    network = VGG(path, device="cpu")
    names = layer_names(path.stem)
    image = torch.rand(1, 3, 64, 96)
    for name, features in network(image, names).items():
        block = int(name[4])
        stride = 2 ** (block if name.startswith("pool") else block - 1)
        assert features.shape == (1, WIDTHS[block - 1], 64 // stride, 96 // stride), name


def test_the_embedded_network_has_all_layers(vgg):
    assert list(vgg.layers) == layer_names("vgg19")
    assert sum(p.numel() for p in vgg.parameters()) == 20_024_384
    for name, features in vgg(torch.rand(1, 3, 48, 32), layer_names("vgg19")).items():
        stride = 2 ** (int(name[4]) - (not name.startswith("pool")))
        assert features.shape == (1, WIDTHS[int(name[4]) - 1], 48 // stride, 32 // stride), name


def test_equal_to_torchvision_layer_by_layer_without_aliasing(full):
    """torchvision's ReLUs work in place; run on copies, its forward pass gives what each of our layers must give."""
    path, network = full
    image = torch.rand(1, 3, 40, 56)
    found = VGG(path, device="cpu")(image, layer_names(path.stem))
    x = (image - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    for name, layer in zip(layer_names(path.stem), network, strict=True):
        x = layer(x.clone())
        torch.testing.assert_close(found[name], x, msg=lambda m, name=name: f"{name}: {m}")
    assert found["conv1_1"].min() < 0 <= found["relu1_1"].min()


def test_normalises_with_the_mean_and_std_of_the_weights():
    from torchvision.models import VGG19_Weights

    transform = VGG19_Weights.IMAGENET1K_V1.transforms()
    assert list(MEAN) == transform.mean and list(STD) == transform.std


def test_average_pooling(vgg):
    image = torch.rand(1, 3, 16, 16)
    features = vgg(image, ["relu1_2"])["relu1_2"]
    pooled = VGG(pool="avg", device="cpu")(image, ["pool1"])["pool1"]
    torch.testing.assert_close(pooled, torch.nn.functional.avg_pool2d(features, 2))
    with pytest.raises(ValueError, match='"max" or "avg"'):
        VGG(pool="median")


def test_order_repeats_and_a_single_name(vgg):
    image = torch.rand(1, 3, 32, 32)
    assert list(vgg(image, ["relu3_1", "conv1_1", "relu3_1"])) == ["relu3_1", "conv1_1"]
    assert list(vgg(image, "pool2")) == ["pool2"]


def test_stops_at_the_deepest_layer_asked_for(vgg):
    deeper = []
    handle = vgg.layers["conv2_1"].register_forward_hook(lambda *_: deeper.append(1))
    vgg(torch.rand(1, 3, 32, 32), ["relu1_2"])
    handle.remove()
    assert not deeper


def test_frozen_but_gradients_reach_the_image(vgg):
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    vgg(image, ["relu5_1"])["relu5_1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not vgg.training and not any(p.requires_grad for p in vgg.parameters())


def test_first_blocks_only_and_a_clear_refusal_deeper(tmp_path, full):
    path, _ = full
    weights = {k: v for k, v in torch.load(path, weights_only=True).items() if int(k.split(".")[1]) <= 14}
    save_file(weights, tmp_path / "blocks 1 bis 3 ä.safetensors")
    network = VGG(tmp_path / "blocks 1 bis 3 ä.safetensors", device="cpu")
    assert list(network.layers)[-1] == "relu3_3"
    with pytest.raises(ValueError, match="has no layer 'relu4_2'; it has conv1_1, .*relu3_3"):
        network(torch.rand(1, 3, 32, 32), ["relu4_2"])


@pytest.mark.parametrize(
    "image, sentence",
    [
        (torch.rand(3, 32, 32), "expected a float image"),
        (torch.rand(1, 4, 32, 32), "expected a float image"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "expected a float image .*found torch.uint8"),
        (torch.rand(1, 3, 8, 64), "at least 16 px"),
        ("china", "expected a float image"),
    ],
)
def test_a_wrong_image_is_refused_in_a_sentence(vgg, image, sentence):
    with pytest.raises(ValueError, match=sentence):
        vgg(image, ["relu5_1"])


def test_unknown_layers_and_networks(vgg):
    with pytest.raises(ValueError, match="has no layer 'conv_4'"):
        vgg(torch.rand(1, 3, 32, 32), ["relu1_1", "conv_4"])
    with pytest.raises(ValueError, match="no network 'resnet'.*VGG"):
        VGG("resnet")
    with pytest.raises(FileNotFoundError, match="no weight file nowhere.pth"):
        VGG("nowhere.pth")


def test_files_that_are_no_weights(tmp_path):
    (tmp_path / "text.pth").write_text("hello")
    (tmp_path / "text.safetensors").write_text("hello")
    for name in ("text.pth", "text.safetensors"):
        with pytest.raises(ValueError, match=f"{name} cannot be read as weights"):
            VGG(tmp_path / name)
    save_file({"layer1.weight": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="does not hold the layers"):
        VGG(tmp_path / "other.safetensors")


def test_a_pickle_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was here"),)

    (tmp_path / "evil.pth").write_bytes(pickle.dumps({"features.0.weight": Evil()}))
    with pytest.raises(ValueError, match="cannot be read as weights"):
        VGG(tmp_path / "evil.pth")
    assert not (tmp_path / "was here").exists()


def test_the_embedded_weights_are_the_original_ones(vgg):
    """Rounded to float16 and laid out as torchvision's: known answers to a picture, computed once from the float32 file."""
    with torch.no_grad():
        features = vgg(load("china", 256), STYLE)
    means = [features[name].mean().item() for name in STYLE]
    assert means == pytest.approx(MEANS_OF_CHINA, rel=2e-3)


def test_a_trained_network_is_no_random_one(vgg):
    """What a picture of the series and its mirror image share, features of noise do not."""
    photo = load("china", 128)
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, mirrored, other = (vgg(x, ["relu5_1"])["relu5_1"].mean((0, 2, 3)) for x in (photo, photo.flip(3), noise))
    assert (one - mirrored).norm() < 0.5 * (one - other).norm()


@pytest.mark.parametrize("what", ["weights", "factors"])
def test_the_embedded_files_are_checked(tmp_path, monkeypatch, what):
    path = module.ORIGINAL if what == "weights" else module.FACTORS
    tensors = load_file(path)
    first = sorted(tensors)[0]
    tensors[first] = tensors[first] + 1
    damaged = tmp_path / path.name
    save_file(tensors, damaged)
    monkeypatch.setitem(module.SHA256, damaged, module.SHA256[path])
    monkeypatch.setattr(module, "ORIGINAL" if what == "weights" else "FACTORS", damaged)
    with pytest.raises(ValueError, match=f"restore it: git checkout -- data/weights/{path.name}"):
        VGG(normalised=True, device="cpu")
    damaged.unlink()
    with pytest.raises(FileNotFoundError, match="restore it: git checkout"):
        VGG(normalised=True, device="cpu")


def test_names_round_trip(tmp_path, full):
    """What a saved picture says of its network is enough to have it again."""
    path, _ = full
    for made in (VGG(device="cpu"), VGG(normalised=True, device="cpu"), VGG(path, device="cpu")):
        again = VGG(made.name, device="cpu")
        assert again.name == made.name and again.normalised == made.normalised
        assert torch.equal(again.layers["conv3_1"].weight, made.layers["conv3_1"].weight)
    assert repr(made).startswith(f'VGG("{path}", pool="max"): 1') and len(repr(made).splitlines()) == 1


def test_normalised_activations_are_near_one(vgg):
    """Over the pictures of data/; and every feature is the original one times a positive number of its channel."""
    normalised = VGG(normalised=True, device="cpu")
    means = []
    with torch.no_grad():
        for name in [*names("content"), *names("style")][::3]:
            image = load(name, 128)
            means.append([f.mean().item() for f in normalised(image, STYLE).values()])
        before = vgg(image, layer_names("vgg19"))
        after = normalised(image, layer_names("vgg19"))
    assert torch.tensor(means).mean(0).tolist() == pytest.approx([1] * 5, abs=0.35)
    factors = module.load_factors()
    for name in before:
        if not name.startswith("pool"):
            factor = factors[name.replace("relu", "conv")].view(1, -1, 1, 1)
            torch.testing.assert_close(after[name], before[name] * factor, rtol=1e-3, atol=1e-3)


def test_only_the_original_network_has_factors(full):
    for name in ("torchvision-vgg19", "torchvision-vgg16", full[0]):
        with pytest.raises(ValueError, match="normalised=True is for the original network"):
            VGG(name, normalised=True, device="cpu")


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    weight = torch.ones(64, 3, 3, 3)
    weight[5, 1, 2, 0] = torch.nan
    save_file({"features.0.weight": weight, "features.0.bias": torch.zeros(64)}, tmp_path / "nan.safetensors")
    with pytest.raises(ValueError, match="features.0 holds NaN or infinite numbers"):
        VGG(tmp_path / "nan.safetensors", device="cpu")


def test_an_image_on_another_device_is_refused_in_a_sentence(vgg):
    with pytest.raises(ValueError, match=r"image is on meta and the network on cpu; write image.to\(vgg.device\)"):
        vgg(torch.rand(1, 3, 32, 32, device="meta"), ["relu1_1"])
