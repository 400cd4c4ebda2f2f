"""Notebook 08's panel, driven without a front end: its cells come from the source, its buttons are clicked here."""

import ast
import datetime
import io
import time
from types import SimpleNamespace

import jupytext
import numpy as np
import pytest
import torch
from PIL import Image

from helpers.images import read_settings
from tests.test_notebooks import ROOT

ipywidgets = pytest.importorskip("ipywidgets")
CELLS = [
    cell.source
    for cell in jupytext.read(ROOT / "notebooks/src/08_recipes_and_knobs.py", fmt="py:percent").cells
    if "explorer" in cell.metadata.get("tags", [])
]
TINY = {"size": 64, "style_size": 64, "steps": 12}


class Panel:
    """The explorer's namespace, and what a person does with it."""

    def __init__(self, vgg):
        self.names = {"vgg": vgg}
        for source in CELLS:
            exec(source, self.names)
        self.ui, self.buttons, self.job = (self.names[name] for name in ("ui", "buttons", "job"))

    @property
    def status(self):
        return self.ui.status.value

    def set(self, **values):
        for name, value in values.items():
            getattr(self.ui, name).value = value

    def click(self, name):
        self.buttons[name].click()

    def run(self, **values):
        self.set(**TINY | values)
        self.click("Start")
        self.job.thread.join(60)
        assert not self.job.thread.is_alive()

    def at_rest(self):
        return not self.buttons["Start"].disabled and self.buttons["Stop"].disabled

    def picture(self):
        return np.asarray(Image.open(io.BytesIO(self.ui.picture.value)).convert("RGB"))


@pytest.fixture
def panel(vgg, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Panel(vgg)


def encoded(mode="RGB", size=(40, 30), kind="PNG"):
    colours = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours, "RGBA").convert(mode).save(buffer, kind)
    return buffer.getvalue()


def uploaded(data, version):
    """A FileUpload with one file, as ipywidgets 7 and 8 have it."""
    if version == 7:
        return SimpleNamespace(value={"a.png": {"metadata": {"name": "a.png"}, "content": data}})
    told = {
        "name": "a.png",
        "type": "image/png",
        "size": len(data),
        "last_modified": datetime.datetime.now(datetime.UTC),
    }
    return SimpleNamespace(value=({**told, "content": memoryview(data)},))


def test_six_small_cells_that_run_nothing_by_themselves(panel):
    assert 1 <= len(CELLS) <= 6
    for source in CELLS:
        assert sum(bool(line.strip()) for line in source.splitlines()) <= 25
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 25, node.name
    assert panel.job.thread is None and panel.ui.picture.value == b"" and panel.status == ""
    knobs = {name: getattr(panel.ui, name).value for name in panel.names["KNOBS"]}
    assert knobs == {
        **{"content": "china", "style": "woodcut", "recipe": "ours", "ratio": 1},
        **{"size": 128, "style_size": 288, "steps": 60},
    }
    assert [name for name, button in panel.buttons.items() if not button.disabled] == ["Start"]
    shown = {id(child) for row in panel.names["panel"].children for child in row.children}
    assert {id(w) for w in (*vars(panel.ui).values(), *panel.buttons.values())} == shown, "a control is on no row"


def test_start_paints_and_draws(panel):
    panel.run()
    assert "Done after 12 of 12 evaluations, lowest loss 0." in panel.status and panel.at_rest()
    assert len(panel.job.kept) >= 3 and panel.job.kept[-1][0] == "the result" and len(panel.job.losses) == 12
    first, result = panel.job.kept[0][1], panel.job.kept[-1][1]
    assert (first - result).abs().mean() > 0.02 and panel.picture().std() > 10
    curve = np.asarray(Image.open(io.BytesIO(panel.ui.curve.value)).convert("L"))
    assert (curve < 200).sum() > 300, "no curve"
    assert curve[:, :30].argmin() // 30 < curve[:, -30:].argmin() // 30, "the loss falls from left to right"


def test_what_is_asked_for_is_what_runs(panel):
    panel.set(recipe="d2l", ratio=10.0, size=96, style_size=128)
    made, content, style = panel.names["wanted"]()
    assert made.name == "d2l" and made.content == pytest.approx({"relu4_4": 10.0})
    assert max(content.shape[2:]) == 96 and max(style.shape[2:]) == 128


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_stop_keeps_what_is_there(panel):
    panel.set(**TINY | {"steps": 2000})
    panel.click("Start")
    assert panel.buttons["Start"].disabled and not panel.buttons["Stop"].disabled
    thread = panel.job.thread
    panel.click("Start")
    assert panel.job.thread is thread, "a second Start must not begin a second run"
    wait_for(lambda: len(panel.job.losses) >= 5)
    panel.click("Stop")
    thread.join(20)
    done = len(panel.job.losses)
    assert 5 <= done < 2000 and f"Stopped after {done} of 2000 evaluations" in panel.status
    assert panel.at_rest() and panel.job.kept[-1][0] == "the result"
    assert (panel.job.kept[0][1] - panel.job.kept[-1][1]).abs().mean() > 0.005


