"""How much memory whole runs need, and how time and memory grow with the picture."""

import itertools
import math
import statistics
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from helpers.fast import fast, keep_memory, pyramid
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.bench.options import Options, Table
from tools.bench.peers import plain_products
from tools.bench.workers import worker
from tools.countdown import Countdown
from tools.pictures.painting import total_loss

STATUS = Path("/proc/self/status")
UNKNOWN = "  memory cannot be measured here: Python's module `resource` is for Unix and macOS only"


def growth(options: Options) -> Table:
    """Seconds of an evaluation and peak memory at growing sizes, each in its own process."""
    say_where_memory_is_unknown()
    sizes = (256, 512) if options.quick else (256, 512, 1024, 2048)
    lengths = {pixels: 6 if pixels > 1024 else 14 for pixels in sizes}
    countdown = Countdown(sum(lengths[pixels] * pixels**2 for pixels in sizes))
    rows = {}
    for pixels, evaluations in lengths.items():
        task = {"name": "painting", "px": pixels, "evaluations": evaluations}
        rows[pixels] = worker(options, task)
        countdown.step(f"{pixels} px: {rows[pixels]}", work=evaluations * pixels**2)
    table = {f"{pixels} px": row for pixels, row in rows.items()}
    table["exponent"] = {
        column: exponent({pixels**2: row[column] for pixels, row in rows.items()})
        for column in ("seconds", "MB above start")
    }
    return table


def exponent(points: dict[float, float | None]) -> float | None:
    """The slope of log y over log x, {x: y}: 1 means that y grows as x does.

    None where something was not measured, or is 0.
    """
    if not all(points.values()):
        return None
    logarithms = [(math.log(x), math.log(y)) for x, y in points.items()]
    return statistics.linear_regression(*zip(*logarithms, strict=True)).slope


def memory(options: Options) -> Table:
    """Peak memory of the same run with our savings and without.

    Without: float32, products by autograd, and a history of 100 steps.
    """
    say_where_memory_is_unknown()
    sizes = (256,) if options.quick else (512, 1024)
    countdown = Countdown(2 * sum(pixels**2 for pixels in sizes))
    table = {}
    for pixels in sizes:
        row = {}
        for kind in ("with", "without"):
            task = {"name": "painting", "px": pixels, "evaluations": 8, "plain": kind == "without"}
            row[f"MB {kind} savings"] = worker(options, task)["MB above start"]
            countdown.step(f"{pixels} px {kind} savings", work=pixels**2)
        row["ratio"] = ratio(row["MB without savings"], row["MB with savings"])
        table[f"{pixels} px"] = row
        print(f"  {pixels} px: {row}", flush=True)
    return table


def ratio(value: float | None, base: float | None) -> float | None:
    """value / base, or None where one of them is unknown or 0."""
    return value / base if value and base else None


def peak_memory() -> float | None:
    """The most memory that this process has held, in MB; None where nobody can tell (Windows)."""
    if STATUS.exists():  # Linux; getrusage would count the parent's memory as well
        lines = STATUS.read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return int(kilobytes) / 2**10
    try:
        import resource
    except ImportError:
        return None
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 2**20 if sys.platform == "darwin" else largest / 2**10


def say_where_memory_is_unknown() -> None:
    """One line on machines where the columns of memory stay empty."""
    if peak_memory() is None:
        print(UNKNOWN, flush=True)


def paint_a_few(options: Options, task: dict) -> dict:
    """(in a worker) Paint for a few evaluations.

    task: "px", "evaluations", and "plain" for a run without our savings. Returns the median
    seconds of an evaluation, and the peak of the process, whole and above its start.
    """
    plain = task.get("plain", False)
    network = VGG(device=options.device)
    if not plain:
        network = fast(network)
    keep_memory()  # in both: it is about time
    generator = torch.Generator().manual_seed(0)
    photo = torch.rand(1, 3, task["px"], task["px"], generator=generator).to(options.device)
    style = photo.flip(3)
    before = peak_memory()
    loss = total_loss(network, style, style, 0.05)
    moments = []

    def callback(step: int, image: Tensor, value: float) -> None:
        moments.append(time.perf_counter())

    with plain_products() if plain else nullcontext():
        optimise(
            photo,
            loss,
            task["evaluations"],
            method=long_memory if plain else "lbfgs",
            pixels="fence",
            callback=callback,
            parametrize=pyramid,
        )
    after = peak_memory()
    times = [later - earlier for earlier, later in itertools.pairwise(moments[1:])]
    return {
        "seconds": statistics.median(times),
        "MB above start": None if after is None else after - before,
        "MB of the process": after,
    }


def long_memory(variables: list[Tensor]) -> torch.optim.LBFGS:
    """L-BFGS with a history of 100 steps, as PyTorch's default is, and no early stop."""
    return torch.optim.LBFGS(variables, max_iter=10**6, history_size=100, tolerance_change=0)
