"""The pictures of data/results: how they are made, what they say of themselves, and that VGG19 finds the style in them."""

import pytest
import torch
from PIL import Image

from helpers.images import DATA, load, read_settings, save
from helpers.transfer import gram, style_loss
from tools import make_results
from tools.make_results import RESULTS, STYLE, coarse_to_fine, contact_sheet, is_painted, paint_once, style_errors

PAINTINGS = sorted(path for path in RESULTS.rglob("*.jpg") if "plan" in read_settings(path))
TINY = ((48, 8), (64, 4))


@pytest.mark.parametrize("path", PAINTINGS, ids=lambda path: path.relative_to(RESULTS).as_posix())
def test_a_painting_says_how_it_was_made_and_has_its_style(path):
    """The numbers were measured on the saved picture, in float32, by the original network."""
    settings = read_settings(path)
    size, _ = settings["plan"][-1]
    assert max(Image.open(path).size) == size
    for kind in ("content", "style"):
        assert (DATA / kind / f"{settings[kind]}.jpg").is_file()
    assert settings["network"] in ("vgg19", "vgg19-normalised") and settings["content_weight"] > 0
    errors = settings["style_errors"]
    assert sum(errors) / 5 < 0.06 and errors[-1] < 0.15, errors


def test_there_is_a_wall_and_the_papers_figure():
    names = {path.relative_to(RESULTS).as_posix() for path in PAINTINGS}
    wall = {name for name in names if name.startswith("wall/")}
    assert len(wall) == len(make_results.WALL_PHOTOS) * len(make_results.WALL_STYLES) >= 48
    assert {f"paper/tubingen_{style}.jpg" for style in make_results.FIGURE_STYLES} <= names
    assert (
        "first_painting.jpg" in names and (RESULTS / "wall.jpg").is_file() and (RESULTS / "paper_figure.jpg").is_file()
    )


def test_what_a_painting_says_of_its_style_is_true(vgg):
    """One of them measured again."""
    path = RESULTS / "wall" / "china_mosaic.jpg"
    settings = read_settings(path)
    found = style_errors(load(path, None), load(settings["style"], round(384 * settings["style_scale"])))
    # the file was compressed after the measurement, which the first layer sees
    assert found[2:] == pytest.approx(settings["style_errors"][2:], rel=0.3, abs=0.003)


def test_every_picture_can_be_made_again():
    made = {path.stem for path in RESULTS.glob("*.jpg")}
    assert made == set(make_results.PICTURES), made ^ set(make_results.PICTURES)


def test_coarse_to_fine_comes_nearer_to_the_style(vgg):
    painting = coarse_to_fine(vgg, "china", "mosaic", 0.03, TINY)
    photo, style = load("china", 64), load("mosaic", 64)
    assert painting.shape == photo.shape and 0 <= painting.min() and painting.max() <= 1
    before, after = sum(style_errors(photo, style)), sum(style_errors(painting, style))
    assert after < 0.25 * before
    by_hand = style_loss(vgg(photo, ["relu3_1"])["relu3_1"], gram(vgg(style, ["relu3_1"])["relu3_1"])).item()
    assert style_errors(photo, style)[STYLE.index("relu3_1")] == pytest.approx(by_hand, abs=2e-3)


def test_the_size_of_the_style_is_a_multiple_of_the_paintings(vgg, monkeypatch):
    sizes = []
    monkeypatch.setattr(make_results, "load", lambda name, size: sizes.append((name, size)) or load(name, size))
    coarse_to_fine(vgg, "china", "mosaic", 0.03, ((32, 1), (48, 1)), style_scale=1.5)
    assert sizes == [("china", 32), ("mosaic", 48), ("china", 48), ("mosaic", 72)]


def test_a_painting_that_is_there_is_not_painted_again(vgg, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(make_results, "coarse_to_fine", lambda net, **settings: calls.append(1) or load("china", 64))
    pair = {"content": "china", "style": "mosaic", "content_weight": 0.03}
    file = tmp_path / "a.jpg"
    paint_once(vgg, file, TINY, **pair)
    paint_once(vgg, file, TINY, **pair)
    assert len(calls) == 1 and is_painted(file, pair)
    paint_once(vgg, file, TINY, **pair | {"content_weight": 0.1})
    paint_once(vgg, file, TINY[:1], **pair)
    assert len(calls) == 3, "another weight, another plan"
    save(load("china", 64), file, {})
    assert not is_painted(file, pair) and not is_painted(tmp_path / "b.jpg", pair)


def test_a_contact_sheet_keeps_order_and_size():
    colours = [torch.full((1, 3, 20, 30), value) for value in (0.0, 0.5, 1.0)]
    sheet = contact_sheet(colours, 2, 40, 30, gap=4)
    assert sheet.size == (84, 64)
    assert [sheet.getpixel(place)[0] for place in ((20, 15), (64, 15), (20, 49), (64, 49))] == [0, 128, 255, 255]
