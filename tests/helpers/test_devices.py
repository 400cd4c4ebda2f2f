"""The helpers on a GPU that is pretended, and, with NST_GPU=1, on a real one."""

import contextlib
import dataclasses
import os
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from helpers import images, losses, published, show
from helpers.check import check, close, judge
from helpers.colours import matched_colour
from helpers.control import COLOURS, Controls
from helpers.explorer import Explorer
from helpers.fast import fast, pyramid
from helpers.published import mean_and_covariance
from helpers.recipes import RECIPES, Objective, paint
from helpers.statistics import LADDER, shifted_gram_of, spectrum_of
from helpers.tiles import TiledObjective
from helpers.transfer import METHODS, optimise
from helpers.vgg import VGG, best_device
from tests.helpers.devices import NOT_ON_APPLE, Accelerator, WrongPlace, running

ALT = "What a test shows, on a device that is none."
STYLE = ["relu1_1", "relu2_1", "relu3_1"]
APPLE = {"without": (torch.float64, torch.bfloat16), "lacks": NOT_ON_APPLE}


@pytest.fixture
def gpu():
    """A pretended GPU as weak as Apple's: what runs there runs on any."""
    with Accelerator(**APPLE) as gpu:
        yield gpu
    assert not gpu.refusals


@pytest.fixture
def there(gpu, narrow_file):
    """The narrow network on the pretended GPU."""
    return VGG(narrow_file, device=gpu.device)


@pytest.fixture
def photo(gpu, pictures):
    return pictures.image.to(gpu.device)


# ---- the pretended GPU itself --------------------------------------------------------------------


def refused(wrong, kind=WrongPlace):
    with Accelerator() as gpu:
        with pytest.raises(kind):
            wrong(torch.ones(3, device=gpu.device))
        assert gpu.refusals


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x + torch.ones(3),
        lambda x: torch.ones(3).add_(x),
        lambda x: torch.tensor(1.0).add_(x.sum()),
        lambda x: torch.cat([x, torch.ones(1)]),
        lambda x: torch.ones(3)[x.long()],
        lambda x: torch.rand(3, device=x.device, generator=torch.Generator()),
    ],
    ids=["sum", "in place", "one number in place", "cat", "index", "generator"],
)
def test_two_devices_are_not_mixed(wrong):
    refused(wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x.numpy(),
        np.asarray,
        lambda x: plt.Figure().subplots().plot(x),
        lambda x: plt.Figure().subplots().imshow(x.view(1, 3)),
    ],
    ids=["numpy", "asarray", "plot", "imshow"],
)
def test_its_numbers_do_not_go_to_numpy_unasked(wrong):
    refused(wrong, TypeError)


def test_the_way_back_is_watched_as_well():
    class Mixing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * torch.ones(3)

    refused(lambda x: Mixing.apply(x.requires_grad_()).sum().backward())


def test_single_numbers_and_indices_of_the_cpu_are_taken():
    with Accelerator() as gpu:
        x = torch.arange(3.0, device=gpu.device)
        assert (x * torch.tensor(2.0) + 1).tolist() == [1, 3, 5]
        assert x[torch.tensor([2, 0])].tolist() == [2, 0]
        assert x.new_tensor([4.0]).tolist() == torch.tensor([4.0], device=gpu.device).tolist()
        assert x.device != torch.device("meta"), "as cuda:0 is not cuda"


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: x.sum().item(),
        lambda x: float(x[0]),
        lambda x: bool(x[0]),
        lambda x: x.cpu(),
        lambda x: x.tolist(),
        lambda x: x.nonzero(),
        lambda x: x[x > 1],
        lambda x: torch.equal(x, x),
        lambda x: torch.zeros(3).copy_(x),
        lambda x: f"{x[0]:.2f}",
    ],
)
def test_each_wait_is_counted(ask):
    with Accelerator() as gpu:
        x = torch.ones(3, device=gpu.device)
        ask(x * 2)
    assert len(gpu.waits) == 1


def test_each_copy_to_it_is_counted():
    with Accelerator() as gpu:
        x = torch.zeros(2, device=gpu.device)
        x.copy_(torch.ones(2))
        torch.tensor([1.0, 2.0], device=gpu.device)
        torch.ones(2).to(gpu.device)
    assert len(gpu.uploads) == 3 and not gpu.waits


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_types_that_it_does_not_know(kind):
    with Accelerator(without=(kind,)) as gpu:
        x = torch.ones(2, device=gpu.device)
        for wrong in (
            lambda: x.to(kind),
            lambda: torch.ones(2, dtype=kind, device=gpu.device),
            lambda: torch.ones(2, dtype=kind).to(gpu.device),
        ):
            with pytest.raises(WrongPlace, match="does not know"):
                wrong()
        assert x.cpu().to(kind).dtype == kind


