"""Tensor -> eye: contact sheets, curves, films and progress, each with a description in words."""

import base64
import io
import math
import os
import time
from collections.abc import Callable, Iterable, Sized
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from IPython.display import display
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from helpers.files import as_path, write_file
from helpers.images import require_quality, to_pil

if TYPE_CHECKING:  # imported only where they are needed: both take a while
    from ipywidgets import Widget
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "show",
    "plot",
    "figure",
    "heat",
    "browse",
    "film",
    "play",
    "Picture",
    "MovingPicture",
    "Progress",
]

WIDTH = 960  # pixels of the widest contact sheet: one notebook column, and under 150 KB as JPEG
TALLEST = 4096  # pixels of a row
GAP = 8  # pixels between tiles
TITLE_SIZE = 15  # of a title's letters, in pixels
SMALLEST_TITLE = 8


class Picture:
    """A JPEG with a description, shown by Jupyter, Colab, VS Code and GitHub.

    pil: the picture. alt: a sentence of 20 letters or more that says what is to be seen; it travels
    in the output's metadata (for HTML pages) and as its plain text (for screen readers). quality:
    of the JPEG, from 1 to 95. Raises ValueError where the description is missing.
    """

    def __init__(self, pil: Image.Image, alt: str, quality: int = 88):
        _require_description(alt)
        quality = require_quality(quality)
        if not isinstance(pil, Image.Image):
            raise ValueError(f"a Picture needs a PIL image, not {type(pil).__name__}")
        buffer = io.BytesIO()
        pil.convert("RGB").save(buffer, "JPEG", quality=quality)
        self.pil = pil
        self.alt = alt
        self.jpeg = buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        encoded = base64.b64encode(self.jpeg).decode()
        data = {"image/jpeg": encoded, "text/plain": f"[picture: {self.alt}]"}
        return data, {"image/jpeg": {"alt": self.alt}}


def _require_description(alt: str) -> None:
    if not isinstance(alt, str) or len(alt.strip()) < 20:
        raise ValueError("alt must say in a sentence (20 letters or more) what is to be seen")


def show(
    images: Tensor | Iterable[Tensor],
    titles: str | Iterable[str] | None = None,
    *,
    alt: str,
    columns: int | None = None,
    height: int | None = None,
) -> Picture:
    """Lay images side by side, with titles under them, as one JPEG of at most 960 px width.

    images: one tensor (1, 3, H, W) with values in [0, 1], or several; their sizes may differ.
    titles: one for each image. alt: a sentence that says what is to be seen.
    columns: pictures in a row; by default all.
    height: pixels of a row, at most 4,096; by default the tallest image's, or what fits.
    Raises ValueError where there is no image, not a title for each, or a number that cannot be.
    """
    images = [images] if isinstance(images, Tensor) else _listed("images", images)
    if titles is None:
        titles = [""] * len(images)
    titles = [titles] if isinstance(titles, str) else _listed("titles", titles)
    titles = [_one_line(title) for title in titles]
    if not images or len(titles) != len(images):
        counts = f"{len(images)} images, {len(titles)} titles"
        raise ValueError(f"needs at least one image and a title for each: {counts}")
    for name, value in (("columns", columns), ("height", height)):
        if value is not None and not (isinstance(value, Integral) and 1 <= value <= TALLEST):
            expected = f"None or a whole number from 1 to {TALLEST}"
            raise ValueError(f"{name} must be {expected}, not {value!r}")
    rows = _rows([to_pil(image) for image in images], columns or len(images), height)
    label_height = round(TITLE_SIZE * 1.9) if any(titles) else 0
    width = max(_width(row) for row in rows)
    total_height = sum(row[0].height + label_height + GAP for row in rows) - GAP
    sheet = Image.new("RGB", (width, total_height), "white")
    remaining_titles = iter(titles)
    top = 0
    for row in rows:
        left = 0
        for tile in row:
            sheet.paste(tile, (left, top))
            _write(sheet, next(remaining_titles), (left, top + tile.height + 4), tile.width)
            left += tile.width + GAP
        top += row[0].height + label_height + GAP
    return Picture(sheet, alt)


def _listed(word: str, values: Iterable) -> list:
    if not isinstance(values, Iterable) or isinstance(values, Tensor | Image.Image):
        given = type(values).__name__
        raise ValueError(f"{word} must be a list, one entry for each picture, not {given}")
    return list(values)


