"""tools.bench: its peers are the published ones, its floor is a sum, its clock is right."""

import json
import subprocess
import sys
import types
from dataclasses import replace

import pytest
import torch

from helpers import losses, published
from helpers.images import load, names
from helpers.losses import gram
from helpers.recipes import RECIPES, Objective, paint, recipe, start_for
from tests.helpers import published_losses
from tools.bench import __main__ as command
from tools.bench import hardware, memory, ours, races
from tools.bench.options import TEN_PAIRS, Options
from tools.bench.peers import PEERS, Trajectory, TutorialLoss, plain_products, running_means
from tools.bench.report import bars, picture, write_page, write_plot
from tools.bench.workers import worker
from tools.countdown import Countdown, duration
from tools.endings import Mistake
from tools.pictures.painting import STYLE

CPU = Options(device=torch.device("cpu"), pixels=48)


@pytest.fixture
def pair():
    """A photo, and a style of its size."""
    photo = load("china", 48)
    style = torch.nn.functional.interpolate(load("starry_night", 48), photo.shape[2:])
    return photo, style


# ---- peers ---------------------------------------------------------------------------------------


def test_the_tutorials_loss_is_the_tutorials(vgg, pair):
    """Against the independent transcription, on the same weights."""
    state = {}
    for index, layer in enumerate(vgg.layers.values()):
        for key, value in layer.state_dict().items():
            state[f"features.{index}.{key}"] = value
    image = pair[0].flip(3)
    expected = published_losses.LOSSES["pytorch_tutorial"](state, *pair, image)
    assert TutorialLoss(vgg, *pair)(image).item() == pytest.approx(expected, rel=1e-4)


def test_the_tutorials_loop_is_torchs_lbfgs_with_a_clamp(vgg, pair):
    """Step by step the same images as a loop written anew."""
    photo, _ = pair
    loss = TutorialLoss(vgg, *pair)
    image = photo.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image])
    expected = []

    def closure():
        with torch.no_grad():
            image.clamp_(0, 1)
        optimiser.zero_grad()
        value = loss(image)
        value.backward()
        expected.append(image.detach().clone())
        return value

    optimiser.step(closure)
    run = PEERS["tutorial"].run(loss, pair, 12)
    assert len(run.images) == 12
    assert torch.equal(torch.stack(run.images), torch.stack(expected[:12]))
    assert run.seconds == sorted(run.seconds)
    assert run.seconds[0] > 0


def test_a_peer_starts_where_its_recipe_does(vgg, pair):
    """neural-style-pt's noise of a thousandth of a grey level, around Caffe's mean colour."""
    photo, _ = pair
    peer = PEERS["neural_style_pt"]
    run = peer.run(peer.make_loss(vgg, *pair), pair, 1)
    assert torch.equal(run.images[0], start_for(RECIPES["neural_style_pt"], photo))


def test_a_peer_changes_what_its_recipe_changes(vgg, pair):
    """The same images as `optimise`, in the published unit: the first step of L-BFGS has one."""
    photo, style = pair
    peer = PEERS["gatys"]
    run = peer.run(peer.make_loss(vgg, *pair), pair, 4)
    images = []

    def keep(step, image, value):
        images.append(image)

    made = recipe("gatys", size=min(photo.shape[2:]), style_size=min(style.shape[2:]))
    paint(made, photo, style, vgg, steps=4, callback=keep)
    torch.testing.assert_close(run.images[-1], images[-1])


@pytest.mark.slow
def test_a_peer_of_several_sizes_is_judged_by_the_mean_that_it_keeps(vgg):
    """As a whole painting returns it, but for the last update, which nobody evaluates."""
    pair = load("china", 128), load("china", 128).flip(3)
    peer = PEERS["crowsonkb"]
    run = peer.run(peer.make_loss(vgg, *pair), pair, 5)
    assert len(run.images) == len(run.seconds) == 5
    assert run.seconds == sorted(run.seconds)
    assert {image.shape for image in run.images} == {pair[0].shape}
    painted = paint("crowsonkb", *pair, vgg, size=128, steps=4).image
    rest = (run.images[-1] - painted).abs().mean()
    assert rest < 0.02


