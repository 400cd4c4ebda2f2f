"""The explorer, driven without a front end: its controls are set and its buttons clicked here."""

import datetime
import io
import time
from types import SimpleNamespace

import ipywidgets
import numpy as np
import pytest
import torch
from PIL import Image

from helpers import explorer as module
from helpers.explorer import Explorer
from helpers.images import read_settings
from helpers.recipes import pictures_for

TINY = {"size": 64, "style_size": 64, "steps": 12}


@pytest.fixture
def explorer(narrow, tmp_path):
    return Explorer(narrow, folder=tmp_path / "outputs")


# What a person does with it, and sees.


def choose(explorer, **values):
    for name, value in values.items():
        explorer.controls[name].value = value


def click(explorer, name):
    explorer.buttons[name].click()


def run(explorer, **values):
    choose(explorer, **TINY | values)
    click(explorer, "Start")
    explorer.thread.join(60)
    assert not explorer.thread.is_alive()


def status(explorer):
    return explorer.status.value


def is_at_rest(explorer):
    return not explorer.buttons["Start"].disabled and explorer.buttons["Stop"].disabled


def pixels(widget, mode="RGB"):
    return np.asarray(Image.open(io.BytesIO(widget.value)).convert(mode)).astype(float)


def encoded(mode="RGB", size=(40, 30), kind="PNG"):
    """The bytes of a picture of random colours."""
    generator = np.random.default_rng(0)
    colours = generator.integers(0, 255, (size[1], size[0], 4), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colours).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def uploaded(data, version):
    """A FileUpload with one file, as ipywidgets 7 and 8 have it."""
    if version == 7:
        file = {"metadata": {"name": "a.png"}, "content": data}
        return SimpleNamespace(value={"a.png": file})
    file = {
        "name": "a.png",
        "type": "image/png",
        "size": len(data),
        "last_modified": datetime.datetime.now(datetime.UTC),
        "content": memoryview(data),
    }
    return SimpleNamespace(value=(file,))


def test_nothing_runs_by_itself(explorer):
    assert explorer.thread is None
    assert explorer.losses == []
    assert explorer.curve.layout.display == "none", "there is no curve to look at yet"


def test_both_pictures_are_seen_before_anything_runs(explorer):
    before = bytes(explorer.picture.value)
    assert Image.open(io.BytesIO(before)).width > 300
    explorer.controls["style"].value = "mosaic"
    assert bytes(explorer.picture.value) != before
    assert status(explorer) == ""
    working = [name for name, button in explorer.buttons.items() if not button.disabled]
    assert working == ["Start"]


def widgets_in(box):
    """All that a box shows, down to what can be touched."""
    for child in box.children:
        if hasattr(child, "children"):
            yield from widgets_in(child)
        else:
            yield child


def test_every_control_and_button_is_on_the_panel(explorer):
    shown = {widget.model_id for widget in widgets_in(explorer.panel)}
    for widget in (*explorer.controls.values(), *explorer.buttons.values()):
        assert widget.model_id in shown
    for widget in (explorer.picture, explorer.curve, explorer.status):
        assert widget.model_id in shown


