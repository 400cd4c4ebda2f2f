"""Races: our loop against published ones, and against itself without one of its tricks."""

import statistics
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from helpers.fast import fast
from helpers.images import as_saved, save
from helpers.vgg import VGG
from tools.bench.options import Options, Table, photo_and_style
from tools.bench.ours import TRICKS, first_reached, paint_ours
from tools.bench.peers import PEERS, TutorialLoss, plain_products
from tools.bench.workers import worker
from tools.countdown import Countdown

TUTORIAL = "pytorch_tutorial"  # the recipe whose loss TutorialLoss states on its own
LEAST = 30  # evaluations of ours in a short race
GAIN = "times as fast"  # how the columns begin that say what ours gains


def race(options: Options) -> Table:
    """Each peer against ours, interleaved, on each pair.

    The goals are the peer's best of the ten evaluations up to 40 %, and up to all, of its own. Ours
    has to reach them with clamped pixels; a peer whose pixels run free is judged as it is. With
    several pairs each has a row, and a last row says how their gains spread.
    """
    pairs = options.pairs or (options.pair,)
    lengths = {peer: race_length(peer, options) for peer in options.peers}
    countdown = Countdown(options.repeats * len(pairs) * sum(lengths.values()))
    table = {}
    for peer, evaluations in lengths.items():
        marks = sorted({max(1, round(0.4 * evaluations)), evaluations})
        rows = {}
        for pair in pairs:
            name = peer if len(pairs) == 1 else f"{peer}, {pair[0]} after {pair[1]}"
            rows[name] = heats(replace(options, pair=pair), peer, marks, name, countdown)
            print(f"  {name}: {rows[name]}", flush=True)
        table |= rows
        if len(pairs) > 1:
            spread = spreads(list(rows.values()))
            table[f"{peer}, {len(pairs)} pairs"] = spread
            print(f"  {peer}: {spread}", flush=True)
    return table


def heats(options: Options, peer: str, marks: list[int], name: str, countdown: Countdown) -> dict:
    """The medians of one peer's heats on one pair; name: what the countdown calls them."""
    rows = []
    for number in range(1, options.repeats + 1):
        rows.append(heat(options, peer, marks))
        countdown.step(f"{name}, heat {number} of {options.repeats}", work=marks[-1])
    return medians(rows) | ranges(rows)


def ranges(rows: list[dict]) -> dict[str, list[float]]:
    """The least and the most gain of several heats; of one heat there is nothing to say."""
    found = {}
    for column, gains in gains_of(rows):
        if len(gains) > 1:
            found[f"heats, {column}"] = [round(min(gains), 4), round(max(gains), 4)]
    return found


def spreads(rows: list[dict]) -> dict:
    """How the gains of several pairs spread: their least, geometric mean and most.

    A pair on which ours never got there is left out of these, and counted.
    """
    result = {}
    for column, gains in gains_of(rows):
        result[f"not reached, {column}"] = len(rows) - len(gains)
        if gains:
            result[f"least {column}"] = min(gains)
            result[f"geometric mean {column}"] = round(statistics.geometric_mean(gains), 4)
            result[f"most {column}"] = max(gains)
    return result


def gains_of(rows: list[dict]) -> Iterator[tuple[str, list[float]]]:
    """Each column that says what ours gains, and its values, where ours got there."""
    for column in rows[0]:
        if column.startswith(GAIN):
            yield column, known(row[column] for row in rows)


def race_length(peer: str, options: Options) -> int:
    """How many evaluations a peer takes."""
    if options.evaluations is not None:
        return options.evaluations
    return 120 if options.quick else PEERS[peer].evaluations


