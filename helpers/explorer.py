"""All knobs of the recipes on one panel: Explorer(vgg), in a notebook. Nothing else needs it.

Painting runs in a thread of its own, so that the buttons stay alive; whatever goes wrong becomes a
sentence under them.
"""

import html
import threading
import time
from pathlib import Path

import ipywidgets as widgets
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from helpers.images import as_saved, load, names, save
from helpers.recipes import RECIPES, SMALLEST, Recipe, departures, paint, recipe
from helpers.show import WIDGET_VIEW, Picture, film, show, widget_view
from helpers.transfer import Callback, Result
from helpers.vgg import VGG, require_vgg

__all__ = ["Explorer"]

UPLOADED = "(uploaded)"  # what the menu shows for a picture of one's own
KNOBS = ("content", "style", "recipe", "ratio", "size", "style_size", "steps")
BUTTONS = ("Start", "Stop", "Save", "Film")
KEPT_PICTURES = 40  # about how many moments of a painting the scrubber remembers


class Explorer:
    """A panel that paints: Explorer(vgg) as the last line of a cell.

    vgg: the network. folder: where Save and Film write.

    controls: ipywidgets by name, which can be set from code as well, as in
    explorer.controls["steps"].value = 100. After a run, `kept` holds pairs (title, image), `losses`
    the loss at each evaluation.
    """

    def __init__(self, vgg: VGG, folder: str | Path = "outputs"):
        self.vgg = require_vgg(vgg)
        self.folder = Path(folder).expanduser()
        self.uploads: dict[str, bytes] = {}
        self.settings: dict = {}
        self.kept: list[tuple[str, Tensor]] = []
        self.losses: list[float] = []
        self.thread: threading.Thread | None = None
        self.stop = threading.Event()
        self.controls = _controls()
        self.buttons = _buttons()
        self.picture = widgets.Image(format="jpeg")
        self.curve = widgets.Image(format="jpeg")
        self.status = widgets.HTML()
        self.panel = self._panel()
        self._connect()
        self._preview()

    def _repr_mimebundle_(self, include=None, exclude=None):
        note = "[the explorer: run this notebook to use it; a painting of its pair is below]"
        return {WIDGET_VIEW: widget_view(self.panel), "text/plain": note}

    # ---- what the panel asks for -----------------------------------------------------------------

    def wanted(self) -> tuple[Recipe, Tensor, Tensor]:
        """The recipe with what the panel changes of it, and the two pictures.

        Content weights are multiplied by the ratio. Both sizes are long sides here, whatever side
        the recipe means; a recipe that squeezes the style to the photo's shape still does.
        """
        chosen = recipe(self._value("recipe"))
        ratio = self._value("ratio")
        size = self._value("size")
        changes = {
            "content": {layer: weight * ratio for layer, weight in chosen.content.items()},
            "side": "long",
            "size": size,
            "style_size": self._value("style_size") if chosen.style_shape == "own" else None,
            "stages": [_scaled(stage, size / chosen.size) for stage in chosen.stages],
        }
        return recipe(chosen.name, **changes), self._load("content"), self._load("style")

    def paint(self, callback: Callback | None = None) -> Result:
        """Paint what the panel asks for, here and now, as `helpers.recipes.paint` does."""
        chosen, content, style = self.wanted()
        steps = self._value("steps")
        return paint(chosen, content, style, self.vgg, steps=steps, callback=callback)

    def receive(self, kind: str, upload: widgets.FileUpload) -> None:
        """Take a picture of one's own; kind is "content" or "style", upload a FileUpload.

        It is read at once, so that a damaged file is told before Start.
        """
        is_old = isinstance(upload.value, dict)  # ipywidgets 7 has a dict, and 8 a tuple
        files = list(upload.value.values()) if is_old else list(upload.value)
        try:
            data = bytes(files[-1]["content"])
            load(data, 64)
        except Exception as error:
            self._say(f"This upload cannot be used: {error}.")
            return
        self.uploads[kind] = data
        menu = self.controls[kind]
        menu.options = [*names(kind), UPLOADED]
        menu.value = UPLOADED
        self._say(f"Your {kind} picture is here; press Start.")

    def _value(self, knob: str):
        return self.controls[knob].value

    def _load(self, kind: str, size: int | None = None) -> Tensor:
        name = self._value(kind)
        source = self.uploads[kind] if name == UPLOADED else name
        return load(source, size).to(self.vgg.device)

    # ---- what it shows ---------------------------------------------------------------------------

    def _say(self, sentence: str) -> None:
        self.status.value = html.escape(sentence)

    def _preview(self, change: dict | None = None) -> None:
        """Show the chosen photo and style, unless a painting is under way."""
        if self.thread is not None and self.thread.is_alive():
            return
        pair = [self._load("content", 384), self._load("style", 384)]
        alt = "the photo and the style that are chosen, side by side"
        self.picture.value = show(pair, ["content", "style"], alt=alt, height=200).jpeg
        self.curve.layout.display = "none"  # there is none yet

    def _draw(self, image: Tensor, title: str) -> None:
        """Show a picture of this run beside the curve of its loss."""
        alt = f"the painting of the explorer, {title}"
        self.picture.value = show(image, title, alt=alt, height=320).jpeg
        curve = _curve(self.losses)
        self.curve.layout.display = ""
        self.curve.value = Picture(curve, "the loss so far, on a logarithmic axis").jpeg

    def _look_back(self, change) -> None:
        """Show the moment that the scrubber points to."""
        if not self.controls["look"].disabled:
            title, image = self.kept[change["new"]]
            self._draw(image, title)

    # ---- what the buttons do ---------------------------------------------------------------------

    def _press(self, button) -> None:
        if button.disabled:
            return
        name = button.description
        actions = {
            "Start": self._start,
            "Stop": self.stop.set,
            "Save": self._save,
            "Film": self._film,
        }
        try:
            actions[name]()
        except Exception as error:
            self._say(f"{name} did not work: {error}.")

    def _start(self) -> None:
        self.settings = {knob: self._value(knob) for knob in KNOBS}
        self.settings["network"] = self.vgg.name
        self.stop.clear()
        self.kept = []
        self.losses = []
        for control in (*self.buttons.values(), self.controls["look"]):
            control.disabled = control is not self.buttons["Stop"]
        self._say("Reading the pictures and measuring the style.")
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        """One run, in its thread; the buttons come back in any case."""
        try:
            chosen, content, style = self.wanted()
            steps = self.settings["steps"]
            self.started = self.drawn = time.monotonic()
            result = paint(chosen, content, style, self.vgg, steps=steps, callback=self._evaluated)
            self._keep("the result", result.image)
            self._draw(result.image, "the result")
            differences = departures(RECIPES[chosen.name], self.vgg, chosen.size)
            self._say(self._summary(differences))
        except Exception as error:
            self._say(f"This run did not work: {error}. Change something and press Start.")
        finally:
            scrubber = self.controls["look"]
            scrubber.disabled = True  # moving it now draws nothing
            scrubber.max = max(len(self.kept) - 1, 0)
            scrubber.value = scrubber.max
            scrubber.disabled = not self.kept
            for name, button in self.buttons.items():
                needs_picture = name in ("Save", "Film")
                button.disabled = name == "Stop" or (needs_picture and not self.kept)

    def _evaluated(self, step: int, image: Tensor, value: float) -> None:
        """After each evaluation: keep some pictures, draw once a second, and stop if asked to.

        Interrupting makes `optimise` return what it has.
        """
        now = time.monotonic()
        steps = self.settings["steps"]
        self.losses.append(value)
        if step == 1:
            self.started = self.drawn = now
            self._draw(image, "the start")
            self._say(f"1 of {steps} evaluations; measuring the time.")
        if (step - 1) % max(1, steps // KEPT_PICTURES) == 0:
            self._keep(f"evaluation {step}", image)
        if now - self.drawn > 1:
            self.drawn = now
            seconds_left = (now - self.started) / (step - 1) * (steps - step)
            self._draw(image, f"evaluation {step}")
            moment = f"{step} of {steps} evaluations, loss {value:.4g}"
            self._say(f"{moment}, about {seconds_left:.0f} s left.")
        if self.stop.is_set():
            raise KeyboardInterrupt

    def _keep(self, title: str, image: Tensor) -> None:
        self.kept.append((title, as_saved(image).cpu()))

    def _summary(self, differences: list[str]) -> str:
        steps = self.settings["steps"]
        verb = "Stopped" if len(self.losses) < steps else "Done"
        moment = f"after {len(self.losses)} of {steps} evaluations"
        summary = f"{verb} {moment}, lowest loss {min(self.losses):.4g}."
        if differences:
            summary += f" Painted {', '.join(differences)}."
        return summary

    def _save(self) -> None:
        title, image = self.kept[self.controls["look"].value]
        settings = {**self.settings, "picture": title}
        path = save(image, self._file(".png"), settings)
        self._say(f"Saved: {path}")

    def _film(self) -> None:
        path = film([image for _, image in self.kept], self._file(".webp"))
        self._say(f"Saved: {path}")

    def _file(self, ending: str) -> Path:
        moment = time.strftime("%Y%m%d_%H%M%S")
        name = f"{self.settings['recipe']}_{moment}"
        path = (self.folder / f"{name}{ending}").resolve()
        number = 2
        while path.exists():  # saved twice in one second
            path = path.with_name(f"{name}_{number}{ending}")
            number += 1
        return path

    # ---- how it is put together ------------------------------------------------------------------

    def _panel(self) -> widgets.VBox:
        controls = self.controls
        rows = [
            [controls[name] for name in ("content", "own_content", "style", "own_style")],
            [controls[name] for name in ("recipe", "ratio")],
            [controls[name] for name in ("size", "style_size", "steps")],
            list(self.buttons.values()),
            [self.status],
            [self.picture, self.curve],
            [controls["look"]],
        ]
        top_aligned = {"align_items": "flex-start"}
        return widgets.VBox([widgets.HBox(row, layout=top_aligned) for row in rows])

    def _connect(self) -> None:
        for button in self.buttons.values():
            button.on_click(self._press)
        self.controls["own_content"].observe(self._own_content, names="value")
        self.controls["own_style"].observe(self._own_style, names="value")
        self.controls["look"].observe(self._look_back, names="value")
        for kind in ("content", "style"):
            self.controls[kind].observe(self._preview, names="value")

    def _own_content(self, change) -> None:
        self.receive("content", change["owner"])

    def _own_style(self, change) -> None:
        self.receive("style", change["owner"])


def _scaled(stage: dict, factor: float) -> dict:
    """A stage of a recipe at another size."""
    if "size" not in stage:
        return stage
    return {**stage, "size": max(SMALLEST, round(stage["size"] * factor))}


def _controls() -> dict[str, widgets.Widget]:
    """Everything that can be moved, by name."""
    return {
        "content": widgets.Dropdown(options=names("content"), value="china", description="content"),
        "style": widgets.Dropdown(options=names("style"), value="woodcut", description="style"),
        "own_content": widgets.FileUpload(accept="image/*", description="own content"),
        "own_style": widgets.FileUpload(accept="image/*", description="own style"),
        "recipe": widgets.Dropdown(options=list(RECIPES), value="ours", description="recipe"),
        "ratio": widgets.FloatLogSlider(value=1, min=-2, max=2, step=0.25, description="content ×"),
        "size": widgets.IntSlider(value=128, min=64, max=512, step=32, description="size, px"),
        "style_size": widgets.IntSlider(
            value=288, min=64, max=768, step=16, description="style, px"
        ),
        "steps": widgets.IntSlider(value=60, min=10, max=2000, step=10, description="steps"),
        "look": widgets.IntSlider(min=0, max=0, disabled=True, description="look back"),
    }


def _buttons() -> dict[str, widgets.Button]:
    """The buttons by name; only Start works before there is a picture."""
    return {name: widgets.Button(description=name, disabled=name != "Start") for name in BUTTONS}


def _curve(losses: list[float]) -> Image.Image:
    """The logarithm of the loss, drawn with Pillow: Matplotlib does not like threads."""
    width = 320
    height = 140
    margin = 5
    canvas = Image.new("RGB", (width, height), "white")
    if len(losses) < 2:
        return canvas
    logs = torch.tensor(losses).clamp_min(1e-12).log()
    share_of_way_down = (logs.max() - logs) / (logs.max() - logs.min()).clamp_min(1e-6)
    down = share_of_way_down * (height - 2 * margin) + margin
    across = torch.linspace(margin, width - margin, len(losses))
    points = list(zip(across.tolist(), down.tolist(), strict=True))
    ImageDraw.Draw(canvas).line(points, fill="#1f77b4", width=2)
    return canvas
