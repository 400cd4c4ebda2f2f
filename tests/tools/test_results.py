"""The pictures of data/results: how they are made, and what they say of themselves."""

import itertools

import pytest
import torch
from PIL import Image

from helpers.images import DATA, as_saved, load, read_settings, save
from helpers.losses import content_loss, gram, style_loss
from helpers.recipes import RECIPES, Objective, recipe
from tools.pictures import channels, galleries, large, museum, painting, results, systems
from tools.pictures import style_map as maps
from tools.pictures.painting import (
    CONTENT,
    RESULTS,
    STYLE,
    Settings,
    coarse_to_fine,
    is_painted,
    paint_missing,
    style_errors,
    total_loss,
)
from tools.pictures.sheets import captioned, contact_sheet, in_rows

TINY = Settings("china", "mosaic", 0.03, plan=((48, 8), (64, 4)))
PAINTINGS = sorted(path for path in RESULTS.rglob("*.jpg") if "plan" in read_settings(path))
MAX = {"network": "vgg19", "pool": "max"}
AVERAGE = {"network": "vgg19-normalised", "pool": "avg"}
KEPT = [
    (galleries.wall_paintings(RESULTS / "wall"), MAX),
    (galleries.figure_paintings(RESULTS / "paper"), AVERAGE),
    (large.equal_work_paintings(RESULTS / "large"), MAX),
]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random numbers between 0 and 1."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


# ---- what is stored ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAINTINGS, ids=lambda path: path.relative_to(RESULTS).as_posix())
def test_a_painting_says_how_it_was_made_and_has_its_style(path):
    """The numbers were measured in float32 by a network like the one that painted."""
    settings = read_settings(path)
    size, _ = settings["plan"][-1]
    with Image.open(path) as picture:
        assert max(picture.size) == size
    for kind in ("content", "style"):
        assert (DATA / kind / f"{settings[kind]}.jpg").is_file()
    assert settings["network"] in ("vgg19", "vgg19-normalised")
    assert settings["content_weight"] > 0
    errors = settings["style_errors"]
    assert sum(errors) / len(errors) < 0.06
    assert errors[-1] < 0.15


@pytest.mark.parametrize(("paintings", "network"), KEPT, ids=["wall", "paper", "large"])
def test_no_stored_painting_would_be_painted_again(paintings, network):
    for file, settings in paintings.items():
        assert is_painted(file, {**network, **settings._asdict()}), file.name


SMALL_PROJECTS = {"vgg16_lbfgs", "noise_1024", "eight_steps", "adam_9000", "named_layers"}


def test_every_published_recipe_has_a_pair_of_pictures():
    assert set(systems.SYSTEMS) == set(RECIPES) - SMALL_PROJECTS
    stored = {path.stem for path in (RESULTS / "08_systems").glob("*.jpg")}
    assert stored == set(systems.SYSTEMS)


@pytest.mark.parametrize("name", systems.SYSTEMS)
def test_a_stored_system_says_how_it_was_painted(name):
    """With its own size and network, and to its last step."""
    note = read_settings(RESULTS / "08_systems" / f"{name}.jpg")
    wanted = systems.settings(name)
    assert {**note, **wanted} == note
    assert note["seconds"] > 0
    assert len(note["style_errors"]) == 5
    assert sum(note["pull"].values()) == pytest.approx(100, abs=0.1)


@pytest.mark.slow
def test_a_system_is_painted_and_measured(tmp_path, monkeypatch):
    """Three steps of Udacity's, from the first to what the file says of it."""
    tiny = recipe("udacity", size=32, steps=3)
    monkeypatch.setitem(RECIPES, "udacity", tiny)
    file = tmp_path / "udacity.jpg"
    systems.paint_system("udacity", file, torch.device("cpu"))
    note = read_settings(file)
    assert note["evaluations"] == 3
    assert note["departures"] == ["with vgg19 instead of torchvision-vgg19"]
    assert min(load(file, None).shape[2:]) == 32
    assert set(note["pull"]) == {"content relu4_2", *(f"style {name}" for name in STYLE)}


