"""One table of what people get wrong: what was given, and the sentence that they must get. And what must survive."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from helpers.check import check, close
from helpers.images import credit, load, read_settings, save, to_pil
from helpers.recipes import Recipe, paint, recipe
from helpers.show import film, heat, show
from helpers.transfer import content_loss, gram, optimise, style_loss
from helpers.vgg import VGG, layer_names

ROOT = Path(__file__).resolve().parent.parent
IMAGE, MAP = torch.rand(1, 3, 20, 30), torch.rand(1, 5, 4, 6)
ALT = "A picture of random colours, for a test of what it says."


def loss(image):
    return image.square().sum()


@pytest.fixture
def files(tmp_path):
    """A folder of things that are not what their names say."""
    folder = tmp_path / "a folder with späces"
    folder.mkdir()
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("this is no picture")
    Image.new("RGB", (40, 30), "red").save(folder / "good.png")
    (folder / "half.png").write_bytes((folder / "good.png").read_bytes()[:60])
    Image.new("RGB", (8, 8)).save(folder / "tiny.png")
    torch.save({"fc.weight": torch.zeros(3)}, folder / "other.pth")
    (folder / "text.safetensors").write_text("no weights")
    (folder / "notes.txt").write_text("hello")
    return folder


# What was given -> the kind of error, and words that its sentence holds.
TABLE = {
    "load: an unknown name": (
        lambda d: load("starry_nite"),
        FileNotFoundError,
        "no picture of that name.*starry_night",
    ),
    "load: a file that is not there": (
        lambda d: load(d / "lost.jpg"),
        FileNotFoundError,
        "there is no file .*lost.jpg",
    ),
    "load: a folder": (lambda d: load(d), FileNotFoundError, "späces is a folder"),
    "load: an empty file": (lambda d: load(d / "empty.jpg"), ValueError, "empty.jpg is not a picture"),
    "load: text": (lambda d: load(d / "text.png"), ValueError, "text.png is not a picture that Pillow can read"),
    "load: half a file": (lambda d: load(d / "half.png"), ValueError, "half.png is (damaged|not a picture)"),
    "load: a picture of 8 px": (lambda d: load(d / "tiny.png"), ValueError, "tiny.png"),
    "load: a number": (lambda d: load(7), TypeError, "takes a name, a path, bytes or a PIL image, not int"),
    "load: None": (lambda d: load(None), TypeError, "not NoneType"),
    "load: bytes of nothing": (lambda d: load(b""), ValueError, "the given bytes is not a picture"),
    "load: size 0": (lambda d: load("china", 0), ValueError, "size"),
    "load: a negative size": (lambda d: load("china", -5), ValueError, "size"),
    "load: a size in words": (lambda d: load("china", "big"), (TypeError, ValueError), "size"),
    "credit: an unknown name": (lambda d: credit("nobody"), (KeyError, ValueError), "nobody"),
    "to_pil: features": (lambda d: to_pil(MAP), ValueError, r"expected an image tensor \(1, 3, H, W\)"),
    "to_pil: NaN": (lambda d: to_pil(IMAGE * torch.nan), ValueError, "holds NaN or infinite values"),
    "save: an unknown ending": (lambda d: save(IMAGE, d / "a.tga"), ValueError, "must end in .png, .jpg or .jpeg"),
    "save: no ending": (lambda d: save(IMAGE, d / "a"), ValueError, "'a' must end in .png"),
    "save: a batch": (
        lambda d: save(torch.rand(2, 3, 8, 8), d / "a.png"),
        ValueError,
        r"found torch.Size\(\[2, 3, 8, 8",
    ),
    "save: into a file as if it were a folder": (
        lambda d: save(IMAGE, d / "notes.txt/a.png"),
        OSError,
        "a.png could not",
    ),
    "read_settings: a file that is not there": (lambda d: read_settings(d / "no.png"), FileNotFoundError, "no.png"),
    "show: nothing": (lambda d: show([], alt=ALT), ValueError, "at least one image"),
    "show: titles missing": (lambda d: show([IMAGE, IMAGE], ["one"], alt=ALT), ValueError, "2 images, 1 titles"),
    "show: no description": (lambda d: show(IMAGE, alt=""), ValueError, "alt must say in a sentence"),
    "show: an image without a batch": (lambda d: show([IMAGE[0]], alt=ALT), ValueError, r"\(1, 3, H, W\)"),
    "film: two sizes": (lambda d: film([IMAGE, IMAGE[..., :9]], d / "a.webp"), ValueError, "images of one size"),
    "film: an unknown ending": (lambda d: film([IMAGE], d / "a.mov"), ValueError, "a .webp, .gif or .mp4"),
    "VGG: an unknown name": (lambda d: VGG("vgg18"), ValueError, "no network .vgg18.. VGG.. is the original VGG19"),
    "VGG: an unknown pooling": (lambda d: VGG(pool="mean"), ValueError, 'must be "max" or "avg", not .mean.'),
    "VGG: a file that is not there": (lambda d: VGG(d / "vgg.safetensors"), OSError, "vgg.safetensors"),
    "VGG: text as weights": (lambda d: VGG(d / "text.safetensors"), ValueError, "cannot be read as weights"),
    "VGG: other weights": (lambda d: VGG(d / "other.pth"), ValueError, "other.pth does not hold the layers"),
    "vgg: an unknown layer": (
        lambda d: network()(IMAGE, ["relu9_1"]),
        ValueError,
        "no layer 'relu9_1'; it has conv1_1",
    ),
    "vgg: a layer by index": (lambda d: network()(IMAGE, [21]), ValueError, "no layer 21"),
    "vgg: 8-bit pixels": (lambda d: network()((IMAGE * 255).byte(), ["relu1_1"]), ValueError, "expected a float image"),
    "vgg: one channel": (
        lambda d: network()(IMAGE[:, :1], ["relu1_1"]),
        ValueError,
        r"found torch.float32 \(1, 1, 20, 30\)",
    ),
    "vgg: a PIL image": (lambda d: network()(Image.new("RGB", (9, 9)), ["relu1_1"]), ValueError, "found Image"),
    "vgg: too small for the layer": (
        lambda d: network()(IMAGE[..., :8], ["relu5_1"]),
        ValueError,
        "sides of at least 16 px",
    ),
    "layer_names: an unknown network": (
        lambda d: layer_names("resnet"),
        ValueError,
        "no network .resnet.; known: vgg19, vgg16",
    ),
    "gram: features of two images": (lambda d: gram(torch.rand(2, 3, 4, 4)), ValueError, "the features of one image"),
    "gram: a matrix": (lambda d: gram(torch.rand(3, 4)), ValueError, r"found \(3, 4\)"),
    "content_loss: other sizes": (lambda d: content_loss(MAP, MAP[..., :3]), ValueError, "they must be equal"),
    "style_loss: features as target": (lambda d: style_loss(MAP, MAP), ValueError, r"target has \(1, 5, 4, 6\)"),
    "style_loss: another layer's target": (lambda d: style_loss(MAP, torch.eye(4)), ValueError, "must be equal"),
    "optimise: an unknown method": (lambda d: optimise(IMAGE, loss, method="newton"), ValueError, "known: lbfgs, adam"),
    "optimise: unknown pixels": (lambda d: optimise(IMAGE, loss, pixels="wrap"), ValueError, "known: fence, clamp"),
    "optimise: no steps": (lambda d: optimise(IMAGE, loss, steps=0), ValueError, "steps >= 1"),
    "optimise: 8-bit pixels": (lambda d: optimise((IMAGE * 9).byte(), loss), ValueError, "a float image"),
    "optimise: an image without a batch": (lambda d: optimise(IMAGE[0], loss), ValueError, r"\(3, 20, 30\)"),
    "optimise: NaN at the start": (
        lambda d: optimise(IMAGE * torch.nan, loss),
        ValueError,
        "NaN or infinite at the start",
    ),
    "recipe: an unknown name": (lambda d: recipe("gatis"), ValueError, "known recipes: ours, gatys_2016"),
    "recipe: an unknown field": (lambda d: recipe("ours", step=3), ValueError, "a recipe has no 'step'"),
    "recipe: an unknown word": (
        lambda d: recipe("ours", gram="mean"),
        ValueError,
        "no gram 'mean'; known: one, places",
    ),
    "recipe: a layer that no VGG has": (lambda d: lost_layer("relu7_1x"), ValueError, "relu7_1x"),
    "recipe: style without layers": (lambda d: lost_layer(None), ValueError, "no layer None; known: conv1_1, relu1_1"),
    "paint: no steps": (lambda d: paint("ours", IMAGE, IMAGE, network(), steps=-1), ValueError, "steps >= 1"),
    "paint: an image without a batch": (
        lambda d: paint("ours", IMAGE[0], IMAGE, network()),
        ValueError,
        "expected a float image",
    ),
    "check: another shape": (lambda d: check(lambda x: x[0], lambda x: x, (2, 3)), AssertionError, "shape"),
    "close: other numbers": (lambda d: close("a", torch.ones(2), torch.zeros(2)), AssertionError, "difference"),
    "heat: three channels": (lambda d: show(heat(IMAGE[0]), alt=ALT), (ValueError, RuntimeError), "."),
}


def network():
    return VGG(device="cpu")


def lost_layer(name):
    return Recipe("made up", "a test", content={}, style={name: 1.0} if name else {})


@pytest.mark.parametrize("given", TABLE)
def test_bad_input_gets_a_sentence(given, files):
    call, kind, words = TABLE[given]
    before = sorted(path.name for path in files.iterdir())
    with pytest.raises(kind, match=words) as caught:
        call(files)
    assert len(str(caught.value)) > 12, "a sentence, not a word"
    assert sorted(path.name for path in files.iterdir()) == before, "something was left behind"


def test_the_table_is_long_enough():
    assert len(TABLE) >= 40


def run_alone(code, *words):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


SAVING = """
import sys, torch
from helpers.images import save
images = [torch.full((1, 3, 300, 300), v) + 0.1 * torch.rand(1, 3, 300, 300) for v in (0.2, 0.7)]
print("ready", flush=True)
for k in range(10**6):
    save(images[k % 2], sys.argv[1], {"n": k})