def heat(options: Options, name: str, marks: list[int]) -> dict:
    """One race: the published loop in float32, then ours.

    marks: the evaluations at which the peer sets a goal; it stops after the last. The judge
    computes in float32, ours on clamped images.
    """
    peer = PEERS[name]
    exact = VGG(device=options.device)
    network = fast(VGG(device=options.device))
    pair = photo_and_style(options)
    start = time.perf_counter()
    with plain_products():
        judge = peer.make_loss(exact, *pair)
        preparing = time.perf_counter() - start
        theirs = peer.run(judge, pair, marks[-1])
    goals = {}
    for mark in marks:
        latest = theirs.images[max(0, mark - 10) : mark]
        with torch.no_grad():
            values = [judge(image).item() for image in latest]
        goals[mark] = min(values), latest[values.index(min(values))]
    our_run = paint_ours(network, peer.recipe, pair, max(LEAST, 2 * marks[-1] // 3))
    row = {}
    for mark, (goal, their_image) in goals.items():
        evaluations, seconds = first_reached(our_run, judge, goal)
        if options.pictures and evaluations:
            our_image = our_run.images[evaluations - 1]
            keep_pictures(options, f"{name}_{mark}", their_image, our_image)
        their_seconds = preparing + theirs.seconds[mark - 1]
        row[f"objective after {mark}"] = goal
        row[f"their seconds for {mark}"] = their_seconds
        row[f"our evaluations for {mark}"] = evaluations
        row[f"our seconds for {mark}"] = seconds
        row[f"times as fast for {mark}"] = their_seconds / seconds if seconds else None
    return row


def keep_pictures(options: Options, name: str, theirs: Tensor, ours: Tensor) -> None:
    """Keep both sides of a race at equal objective, so that somebody can look at them."""
    pair = "_after_".join(Path(picture).stem for picture in options.pair)
    for whose, image in (("theirs", theirs), ("ours", ours)):
        save(as_saved(image), options.pictures / f"{name}_{pair}_{whose}.jpg", quality=92)


def medians(rows: list[dict]) -> dict:
    """The median of every column, over the rows that have a value there."""
    return {column: median(row[column] for row in rows) for column in rows[0]}


def median(values: Iterable[float | None]) -> float | None:
    """The median with four decimals, of the values that are there; None where none is."""
    found = known(values)
    return round(statistics.median(found), 4) if found else None


def known(values: Iterable[float | None]) -> list[float]:
    """The values that are there."""
    return [value for value in values if value is not None]


def tricks(options: Options) -> Table:
    """Seconds and evaluations to one goal, with every trick and without each of them.

    The objective is the tutorial's, and the goal is what ours reaches with all its tricks.
    Each run has a process of its own: memory that is kept cannot be given back.
    """
    evaluations = 24 if options.quick else 80
    goal = tricks_goal(options, evaluations // 2)
    table = {"objective": {"aim": goal}}
    countdown = Countdown(options.repeats * (1 + len(TRICKS)))
    for trick in ("nothing", *TRICKS):
        task = {"name": "without", "trick": trick, "evaluations": 2 * evaluations, "goal": goal}
        runs = []
        for _ in range(options.repeats):
            runs.append(worker(options, task))
            countdown.step(f"without {trick}")
        table[f"without {trick}"] = medians(runs)
        print(f"  without {trick}: {table[f'without {trick}']}", flush=True)
    return table


def tricks_goal(options: Options, evaluations: int) -> float:
    """What ours reaches with all its tricks."""
    pair = photo_and_style(options)
    judge = TutorialLoss(VGG(device=options.device), *pair)
    run = paint_ours(fast(VGG(device=options.device)), TUTORIAL, pair, evaluations)
    with torch.no_grad():
        return judge(run.images[-1].clamp(0, 1)).item()


def run_without(options: Options, task: dict) -> dict:
    """(in a worker) Run ours without one trick, and say when it reached the goal."""
    trick = task["trick"]
    network = VGG(device=options.device)
    if trick != "half":
        network = fast(network)
    pair = photo_and_style(options)
    judge = TutorialLoss(VGG(device=options.device), *pair)
    with plain_products() if trick == "products" else nullcontext():
        run = paint_ours(network, TUTORIAL, pair, task["evaluations"], without=trick)
    evaluations, seconds = first_reached(run, judge, task["goal"])
    elapsed = run.seconds[-1] - run.seconds[0]
    return {
        "evaluations": evaluations,
        "seconds": seconds,
        "ms per evaluation": 1000 * elapsed / (len(run.seconds) - 1),
    }