def _one_line(title: object) -> str:
    """A title as it can be drawn: a number is written out, and lines are joined."""
    return " ".join(str(title).split())


def _rows(tiles: list[Image.Image], columns: int, height: int | None) -> list[list[Image.Image]]:
    """Cut the list into rows and bring every tile to one height at which the widest row fits."""
    rows = [tiles[first : first + columns] for first in range(0, len(tiles), columns)]
    if height is None:
        height = max(96, *(tile.height for tile in tiles))
    for row in rows:
        room = WIDTH - GAP * (len(row) - 1)
        widths_per_height = sum(tile.width / tile.height for tile in row)
        height = min(height, round(room / widths_per_height))
    _, height, _ = sorted((1, height, TALLEST))
    return [[_scaled(tile, height) for tile in row] for row in rows]


def _width(row: list[Image.Image]) -> int:
    """The pixels that a row of tiles takes, with the gaps between them."""
    return sum(tile.width + GAP for tile in row) - GAP


def _scaled(tile: Image.Image, height: int) -> Image.Image:
    """Resize to a height; tiny pictures keep their pixels as visible squares."""
    width = max(1, round(tile.width * height / tile.height))
    size = (min(width, WIDTH), height)  # a strip of 1 x 5,000 px would not fit at any height
    if tile.size == size:
        return tile
    is_tiny = tile.height <= 32
    return tile.resize(size, Image.Resampling.NEAREST if is_tiny else Image.Resampling.LANCZOS)


def _write(sheet: Image.Image, text: str, corner: tuple[int, int], width: int) -> None:
    """Write a title, centred in a width, in the largest letters that fit."""
    pen = ImageDraw.Draw(sheet)
    for size in range(TITLE_SIZE, SMALLEST_TITLE - 1, -1):
        font = ImageFont.load_default(size)
        if pen.textlength(text, font=font) <= width:
            break
    left, top = corner
    pen.text((left + width / 2, top), text, fill="#222222", font=font, anchor="ma")


def heat(
    values: Tensor, low: float | None = None, high: float | None = None, colours: str = "magma"
) -> Tensor:
    """A map of numbers (H, W) -> an image (1, 3, H, W).

    low, high: the numbers that become the first and the last colour, on any device; by default the
    smallest and the largest. colours: a colour map of Matplotlib, "magma" for amounts, "RdBu_r" for
    numbers of both signs. Raises ValueError for anything but a matrix of finite numbers, and for a
    colour map that Matplotlib does not know.
    """
    from matplotlib import colormaps

    if not isinstance(values, Tensor) or values.ndim != 2 or not values.numel():
        given = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"heat takes a map of numbers (H, W), found {given}")
    if not values.isfinite().all():
        raise ValueError("heat takes a map of finite numbers; this one holds NaN or infinite ones")
    if colours not in colormaps:
        raise ValueError(f"Matplotlib has no colour map {colours!r}; take magma or RdBu_r")
    values = values.detach().float().cpu()
    low = float(values.min() if low is None else low)
    high = float(values.max() if high is None else high)
    scaled = ((values - low) / max(high - low, 1e-12)).clamp(0, 1)
    rgb = colormaps[colours](scaled.numpy())[..., :3]
    return torch.tensor(rgb, dtype=torch.float32).permute(2, 0, 1)[None]