def test_a_running_mean_forgets_and_begins_anew_with_each_size():
    one, two, small = (
        torch.full((1, 3, size, 4), value) for size, value in [(4, 0.2), (4, 0.6), (8, 1)]
    )
    means = running_means([one, two, small], 0.9)
    assert [mean.mean().item() for mean in means] == pytest.approx(
        [0.2, (0.18 * 0.1 + 0.06) / 0.19, 1]
    )


def test_plain_products_give_the_same_loss_and_gradient(vgg, pair):
    gradients = []
    values = []
    for plain in (False, True):
        image = pair[0].flip(3).requires_grad_()
        loss = TutorialLoss(vgg, *pair)
        if plain:
            with plain_products():
                value = loss(image)
        else:
            value = loss(image)
        value.backward()
        values.append(value.item())
        gradients.append(image.grad)
    assert values[1] == pytest.approx(values[0], rel=1e-5)
    error = (gradients[1] - gradients[0]).norm() / gradients[0].norm()
    assert error < 1e-4


def test_plain_products_are_autograds_and_end_with_the_block():
    """A float32 matrix product and its transpose are what autograd remembers of them."""
    features = torch.ones(1, 2, 3, 3, requires_grad=True)
    own = type(losses.products(features[0].flatten(1)).grad_fn).__name__
    with pytest.raises(KeyError), plain_products():
        for module in (losses, published):
            plain = module.products(features[0].flatten(1))
            assert type(plain.grad_fn).__name__ == "MmBackward0"
        assert torch.equal(gram(features), torch.ones(2, 2))
        raise KeyError
    for module in (losses, published):
        assert type(module.products(features[0].flatten(1)).grad_fn).__name__ == own


# ---- ours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("without", ["softening", ""])
def test_our_loss_is_ten_before_it_is_softened(vgg, pair, monkeypatch, without):
    seen = []

    def record(start, loss, evaluations, **options):
        seen.append(("softening", loss(start).item()))

    def record_softened(start, objective, evaluations, scale, **options):
        seen.append(("", scale * objective(start).item()))

    monkeypatch.setattr(ours, "optimise", record)
    monkeypatch.setattr(ours, "optimise_softened", record_softened)
    ours.paint_ours(vgg, "pytorch_tutorial", pair, 2, without=without)
    assert seen == [(without, pytest.approx(ours.FIRST_VALUE))]


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS)
def test_ours_minimises_what_the_peer_does(vgg, pair, peer):
    image = pair[0].flip(3)
    theirs = PEERS[peer].make_loss(vgg, *pair)(image).item()
    assert Objective(PEERS[peer].recipe, vgg, *pair)(image).item() == pytest.approx(theirs)


@pytest.mark.parametrize("without", ["", "memory"])
def test_memory_is_kept_unless_that_is_left_out(vgg, pair, monkeypatch, without):
    asked = []
    monkeypatch.setattr(ours, "keep_memory", lambda: asked.append(True))
    run = ours.paint_ours(vgg, "pytorch_tutorial", pair, 2, without=without)
    assert len(run.images) == len(run.seconds) == 2
    assert bool(asked) == (without != "memory")


@pytest.mark.parametrize("first", [1, 7, 8, 9, 16, 20])
def test_the_first_image_that_is_good_enough_counts(first):
    images = [torch.full((1, 3, 2, 2), float(number < first)) for number in range(1, 21)]
    run = Trajectory([float(number) for number in range(1, 21)], images)
    assert ours.first_reached(run, torch.mean, 0.5) == (first, first)
    assert ours.first_reached(run, torch.mean, -1) == (None, None)


