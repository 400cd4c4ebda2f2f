"""A painting that is kept: stopped, killed or finished, it is found again."""

import os
import subprocess
import sys
import time

import pytest
import torch

from helpers import keeping
from helpers.colours import grey
from helpers.control import Controls
from helpers.images import load, noise, read_settings, save
from helpers.keeping import Keeper, fingerprint
from helpers.recipes import paint, recipe
from tests.support import ROOT


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch):
    monkeypatch.setattr(keeping, "PATIENCE", -1)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.png"


def paint_small(what, narrow, pictures, path, steps=8, **options):
    return paint(
        what, pictures.content, pictures.style, narrow, size=48, steps=steps, keep=path, **options
    )


def stop_after(number):
    def callback(step, image, value):
        if step == number:
            raise KeyboardInterrupt

    return callback


@pytest.mark.parametrize("what", ["ours", "d2l", "crowsonkb"])
def test_a_stopped_painting_goes_on_where_it_was(what, narrow, pictures, path, capsys):
    first = paint_small(what, narrow, pictures, path, callback=stop_after(3))
    assert len(first.history) == read_settings(path)["evaluations"] == 3
    moments = []
    second = paint_small(
        what, narrow, pictures, path, callback=lambda step, *_: moments.append(step)
    )
    assert "3 of 8 evaluations are done, going on from there" in capsys.readouterr().out
    assert moments == [4, 5, 6, 7, 8]
    assert second.history[:3] == first.history
    assert second.history[3] < 1.2 * second.history[2], "it did not begin anew"
    assert read_settings(path)["evaluations"] == len(second.history) == 8


def test_what_is_finished_is_not_painted_again(narrow, pictures, path, capsys):
    first = paint_small("ours", narrow, pictures, path)
    before = path.stat().st_mtime_ns
    again = paint_small("ours", narrow, pictures, path, callback=stop_after(1))
    assert "8 of 8 evaluations are done, nothing is left" in capsys.readouterr().out
    assert again.history == first.history
    torch.testing.assert_close(again.image, first.image, atol=0.5 / 255 + 1e-6, rtol=0)
    assert path.stat().st_mtime_ns == before


def test_more_steps_go_on_from_the_end(narrow, pictures, path):
    paint_small("ours", narrow, pictures, path)
    more = paint_small("ours", narrow, pictures, path, steps=12)
    assert len(more.history) == 12


def test_our_own_keep_their_best_image_and_others_their_last(narrow, pictures, path):
    """The file holds what the painting will be, at any moment."""
    seen = []
    result = paint_small(
        "ours", narrow, pictures, path, callback=lambda *_: seen.append(load(path, None))
    )
    least = min(result.history[:-1])
    assert result.history.index(least) < len(result.history)
    worse = [k for k in range(1, 8) if result.history[k] > min(result.history[:k])]
    assert all(torch.equal(seen[k], seen[k - 1]) for k in worse)
    assert torch.equal(load(path, None), load(save(result.image, path.with_name("end.png")), None))


