"""VGG16, VGG19 (Simonyan and Zisserman 2014) and the embedded vgg19-mini, by the paper's layer names."""

import hashlib
import importlib
import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

__all__ = ["VGG", "best_device", "layer_names"]

CONVS = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}  # convolutions in each of the five blocks
POOLS = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB, as torchvision's weights expect
MINI = Path(__file__).resolve().parent.parent / "data" / "weights" / "vgg19-mini.safetensors"
MINI_SHA256 = "1015c2598834a246401a44fb42c8c7b85c933ac645edc27bda70adc051e58881"
HELP = 'choose with VGG("mini"), VGG("vgg19"), VGG("vgg16"), VGG("weights.safetensors") or NST_BACKBONE'


def layer_names(topology: str = "vgg19") -> list[str]:
    """conv1_1, relu1_1, ..., pool5: the names of the papers, in the order in which an image meets them."""
    names = []
    if topology not in CONVS:
        raise ValueError(f"there is no network {topology!r}; known: {', '.join(CONVS)}")
    for block, convs in enumerate(CONVS[topology], start=1):
        names += [f"{kind}{block}_{i}" for i in range(1, convs + 1) for kind in ("conv", "relu")] + [f"pool{block}"]
    return names


def best_device() -> torch.device:
    """CUDA, then MPS, then CPU: the first on which a small convolution runs. A device can be listed and still fail."""
    for kind, present in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if present:
            try:
                nn.Conv2d(3, 8, 3).to(kind)(torch.rand(1, 3, 8, 8, device=kind)).sum().item()
                return torch.device(kind)
            except (RuntimeError, NotImplementedError) as error:
                print(f"A {kind} device is listed, but a small convolution fails on it ({error}); going on without.")
    return torch.device("cpu")


class VGG(nn.Module):
    """A frozen VGG that hands out feature maps by layer name.

    name: "auto", "mini" (embedded), "vgg19", "vgg16" (torchvision's weights, downloaded once), or the path of a file
        in torchvision's layout (.safetensors or .pth), which may hold the first blocks only. "auto" is vgg19 where a
        GPU is present or its weights are cached, else mini; it says which and why, and NST_BACKBONE overrides it.
    pool: "max", as the network was trained, or "avg", which Gatys et al. (2016, section 2) suggest for painting.
    device: where to run; None takes `best_device()`. Raises OSError where weights cannot be had.
    """

    def __init__(self, name: str | os.PathLike = "auto", pool: str = "max", device=None):
        super().__init__()
        if pool not in POOLS:
            raise ValueError(f'pool must be "max" or "avg", not {pool!r}')
        device = torch.device(device) if device is not None else best_device()
        self.name, weights = _weights(name, device)
        self.layers = _build(weights, self.name, pool)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(device)

    device = property(lambda self: self.mean.device, doc="Where the weights are, and where an image has to be.")
    dtype = property(lambda self: next(self.parameters()).dtype, doc="What features are computed in, float32 at first.")

    def forward(self, image: Tensor, layers: list[str]) -> dict[str, Tensor]:
        """image (1, 3, H, W) in [0, 1] -> {layer: features (1, C, h, w)}; ValueError for an unknown layer or wrong image."""
        layers, found = [layers] if isinstance(layers, str) else list(layers), {}
        deepest, features = self.deepest(image, layers), ((image - self.mean) / self.std).to(self.dtype)
        for name in list(self.layers)[: deepest + 1]:
            features = self.layers[name](features)
            if name in layers:
                found[name] = features
        return {name: found[name] for name in layers}

    def deepest(self, image: Tensor, layers: list[str]) -> int:
        """Refuse what cannot work, in a sentence; return the position of the deepest layer asked for."""
        if not isinstance(image, Tensor) or image.ndim != 4 or image.shape[1] != 3 or not image.is_floating_point():
            found = f"{image.dtype} {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
            raise ValueError(f"expected a float image (1, 3, H, W) in [0, 1] (see helpers.images.load), found {found}")
        known = list(self.layers)
        for layer in set(layers) - set(known):
            raise ValueError(f"{self.name} has no layer {layer!r}; it has {', '.join(known)}")
        deepest = max((known.index(layer) for layer in layers), default=-1)
        need = 2 ** sum(name.startswith("pool") for name in known[: deepest + 1])
        if min(image.shape[2:]) < need:
            raise ValueError(f"{known[deepest]} needs sides of at least {need} px, found {tuple(image.shape[2:])}")
        return deepest


def _build(weights: dict[str, Tensor], name: str, pool: str) -> nn.ModuleDict:
    """Weights in torchvision's layout -> layers by name; a file that holds the first blocks only gives only those."""
    indices = sorted(int(k.split(".")[1]) for k in weights if re.fullmatch(r"features\.\d+\.weight", k))
    layers, width = nn.ModuleDict(), 3
    for layer in _names(indices, name):
        if layer.startswith("conv"):
            if not indices:
                break
            layers[layer] = _conv(weights, indices.pop(0), width, name)
            width = layers[layer].out_channels
        else:  # in place, a ReLU would overwrite the features of the conv layer
            layers[layer] = nn.ReLU(inplace=False) if layer.startswith("relu") else POOLS[pool](2)
    return layers


