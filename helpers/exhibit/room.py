"""What a painting needs, and what this machine has: pixels, evaluations, time and memory."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from helpers.memory import memory_for
from helpers.recipes import Recipe, recipe

__all__ = [
    "Needs",
    "cores",
    "free_disk",
    "has_gpu",
    "made",
    "needs",
    "painters",
]

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
    return Needs(memory_for(pixels), disk, core_seconds)


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
