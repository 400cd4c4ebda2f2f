"""One job of an exhibition: the painting, its measures and its file, in a process of its own."""

import contextlib
import io
import json
import os
import threading
import time
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from helpers.control import Controls
from helpers.exhibit.plan import Job, is_whole
from helpers.fast import fast
from helpers.files import write_file
from helpers.images import as_saved, load, save
from helpers.losses import content_loss, gram, style_loss
from helpers.masks import load_mask
from helpers.recipes import paint, pictures_for
from helpers.vgg import VGG

__all__ = ["Done", "LOST", "PROGRESS", "carry_out"]

STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = "relu4_2"
PROGRESS = ".progress"  # a folder beside the results: what each job that runs has reached


LOST = "its worker was killed"  # as a failure: the job may be tried once more
ONE_AT_A_TIME = threading.Lock()  # a worker of Dask may have several threads


class Done(NamedTuple):
    """What became of a job."""

    name: str
    failure: str  # a sentence; empty if it was painted
    seconds: float


@cache
def network(name: str, precision: str) -> VGG:
    """A network, once in each process."""
    vgg = VGG(name)
    if precision == "float32":
        return vgg
    return fast(vgg, None if precision == "fast" else precision)


def carry_out(
    job: Job, files: dict[str, str], out: str, threads: int, parent: int | None = None
) -> Done:
    """Paint one job and write its file; what goes wrong becomes a sentence, and stops nobody.

    files: each picture's path by its name in the plan. out: the folder of the results. threads: how
    many this process may use. parent: the process for which this one paints; it ends with it.
    """
    with ONE_AT_A_TIME:
        start = time.monotonic()
        torch.set_num_threads(threads)
        failure = ""
        note = Path(out, PROGRESS, job.name)
        try:
            # Dask repeats what a killed worker had finished and not yet told.
            if not is_whole(Path(out, f"{job.name}.png")):
                _note(note, 0.0)
                said = io.StringIO()  # lines of thirty workers would be a muddle
                with contextlib.redirect_stdout(said):
                    _paint(job, files, Path(out), partial(_tell, note, parent), said)
        except Exception as error:
            failure = _sentence(error)
        finally:
            note.unlink(missing_ok=True)
        return Done(job.name, failure, time.monotonic() - start)


def _note(path: Path, share: float) -> None:
    """Tell which share of a job is done. A note that is left over tells whose worker was killed."""
    write_file(path, json.dumps({"pid": os.getpid(), "share": share}))


def _tell(note: Path, parent: int | None, share: float) -> None:
    """As _note; and no worker goes on without the process that has started it."""
    if parent is not None and os.getppid() != parent:
        note.unlink(missing_ok=True)
        os._exit(1)
    _note(note, share)


def _sentence(error: Exception) -> str:
    """What went wrong, in one line."""
    text = (str(error) or repr(error)).splitlines()[0]
    is_full = "allocate memory" in text or "out of memory" in text
    if is_full or isinstance(error, MemoryError):
        return "there was not enough memory: take a smaller size, or fewer workers"
    return text


def _paint(
    job: Job,
    files: dict[str, str],
    out: Path,
    tell_share: Callable[[float], None],
    said: io.StringIO,
) -> None:
    """The painting, its measures, and its file."""
    start = time.process_time()
    vgg = network(job.network, job.precision)
    content = load(files[job.content], None)
    styles = [load(files[style], None) for style in job.styles]
    controls = _controls(job.control, files, content)
    total = job.steps or job.made().steps
    last_told = time.monotonic()

    def tell(step: int, image: Tensor, value: float) -> None:
        nonlocal last_told
        if step == 1 or time.monotonic() - last_told > 2:
            tell_share(step / total)
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
