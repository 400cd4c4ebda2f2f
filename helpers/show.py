"""Tensor -> eye: contact sheets, curves and progress, as JPEG with a description for those who cannot see them."""

import base64
import io
import os
import time
from pathlib import Path

import numpy as np
import torch
from IPython.display import display
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from helpers.images import to_pil, write_file

__all__ = ["show", "plot", "figure", "heat", "browse", "film", "Picture", "Progress"]

WIDTH = 960  # pixels of the widest contact sheet: one notebook column, and under 150 KB as JPEG
GAP, TEXT = 8, 15  # pixels between tiles, and of a title's letters


class Picture:
    """A JPEG with alt text, shown by Jupyter, Colab, VS Code and GitHub; `pil` is the picture itself.

    The description travels in the output's metadata (for HTML pages) and as its plain text (for screen readers).
    """

    def __init__(self, pil: Image.Image, alt: str, quality: int = 88):
        if not isinstance(alt, str) or len(alt) < 20:
            raise ValueError("alt must say in a sentence (20 letters or more) what is to be seen")
        buffer = io.BytesIO()
        pil.convert("RGB").save(buffer, "JPEG", quality=quality)
        self.pil, self.alt, self.jpeg = pil, alt, buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/jpeg": base64.b64encode(self.jpeg).decode(), "text/plain": f"[picture: {self.alt}]"}
        return data, {"image/jpeg": {"alt": self.alt}}


def show(images, titles=None, *, alt: str, columns: int | None = None, height: int | None = None) -> Picture:
    """Lay images side by side, with titles under them, as one JPEG of at most 960 px width.

    images: one tensor (1, 3, H, W) with values in [0, 1], or a list of them; their sizes may differ.
    titles: one for each image. alt: a sentence that says what is to be seen. columns: pictures in a row (default: all).
    height: pixels of a row; by default the tallest image's, or what fits.
    """
    images = [images] if isinstance(images, Tensor) else list(images)
    titles = [titles] if isinstance(titles, str) else list(titles or [""] * len(images))
    if not images or len(titles) != len(images):
        raise ValueError(f"needs at least one image and a title for each: {len(images)} images, {len(titles)} titles")
    rows = _rows([to_pil(image) for image in images], columns or len(images), height)
    label = round(TEXT * 1.9) if any(titles) else 0
    width = max(sum(tile.width + GAP for tile in row) for row in rows) - GAP
    sheet = Image.new("RGB", (width, sum(row[0].height + label + GAP for row in rows) - GAP), "white")
    top, words = 0, iter(titles)
    for row in rows:
        left = 0
        for tile in row:
            sheet.paste(tile, (left, top))
            _write(sheet, next(words), left, top + tile.height + 4, tile.width)
            left += tile.width + GAP
        top += row[0].height + label + GAP
    return Picture(sheet, alt)


def _rows(tiles: list[Image.Image], columns: int, height: int | None) -> list[list[Image.Image]]:
    """Cut the list into rows and bring every tile to one height at which the widest row fits."""
    rows = [tiles[i : i + columns] for i in range(0, len(tiles), columns)]
    fits = min((WIDTH - GAP * (len(row) - 1)) / sum(t.width / t.height for t in row) for row in rows)
    height = max(1, min(round(fits), height or max(max(t.height for t in tiles), 96)))
    return [[_scaled(tile, height) for tile in row] for row in rows]


def _scaled(tile: Image.Image, height: int) -> Image.Image:
    """Resize to a height; tiny pictures keep their pixels as visible squares."""
    size = (max(1, round(tile.width * height / tile.height)), height)
    how = Image.Resampling.NEAREST if tile.height <= 32 else Image.Resampling.LANCZOS
    return tile if tile.size == size else tile.resize(size, how)


def _write(sheet: Image.Image, text: str, left: int, top: int, width: int) -> None:
    """A title, centred under its tile, in smaller letters where it would not fit."""
    pen, fonts = ImageDraw.Draw(sheet), map(ImageFont.load_default, range(TEXT, 7, -1))  # loaded as far as needed
    font = next((f for f in fonts if pen.textlength(text, font=f) <= width), None) or ImageFont.load_default(8)
    pen.text((left + width / 2, top), text, fill="#222222", font=font, anchor="ma")


def heat(values: Tensor, low: float | None = None, high: float | None = None, colours: str = "magma") -> Tensor:
    """A map of numbers (H, W) -> an image (1, 3, H, W): `low` (default the minimum) dark, `high` (the maximum) light.

    colours: the name of a Matplotlib colour map, "magma" for amounts, "RdBu_r" for signed values.
    """
    from matplotlib import colormaps

    values = values.detach().float().cpu()
    low, high = values.min() if low is None else low, values.max() if high is None else high
    scaled = ((values - low) / max(float(high - low), 1e-12)).clamp(0, 1)
    return torch.tensor(colormaps[colours](scaled.numpy())[..., :3], dtype=torch.float32).permute(2, 0, 1)[None]


