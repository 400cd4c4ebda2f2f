"""All knobs of the recipes on one panel: Explorer(vgg), in a notebook. Nothing else needs it.

Painting runs in a thread of its own, so that the buttons stay alive; whatever goes wrong becomes a
sentence under them.
"""

import base64
import html
import math
import threading
import time
from pathlib import Path

import ipywidgets as widgets
from PIL import Image
from torch import Tensor

from helpers.images import DATA, as_saved, load, names, save
from helpers.recipes import RECIPES, SMALLEST, Recipe, departures, paint, recipe
from helpers.show import WIDGET_VIEW, Picture, film, show, widget_view
from helpers.transfer import Callback, Result
from helpers.vgg import VGG, require_vgg

__all__ = ["Explorer"]

YOURS = "(yours)"  # what the menu adds to the name of a picture of one's own
KNOBS = ("content", "style", "recipe", "ratio", "size", "style_size", "steps")
BUTTONS = ("Start", "Stop", "Save", "Film")
KEPT_PICTURES = 40  # about how many moments of a painting the scrubber remembers
PORTRAIT = DATA / "results" / "08_explorer.jpg"  # the panel itself, for where there is no kernel


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
        # HTML, because its letters and lines take the colour of the page, dark or light.
        self.previews = {kind: widgets.HTML() for kind in ("content", "style")}
        self.picture = widgets.HTML()
        self.curve = widgets.HTML()
        self.status = widgets.HTML()
        self.panel = self._panel()
        self._connect()
        for kind in self.previews:
            self._preview(kind)

    def _repr_mimebundle_(self, include=None, exclude=None):
        alt = (
            "The explorer after a run: menus and sliders, the photo and the style, four buttons, "
            "the painting, and beside it the falling curve of its loss."
        )
        with Image.open(PORTRAIT, formats=["JPEG"]) as portrait:
            data, metadata = Picture(portrait, alt)._repr_mimebundle_()
        return {WIDGET_VIEW: widget_view(self.panel), **data}, metadata

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
        file = list(upload.value)[-1] if is_old else files[-1]["name"]
        self.uploads[kind] = data
        menu = self.controls[kind]
        menu.options = [*names(kind), f"{file} {YOURS}"]
        menu.value = f"{file} {YOURS}"
        self._preview(kind)  # also where the file before it had the same name
        self._say(f"Your {kind} picture is here; press Start.")

    def _value(self, knob: str):
        return self.controls[knob].value

    def _load(self, kind: str, size: int | None = None) -> Tensor:
        name = self._value(kind)
        source = self.uploads[kind] if name.endswith(YOURS) else name
        return load(source, size).to(self.vgg.device)

    # ---- what it shows ---------------------------------------------------------------------------

    def _say(self, sentence: str) -> None:
        self.status.value = html.escape(sentence)

    def _preview(self, kind: str) -> None:
        """Show the photo or the style that is chosen."""
        alt = f"the {kind} that is chosen, {self._value(kind)}"
        self.previews[kind].value = _figure(self._load(kind, 384), kind, alt=alt, height=150)

    def _draw(self, image: Tensor, title: str) -> None:
        """Show a picture of this run beside the curve of its loss."""
        alt = f"the painting of the explorer, {title}"
        self.picture.value = _figure(image, title, alt=alt, height=320)
        self.curve.value = _curve(self.losses)

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
            list(self.previews.values()),
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
        self.controls["content"].observe(lambda change: self._preview("content"), names="value")
        self.controls["style"].observe(lambda change: self._preview("style"), names="value")

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
        "own_content": widgets.FileUpload(accept="image/*", description="my photo"),
        "own_style": widgets.FileUpload(accept="image/*", description="my style"),
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


def _figure(image: Tensor, title: str, *, alt: str, height: int) -> str:
    """An image with a line under it, as HTML."""
    source = base64.b64encode(show(image, alt=alt, height=height).jpeg).decode()
    picture = f'<img alt="{html.escape(alt)}" src="data:image/jpeg;base64,{source}">'
    look = "margin: 0 8px 4px 0; line-height: 1.3"
    return f'<div style="{look}">{picture}<br>{html.escape(title)}</div>'


# The curve, in pixels: the whole drawing, and the room that its numbers need.
WIDTH, HEIGHT = 340, 220
LEFT, TOP, RIGHT, BOTTOM = 56, 22, 10, 38


def _curve(losses: list[float]) -> str:
    """The losses so far as SVG, on a logarithmic axis; lines and letters in the page's colour."""
    if len(losses) < 2:
        return ""
    logs = [math.log10(max(loss, 1e-12)) for loss in losses]
    low = min(logs)
    high = max(max(logs), low + 0.01)
    count = len(losses)

    def across(evaluation: float) -> float:
        return LEFT + (evaluation - 1) / (count - 1) * (WIDTH - LEFT - RIGHT)

    def down(log: float) -> float:
        return TOP + (high - log) / (high - low) * (HEIGHT - TOP - BOTTOM)

    bottom = HEIGHT - BOTTOM
    axes = f"M{LEFT} {TOP}V{bottom}H{WIDTH - RIGHT}"
    labels = [_letters(LEFT, TOP - 9, "loss"), _letters(WIDTH - RIGHT, HEIGHT - 4, "evaluations")]
    for value in _ticks(low, high):
        height = down(math.log10(value))
        axes += f"M{LEFT - 4} {height:.1f}h4"
        labels.append(_letters(LEFT - 7, height + 4, f"{value:.3g}"))
    for evaluation in sorted({1, (count + 1) // 2, count}):
        axes += f"M{across(evaluation):.1f} {bottom}v4"
        labels.append(_letters(across(evaluation) + 4, bottom + 17, str(evaluation)))
    points = [f"{across(1 + i):.1f},{down(log):.1f}" for i, log in enumerate(logs)]
    alt = f"the loss, from {losses[0]:.3g} to {losses[-1]:.3g} after {count} evaluations"
    look = f'width="{WIDTH}" height="{HEIGHT}" font-size="12" fill="currentColor"'
    line = f'points="{" ".join(points)}" fill="none" stroke="#2a8fd6" stroke-width="2"'
    return (
        f'<svg role="img" aria-label="{alt}" {look}>{"".join(labels)}'
        f'<path d="{axes}" fill="none" stroke="currentColor"/><polyline {line}/></svg>'
    )


def _letters(right: float, base: float, text: str) -> str:
    return f'<text x="{right:.1f}" y="{base:.1f}" text-anchor="end">{text}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two powers of ten; both ends, where there are not two of them."""
    for steps in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        powers = range(math.floor(low), math.ceil(high) + 1)
        ticks = [step * 10.0**power for power in powers for step in steps]
        ticks = [tick for tick in ticks if low <= math.log10(tick) <= high]
        if len(ticks) > 2:
            break
    return ticks if len(ticks) > 1 else [10**low, 10**high]
