"""VGG19 and VGG16 (Simonyan and Zisserman 2014), by the papers' layer names.

An image goes in, feature maps come out.
"""

import copy
import os
import re

import torch
from torch import Tensor, nn

from helpers.images import require_image
from helpers.weights import NAMES, load_factors, load_weights

__all__ = ["VGG", "NETWORKS", "best_device", "layer_names", "require_vgg"]

CONVS = {  # convolutions in each of the five blocks
    "vgg19": (2, 2, 4, 4, 4),
    "vgg16": (2, 2, 3, 3, 3),
}
PADDINGS = ("zeros", "replicate")
POOLS = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}
MEAN = (0.485, 0.456, 0.406)  # of ImageNet, RGB: what an image is normalised with
STD = (0.229, 0.224, 0.225)
NORMALISED = "vgg19-normalised"
NETWORKS = (*NAMES, NORMALISED)  # what VGG takes as a name, beside the path of a weight file


def layer_names(topology: str = "vgg19") -> list[str]:
    """The names of the papers in the order in which an image meets them: conv1_1, ..., pool5.

    topology: "vgg19" or "vgg16". Raises ValueError for another.
    """
    if topology not in CONVS:
        raise ValueError(f"there is no network {topology!r}; known: {', '.join(CONVS)}")
    names = []
    for block, convs in enumerate(CONVS[topology], start=1):
        for number in range(1, convs + 1):
            names += [f"conv{block}_{number}", f"relu{block}_{number}"]
        names.append(f"pool{block}")
    return names


