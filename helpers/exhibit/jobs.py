"""One job of an exhibition: what it will need, and the painting itself, in a process of its own."""

import contextlib
import io
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from helpers.control import Controls
from helpers.exhibit.plan import Job
from helpers.fast import fast
from helpers.files import write_file
from helpers.images import as_saved, load, save
from helpers.losses import content_loss, gram, style_loss
from helpers.masks import load_mask
from helpers.recipes import paint, pictures_for
from helpers.vgg import VGG

__all__ = ["Done", "carry_out", "evaluations", "memory", "pixels"]

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = "relu4_2"
# Channels and convolutions of each block, as far as relu5_1; notebook 09 counts them.
BLOCKS = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 1))
PROCESS = 700_000_000  # bytes that Python, torch and the network take before anything is painted
PAIRS = 50  # steps and changes of gradient that L-BFGS keeps, within a gigabyte
PROGRESS = ".progress"  # a folder beside the results: what each job that runs has reached


class Done(NamedTuple):
    """What became of a job."""

    name: str
    failure: str  # a sentence; empty if it was painted
    seconds: float


def evaluations(job: Job) -> int:
    """How often the loss will be evaluated."""
    return job.steps or job.made().steps


def pixels(job: Job, sides: tuple[int, int]) -> int:
    """Pixels of the painting, for a photo of these sides (width, height)."""
    made = job.made()
    size = job.size or made.size
    of = {"long": max(sides), "short": min(sides), "height": sides[1]}[made.side]
    return round(sides[0] * size / of) * round(sides[1] * size / of)


def memory(count: int) -> int:
    """Bytes that a process needs for a painting of so many pixels, in float32.

    Features and their gradients, L-BFGS, and a process with a network: notebook 09 derives the
    first, and a real run stays below the sum.
    """
    features = 0
    left = count
    for channels, convolutions in BLOCKS:
        features += 4 * channels * left * (convolutions + 1)
        left //= 4
    history = min(10**9, PAIRS * 2 * 4 * 3 * count)
    return PROCESS + round(1.5 * features) + history


@cache
def network(name: str, precision: str) -> VGG:
    """A network, once in each process."""
    vgg = VGG(name)
    if precision == "float32":
        return vgg
    return fast(vgg, None if precision == "fast" else precision)


def carry_out(job: Job, files: dict[str, str], out: str, threads: int) -> Done:
    """Paint one job and write its file; what goes wrong becomes a sentence, and stops nobody.

    files: each picture's path by its name in the plan. out: the folder of the results. threads: how
    many this process may use.
    """
    start = time.monotonic()
    torch.set_num_threads(threads)
    note = Path(out, PROGRESS, job.name)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        said = io.StringIO()  # lines of thirty workers would be a muddle
        with contextlib.redirect_stdout(said):
            _paint(job, files, Path(out), note, said)
        failure = ""
    except MemoryError:
        failure = "there was not enough memory: take a smaller size, or fewer workers"
    except Exception as error:
        failure = (str(error) or repr(error)).splitlines()[0]
    finally:
        note.unlink(missing_ok=True)
    return Done(job.name, failure, time.monotonic() - start)


def _paint(job: Job, files: dict[str, str], out: Path, note: Path, said: io.StringIO) -> None:
    """The painting, its measures, and its file."""
    start = time.process_time()
    vgg = network(job.network, job.precision)
    content = load(files[job.content], None)
    styles = [load(files[style], None) for style in job.styles]
    controls = _controls(job.control, files, content)
    total = evaluations(job)
    last_told = time.monotonic()

    def tell(step: int, image: Tensor, value: float) -> None:
        nonlocal last_told
        if step == 1 or time.monotonic() - last_told > 2:
            write_file(note, json.dumps({"pid": os.getpid(), "share": step / total}))
            last_told = time.monotonic()

    result = paint(
        job.made(),
        content,
        styles,
        vgg,
        size=job.size,
        steps=job.steps,
        controls=controls,
        callback=tell,
    )
    image = as_saved(result.image)
    seconds = round(time.process_time() - start, 1)
    settings = {
        **_described(job),
        "seconds": seconds,
        "evaluations": len(result.history),
        "said": said.getvalue().splitlines(),
        **_measures(job, image, content, styles),
    }
    save(image, out / f"{job.name}.png", settings)


def _described(job: Job) -> dict[str, Any]:
    """What the file says of how it was made."""
    made = job.made()
    return {
        "job": job.name,
        "title": job.title,
        "label": job.label,
        "content": job.content,
        "style": list(job.styles),
        "recipe": job.recipe,
        "changes": job.changes,
        "control": job.control,
        "size": job.size or made.size,
        "network": job.network,
        "precision": job.precision,
    }


@torch.no_grad()
def _measures(job: Job, image: Tensor, content: Tensor, styles: list[Tensor]) -> dict[str, Any]:
    """Errors of the saved picture, in float32: at each style layer, and of content at relu4_2."""
    judge = network(job.network, "float32")
    image = image.to(judge.device)
    photo, _ = pictures_for(job.made(), content, styles[0], job.size)
    features = judge(image, [*STYLE, CONTENT])
    target = judge(photo.to(judge.device), CONTENT)[CONTENT]
    errors = []
    for layer in STYLE:
        grams = []
        for style in styles:
            _, look = pictures_for(job.made(), content, style, job.size)
            grams.append(gram(judge(look.to(judge.device), layer)[layer]))
        error = sum(style_loss(features[layer], A) for A in grams) / len(grams)
        errors.append(round(error.item(), 5))
    return {
        "style_errors": errors,
        "style_error": round(sum(errors) / len(errors), 5),
        "content_error": round(content_loss(features[CONTENT], target).item(), 5),
    }


def _controls(table: dict, files: dict[str, str], content: Tensor) -> Controls | None:
    """The control of a plan -> masks that are tensors; "not sky" is what the mask sky is not."""
    if not table:
        return None
    fields = {word: table[word] for word in ("colour", "way", "shares") if word in table}
    if "masks" in table:
        fields["masks"] = [_mask(name, files, content) for name in table["masks"]]
    if "protected" in table:
        name, weight = table["protected"]
        fields["protected"] = (_mask(name, files, content), weight)
    return Controls(**fields)


def _mask(name: str, files: dict[str, str], content: Tensor) -> Tensor:
    """A mask, at the size of the photo."""
    known = name.removeprefix("not ")
    mask = load_mask(files[known], None)
    height, width = content.shape[2:]
    if abs(mask.shape[3] / mask.shape[2] - width / height) > 0.02 * width / height:
        given = f"{mask.shape[3]} x {mask.shape[2]} px"
        raise ValueError(f"the mask {known} has another shape, {given}, than its photo")
    mask = torch.nn.functional.interpolate(mask, (height, width), mode="bilinear", antialias=True)
    return mask if name == known else 1 - mask