def test_pulls_are_norms_of_gradients(vgg):
    """A content weight a thousand times as large pulls nearly alone."""
    photo = drawn(1, 3, 48, 48)
    image = drawn(1, 3, 48, 48, seed=1)
    loud = Objective(recipe("ours", content={"relu4_2": 30.0}), vgg, photo, photo)
    quiet = Objective("ours", vgg, photo, photo)
    term = "content relu4_2"
    assert systems.pulls(quiet, photo)[term] == 0
    assert 0 < systems.pulls(quiet, image)[term] < 50 < systems.pulls(loud, image)[term] < 100


def test_no_stage_of_the_large_painting_would_be_painted_again():
    for number, file in enumerate(large.stage_files(RESULTS / "09_large.jpg")):
        assert is_painted(file, large.stage_settings(number)), file.name


def test_none_of_the_eight_paintings_would_be_painted_again():
    for causes in itertools.product(large.SIZES, large.STYLE_SIZES, large.BUDGETS):
        file = large.cause_file(RESULTS / "three_causes", *causes)
        assert is_painted(file, large.cause_settings(*causes)), file.name


@pytest.mark.slow
def test_what_a_painting_says_of_its_style_is_true(vgg):
    """One of them measured again."""
    path = RESULTS / "wall" / "china_mosaic.jpg"
    settings = read_settings(path)
    style = load(settings["style"], round(384 * settings["style_scale"]))
    errors = style_errors(load(path, None), style, vgg)
    # the file was compressed after the measurement, which the first layers see
    assert errors[2:] == pytest.approx(settings["style_errors"][2:], rel=0.3, abs=0.003)


def test_every_stored_picture_can_be_made_again():
    stored = {path.stem for path in RESULTS.glob("*.jpg")}
    assert stored == set(results.PICTURES)


def test_the_stored_page_is_up_to_date():
    assert (RESULTS / "README.md").read_text(encoding="utf-8") == results.page()


def test_the_page_tells_a_painting_by_its_settings_and_a_sheet_by_its_function():
    painted = results.description("first_painting")
    assert "Starry Night" in painted
    assert "60 evaluations at 256 px" in painted
    assert "content weight 0.03" in painted
    assert results.description("wall").startswith("Six photos after eight styles")


def test_an_unknown_picture_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit):
        results.main(["walls"])
    assert "there is no picture walls; known: first_painting, wall" in capsys.readouterr().err


# ---- how they are painted ------------------------------------------------------------------------


@pytest.mark.slow
def test_coarse_to_fine_comes_nearer_to_the_style(vgg):
    image = coarse_to_fine(vgg, TINY)
    photo = load("china", 64)
    style = load("mosaic", 64)
    assert image.shape == photo.shape
    assert image.min() >= 0
    assert image.max() <= 1
    before = sum(style_errors(photo, style, vgg))
    after = sum(style_errors(image, style, vgg))
    assert after < 0.25 * before


def test_coarse_to_fine_paints_the_same_twice(vgg):
    settings = TINY._replace(plan=((32, 2), (48, 1)))
    assert torch.equal(coarse_to_fine(vgg, settings), coarse_to_fine(vgg, settings))


def test_style_errors_are_those_of_the_saved_picture(vgg):
    image = drawn(1, 3, 48, 48)
    style = load("mosaic", 64)
    target = gram(vgg(style, ["relu3_1"])["relu3_1"])
    expected = style_loss(vgg(as_saved(image), ["relu3_1"])["relu3_1"], target).item()
    errors = style_errors(image, style, vgg)
    assert errors[STYLE.index("relu3_1")] == pytest.approx(expected, rel=1e-5)


def test_the_size_of_the_style_is_a_multiple_of_the_paintings(vgg, monkeypatch):
    sizes = []

    def remembering_load(name, size):
        sizes.append((name, size))
        return load(name, size)

    monkeypatch.setattr(painting, "load", remembering_load)
    settings = Settings("china", "mosaic", 0.03, style_scale=1.5, plan=((32, 1), (48, 1)))
    coarse_to_fine(vgg, settings)
    assert sizes == [("china", 32), ("mosaic", 48), ("china", 48), ("mosaic", 72)]
    assert settings.style_size == 72


