"""Notebook 11: textures and paintings of every rung of the ladder, and all rungs as judges."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.files import write_file
from helpers.images import as_saved, load, noise, save
from helpers.losses import content_loss
from helpers.recipes import reshaped
from helpers.show import show
from helpers.statistics import (
    LADDER,
    octaves,
    patches_of,
    shifted_gram_of,
    spectrum_of,
)
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, RESULTS, STYLE, enlarged, is_painted
from tools.pictures.sheets import save_sheet

FOLDER = RESULTS / "11_beyond"
SIZE = 512  # pixels of a texture's side
PICTURE = 1024  # pixels of the long side of the picture that the pieces are cut from
PATCH_LAYERS = ["relu3_1", "relu4_1"]  # as published; patches of the others are too many
TEXTURES = {  # a file's name -> a picture: one that is regular, one of chance, and a painting
    "bricks": "red_brick",
    "leaves": "autumn_leaves",
    "kandinsky": "kandinsky_composition_vii",
}
EVALUATIONS = {  # of equal time: as many as forty of the Gram matrix's take, at 512 px on one core
    "means": 43,
    "means and deviations": 37,
    "Gram": 40,
    "mean and covariance": 33,
    "Wasserstein": 36,
    "histograms": 18,
    "slices": 19,
    "transport": 37,
    "patches": 29,
}
AT_HALF_SIZE = {"transport": 30, "patches": 30}  # evaluations before, and their time is counted in
JUDGED_AT = ["relu2_2", "relu3_2", "relu4_2"]  # layers that no rung uses
DIGITS = 4

Loss = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> scalar
Features = dict[str, Tensor]  # layer -> maps (1, C, h, w)


# ---- what a rung wants of an image ---------------------------------------------------------------


def layers_of(rung: str) -> list[str]:
    """The layers that a rung compares."""
    return PATCH_LAYERS if rung == "patches" else STYLE


def maker_of(rung: str) -> Callable:
    """A rung's function: features of a style -> distance.

    Directions and places stay: where they are drawn anew at each evaluation, the line search of
    L-BFGS compares values of two functions, and the transport of the painting got stuck.
    """
    if rung in ("slices", "transport"):
        return partial(LADDER[rung], seed=0)
    if rung == "patches":
        return partial(patches_of, size=3, stride=2)
    return LADDER[rung]


def quiet(like: Tensor, seed: int = 0) -> Tensor:
    """Mid-grey with a fifth of the contrast of uniform noise: what textures start from."""
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)


def rung_loss(vgg: VGG, style: Tensor, rung: str) -> Loss:
    """The mean over the layers of a rung's distance, where quiet noise has the distance 1."""
    return layer_loss(vgg, style, layers_of(rung), maker_of(rung))


def layer_loss(vgg: VGG, style: Tensor, layers: list[str], make: Callable) -> Loss:
    """The mean over some layers of a distance, where quiet noise has the distance 1."""
    distance = distance_of_features(vgg, style, layers, make)
    return lambda image: distance(vgg(image, layers))


@torch.no_grad()
def distance_of_features(vgg: VGG, style: Tensor, layers: list[str], make: Callable) -> Callable:
    """The same, of the features of an image: {layer: maps} -> scalar."""
    return shares(vgg(style, layers), vgg(quiet(style), layers), layers, make)


@torch.no_grad()
def shares(style: Features, start: Features, layers: list[str], make: Callable) -> Callable:
    """Distances from a style's features, as shares of those of the start, and their mean."""
    distances = {layer: make(style[layer]) for layer in layers}
    units = {layer: distances[layer](start[layer]) for layer in layers}

    def distance(features: Features) -> Tensor:
        parts = [distances[layer](features[layer]) / units[layer] for layer in layers]
        return sum(parts) / len(layers)

    return distance


# ---- textures ------------------------------------------------------------------------------------


