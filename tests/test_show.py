"""What the eye gets: JPEGs with descriptions, of the right size and content."""

import base64
import io
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from helpers import show as module
from helpers.images import noise
from helpers.show import Progress, browse, figure, film, heat, plot, show

ALT = "Two ramps of red and green, side by side."


def test_a_picture_is_a_jpeg_with_its_description(ramp):
    data, metadata = show(ramp, alt=ALT)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))).format == "JPEG"
    assert metadata == {"image/jpeg": {"alt": ALT}} and data["text/plain"] == f"[picture: {ALT}]"


@pytest.mark.parametrize("alt", ["", "ramps", None])
def test_a_description_is_required(ramp, alt):
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        show(ramp, alt=alt)
    with pytest.raises(TypeError):
        show(ramp)


def test_the_order_is_kept(ramp):
    red, blue = torch.zeros(1, 3, 40, 40), torch.zeros(1, 3, 40, 40)
    red[:, 0], blue[:, 2] = 1, 1
    sheet = show([red, blue], alt=ALT, height=40).pil
    assert sheet.size == (88, 40)
    assert sheet.getpixel((10, 20))[0] > 200 and sheet.getpixel((78, 20))[2] > 200


@pytest.mark.parametrize("count, columns", [(1, None), (5, None), (5, 2), (12, 4), (3, 8)])
def test_a_sheet_fits_its_column(count, columns):
    pictures = [noise(torch.zeros(1, 3, 200, 300 + 40 * i)) for i in range(count)]
    sheet = show(pictures, [f"picture {i}" for i in range(count)], alt=ALT, columns=columns).pil
    assert sheet.width <= module.WIDTH + count and sheet.height > 50


def test_titles_are_drawn_and_shrink_to_fit(ramp):
    plain, titled = show([ramp] * 2, alt=ALT).pil, show([ramp] * 2, ["a", "a very long title indeed"], alt=ALT).pil
    assert titled.height > plain.height
    strip = titled.crop((0, plain.height, titled.width, titled.height)).convert("L")
    assert strip.getextrema()[0] < 120, "no dark letters under the pictures"


def test_wrong_numbers_of_pictures_and_titles(ramp):
    with pytest.raises(ValueError, match="at least one image"):
        show([], alt=ALT)
    with pytest.raises(ValueError, match="2 images, 1 titles"):
        show([ramp, ramp], ["one"], alt=ALT)


def test_tiny_pictures_keep_their_pixels():
    board = torch.zeros(1, 3, 2, 2)
    board[..., 0, 0] = board[..., 1, 1] = 1
    sheet = show(board, alt=ALT).pil.convert("L")
    assert sheet.size == (96, 96) and sheet.getpixel((40, 40)) > 240 and sheet.getpixel((56, 40)) < 15


def test_heat_maps_go_from_dark_to_light():
    image = heat(torch.arange(6.0).view(2, 3))
    assert image.shape == (1, 3, 2, 3) and image[0, :, 0, 0].sum() < 0.1 < 2 < image[0, :, 1, 2].sum()
    assert heat(torch.ones(2, 2)).isfinite().all()


def test_plots_are_pictures_and_close_their_figures():
    before = plt.get_fignums()
    picture = plot({"a": [3, 2, 1], "b": ([1, 5], [2, 1])}, xlabel="step", ylabel="loss", alt=ALT)
    assert picture.pil.size[0] > 300 and plt.get_fignums() == before
    assert figure(plt.figure(), alt=ALT).alt == ALT and plt.get_fignums() == before


def test_browsing_draws_the_controls_values(ramp):
    ipywidgets = pytest.importorskip("ipywidgets")
    slider, name = ipywidgets.FloatSlider(value=0.5, min=0, max=1), ipywidgets.Dropdown(options=["red", "green"])
    browser = browse(
        lambda share, name: show(ramp * share, name, alt=f"A ramp of colours, {share:.0%} of {name}."),
        share=slider,
        name=name,
    )
    data, metadata = browser._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "image/jpeg", "text/plain"}
    assert (
        metadata["image/jpeg"]["alt"] == "A ramp of colours, 50% of red." and browser.view.value == browser.picture.jpeg
    )
    before = browser.view.value
    slider.value, name.value = 1.0, "green"
    assert browser.picture.alt == "A ramp of colours, 100% of green." and browser.view.value != before


class Screen:
    """Stands in for IPython's display: remembers what was shown, and that it stayed one output."""

    def __init__(self):
        self.shown, self.ids = [], set()

    def display(self, what, raw, display_id, update):
        assert update == bool(self.shown), "the first call shows, the others renew"
        self.shown.append(what)
        self.ids.add(display_id)
        assert len(self.ids) == 1, "one display is enough"


def run_progress(ramp, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(module, "display", screen.display)
    monkeypatch.setattr(module.time, "monotonic", iter(range(1000)).__next__)
    progress = Progress(3)
    for step in (1, 2, 3):
        progress(step, ramp, 0.5)
    return screen.shown


def test_progress_renews_one_display_and_ends_as_a_line(ramp, monkeypatch):
    monkeypatch.delenv("NST_QUIET")
    first, _, last = run_progress(ramp, monkeypatch)
    assert "image/jpeg" in first and "1 of 3 steps, loss 0.5000, 2 s left" in first["text/plain"]
    assert last == {"text/plain": "painting: 3 of 3 steps, loss 0.5000"}


def test_quiet_progress_shows_the_end_only(ramp, monkeypatch):
    monkeypatch.setenv("NST_QUIET", "1")
    assert run_progress(ramp, monkeypatch) == [{"text/plain": "painting: 3 of 3 steps, loss 0.5000"}]


@pytest.fixture
def frames():
    return [torch.full((1, 3, 17, 21), k / 5) for k in range(5)]


@pytest.mark.parametrize("ending", [".webp", ".gif"])
def test_a_film_has_all_frames_in_order_and_repeats(frames, tmp_path, ending):
    path = film(frames, tmp_path / f"new folder/grün{ending}", seconds=2)
    with Image.open(path) as animation:
        assert animation.n_frames == 5 and animation.size == (21, 17) and animation.info["loop"] == 0
        for k in range(5):
            animation.seek(k)
            assert abs(animation.convert("RGB").getpixel((10, 8))[0] - 51 * k) < 12
            assert animation.info["duration"] == 400
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_an_mp4_plays_at_its_rate(frames, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    pytest.importorskip("imageio_ffmpeg")
    path = film(frames, tmp_path / "a film.mp4", seconds=1)
    found = imageio.imread(path, plugin="FFMPEG")
    assert found.shape == (5, 16, 20, 3) and found[4].mean() > found[2].mean() > found[0].mean()
    assert imageio.immeta(path, plugin="FFMPEG")["fps"] == 5


def test_an_mp4_without_its_package_says_what_to_install(frames, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio.v3", None)
    with pytest.raises(ImportError, match="pip install imageio imageio-ffmpeg.; a .webp needs nothing"):
        film(frames, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given, name", [([], "a.webp"), ([(8, 8), (8, 9)], "a.webp"), ([(8, 8)], "a.avi")])
def test_a_film_of_nothing_of_two_sizes_or_of_another_kind(given, name, tmp_path):
    with pytest.raises(ValueError, match="film needs images of one size and a .webp, .gif or .mp4"):
        film([torch.zeros(1, 3, *size) for size in given], tmp_path / name)