OTHERS = {
    "another recipe": lambda pictures: ("d2l", pictures.content),
    "another weight": lambda pictures: (recipe("ours", tv=1.0), pictures.content),
    "another photo": lambda pictures: ("ours", 1 - pictures.content),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_painting_is_not_written_over(other, narrow, pictures, path):
    paint_small("ours", narrow, pictures, path, steps=1)
    before = path.read_bytes()
    what, content = OTHERS[other](pictures)
    with pytest.raises(ValueError, match="mine.png holds another picture or painting: choose"):
        paint(what, content, pictures.style, narrow, size=48, steps=1, keep=path)
    assert path.read_bytes() == before


LEFT = torch.cat([torch.ones(1, 1, 37, 28), torch.zeros(1, 1, 37, 28)], 3)
OTHER_CONTROLS = {
    "less protected": Controls(protected=(LEFT, 1.0)),
    "protected elsewhere": Controls(protected=(1 - LEFT, 2.0)),
    "a style in that place": Controls(masks=[LEFT]),
    "other colours": Controls(protected=(LEFT, 2.0), colour="matched"),
    "nothing controlled": None,
}


@pytest.mark.parametrize("other", OTHER_CONTROLS)
def test_neither_is_one_with_other_controls(other, narrow, pictures, path):
    words = {"size": 48, "steps": 1, "keep": path}
    begun = Controls(protected=(LEFT, 2.0))
    paint("ours", pictures.content, pictures.style, narrow, controls=begun, **words)
    with pytest.raises(ValueError, match="mine.png holds another picture or painting: choose"):
        chosen = OTHER_CONTROLS[other]
        paint("ours", pictures.content, pictures.style, narrow, controls=chosen, **words)


def test_a_painting_in_grey_goes_on_in_grey(narrow, pictures, path):
    """The finished one has the photo's colours, and they are not what is painted."""
    seen = []

    def paint_steps(steps):
        paint(
            "ours",
            pictures.content,
            pictures.style,
            narrow,
            size=48,
            steps=steps,
            keep=path,
            callback=lambda step, image, value: seen.append(image),
            controls=Controls(colour="luminance"),
        )

    paint_steps(1)
    found = load(path, None)
    assert (found - grey(found)).abs().max() > 0.05
    seen.clear()
    paint_steps(2)
    torch.testing.assert_close(seen[0], grey(found))


def test_neither_is_a_photo(narrow, pictures, path):
    save(pictures.content, path)
    with pytest.raises(ValueError, match="holds another picture or painting"):
        paint_small("ours", narrow, pictures, path)


def test_a_painting_is_kept_in_a_png(narrow, pictures, path):
    with pytest.raises(ValueError, match="kept in a .png, not in 'mine.jpg'"):
        paint_small("ours", narrow, pictures, path.with_suffix(".jpg"))


def test_a_fingerprint_is_that_of_settings_and_pixels(ramp):
    assert fingerprint({"a": 1, "b": 2}, ramp) == fingerprint({"b": 2, "a": 1}, ramp.clone())
    others = [({"a": 2}, ramp), ({"a": 1}, ramp.flip(3)), ({"a": 1}, noise(ramp))]
    assert len({fingerprint({"a": 1}, ramp), *(fingerprint(*other) for other in others)}) == 4


def test_it_is_written_now_and_then(path, ramp, monkeypatch):
    monkeypatch.setattr(keeping, "PATIENCE", 20)
    clock = iter([0, 5, 19, 21, 21, 30]).__next__
    monkeypatch.setattr(keeping.time, "monotonic", clock)
    keeper = Keeper(path, "job", 10, {})
    written = []
    for value in (3.0, 2.0, 1.0, 0.5):
        keeper(ramp, value, is_best_kept=True)
        written.append(path.exists())
    assert written == [False, False, True, True]
    assert read_settings(path)["history"] == [3.0, 2.0, 1.0]


PAINTING = """
import sys
from helpers import keeping
from helpers.colours import grey
from helpers.control import Controls
from helpers.images import load
from helpers.recipes import paint
from helpers.vgg import VGG

keeping.PATIENCE = -1
path, network = sys.argv[1:]
content, style = load("china", 56), load("mosaic", 48)
paint("ours", content, style, VGG(network, device="cpu"), size=48, steps=100_000, keep=path)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot stop a process and let it go on")
def test_killed_at_any_moment(narrow, narrow_file, pictures, path, capsys):
    """Whenever the process dies, a whole painting lies there, and the next call takes it up."""
    from signal import SIGCONT, SIGSTOP

    command = [sys.executable, "-c", PAINTING, path, narrow_file]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.01)
        evaluations = []
        for k in range(20):
            time.sleep(0.002 + 0.001 * k)
            process.send_signal(SIGSTOP)  # as good as dead: nothing more is written
            assert load(path, None).shape == (1, 3, 32, 48)
            evaluations.append(read_settings(path)["evaluations"])
            process.send_signal(SIGCONT)
    finally:
        process.kill()
        process.wait()
    assert evaluations == sorted(evaluations)
    kept = read_settings(path)["history"]
    result = paint_small("ours", narrow, pictures, path, steps=len(kept) + 2)
    assert result.history[: len(kept)] == kept
    assert len(result.history) == len(kept) + 2
    assert "evaluations are done, going on from there" in capsys.readouterr().out


@pytest.mark.parametrize("is_best_kept, expected", [(True, 0), (False, 1)])
def test_a_worse_image_replaces_a_better_one_only_where_the_last_counts(
    is_best_kept, expected, path, ramp
):
    images = [ramp, 1 - ramp]
    keeper = Keeper(path, "job", 10, {})
    for image, value in zip(images, (1.0, 2.0), strict=True):
        keeper(image, value, is_best_kept)
    assert torch.equal(keeper.image, images[expected])


def test_a_disk_that_goes_bad_stops_no_painting(narrow, pictures, path, monkeypatch, capsys):
    def fail(*_):
        raise OSError(28, "No space left on device")

    def spoil(step, image, value):
        monkeypatch.setattr(keeping, "save", fail)

    result = paint_small("ours", narrow, pictures, path, callback=spoil)
    assert len(result.history) == 8
    assert "The painting goes on, but is not kept" in capsys.readouterr().out


def test_what_somebody_else_writes_there_meanwhile_stays(narrow, pictures, path, capsys):
    def write(step, image, value):
        if step == 3:
            save(pictures.style, path, {"job": "another"})

    paint_small("ours", narrow, pictures, path, callback=write)
    assert read_settings(path) == {"job": "another"}
    assert "was written by somebody else" in capsys.readouterr().out
