"""What every test shares: fixed threads and network, small pictures, and numbers compared with a tolerance."""

import math
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
# Before torch is imported, here and in the kernels of the notebooks: the same sums in the same order everywhere.
os.environ.update(OMP_NUM_THREADS="1", NST_QUIET="1", CUDA_VISIBLE_DEVICES="")

import pytest  # noqa: E402

NUMBER = re.compile(r"[-+]?\d+\.\d*(?:e[-+]?\d+)?|[-+]?\d+e[-+]?\d+", re.I)
TOLERANCE = 0.02


class Approximately(str):
    """Text that equals another if all words and whole numbers agree, and decimal numbers within two per cent."""

    __hash__ = str.__hash__

    def __eq__(self, other):
        pairs = list(zip(NUMBER.findall(self), NUMBER.findall(str(other)), strict=False))
        near = all(math.isclose(float(a), float(b), rel_tol=TOLERANCE, abs_tol=1e-9) for a, b in pairs)
        return near and NUMBER.sub("0.", str(self)) == NUMBER.sub("0.", str(other))

    def __ne__(self, other):
        return not self == other


def pytest_collection_modifyitems(items):
    """Make nbval compare the marked cells of the notebooks approximately, and start the longest files first."""
    for item in items:
        if hasattr(item, "sanitize"):
            exact = item.sanitize
            item.sanitize = lambda text, exact=exact: Approximately(exact(text)) if isinstance(text, str) else text
    items.sort(key=lambda item: item.path.suffix != ".ipynb")  # stable: the order inside a notebook stays


@pytest.fixture(scope="session")
def vgg():
    """The original VGG19, on the CPU."""
    from helpers.vgg import VGG

    return VGG(device="cpu")


@pytest.fixture
def ramp():
    """A picture (1, 3, 32, 48) that is neither square nor symmetric: red grows across, green grows down."""
    import torch

    picture = torch.zeros(1, 3, 32, 48)
    picture[:, 0] = torch.linspace(0, 1, 48)
    picture[:, 1] = torch.linspace(0, 1, 32)[:, None]
    return picture