def pieces(picture: str, device: torch.device) -> tuple[Tensor, Tensor]:
    """Two squares of one picture that do not overlap: the target, and another to compare."""
    image = load(picture, PICTURE).to(device)
    height, width = image.shape[2:]
    top, left = (height - SIZE) // 2, (width - SIZE) // 2
    if height > width:
        band = image[..., left : left + SIZE]
        return band[..., :SIZE, :], band[..., -SIZE:, :]
    band = image[..., top : top + SIZE, :]
    return band[..., :SIZE], band[..., -SIZE:]


def texture_file(texture: str, rung: str) -> Path:
    """Where a texture lies."""
    return FOLDER / f"{texture}_{rung.replace(' ', '_')}.jpg"


def texture_note(texture: str, rung: str, evaluations: int) -> dict:
    """What the file of a texture says of how it was made."""
    before = {"evaluations_at_half_size": AT_HALF_SIZE[rung]} if rung in AT_HALF_SIZE else {}
    return before | {
        "picture": TEXTURES.get(texture, texture),
        "rung": rung,
        "network": "vgg19",
        "pool": "avg",
        "size": SIZE,
        "picture_size": PICTURE,
        "evaluations": evaluations,
    }


def start_of(vgg: VGG, target: Tensor, rung: str) -> Tensor:
    """What a texture begins with: quiet noise, or what was made of it at half the size.

    Transport and patches begin small, as those of their authors do. From noise at full size,
    transport painted little more than the 1,024 pixels that it looks at, and patches got stuck:
    nearly all of the noise was nearest to the same few patches.
    """
    if rung not in AT_HALF_SIZE:
        return quiet(target)
    height, width = target.shape[2:]
    half = reshaped(target, (height // 2, width // 2))
    loss = rung_loss(vgg, half, rung)
    result = optimise(quiet(half), loss, AT_HALF_SIZE[rung], parametrize=pyramid)
    return enlarged(result.image, target)


def paint_texture(loss: Loss, start: Tensor, file: Path, note: dict) -> str:
    """Paint one texture from its start and save it -> a line about it."""
    result = optimise(start, loss, note["evaluations"], parametrize=pyramid)
    note = {**note, "loss": round(min(result.history), DIGITS)}
    save(as_saved(result.image), file, note, quality=93)
    return f"{file.stem}: {note['loss']}"


def ladder(vgg: VGG, path: Path) -> None:
    """Notebook 11: a piece of a brick wall, and textures made from it by five rungs of the ladder
    in equal time: means, Gram matrices, slices, transport and patches.

    The folder 11_beyond holds all nine rungs and three textures, at 512 px, each with the time that
    forty evaluations of the Gram matrices take; 11_ladder.json has the distance of each from the
    piece under every rung's measure, where quiet noise has the distance 1.
    """
    network = fast(VGG(pool="avg", device=vgg.device))
    jobs = [(texture, rung, EVALUATIONS[rung]) for texture in TEXTURES for rung in LADDER]
    missing = [
        (texture, rung, count)
        for texture, rung, count in jobs
        if not is_painted(texture_file(texture, rung), texture_note(texture, rung, count))
    ]
    countdown = Countdown(len(missing) + len(TEXTURES))
    for texture, rung, count in missing:
        target, _ = pieces(TEXTURES[texture], vgg.device)
        loss = rung_loss(network, target, rung)
        note = texture_note(texture, rung, count)
        start = start_of(network, target, rung)
        countdown.step(paint_texture(loss, start, texture_file(texture, rung), note))
    judge = VGG(pool="avg", device=vgg.device)
    table = {"settings": texture_note("all", "all", 0), "textures": {}}
    for texture, picture in TEXTURES.items():
        target, other = pieces(picture, vgg.device)
        candidates = {"another piece": other}
        for rung in LADDER:
            candidates[rung] = load(texture_file(texture, rung), None).to(vgg.device)
        table["textures"][texture] = judged(judge, target, candidates)
        countdown.step(f"{texture} is judged")
    write_file(path.with_suffix(".json"), json.dumps(table, indent=1) + "\n")
    save_sheet(ladder_sheet().pil, path, quality=92)


SHOWN = ["means", "Gram", "slices", "transport", "patches"]


def ladder_sheet(texture: str = "bricks"):
    """The piece, and what five rungs make of it."""
    target, _ = pieces(TEXTURES[texture], torch.device("cpu"))
    images = [target] + [load(texture_file(texture, rung), None) for rung in SHOWN]
    return show(
        images,
        columns=3,
        height=314,
        alt="A piece of a picture, and five textures made from five statistics of it.",
    )


# ---- judges --------------------------------------------------------------------------------------


@torch.no_grad()
def judged(vgg: VGG, target: Tensor, candidates: Mapping[str, Tensor]) -> dict:
    """How far images are from a piece, by every rung and by two judges that are no rungs.

    Slices and transport judge by other directions and places than they painted with.
    """
    wanted = vgg(target, [*STYLE, *JUDGED_AT])
    start = vgg(quiet(target), [*STYLE, *JUDGED_AT])
    measures = {}
    for rung in LADDER:
        is_drawn = rung in ("slices", "transport")
        make = partial(LADDER[rung], seed=1) if is_drawn else maker_of(rung)
        measures[rung] = shares(wanted, start, layers_of(rung), make)
    measures["energy"] = shares(wanted, start, JUDGED_AT, energy_of)
    spectrum = relative_to_noise(partial(spectrum_distance, target), target)
    rows = {}
    for name, image in candidates.items():
        features = vgg(image, [*STYLE, *JUDGED_AT])
        row = {key: distance(features).item() for key, distance in measures.items()}
        row["spectrum"] = spectrum(image).item()
        rows[name] = {key: round(value, DIGITS) for key, value in row.items()}
    return rows


def relative_to_noise(distance: Loss, like: Tensor) -> Loss:
    """A distance in units of that of quiet noise."""
    unit = distance(quiet(like))
    return lambda image: distance(image) / unit


def spectrum_distance(target: Tensor, image: Tensor) -> Tensor:
    """Mean squared difference of log power spectra, in rings of an octave and eight directions.

    Images (1, 3, H, W) of one size, tapered to zero at their borders. Differences count in nepers.
    """
    return (bands_of(image) - bands_of(target)).square().mean()


def bands_of(image: Tensor) -> Tensor:
    """Mean log power in four octaves and eight directions of the grey image: (32,)."""
    grey = image.mean(1)[0]
    height, width = grey.shape
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)[None, :]
    power = torch.fft.fft2((grey - grey.mean()) * window.to(grey)).abs().square()
    down = torch.fft.fftfreq(height)[:, None].expand(height, width)
    across = torch.fft.fftfreq(width)[None, :].expand(height, width)
    octave = torch.log2(torch.hypot(down, across).clamp_min(1e-9) * 2).floor() + 4  # 3 is finest
    direction = (torch.atan2(down, across) / torch.pi * 8).round() % 8
    bands = []
    for ring in range(4):
        for angle in range(8):
            inside = ((octave == ring) & (direction == angle)).to(power)
            bands.append((power * inside).sum() / inside.sum())
    return torch.stack(bands).clamp_min(1e-12).log()


def energy_of(style: Tensor, places: int = 1024) -> Loss:
    """The energy distance between two clouds of features (Székely and Rizzo 2013): no rung uses it.

    2 E|f - s| - E|f - f'| - E|s - s'|, over at most 1,024 places of each.
    """
    generator = torch.Generator().manual_seed(0)

    def some(maps: Tensor) -> Tensor:
        F = maps[0].flatten(1).float()
        chosen = torch.randperm(F.shape[1], generator=generator.manual_seed(0))[:places]
        return F[:, chosen.to(F.device)].T  # (places, C)

    theirs = some(style)
    own = torch.cdist(theirs, theirs).mean()

    def distance(maps: Tensor) -> Tensor:
        ours = some(maps)
        between = torch.cdist(ours, theirs).mean()
        return 2 * between - torch.cdist(ours, ours).mean() - own

    return distance


# ---- order ---------------------------------------------------------------------------------------

ORDERED = {"bricks": "red_brick", "carpet": "morris_holland_park_carpet"}
ORDER_EVALUATIONS = 40
SHIFTS = (4, 8, 16)  # places of relu3_1, of 4 px each
OCTAVES = 3


def order_loss(vgg: VGG, target: Tensor, kind: str) -> Loss:
    """Gram matrices, alone or with one statistic of order: "shifted", "spectrum" or "octaves"."""
    plain = rung_loss(vgg, target, "Gram")
    if kind == "Gram":
        return plain
    if kind == "octaves":
        return octave_loss(vgg, target)
    if kind == "spectrum":
        extra = relative_to_noise(spectrum_of(target), target)
    else:
        parts = [
            layer_loss(vgg, target, ["relu3_1"], partial(shifted_gram_of, shift=shift))
            for shift in SHIFTS
        ]

        def extra(image: Tensor) -> Tensor:
            return sum(part(image) for part in parts) / len(parts)

    return lambda image: plain(image) + extra(image)


def octave_loss(vgg: VGG, target: Tensor) -> Loss:
    """The mean of the Gram losses of a picture and its halves."""
    losses = [rung_loss(vgg, level, "Gram") for level in octaves(target, OCTAVES)]

    def loss(image: Tensor) -> Tensor:
        levels = octaves(image, OCTAVES)
        return sum(part(level) for part, level in zip(losses, levels, strict=True)) / OCTAVES

    return loss


KINDS = ("Gram", "shifted", "spectrum", "octaves")


def order(vgg: VGG, path: Path) -> None:
    """Notebook 11: bricks and a carpet, each with the textures that five Gram matrices make, and
    that they make together with shifted Gram matrices, with the spectrum, and in three octaves.

    At 512 px with forty evaluations each. 11_order.json says how far each is from its piece by all
    four losses.
    """
    network = fast(VGG(pool="avg", device=vgg.device))
    jobs = [
        (name, kind)
        for name in ORDERED
        for kind in KINDS
        if not is_painted(texture_file(name, kind), order_note(name, kind))
    ]
    countdown = Countdown(len(jobs) + 1)
    for name, kind in jobs:
        target, _ = pieces(ORDERED[name], vgg.device)
        loss = order_loss(network, target, kind)
        note = order_note(name, kind)
        line = paint_texture(loss, quiet(target), texture_file(name, kind), note)
        countdown.step(line)
    judge = VGG(pool="avg", device=vgg.device)
    table = {}
    images = []
    for name, picture in ORDERED.items():
        target, other = pieces(picture, vgg.device)
        textures = {kind: load(texture_file(name, kind), None).to(vgg.device) for kind in KINDS}
        table[name] = order_judged(judge, target, {"another piece": other, **textures})
        images += [target, *textures.values()]
    write_file(path.with_suffix(".json"), json.dumps(table, indent=1) + "\n")
    sheet = show(
        images,
        columns=5,
        height=SIZE,
        alt="Bricks and a carpet, and four textures of each, with more and less order.",
    )
    save_sheet(sheet.pil, path, quality=92)


def order_note(name: str, kind: str) -> dict:
    """What its file says."""
    return texture_note(ORDERED[name], kind, ORDER_EVALUATIONS)


@torch.no_grad()
def order_judged(vgg: VGG, target: Tensor, candidates: Mapping[str, Tensor]) -> dict:
    """How far images are from a piece, by Gram and by each statistic of order alone."""
    measures = {"Gram": rung_loss(vgg, target, "Gram")}
    for shift in SHIFTS:
        far = layer_loss(vgg, target, ["relu3_1"], partial(shifted_gram_of, shift=shift))
        measures[f"shifted {shift}"] = far
    measures["spectrum"] = relative_to_noise(spectrum_of(target), target)
    for number, level in enumerate(octaves(target, OCTAVES)):
        measures[f"octave {number}"] = of_octave(rung_loss(vgg, level, "Gram"), number)
    rows = {}
    for name, image in candidates.items():
        rows[name] = {key: round(far(image).item(), DIGITS) for key, far in measures.items()}
    return rows


def of_octave(loss: Loss, number: int) -> Loss:
    """A loss of an image that was halved some times."""
    return lambda image: loss(octaves(image, number + 1)[-1])


# ---- paintings -----------------------------------------------------------------------------------


class Pair(NamedTuple):
    """What is painted, and at which sizes."""

    content: str = "girl_with_a_pearl_earring"
    style: str = "mosaic"
    content_weight: float = 0.05
    time: tuple[tuple[int, int], ...] = ((256, 40), (512, 16))  # in evaluations of Gram's


PAIR = Pair()
PAINTED = ["means and deviations", "Gram", "Wasserstein", "slices", "transport"]


def painting_file(rung: str) -> Path:
    """Where a painting lies."""
    return FOLDER / f"painting_{rung.replace(' ', '_')}.jpg"


def painting_note(rung: str) -> dict:
    """What its file says."""
    share = EVALUATIONS[rung] / EVALUATIONS["Gram"]
    plan = [[size, max(6, round(count * share))] for size, count in PAIR.time]
    return {
        "content": PAIR.content,
        "style": PAIR.style,
        "rung": rung,
        "content_weight": PAIR.content_weight,
        "rounds": plan,
    }


def paintings(vgg: VGG, path: Path) -> None:
    """Notebook 11: a girl after a mosaic, painted with five rungs of the ladder in equal time.

    In the upper row the style, means and deviations, and Gram matrices; below, the Wasserstein
    distance of normal distributions, slices, and relaxed transport. At 256 and then at 512 px; the
    rungs are weighted so that all push the start equally hard.
    """
    network = fast(VGG(device=vgg.device))
    missing = [rung for rung in PAINTED if not is_painted(painting_file(rung), painting_note(rung))]
    countdown = Countdown(len(missing) + 1)
    for rung in missing:
        note = painting_note(rung)
        image = None
        for size, count in note["rounds"]:
            photo = load(PAIR.content, size).to(vgg.device)
            style = load(PAIR.style, size).to(vgg.device)
            start = matched_colour(photo, style) if image is None else enlarged(image, photo)
            loss = painting_loss(network, photo, style, rung)
            image = optimise(start, loss, count, parametrize=pyramid).image
        save(as_saved(image), painting_file(rung), note, quality=92)
        countdown.step(rung)
    style = load(PAIR.style, PAIR.time[-1][0])
    images = [style] + [load(painting_file(rung), None) for rung in PAINTED]
    sheet = show(
        images, columns=3, height=400, alt="A mosaic, and five paintings of a girl made of it."
    )
    save_sheet(sheet.pil, path, quality=90)


def painting_loss(vgg: VGG, photo: Tensor, style: Tensor, rung: str) -> Loss:
    """Content, and style by a rung, which is as steep at the start as that of Gram matrices."""
    start = matched_colour(photo, style)
    layers = layers_of(rung)
    distance = distance_of_features(vgg, style, layers, maker_of(rung))
    own = steepness(lambda image: distance(vgg(image, layers)), start)
    share = steepness(rung_loss(vgg, style, "Gram"), start) / own
    with torch.no_grad():
        target = vgg(photo, [CONTENT])[CONTENT]

    def loss(image: Tensor) -> Tensor:
        features = vgg(image, [*layers, CONTENT])
        content = content_loss(features[CONTENT], target)
        return share * distance(features) + PAIR.content_weight * content

    return loss


def steepness(loss: Loss, image: Tensor) -> float:
    """The norm of a loss's gradient."""
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(x), x)
    return gradient.norm().item()