def test_a_cell_shows_the_panel_and_a_file_its_description(explorer):
    data = explorer._repr_mimebundle_()
    view = data["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == explorer.panel.model_id
    assert data["text/plain"].startswith("[the explorer: run this notebook to use it")


def test_start_paints_and_draws(explorer):
    run(explorer)
    assert "Done after 12 of 12 evaluations, lowest loss 0." in status(explorer)
    assert is_at_rest(explorer)
    assert len(explorer.losses) == 12
    titles = [title for title, _ in explorer.kept]
    assert titles[0] == "evaluation 1"
    assert titles[-1] == "the result"
    first, result = (image for _, image in (explorer.kept[0], explorer.kept[-1]))
    assert (first - result).abs().mean() > 0.005
    assert pixels(explorer.picture).std() > 10


def test_the_curve_falls_from_left_to_right(explorer):
    run(explorer)
    curve = pixels(explorer.curve, "L")
    assert (curve < 200).sum() > 300, "no curve"
    height_at_left = curve[:, :30].argmin() // 30
    height_at_right = curve[:, -30:].argmin() // 30
    assert height_at_left < height_at_right, "counted from the top"


def test_what_is_asked_for_is_what_runs(explorer):
    choose(explorer, recipe="d2l", ratio=10.0, size=96, style_size=128)
    asked, content, style = explorer.wanted()
    assert asked.name == "d2l"
    assert asked.content == pytest.approx({"relu4_4": 10.0})
    photo, look = pictures_for(asked, content, style)
    assert max(photo.shape[2:]) == 96
    assert photo.shape == look.shape, "d2l squeezes the style"
    choose(explorer, recipe="gatys")
    _, look = pictures_for(*explorer.wanted())
    assert max(look.shape[2:]) == 128


def test_the_stages_of_a_recipe_shrink_with_the_panels_size(explorer):
    choose(explorer, recipe="crowsonkb", size=128)
    asked, _, _ = explorer.wanted()
    assert [stage["size"] for stage in asked.stages] == [32, 45, 64, 90, 128]


def test_painting_from_code_is_what_start_does(explorer):
    choose(explorer, **TINY)
    result = explorer.paint()
    run(explorer)
    assert result.history == pytest.approx(explorer.losses)


def test_what_the_panel_cannot_honour_is_told(explorer):
    run(explorer)
    assert f"Painted with {explorer.vgg.name} instead of vgg19" in status(explorer)
    assert "64 px instead of 512" in status(explorer)


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


def test_stop_keeps_what_is_there(explorer):
    choose(explorer, **TINY | {"steps": 2000})
    click(explorer, "Start")
    wait_for(lambda: len(explorer.losses) >= 5)
    click(explorer, "Stop")
    explorer.thread.join(30)
    done = len(explorer.losses)
    assert 5 <= done < 2000
    assert f"Stopped after {done} of 2000 evaluations" in status(explorer)
    assert is_at_rest(explorer)
    assert explorer.kept[-1][0] == "the result"


def test_a_second_start_begins_no_second_run(explorer):
    choose(explorer, **TINY | {"steps": 2000})
    click(explorer, "Start")
    thread = explorer.thread
    assert explorer.buttons["Start"].disabled
    assert not explorer.buttons["Stop"].disabled
    click(explorer, "Start")
    assert explorer.thread is thread
    click(explorer, "Stop")
    thread.join(30)


def test_after_a_stop_the_next_run_is_whole(explorer):
    choose(explorer, **TINY | {"steps": 2000})
    click(explorer, "Start")
    click(explorer, "Stop")
    explorer.thread.join(30)
    run(explorer)
    assert len(explorer.losses) == 12
    assert "Done after 12" in status(explorer)


def test_time_left_is_told_while_it_runs(explorer, monkeypatch):
    explorer.settings = {"steps": 101}
    monkeypatch.setattr(module.time, "monotonic", iter([0.0, 2.0, 4.0]).__next__)
    for step in (1, 2, 3):
        explorer._evaluated(step, torch.zeros(1, 3, 16, 16), 0.5)
    monkeypatch.undo()
    assert status(explorer) == "3 of 101 evaluations, loss 0.5, about 196 s left."


def test_save_keeps_the_settings(explorer, tmp_path):
    run(explorer, ratio=0.1)
    click(explorer, "Save")
    (file,) = (tmp_path / "outputs").glob("ours_*.png")
    assert str(file) in status(explorer)
    assert read_settings(file) == {
        "content": "china",
        "style": "woodcut",
        "recipe": "ours",
        "ratio": 0.1,
        "network": explorer.vgg.name,
        "picture": "the result",
        **TINY,
    }


def test_film_keeps_the_way(explorer, tmp_path):
    run(explorer)
    click(explorer, "Film")
    (file,) = (tmp_path / "outputs").glob("ours_*.webp")
    assert str(file) in status(explorer)
    with Image.open(file) as film:
        assert 3 <= film.n_frames <= len(explorer.kept), "equal frames are merged"


@pytest.mark.parametrize("button", ["Save", "Film"])
def test_a_folder_that_cannot_be_written(explorer, tmp_path, button):
    run(explorer, steps=10)
    (tmp_path / "outputs").write_text("in the way")
    click(explorer, button)
    assert f"{button} did not work" in status(explorer)
    assert is_at_rest(explorer)


def test_the_scrubber_shows_another_picture(explorer):
    run(explorer)
    scrubber = explorer.controls["look"]
    assert scrubber.value == scrubber.max == len(explorer.kept) - 1
    assert not scrubber.disabled
    result = pixels(explorer.picture)
    scrubber.value = 0
    assert np.abs(pixels(explorer.picture) - result).mean() > 1
    click(explorer, "Save")
    path = status(explorer).removeprefix("Saved: ")
    assert read_settings(path)["picture"] == "evaluation 1"


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize(
    "mode, size, kind",
    [("RGBA", (40, 30), "PNG"), ("L", (40, 30), "JPEG"), ("RGB", (17, 300), "PNG")],
)
def test_any_upload_ends_in_a_picture(explorer, version, mode, size, kind):
    explorer.receive("content", uploaded(encoded(mode, size, kind), version))
    assert status(explorer) == "Your content picture is here; press Start."
    assert explorer.controls["content"].value == "(uploaded)"
    explorer.receive("style", uploaded(encoded(mode, size, kind), version))
    run(explorer, steps=10)
    assert "Done after 10" in status(explorer)
    height, width = explorer.kept[-1][1].shape[2:]
    assert (height > width) == (size[1] > size[0])
    assert min(height, width) >= 16


BAD_UPLOADS = {
    "text": b"no picture",
    "half a file": encoded()[:200],
    "a picture of 9 px": encoded(size=(9, 9)),
    "nothing": b"",
}


@pytest.mark.parametrize("version", [7, 8])
@pytest.mark.parametrize("what", BAD_UPLOADS)
def test_a_bad_upload_is_answered_in_a_sentence(explorer, version, what):
    explorer.receive("style", uploaded(BAD_UPLOADS[what], version))
    assert status(explorer).startswith("This upload cannot be used: the given bytes ")
    assert explorer.controls["style"].value == "woodcut"


def test_the_upload_button_is_wired(explorer):
    version = int(ipywidgets.__version__.split(".")[0])
    value = uploaded(encoded(), version).value
    explorer.controls["own_style"].set_trait("value", value)  # in 7 it is read-only
    assert explorer.controls["style"].value == "(uploaded)"


def test_an_error_is_told_and_start_works_again(explorer, monkeypatch):
    def fail(*arguments, **more):
        raise RuntimeError("out of <memory>")

    monkeypatch.setattr(module, "paint", fail)
    run(explorer)
    assert "This run did not work: out of &lt;memory&gt;" in status(explorer)
    assert is_at_rest(explorer)
    monkeypatch.undo()
    run(explorer)
    assert "Done" in status(explorer)


def test_nan_is_told(explorer, monkeypatch):
    asked, content, style = explorer.wanted()
    monkeypatch.setattr(explorer, "wanted", lambda: (asked, content * torch.nan, style))
    run(explorer)
    assert "NaN or infinite" in status(explorer)
    assert is_at_rest(explorer)


def test_of_several_uploads_the_last_one_counts(explorer):
    """ipywidgets 7 keeps the earlier ones."""
    wide = {"content": encoded(size=(60, 30))}
    high = {"content": encoded(size=(30, 60))}
    explorer.receive("content", SimpleNamespace(value={"a.png": wide, "b.png": high}))
    _, content, _ = explorer.wanted()
    assert content.shape[2] > content.shape[3]


def test_a_second_run_keeps_nothing_of_the_first(explorer):
    run(explorer)
    titles = [title for title, _ in explorer.kept]
    run(explorer)
    assert [title for title, _ in explorer.kept] == titles


def test_a_loss_that_falls_by_the_same_factor_is_a_straight_line():
    curve = np.asarray(module._curve([2.0**-step for step in range(12)])).astype(int)
    dark = curve.sum(2) < 500
    columns = np.flatnonzero(dark.any(0))
    heights = dark[:, columns].argmax(0)
    straight = np.linspace(heights[0], heights[-1], len(columns))
    assert np.abs(heights - straight).max() < 3


def test_a_run_that_failed_has_nothing_to_look_back_at(explorer, monkeypatch):
    def fail(*arguments, **more):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(module, "paint", fail)
    run(explorer)
    assert explorer.controls["look"].disabled
    assert explorer.buttons["Save"].disabled and explorer.buttons["Film"].disabled
