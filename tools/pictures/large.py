"""Notebook 09: a painting of 2,048 pixels, equal work, and three causes taken apart."""

from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from helpers.colours import matched_colour
from helpers.fast import fast, pyramid
from helpers.images import load, save
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import (
    LARGE,
    Plan,
    Settings,
    enlarged,
    is_painted,
    mean,
    paint_missing,
    rounded,
    style_errors,
    total_loss,
)
from tools.pictures.sheets import contact_sheet, save_sheet

PHOTO = "desert_dune"
PRINT = "hokusai_great_wave"  # 1,280 px wide, and so is the photo
CONTENT_WEIGHT = 0.03


class Stage(NamedTuple):
    """One size on the way from coarse to fine."""

    size: int  # pixels of the painting's long side
    style_size: int
    evaluations: int


# The print has no more than 1,280 px: at 2,048 px its lines are as wide as they are in the file.
STAGES = (Stage(256, 320, 60), Stage(512, 640, 40), Stage(1024, 1280, 25), Stage(2048, 1280, 12))
TV_WEIGHT = 2.0
POOL = "avg"
HOW = {  # what all paintings but those of equal work have in common
    "network": "vgg19",
    "pool": POOL,
    "method": "L-BFGS on a pyramid, from matched colours",
    "content": PHOTO,
    "style": PRINT,
    "content_weight": CONTENT_WEIGHT,
    "tv_weight": TV_WEIGHT,
}


def stage_settings(number: int) -> dict:
    """What decides how the painting looks after a stage, counted from 0."""
    return {
        **HOW,
        "stages": [list(stage) for stage in STAGES[: number + 1]],
    }


def stage_files(path: Path) -> list[Path]:
    """The files of the stages: the last is the painting itself, the others are in `large`."""
    folder = path.parent / "large"
    return [*(folder / f"{stage.size}.jpg" for stage in STAGES[:-1]), path]


def large(vgg: VGG, path: Path) -> None:
    """A dune after Hokusai's great wave, 2,048 pixels wide.

    Painted in four stages: 60 evaluations at 256 px, 40 at 512, 25 at 1,024 and 12 at 2,048, with
    average pooling, content weight 0.03 and total variation 2. The style image is 320, 640, 1,280
    and again 1,280 px wide. The photo has 1,280 px and is enlarged for the last stage. Each stage
    begins with the file of the one before, which is kept in the folder `large`; one that is there
    already, with the same settings, is not painted again.
    """
    network = fast(VGG(pool=POOL, device=vgg.device))
    files = stage_files(path)
    tasks = [n for n in range(len(STAGES)) if not is_painted(files[n], stage_settings(n))]
    countdown = Countdown(sum(STAGES[n].evaluations * STAGES[n].size ** 2 for n in tasks))
    for number in tasks:
        stage = STAGES[number]
        before = load(files[number - 1], None).to(vgg.device) if number else None
        errors = rounded(paint_stage(network, stage, before, files[number], number))
        work = stage.evaluations * stage.size**2
        countdown.step(f"{stage.size} px: mean style error {mean(errors):.4f}, {errors}", work)


def paint_stage(
    network: VGG, stage: Stage, before: Tensor | None, file: Path, number: int
) -> list[float]:
    """Paint one stage from the image before it, and save it -> its style errors."""
    photo = load(PHOTO, stage.size).to(network.device)
    style = load(PRINT, stage.style_size).to(network.device)
    start = matched_colour(photo, style) if before is None else enlarged(before, photo)
    loss = total_loss(network, photo, style, CONTENT_WEIGHT, TV_WEIGHT)
    image = optimise(start, loss, stage.evaluations, parametrize=pyramid).image
    judge = VGG(network.name, pool=network.pool, device=image.device)
    errors = style_errors(image, style, judge)
    settings = {**stage_settings(number), "style_errors": rounded(errors)}
    save(image, file, settings, quality=88)
    return errors


