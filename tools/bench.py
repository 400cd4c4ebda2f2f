"""Measure how fast the series paints, beside its peers and beside what the machine could do.

    python tools/bench.py                     everything, about half an hour on two cores
    python tools/bench.py --quick             the same questions with smaller pictures and fewer repeats, under 3 minutes
    python tools/bench.py --only race,tricks  some topics

    race     seconds to the objective that a published loop reaches, on the same network, pictures and machine
    tricks   what each trick gains: the race without it
    floor    ms per evaluation, against multiply-adds over the machine's measured peak
    growth   time and peak memory against the number of pixels
    memory   peak memory, against the same run without our savings
    first    seconds from a warm start to the first painting of notebook 00
    gpu      ms per evaluation on a GPU: float32, tf32, bfloat16, compiled and as CUDA graphs (only where there is one)

Times are medians of interleaved repeats; ratios are worth more than seconds. Results go to --out (JSON, and a plot);
topics that stand there already, from the same machine and settings, stay. The network is the original VGG19.
"""

import argparse
import functools
import itertools
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers import recipes, transfer  # noqa: E402
from helpers.fast import fast, keep_memory, matched_colour, pyramid  # noqa: E402
from helpers.images import load  # noqa: E402
from helpers.recipes import Objective, recipe  # noqa: E402
from helpers.transfer import gram, optimise  # noqa: E402
from helpers.vgg import VGG, best_device  # noqa: E402
from tools.make_results import total_loss  # noqa: E402

TOPICS = ("race", "tricks", "floor", "growth", "memory", "first", "gpu")
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
TUTORIAL = {"style": ("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"), "content": "conv2_2", "weight": 1e6}
PEERS = {"tutorial": 300, "gatys": 500, "neural_style_pt": 1000}  # published loops and their own number of evaluations
TRICKS = ("pyramid", "colour", "half", "products", "memory")
FENCED = 10  # our losses start at this value, which sets what a pixel outside [0, 1] costs


# ---- loops -------------------------------------------------------------------------------------------------------


@contextmanager
def plain_products():
    """F Fᵀ in float32 by autograd, as everybody writes it."""

    def multiply(flat):
        flat = flat.float()
        return flat @ flat.T

    kept = transfer.products, recipes.products
    transfer.products = recipes.products = multiply
    try:
        yield
    finally:
        transfer.products, recipes.products = kept


class TutorialLoss:
    """The objective of PyTorch's official tutorial: mean squared errors of Gram matrices / (C h w), and of conv2_2."""

    def __init__(self, net, photo, style):
        self.net, self.layers = net, list(TUTORIAL["style"])
        with torch.no_grad():
            self.aims = [self.matrix(f) for f in net(style, self.layers).values()]
            self.target = net(photo, [TUTORIAL["content"]])[TUTORIAL["content"]].float()

    def matrix(self, f):
        return gram(f) / f.shape[1]

    def __call__(self, image):
        found = self.net(image, self.layers)
        wrong = sum(F.mse_loss(self.matrix(f), a) for f, a in zip(found.values(), self.aims, strict=True))
        return TUTORIAL["weight"] * wrong + F.mse_loss(found[TUTORIAL["content"]].float(), self.target)


def published(peer: str, objective, photo, evaluations: int):
    """A peer's loop as published -> (seconds at each evaluation, the images there; the pixels of two of them run free).

    tutorial: torch's L-BFGS as it comes, pixels clamped inside the closure. The other two: as their recipe says.
    """
    grey = peer != "tutorial" and recipe(peer).start == "grey"
    times, images, image = [], [], (torch.full_like(photo, 0.5) if grey else photo.clone()).requires_grad_()
    began = time.perf_counter()

    def closure():
        if peer == "tutorial":
            with torch.no_grad():
                image.clamp_(0, 1)
        image.grad = None
        value = objective(image)
        value.backward()
        value.item()
        images.append(image.detach().clone())
        times.append(time.perf_counter() - began)
        return value

    optimizer = torch.optim.LBFGS([image]) if peer == "tutorial" else recipes._method(recipe(peer))([image])
    while len(images) < evaluations:
        optimizer.step(closure)
    return times[:evaluations], images[:evaluations]


