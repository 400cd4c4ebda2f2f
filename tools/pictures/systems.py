"""Notebook 08: every published recipe at its own size, with its own start and number of steps."""

import time
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.fast import fast
from helpers.images import as_saved, load, save
from helpers.losses import content_loss
from helpers.recipes import RECIPES, Objective, departures, paint, pictures_for
from helpers.vgg import NORMALISED, VGG
from tools.countdown import Countdown
from tools.pictures.painting import (
    CONTENT,
    is_painted,
    rounded,
    say_what_was_found,
    style_errors,
)
from tools.pictures.sheets import contact_sheet, save_sheet


class Pair(NamedTuple):
    """What a recipe paints, and in which precision."""

    content: str
    style: str
    precision: str = "bfloat16"


SYSTEMS = {
    "ours": Pair("china", "kandinsky_composition_vii"),
    "cs231n": Pair("tubingen_neckarfront", "kandinsky_composition_vii"),  # its own first example
    "pytorch_tutorial": Pair("astronaut", "mosaic"),
    "d2l": Pair("fushimi_inari_gates", "klimt_the_kiss"),
    "gatys_2016": Pair("lake_sherburne", "turner_shipwreck_minotaur"),
    "gatys_normalised": Pair("lake_sherburne", "turner_shipwreck_minotaur"),
    "gatys": Pair("astronaut", "munch_the_scream"),
    "neural_style": Pair("roman_colosseum", "starry_night"),
    "crowsonkb": Pair("lake_sherburne", "signac_la_calanque"),
    "tensorflow": Pair("chelsea", "kandinsky_composition_vii"),
    "gordicaleksa": Pair("girl_with_a_pearl_earring", "vangogh_wheat_field_cypresses", "float32"),
    "neural_style_pt": Pair("roman_colosseum", "starry_night"),
    "udacity": Pair("astronaut", "hokusai_great_wave"),
    # L-BFGS begins with a step that bfloat16 rounds away where pixels lie in [0, 1]
    "pystiche": Pair("astronaut", "stained_glass", "float32"),
    "keras": Pair("girl_with_a_pearl_earring", "starry_night"),
}
NOTES = 10  # how often an unfinished painting is kept


def systems(vgg: VGG, path: Path) -> None:
    """Ours and the fourteen published recipes, each kept in the folder `08_systems`; and on one
    sheet.

    Each is painted with `helpers.recipes.paint` as data/recipes.toml has it: its size, start,
    pooling, optimiser and number of steps. Recipes that ask for torchvision's VGG19 are painted
    with the original VGG19. Each file holds its settings, the seconds of one processor core, and
    which terms of its loss pull how much at the end.
    """
    folder = path.parent / path.stem
    missing = [name for name in SYSTEMS if not is_painted(folder / f"{name}.jpg", settings(name))]
    say_what_was_found(len(SYSTEMS) - len(missing), len(SYSTEMS))
    countdown = Countdown(sum(RECIPES[name].steps for name in missing))
    for name in missing:
        paint_system(name, folder / f"{name}.jpg", vgg.device)
        countdown.step(name, work=RECIPES[name].steps)
    tiles = [load(folder / f"{name}.jpg", None) for name in SYSTEMS]
    save_sheet(contact_sheet(tiles, columns=5, size=(300, 225)), path)


def settings(name: str) -> dict:
    """What the file of a finished recipe keeps of how it was made."""
    made = RECIPES[name]
    return {
        "recipe": name,
        "content": SYSTEMS[name].content,
        "style": SYSTEMS[name].style,
        "size": made.size,
        "side": made.side,
        "network": stand_in(name),
        "pool": made.pool,
        "precision": SYSTEMS[name].precision,
        "evaluations": made.steps,
    }


def stand_in(name: str) -> str:
    """The network that paints a recipe: one that comes with the series."""
    return NORMALISED if RECIPES[name].network == NORMALISED else "vgg19"


def paint_system(name: str, file: Path, device: torch.device) -> None:
    """Paint one recipe; the file holds an unfinished painting until the last step is done."""
    pair = SYSTEMS[name]
    made = RECIPES[name]
    network = fast(VGG(stand_in(name), device=device), pair.precision)
    content = load(pair.content, None).to(device)
    style = load(pair.style, None).to(device)
    start = time.process_time()
    every = max(1, made.steps // NOTES)
    countdown = Countdown(made.steps)

    def keep(step: int, image: Tensor, value: float) -> None:
        if step % every == 0 and step < made.steps:
            seconds = round(time.process_time() - start)
            note = {**settings(name), "evaluations": step, "seconds": seconds}
            save(image.clamp(0, 1), file, note, quality=92)
            countdown.step(f"{name}: step {step}, loss {value:.4g}", work=every)

    result = paint(made, content, style, network, callback=keep)
    seconds = round(time.process_time() - start)
    image = as_saved(result.image)
    losses = {"first_loss": result.history[0], "last_loss": result.history[-1]}
    note = {**settings(name), "seconds": seconds, **losses, **measures(name, image)}
    save(image, file, note, quality=92)


def measures(name: str, image: Tensor) -> dict:
    """What can be said of a painting (1, 3, H, W) of a recipe: its errors, and what pulls at it."""
    made = RECIPES[name]
    judge = VGG(stand_in(name), device=image.device)
    pair = SYSTEMS[name]
    content = load(pair.content, None).to(image.device)
    photo, style = pictures_for(made, content, load(pair.style, None).to(image.device))
    return {
        "departures": departures(made, judge),
        "style_errors": rounded(style_errors(image, style)),
        "content_error": round(content_error(image, photo), 4),
        "pull": pulls(Objective(made, judge, photo, style), image),
    }


@torch.no_grad()
def content_error(image: Tensor, photo: Tensor) -> float:
    """The relative content error at relu4_2 of the original VGG19, in float32."""
    judge = VGG(device=image.device)
    return content_loss(judge(image, CONTENT)[CONTENT], judge(photo, CONTENT)[CONTENT]).item()


def pulls(objective: Objective, image: Tensor) -> dict[str, float]:
    """How hard each term of a loss pulls at the pixels: the norm of its gradient, in per cent of
    the sum of these norms.

    image: (1, 3, H, W). Returns {"content relu4_2": 12.3, "style relu1_1": ..., "tv": ...}.
    """
    image = image.clone().requires_grad_()
    norms = {}
    terms = objective.each_term(image)
    for (part, layer), value in terms.items():
        (gradient,) = torch.autograd.grad(value, image, retain_graph=True)
        norms[f"{part} {layer}".strip()] = gradient.norm().item()
    total = sum(norms.values()) or 1.0
    return {term: round(100 * norm / total, 2) for term, norm in norms.items()}