def test_it_computes_what_the_cpu_does(narrow, there, photo, pictures):
    for layer, features in narrow(pictures.image, STYLE).items():
        assert torch.equal(there(photo, STYLE)[layer].cpu(), features)


# ---- each helper ---------------------------------------------------------------------------------


def test_images(photo, pictures, tmp_path):
    assert images.noise(photo).device == photo.device
    assert torch.equal(images.noise(photo).cpu(), images.noise(pictures.image))
    assert images.as_saved(photo).device == photo.device
    images.save(photo, tmp_path / "a.png", {"steps": 3})
    assert torch.equal(images.load(tmp_path / "a.png", None), images.as_saved(pictures.image))


def test_losses(there, photo, pictures):
    features = there(photo, STYLE)
    for layer, target in there(pictures.content.to(photo.device), STYLE).items():
        assert losses.content_loss(features[layer], target).device == photo.device
        assert losses.style_loss(features[layer], losses.gram(target)).device == photo.device
    assert losses.total_variation(photo).device == photo.device
    assert losses.range_penalty(2 * photo).item() > 0


@pytest.mark.parametrize("options", [{"normalised": True}, {"name": "torchvision-vgg19"}])
def test_vgg_itself(gpu, options, narrow_state, monkeypatch):
    """Its weights are prepared where they are read."""
    weights = {key: value.clone() for key, value in narrow_state.items()}
    monkeypatch.setattr("helpers.vgg.load_weights", lambda name: (name, weights))
    monkeypatch.setattr("helpers.vgg.load_factors", dict)
    network = VGG(device=gpu.device, **options)
    assert network.device == gpu.device
    assert network.pooled("avg").device == gpu.device


@pytest.mark.parametrize("padding", ["replicate", torch.ones(1, 3, 1, 1)])
def test_borders(there, photo, padding):
    maps = there.features(photo, "relu2_1", padding=padding)["relu2_1"]
    assert maps.device == photo.device


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"method": "adam"},
        {"method": "adam", "pixels": "closure"},
        {"method": "adam", "pixels": "free"},
        {"parametrize": pyramid},
        {"method": lambda variables: torch.optim.SGD(variables, lr=0.1)},
    ],
    ids=["lbfgs", "adam", "closure", "free", "pyramid", "SGD"],
)
def test_optimise_does_the_same_as_on_the_cpu(options, narrow, there, photo, pictures):
    def run(network, start):
        target = network(pictures.content.to(start.device), "relu3_1")["relu3_1"]

        def loss(image):
            return losses.content_loss(network(image, "relu3_1")["relu3_1"], target)

        return optimise(start, loss, 4, **options)

    on_gpu = run(there, photo)
    on_cpu = run(narrow, pictures.image)
    assert on_gpu.image.device == on_gpu.last.device == photo.device
    assert on_gpu.history == pytest.approx(on_cpu.history, rel=1e-4)
    torch.testing.assert_close(on_gpu.image.cpu(), on_cpu.image, atol=1e-3, rtol=0)


def test_after_nan_a_gpu_goes_on_as_well(photo, capsys):
    calls = []

    def loss(image):
        calls.append(1)
        return (image - 0.3).square().mean() * (float("nan") if len(calls) == 3 else 1.0)

    assert len(optimise(photo, loss, 5, parametrize=pyramid).history) == 5
    assert "NaN" in capsys.readouterr().out


@pytest.mark.parametrize("name", RECIPES)
def test_each_recipe_paints_pictures_that_were_left_on_the_cpu(name, there, pictures, gpu):
    steps = len(RECIPES[name].stages) or 2
    size = 128 if RECIPES[name].stages else 20
    result = paint(name, pictures.content, pictures.style, there, size=size, steps=steps)
    assert result.image.device == gpu.device
    assert len(result.history) == steps


@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_of_each_recipe_neither_waits_nor_copies(name, narrow, there, gpu, pictures):
    objective = Objective(name, there, pictures.content, pictures.style)
    require_silence(objective, name, narrow, gpu, pictures)


def test_tiles_neither_wait_nor_copy(narrow, there, gpu, pictures):
    objective = TiledObjective("ours", there, pictures.content, pictures.style, side=16)
    require_silence(objective, "ours", narrow, gpu, pictures)


