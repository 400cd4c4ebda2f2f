"""helpers.large: sizes, starts, ends, interruptions, and a sentence where memory would not do."""

import io
from contextlib import redirect_stdout

import pytest
import torch

from helpers import large, memory
from helpers.colours import matched_colour
from helpers.images import load
from helpers.large import paint_large, sizes_up_to
from helpers.memory import free_memory, memory_for
from helpers.recipes import Objective, pictures_for, recipe
from helpers.transfer import optimise

SIDES = (16, 32, 64)  # instead of 128 and more


@pytest.fixture(scope="module")
def pair():
    return load("lake_sherburne", 64), load("starry_night", 64)


@pytest.fixture
def small_sizes(monkeypatch):
    monkeypatch.setattr(large, "FIRST", SIDES[0])


@pytest.fixture(scope="module")
def painted(vgg, pair):
    """A painting, what its callback was given, and the lines that were printed."""
    seen = []
    lines = io.StringIO()
    with pytest.MonkeyPatch.context() as monkeypatch, redirect_stdout(lines):
        monkeypatch.setattr(large, "FIRST", SIDES[0])
        result = paint_large(*pair, vgg, size=64, callback=lambda *now: seen.append(now))
    return result, seen, lines.getvalue().splitlines()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (2048, [128, 256, 512, 1024, 2048]),
        (1024, [128, 256, 512, 1024]),
        (700, [175, 350, 700]),
        (255, [255]),
        (256, [128, 256]),
        (16, [16]),
    ],
)
def test_each_size_is_twice_the_one_before(size, expected):
    assert sizes_up_to(size) == expected


@pytest.mark.slow
def test_the_first_size_begins_with_the_photo_in_the_styles_colours(pair, painted):
    _, seen, _ = painted
    photo, style = pictures_for(recipe("ours"), *pair, SIDES[0])
    first = seen[0][1]
    torch.testing.assert_close(first, matched_colour(photo, style), atol=1e-3, rtol=0)
    assert (first - photo).abs().mean() > 0.02, "a pair whose colours are alike would prove nothing"


@pytest.mark.parametrize("size", [0, 15, -512, 512.0, "512", True, None, 10**6])
def test_what_is_no_size_is_refused(size, vgg, pair):
    with pytest.raises(ValueError, match="size"):
        paint_large(*pair, vgg, size=size)


@pytest.mark.slow
def test_a_painting_grows_and_steps_are_counted_through(painted, pair):
    result, seen, lines = painted
    steps, images, values = zip(*seen, strict=True)
    assert steps == tuple(range(1, len(steps) + 1))
    assert list(values) == result.history
    sides = [image.shape[3] for image in images]
    assert sides == sorted(sides)
    for side, most in zip(SIDES, (20, 15, 25), strict=True):
        assert 1 <= sides.count(side) <= most
    assert sum(map(sides.count, SIDES)) == len(sides)
    assert result.image.shape == pair[0].shape
    assert result.image.min() >= 0
    assert result.image.max() <= 1
    assert [line.split()[0] for line in lines] == [str(side) for side in SIDES]
    assert "s left" in lines[0]
    assert "left" not in lines[-1]


@pytest.mark.slow
def test_a_size_begins_with_the_picture_of_the_size_before(pair, painted):
    _, seen, _ = painted
    for before, side in zip(SIDES, SIDES[1:], strict=False):
        image = next(image for _, image, _ in seen if image.shape[3] == side)
        latest = [earlier for _, earlier, _ in seen if earlier.shape[3] == before][-1]
        photo, style = pictures_for(recipe("ours"), *pair, side)
        begun = large._enlarged(latest.clamp(0, 1), photo, style)
        anew = matched_colour(photo, style)
        assert (image - begun).abs().mean() < 0.5 * (image - anew).abs().mean()


@pytest.mark.slow
def test_it_returns_the_best_of_the_last_size_and_is_far_ahead_of_plain_painting(
    vgg, pair, painted
):
    result, seen, _ = painted
    values = [value for _, image, value in seen if image.shape[3] == SIDES[-1]]
    photo, style = pictures_for("ours", *pair, size=64)
    objective = Objective("ours", vgg, photo, style)
    with torch.no_grad():
        value = objective(result.image).item()
    assert value == pytest.approx(min(values), rel=0.02)  # clamped, and without the fence
    plain = optimise(photo, objective, 25)
    assert value < 0.8 * min(plain.history)