def best_device() -> torch.device:
    """CUDA, then MPS, then CPU: the first on which a small convolution runs.

    A device can be listed and still fail; then a printed line says so.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    for kind in present:
        if not present[kind]:
            continue
        try:
            nn.Conv2d(3, 8, 3).to(kind)(torch.ones(1, 3, 8, 8, device=kind)).sum().item()
            return torch.device(kind)
        except (RuntimeError, NotImplementedError) as error:
            problem = f"A {kind} device is listed, but a small convolution fails on it ({error})"
            print(f"{problem}; going on without.")
    return torch.device("cpu")


def _device(name: torch.device | str) -> torch.device:
    """A device by name, if this computer has it."""
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
        return device
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        reason = (str(error) or repr(error)).splitlines()[0]
        advice = 'take "cpu", or None for the best there is'
        raise ValueError(f"there is no device {name!r} here ({reason}); {advice}") from None


class VGG(nn.Module):
    """A frozen VGG that hands out feature maps by layer name.

    vgg(image, ["relu1_1"]) -> {"relu1_1": (1, 64, H, W)}

    name: "vgg19", the original network of the papers, which comes with the series;
        "torchvision-vgg19" and "torchvision-vgg16", other trainings, downloaded once; or the path
        of a file in torchvision's layout (.safetensors or .pth), which may hold the first blocks
        only.
    pool: "max", as the network was trained, or "avg", which Gatys et al. (2016, section 2) suggest
        for painting.
    device: where to run; None takes `best_device()`.
    normalised: every channel scaled so that its mean activation over natural images and places is
        1, as Gatys et al. (2016, section 2) did. Only the original VGG19 can be;
        VGG("vgg19-normalised") is the same.

    `name` can be given to VGG again, and gives the same weights. Raises ValueError for a name, a
    file, a pooling or a device that cannot be, and OSError where weights cannot be had.
    """

    def __init__(
        self,
        name: str | os.PathLike = "vgg19",
        pool: str = "max",
        *,
        device: torch.device | str | None = None,
        normalised: bool = False,
    ):
        super().__init__()
        _require_pool(pool)
        if name == NORMALISED:
            name = "vgg19"
            normalised = True
        if normalised and name != "vgg19":
            raise ValueError(
                'normalised=True is for the original network, "vgg19", whose mean activations are '
                f"known; not for {name!r}"
            )
        self.name, weights = load_weights(name)
        self.pool = pool
        self.layers = _build(weights, self.name, pool)
        if normalised:
            self.name = NORMALISED
            _normalise(self.layers)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        self.requires_grad_(False).eval().to(best_device() if device is None else _device(device))

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where an image has to be."""
        return self.mean.device

    @property
    def dtype(self) -> torch.dtype:
        """What features are handed out in; float32 unless `helpers.fast` changed it."""
        return self.layers["conv1_1"].bias.dtype

    @property
    def normalised(self) -> bool:
        """Whether the mean activations are 1."""
        return self.name == NORMALISED

    def __repr__(self) -> str:
        convs = sum(layer.startswith("conv") for layer in self.layers)
        kind = str(self.dtype).removeprefix("torch.")
        facts = f"{convs} convolutions, {kind}, on {self.device}"
        return f'VGG("{self.name}", pool="{self.pool}"): {facts}'

    def forward(self, image: Tensor, layers: list[str] | str) -> dict[str, Tensor]:
        """Feature maps of some layers; the network runs as far as the deepest of them.

        image: (1, 3, H, W), RGB in [0, 1]. layers: names such as "relu4_2", or one name.
        Returns {layer: features (1, C, h, w)} in the order asked for. Raises ValueError for an
        unknown layer, for what is no image, and for an image on another device.
        """
        require_image("image", image, batch=True)
        self._require_here(image)
        return self.features((image - self.mean) / self.std, layers)

    def pooled(self, pool: str) -> "VGG":
        """This network with another pooling: the same weights, not a copy of them.

        pool: "max" or "avg". Raises ValueError for another.
        """
        _require_pool(pool)
        if pool == self.pool:
            return self
        twin = copy.copy(self)
        twin._modules = dict(self._modules)
        twin.pool = pool
        layers = self.layers.items()
        pools = {name: POOLS[pool](2) for name in self.layers if name.startswith("pool")}
        twin.layers = nn.ModuleDict({name: pools.get(name, layer) for name, layer in layers})
        return twin

    def features(
        self, pixels: Tensor, layers: list[str] | str, padding: str | Tensor = "zeros"
    ) -> dict[str, Tensor]:
        """As `forward`, for pixels that are scaled already: the one way through the layers.

        pixels: (1, 3, H, W), (RGB - mean) / deviation of ImageNet. padding: what the first
        convolution sees beyond the border: "zeros", which is ImageNet's mean colour, "replicate",
        the nearest pixel, or a colour (1, 3, 1, 1), in the unit of the pixels. Raises ValueError
        for an unknown layer and for sides that poolings use up.
        """
        if not isinstance(padding, Tensor) and padding not in PADDINGS:
            raise ValueError(f"padding must be one of {', '.join(PADDINGS)}, not {padding!r}")
        if isinstance(layers, str):
            layers = [layers]
        require_image("pixels", pixels, batch=True)
        self._require_here(pixels)
        features = {}
        is_as_trained = isinstance(padding, str) and padding == "zeros"
        x = pixels.to(self.dtype)
        for name in self._layers_down_to(layers, x.shape):
            if name == "conv1_1" and not is_as_trained:
                x = self.layers[name](_with_border(x, padding))[..., 1:-1, 1:-1]
            else:
                x = self.layers[name](x)
            if name in layers:
                features[name] = x
        return {name: features[name] for name in layers}

    def _require_here(self, image: Tensor) -> None:
        if image.device != self.device:
            places = f"the image is on {image.device} and the network on {self.device}"
            raise ValueError(f"{places}; write image.to(vgg.device)")

    def _layers_down_to(self, layers: list[str], shape: torch.Size) -> list[str]:
        """All layers from the first to the deepest of some, or a sentence why that cannot be."""
        known = list(self.layers)
        if not isinstance(layers, list | tuple | set | dict):
            raise ValueError(f"layers must be a list of names such as relu4_2, not {layers!r}")
        for layer in layers:
            if layer not in known:
                raise ValueError(f"{self.name} has no layer {layer!r}; it has {', '.join(known)}")
        deepest = max((known.index(layer) for layer in layers), default=-1)
        needed = known[: deepest + 1]
        smallest = 2 ** sum(name.startswith("pool") for name in needed)
        if min(shape[2:]) < smallest:
            sides = f"{known[deepest]} needs sides of at least {smallest} px"
            raise ValueError(f"{sides}, found {tuple(shape[2:])}")
        return needed


