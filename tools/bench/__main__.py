"""The command line of the bench: `python -m tools.bench --help`."""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

import torch

from helpers.files import write_file
from helpers.vgg import VGG, best_device
from tools import bench
from tools.bench.first import first
from tools.bench.hardware import floor, gpu
from tools.bench.memory import growth, memory, paint_a_few
from tools.bench.options import TEN_PAIRS, Options, photo_and_style
from tools.bench.peers import PEERS
from tools.bench.races import race, run_without, tricks
from tools.bench.report import print_report, write_page, write_plot
from tools.bench.workers import ROOT
from tools.countdown import duration
from tools.endings import Mistake
from tools.words import folder, positive

SMALLEST = 16  # pixels that `load` makes of a picture
TOPICS = {  # Options -> {row: {column: value}}
    "race": race,
    "tricks": tricks,
    "floor": floor,
    "growth": growth,
    "memory": memory,
    "first": first,
    "gpu": gpu,
}
TASKS = {  # what a worker does: Options, task -> answer
    "without": run_without,
    "painting": paint_a_few,
}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line, checked."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench",
        description=bench.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats and smaller pictures")
    parser.add_argument("--only", help=f"some of {','.join(TOPICS)}")
    parser.add_argument("--pair", nargs=2, metavar=("PHOTO", "STYLE"), help="names or files")
    parser.add_argument("--ten-pairs", action="store_true", help="the race on ten pairs instead")
    parser.add_argument("--px", type=pixels, help="long side of the race's pictures")
    parser.add_argument("--evaluations", type=positive, help="of the published loops")
    parser.add_argument("--repeats", type=positive, help="interleaved, of which the median counts")
    parser.add_argument("--peers", help=f"some of {','.join(PEERS)}; with --quick the first")
    parser.add_argument("--out", type=folder, help="where OUT.json, .png and .html go")
    parser.add_argument("--worker", type=task, help=argparse.SUPPRESS)
    parser.set_defaults(
        pair=Options.pair,
        px=Options.pixels,
        repeats=Options.repeats,
        out=ROOT / "build" / "bench",
    )
    parsed = parser.parse_args(arguments)
    parsed.only = chosen(parser, "topic", parsed.only, list(TOPICS))
    if parsed.quick and parsed.peers is None:
        parsed.peers = next(iter(PEERS))
    parsed.peers = chosen(parser, "peer", parsed.peers, list(PEERS))
    if parsed.worker is None:
        check_pictures(parser, parsed.pair)
    return parsed


def check_pictures(parser: argparse.ArgumentParser, pair: list[str]) -> None:
    """Refuse what is no picture before anything is measured."""
    try:
        photo_and_style(Options(torch.device("cpu"), tuple(pair), SMALLEST))
    except (OSError, ValueError) as error:
        parser.error(str(error))


def pixels(text: str) -> int:
    """The side of a picture, from what the command line says."""
    if positive(text) < SMALLEST:
        raise argparse.ArgumentTypeError(f"{text} pixels are too few: give {SMALLEST} or more")
    return positive(text)


def task(text: str) -> dict:
    """What a worker has to do; `tools.bench.workers` writes it."""
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("name") not in TASKS:
        raise argparse.ArgumentTypeError(f"a task is JSON with a name, one of {', '.join(TASKS)}")
    return found


def chosen(
    parser: argparse.ArgumentParser,
    kind: str,
    text: str | None,
    known: list[str],
) -> tuple[str, ...]:
    """The names in "a,b", or all; the parser refuses one that nobody knows."""
    if text is None:
        return tuple(known)
    names = tuple(text.split(","))
    for name in names:
        if name not in known:
            parser.error(f"there is no {kind} {name!r}; known: {', '.join(known)}")
    return names


def described(options: Options) -> dict:
    """The machine and the settings, which decide whether stored numbers can stay."""
    return {
        "network": VGG(device="cpu").name,
        "device": str(options.device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        "pair": list(options.pair),
        "pairs": [list(pair) for pair in options.pairs],
        "px": options.pixels,
        "quick": options.quick,
    }


def stored(path: Path, about: dict) -> dict:
    """The topics that a file holds from the same machine and settings.

    Raises Mistake where it holds something else.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict) or "about" not in content:
        raise Mistake(f"{path} holds no numbers of this bench: move it away, or give another --out")
    if content.pop("about") != about:
        return {}
    return {topic: rows for topic, rows in content.items() if topic in TOPICS}


def measure(topics: tuple[str, ...], options: Options, out: Path) -> None:
    """Measure topics one after another; the file is complete after each."""
    about = described(options)
    print(", ".join(f"{key}: {value}" for key, value in about.items()), flush=True)
    numbers = out.with_suffix(".json")
    numbers.parent.mkdir(parents=True, exist_ok=True)  # no hour of measuring without a place
    results = stored(numbers, about)
    for topic in topics:
        print(f"{topic} ...", flush=True)
        start = time.monotonic()
        results[topic] = TOPICS[topic](options)
        print(f"{topic} took {duration(time.monotonic() - start)}", flush=True)
        write_file(numbers, json.dumps({"about": about, **results}, indent=1) + "\n")
    print_report(results)
    plot = out.with_suffix(".png")
    write_plot(results, plot)
    write_page(about, results, out)
    print(f"\nwrote {numbers}, {plot} and {out.with_suffix('.html')}")


def main(arguments: list[str]) -> int:
    """Measure what the command line asks for; or, as a worker, do one task and print its answer."""
    parsed = parse(arguments)
    options = Options(
        device=best_device(),
        pair=tuple(parsed.pair),
        pairs=TEN_PAIRS if parsed.ten_pairs else (),
        pixels=parsed.px,
        evaluations=parsed.evaluations,
        repeats=1 if parsed.quick else parsed.repeats,
        peers=parsed.peers,
        quick=parsed.quick,
        pictures=parsed.out.with_suffix(""),
    )
    if parsed.worker is None:
        measure(parsed.only, options, parsed.out)
    else:
        print(json.dumps(TASKS[parsed.worker["name"]](options, parsed.worker)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