def test_time_left_is_told_while_it_runs(panel):
    panel.names["job"].settings = {"steps": 101}
    clock = iter([0.0, 2.0, 4.0])
    panel.names["time"] = SimpleNamespace(monotonic=clock.__next__)
    for step in (1, 2, 3):
        panel.names["seen"](step, torch.rand(1, 3, 16, 16), 0.5)
    assert panel.status == "3 of 101 evaluations, loss 0.5, about 196 s left."


def test_save_keeps_the_settings_and_film_the_way(panel, tmp_path):
    panel.run(ratio=0.1)
    panel.click("Save")
    (file,) = (tmp_path / "outputs").glob("ours_*.png")
    assert str(file) in panel.status
    expected = {"content": "china", "style": "woodcut", "recipe": "ours", "ratio": 0.1, "network": "vgg19"}
    assert read_settings(file) == {**expected, **TINY, "picture": "the result"}
    panel.click("Film")
    (file,) = (tmp_path / "outputs").glob("ours_*.webp")
    with Image.open(file) as film:
        assert str(file) in panel.status and 5 <= film.n_frames <= len(panel.job.kept)  # equal frames are merged


def test_a_folder_that_cannot_be_written(panel, tmp_path):
    panel.run(steps=10)
    (tmp_path / "outputs").write_text("in the way")
    panel.click("Save")
    assert "Save did not work" in panel.status and panel.at_rest()


def test_the_scrubber_shows_another_picture(panel):
    panel.run()
    result = panel.picture()
    assert panel.ui.look.value == panel.ui.look.max == len(panel.job.kept) - 1 and not panel.ui.look.disabled
    panel.ui.look.value = 0
    start = panel.picture()
    assert np.abs(start.astype(float) - result).mean() > 3
    panel.click("Save")
    assert read_settings(panel.status.removeprefix("Saved: "))["picture"] == "evaluation 1"


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize(
    ("mode", "size", "kind"), [("RGBA", (40, 30), "PNG"), ("L", (40, 30), "JPEG"), ("RGB", (17, 900), "PNG")]
)
def test_any_upload_ends_in_a_picture(panel, version, mode, size, kind):
    panel.names["receive"]("content", uploaded(encoded(mode, size, kind), version))
    assert panel.status == "Your content picture is here; press Start." and panel.ui.content.value == "(uploaded)"
    panel.names["receive"]("style", uploaded(encoded(mode, size, kind), version))
    panel.run(steps=10)
    assert "Done after 10" in panel.status
    height, width = panel.job.kept[-1][1].shape[2:]
    assert (height > width) == (size[1] > size[0]) and min(height, width) >= 16


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize("data", [b"no picture", encoded()[:200], encoded(size=(9, 9)), b""])
def test_a_bad_upload_is_answered_in_a_sentence(panel, version, data):
    panel.names["receive"]("style", uploaded(data, version))
    assert panel.status.startswith("This upload cannot be used: ") and len(panel.status) > 60
    assert panel.ui.style.value == "woodcut"


def test_the_upload_button_is_wired(panel):
    version = int(ipywidgets.__version__.split(".")[0])
    panel.ui.own_style.set_trait("value", uploaded(encoded(), version).value)  # in 7 it is read-only
    assert panel.ui.style.value == "(uploaded)"


def test_an_error_is_told_and_start_works_again(panel, monkeypatch):
    right = panel.names["paint"]

    def wrong(*arguments, **more):
        raise RuntimeError("out of <memory>")

    panel.names["paint"] = wrong
    panel.run()
    assert "This run did not work: out of &lt;memory&gt;" in panel.status and panel.at_rest()
    panel.names["paint"] = right
    panel.run()
    assert "Done" in panel.status


def test_nan_is_told(panel):
    wanted = panel.names["wanted"]
    panel.names["wanted"] = lambda: (wanted()[0], wanted()[1] * torch.nan, wanted()[2])
    panel.run()
    assert "NaN or infinite" in panel.status and panel.at_rest()


def test_no_layer_is_missing(panel):
    panel.run(recipe="keras")
    assert "lacks" not in panel.status and "took its place" not in panel.status