def require_silence(objective, name, narrow, gpu, pictures):
    """It gives what the recipe gives on the CPU, and its way back neither waits nor copies."""
    expected = Objective(name, narrow, pictures.content, pictures.style)(pictures.image)
    image = pictures.image.to(gpu.device).requires_grad_()
    assert objective(image).item() == pytest.approx(expected.item(), rel=1e-4)
    gpu.waits.clear()
    gpu.uploads.clear()
    objective(image).backward()
    assert not gpu.waits and not gpu.uploads
    assert image.grad.device == gpu.device


def test_an_image_on_another_device_is_refused_in_a_sentence(there, pictures):
    expected = r"the image is on cpu and the network on meta:0; write image.to\(vgg.device\)"
    with pytest.raises(ValueError, match=expected):
        there(pictures.image, "relu1_1")
    with pytest.raises(ValueError, match=expected):
        Objective("ours", there, pictures.content, pictures.style)(pictures.image)


def test_constants_that_were_first_used_without_gradients(pictures):
    """A constant that is kept must not be one of those that no gradient can go through."""
    published._constant.cache_clear()
    image = pictures.image.clone()
    with torch.inference_mode():
        published.torchvision_input(image)
    published.torchvision_input(image.requires_grad_()).square().sum().backward()


def test_moments_are_those_of_torch(there, photo):
    F = there(photo, "relu3_1")["relu3_1"][0].flatten(1)
    moments = mean_and_covariance(F)
    expected = F.cpu().cov(correction=0) + 1e-4 * torch.eye(len(F))
    torch.testing.assert_close(moments.covariance.cpu(), expected)


# ---- speed ---------------------------------------------------------------------------------------


class Enough(Exception):
    """All evaluations are done."""


def let_torch_optimise(optimiser, image, loss, evaluations):
    """What an optimiser does on its own, without anything of ours."""
    done = []

    def closure():
        if len(done) == evaluations:
            raise Enough
        done.append(1)
        image.grad = None
        value = loss(image)
        value.backward()
        return value

    with contextlib.suppress(Enough):
        while True:
            optimiser.step(closure)


@pytest.fixture
def painting_loss(there, pictures):
    """The loss of our recipe, of the narrow network on the pretended GPU."""
    return Objective("ours", there, pictures.content, pictures.style)


@pytest.mark.parametrize("method, most", [("adam", 3), ("lbfgs", 17)])
@pytest.mark.parametrize("parametrize", [None, pyramid])
def test_how_often_a_painting_waits(method, most, parametrize, painting_loss, photo):
    """Each wait empties the GPU's queue. Torch's own L-BFGS adds two a pair that it remembers."""
    gpu = running()
    seen = []

    def note(step, image, value):
        seen.append((len(gpu.waits), len(gpu.uploads)))

    way = {"method": method, "pixels": "fence", "parametrize": parametrize}
    optimise(photo, painting_loss, 10, callback=note, **way)
    (waits_before, uploads_before), *_, (waits, uploads) = seen
    assert (waits - waits_before) / 9 <= most
    assert uploads == uploads_before, "nothing is copied while painting"


def test_optimise_waits_once_an_evaluation_beside_torch(painting_loss, photo, gpu):
    gpu.waits.clear()
    optimise(photo, painting_loss, 12, pixels="free")
    ours = len(gpu.waits)
    gpu.waits.clear()
    image = photo.clone().requires_grad_()
    let_torch_optimise(METHODS["lbfgs"]([image]), image, painting_loss, 12)
    at_the_ends = 2  # is the start a picture, and where did the last step go?
    assert ours <= len(gpu.waits) + 12 + at_the_ends


@pytest.mark.parametrize("precision", [None, "float16", "float32"])
def test_fast(precision, there, gpu, pictures):
    fast(there, precision)
    result = paint("ours", pictures.content, pictures.style, there, size=40, steps=2)
    assert result.history[1] < result.history[0]


def test_fast_asks_for_nothing_that_a_device_lacks(narrow_file, capsys):
    with Accelerator(**APPLE) as gpu:
        network = VGG(narrow_file, device=gpu.device)
        expected = r"meta:0 does not know bfloat16 .*; fast\(vgg\) takes what it knows"
        with pytest.raises(ValueError, match=expected):
            fast(network, "bfloat16")
        assert fast(network).dtype == torch.float32