EQUAL_WORK: dict[str, Plan] = {
    "at_once": ((1024, 39),),  # 39 is 60 / 16 + 40 / 4 + 25: equal work
    "coarse_to_fine": LARGE,
}


def equal_work_paintings(folder: Path) -> dict[Path, Settings]:
    """The two files of equal work, and how each is painted."""
    paintings = {}
    for name, plan in EQUAL_WORK.items():
        paintings[folder / f"{name}.jpg"] = Settings(PHOTO, PRINT, CONTENT_WEIGHT, 1.25, plan)
    return paintings


def equal_work(vgg: VGG, path: Path) -> None:
    """1,024 pixels for equal work: on the left painted at once, with 39 evaluations, on the right
    from coarse to fine, with 60 at 256 px, 40 at 512 and 25 at 1,024; max pooling.

    Both paintings are kept in the folder `large`; one that is there already, with the same
    settings, is not painted again.
    """
    files = equal_work_paintings(path.parent / "large")
    paint_missing(fast(VGG(device=vgg.device)), files)
    pictures = [load(file, None) for file in files]
    save_sheet(contact_sheet(pictures, columns=2, size=(768, 512)), path)


SIZES = (256, 512)  # of the painting
STYLE_SIZES = (160, 640)
BUDGETS = (10, 40)  # evaluations


def cause_file(folder: Path, size: int, style_size: int, evaluations: int) -> Path:
    """The file of one of the eight paintings."""
    return folder / f"{size}_{style_size}_{evaluations}.jpg"


def three_causes(vgg: VGG, path: Path) -> None:
    """Eight dunes after Hokusai: the painting 256 or 512 pixels wide, the style image 160 or 640,
    10 or 40 evaluations.

    Average pooling, content weight 0.03, total variation 2, from matched colours on a pyramid. The
    ones with 10 evaluations are the same runs, stopped early. All are kept in the folder
    `three_causes`; a run that is there already, with the same settings, is not painted again.
    """
    network = fast(VGG(pool=POOL, device=vgg.device))
    folder = path.parent / "three_causes"
    runs = []
    for size in SIZES:
        for style_size in STYLE_SIZES:
            files = [cause_file(folder, size, style_size, count) for count in BUDGETS]
            settings = [cause_settings(size, style_size, count) for count in BUDGETS]
            if not all(map(is_painted, files, settings)):
                runs.append((size, style_size))
    countdown = Countdown(sum(size**2 for size, _ in runs))
    for size, style_size in runs:
        paint_causes(network, folder, size, style_size)
        countdown.step(f"{size} px, style {style_size} px", size**2)
    files = [
        cause_file(folder, size, style_size, evaluations)
        for evaluations in BUDGETS
        for style_size in STYLE_SIZES
        for size in SIZES
    ]
    save_sheet(contact_sheet([load(file, 480) for file in files], 4, (480, 320)), path)


def cause_settings(size: int, style_size: int, evaluations: int) -> dict:
    """What decides how one of the eight looks."""
    return {
        **HOW,
        "size": size,
        "style_size": style_size,
        "evaluations": evaluations,
    }


def paint_causes(network: VGG, folder: Path, size: int, style_size: int) -> None:
    """One run of 40 evaluations; the best images after 10 and after 40 are saved."""
    photo = load(PHOTO, size).to(network.device)
    style = load(PRINT, style_size).to(network.device)
    loss = total_loss(network, photo, style, CONTENT_WEIGHT, TV_WEIGHT)
    best = {"loss": float("inf")}

    def keep(step: int, image: Tensor, value: float) -> None:
        if value < best["loss"]:
            best.update(loss=value, image=image)
        if step in BUDGETS:
            settings = cause_settings(size, style_size, step)
            settings["loss"] = round(best["loss"], 4)
            save(best["image"], cause_file(folder, size, style_size, step), settings, quality=90)

    start = matched_colour(photo, style)
    optimise(start, loss, max(BUDGETS), callback=keep, parametrize=pyramid)
