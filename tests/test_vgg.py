"""The network: names, shapes, files, and equality with torchvision's own forward pass."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torchvision.models import vgg16, vgg19

from helpers import vgg as module
from helpers.vgg import MEAN, STD, VGG, layer_names

TEACHER = Path(__file__).resolve().parents[2] / "shared" / "teacher" / "vgg19-blocks1-3.safetensors"
WIDTHS = {"vgg19": [64, 128, 256, 512, 512], "mini": [16, 32, 64, 128, 128]}


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
        assert features.shape == (1, WIDTHS["vgg19"][block - 1], 64 // stride, 96 // stride), name


def test_mini_has_the_same_layers_at_a_quarter_of_the_width(mini):
    names = list(mini.layers)
    assert names == layer_names("vgg19")[: layer_names("vgg19").index("relu5_1") + 1]
    for name, features in mini(torch.rand(1, 3, 48, 32), names).items():
        stride = 2 ** (int(name[4]) - (not name.startswith("pool")))
        assert features.shape == (1, WIDTHS["mini"][int(name[4]) - 1], 48 // stride, 32 // stride), name


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


def test_average_pooling(mini):
    image = torch.rand(1, 3, 16, 16)
    features = mini(image, ["relu1_2"])["relu1_2"]
    pooled = VGG("mini", pool="avg", device="cpu")(image, ["pool1"])["pool1"]
    torch.testing.assert_close(pooled, torch.nn.functional.avg_pool2d(features, 2))
    with pytest.raises(ValueError, match='"max" or "avg"'):
        VGG("mini", pool="median")


def test_order_repeats_and_a_single_name(mini):
    image = torch.rand(1, 3, 32, 32)
    assert list(mini(image, ["relu3_1", "conv1_1", "relu3_1"])) == ["relu3_1", "conv1_1"]
    assert list(mini(image, "pool2")) == ["pool2"]


def test_stops_at_the_deepest_layer_asked_for(mini):
    deeper = []
    handle = mini.layers["conv2_1"].register_forward_hook(lambda *_: deeper.append(1))
    mini(torch.rand(1, 3, 32, 32), ["relu1_2"])
    handle.remove()
    assert not deeper


def test_frozen_but_gradients_reach_the_image(mini):
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    mini(image, ["relu5_1"])["relu5_1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert not mini.training and not any(p.requires_grad for p in mini.parameters())


def test_first_blocks_only_and_a_clear_refusal_deeper(tmp_path, full):
    path, _ = full
    weights = {k: v for k, v in torch.load(path, weights_only=True).items() if int(k.split(".")[1]) <= 14}
    save_file(weights, tmp_path / "blocks 1 bis 3 ä.safetensors")
    network = VGG(tmp_path / "blocks 1 bis 3 ä.safetensors", device="cpu")
    assert list(network.layers)[-1] == "relu3_3"
    with pytest.raises(ValueError, match="has no layer 'relu4_2'; it has conv1_1, .*relu3_3"):
        network(torch.rand(1, 3, 32, 32), ["relu4_2"])


@pytest.mark.skipif(not TEACHER.is_file(), reason="the first blocks of the trained VGG19 are not at hand")
def test_the_trained_first_blocks():
    network = VGG(TEACHER, device="cpu")
    assert list(network.layers)[-2:] == ["relu3_4", "pool3"]
    features = network(torch.rand(1, 3, 64, 64), ["relu1_1", "relu3_4"])
    assert features["relu1_1"].shape == (1, 64, 64, 64) and features["relu3_4"].shape == (1, 256, 16, 16)
    dead = (features["relu3_4"].amax((0, 2, 3)) == 0).float().mean()
    assert features["relu3_4"].isfinite().all() and dead < 0.2, "a trained network answers, also to noise"


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
def test_a_wrong_image_is_refused_in_a_sentence(mini, image, sentence):
    with pytest.raises(ValueError, match=sentence):
        mini(image, ["relu5_1"])


def test_unknown_layers_and_networks(mini):
    with pytest.raises(ValueError, match="has no layer 'conv_4'"):
        mini(torch.rand(1, 3, 32, 32), ["relu1_1", "conv_4"])
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


def test_the_embedded_weights_are_checked(tmp_path, monkeypatch):
    weights = load_file(module.MINI)
    weights["features.0.bias"] += 1
    save_file(weights, tmp_path / "vgg19-mini.safetensors")
    monkeypatch.setattr(module, "MINI", tmp_path / "vgg19-mini.safetensors")
    with pytest.raises(ValueError, match="restore it: git checkout"):
        VGG("mini")


def test_auto_says_which_network_and_why(monkeypatch, capsys):
    assert VGG(device="cpu").name == "vgg19-mini"
    assert capsys.readouterr().out.startswith("Network: vgg19-mini, because NST_BACKBONE says so (choose with VGG(")
    monkeypatch.delenv("NST_BACKBONE")
    monkeypatch.setattr(module, "_cached", lambda name: Path("nowhere"))
    VGG(device="cpu")
    assert "because there is no GPU" in capsys.readouterr().out
