"""The drawn styles: the same each time, from their seeds, and as large as asked for."""

import numpy as np
import pytest
from PIL import Image

from helpers.images import DATA, load
from tools.pictures.styles import STYLES, draw
from tools.pictures.styles import __main__ as command
from tools.pictures.styles.canvas import DRAWN, Tiles, blur, cells, noise, rgb, scatter, trace

SMALL = (120, 96)


@pytest.mark.slow
@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_drawn_the_same_twice_and_another_seed_draws_another(name):
    picture = np.asarray(draw(name, SMALL))
    assert np.array_equal(picture, np.asarray(draw(name, SMALL)))
    assert not np.array_equal(picture, np.asarray(draw(name, SMALL, seed=1)))


@pytest.mark.parametrize("name", STYLES)
def test_a_style_is_as_large_as_asked_for_and_has_contrast(name):
    picture = draw(name, SMALL)
    assert picture.mode == "RGB"
    assert picture.size == (240, 192)
    assert np.asarray(picture).std() > 20


@pytest.mark.parametrize("name", STYLES)
def test_the_stored_file_has_the_finished_size(name):
    width, height = STYLES[name].size
    with Image.open(DATA / "style" / f"{name}.jpg") as stored:
        assert stored.size == (2 * width, 2 * height)


@pytest.mark.slow
def test_the_stored_picture_is_what_is_drawn():
    """The quickest of them at its full size; JPEG changes a pixel a little."""
    stored = load("stained_glass", None)[0].permute(1, 2, 0).numpy()
    difference = np.asarray(draw("stained_glass")) / 255 - stored
    assert np.abs(difference).mean() < 0.02


def test_an_unknown_style_is_refused_with_the_known_ones(capsys):
    with pytest.raises(ValueError, match="there is no style 'fresco'; known: mosaic, woodcut"):
        draw("fresco")
    with pytest.raises(SystemExit):
        command.main(["fresco"])
    assert "there is no style fresco; known: mosaic, woodcut" in capsys.readouterr().err


def test_the_command_writes_a_jpeg_that_can_be_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "draw", lambda name: draw(name, SMALL))
    assert command.main(["woodcut", "--out", str(tmp_path)]) == 0
    assert load(tmp_path / "woodcut.jpg", None).shape == (1, 3, 192, 240)


# ---- the canvas ----------------------------------------------------------------------------------


def test_colours_are_read_from_hexadecimal():
    assert rgb("000000 1d2aff").tolist() == [[0, 0, 0], [29, 42, 255]]


def test_noise_has_the_size_of_the_picture_and_is_smooth():
    values = noise((60, 40), (20, 20), np.random.default_rng(0), scale=DRAWN)
    assert values.shape == (120, 180)
    assert np.abs(np.diff(values, axis=1)).max() < 0.2 * np.ptp(values)


def test_blur_keeps_the_mean_and_lowers_the_contrast():
    values = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    blurred = blur(values, 3)
    assert blurred.mean() == pytest.approx(values.mean(), abs=1e-5)
    assert blurred.std() < 0.2 * values.std()


def test_scattered_points_leave_no_hole():
    points = scatter((100, 80), 10, np.random.default_rng(0))
    x, y = np.meshgrid(np.arange(100), np.arange(80))
    far = np.hypot(x[..., None] - points[:, 0], y[..., None] - points[:, 1]).min(-1)
    assert far.max() < 15


def test_a_path_around_a_point_keeps_its_distance():
    def around(x, y):
        return np.arctan2(y, x) + np.pi / 2

    start = np.array([[10.0, 0.0], [0.0, 20.0]])
    paths = trace(around, start, steps=20, step=0.1)
    assert paths.shape == (2, 41, 2)
    assert np.array_equal(paths[:, 20], start)
    radius = np.hypot(paths[..., 0], paths[..., 1])
    assert np.abs(radius - radius[:, 20:21]).max() < 0.02


def test_every_pixel_belongs_to_its_nearest_tile():
    places = np.random.default_rng(0).uniform(0, 40, (9, 2))
    label, near, second = cells(Tiles(places, np.zeros(9)), 100, (40, 30), 1, np.hypot)
    y, x = np.mgrid[0:30, 0:40]
    far = np.hypot(x[..., None] - places[:, 0], y[..., None] - places[:, 1])
    ordered = np.sort(far, axis=-1)
    assert np.array_equal(label, far.argmin(-1))
    assert np.allclose(near, ordered[..., 0], atol=1e-4)
    assert np.allclose(second, ordered[..., 1], atol=1e-4)


def test_a_path_goes_from_one_end_to_the_other():
    """Through its start, in steps of one length."""
    paths = trace(np.multiply, np.array([[3.0, 1.0]]), steps=5, step=0.1)
    lengths = np.linalg.norm(np.diff(paths[0], axis=0), axis=1)
    assert lengths == pytest.approx(np.full(10, 0.1))