def ours(net, build, photo, style, evaluations: int, without: str = ""):
    """Our loop, with all tricks but one -> (seconds at each evaluation, the images there)."""
    times, images = [], []
    began = time.perf_counter()
    objective, unit = build(net, photo, style), []
    start = photo if without == "colour" else matched_colour(photo, style)

    def loss(image):
        value = objective(image)
        unit.append(FENCED / value.item()) if not unit else None
        return unit[0] * value

    def seen(step, image, value):
        times.append(time.perf_counter() - began)
        images.append(image)

    via = None if without == "pyramid" else pyramid
    optimise(start, loss, evaluations, seen=seen, via=via)
    return times, images


def reached(times, images, judge, aim: float):
    """The first moment at which the clamped image's objective, in float32, is at most `aim` -> (evaluation, seconds)."""
    with torch.no_grad():
        good = [judge(image.clamp(0, 1)).item() <= aim for image in images[7::8]]  # coarsely, then within the eight
        after = 8 * good.index(True) if True in good else len(images) // 8 * 8
        for step in range(after, min(after + 8, len(images))):
            if judge(images[step].clamp(0, 1)).item() <= aim:
                return step + 1, times[step]
    return None, None


# ---- topics ------------------------------------------------------------------------------------------------------


def objective_of(peer: str):
    """(network, photo, style) -> the peer's loss: image -> scalar."""
    return TutorialLoss if peer == "tutorial" else functools.partial(_of_recipe, peer)


def _of_recipe(peer, net, photo, style):
    return Objective(recipe(peer), net, photo, style)


def pictures(options, device):
    """The photo, and the style at the photo's size, as the tutorial needs it."""
    photo = load(options.pair[0], options.px).to(device)
    style = load(options.pair[1], options.px).to(device)
    return photo, F.interpolate(style, photo.shape[2:], mode="bicubic", antialias=True).clamp(0, 1)


def race(options) -> dict:
    """Each peer against ours, interleaved. The aim: its best of the ten evaluations up to 40 % and up to all of its own.

    Ours has to reach it with clamped pixels; a peer whose pixels run free is judged as it is, before saving.
    """
    table = {}
    for peer in options.peers.split(","):
        evaluations = options.evaluations or (120 if options.quick else PEERS[peer])
        marks = sorted({max(1, round(0.4 * evaluations)), evaluations})
        rows = [_heat(options, peer, evaluations, marks) for _ in range(options.repeats)]
        table[peer] = {key: _median(row[key] for row in rows) for key in rows[0]}
        print(f"  {peer}: {table[peer]}", flush=True)
    return table


def _median(values):
    found = [v for v in values if v is not None]
    return round(statistics.median(found), 4) if found else None


