"""What all tests share: seeds, the network, and a small picture."""

import random
import sys

import pytest


@pytest.fixture(autouse=True)
def seeds():
    """Start every test from the same random numbers, whichever tests ran before it."""
    random.seed(0)
    if "torch" in sys.modules:  # a test that imports it later finds its fixed default seed
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def vgg():
    """The original VGG19, on the CPU."""
    from helpers.vgg import VGG

    return VGG(device="cpu")


@pytest.fixture
def ramp():
    """A picture (1, 3, 32, 48) that is neither square nor symmetric.

    Red grows from left to right, green from top to bottom; blue is zero.
    """
    import torch

    picture = torch.zeros(1, 3, 32, 48)
    picture[:, 0] = torch.linspace(0, 1, 48)
    picture[:, 1] = torch.linspace(0, 1, 32)[:, None]
    return picture