"""


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_killed_in_the_middle_of_saving(tmp_path, ending):
    """Whenever the process dies, the file under its name is a whole picture with its settings."""
    path = tmp_path / f"painting{ending}"
    process = run_alone(SAVING, path)
    assert process.stdout.readline() == "ready\n"
    for _ in range(3):
        time.sleep(0.17)
        process.send_signal(signal.SIGSTOP)  # as good as dead: nothing more is written
        if path.exists():
            with Image.open(path) as image:
                image.load()
            assert isinstance(read_settings(path)["n"], int)
        process.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    process.kill()
    process.wait()
    with Image.open(path) as image:
        assert image.size == (300, 300) and image.load()


@pytest.fixture
def small_disk(tmp_path):
    """A real disk of 40 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", folder], capture_output=True)
    if mount.returncode:
        pytest.skip("only the system's owner can make a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_is_really_full(small_disk):
    small, large = torch.zeros(1, 3, 20, 20), torch.rand(1, 3, 300, 300)
    path = save(small, small_disk / "a.png", {"n": 1})
    for write in (lambda: save(large, path, {"n": 2}), lambda: film([large, 1 - large], small_disk / "b.webp")):
        with pytest.raises(OSError, match="could not be written .No space left.*free some space"):
            write()
    assert read_settings(path) == {"n": 1} and os.listdir(small_disk) == ["a.png"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the owner of the system may write anywhere"
)
def test_a_folder_that_cannot_be_written(tmp_path):
    folder = tmp_path / "read only"
    folder.mkdir(mode=0o500)
    with pytest.raises(OSError, match="a.png could not be written .Permission denied"):
        save(IMAGE, folder / "a.png")


@pytest.mark.parametrize("name", ["with space.png", "größe ü.jpg", "画.png", "dots.in.name.png", "-dash.png"])
def test_names_of_any_letters(tmp_path, name):
    path = save(IMAGE, tmp_path / "новый" / name, {"who": "ü"})
    assert read_settings(path) == {"who": "ü"} and load(path, 16).shape[1] == 3
    assert [p.name for p in path.parent.iterdir()] == [name]


COMMANDS = {
    "no word": ([], 2, "python do.py notebooks"),
    "an unknown word": (["paint"], 2, "python do.py notebooks"),
    "an option alone": (["--current"], 2, "python do.py notebooks"),
    "an unknown notebook": (["--current", "notebooks", "99_lost"], 1, "There is no notebook 99_lost; there are: 00_start_here"),
    "a notebook outside": (["--current", "notebooks", "../x"], 1, "There is no notebook x; there are"),
    "a notebook to build that is not there": (["--current", "build", "99"], 2, "no such notebook; known: 00_start_here"),
}  # fmt: skip


@pytest.mark.parametrize("given", COMMANDS)
def test_the_command_line_answers_in_a_sentence(given):
    words, code, sentence = COMMANDS[given]
    run = subprocess.run([sys.executable, "do.py", *words], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == code and sentence in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr
