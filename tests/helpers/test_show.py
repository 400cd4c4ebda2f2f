"""What the eye gets: JPEGs with descriptions, of the right size and content."""

import base64
import errno
import io
import os
import sys

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from helpers import show as module
from helpers.images import noise
from helpers.show import Progress, browse, figure, film, heat, play, plot, show

ALT = "Two ramps of red and green, side by side."


def test_a_picture_is_a_jpeg_with_its_description(ramp):
    data, metadata = show(ramp, alt=ALT)._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(data["image/jpeg"]))).format == "JPEG"
    assert metadata == {"image/jpeg": {"alt": ALT}}
    assert data["text/plain"] == f"[picture: {ALT}]"


@pytest.mark.parametrize("alt", ["", "ramps", None])
def test_a_description_is_required(ramp, alt):
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        show(ramp, alt=alt)
    with pytest.raises(TypeError):
        show(ramp)


def test_the_order_is_kept():
    red = torch.zeros(1, 3, 40, 40)
    red[:, 0] = 1
    sheet = show([red, red.flip(1)], alt=ALT, height=40).pil
    assert sheet.size == (88, 40)
    assert sheet.getpixel((10, 20))[0] > 200, "red"
    assert sheet.getpixel((78, 20))[2] > 200, "blue"


@pytest.mark.parametrize("count, columns", [(1, None), (5, None), (5, 2), (12, 4), (3, 8)])
def test_a_sheet_fits_its_column(count, columns):
    pictures = [noise(torch.zeros(1, 3, 100, 150 + 20 * i)) for i in range(count)]
    titles = [f"picture {i}" for i in range(count)]
    sheet = show(pictures, titles, alt=ALT, columns=columns).pil
    assert sheet.width <= module.WIDTH + count
    assert sheet.height > 50


def test_titles_are_drawn_and_shrink_to_fit(ramp):
    plain = show([ramp] * 2, alt=ALT).pil
    titled = show([ramp] * 2, ["a", "a title that is very long indeed"], alt=ALT).pil
    strip = titled.crop((0, plain.height, titled.width, titled.height)).convert("L")
    assert strip.height > 10
    assert strip.getextrema()[0] < 120, "no dark letters under the pictures"
    middle = strip.width // 2
    gap = strip.crop((middle - 3, 0, middle + 3, strip.height))
    assert gap.getextrema() == (255, 255), "a title that runs into its neighbour"


def test_tiny_pictures_keep_their_pixels():
    board = torch.zeros(1, 3, 2, 2)
    board[..., 0, 0] = board[..., 1, 1] = 1
    sheet = show(board, alt=ALT).pil.convert("L")
    assert sheet.size == (96, 96)
    assert sheet.getpixel((40, 40)) > 240
    assert sheet.getpixel((56, 40)) < 15


def test_heat_maps_go_from_dark_to_light():
    image = heat(torch.arange(6.0).view(2, 3))
    assert image.shape == (1, 3, 2, 3)
    assert image[0, :, 0, 0].sum() < 0.1
    assert image[0, :, 1, 2].sum() > 2


def test_a_heat_map_of_one_number_is_a_picture():
    assert heat(torch.ones(2, 2)).isfinite().all()


def test_plots_are_pictures_and_close_their_figures():
    before = plt.get_fignums()
    picture = plot({"a": [3, 2, 1], "b": ([1, 5], [2, 1])}, xlabel="step", ylabel="loss", alt=ALT)
    assert picture.pil.size[0] > 300
    assert figure(plt.figure(), alt=ALT).alt == ALT
    assert plt.get_fignums() == before


def test_browsing_draws_the_controls_values(ramp):
    ipywidgets = pytest.importorskip("ipywidgets")

    def render(share, name):
        return show(ramp * share, name, alt=f"A ramp of colours, {share:.0%} of {name}.")

    slider = ipywidgets.FloatSlider(value=0.5, min=0, max=1)
    menu = ipywidgets.Dropdown(options=["red", "green"])
    browser = browse(render, share=slider, name=menu)
    data, metadata = browser._repr_mimebundle_()
    assert set(data) == {module.WIDGET_VIEW, "image/jpeg", "text/plain"}
    assert metadata["image/jpeg"]["alt"] == "A ramp of colours, 50% of red."
    before = browser.view.value
    assert before == browser.picture.jpeg
    slider.value = 1.0
    menu.value = "green"
    assert browser.picture.alt == "A ramp of colours, 100% of green."
    assert browser.view.value != before


class Screen:
    """Stands in for IPython's display: remembers what was shown, and that it stayed one output."""

    def __init__(self):
        self.shown = []
        self.names = set()

    def display(self, what, raw, display_id, update):
        assert update == bool(self.shown), "the first call shows, the others renew"
        self.shown.append(what)
        self.names.add(display_id)
        assert len(self.names) == 1, "one display is enough"


def run_progress(ramp, monkeypatch):
    screen = Screen()
    monkeypatch.setattr(module, "display", screen.display)
    monkeypatch.setattr(module.time, "monotonic", iter(range(1000)).__next__)
    progress = Progress(3)
    for step in (1, 2, 3):
        progress(step, ramp, 0.5)
    return screen.shown


def test_progress_renews_one_display_and_ends_as_a_line(ramp, monkeypatch):
    monkeypatch.delenv("NST_QUIET", raising=False)
    first, _, last = run_progress(ramp, monkeypatch)
    assert "image/jpeg" in first
    assert "1 of 3 steps, loss 0.5000, 2 s left" in first["text/plain"]
    assert last == {"text/plain": "painting: 3 of 3 steps, loss 0.5000"}


