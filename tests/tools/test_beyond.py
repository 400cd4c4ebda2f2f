"""The builders of notebook 11: textures of every rung, judges, order and paintings."""

import json
from functools import partial

import pytest
import torch

from helpers.images import load, read_settings
from helpers.statistics import LADDER, gram_of
from tools.pictures import beyond
from tools.pictures.painting import RESULTS, is_painted

LADDER_TABLE = json.loads((RESULTS / "11_ladder.json").read_text(encoding="utf-8"))["textures"]
ORDER_TABLE = json.loads((RESULTS / "11_order.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("texture", beyond.TEXTURES)
def test_no_stored_texture_would_be_painted_again(texture):
    for rung, evaluations in beyond.EVALUATIONS.items():
        note = beyond.texture_note(texture, rung, evaluations)
        file = beyond.texture_file(texture, rung)
        assert is_painted(file, note), file.name
        assert min(load(file, None).shape[2:]) == beyond.SIZE


def test_no_stored_order_or_painting_would_be_painted_again():
    for name in beyond.ORDERED:
        for kind in beyond.KINDS:
            assert is_painted(beyond.texture_file(name, kind), beyond.order_note(name, kind))
    for rung in beyond.PAINTED:
        assert is_painted(beyond.painting_file(rung), beyond.painting_note(rung))


@pytest.mark.parametrize("texture", beyond.TEXTURES)
def test_every_texture_is_judged_by_every_rung(texture):
    rows = LADDER_TABLE[texture]
    assert {*LADDER, "another piece"} <= set(rows)
    for row in rows.values():
        assert set(row) == {*LADDER, "spectrum", "energy"}
        assert all(0 <= value < 10 for value in row.values())


def test_the_table_of_order_has_all_statistics():
    for rows in ORDER_TABLE.values():
        assert list(rows) == ["another piece", *beyond.KINDS]
        for row in rows.values():
            assert set(row) >= {"Gram", "spectrum", *(f"shifted {n}" for n in beyond.SHIFTS)}


@pytest.mark.slow
def test_noise_has_the_distance_one_and_the_style_zero(vgg, monkeypatch):
    monkeypatch.setattr(beyond, "SIZE", 48)
    monkeypatch.setattr(beyond, "PICTURE", 96)
    target, other = beyond.pieces("red_brick", vgg.device)
    assert target.shape == other.shape == (1, 3, 48, 48)
    assert not torch.equal(target, other)
    rows = beyond.judged(vgg, target, {"noise": beyond.quiet(target), "itself": target})
    for name in ("means", "Gram", "slices", "patches", "spectrum", "energy"):
        assert rows["noise"][name] == pytest.approx(1, abs=0.01), name
        assert rows["itself"][name] == pytest.approx(0, abs=0.01), name


def test_pieces_of_an_upright_picture_lie_below_each_other(monkeypatch):
    monkeypatch.setattr(beyond, "SIZE", 40)
    monkeypatch.setattr(beyond, "PICTURE", 96)
    first, second = beyond.pieces("morris_holland_park_carpet", torch.device("cpu"))
    whole = load("morris_holland_park_carpet", 96)
    left = (whole.shape[3] - 40) // 2
    assert torch.equal(first, whole[..., :40, left : left + 40])
    assert torch.equal(second, whole[..., -40:, left : left + 40])


def test_the_spectrum_does_not_mind_where_something_is(ramp):
    waves = (torch.arange(64) / 64 * 2 * torch.pi * 9).sin().expand(1, 3, 64, 64) / 2 + 0.5
    far = partial(beyond.spectrum_distance, waves)
    assert far(waves.roll(20, 3)) < 0.1 * far(waves.transpose(2, 3))


def test_energy_is_zero_for_one_cloud_and_not_for_two():
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(1, 4, 6, 6, generator=generator)
    assert beyond.energy_of(maps)(maps).abs() < 1e-5
    assert beyond.energy_of(maps)(maps + 1) > 0.1


@pytest.mark.slow
def test_rungs_push_the_start_of_a_painting_equally(vgg):
    photo, style = load("coffee", 48), load("mosaic", 48)
    start = beyond.matched_colour(photo, style)
    slopes = []
    for rung in ("means", "transport"):
        weightless = beyond.painting_loss(vgg, photo, style, rung)
        content = vgg(photo, [beyond.CONTENT])[beyond.CONTENT]

        def style_part(image, loss=weightless, target=content):
            error = beyond.content_loss(vgg(image, [beyond.CONTENT])[beyond.CONTENT], target)
            return loss(image) - beyond.PAIR.content_weight * error

        slopes.append(beyond.steepness(style_part, start))
    plain = beyond.steepness(beyond.layer_loss(vgg, style, beyond.STYLE, gram_of), start)
    assert slopes == pytest.approx([plain, plain], rel=0.02)


def test_a_texture_says_how_it_was_painted(vgg, tmp_path, monkeypatch):
    monkeypatch.setattr(beyond, "SIZE", 32)
    target = load("red_brick", 32)
    note = beyond.texture_note("bricks", "Gram", 3)
    loss = beyond.rung_loss(vgg, target, "Gram")
    line = beyond.paint_texture(loss, beyond.quiet(target), tmp_path / "bricks.jpg", note)
    stored = read_settings(tmp_path / "bricks.jpg")
    assert stored["picture"] == "red_brick"
    assert stored["evaluations"] == 3
    assert line == f"bricks: {stored['loss']}"


def test_patches_begin_at_half_the_size_and_the_others_with_noise(vgg, monkeypatch):
    monkeypatch.setattr(beyond, "AT_HALF_SIZE", {"patches": 2})
    seen = []
    rung_loss = beyond.rung_loss

    def spied(vgg, style, rung):
        seen.append((rung, tuple(style.shape[2:])))
        return rung_loss(vgg, style, rung)

    monkeypatch.setattr(beyond, "rung_loss", spied)
    target = load("red_brick", 128)
    noise = beyond.quiet(target)
    assert torch.equal(beyond.start_of(vgg, target, "Gram"), noise)
    assert not seen
    start = beyond.start_of(vgg, target, "patches")
    assert seen == [("patches", (64, 64))]
    assert start.shape == target.shape and start.std() > noise.std() / 2
    assert beyond.texture_note("bricks", "patches", 3)["evaluations_at_half_size"] == 2
    assert "evaluations_at_half_size" not in beyond.texture_note("bricks", "Gram", 3)