def test_float16_takes_weights_beyond_its_range(narrow_state, tmp_path):
    """They are scaled as well: 1e6 would be infinite, and 1e-9 nothing."""
    for factor in (1e6, 1e-9):
        state = {key: factor * value for key, value in narrow_state.items()}
        save_file(state, tmp_path / "scaled.safetensors")
        exact = VGG(tmp_path / "scaled.safetensors", device="cpu")
        image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        expected = exact(image, "relu1_2")["relu1_2"]
        halved = fast(exact, "float16")(image, "relu1_2")["relu1_2"]
        assert (halved - expected).norm() < 0.01 * expected.norm()


def test_controls(gpu, there, narrow, pictures):
    """Masks may lie on the CPU, and follow the photo to its device and size."""
    sky = torch.zeros(1, 1, *pictures.content.shape[2:])
    sky[..., :20, :] = 1
    controls = Controls(masks=[sky, 1 - sky], way="resized", protected=(sky, 0.5))
    content, style, image = pictures
    expected = Objective("ours", narrow, content, [style, image], controls)(content)
    styles = [style.to(gpu.device), image]
    objective = Objective("ours", there, content.to(gpu.device), styles, controls)
    assert objective(content.to(gpu.device)).item() == pytest.approx(expected.item(), rel=1e-4)
    for colour in COLOURS:
        chosen = dataclasses.replace(controls, colour=colour)
        result = paint("ours", content, styles, there, size=40, steps=2, controls=chosen)
        assert result.image.device == gpu.device


ORDER = {"shifted": lambda style: shifted_gram_of(style, 2), "spectrum": spectrum_of}


@pytest.mark.parametrize("name", [*LADDER, *ORDER])
def test_statistics(name, gpu):
    """Rungs that draw places or directions have a seed, so that both draw the same."""
    make = {**LADDER, **ORDER}[name]
    if name in ("slices", "transport"):
        make = partial(make, seed=0)
    generator = torch.Generator().manual_seed(0)
    ours, theirs = torch.rand(2, 1, 3, 12, 12, generator=generator)
    expected = make(theirs)(ours)
    maps = ours.to(gpu.device).requires_grad_()
    far = make(theirs.to(gpu.device))(maps)
    far.backward()
    assert far.item() == pytest.approx(expected.item(), rel=1e-3)
    assert maps.grad.device == gpu.device and maps.grad.isfinite().all()


def test_matched_colour(gpu, photo, pictures):
    matched = matched_colour(photo, pictures.style)
    assert matched.device == gpu.device and matched.dtype == torch.float32
    expected = matched_colour(pictures.image, pictures.style.to(gpu.device))
    assert torch.equal(matched.cpu(), expected)


# ---- what is shown, and the rest -----------------------------------------------------------------


def test_show_film_and_play(photo, pictures, tmp_path):
    expected = show.show(pictures.image, "photo", alt=ALT).jpeg
    assert show.show(photo, "photo", alt=ALT).jpeg == expected
    assert show.film([photo, 1 - photo], tmp_path / "a.webp").is_file()
    assert show.play([photo, 1 - photo], alt=ALT).png
    progress = show.Progress(2)
    progress(2, photo, 0.5)


def test_heat_with_limits_that_are_numbers_of_the_device(photo):
    values = photo[0, 0]
    expected = show.heat(values.cpu(), values.min().item(), 1.0)
    assert torch.equal(show.heat(values, values.min(), torch.tensor(1.0)), expected)
    deviation = photo.requires_grad_().std()
    assert show.heat(values, -deviation, deviation, "RdBu_r").shape == (1, 3, *values.shape)


def drawn(monkeypatch, curve):
    """What Matplotlib is given for a curve: (xs, ys)."""
    lines = []

    def catch(fig, alt):
        (line,) = fig.axes[0].lines
        lines.append((list(line.get_xdata()), list(line.get_ydata())))
        plt.close(fig)

    monkeypatch.setattr(show, "figure", catch)
    show.plot({"loss": curve}, xlabel="step", ylabel="loss", alt=ALT)
    return lines[0]


def test_plot_of_tensors(gpu, monkeypatch):
    ys = torch.tensor([3.0, 2.0, 1.0], device=gpu.device).requires_grad_()
    for curve in (ys, list(ys), [3.0, ys[1], 1]):
        assert drawn(monkeypatch, curve) == ([1, 2, 3], [3, 2, 1])
    assert drawn(monkeypatch, (ys, 2 * ys)) == ([3, 2, 1], [6, 4, 2])
    assert drawn(monkeypatch, list(ys[:2])) == ([1, 2], [3, 2]), "two numbers are no pair of lists"
    assert drawn(monkeypatch, ys.to(torch.float16)) == ([1, 2, 3], [3, 2, 1])