def test_quiet_progress_shows_the_end_only(ramp, monkeypatch):
    monkeypatch.setenv("NST_QUIET", "1")
    end = {"text/plain": "painting: 3 of 3 steps, loss 0.5000"}
    assert run_progress(ramp, monkeypatch) == [end]


@pytest.fixture
def frames():
    return [torch.full((1, 3, 17, 21), k / 5) for k in range(5)]


@pytest.mark.parametrize("ending", [".webp", ".gif"])
def test_a_film_has_all_frames_in_order_and_repeats(frames, tmp_path, ending):
    path = film(frames, tmp_path / f"new folder/grün{ending}", seconds=2)
    with Image.open(path) as animation:
        assert animation.n_frames == 5
        assert animation.size == (21, 17)
        assert animation.info["loop"] == 0
        for k in range(5):
            animation.seek(k)
            assert abs(animation.convert("RGB").getpixel((10, 8))[0] - 51 * k) < 12
            assert animation.info["duration"] == 400
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_film_in_the_notebook_is_a_png_that_moves(frames):
    """All frames in order; a page that takes it for a still picture finds one with an alt text."""
    data, metadata = play(frames, seconds=2, alt=ALT)._repr_mimebundle_()
    assert metadata == {"image/png": {"alt": ALT}}
    assert data["text/plain"] == f"[film: {ALT}]"
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as animation:
        assert (animation.format, animation.n_frames, animation.size) == ("PNG", 5, (21, 17))
        assert animation.info["loop"] == 0
        for k in range(5):
            animation.seek(k)
            assert abs(animation.convert("RGB").getpixel((10, 8))[0] - 51 * k) < 12
            assert animation.info["duration"] == 400


def test_fewer_colours_make_a_smaller_film():
    frames = [noise(torch.zeros(1, 3, 30, 40), seed) for seed in range(3)]
    few, many = (play(frames, alt=ALT, colours=colours) for colours in (8, 256))
    assert len(few.png) < len(many.png) / 2
    colours = Image.open(io.BytesIO(few.png)).convert("RGB").getcolors()
    assert len(colours) <= 8


@pytest.mark.parametrize("sizes", [[], [9, 9, 8]])
def test_a_film_in_the_notebook_needs_images_of_one_size(sizes):
    expected = f"images of one size, found {len(sizes)} images of {len(set(sizes))} sizes"
    with pytest.raises(ValueError, match=expected):
        play([torch.zeros(1, 3, 9, size) for size in sizes], alt=ALT)


def test_a_film_in_the_notebook_needs_a_description(frames):
    with pytest.raises(ValueError, match="alt must say in a sentence"):
        play(frames, alt="a film")


def test_an_mp4_plays_at_its_rate(frames, tmp_path):
    imageio = pytest.importorskip("imageio.v3")
    pytest.importorskip("imageio_ffmpeg")
    path = film(frames, tmp_path / "a film.mp4", seconds=1)
    pictures = imageio.imread(path, plugin="FFMPEG")
    assert pictures.shape == (5, 16, 20, 3), "even sides, for H.264"
    assert pictures[4].mean() > pictures[2].mean() > pictures[0].mean()
    assert imageio.immeta(path, plugin="FFMPEG")["fps"] == 5


def test_an_mp4_without_its_package_says_what_to_install(frames, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio.v3", None)
    expected = "pip install imageio imageio-ffmpeg.; a .webp needs nothing"
    with pytest.raises(ImportError, match=expected):
        film(frames, tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_a_film_that_cannot_be_written_leaves_the_old_one(frames, tmp_path, monkeypatch):
    path = film(frames, tmp_path / "a.gif")
    old = path.read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="a.gif could not be written"):
        film(frames[:2], path)
    assert path.read_bytes() == old


def test_a_title_stands_under_its_own_picture(ramp):
    plain = show([ramp] * 2, alt=ALT).pil
    titled = show([ramp] * 2, ["", "second"], alt=ALT).pil
    strip = titled.crop((0, plain.height, titled.width, titled.height)).convert("L")
    middle = strip.width // 2
    assert strip.crop((0, 0, middle, strip.height)).getextrema() == (255, 255)
    assert strip.crop((middle, 0, strip.width, strip.height)).getextrema()[0] < 120


def test_heat_maps_can_share_their_ends():
    """With `low` and `high` a number has one colour, whatever else the map holds."""
    wide = heat(torch.tensor([[0.0, 5.0, 10.0]]))
    narrow = heat(torch.tensor([[4.0, 5.0]]), low=0, high=10)
    assert torch.equal(narrow[..., 1], wide[..., 1])


@pytest.mark.parametrize("log, scale", [(True, "log"), (False, "linear")])
def test_an_axis_is_logarithmic_if_it_shall_be(log, scale, monkeypatch):
    axes = []

    def remember(fig, alt):
        axes.extend(fig.axes)
        plt.close(fig)

    monkeypatch.setattr(module, "figure", remember)
    plot({"a": [3, 2, 1]}, xlabel="step", ylabel="loss", alt=ALT, log=log)
    assert [axis.get_yscale() for axis in axes] == [scale]


def test_a_heat_map_goes_from_its_smallest_number_to_its_largest():
    values = torch.tensor([[-3.0, 0.0, 1.0]])
    torch.testing.assert_close(heat(values), heat(2 * values + 10))


def test_curves_begin_at_one_and_pairs_where_they_say(monkeypatch):
    lines = {}

    def remember(fig, alt):
        (axes,) = fig.axes
        lines.update({line.get_label(): line.get_xdata().tolist() for line in axes.lines})
        plt.close(fig)

    monkeypatch.setattr(module, "figure", remember)
    plot({"a": [3, 2, 1], "b": ([0, 5], [2, 1])}, xlabel="step", ylabel="loss", alt=ALT)
    assert lines == {"a": [1, 2, 3], "b": [0, 5]}
