"""The builders of notebook 07: the race, and ten iterations of VGG16."""

import json

import pytest
import torch

from helpers.images import load, read_settings
from helpers.vgg import VGG
from tools.pictures import race, sixteen
from tools.pictures.painting import RESULTS

TABLE = json.loads((RESULTS / "07_race.json").read_text(encoding="utf-8"))


def test_the_stored_table_has_every_painter_on_every_pair():
    assert list(TABLE["pairs"]) == [f"{photo} + {style}" for photo, style in race.PAIRS.items()]
    for runs in TABLE["pairs"].values():
        assert list(runs) == ["photo", *race.METHODS]
        for name in race.METHODS:
            assert len(runs[name]["losses"]) == len(runs[name]["seconds"]) == race.EVALUATIONS
            assert len(runs[name]["saved"]) == len(TABLE["moments"])
            assert runs[name]["seconds"] == sorted(runs[name]["seconds"])


def test_the_stored_table_says_with_what_it_was_made():
    settings = TABLE["settings"]
    assert settings["network"] == "vgg19"
    assert settings["size"] == race.SIZE
    assert settings["evaluations"] == race.EVALUATIONS


def test_a_run_keeps_the_best_picture_at_each_evaluation(monkeypatch):
    monkeypatch.setattr(race, "EVALUATIONS", 6)
    start = torch.full((1, 3, 16, 16), 0.2)

    def loss(image):
        return (image - 0.5).square().mean()

    lap = race.run(race.METHODS["Adam, rate 0.1"], start, loss)
    assert len(lap.losses) == len(lap.seconds) == len(lap.pictures) == 6
    values = [loss(picture).item() for picture in lap.pictures]
    assert values == sorted(values, reverse=True)
    assert race.picture_at(lap, seconds=1e9).equal(race.as_saved(lap.pictures[-1]))
    assert race.row(lap, loss)["saved"][0] == pytest.approx(values[4], rel=0.05, abs=1e-4)


def test_the_stored_iterations_name_their_network():
    for iteration in sixteen.SHOWN:
        settings = read_settings(RESULTS / "07_vgg16" / f"{iteration}.jpg")
        assert settings["network"] == "torchvision's VGG16 (IMAGENET1K_V1)"
        assert settings["evaluations"] == iteration * sixteen.MAX_ITER
        assert (settings["content"], settings["style"]) == (sixteen.PHOTO, sixteen.PAINTING)


@pytest.mark.slow
def test_iterations_are_painted_with_the_network_that_is_given(tmp_path, monkeypatch):
    monkeypatch.setattr(sixteen, "SIZE", 48)
    monkeypatch.setattr(sixteen, "SHOWN", (1, 2))
    monkeypatch.setattr(sixteen, "MAX_ITER", 4)
    sixteen.paint_with(VGG(), tmp_path / "steps.jpg")
    first = read_settings(tmp_path / "steps" / "1.jpg")
    second = read_settings(tmp_path / "steps" / "2.jpg")
    assert second["evaluations"] == 8
    assert second["loss"] < first["loss"]
    assert load(tmp_path / "steps.jpg", None).shape[1] == 3