def _heat(options, peer, evaluations, marks) -> dict:
    """One race: the published loop in float32, then ours; the judge computes in float32, ours on clamped images."""
    build, exact = objective_of(peer), VGG(device=options.device)
    net = fast(VGG(device=options.device))
    photo, style = pictures(options, options.device)
    began = time.perf_counter()
    with plain_products():
        judge = build(exact, photo, style)
        preparing = time.perf_counter() - began
        times, images = published(peer, judge, photo, evaluations)
    with torch.no_grad():
        values = {mark: min(judge(image).item() for image in images[max(0, mark - 10) : mark]) for mark in marks}
    found, images = ours(net, build, photo, style, max(30, evaluations // 2))
    row = {}
    for mark, aim in values.items():
        step, seconds = reached(found, images, judge, aim)
        theirs = preparing + times[mark - 1]
        row |= {f"objective after {mark}": aim, f"their seconds for {mark}": theirs}
        row |= {f"our evaluations for {mark}": step, f"our seconds for {mark}": seconds}
        row |= {f"times as fast for {mark}": theirs / seconds if seconds else None}
    return row


def tricks(options) -> dict:
    """Seconds and evaluations to one objective of the tutorial's, with every trick and without each of them."""
    photo, style = pictures(options, options.device)
    exact = VGG(device=options.device)
    judge = TutorialLoss(exact, photo, style)
    evaluations = 24 if options.quick else 80
    times, images = ours(fast(VGG(device=options.device)), TutorialLoss, photo, style, evaluations // 2)
    with torch.no_grad():
        aim = judge(images[-1].clamp(0, 1)).item()
    table = {"objective": {"aim": aim}}
    for name in ("nothing", *TRICKS):
        rows = [_without(options, name, 2 * evaluations, aim) for _ in range(options.repeats)]
        table[f"without {name}"] = {key: _median(row[key] for row in rows) for key in rows[0]}
        print(f"  without {name}: {table[f'without {name}']}", flush=True)
    return table


def _without(options, file, name: str, evaluations: int, aim: float) -> dict:
    """One run without one trick, in a process of its own: kept memory cannot be given back."""
    words = {"task": "without", "name": name, "evaluations": evaluations, "aim": aim}
    return worker(options, words, NST_KEEP_MEMORY="0" if name == "memory" else "1")


def task_without(options, words) -> dict:
    """(worker) Run ours without one trick until the aim is reached."""
    net, name = VGG(device=options.device), words["name"]
    net = net if name == "half" else fast(net)
    photo, style = pictures(options, options.device)
    judge = TutorialLoss(VGG(device=options.device), photo, style)
    with plain_products() if name == "products" else nullcontext():
        times, images = ours(net, TutorialLoss, photo, style, words["evaluations"], name)
    step, seconds = reached(times, images, judge, words["aim"])
    return {
        "evaluations": step,
        "seconds": seconds,
        "ms per evaluation": 1000 * (times[-1] - times[0]) / (len(times) - 1),
    }


def multiply_adds(net: VGG, px: int) -> float:
    """Multiply-adds of one evaluation at px x px: convolutions and five Gram matrices, forth and back to the image."""
    total, side, area = 0, px, 0
    for name, layer in net.layers.items():
        if name.startswith("pool"):
            side //= 2
        area = side * side
        if name.startswith("conv"):
            total += 2 * 9 * layer.in_channels * layer.out_channels * area  # once forth, once back: weights are fixed
        if name in STYLE:
            total += 2 * width_of(net, name) ** 2 * area  # F Fᵀ, and its gradient times F
        if name == STYLE[-1]:
            break
    return total


def width_of(net: VGG, name: str) -> int:
    """Channels of a layer: those of the convolution before it."""
    return net.layers[name.replace("relu", "conv")].out_channels


def peak(dtype, device) -> float:
    """Multiply-adds a second of the best of several large matrix products and convolutions: what the machine can do."""
    best = 0.0
    for side in (1024, 2048):
        a = torch.rand(side, side, device=device).to(dtype)
        best = max(best, side**3 / _shortest(lambda a=a: (a @ a)[0, 0].item()))
    conv = torch.nn.Conv2d(256, 256, 3, padding=1).to(device, dtype, memory_format=torch.channels_last)
    x = torch.rand(1, 256, 64, 64, device=device).to(dtype).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        return max(best, 9 * 256**2 * 64**2 / _shortest(lambda: conv(x)[0, 0, 0, 0].item()))


def _shortest(work, times: int = 7) -> float:
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def one_evaluation(net, px: int):
    """-> a function that evaluates loss and gradient of a px x px image once."""
    device = next(net.parameters()).device
    picture = torch.rand(1, 3, px, px, device=device)
    loss = total_loss(net, picture, picture, 0.05)
    image = torch.rand(1, 3, px, px, device=device).requires_grad_()

    def evaluate():
        image.grad = None
        loss(image).backward()
        image.grad[0, 0, 0, 0].item()

    return evaluate


def floor(options) -> dict:
    """ms of an evaluation in the best precision here, beside the floor: multiply-adds over peak."""
    keep_memory()
    table, sizes = {}, (128, 256) if options.quick else (128, 256, 512, 1024)
    for px in sizes:
        net = fast(VGG(device=options.device))
        evaluate, runs = one_evaluation(net, px), []
        evaluate()
        for _ in range(3 if px >= 512 else 9):
            runs.append(_shortest(evaluate, 1))
        least = multiply_adds(net, px) / peak(net.dtype, options.device)
        ms = 1000 * statistics.median(runs)
        table[f"{px} px"] = {"ms": ms, "floor ms": 1000 * least, "times the floor": ms / (1000 * least)}
        print(f"  {px} px, {net.dtype}: {ms:.1f} ms, {ms / (1000 * least):.2f} times the floor", flush=True)
    return table


def growth(options) -> dict:
    """Seconds per evaluation and peak memory of whole runs at growing sizes, each in its own process."""
    sizes = (256, 512) if options.quick else (256, 512, 1024, 2048)
    table = {}
    for px in sizes:
        words = {"task": "painting", "px": px, "evaluations": 6 if px > 1024 else 14}
        table[f"{px} px"] = worker(options, words)
        print(f"  {px} px: {table[f'{px} px']}", flush=True)
    table["exponent"] = {
        key: exponent([(px**2, table[f"{px} px"][key]) for px in sizes]) for key in ("seconds", "MB above start")
    }
    return table


def exponent(points) -> float:
    """The slope of log y over log x by least squares: 1 means that y grows as x does."""
    x, y = ([math.log(p[k]) for p in points] for k in range(2))
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def memory(options) -> dict:
    """Peak memory of the same run with our savings and without: float32, plain products, a history of 100."""
    table = {}
    for px in (256,) if options.quick else (512, 1024):
        words = {"task": "painting", "px": px, "evaluations": 8}
        row = {word: worker(options, words | {"plain": word == "without"}) for word in ("with", "without")}
        table[f"{px} px"] = {f"MB {word} savings": row[word]["MB above start"] for word in row}
        table[f"{px} px"]["ratio"] = row["without"]["MB above start"] / row["with"]["MB above start"]
        print(f"  {px} px: {table[f'{px} px']}", flush=True)
    return table


def peak_memory() -> float:
    """The most memory that this process has held, in MB. Linux's getrusage would count the parent's as well."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def task_painting(options, words) -> dict:
    """(worker) Paint a few evaluations; -> median seconds of one, and the peak of the process above its start."""
    device, px, plain = options.device, words["px"], words.get("plain", False)
    net = VGG(device=device)
    net = net if plain else fast(net)
    photo = torch.rand(1, 3, px, px, generator=torch.Generator().manual_seed(0)).to(device)
    before, times = peak_memory(), []
    loss = total_loss(net, photo.flip(3), photo.flip(3), 0.05)
    if plain:
        transfer.METHODS["lbfgs"] = lambda z: torch.optim.LBFGS(z, max_iter=10**6, history_size=100, tolerance_change=0)
    with plain_products() if plain else nullcontext():
        optimise(photo, loss, words["evaluations"], seen=lambda *_: times.append(time.perf_counter()), via=pyramid)
    high = peak_memory()
    each = statistics.median(b - a for a, b in itertools.pairwise(times[1:]))
    return {"seconds": each, "MB above start": high - before, "MB of the process": high}


def first(options) -> dict:
    """Seconds from starting a kernel to the end of the cell that paints, in notebook 00 as committed."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", 4)
    last = next(i for i, cell in enumerate(notebook.cells) if "painting" in cell.metadata.get("tags", []))
    notebook.cells, runs = notebook.cells[: last + 1], []
    made = ROOT / "notebooks" / "my_first_painting.png"
    there = made.exists()
    for _ in range(options.repeats):
        began = time.perf_counter()
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(made.parent)}}).execute()
        runs.append(time.perf_counter() - began)
    if not there:
        made.unlink(missing_ok=True)
    return {"notebook 00": {"seconds": statistics.median(runs), "slowest": max(runs)}}