def _names(indices: list[int], name: str) -> list[str]:
    """The layer names of the network whose numbering the convolutions follow; VGG16's and VGG19's part after conv3_3."""
    for topology in CONVS:
        convs = [i for i, layer in enumerate(layer_names(topology)) if layer.startswith("conv")]
        if indices and indices == convs[: len(indices)]:
            return layer_names(topology)
    raise ValueError(f"{name} does not hold the layers of torchvision's VGG16 or VGG19 from the first on")


def _conv(weights: dict[str, Tensor], index: int, width: int, name: str) -> nn.Conv2d:
    """One 3 x 3 convolution of `width` input channels with its weights."""
    weight, bias = weights[f"features.{index}.weight"], weights.get(f"features.{index}.bias")
    if weight.shape[1:] != (width, 3, 3) or bias is None or bias.shape != weight.shape[:1]:
        raise ValueError(f"{name}: features.{index} is not a 3 x 3 convolution of {width} channels with a bias")
    conv = nn.Conv2d(width, weight.shape[0], 3, padding=1)
    conv.load_state_dict({"weight": weight.float(), "bias": bias.float()})
    return conv


def _weights(name, device: torch.device) -> tuple[str, dict[str, Tensor]]:
    """A backbone's name -> the name as shown, and its weights in torchvision's layout."""
    if name == "auto":
        return _automatic(device)
    if name == "mini":
        return "vgg19-mini", _read(MINI, MINI_SHA256)
    if name in CONVS:
        return name, _download(name)
    path = Path(str(name)).expanduser()
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise ValueError(f"there is no network {str(name)!r}; {HELP}")
    return path.stem, _read(path)


def _automatic(device: torch.device) -> tuple[str, dict[str, Tensor]]:
    """What "auto" means here; prints one line that says which network, why, and how to choose."""
    name = os.environ.get("NST_BACKBONE") or "auto"
    if name != "auto":
        found, why = _weights(name, device), "NST_BACKBONE says so"
    elif device.type == "cpu" and not os.path.isfile(_cached("vgg19")):
        found, why = _weights("mini", device), "there is no GPU, and VGG19's weights are not on this machine"
    else:
        try:
            found, why = _weights("vgg19", device), "there is a GPU" if device.type != "cpu" else "its weights are here"
        except OSError as error:
            print(error)
            found, why = _weights("mini", device), "VGG19's weights could not be had"
    print(f"Network: {found[0]}, because {why} ({HELP}).")
    return found


def _cached(name: str) -> Path:
    """Where torch keeps the weights of vgg16 or vgg19. torchvision comes late: the embedded network does without it."""
    record = importlib.import_module("torchvision.models").get_model_weights(name).IMAGENET1K_V1
    return Path(torch.hub.get_dir(), "checkpoints", Path(record.url).name)


def _download(name: str, patience: float = 30) -> dict[str, Tensor]:
    """torchvision's weights, from torch's cache or its server; with a wrong hash, no file enters the cache or is read."""
    record = importlib.import_module("torchvision.models").get_model_weights(name).IMAGENET1K_V1
    path, mark, before = _cached(name), os.urandom(4).hex(), socket.getdefaulttimeout()
    socket.setdefaulttimeout(patience)  # seconds without a byte: a silent server must not hang the notebook
    try:
        if not path.is_file() or not hashlib.sha256(path.read_bytes()).hexdigest().startswith(path.stem[-8:]):
            record.get_state_dict(file_name=f"{path.stem}.{mark}.partial", check_hash=True, weights_only=True)
            path.with_suffix(f".{mark}.partial").replace(path)
        return _read(path)
    except Exception as error:
        why = f"{name}'s weights ({548 if name == 'vgg19' else 528} MB) could not be had: {str(error) or repr(error)}"
        raise OSError(f'{why}. Try again, or save {record.url} as {path} by hand; VGG("mini") needs neither.') from None
    finally:
        socket.setdefaulttimeout(before)
        with suppress(OSError):
            for left in path.parent.glob(f"{path.stem}.*.partial"):  # our own, or a killed process's: none may pile up
                if mark in left.name or left.stat().st_mtime < time.time() - 3600:
                    left.unlink()


def _read(path: Path, sha256: str | None = None) -> dict[str, Tensor]:
    """A weight file -> {key: tensor}. No pickle is read without weights_only, so no file can run code."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no weight file {path}; {HELP}")
    if sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ValueError(f"{path} is not the file that belongs to this version; restore it: git checkout -- {path}")
    try:
        weights = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
        return {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    except Exception as error:
        raise ValueError(f"{path} cannot be read as weights: {(str(error) or repr(error)).splitlines()[0]}") from error