def require_vgg(vgg: VGG) -> VGG:
    """Refuse what is no network, such as its name. Raises ValueError."""
    if not isinstance(vgg, VGG):
        raise ValueError(f"vgg must be a network, such as VGG(), not {vgg!r}")
    return vgg


def _require_pool(pool: str) -> None:
    if pool not in list(POOLS):
        raise ValueError(f'pool must be "max" or "avg", not {pool!r}')


def _with_border(x: Tensor, padding: str | Tensor) -> Tensor:
    """One more pixel on each side: the nearest one, or a colour."""
    sides = (1, 1, 1, 1)
    if isinstance(padding, Tensor):
        colour = padding.to(x)
        return nn.functional.pad(x - colour, sides) + colour
    return nn.functional.pad(x, sides, mode=padding)


def _build(weights: dict[str, Tensor], name: str, pool: str) -> nn.ModuleDict:
    """Weights in torchvision's layout -> layers by name, as many as the file holds."""
    keys = [key for key in weights if re.fullmatch(r"features\.\d+\.weight", key)]
    indices = sorted(int(key.split(".")[1]) for key in keys)
    layers = nn.ModuleDict()
    width = 3
    for layer in _names(indices, name):
        if layer.startswith("conv"):
            if not indices:
                break
            layers[layer] = _conv(weights, indices.pop(0), width, name)
            width = layers[layer].out_channels
        elif layer.startswith("relu"):
            layers[layer] = nn.ReLU(inplace=False)  # in place, it would overwrite those of conv
        else:
            layers[layer] = POOLS[pool](2)
    return layers


def _names(indices: list[int], name: str) -> list[str]:
    """The layer names of the network whose numbering the convolutions follow.

    VGG16 and VGG19 are numbered alike as far as conv3_3.
    """
    for topology in CONVS:
        names = layer_names(topology)
        convs = [index for index, layer in enumerate(names) if layer.startswith("conv")]
        if indices and indices == convs[: len(indices)]:
            return names
    raise ValueError(
        f"{name} does not hold the layers of torchvision's VGG16 or VGG19 from the first on"
    )


def _conv(weights: dict[str, Tensor], index: int, width: int, name: str) -> nn.Conv2d:
    """One 3 x 3 convolution of `width` input channels with its weights."""
    weight = weights[f"features.{index}.weight"]
    bias = weights.get(f"features.{index}.bias")
    is_conv = weight.shape[1:] == (width, 3, 3) and len(weight) > 0
    if not is_conv or bias is None or bias.shape != weight.shape[:1]:
        expected = f"a 3 x 3 convolution of {width} channels with a bias"
        raise ValueError(f"{name}: features.{index} is not {expected}")
    if not (weight.is_floating_point() and bias.is_floating_point()):
        raise ValueError(f"{name}: features.{index} holds {weight.dtype} and no decimal numbers")
    weight = weight.float()
    bias = bias.float()
    if not (weight.isfinite().all() and bias.isfinite().all()):
        problem = f"{name}: features.{index} holds NaN or infinite numbers"
        raise ValueError(f"{problem}; copy or download the file again")
    conv = torch.nn.utils.skip_init(nn.Conv2d, width, weight.shape[0], 3, padding=1)
    conv.load_state_dict({"weight": weight, "bias": bias})
    return conv


@torch.no_grad()
def _normalise(layers: nn.ModuleDict) -> None:
    """Scale each channel by its factor, and take the factors of its inputs back out of the weights.

    Factors are positive, so they pass through ReLU and pooling: relu(f·x) = f·relu(x). Gatys et al.
    (2016), section 2.
    """
    factors = load_factors()
    before = torch.ones(3)
    for name, conv in layers.items():
        if name in factors:
            conv.weight.mul_(factors[name].view(-1, 1, 1, 1) / before.view(1, -1, 1, 1))
            conv.bias.mul_(factors[name])
            before = factors[name]