# ---- topics --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("peer", ["tutorial", "neural_style_pt", "gordicaleksa", "crowsonkb"])
def test_a_race_can_be_run(peer, monkeypatch):
    monkeypatch.setattr(races, "LEAST", 4)
    row = races.heat(CPU, peer, [2, 4])
    assert row["their seconds for 2"] < row["their seconds for 4"]
    assert row["objective after 4"] > 0


def test_a_race_is_repeated_and_its_medians_count(monkeypatch, capsys):
    seconds = iter([3.0, 1.0, None, 2.0, 2.0, 2.0])
    monkeypatch.setattr(races, "heat", lambda options, peer, marks: {"seconds": next(seconds)})
    options = Options(CPU.device, repeats=3, peers=("tutorial", "gatys"))
    table = races.race(options)
    assert table == {"tutorial": {"seconds": 2.0}, "gatys": {"seconds": 2.0}}
    assert "tutorial, heat 1 of 3 (12% done" in capsys.readouterr().out


def test_a_race_of_several_heats_says_how_they_spread(monkeypatch, capsys):
    gains = iter([4.0, 9.0, None, 5.0, 7.0, None, None])
    monkeypatch.setattr(races, "heat", lambda *_: {"times as fast for 5": next(gains), "px": 48})
    options = Options(CPU.device, repeats=4, peers=("tutorial",))
    assert races.race(options)["tutorial"] == {
        "times as fast for 5": 5.0,
        "px": 48,
        "heats, times as fast for 5": [4.0, 9.0],
    }
    three = replace(options, repeats=3)
    assert races.race(three)["tutorial"] == {"times as fast for 5": 7.0, "px": 48}


def test_multiply_adds_by_hand(vgg):
    """conv1_1 at 2 x 2 px, forth and back; its Gram matrix, and the gradient of that."""
    first = types.SimpleNamespace(layers=dict(list(vgg.layers.items())[:2]))
    convolution = 9 * 3 * 64 * 4
    products = 64 * 64 * 4
    assert hardware.multiply_adds(first, 2) == 2 * convolution + 2 * products
    larger = hardware.multiply_adds(vgg, 256) / hardware.multiply_adds(vgg, 128)
    assert larger == pytest.approx(4)


def test_an_evaluation_is_set_beside_the_floor(vgg, monkeypatch):
    monkeypatch.setattr(hardware, "peak", lambda kind, device: 1e12)
    row = hardware.beside_floor(vgg, 32)
    assert row["floor ms"] == pytest.approx(1000 * hardware.multiply_adds(vgg, 32) / 1e12)
    assert row["times the floor"] == pytest.approx(row["ms"] / row["floor ms"])


def test_without_a_gpu_nothing_is_measured_on_it(capsys):
    assert hardware.gpu(CPU) == {"gpu": {"measured": None}}
    assert "no CUDA device" in capsys.readouterr().out


def test_the_exponent_of_a_square_is_two():
    assert memory.exponent({x: 3 * x**2 for x in (1, 2, 5, 10)}) == pytest.approx(2)
    assert memory.exponent({1: 2.0, 2: None}) is None


@pytest.mark.slow
def test_a_worker_measures_time_and_memory():
    answer = worker(CPU, {"name": "painting", "px": 64, "evaluations": 5})
    assert 0 < answer["seconds"] < 60
    assert 0 <= answer["MB above start"] < answer["MB of the process"]


def test_a_worker_that_fails_says_why(monkeypatch):
    failed = subprocess.CompletedProcess([], returncode=1, stdout="", stderr="KeyError: 'sleeping'")
    monkeypatch.setattr(subprocess, "run", lambda *words, **settings: failed)
    with pytest.raises(RuntimeError, match="KeyError: 'sleeping'"):
        worker(CPU, {"name": "sleeping"})