def figure(fig: "Figure", *, alt: str) -> Picture:
    """A Matplotlib figure -> a Picture with its description; the figure is closed."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(fig)
    return Picture(Image.open(buffer), alt)


def plot(curves: dict, *, alt: str, xlabel: str, ylabel: str, log: bool = True) -> Picture:
    """Curves by name as one small figure.

    curves: name -> a list of values at 1, 2, 3, ..., or a pair of lists (xs, ys); lists may be
    tensors and hold some, on any device. alt: a sentence that says what is to be seen. log: whether
    the vertical axis is logarithmic. Raises ValueError for what is no curve.
    """
    import matplotlib.pyplot as plt

    if not isinstance(curves, dict) or not curves:
        expected = 'curves by name, such as {"loss": [3, 2, 1]}'
        raise ValueError(f"plot takes {expected}, found {curves!r}")
    points = {name: _points(name, values) for name, values in curves.items()}
    fig, axes = plt.subplots(figsize=(6.4, 3.2))
    for name, (xs, ys) in points.items():
        axes.plot(xs, ys, label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    _plain_ticks(axes)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False)
    return figure(fig, alt=alt)


def _points(name: str, values) -> tuple[Sized, Sized]:
    """A curve -> where its points lie: across and up."""
    values = _as_numbers(values)
    if isinstance(values, Sized) and not isinstance(values, str | dict) and len(values):
        is_pair = len(values) == 2 and all(isinstance(part, Sized) for part in values)
        xs, ys = values if is_pair else (range(1, len(values) + 1), values)
        if len(xs) == len(ys):
            return xs, ys
    expected = "a list of values, or a pair of lists (xs, ys) of one length"
    raise ValueError(f"the curve {name!r} must be {expected}, not {values!r}")


def _as_numbers(values):
    """Tensors, also in lists, become numbers: Matplotlib cannot read those of a GPU."""
    if isinstance(values, Tensor):
        return values.tolist()
    return [_as_numbers(value) for value in values] if isinstance(values, list | tuple) else values


def _plain_ticks(axes: "Axes") -> None:
    """Numbers such as 0.2 on a logarithmic axis, and some between two powers of ten."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if axes.get_yscale() != "log":
        return
    low, high = axes.get_ylim()
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    axes.yaxis.set_major_locator(LogLocator(subs=steps))
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


class Browser:
    """Move controls, see a picture: browse(render, layer=Dropdown(...)).

    render: called with the value of each control by its name, render(layer=...) -> Picture.
    controls: ipywidgets by argument; give sliders continuous_update=False where `render` runs the
    network. Works with ipywidgets 7.7 and 8; without a kernel the first picture stays.
    """

    def __init__(self, render: Callable[..., Picture], **controls: "Widget"):
        import ipywidgets

        self.render = render
        self.controls = controls
        self.view = ipywidgets.Image(format="jpeg")
        self.box = ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), self.view])
        for control in controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, change: dict | None = None) -> None:
        """Draw the picture for the controls' present values."""
        values = {name: control.value for name, control in self.controls.items()}
        self.picture = self.render(**values)
        self.view.value = self.picture.jpeg

    def _repr_mimebundle_(self, include=None, exclude=None):
        data, metadata = self.picture._repr_mimebundle_()
        return {WIDGET_VIEW: widget_view(self.box), **data}, metadata


browse = Browser  # a verb, where it is called

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def widget_view(widget: "Widget") -> dict:
    """What Jupyter needs to know to show a widget."""
    return {"model_id": widget.model_id, "version_major": 2, "version_minor": 0}


def film(frames: Iterable[Tensor], path: str | os.PathLike, seconds: float = 4.0) -> Path:
    """Images (1, 3, H, W) of one size -> an animated .webp or .gif that repeats, or an .mp4.

    seconds: how long it takes. An .mp4 needs imageio[ffmpeg]. Returns the path. Raises ValueError
    for another ending, for no image, for images of two sizes, and for a time that cannot be.
    """
    _require_seconds(seconds)
    path = as_path(path, "outputs/mine.webp")
    tiles = [to_pil(frame) for frame in _listed("frames", frames)]
    sizes = {tile.size for tile in tiles}
    ending = path.suffix.lower()
    if ending not in (".webp", ".gif", ".mp4") or len(sizes) != 1:
        expected = "images of one size and a .webp, .gif or .mp4"
        given = f"{len(tiles)} images of {len(sizes)} sizes and {path.name}"
        raise ValueError(f"film needs {expected}, found {given}")
    if ending == ".mp4" and min(tiles[0].size) < 2:
        raise ValueError(f"an .mp4 needs images of 2 x 2 px or more, found {tiles[0].size}")
    if ending == ".mp4":
        return write_file(path, _mp4(tiles, len(tiles) / seconds))
    buffer = io.BytesIO()
    tiles[0].save(
        buffer,
        ending[1:],
        save_all=True,
        append_images=tiles[1:],
        duration=round(1000 * seconds / len(tiles)),
        loop=0,
    )
    return write_file(path, buffer.getvalue())


