"""tools/distill.py: its losses are zero where they should be, and it trains, stops and goes on."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from helpers.vgg import VGG
from tools import distill, gather_pictures

ROOT = Path(__file__).resolve().parent.parent


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def teacher_dir(tmp_path_factory):
    """Files in the form of the real teachers', with made-up weights."""
    folder, vgg, encoder = tmp_path_factory.mktemp("teacher"), {}, {}
    encoder["conv0.weight"], encoder["conv0.bias"] = torch.eye(3)[:, :, None, None].contiguous(), torch.zeros(3)
    wide = small = 3
    for name, index in distill.conv_indices().items():
        block = int(name[4])
        if block < 4:
            width = (64, 128, 256)[block - 1]
            vgg[f"features.{index}.weight"], vgg[f"features.{index}.bias"] = (
                drawn(width, wide, 3, 3) / wide,
                drawn(width),
            )
            wide = width
        width, key = distill.WIDTHS[block - 1], f"conv{name[4]}{name[6]}"
        encoder[f"{key}.weight"], encoder[f"{key}.bias"] = drawn(width, small, 3, 3) / (2 * small), 0.1 * drawn(width)
        small = width
    save_file(vgg, folder / "vgg19-blocks1-3.safetensors")
    save_file(encoder, folder / "vgg19-se16x.safetensors")
    return folder


def command(tmp_path, teacher_dir, *words):
    images = tmp_path / "images"
    if not images.exists():
        shutil.copytree(ROOT / "data" / "content", images)
    out = ["--out", tmp_path / "net.safetensors", "--teacher-dir", teacher_dir, "--calibration", "2", "--threads", "1"]
    return [str(w) for w in (sys.executable, ROOT / "tools" / "distill.py", "--images", images, *out, *words)]


def test_it_trains_and_goes_on(tmp_path, teacher_dir):
    words = ["--steps", "2"], ["--steps", "3", "--resume"]
    said = [
        subprocess.run(command(tmp_path, teacher_dir, *w), capture_output=True, text=True, check=True) for w in words
    ]
    assert "step 2 of 2" in said[0].stdout and "step 3 of 3" in said[1].stdout
    net = VGG(tmp_path / "net.safetensors", device="cpu")
    assert [net.layers[f"conv{b}_1"].out_channels for b in range(1, 6)] == list(distill.WIDTHS)
    assert sum(p.numel() for p in net.parameters()) == 810_128
    assert all(p.isfinite().all() for p in net.parameters())
    assert (tmp_path / "net.safetensors").stat().st_size < 2.1e6


def test_asked_to_stop_it_keeps_what_it_has(tmp_path, teacher_dir):
    run = subprocess.Popen(
        command(tmp_path, teacher_dir, "--steps", "100000", "--tell", "0"), stdout=subprocess.PIPE, text=True
    )
    try:
        while "step" not in run.stdout.readline():
            time.sleep(0.01)
        run.send_signal(signal.SIGTERM)
        said, _ = run.communicate(timeout=240)
    finally:
        run.kill()
    state = torch.load(tmp_path / "net.checkpoint.pt", weights_only=True)
    assert state["step"] >= 1 and f"step {state['step']} of 100000" in said
    assert load_file(tmp_path / "net.safetensors")["features.28.weight"].isfinite().all()