@pytest.mark.slow
def test_a_painting_that_is_there_is_not_painted_again(vgg, tmp_path, monkeypatch, capsys):
    calls = []

    def instead(vgg, settings):
        calls.append(settings)
        return load("china", 64)

    monkeypatch.setattr(painting, "coarse_to_fine", instead)
    file = tmp_path / "a.jpg"
    paint_missing(vgg, {file: TINY})
    paint_missing(vgg, {file: TINY})
    assert calls == [TINY]
    assert "1 of 1 paintings are there and stay as they are." in capsys.readouterr().out
    assert is_painted(file, TINY._asdict())
    heavier = TINY._replace(content_weight=0.1)
    shorter = TINY._replace(plan=TINY.plan[:1])
    paint_missing(vgg, {file: heavier})
    paint_missing(vgg, {file: shorter})
    assert calls == [TINY, heavier, shorter]


def test_a_picture_without_settings_counts_as_not_painted(tmp_path):
    save(load("china", 64), tmp_path / "a.jpg", {})
    assert not is_painted(tmp_path / "a.jpg", TINY._asdict())
    assert not is_painted(tmp_path / "b.jpg", TINY._asdict())


# ---- sheets --------------------------------------------------------------------------------------


def test_a_contact_sheet_keeps_order_and_size():
    greys = [torch.full((1, 3, 20, 30), value) for value in (0.0, 0.5, 1.0)]
    sheet = contact_sheet(greys, columns=2, size=(40, 30), gap=4)
    assert sheet.size == (84, 64)
    places = [(20, 15), (64, 15), (20, 49), (64, 49)]
    assert [sheet.getpixel(place)[0] for place in places] == [0, 128, 255, 255]


def test_lower_tiles_stand_at_the_bottom_of_their_row():
    black = Image.new("RGB", (10, 20), "black")
    low = Image.new("RGB", (10, 8), "red")
    sheet = in_rows([black, low], columns=2, gap=2)
    assert sheet.size == (22, 20)
    assert sheet.getpixel((15, 11)) == (255, 255, 255)
    assert sheet.getpixel((15, 12)) == (255, 0, 0)


def test_a_caption_stands_below_its_picture():
    tile = captioned(torch.zeros(1, 3, 30, 90), ["one line", "and another"])
    plain = captioned(torch.zeros(1, 3, 30, 90), [])
    assert tile.width == 90
    assert tile.height > plain.height > 30
    darkest = min(tile.crop((0, 31, 90, tile.height)).convert("L").tobytes())
    assert darkest < 100


# ---- notebook 01: images that excite a channel --------------------------------------------------


@pytest.mark.parametrize(("layer", "channel"), [("conv1_1", 29), ("conv2_1", 67)])
def test_an_image_excites_its_channel_more_than_a_photo_does(vgg, layer, channel):
    image = channels.excite(vgg, layer, channel, size=48, steps=8)
    photo = load("astronaut", 48)
    strengths = [vgg(x, [layer])[layer][0, channel].mean().item() for x in (image, photo)]
    assert image.shape == (1, 3, 48, 48)
    assert 0 <= image.min() and image.max() <= 1
    assert strengths[0] > 1.5 * abs(strengths[1])


def test_a_direction_holds_wide_areas_too():
    """A grainy gradient has next to nothing left where sixteen pixels are averaged."""
    gradient = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    direction = channels.all_widths(gradient)
    coarse = torch.nn.functional.avg_pool2d(direction, 16).std() / direction.std()
    assert coarse > 0.3


# ---- notebook 03: the map ------------------------------------------------------------------------


def test_places_on_the_map_have_the_distances_of_the_table():
    """Squared distances of points on a plane give these points back, turned or mirrored."""
    points = drawn(6, 2)
    table = torch.cdist(points, points).square()
    places = maps.placed(table)
    assert torch.allclose(torch.cdist(places, places).square(), table, atol=1e-4)