def test_where_memory_cannot_be_measured_a_line_says_so(tmp_path, monkeypatch, capsys):
    """As on Windows: neither /proc nor the module `resource`."""
    monkeypatch.setattr(memory, "STATUS", tmp_path / "none")
    monkeypatch.setitem(sys.modules, "resource", None)
    row = {"seconds": 1.0, "MB above start": None, "MB of the process": None}
    monkeypatch.setattr(memory, "worker", lambda options, task: row)
    assert memory.peak_memory() is None
    table = memory.growth(Options(CPU.device, quick=True))
    assert table["exponent"] == {"seconds": pytest.approx(0), "MB above start": None}
    assert memory.memory(Options(CPU.device, quick=True))["256 px"]["ratio"] is None
    assert capsys.readouterr().out.count("memory cannot be measured here") == 2


# ---- the command ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_results_are_stored_and_stay_for_the_same_machine(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "best_device", lambda: CPU.device)
    topics = {
        "race": lambda options: {"tutorial": {"times as fast for 10": 2.0}},
        "floor": lambda options: {"128 px": {"ms": float(options.pixels)}},
    }
    monkeypatch.setattr(command, "TOPICS", topics)
    out = tmp_path / "numbers"
    for words in (["--only", "race"], ["--only", "floor"]):
        assert command.main([*words, "--out", str(out)]) == 0
    numbers = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert list(numbers) == ["about", "race", "floor"]
    assert numbers["floor"] == {"128 px": {"ms": 256.0}}
    assert out.with_suffix(".png").is_file()
    assert "race took" in capsys.readouterr().out

    command.main(["--only", "floor", "--px", "64", "--out", str(out)])
    numbers = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert list(numbers) == ["about", "floor"], "other settings: what stood there is gone"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "rase"], "there is no topic 'rase'; known: race, tricks"),
        (["--peers", "tutorial,gatis"], "there is no peer 'gatis'; known: tutorial, gatys"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(words, sentence, capsys):
    with pytest.raises(SystemExit):
        command.main(words)
    assert sentence in capsys.readouterr().err


def test_a_quick_run_races_once_with_the_first_peer():
    parsed = command.parse(["--quick"])
    assert parsed.peers == ("tutorial",)
    assert command.parse([]).peers == tuple(PEERS)


def test_bars_are_taken_from_the_columns_of_a_topic():
    rows = {"a": {"seconds": 2.0, "evaluations": 3}, "b": {"seconds": None}}
    assert bars(rows, "seconds") == {"a": 2.0}


def test_without_anything_to_compare_no_plot_is_written(tmp_path):
    write_plot({"first": {"notebook 00": {"seconds": 3.0}}}, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


# ---- progress ------------------------------------------------------------------------------------


def test_a_countdown_estimates_from_what_is_done(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 40.0])
    monkeypatch.setattr("tools.countdown.time.monotonic", lambda: next(clock))
    countdown = Countdown(100)
    countdown.step("a small part", work=10)
    countdown.step("a large part", work=40)
    countdown.step("the rest", work=50)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "  a small part (10% done, about 90 s left)",
        "  a large part (50% done, about 40 s left)",
        "  the rest (done)",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (7200, "2.0 h")],
)
def test_durations_are_told_in_units_that_people_use(seconds, words):
    assert duration(seconds) == words


def test_multiply_adds_follow_the_maps_of_the_network(vgg):
    """Each pooling halves both sides; counted here from the maps that the network gives."""
    maps = vgg(torch.zeros(1, 3, 32, 32), list(vgg.layers))
    channels = 3
    expected = 0
    for name, features in maps.items():
        _, width, height, length = features.shape
        if name.startswith("conv"):
            expected += 2 * 9 * channels * width * height * length
            channels = width
        if name in STYLE:
            expected += 2 * width**2 * height * length
        if name == STYLE[-1]:
            break
    assert hardware.multiply_adds(vgg, 32) == expected