def gpu(options) -> dict:
    """ms per evaluation on a GPU in several precisions, plain, compiled, and compiled with CUDA graphs."""
    if options.device.type != "cuda":
        return {"gpu": {"measured": None}}
    table = {}
    for px in (512, 1024, 2048, 4096):
        for kind, mode in itertools.product(("float32", "tf32", "bfloat16"), ("eager", "compiled", "graphs")):
            torch.set_float32_matmul_precision("high" if kind == "tf32" else "highest")
            torch.backends.cudnn.allow_tf32 = kind == "tf32"
            row = {"ms for 500": _on_gpu(px, kind, mode, options.device)}
            table[f"{px} px {kind} {mode}"] = row
            print(f"  {px} px {kind} {mode}: {row}", flush=True)
    return table


def _on_gpu(px, kind, mode, device):
    """Median ms over repeats, times 500; None where it does not fit."""
    net = VGG(device=device)
    if kind == "bfloat16":
        fast(net, kind)
    if mode != "eager":
        net.compile(mode="reduce-overhead" if mode == "graphs" else "default")
    try:
        evaluate = one_evaluation(net, px)
        for _ in range(4):
            evaluate()
        return 500 * 1000 * statistics.median(_shortest(evaluate, 1) for _ in range(15))
    except torch.OutOfMemoryError:
        return None
    finally:
        torch.cuda.empty_cache()


