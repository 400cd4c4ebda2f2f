"""What an evaluation costs, beside the least that this machine could spend on it."""

import itertools
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch

from helpers.fast import fast, keep_memory
from helpers.vgg import VGG
from tools.bench.options import Options, Table
from tools.countdown import Countdown
from tools.pictures.painting import STYLE, total_loss

KERNEL = 3 * 3  # multiply-adds of a convolution for one pair of channels at one place


def floor(options: Options) -> Table:
    """ms of an evaluation in the best precision here, beside multiply-adds over the peak."""
    keep_memory()
    network = fast(VGG(device=options.device))
    sizes = (128, 256) if options.quick else (128, 256, 512, 1024)
    table = {}
    for pixels in sizes:
        row = beside_floor(network, pixels)
        table[f"{pixels} px"] = row
        cost = f"{row['ms']:.1f} ms, {row['times the floor']:.2f} times the floor"
        print(f"  {pixels} px, {network.dtype}: {cost}", flush=True)
    return table


def beside_floor(vgg: VGG, pixels: int) -> dict[str, float]:
    """ms of an evaluation at one size, and the least that it could take."""
    evaluate = one_evaluation(vgg, pixels)
    evaluate()
    repeats = 3 if pixels >= 512 else 9
    seconds = statistics.median(timed(evaluate) for _ in range(repeats))
    least = multiply_adds(vgg, pixels) / peak(vgg.dtype, vgg.device)
    return {"ms": 1000 * seconds, "floor ms": 1000 * least, "times the floor": seconds / least}


def multiply_adds(vgg: VGG, pixels: int) -> float:
    """Multiply-adds of one evaluation at pixels x pixels, forth and back to the image.

    Direct convolutions and five Gram matrices; the way back costs as much, because weights are
    fixed. In float32, `fast` makes fewer on an x86 processor.
    """
    total = 0
    side = pixels
    for name, layer in vgg.layers.items():
        if name.startswith("pool"):
            side //= 2
        if name.startswith("conv"):
            total += 2 * KERNEL * layer.in_channels * layer.out_channels * side**2
            channels = layer.out_channels
        if name in STYLE:
            total += 2 * channels**2 * side**2  # F Fᵀ, and its gradient times F
        if name == STYLE[-1]:
            break
    return total


@torch.no_grad()
def peak(kind: torch.dtype, device: torch.device) -> float:
    """Multiply-adds a second of the best of some large products: what the machine can do."""
    rates = []
    for side in (1024, 2048):
        matrix = torch.rand(side, side, device=device).to(kind)
        rates.append(side**3 / shortest(partial(square_matrix, matrix)))
    channels = 256
    side = 64
    convolution = torch.nn.Conv2d(channels, channels, 3, padding=1)
    convolution.to(device, kind, memory_format=torch.channels_last)
    features = torch.rand(1, channels, side, side, device=device).to(kind)
    features = features.contiguous(memory_format=torch.channels_last)
    work = KERNEL * channels**2 * side**2
    rates.append(work / shortest(partial(convolve, convolution, features)))
    return max(rates)


def square_matrix(matrix: torch.Tensor) -> float:
    """One matrix product; reading one number waits for the device."""
    return (matrix @ matrix)[0, 0].item()


def convolve(convolution: torch.nn.Module, features: torch.Tensor) -> float:
    """One convolution; reading one number waits for the device."""
    return convolution(features)[0, 0, 0, 0].item()


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def shortest(work: Callable[[], object], times: int = 7) -> float:
    """Seconds of the shortest of some calls."""
    return min(timed(work) for _ in range(times))


def one_evaluation(vgg: VGG, pixels: int) -> Callable[[], None]:
    """A function that evaluates loss and gradient of a square image once."""
    generator = torch.Generator().manual_seed(0)
    picture = torch.rand(1, 3, pixels, pixels, generator=generator).to(vgg.device)
    image = torch.rand(1, 3, pixels, pixels, generator=generator).to(vgg.device).requires_grad_()
    loss = total_loss(vgg, picture, picture, 0.05)

    def evaluate() -> None:
        image.grad = None
        loss(image).backward()
        image.grad[0, 0, 0, 0].item()  # waits for the device

    return evaluate


GPU_SIZES = (512, 1024, 2048, 4096)
PRECISIONS = ("float32", "tf32", "bfloat16")
MODES = ("eager", "compiled", "graphs")


def gpu(options: Options) -> Table:
    """ms of 500 evaluations on a GPU in several precisions: plain, compiled, with CUDA graphs."""
    if options.device.type != "cuda":
        print("  there is no CUDA device here: nothing was measured", flush=True)
        return {"gpu": {"measured": None}}
    table = {}
    countdown = Countdown(sum(pixels**2 for pixels in GPU_SIZES) * len(PRECISIONS) * len(MODES))
    for pixels, precision, mode in itertools.product(GPU_SIZES, PRECISIONS, MODES):
        row = {"ms for 500": ms_for_500(options.device, pixels, precision, mode)}
        table[f"{pixels} px {precision} {mode}"] = row
        countdown.step(f"{pixels} px {precision} {mode}: {row}", work=pixels**2)
    return table


def ms_for_500(device: torch.device, pixels: int, precision: str, mode: str) -> float | None:
    """The median of 15 evaluations times 500, in ms; None where they do not fit into memory."""
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    network = VGG(device=device)
    if precision == "bfloat16":
        fast(network, "bfloat16")
    if mode != "eager":
        network.compile(mode="reduce-overhead" if mode == "graphs" else "default")
    try:
        evaluate = one_evaluation(network, pixels)
        for _ in range(4):
            evaluate()
        return 500 * 1000 * statistics.median(timed(evaluate) for _ in range(15))
    except torch.OutOfMemoryError:
        return None
    finally:
        torch.cuda.empty_cache()