@pytest.mark.slow
def test_a_size_ends_when_the_picture_is_still(vgg, pair, small_sizes, monkeypatch, capsys):
    monkeypatch.setattr(large, "STILL", 1000.0)
    result = paint_large(*pair, vgg, size=64)
    # Two looks, five evaluations apart, are needed to see a difference.
    assert len(result.history) == 3 * 10
    assert capsys.readouterr().out.count("hardly changes") == 3


@pytest.fixture
def restless(small_sizes, monkeypatch):
    """No size ends before its last evaluation."""
    monkeypatch.setattr(large, "STILL", 0.0)


@pytest.mark.slow
def test_a_restless_picture_takes_all_evaluations(vgg, pair, restless):
    result = paint_large(*pair, vgg, size=64)
    assert len(result.history) == 20 + 15 + 25


@pytest.mark.slow
@pytest.mark.parametrize(("at", "side"), [(3, 16), (20, 16), (30, 32)])
def test_an_interruption_returns_the_best_so_far(vgg, pair, restless, at, side):

    def stop(step, image, value):
        if step == at:
            raise KeyboardInterrupt

    result = paint_large(*pair, vgg, size=64, callback=stop)
    assert len(result.history) == at
    assert result.image.shape[3] == side


@pytest.mark.slow
def test_a_size_that_does_not_fit_is_refused_before_it_begins(vgg, pair, monkeypatch):
    monkeypatch.setattr(large, "free_memory", lambda device: 2 * 10**9)

    def nothing_is_painted(*_):
        pytest.fail("it began to paint")

    with pytest.raises(
        ValueError, match=r"size=4096 needs about .* GB .* 2.0 are free: size=\d+ would fit"
    ) as told:
        paint_large(*pair, vgg, size=4096, callback=nothing_is_painted)
    fits = int(str(told.value).split("size=")[2].split()[0])
    width, height = fits, round(fits * pair[0].shape[2] / pair[0].shape[3])
    smallest = large.TILES[-1]
    assert memory_for(width * height, tile=smallest) <= 2 * 10**9
    assert memory_for((width + 64) * (height + 64), tile=smallest) > 2 * 10**9


def test_a_style_that_tiles_cannot_add_up_has_to_fit_at_once(vgg, pair, monkeypatch):
    moments = recipe("ours", gram="moments", style_error="wasserstein")
    assert large._side_of_tiles(moments, vgg, torch.zeros(1, 3, 64, 64)) is None
    photo = torch.zeros(1, 3, 1024, 1024)
    monkeypatch.setattr(large, "free_memory", lambda device: memory_for(1024**2, tile=512))
    assert large._side_of_tiles(recipe("ours"), vgg, photo) == 512
    with pytest.raises(ValueError, match="size=1024 needs about"):
        large._side_of_tiles(moments, vgg, photo)


@pytest.mark.parametrize(("room", "side"), [(None, None), (1024, 1024), (512, 512), (256, 256)])
def test_tiles_are_as_large_as_memory_allows(room, side, vgg, monkeypatch):
    pixels = 2048**2
    free = memory_for(pixels, tile=room)
    monkeypatch.setattr(large, "free_memory", lambda device: free)
    assert large._side_of_tiles(recipe("ours"), vgg, torch.zeros(1, 3, 2048, 2048)) == side


@pytest.mark.slow
def test_a_painting_in_tiles_is_the_same_painting(vgg, pair, restless, monkeypatch, capsys):
    monkeypatch.setattr(large, "MOST", (2, 2, 2))
    whole = paint_large(*pair, vgg, size=64)
    assert "tiles" not in capsys.readouterr().out
    monkeypatch.setattr(large, "_side_of_tiles", lambda chosen, vgg, photo: 16)
    tiled = paint_large(*pair, vgg, size=64)
    assert capsys.readouterr().out.count("do not fit into memory at once: in tiles of 16 px") == 3
    assert tiled.history == pytest.approx(whole.history, rel=1e-3)
    assert (tiled.image - whole.image).abs().max() < 0.02


def test_where_nothing_fits_no_size_is_named(vgg, pair, monkeypatch):
    monkeypatch.setattr(large, "free_memory", lambda device: 10**8)
    with pytest.raises(ValueError, match="0.1 are free: nothing fits; close other programs"):
        paint_large(*pair, vgg, size=64)


@pytest.mark.slow
def test_nobody_is_refused_where_memory_is_unknown(vgg, pair, monkeypatch):
    monkeypatch.setattr(large, "free_memory", lambda device: 0)
    assert paint_large(*pair, vgg, size=32).image.shape[3] == 32


