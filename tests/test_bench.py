"""tools/bench.py: its peers are the published ones, its floor can be computed by hand, its clock starts at the start."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch

from helpers.images import load
from tests import published
from tools import bench

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def pair():
    photo, style = load("china", 48), load("starry_night", 48)
    return photo, torch.nn.functional.interpolate(style, photo.shape[2:])


def test_the_tutorials_loss_is_the_tutorials(vgg, pair):
    """Against the independent transcription, on the embedded network's weights."""
    state = {f"features.{i}.{k}": v for i, k, v in numbered(vgg)}
    image = pair[0].flip(3)
    expected = published.LOSSES["pytorch_tutorial"](state, *pair, image)
    assert bench.TutorialLoss(vgg, *pair)(image).item() == pytest.approx(expected, rel=1e-4)


def numbered(net):
    for index, layer in enumerate(net.layers.values()):
        for key, value in layer.state_dict().items():
            yield index, key, value


def test_the_tutorials_loop_is_torchs_lbfgs_with_a_clamp(vgg, pair):
    """Step by step the same images as a loop written anew."""
    loss, image = bench.TutorialLoss(vgg, *pair), pair[0].clone().requires_grad_()
    optimizer, seen = torch.optim.LBFGS([image]), []

    def closure():
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        value = loss(image)
        value.backward()
        seen.append(image.detach().clone())
        return value

    optimizer.step(closure)
    times, images = bench.published("tutorial", loss, pair[0], 12)
    assert len(images) == 12 and all(torch.equal(a, b) for a, b in zip(images, seen, strict=False))
    assert sorted(times) == times and times[0] > 0


def test_without_our_products_the_loss_is_the_same(vgg, pair):
    kept = bench.transfer.products
    with bench.plain_products():
        assert bench.transfer.products is not kept
        plain = bench.TutorialLoss(vgg, *pair)(pair[0].flip(3)).item()
    assert bench.transfer.products is kept
    assert bench.TutorialLoss(vgg, *pair)(pair[0].flip(3)).item() == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("peer", ["tutorial", "gatys", "neural_style_pt"])
def test_a_race_can_be_run(peer):
    options = types.SimpleNamespace(device=torch.device("cpu"), px=48, pair=["china", "starry_night"])
    row = bench._heat(options, peer, 10, [4, 10])
    assert row["their seconds for 4"] < row["their seconds for 10"]
    assert row["objective after 10"] > 0


@pytest.mark.parametrize("first", [1, 7, 8, 9, 16, 20])
def test_reached_finds_the_first_image_that_is_good_enough(first):
    images = [torch.full((1, 3, 2, 2), 0.0 if n + 1 >= first else 1.0) for n in range(20)]
    times = [float(n) for n in range(1, 21)]
    assert bench.reached(times, images, lambda image: image.mean(), 0.5) == (first, first)
    assert bench.reached(times, images, lambda image: image.mean(), -1) == (None, None)


def test_multiply_adds_by_hand(vgg):
    """conv1_1 at 2 x 2 px: 9 * 3 * 64 * 4, forth and back; its Gram matrix 64 * 64 * 4, and its gradient as much."""
    first = types.SimpleNamespace(layers=dict(list(vgg.layers.items())[:2]))
    assert bench.multiply_adds(first, 2) == 2 * 9 * 3 * 64 * 4 + 2 * 64 * 64 * 4
    assert bench.multiply_adds(vgg, 256) / bench.multiply_adds(vgg, 128) == pytest.approx(4)


def test_exponent_of_a_square_is_two():
    assert bench.exponent([(x, 3 * x**2) for x in (1, 2, 5, 10)]) == pytest.approx(2)


def test_a_worker_tells_time_and_memory():
    words = {"task": "painting", "px": 64, "evaluations": 5}
    command = [sys.executable, str(ROOT / "tools" / "bench.py"), "--worker", json.dumps(words)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    assert 0 < found["seconds"] < 60 and 0 <= found["MB above start"] < found["MB of the process"]


def test_a_topic_that_is_not_there():
    run = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "bench.py"), "--only", "rase"], capture_output=True, text=True
    )
    assert run.returncode == 2 and "no topic 'rase'; known: race, tricks" in run.stderr