def test_one_slow_run_does_not_count():
    assert races.median([1.0, 9.0, 2.0]) == 2.0
    assert races.median([None, 1.0, None]) == 1.0
    assert races.median([None, None]) is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--pair", "china", "nothing"], "there is no file nothing"),
        (["--pair", "china", "pyproject.toml"], "pyproject.toml"),
        (["--px", "-5"], "'-5' is no whole number from 1 up"),
        (["--px", "15"], "15 pixels are too few: give 16 or more"),
        (["--repeats", "0"], "'0' is no whole number from 1 up"),
        (["--evaluations", "few"], "'few' is no whole number from 1 up"),
        (["--out", ""], "a folder needs a name"),
        (["--worker", "{}"], "a task is JSON with a name, one of without, painting"),
        (["--worker", "paint"], "argument --worker"),
        (["--only", "speed"], "there is no topic 'speed'"),
    ],
)
def test_words_that_mean_nothing(capsys, words, sentence):
    with pytest.raises(SystemExit):
        command.parse(words)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "{}", "my notes"])
def test_numbers_of_somebody_else_are_not_replaced(tmp_path, text):
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(Mistake, match="bench.json holds no numbers of this bench"):
        command.stored(path, {"torch": "2.6"})


def test_a_race_on_several_pairs_says_how_the_gains_spread(monkeypatch, capsys):
    gains = {"china": 4.0, "astronaut": 9.0, "coffee": None}
    pairs = tuple((photo, "starry_night") for photo in gains)
    monkeypatch.setattr(
        races, "heat", lambda options, *_: {"times as fast for 5": gains[options.pair[0]]}
    )
    options = Options(CPU.device, repeats=1, peers=("tutorial",), pairs=pairs)
    table = races.race(options)
    assert table["tutorial, china after starry_night"] == {"times as fast for 5": 4.0}
    assert table["tutorial, 3 pairs"] == {
        "not reached, times as fast for 5": 1,
        "least times as fast for 5": 4.0,
        "geometric mean times as fast for 5": 6.0,
        "most times as fast for 5": 9.0,
    }
    assert "heat 1 of 1 (done)" in capsys.readouterr().out


def test_ten_pairs_are_ten_and_all_are_there():
    photos, styles = zip(*TEN_PAIRS, strict=True)
    assert len(set(photos)) == len(set(styles)) == 10
    assert {*photos, *styles} <= set(names())


def test_a_peer_sets_its_goal_by_its_last_ten_images_and_pays_for_its_targets(monkeypatch):
    """Its eleventh last was better, and does not count; its targets took two seconds."""

    class Slow:
        recipe = "pytorch_tutorial"

        def make_loss(self, vgg, photo, style):
            return lambda image: image.mean()

        def run(self, loss, photo, evaluations):
            values = [0.5, 0.1, *[1.0] * 9, 2.0]
            images = [torch.full((1, 3, 4, 4), value) for value in values]
            return Trajectory([float(number) for number in range(1, 13)], images)

    clock = iter([10.0, 12.0])
    monkeypatch.setattr(races, "PEERS", {"slow": Slow()})
    monkeypatch.setattr(races, "VGG", lambda device: None)
    monkeypatch.setattr(races, "fast", lambda network: network)
    monkeypatch.setattr(races, "paint_ours", lambda *_: None)
    monkeypatch.setattr(races, "first_reached", lambda run, judge, goal: (3, 4.0))
    monkeypatch.setattr(races.time, "perf_counter", lambda: next(clock))
    row = races.heat(CPU, "slow", [5, 12])
    assert row["objective after 5"] == pytest.approx(0.1)
    assert row["objective after 12"] == 1.0
    assert row["their seconds for 5"] == 7.0
    assert row["times as fast for 12"] == 3.5


def test_our_images_are_judged_with_their_pixels_clamped():
    """As a file keeps them: what lies beyond white is white."""
    run = Trajectory([1.0, 2.0], [torch.full((1, 3, 2, 2), value) for value in (1.5, 0.9)])
    assert ours.first_reached(run, lambda image: -image.mean(), -1.2) == (None, None)
    assert ours.first_reached(run, lambda image: -image.mean(), -1.0) == (1, 1.0)


