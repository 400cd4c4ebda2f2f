"""What several tests of the helpers share: a narrow network, and three small pictures."""

import math
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from helpers.images import load
from helpers.vgg import VGG

WIDTHS = (4, 6, 8, 10, 10)  # channels of each block of the narrow network
CONVOLUTIONS = (2, 2, 4, 4, 2)  # it ends with conv5_2, the deepest layer of a published code


class Pictures(NamedTuple):
    """A pair to paint, of two sizes, and an image on the way from the photo to a painting."""

    content: Tensor
    style: Tensor
    image: Tensor


@pytest.fixture(scope="session")
def pictures() -> Pictures:
    """Small pictures of the series; no test may change them."""
    content = load("china", 56)
    generator = torch.Generator().manual_seed(1)
    grain = 0.1 * torch.randn(content.shape, generator=generator)
    return Pictures(content, load("mosaic", 48), (content + grain).clamp(0, 1))


@pytest.fixture(scope="session")
def narrow_state() -> dict[str, Tensor]:
    """Seeded weights of a narrow VGG19 in torchvision's layout, with biases that matter."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    index = 0
    before = 3
    for width, convolutions in zip(WIDTHS, CONVOLUTIONS, strict=True):
        for _ in range(convolutions):
            weight = torch.randn(width, before, 3, 3, generator=generator)
            bias = torch.randn(width, generator=generator)
            state[f"features.{index}.weight"] = math.sqrt(2 / (9 * before)) * weight
            state[f"features.{index}.bias"] = 0.1 * bias
            before = width
            index += 2  # the convolution and its ReLU
        index += 1  # the pooling
    return state


@pytest.fixture(scope="session")
def narrow_file(narrow_state, tmp_path_factory) -> Path:
    """The narrow network as a weight file."""
    path = tmp_path_factory.mktemp("weights") / "narrow.safetensors"
    save_file(narrow_state, path)
    return path


@pytest.fixture(scope="session")
def narrow(narrow_file) -> VGG:
    """The narrow network, from conv1_1 to relu5_2, on the CPU."""
    return VGG(narrow_file, device="cpu")