# ---- processes of their own --------------------------------------------------------------------------------------


def worker(options, words: dict, **environment) -> dict:
    """Do a task in a fresh process, so that its memory and settings are its own -> what it found."""
    command = [
        sys.executable,
        __file__,
        "--worker",
        json.dumps(words),
        "--px",
        str(options.px),
        "--pair",
        *options.pair,
    ]
    run = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"{words} failed:\n{run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


# ---- the report --------------------------------------------------------------------------------------------------


def plot(table: dict, path: Path) -> None:
    """One row of bars for each topic that has seconds, ms or MB to compare."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    wanted = {"race": "times as fast", "tricks": "seconds", "floor": "times the floor", "memory": "ratio"}
    panels = []
    for topic, key in wanted.items():
        cells = [
            (f"{name}{word.removeprefix(key)}", v)
            for name, row in table.get(topic, {}).items()
            for word, v in row.items()
            if word.startswith(key)
        ]
        panels.append((topic, key, {name: value for name, value in cells if value}))
    panels = [panel for panel in panels if panel[2]]
    if not panels:
        return
    figure, axes = plt.subplots(len(panels), 1, figsize=(8, 2.2 * len(panels)), squeeze=False, layout="constrained")
    for axis, (topic, key, bars) in zip(axes[:, 0], panels, strict=True):
        axis.barh(list(bars), list(bars.values()), color="#33608c")
        axis.invert_yaxis()
        axis.set_title(f"{topic}: {key}", loc="left")
    figure.savefig(path, dpi=110)


def show(table: dict) -> None:
    """Print {topic: {row: {column: value}}}."""
    for topic, rows in table.items():
        print(f"\n{topic}")
        for name, row in rows.items() if isinstance(rows, dict) else ():
            values = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
            print(f"  {name}: " + ", ".join(values))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer repeats and smaller pictures, under 3 minutes on two cores")
    add("--only", default=",".join(TOPICS), help=f"some of {','.join(TOPICS)}")
    add("--pair", nargs=2, default=["china", "starry_night"], metavar=("PHOTO", "STYLE"), help="names or files")
    add("--px", type=int, default=256, help="long side of the race's pictures")
    add("--evaluations", type=int, help="of the published loops, instead of their own number")
    add("--repeats", type=int, default=3, help="interleaved repeats, of which the median counts")
    add("--out", type=Path, default=ROOT / "build" / "bench", help="where FILE.json and FILE.png go")
    add("--worker", help=argparse.SUPPRESS)
    add("--peers", help=f"some of {','.join(PEERS)}; all of them, with --quick the first")
    options = parser.parse_args()
    options.peers = options.peers or ("tutorial" if options.quick else ",".join(PEERS))
    options.repeats = 1 if options.quick else options.repeats
    for topic in set(options.only.split(",")) - set(TOPICS):
        parser.error(f"there is no topic {topic!r}; known: {', '.join(TOPICS)}")
    options.device = best_device()
    return options


def main():
    options = arguments()
    if options.worker:
        words = json.loads(options.worker)
        print(json.dumps({"without": task_without, "painting": task_painting}[words["task"]](options, words)))
        return
    threads = torch.get_num_threads()
    about = {
        "network": VGG(device="cpu").name,
        "device": str(options.device),
        "threads": threads,
        "torch": torch.__version__,
    }
    about |= {
        "system": f"{platform.system()} {platform.machine()}",
        "pair": options.pair,
        "px": options.px,
        "quick": options.quick,
    }
    print(", ".join(f"{key}: {value}" for key, value in about.items()), flush=True)
    before = options.out.with_suffix(".json")
    known = json.loads(before.read_text(encoding="utf-8")) if before.exists() else {}
    table = {topic: known[topic] for topic in TOPICS if topic in known and known["about"] == about}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for topic in options.only.split(","):
        began = time.perf_counter()
        print(f"{topic} ...", flush=True)
        table[topic] = globals()[topic](options)
        print(f"{topic} took {time.perf_counter() - began:.0f} s", flush=True)
        text = json.dumps({"about": about} | table, indent=1) + "\n"
        options.out.with_suffix(".json").write_text(text, encoding="utf-8")
    show(table)
    plot(table, options.out.with_suffix(".png"))
    print(f"\nwrote {options.out.with_suffix('.json')} and {options.out.with_suffix('.png')}")


if __name__ == "__main__":
    main()
