"""What a painting needs of memory, and what there is: a sentence before the first evaluation."""

from pathlib import Path

import torch

__all__ = ["free_memory", "memory_for"]

# Channels and convolutions of each block, as far as relu5_1; notebook 09 counts them.
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
PROCESS = 900_000_000  # bytes of Python, torch and a network with transformed filters
HALO = 80  # pixels around a tile, as far as relu5_1; helpers.tiles counts them
NO_LIMIT = 2**62
CONTAINER = Path("/sys/fs/cgroup")  # where Linux says what a container may take
PAIRS = 50  # steps and changes of gradient that L-BFGS keeps, within a gigabyte
LEAST_PAIRS = 5  # or as many, however large the picture is
# Bytes a pixel that tiles do not make fewer: images, what L-BFGS works with, content features.
# Where the picture is painted as one, they fit into what its features leave behind.
BESIDE = 450


def memory_for(pixels: int, half: bool = False, tile: int | None = None) -> int:
    """Bytes that a process needs for a painting of so many pixels.

    Features and their gradients, L-BFGS, and a process with a network: notebook 09 derives the
    first, and a real run stays below the sum. half: features in half precision, as `fast` makes
    them where it can. tile: the side of the tiles in which it is painted (helpers.tiles); None
    takes the picture as one.
    """
    at_once = pixels if tile is None else min(pixels, (tile + 2 * HALO) ** 2)
    bytes_a_number = 2 if half else 4
    features = 0
    left = at_once
    for channels, convolutions in BLOCKS:
        features += bytes_a_number * channels * left * (convolutions + 1)
        left //= 4
    a_pair = 2 * 4 * 3 * pixels
    history = max(LEAST_PAIRS * a_pair, min(10**9, PAIRS * a_pair))
    beside = BESIDE * pixels if at_once < pixels else 0
    return PROCESS + round(1.5 * features) + history + beside


def free_memory(device: torch.device | None = None) -> int:
    """Bytes that are free for programs on this machine, or on its CUDA device.

    0 where nobody can tell.
    """
    if device is not None and device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        import psutil  # Jupyter brings it
    except ImportError:
        return 0
    return min(psutil.virtual_memory().available, _left_in_container())


def _left_in_container() -> int:
    """What a container's own limit leaves; a lot, where there is none."""
    if not CONTAINER.exists():
        return NO_LIMIT
    try:
        limit = int((CONTAINER / "memory.max").read_text())
        return max(0, limit - int((CONTAINER / "memory.current").read_text()))
    except (OSError, ValueError):  # no such file, or "max"
        return NO_LIMIT