def test_the_time_of_an_evaluation_is_that_between_two(monkeypatch):
    run = Trajectory([3.0, 4.0, 5.0], [])
    monkeypatch.setattr(races, "paint_ours", lambda *_, **__: run)
    monkeypatch.setattr(races, "first_reached", lambda *_: (2, 4.0))
    monkeypatch.setattr(races, "TutorialLoss", lambda *_: None)
    monkeypatch.setattr(races, "VGG", lambda device: None)
    monkeypatch.setattr(races, "fast", lambda network: network)
    task = {"trick": "colour", "evaluations": 3, "goal": 1.0}
    row = races.run_without(CPU, task)
    assert row == {"evaluations": 2, "seconds": 4.0, "ms per evaluation": 1000.0}


def test_what_is_saved_is_the_memory_without_over_the_memory_with(monkeypatch, capsys):
    tasks = []

    def worker(options, task):
        tasks.append(task)
        return {"MB above start": 300.0 if task["plain"] else 100.0}

    monkeypatch.setattr(memory, "worker", worker)
    table = memory.memory(Options(CPU.device, quick=True))
    assert table["256 px"]["ratio"] == 3.0
    assert [task["plain"] for task in tasks] == [False, True]


def test_memory_is_told_in_megabytes_of_1024_kilobytes(tmp_path, monkeypatch):
    status = tmp_path / "status"
    status.write_text("VmPeak:\t 9000 kB\nVmHWM:\t 2048 kB\n")
    monkeypatch.setattr(memory, "STATUS", status)
    assert memory.peak_memory() == 2.0


def test_a_worker_is_told_the_size_and_the_pair(monkeypatch):
    commands = []

    def run(command, **_):
        commands.append(command)
        return types.SimpleNamespace(returncode=0, stdout="a line\n{}\n")

    monkeypatch.setattr(subprocess, "run", run)
    worker(Options(CPU.device, pixels=96, pair=("a", "b")), {"name": "painting"})
    assert commands[0][-5:] == ["--px", "96", "--pair", "a", "b"]


def test_the_page_shows_the_tables_and_both_sides_of_a_race(tmp_path):
    from bs4 import BeautifulSoup

    options = replace(CPU, pair=("china", "starry_night"), pictures=tmp_path / "run")
    theirs, mine = torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    races.keep_pictures(options, "tutorial_300", theirs, mine)
    kept = sorted(path.name for path in options.pictures.iterdir())
    assert kept == [
        "tutorial_300_china_after_starry_night_ours.jpg",
        "tutorial_300_china_after_starry_night_theirs.jpg",
    ]
    assert (
        load(options.pictures / kept[1], None).max()
        < 0.1
        < load(options.pictures / kept[0], None).min()
    )
    one_side = options.pictures / "tutorial_120_half_a_race_theirs.jpg"
    one_side.write_bytes((options.pictures / kept[1]).read_bytes())  # one side alone is not shown
    rows = {"tutorial": {"seconds": 1.23456, "times as fast": None}, "<b> & c": {"other": 2}}
    write_page({"px": 48, "quick": False}, {"race": rows, "floor": {}}, tmp_path / "run")
    page = BeautifulSoup((tmp_path / "run.html").read_text(encoding="utf-8"), "html.parser")
    assert [cell.text for cell in page.select("thead th")] == [
        "",
        "seconds",
        "times as fast",
        "other",
    ]
    cells = [[cell.text for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")]
    assert cells == [["tutorial", "1.235", "", ""], ["<b> & c", "", "", "2"]]
    left, right = [picture["src"] for picture in page.select(".both img")]
    assert left != right and left == picture(options.pictures / kept[1])
    assert left.startswith("data:image/jpeg;base64,")
    assert [heading.text for heading in page.select("h2")] == [
        "race",
        "Both sides at equal objective",
    ]
    assert "china after starry night" in page.figcaption.text