def test_browse(photo):
    view = show.browse(lambda: show.show(photo, alt=ALT))
    assert view.picture.jpeg


def test_check_and_judge(gpu):
    def answer(x):
        return x.to(gpu.device).sum()

    def expected(x):
        return x.sum()

    assert check(answer, expected, (3, 4))
    assert judge(answer, lambda given, x: "" if given.item() == x.sum() else "wrong", (3,))
    close("ones", torch.ones(2, device=gpu.device), torch.ones(2))


def test_the_explorer(there, tmp_path):
    explorer = Explorer(there, tmp_path)
    for knob, value in {"size": 64, "style_size": 64, "steps": 10}.items():
        explorer.controls[knob].value = value
    explorer.settings = {"steps": 10, "recipe": "ours"}
    explorer._work()
    assert "Done after 10 of 10 evaluations" in explorer.status.value
    explorer._save()
    explorer._film()
    assert len(list(tmp_path.iterdir())) == 2


# ---- a real GPU ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    """The best device, where that is a GPU and its tests are asked for."""
    device = best_device() if os.environ.get("NST_GPU") == "1" else torch.device("cpu")
    if device.type == "cpu":
        pytest.skip("needs a GPU, and NST_GPU=1")
    return device


def content_gradient(vgg, image):
    image = image.clone().requires_grad_()
    vgg(image, "relu4_2")["relu4_2"].square().sum().backward()
    return image.grad.cpu()


def distance(actual, expected):
    """‖actual − expected‖ / ‖expected‖."""
    return ((actual - expected).norm() / expected.norm()).item()


def test_a_real_gpu_finds_the_features_and_gradients_of_the_cpu(real, vgg):
    image = images.load("china", 96)
    there = VGG(device=real)
    for layer, features in there(image.to(real), STYLE).items():
        assert distance(features.cpu(), vgg(image, STYLE)[layer]) < 1e-3
    assert distance(content_gradient(there, image.to(real)), content_gradient(vgg, image)) < 1e-2


@pytest.mark.parametrize("name", ["ours", "pytorch_tutorial", "crowsonkb", "gatys", "d2l"])
def test_a_real_gpu_paints_pictures_of_the_cpu(real, name, pictures):
    steps = max(3, len(RECIPES[name].stages))
    there = VGG(device=real)
    result = paint(name, pictures.content, pictures.style, there, size=128, steps=steps)
    assert result.image.device.type == real.type
    assert result.image.isfinite().all()


@pytest.mark.parametrize("precision", [None, "float16"])
def test_a_real_gpu_in_half_precision_finds_the_same_style(real, vgg, precision):
    image = images.load("china", 96)
    features = fast(VGG(device=real), precision)(image.to(real), STYLE)
    for layer, exact in vgg(image, STYLE).items():
        assert distance(losses.gram(features[layer]).cpu(), losses.gram(exact)) < 0.02


def test_a_real_gpu_matches_colours_as_the_cpu_does(real, pictures):
    matched = matched_colour(pictures.image.to(real), pictures.style.to(real))
    torch.testing.assert_close(matched.cpu(), matched_colour(pictures.image, pictures.style))


def peak_memory(device, work) -> int:
    """Bytes of a CUDA GPU that some work takes at most."""
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def test_a_real_gpu_keeps_nothing_of_an_evaluation(real):
    if real.type != "cuda":
        pytest.skip("only CUDA tells its peak memory")
    there = VGG(device=real)
    image = images.load("china", 256).to(real)
    target = losses.gram(there(image, "relu4_1")["relu4_1"])

    def work(steps):
        return lambda: optimise(
            image, lambda x: losses.style_loss(there(x, "relu4_1")["relu4_1"], target), steps
        )

    first = peak_memory(real, work(2))
    second = peak_memory(real, work(6))
    pairs = 2 * 6 * image.numel() * 4  # what L-BFGS remembers of each step
    assert second <= first + pairs + 2**20


@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_of_a_real_gpu_does_not_wait(real, name, pictures):
    if real.type != "cuda":
        pytest.skip("only CUDA can be asked to refuse waiting")
    objective = Objective(name, VGG(device=real), pictures.content, pictures.style)
    image = pictures.image.to(real).requires_grad_()
    objective(image).backward()  # constants are copied now
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        objective(image).backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