def test_held_out_pictures_have_no_twin_in_any_folder(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    for k in range(6):
        Image.effect_noise((20, 20), 80 + k).convert("RGB").save(one / f"{k}.png")
    Image.open(one / "4.png").resize((40, 40)).save(two / "4.jpg")  # the fifth of six is held out
    shutil.copy(ROOT / "data" / "content" / "china.jpg", two / "other.jpg")
    files, held = distill.split([one, two], 6)
    assert [p.name for p in held] == ["4.png"]
    assert [p.name for p in files[0]] == ["0.png", "1.png", "2.png", "3.png", "5.png"]
    assert [p.name for p in files[1]] == ["other.jpg"]


def test_gathering_leaves_out_what_teaches_nothing(tmp_path):
    """Of eight files one is taken: the others are small, long, flat, clear, twins, no pictures, or to be avoided."""
    source, avoid, out = tmp_path / "source", tmp_path / "avoid", tmp_path / "out"
    (source / "deep").mkdir(parents=True), avoid.mkdir(), out.mkdir()
    shown = {p.stem: Image.open(p).resize((900, 600)) for p in (ROOT / "data" / "content").iterdir()}
    shown["coffee"].save(source / "deep" / "a.png")
    shown["coffee"].save(source / "twin.png")
    shown["china"].resize((200, 200)).save(source / "small.png")
    shown["rocket"].resize((2000, 300)).save(source / "long.png")
    Image.eval(shown["chelsea"], lambda v: 120 + v // 16).save(source / "flat.png")
    Image.merge("RGBA", [*shown["china"].split(), Image.new("L", (900, 600), 140)]).save(source / "clear.png")
    (source / "no_picture.png").write_bytes(bytes(30_000))
    for folder in (source, avoid):
        shutil.copy(ROOT / "data" / "content" / "astronaut.jpg", folder / "known.jpg")
    known = [distill.thumbnail(p) for p in avoid.iterdir()]
    assert gather_pictures.gather(source, 9, out, random.Random(0), [], known) == 1
    assert [Image.open(p).size for p in out.iterdir()] == [(630, 420)]


@pytest.mark.parametrize("there, word", [(False, "is no folder"), (True, "holds no picture")])
def test_a_folder_without_pictures_is_named(tmp_path, teacher_dir, there, word):
    empty = tmp_path / "empty"
    empty.mkdir() if there else None
    words = command(tmp_path, teacher_dir, "--steps", "1")
    words.insert(words.index("--images") + 1, str(empty))
    run = subprocess.run(words, capture_output=True, text=True)
    assert run.returncode == 1 and f"{empty} {word}" in run.stderr and "Traceback" not in run.stderr


def test_the_public_way_takes_torchvisions_weights(monkeypatch):
    """Without a folder all layers come from VGG19 itself, here made up and narrow."""
    state, before = {}, 3
    for index in distill.conv_indices().values():
        state[f"features.{index}.weight"], state[f"features.{index}.bias"] = drawn(5, before, 3, 3), drawn(5)
        before = 5
    monkeypatch.setattr("helpers.vgg._download", lambda name: state)
    teacher = distill.Teacher()
    found = teacher(torch.rand(1, 3, 64, 64), ["relu1_1", "relu5_1"])
    assert found["relu5_1"].shape == (1, 5, 4, 4) and teacher.width("relu4_1") == 5


def test_the_best_map_is_exact_where_there_is_one():
    """Features that are a linear function of the student's: no error left, in features and in Gram matrices."""
    mine, matrix = drawn(4, 300, 6), drawn(6, 9, seed=1)
    theirs = mine @ matrix
    own, product = distill.gram(mine), mine.transpose(1, 2) @ theirs / 300
    best = distill.Map().fit(own, product)
    size = theirs.square().sum(2).mean(1)
    torch.testing.assert_close(best, matrix, atol=1e-2, rtol=1e-2)
    assert distill.feature_error(own, product, size, best) < 1e-4
    assert distill.gram_error(own, distill.gram(theirs), best) < 1e-4
    assert distill.feature_error(own, product, size, 0 * best) == pytest.approx(1)


def test_means_are_compared_over_cells_and_over_pictures():
    """Opposite errors in two halves of a picture cancel over the picture; the same error everywhere does not."""
    true = 1 + drawn(3, 64, 64, 5, seed=2).abs().permute(0, 3, 1, 2)
    halves = torch.cat([torch.full((64, 32), 0.5), torch.full((64, 32), -0.5)], 1)
    here, one = distill.cells(true, 2), torch.eye(5)
    assert here.shape == (3, 16, 5)
    torch.testing.assert_close(here.mean(1), true.mean((2, 3)))
    assert distill.mean_error(here, here, one) == 0
    apart, same = (distill.mean_error(distill.cells(true + d, 2), here, one) for d in (halves, halves.abs()))
    assert same == pytest.approx(5 * apart.item(), rel=0.05)
    uneven = distill.cells(true * (1 + 6 * halves.abs() - 6 * halves), 2)
    assert distill.mean_error(uneven, uneven, 0.5 * one) == pytest.approx(1.25)  # a quarter of the square, five times
    assert distill.mean_error(here, here, -one) == pytest.approx(4)  # no picture counts more than this


def test_it_begins_with_an_earlier_network(tmp_path, teacher_dir):
    """The student that took over a network sees what the network sees, with its statistics and with a batch's own."""
    layers = distill.layers_from(load_file(ROOT / "data" / "weights" / "vgg19-mini.safetensors"))
    photo = distill.read(ROOT / "data" / "content" / "coffee.jpg")
    images = torch.stack([distill.crop(photo, 96, random.Random(k)) for k in range(4)])
    student = distill.Student()
    student.begin(layers, images)
    true = distill.chain(distill.normalise(images), layers, list(layers))
    for frozen in (True, False):
        found = student(images, list(layers), frozen=frozen)
        for name in layers:
            torch.testing.assert_close(found[name], true[name], atol=0.02, rtol=0.01)
    sizes = [conv.weight.square().mean().sqrt().item() for conv in student.convs.values()]
    assert sizes == pytest.approx([distill.START_SCALE] * len(sizes))

    start = ROOT / "data" / "weights" / "vgg19-mini.safetensors"
    words = command(tmp_path, teacher_dir, "--steps", "1", "--rate", "0", "--start", start)
    subprocess.run(words, check=True, capture_output=True)
    assert torch.load(tmp_path / "net.checkpoint.pt", weights_only=True)["still"]
    one, two = (VGG(f, device="cpu")(images, ["relu3_4"])["relu3_4"] for f in ("mini", tmp_path / "net.safetensors"))
    torch.testing.assert_close(one / one.norm(), two / two.norm(), atol=1e-4, rtol=1e-2)


@pytest.mark.parametrize(
    "content, word", [(None, "is no weight file"), (b"12", "cannot be read"), ({}, "other shapes")]
)
def test_a_start_that_is_no_mini_is_named(tmp_path, teacher_dir, content, word):
    start = tmp_path / "start.safetensors"
    if content == {}:
        save_file({"features.0.weight": torch.zeros(64, 3, 3, 3), "features.0.bias": torch.zeros(64)}, start)
    elif content:
        start.write_bytes(content)
    words = command(tmp_path, teacher_dir, "--steps", "1", "--start", start)
    run = subprocess.run(words, capture_output=True, text=True)
    assert run.returncode == 1 and f"--start: {start}" in run.stderr and word in run.stderr
    assert "Traceback" not in run.stderr


def test_equally_wide_features_are_compared_as_they_are():
    """Through one number: a student whose channels are in another order is wrong, a louder one is not."""
    mine = drawn(2, 200, 6).abs()
    for theirs, right in ((3 * mine, True), (mine[..., [1, 0, 2, 3, 4, 5]], False)):
        own, product = distill.gram(mine), mine.transpose(1, 2) @ theirs / 200
        error = distill.feature_error(own, product, theirs.square().sum(2).mean(1), distill.Map().fit(own, product))
        assert (error < 1e-5) == right


def test_distances_may_differ_by_a_factor_only():
    a = distill.gram(drawn(5, 50, 4).abs())
    assert distill.distance_error(7 * a, a, []).item() == pytest.approx(0, abs=1e-6)
    bent = a.clone()
    bent[0] += 3 * torch.eye(4)
    assert distill.distance_error(bent, a, []).item() > 0.01


def test_factors_bring_distances_back():
    """Channels that were turned up and down are found out, up to one common factor."""
    true = distill.gram(drawn(30, 60, 5).abs() * torch.rand(30, 1, 5, generator=torch.Generator().manual_seed(3)))
    spoilt = torch.tensor([3.0, 0.5, 1, 1, 2])
    found = distill.factors(true * spoilt[:, None] * spoilt, true)
    torch.testing.assert_close(found * spoilt / (found * spoilt).mean(), torch.ones(5), atol=0.1, rtol=0.1)


def test_calibration_changes_scales_only(teacher_dir):
    """relu1_2 and relu4_4 see channels that got factors: they stay as they were, up to one number for the layer."""
    student, teacher = distill.Student(), distill.Teacher(teacher_dir)
    layers = {k: (w.detach(), b.detach()) for k, (w, b) in student.folded().items()}
    pictures = [[torch.rand(3, 260, 300) for _ in range(3)]]
    image = distill.normalise(pictures[0][0][None, :, :256, :256])
    before = distill.chain(image, layers, list(layers))
    after = distill.calibrate(dict(layers), teacher, pictures, 3, random.Random(0))
    for name, features in distill.chain(image, after, list(layers)).items():
        assert 0.5 < features.square().mean() < 2, name
        if name not in distill.FITTED:
            same = before[name] * (features.norm() / before[name].norm())
            torch.testing.assert_close(features, same, atol=1e-3, rtol=1e-3)
    ratio = after["relu1_1"][0].flatten(1).norm(dim=1) / layers["relu1_1"][0].flatten(1).norm(dim=1)
    assert ratio.max() > 1.05 * ratio.min()


@pytest.mark.parametrize("name", ["leaves", "gratings", "clouds", "blobs", "noisy", "blurred"])
def test_what_a_procedure_draws_is_a_picture(name):
    """Of the right size, in range, not flat, another one each time, and the same again for the same seed."""
    piece = distill.crop(distill.read(ROOT / "data" / "content" / "coffee.jpg"), 96, random.Random(0))
    given = (piece,) if name in ("noisy", "blurred") else (96,)
    one, again, other = (getattr(distill, name)(*given, random.Random(seed)) for seed in (5, 5, 7))
    for image in (one, other):
        assert image.shape == (3, 96, 96) and image.dtype == torch.float32
        assert image.min() >= -1e-5 and image.max() <= 1 + 1e-5 and image.std() > 0.01
    assert torch.equal(one, again) and not torch.equal(one, other)


def test_dead_and_passive_channels_cost():
    live = drawn(2, 400, 4).relu()
    dead, passing = live.clone(), live.clone()
    dead[..., 0] = 0
    passing[..., 0] = 5 + 0.1 * drawn(2, 400)
    assert distill.silence(live) == 0 and distill.silence(dead) > 1
    assert distill.offset(live) == 0 and distill.offset(passing) > 0.05