def test_the_map_is_turned_so_that_two_pictures_lie_where_they_should():
    places = torch.tensor([[-3.0, 1.0], [0.5, 2.0], [1.0, -1.0]])
    turned = maps.turned(places, rightmost=0, top=1)
    assert turned[0, 0] > 0
    assert turned[1, 1] < 0


def test_pictures_that_overlap_are_pushed_apart():
    sizes = torch.full((4, 2), 100.0)
    centres = torch.tensor([[400.0, 400], [420, 410], [410, 470], [900, 500]])
    apart = maps.pushed_apart(centres, sizes)
    for i, j in itertools.combinations(range(4), 2):
        assert (apart[i] - apart[j]).abs().max() > 99
    assert torch.equal(apart[3], centres[3])


# ---- notebook 12: bugs that are what they say ----------------------------------------------------


def test_overwritten_features_are_those_after_relu(vgg):
    image = drawn(1, 3, 48, 48)
    layers = ["conv1_1", "conv2_1"]
    features = museum.overwritten(vgg, image, layers)
    honest = vgg(image, ["relu1_1", "conv2_1"])
    assert torch.equal(features["conv1_1"], honest["relu1_1"])
    assert torch.equal(features["conv2_1"], honest["conv2_1"])


def test_the_door_for_small_pixels_feeds_a_255th_and_no_mean(vgg):
    image = drawn(1, 3, 48, 48)
    features = museum.unscaled(vgg, image, ["relu1_1"])["relu1_1"]
    expected = vgg.features(image / 255 / vgg.std, ["relu1_1"])["relu1_1"]
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)


def test_a_mean_in_columns_leaves_the_other_columns_as_they_are(vgg):
    image = drawn(1, 3, 48, 48)
    features = museum.mean_in_columns(vgg, image, ["relu1_1"])["relu1_1"]
    no_mean = vgg.features(image.flip(1) / vgg.std, ["relu1_1"])["relu1_1"]
    torch.testing.assert_close(features[..., 4:], no_mean[..., 4:], rtol=1e-4, atol=1e-4)
    assert (features[..., :3] - no_mean[..., :3]).abs().max() > 0.5


def test_counts_are_those_of_the_two_formulas():
    assert museum.count_of_the_paper(64, 100, 400) == 6400
    assert museum.count_of_keras(64, 100, 400) == 1200


def test_a_count_that_is_the_same_for_all_layers_cancels_but_for_its_size(vgg):
    """A style term is 1 at the start, whatever it is divided by."""
    scene = museum.Scene(vgg, drawn(1, 3, 48, 48), drawn(1, 3, 40, 56, seed=1))
    for count in (museum.count_of_keras, museum.count_of_the_paper):
        loss = museum.counted(scene, scene.photo, count)
        assert loss(scene.photo).item() == pytest.approx(1, rel=1e-4)


def test_the_total_loss_is_the_mean_style_error_and_weighted_content(vgg):
    photo = drawn(1, 3, 48, 48)
    style = drawn(1, 3, 40, 56, seed=1)
    image = as_saved(drawn(1, 3, 48, 48, seed=2))
    content = content_loss(vgg(image, CONTENT)[CONTENT], vgg(photo, CONTENT)[CONTENT]).item()
    errors = style_errors(image, style, vgg)
    loss = total_loss(vgg, photo, style, content_weight=0.5)
    assert loss(image).item() == pytest.approx(sum(errors) / 5 + 0.5 * content, rel=1e-4)


def test_a_painting_is_judged_by_a_network_that_pools_as_its_own(vgg, tmp_path, monkeypatch):
    judges = []

    def network(name, pool="max", device=None):
        judges.append((name, pool))
        return vgg.pooled(pool)

    monkeypatch.setattr(painting, "VGG", network)
    painting.save_painting(load("china", 48), tmp_path / "a.jpg", vgg.pooled("avg"), TINY)
    assert judges == [("vgg19", "avg")]
    assert read_settings(tmp_path / "a.jpg")["pool"] == "avg"
