"""What a painting needs, and what this machine has: pixels, evaluations, time and memory."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from helpers.recipes import Recipe, recipe

__all__ = [
    "Needs",
    "cores",
    "free_disk",
    "free_memory",
    "has_gpu",
    "made",
    "memory",
    "needs",
    "painters",
]

# Channels and convolutions of each block, as far as relu5_1; notebook 09 counts them.
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
PROCESS = 700_000_000  # bytes that Python, torch and the network take before anything is painted
PAIRS = 50  # steps and changes of gradient that L-BFGS keeps, within a gigabyte
# Seconds of one core for an evaluation of a pixel, in float32; half precision takes about half.
SECONDS_A_PIXEL = 17e-6
SECONDS_A_JOB = 1.0  # of one core, to read the pictures, to measure and to write


@cache
def made(name: str, changes: str) -> Recipe:
    """A recipe with its changes, which are JSON.

    It is checked when it is made, which takes a while; ten thousand jobs share a few.
    """
    return recipe(name, **json.loads(changes))


class Needs(NamedTuple):
    """What one painting takes: bytes of memory and disk, and seconds of one core."""

    memory: int
    disk: int
    core_seconds: float


def needs(
    chosen: Recipe,
    sides: tuple[int, int],
    *,
    size: int | None = None,
    steps: int | None = None,
    precision: str = "fast",
) -> Needs:
    """What a painting by a recipe takes.

    sides: width and height of the photo. size, steps: as in `paint`; None takes those of the
    recipe. precision: as in a plan. The seconds are those of a processor.
    """
    width, height = sides
    of = {"long": max(sides), "short": min(sides), "height": height}[chosen.side]
    final = size or chosen.size
    pixels = round(width * final / of) * round(height * final / of)
    evaluated = 0.0  # pixels, each as often as it is evaluated
    for stage in chosen.stages or ({"steps": chosen.steps},):
        share = stage.get("size", chosen.size) / chosen.size
        evaluated += stage["steps"] * share**2 * pixels
    if steps is not None:
        evaluated *= steps / chosen.steps
    halved = 1.0 if precision == "float32" else 0.5
    core_seconds = evaluated * SECONDS_A_PIXEL * halved + SECONDS_A_JOB
    disk = 3 * pixels  # the file of a painting has nearly all its bytes
    return Needs(memory(pixels), disk, core_seconds)


def memory(pixels: int) -> int:
    """Bytes that a process needs for a painting of so many pixels, in float32.

    Features and their gradients, L-BFGS, and a process with a network: notebook 09 derives the
    first, and a real run stays below the sum.
    """
    features = 0
    left = pixels
    for channels, convolutions in BLOCKS:
        features += 4 * channels * left * (convolutions + 1)
        left //= 4
    history = min(10**9, PAIRS * 2 * 4 * 3 * pixels)
    return PROCESS + round(1.5 * features) + history


def free_memory() -> int:
    """Bytes that are free for programs; 0 where nobody can tell."""
    try:
        import psutil  # Jupyter brings it
    except ImportError:
        return 0
    return min(psutil.virtual_memory().available, _left_in_container())


def _left_in_container() -> int:
    """What a container's own limit leaves; a lot, where there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text())
        return max(0, limit - int((folder / "memory.current").read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return 2**62


def free_disk(folder: Path) -> int:
    """Bytes that are free where a folder is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def cores() -> int:
    """Processor cores that this process may use."""
    from joblib import cpu_count

    return cpu_count()


def has_gpu() -> bool:
    """Whether torch has a GPU here, of any kind."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def painters() -> int:
    """How many can paint at once, apart from memory: one for each core, or one on a GPU."""
    return 1 if has_gpu() else cores()
