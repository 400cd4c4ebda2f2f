"""Notebook 06: what 9,000 steps of Adam buy, on the normalised network of the paper."""

import json
from pathlib import Path

from torch import Tensor

from helpers.fast import fast
from helpers.files import write_file
from helpers.images import as_saved, load, save
from helpers.losses import content_loss
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, STYLE, gram_targets, mean_style, rounded, style_errors
from tools.pictures.sheets import captioned, in_rows, save_sheet

PHOTO = "roman_colosseum"
PAINTING = "vangogh_self_portrait_1887"
SIZE = 256  # pixels of the long side, of both pictures
CONTENT_WEIGHT = 0.03
RATE = 0.0015  # of Adam
SNAPSHOTS = (1000, 3000, 6000, 9000)
RECORD_EVERY = 25


def nine_thousand(vgg: VGG, path: Path) -> None:
    """The Colosseum after Van Gogh's self-portrait of 1887, after 1,000, 3,000, 6,000 and 9,000
    steps of Adam.

    The network is VGG19 with mean activations of 1 and max pooling, the start is the photo, errors
    are relative, and pixels are clamped between steps. Each picture is kept in the folder
    `06_adam_9000`, with the curve in `history.json` beside it.
    """
    folder = path.parent / "06_adam_9000"
    network = fast(VGG(normalised=True, device=vgg.device))
    photo = load(PHOTO, SIZE).to(vgg.device)
    style = load(PAINTING, SIZE).to(vgg.device)
    targets = gram_targets(network, style)
    content = network(photo, CONTENT)[CONTENT]
    errors = {"content": 0.0, "style": 0.0}
    history = {"steps": [], "loss": [], "content": [], "style": []}
    countdown = Countdown(SNAPSHOTS[-1] // RECORD_EVERY)

    def loss(image: Tensor) -> Tensor:
        features = network(image, [*STYLE, CONTENT])
        style_error = mean_style(features, targets)
        content_error = content_loss(features[CONTENT], content)
        errors["content"] = content_error.item()
        errors["style"] = style_error.item()
        return style_error + CONTENT_WEIGHT * content_error

    def record(step: int, image: Tensor, value: float) -> None:
        if step == 1 or step % RECORD_EVERY == 0:
            history["steps"].append(step)
            for name, number in {"loss": value, **errors}.items():
                history[name].append(float(f"{number:.5g}"))
        if step % RECORD_EVERY == 0:
            countdown.step(f"step {step}")
        if step in SNAPSHOTS:
            keep(step, image)
            text = json.dumps(history)
            write_file(folder / "history.json", text + "\n")

    def keep(step: int, image: Tensor) -> None:
        settings = {
            "network": network.name,
            "pool": network.pool,
            "method": f"Adam, rate {RATE}, clamp between steps, from the photo",
            "content": PHOTO,
            "style": PAINTING,
            "size": SIZE,
            "content_weight": CONTENT_WEIGHT,
            "step": step,
            "content_error": round(errors["content"], 4),
            "style_errors": rounded(style_errors(image, style, VGG(network.name))),
        }
        save(as_saved(image), folder / f"{step}.jpg", settings, quality=92)

    optimise(photo, loss, SNAPSHOTS[-1], method="adam", lr=RATE, callback=record)
    tiles = [captioned(load(folder / f"{step}.jpg", None), [f"{step:,}"]) for step in SNAPSHOTS]
    save_sheet(in_rows(tiles, columns=2, gap=8), path)
