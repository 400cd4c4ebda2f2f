"""Notebook 07: a race of four ways to make one loss small, over six pairs of pictures."""

import json
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.files import write_file
from helpers.images import as_saved, load
from helpers.losses import range_penalty
from helpers.show import show
from helpers.transfer import FENCE, optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import total_loss
from tools.pictures.sheets import save_sheet

SIZE = 192  # pixels of the photo's long side
STYLE_SIZE = 240
CONTENT_WEIGHT = 0.05
EVALUATIONS = 100
MOMENTS = (5, 10, 20, 30, 40, 60, 80, 100)  # evaluations at which the picture is measured as saved
SECONDS = 5.0  # of computing, after which the sheet shows the pictures
SHOWN = 3  # pairs on the sheet
DIGITS = 5
PAIRS = {
    "coffee": "stained_glass",
    "fushimi_inari_gates": "impasto",
    "river_otter": "konen_ocean_waves",
    "roman_colosseum": "klimt_the_kiss",
    "girl_with_a_pearl_earring": "signac_la_calanque",
    "astronaut": "seurat_grande_jatte",
}
METHODS = {
    "Adam, rate 0.02": partial(optimise, method="adam", lr=0.02),
    "Adam, rate 0.1": partial(optimise, method="adam", lr=0.1),
    "L-BFGS": optimise,
    "L-BFGS, matched colours": optimise,
    "L-BFGS, matched colours, pyramid": partial(optimise, parametrize=pyramid),
}
ON_THE_SHEET = {
    "Adam, rate 0.1": "Adam",
    "L-BFGS": "L-BFGS",
    "L-BFGS, matched colours, pyramid": "L-BFGS with two tricks",
}


class Lap(NamedTuple):
    """One run of one method on one pair, at each of its evaluations."""

    losses: list[float]
    seconds: list[float]  # of computing, since the start
    pictures: list[Tensor]  # the best so far; most entries are one tensor


def race(vgg: VGG, path: Path) -> None:
    """Three pairs of pictures after five seconds of computing each, at 192 px, on one core: on the
    left by Adam with the rate 0.1, in the middle by L-BFGS on the pixels, on the right by L-BFGS on
    a pyramid from the photo in the style's colours.

    The file 07_race.json beside it holds the losses of six pairs and five methods.
    """
    network = fast(VGG(device=vgg.device))
    countdown = Countdown(len(PAIRS) * len(METHODS))
    table = {"settings": settings(network), "moments": moments(), "pairs": {}}
    tiles = []
    for content, style_name in PAIRS.items():
        photo = load(content, SIZE).to(vgg.device)
        style = load(style_name, STYLE_SIZE).to(vgg.device)
        loss = total_loss(network, photo, style, CONTENT_WEIGHT)
        judge = total_loss(VGG(device=vgg.device), photo, style, CONTENT_WEIGHT)
        with torch.no_grad():
            runs = {"photo": rounded([judge(photo).item()])}
        for name, method in METHODS.items():
            start = matched_colour(photo, style) if "matched" in name else photo
            lap = run(method, start, loss)
            runs[name] = row(lap, judge)
            if name in ON_THE_SHEET:
                tiles.append(picture_at(lap, SECONDS))
            countdown.step(f"{content}, {name}: {runs[name]['saved'][-1]}")
        table["pairs"][f"{content} + {style_name}"] = runs
    write_file(path.with_suffix(".json"), json.dumps(table) + "\n")
    columns = len(ON_THE_SHEET)
    tiles = tiles[: SHOWN * columns]
    titles = [""] * (len(tiles) - columns) + list(ON_THE_SHEET.values())
    sheet = show(tiles, titles, columns=columns, height=208, alt="Nine paintings in equal time.")
    save_sheet(sheet.pil, path, quality=90)


def settings(network: VGG) -> dict:
    """What decides all races alike."""
    return {
        "network": network.name,
        "pool": network.pool,
        "precision": str(network.dtype).removeprefix("torch."),
        "size": SIZE,
        "style_size": STYLE_SIZE,
        "content_weight": CONTENT_WEIGHT,
        "evaluations": EVALUATIONS,
        "threads": torch.get_num_threads(),
    }


def moments() -> list[int]:
    """The evaluations at which a picture is measured."""
    return [moment for moment in MOMENTS if moment <= EVALUATIONS]


def run(method, start: Tensor, loss) -> Lap:
    """One run; its clock is the time that the processor spent on it, whatever else it did."""
    lap = Lap([], [], [])
    least = float("inf")
    spent_elsewhere = 0.0
    started = time.process_time()

    def record(step: int, image: Tensor, value: float) -> None:
        nonlocal least, spent_elsewhere
        now = time.process_time()
        lap.losses.append(value)
        lap.seconds.append(now - started - spent_elsewhere)
        total = value + FENCE * range_penalty(image).item()
        lap.pictures.append(image if total < least else lap.pictures[-1])
        least = min(least, total)
        spent_elsewhere += time.process_time() - now

    method(start, loss, EVALUATIONS, callback=record)
    return lap


def row(lap: Lap, judge) -> dict:
    """What the table keeps of a run; `saved` is the loss of the 8-bit picture, in float32."""
    saved = []
    with torch.no_grad():
        for moment in moments():
            saved.append(judge(as_saved(lap.pictures[moment - 1])).item())
    return {
        "losses": rounded(lap.losses),
        "seconds": rounded(lap.seconds),
        "saved": rounded(saved),
    }


def picture_at(lap: Lap, seconds: float) -> Tensor:
    """The best picture when so much time was used up."""
    evaluations = sum(second <= seconds for second in lap.seconds)
    return as_saved(lap.pictures[max(evaluations, 1) - 1])


def rounded(values: list[float]) -> list[float]:
    """Numbers with the digits that mean something."""
    return [float(f"{value:.{DIGITS}g}") for value in values]