def _require_seconds(seconds: float) -> None:
    if not isinstance(seconds, Real) or not 0 < seconds < math.inf:
        raise ValueError(f"seconds must be a finite number above 0, not {seconds!r}")


def _mp4(tiles: list[Image.Image], frames_per_second: float) -> bytes:
    try:
        import imageio.v3 as imageio
    except ImportError as error:
        advice = "an .mp4 needs `pip install imageio imageio-ffmpeg`; a .webp needs nothing"
        raise ImportError(advice) from error
    even_width = tiles[0].width // 2 * 2  # H.264 takes no other
    even_height = tiles[0].height // 2 * 2
    return imageio.imwrite(
        "<bytes>",
        [np.asarray(tile)[:even_height, :even_width] for tile in tiles],
        extension=".mp4",
        plugin="FFMPEG",
        fps=frames_per_second,
        macro_block_size=2,
    )


class MovingPicture:
    """A film inside a notebook: an animated PNG with a description.

    A PNG, because pages that are made of notebooks, such as GitHub's, leave a GIF or a video out.
    What cannot play it shows the first image. png: the bytes of the file. alt: as for `Picture`.
    """

    def __init__(self, png: bytes, alt: str):
        _require_description(alt)
        self.png = png
        self.alt = alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        encoded = base64.b64encode(self.png).decode()
        data = {"image/png": encoded, "text/plain": f"[film: {self.alt}]"}
        return data, {"image/png": {"alt": self.alt}}


def play(
    frames: Iterable[Tensor], seconds: float = 4.0, *, alt: str, colours: int = 128
) -> MovingPicture:
    """Images (1, 3, H, W) of one size as a film in the notebook, which repeats.

    seconds: how long it takes. alt: a sentence that says what is to be seen. colours: all frames
    share so many, from 2 to 256; fewer make the notebook smaller. `film` writes a file.
    Raises ValueError for no image, for images of two sizes, and for a time or a number of colours
    that cannot be.
    """
    _require_seconds(seconds)
    if not isinstance(colours, Integral) or not 2 <= colours <= 256:
        raise ValueError(f"colours must be a whole number from 2 to 256, not {colours!r}")
    tiles = [to_pil(frame) for frame in _listed("frames", frames)]
    sizes = {tile.size for tile in tiles}
    if len(sizes) != 1:
        given = f"{len(tiles)} images of {len(sizes)} sizes"
        raise ValueError(f"play needs images of one size, found {given}")
    width, height = tiles[0].size
    strip = Image.new("RGB", (width, height * len(tiles)))  # for the colours of the whole film
    for number, tile in enumerate(tiles):
        strip.paste(tile, (0, height * number))
    palette = strip.quantize(colours, method=Image.Quantize.MEDIANCUT)
    tiles = [tile.quantize(palette=palette, dither=Image.Dither.NONE) for tile in tiles]
    buffer = io.BytesIO()
    tiles[0].save(
        buffer,
        "PNG",
        save_all=True,
        append_images=tiles[1:],
        duration=round(1000 * seconds / len(tiles)),
        loop=0,
    )
    return MovingPicture(buffer.getvalue(), alt)


class Progress:
    """The picture so far and a line under it, twice a second, for the callback of `optimise`.

    steps: how many there will be. what: the word that begins the line. At the end only the line
    stays, for the notebook to show the result. NST_QUIET=1 shows only that line.
    """

    def __init__(self, steps: int, what: str = "painting"):
        self.steps = steps
        self.what = what
        self.start = time.monotonic()
        self.last_shown = 0.0
        self.is_shown = False

    def __call__(self, step: int, image: Tensor, value: float) -> None:
        now = time.monotonic()
        is_last = step >= self.steps
        is_quiet = os.environ.get("NST_QUIET") == "1"
        if not is_last and (is_quiet or now - self.last_shown < 0.5):
            return
        line = f"{self.what}: {step} of {self.steps} steps, loss {value:.4f}"
        if is_last:
            output = {"text/plain": line}
        else:
            line += f", {(now - self.start) / step * (self.steps - step):.0f} s left"
            output, _ = show(image.clamp(0, 1), line, alt=line, height=320)._repr_mimebundle_()
        name = f"progress-{self.start}"
        display(output, raw=True, display_id=name, update=self.is_shown)
        self.last_shown = now
        self.is_shown = True