@pytest.mark.parametrize("name", ["gatys", "pytorch_tutorial", "crowsonkb", "tensorflow"])
def test_a_recipe_with_its_own_optimiser_is_referred_to_paint(vgg, pair, name):
    with pytest.raises(ValueError, match="paint"):
        paint_large(*pair, vgg, size=64, what=name)


@pytest.mark.slow
def test_a_changed_recipe_of_ours_is_painted(vgg, pair):
    result = paint_large(*pair, vgg, size=32, what=recipe("ours", tv=2.0, pool="avg"))
    assert result.image.shape[3] == 32


def test_a_larger_size_begins_with_the_detail_of_the_photo_as_strong_as_the_styles():
    photo, style = pictures_for("ours", load("lake_sherburne", 96), load("starry_night", 96), 96)
    coarse = torch.full((1, 3, photo.shape[2] // 2, 48), 0.5)
    begun = large._enlarged(coarse, photo, style)
    matched = large.matched_colour(photo, style)
    both = torch.stack([begun.flatten() - 0.5, matched.flatten() - 0.5])
    assert torch.corrcoef(both)[0, 1] > 0.2  # the photo's edges
    halves = [side // 2 for side in style.shape[2:]]
    lost = style - large.reshaped(large.reshaped(style, halves), style.shape[2:])
    assert begun.std().item() == pytest.approx(lost.std().item(), rel=0.15)


def test_the_best_is_judged_with_its_fence():
    watch = large._Watch(size=16, most=25, later=0.0, callback=None)
    inside, outside = torch.full((1, 3, 4, 4), 0.5), torch.full((1, 3, 4, 4), 1.5)
    watch(1, inside, 2.0)
    watch(2, outside, 1.0)
    assert watch.best is inside


def test_an_earlier_size_may_be_twice_as_restless_as_the_last():
    earlier, last = (large._Watch(16, 25, later, None) for later in (4.0, 0.0))
    assert earlier.calm == 2 * last.calm == 4.0


def test_a_difference_is_in_grey_levels():
    black, nearly = torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 4 / 255)
    assert large._difference(nearly, black) == pytest.approx(4.0)


def test_a_photo_without_detail_gets_none():
    flat = torch.full((1, 3, 64, 64), 0.4)
    begun = large._enlarged(torch.full((1, 3, 32, 32), 0.7), flat, load("starry_night", 64))
    assert begun.isfinite().all()
    assert begun.std() < 0.01


def test_memory_grows_with_the_picture_and_halves_with_its_digits():
    assert memory_for(10**6) < memory_for(4 * 10**6)
    features = memory_for(10**6) - memory_for(10**6, half=True)
    assert features == pytest.approx(
        1.5 * 2 * 10**6 * (3 * 64 + 3 * 32 + 5 * 16 + 5 * 8 + 4), rel=0.01
    )


def test_tiles_need_less_and_small_ones_least():
    whole, large_ones, small_ones = (memory_for(4096**2, True, tile) for tile in (None, 1024, 256))
    assert small_ones < large_ones < 0.6 * whole
    assert memory_for(10**5, True, 2048) == memory_for(10**5, True)  # one tile is enough
    more_pixels = memory_for(4096**2, True, 256) - memory_for(2 * 2048**2, True, 256)
    more = memory.BESIDE * (4096**2 - 2 * 2048**2)
    assert more_pixels >= more > 10**9, "images and content do not fit into tiles"
    a_pixel = 1.5 * 2 * (3 * 64 + 3 * 32 + 5 * 16 + 5 * 8 + 4)
    with_halo = (1024 + 2 * memory.HALO) ** 2 - (256 + 2 * memory.HALO) ** 2
    assert large_ones - small_ones == pytest.approx(a_pixel * with_halo, rel=0.01)


def test_free_memory_is_that_of_the_machine_or_the_gpu(monkeypatch):
    assert free_memory() >= 0
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (123, 456))
    assert free_memory(torch.device("cuda", 0)) == 123


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"memory.max": "1000", "memory.current": "400"}, 600),
        ({"memory.max": "1000", "memory.current": "1200"}, 0),
        ({"memory.max": "max", "memory.current": "400"}, memory.NO_LIMIT),
        ({}, memory.NO_LIMIT),
    ],
)
def test_a_container_has_a_limit_of_its_own(tmp_path, monkeypatch, files, left):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    assert memory._left_in_container() == left