def figure(fig, *, alt: str) -> Picture:
    """A Matplotlib figure -> a Picture with its description; the figure is closed."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(fig)
    return Picture(Image.open(buffer), alt)


def plot(curves: dict, *, alt: str, xlabel: str, ylabel: str, log: bool = True) -> Picture:
    """Curves by name, each a list of values at 1, 2, 3, ... or a pair (xs, ys), as one small figure."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(figsize=(6.4, 3.2))
    for name, values in curves.items():
        pair = len(values) == 2 and hasattr(values[0], "__len__")
        axes.plot(*(values if pair else (range(1, len(values) + 1), values)), label=name)
    axes.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    axes.grid(alpha=0.3), axes.spines[["top", "right"]].set_visible(False)
    if len(curves) > 1:
        axes.legend(frameon=False)
    return figure(fig, alt=alt)


class Browser:
    """Move controls, see a picture: `browse(render, layer=Dropdown(...))` calls render(layer=...) -> Picture.

    controls: ipywidgets by argument; give sliders continuous_update=False where `render` runs the network. Works with
    ipywidgets 7.7 and 8; without a kernel the default state's picture stays.
    """

    def __init__(self, render, **controls):
        import ipywidgets

        self.render, self.controls, self.picture = render, controls, None
        self.view = ipywidgets.Image(format="jpeg")
        self.box = ipywidgets.VBox([ipywidgets.HBox(list(controls.values())), self.view])
        for control in controls.values():
            control.observe(self.update, names="value")
        self.update()

    def update(self, change=None) -> None:
        """Draw the picture for the controls' present values."""
        self.picture = self.render(**{name: control.value for name, control in self.controls.items()})
        self.view.value = self.picture.jpeg

    def _repr_mimebundle_(self, include=None, exclude=None):
        data, metadata = self.picture._repr_mimebundle_()
        view = {"model_id": self.box.model_id, "version_major": 2, "version_minor": 0}
        return {"application/vnd.jupyter.widget-view+json": view, **data}, metadata


browse = Browser  # a verb, where it is called


def film(frames, path, seconds: float = 4.0) -> Path:
    """Images (1, 3, H, W) of one size -> an animated .webp or .gif that repeats, or an .mp4 (needs imageio[ffmpeg])."""
    path, tiles, buffer = Path(path).expanduser(), [to_pil(frame) for frame in frames], io.BytesIO()
    if path.suffix not in (".webp", ".gif", ".mp4") or len({tile.size for tile in tiles}) != 1:
        raise ValueError(f"film needs images of one size and a .webp, .gif or .mp4, found {len(tiles)} and {path.name}")
    if path.suffix == ".mp4":
        buffer.write(_mp4(tiles, len(tiles) / seconds))
    else:
        every = round(1000 * seconds / len(tiles))
        tiles[0].save(buffer, path.suffix[1:], save_all=True, append_images=tiles[1:], duration=every, loop=0)
    write_file(path, buffer.getvalue())
    return path


def _mp4(tiles: list[Image.Image], rate: float) -> bytes:
    frames = [np.asarray(tile)[: tile.height // 2 * 2, : tile.width // 2 * 2] for tile in tiles]  # even, for H.264
    try:
        import imageio.v3 as imageio

        return imageio.imwrite("<bytes>", frames, extension=".mp4", plugin="FFMPEG", fps=rate, macro_block_size=2)
    except ImportError as error:
        raise ImportError("an .mp4 needs `pip install imageio imageio-ffmpeg`; a .webp needs nothing") from error


class Progress:
    """The picture so far and a line under it, renewed twice a second: `optimise(..., seen=Progress(150))`.

    At the end only the line stays, for the notebook to show the result. NST_QUIET=1 shows only that.
    """

    def __init__(self, steps: int, what: str = "painting"):
        self.steps, self.what, self.begin, self.last, self.shown = steps, what, time.monotonic(), 0.0, False

    def __call__(self, step: int, image: Tensor, value: float) -> None:
        now, done = time.monotonic(), step >= self.steps
        if not done and (now - self.last < 0.5 or os.environ.get("NST_QUIET") == "1"):
            return
        left = f", {(now - self.begin) / step * (self.steps - step):.0f} s left" * (not done)
        line = f"{self.what}: {step} of {self.steps} steps, loss {value:.4f}{left}"
        what = {"text/plain": line} if done else show(image, line, alt=line, height=320)._repr_mimebundle_()[0]
        display(what, raw=True, display_id=f"progress-{self.begin}", update=self.shown)
        self.last, self.shown = now, True
