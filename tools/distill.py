"""Train vgg19-mini: a small network that sees style as VGG19 does.

The student has the topology and the layer names of VGG19 (Simonyan and Zisserman 2014) up to relu5_1 at a quarter of
its width. It is trained from scratch so that its Gram matrices can stand in for VGG19's in neural style transfer:

- its features, mapped by a 1x1 convolution without bias, should be the teacher's features;
- its Gram matrices S, mapped as W S W', should be the teacher's Gram matrices;
- its distances between the Gram matrices of two pictures should be the teacher's, up to one factor per layer;
- the last must also hold for pictures painted with the student itself, which seek out what it does not see.

The teacher never runs during a training step. Its Gram matrices, and its features at a few points, are computed once
for every training picture and kept in the work folder. Whatever is interrupted is picked up with --resume.

    python tools/distill.py --images DIR --out vgg19-mini.safetensors
    python tools/distill.py --images DIR --out vgg19-mini.safetensors --resume     # go on after an interruption
    python tools/distill.py --images DIR --out now.safetensors --checkpoint FILE --export  # the weights so far
"""

import argparse
import collections
import math
import os
import random
import signal
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers.vgg import MEAN, STD, layer_names  # noqa: E402

WIDTHS = (16, 32, 64, 128, 128)  # channels of the five blocks
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
TAPS = {
    "relu1_1": 1.0,
    "relu1_2": 0.3,
    "relu2_1": 1.0,
    "relu2_2": 0.3,
    "relu3_1": 3.0,
    "relu3_4": 0.5,
    "relu4_1": 1.5,
    "relu4_2": 0.7,
    "relu4_3": 0.5,
    "relu4_4": 0.7,
    "relu5_1": 2.0,
}  # where features are compared, and with which weight
STYLE_WEIGHTS = {"relu1_1": 1.0, "relu2_1": 1.0, "relu3_1": 3.0, "relu4_1": 1.0, "relu5_1": 1.0}  # of the Gram terms
SIZES = {128: 8, 256: 4}  # px of a training picture: pictures in a batch
TURNS = (128, 128, 256)  # the sizes of successive batches
POINTS = 64  # places per picture and layer where features are compared
QUEUE = 32  # pictures of earlier steps that the distances of a batch are measured to
FAINT = 0.03  # part of a layer's mean energy that each of its channels should keep
OFFSET = 0.6  # part of a channel's energy that its mean may hold: above it the channel hardly ever rests at zero
FLOOR = 1e-3  # added to squared distances relative to the norms: below it pictures count as of one style
FREEZE = 0.35  # part of the run after which the normalisation's statistics stand still
EXACT = 0.98  # part of the run after which the student computes in float32
PAINT = (0.25, 0.6)  # parts of the run at which pictures are painted with the student so far
START, GROW = 8, 100  # shards of training pictures at the start, and steps until there is one more
EVERY = 45.0  # seconds between checkpoints
TAG = "vgg19-mini: VGG19's topology to relu5_1, widths 16-32-64-128-128, trained by tools/distill.py"


# ---- networks ----------------------------------------------------------------------------------------------------


def conv_indices():
    """The layers of VGG19 up to relu5_1 -> {"relu1_1": 0, ...}, the index of each convolution in torchvision's net."""
    convs = [(name, i) for i, name in enumerate(layer_names("vgg19")) if name.startswith("conv")]
    return {name.replace("conv", "relu"): i for name, i in convs if name <= "conv5_1"}


def normalise(image):
    """Image (N, 3, H, W), RGB in [0, 1] -> the same with ImageNet's mean and deviation taken out."""
    mean, std = (torch.tensor(v, device=image.device).view(1, 3, 1, 1) for v in (MEAN, STD))
    return ((image - mean) / std).contiguous(memory_format=torch.channels_last)


def chain(x, layers, taps, padding="zeros", norms=None):
    """Run {"relu1_1": (weight, bias), ...} over a prepared image x -> {tap: features (N, C, h, w)}."""
    found = {}
    for name, (weight, bias) in layers.items():
        if name.endswith("_1") and name != "relu1_1":
            x = F.max_pool2d(x, 2)
        if padding == "reflect":
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias)
        else:
            x = F.conv2d(x, weight, bias, padding=1)
        x = F.relu(norms[name](x) if norms else x)
        if name in taps:
            found[name] = x
        if len(found) == len(taps):
            break
    return found


def layers_from(state):
    """A state in torchvision's layout (features.N.weight, .bias) -> {"relu1_1": (weight, bias), ...}, in order."""
    return {
        name: (state[f"features.{i}.weight"].float(), state[f"features.{i}.bias"].float())
        for name, i in conv_indices().items()
        if f"features.{i}.weight" in state
    }


def taps_for(size):
    """The layers compared at a picture size: relu3_4 costs the teacher as much as all before, so only at 256 px."""
    return [tap for tap in TAPS if size >= 256 or tap != "relu3_4"]


class Teacher:
    """VGG19, from torchvision or from a folder; call it with an image to get {tap: features}.

    The folder holds vgg19-blocks1-3.safetensors, the true network up to conv3_4 in torchvision's layout, and
    vgg19-se16x.safetensors, the small encoder of Wang et al. (Collaborative Distillation, CVPR 2020; reflection
    padding, conv0 first), which stands in for relu4_1 and deeper.
    """

    def __init__(self, folder=None):
        self.encoder = None
        if folder:
            self.vgg = layers_from(load_file(Path(folder) / "vgg19-blocks1-3.safetensors"))
            state = load_file(Path(folder) / "vgg19-se16x.safetensors")
            self.first = state["conv0.weight"], state["conv0.bias"]
            self.encoder = {
                name: tuple(state[f"conv{name[4]}{name[6]}.{part}"] for part in ("weight", "bias"))
                for name in conv_indices()
            }
        else:
            import torchvision

            net = torchvision.models.vgg19(weights=torchvision.models.VGG19_Weights.IMAGENET1K_V1)
            self.vgg = layers_from(net.state_dict())

    @torch.no_grad()
    def __call__(self, image, taps):
        """Image (N, 3, H, W), RGB in [0, 1] -> {tap: features (N, C, h, w), float32}."""
        deep = [tap for tap in taps if tap not in self.vgg]
        with torch.autocast(image.device.type, torch.bfloat16):
            found = chain(normalise(image), self.vgg, [tap for tap in taps if tap in self.vgg])
            if deep:
                found |= chain(F.conv2d(image, *self.first), self.encoder, deep, padding="reflect")
        return {tap: f.float() for tap, f in found.items()}

    def width(self, tap):
        """The number of channels of a layer."""
        return (self.vgg if tap in self.vgg else self.encoder)[tap][0].shape[0]


class Student(nn.Module):
    """The small network: convolution, normalisation, ReLU. Normalisation keeps every channel alive while it learns."""

    def __init__(self):
        super().__init__()
        self.convs, self.norms, before = nn.ModuleDict(), nn.ModuleDict(), 3
        for name in conv_indices():
            width = WIDTHS[int(name[4]) - 1]
            self.convs[name] = nn.Conv2d(before, width, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(self.convs[name].weight)
            self.norms[name] = nn.BatchNorm2d(width, momentum=0.02)
            before = width

    def forward(self, image, taps, frozen=False):
        """Image (N, 3, H, W), RGB in [0, 1] -> {tap: features}; frozen: with the statistics so far, as exported."""
        if frozen:
            return chain(normalise(image), self.folded(), taps)
        layers = {name: (conv.weight, None) for name, conv in self.convs.items()}
        return chain(normalise(image), layers, taps, norms=self.norms)

    def folded(self):
        """The same network without normalisation: {"relu1_1": (weight, bias), ...}, exact in evaluation."""
        layers = {}
        for name, conv in self.convs.items():
            norm = self.norms[name]
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            layers[name] = conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
        return layers


class Maps(nn.Module):
    """What only training needs: the linear maps from student to teacher, for features and for Gram matrices."""

    def __init__(self, teacher):
        super().__init__()
        self.features, self.grams = nn.ParameterDict(), nn.ParameterDict()
        for tap in TAPS:
            shape = teacher.width(tap), WIDTHS[int(tap[4]) - 1]
            for maps in (self.features, self.grams) if tap in STYLE else (self.features,):
                maps[tap] = nn.Parameter(nn.init.orthogonal_(torch.empty(shape)))

    @torch.no_grad()
    def fit(self, found, batch):
        """Start from the least squares solution for one batch of features."""
        for tap, features in found.items():
            seen, wanted = at(rows(features), batch["index"][tap]), batch["points"][tap]
            best = torch.linalg.lstsq(seen.flatten(0, 1), wanted.flatten(0, 1), driver="gelsd").solution.T
            for maps in (self.features, self.grams):
                if tap in maps:
                    maps[tap].copy_(best)


# ---- pictures ----------------------------------------------------------------------------------------------------


def thumbnail(path):
    """A picture file -> (768,) of unit length: what it looks like from afar, to find near duplicates."""
    pixels = torch.tensor(list(Image.open(path).convert("RGB").resize((16, 16)).tobytes())).float()
    return F.normalize(pixels - pixels.mean(), dim=0)


def split(folder, every, likeness=0.9):
    """A folder -> (training files, held-out files): the fifth of every `every` is held out, without near duplicates.

    Files that look like a held-out one are dropped, so that no version of a held-out picture is trained on.
    """
    files = sorted(p for p in Path(folder).iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    looks = {p: thumbnail(p) for p in files}
    held = []
    for path in files[4 % every :: every]:
        if all(looks[path] @ looks[h] < likeness for h in held):
            held.append(path)
    return [p for p in files if all(looks[p] @ looks[h] < likeness for h in held)], held


def read(path):
    """A picture file -> (3, H, W), RGB in [0, 1]."""
    image = Image.open(path).convert("RGB")
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(image.height, image.width, 3).permute(2, 0, 1).float() / 255


def resize(image, height, width):
    """(3, H, W) -> (3, height, width), in [0, 1], antialiased."""
    return F.interpolate(image[None], (height, width), mode="bicubic", antialias=True)[0].clamp(0, 1)


def crop(image, size, rng):
    """A random square (3, size, size) of a picture at a random scale, sometimes mirrored or recoloured."""
    low, high = (1.0, 1.8) if size >= 256 else (1.1, 3.2)
    factor = size * rng.uniform(low, high) / min(image.shape[1:])
    height, width = (max(size, round(n * factor * rng.uniform(0.95, 1.05))) for n in image.shape[1:])
    y, x = rng.randint(0, height - size), rng.randint(0, width - size)
    piece = resize(image, height, width)[:, y : y + size, x : x + size]
    piece = piece.flip(2) if rng.random() < 0.5 else piece
    return recolour(piece, rng) if rng.random() < 0.25 else piece


def noise(size, rng, power=0.0, channels=3):
    """Coloured noise (channels, size, size) with spectrum 1/f^power, mean 0, deviation 1."""
    frequency = torch.fft.fftfreq(size)[:, None].hypot(torch.fft.rfftfreq(size)).clamp_min(1 / size)
    spectrum = torch.fft.rfft2(torch.randn(channels, size, size, generator=torch_rng(rng))) / frequency**power
    field = torch.fft.irfft2(spectrum, s=(size, size))
    return (field - field.mean((1, 2), keepdim=True)) / field.std((1, 2), keepdim=True)


def torch_rng(rng):
    """A torch generator seeded from Python's."""
    return torch.Generator().manual_seed(rng.getrandbits(40))


def colour(rng):
    """A random colour as three bytes."""
    return tuple(rng.randrange(256) for _ in range(3))


def leaves(size, rng):
    """Dead leaves: overlapping discs, boxes and strokes of random colour, with sizes after a power law."""
    canvas = Image.new("RGB", (2 * size, 2 * size), colour(rng))
    draw, palette = ImageDraw.Draw(canvas), [colour(rng) for _ in range(rng.choice((3, 6, 40)))]
    for _ in range(rng.randint(60, 500)):
        x, y = rng.uniform(0, 2 * size), rng.uniform(0, 2 * size)
        r, fill = min(size, 6 * rng.paretovariate(1.3)), rng.choice(palette)
        shape = rng.random()
        if shape < 0.5:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
        elif shape < 0.7:
            draw.rectangle((x - r, y - r * rng.random(), x + r, y + r), fill=fill)
        else:
            turn = rng.uniform(0, 2 * math.pi)
            draw.line((x, y, x + 4 * r * math.cos(turn), y + 4 * r * math.sin(turn)), fill, max(1, int(r / 3)))
    flat = torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).view(2 * size, 2 * size, 3)
    return resize(flat.permute(2, 0, 1).float() / 255, size, size)


def gratings(size, rng):
    """A sum or product of one to three waves or stripes, in two colours."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    wave = torch.ones(size, size)
    for _ in range(rng.randint(1, 3)):
        turn, length = rng.uniform(0, math.pi), 2 ** rng.uniform(1.3, 6)
        part = torch.sin(2 * math.pi * (x * math.cos(turn) + y * math.sin(turn)) / length + rng.uniform(0, 6.3))
        wave = wave * (part.sign() if rng.random() < 0.4 else part)
    one, two = (torch.tensor(colour(rng)).view(3, 1, 1) / 255 for _ in range(2))
    return one + (two - one) * (wave + 1) / 2


def clouds(size, rng):
    """1/f^a noise around a colour, grey or coloured."""
    field = noise(size, rng, rng.uniform(0, 2), channels=rng.choice((1, 3)))
    return (torch.tensor(colour(rng)).view(3, 1, 1) / 255 + rng.uniform(0.05, 0.3) * field).clamp(0, 1)


def blobs(size, rng):
    """Smooth or hard patches of colour."""
    cells = rng.choice((2, 4, 8, 16, 32))
    coarse = torch.rand(1, 3, cells, cells, generator=torch_rng(rng))
    mode = rng.choice(("nearest", "bilinear", "bicubic"))
    return F.interpolate(coarse, (size, size), mode=mode)[0].clamp(0, 1)


def recolour(image, rng):
    """Another contrast, brightness, saturation, and sometimes other channels."""
    image = image[rng.sample(range(3), 3)] if rng.random() < 0.4 else image
    grey = image.mean(0, keepdim=True)
    image = grey + (image - grey) * rng.choice((0.0, 0.5, 0.8, 1.3))
    image = (image - 0.5) * rng.uniform(0.5, 1.5) + 0.5 + rng.uniform(-0.15, 0.15)
    return image.clamp(0, 1) ** rng.uniform(0.7, 1.4)


def noisy(image, rng):
    """The image under noise, from a trace to most of it."""
    field = noise(image.shape[1], rng, rng.choice((0.0, 0.0, 0.5, 1.0)))
    return (image + 0.5 * rng.random() ** 2 * field).clamp(0, 1)


def blurred(image, rng):
    """The image with its fine detail gone."""
    size = image.shape[1]
    small = round(size * rng.uniform(0.25, 0.8))
    return resize(resize(image, small, small), size, size)


def mixed(image, other, rng):
    """A blend of two images: everywhere, or each in its places."""
    size = image.shape[1]
    part = rng.uniform(0.1, 0.6)
    if rng.random() < 0.5:
        part = torch.sigmoid(3 * noise(size, rng, 1.5, channels=1) + rng.uniform(-2, 2))
    return image + (other - image) * part


def draw_one(pictures, size, rng):
    """One training image (3, size, size): mostly a piece of a picture, sometimes drawn by a procedure."""
    if rng.random() < 0.16:
        return rng.choice((leaves, leaves, gratings, clouds, blobs))(size, rng)
    return crop(rng.choice(pictures), size, rng)


def draw_pair(pictures, size, rng):
    """Two related training images (2, 3, size, size), so that batches hold small distances beside large ones."""
    kind, source = rng.random(), rng.choice(pictures)
    if kind < 0.35:
        return torch.stack([crop(source, size, rng), crop(source, size, rng)])
    first = draw_one(pictures, size, rng)
    if kind < 0.6:
        return torch.stack([first, draw_one(pictures, size, rng)])
    if kind < 0.8:
        return torch.stack([first, mixed(first, draw_one(pictures, size, rng), rng)])
    return torch.stack([first, rng.choice((noisy, noisy, blurred, recolour))(first, rng)])


# ---- what the teacher says, kept on disk -------------------------------------------------------------------------


def grams(features):
    """Features (N, hw, C) -> Gram matrices F F' / (h w), (N, C, C)."""
    return features.transpose(1, 2) @ features / features.shape[1]


def rows(features):
    """Features (N, C, h, w) -> (N, hw, C), float32."""
    return features.permute(0, 2, 3, 1).flatten(1, 2).float()


def at(flat, index):
    """Rows (N, hw, C) at places (N, P) -> (N, P, C)."""
    return flat.gather(1, index[:, :, None].expand(-1, -1, flat.shape[2]))


def record(teacher, images, seed):
    """Images (N, 3, S, S) in [0, 1] -> what training needs of them: 8-bit pixels, Gram matrices, features at points."""
    pixels, rng = (images * 255).round().byte(), torch.Generator().manual_seed(seed)
    size = pixels.shape[-1]
    pieces = [described(teacher(p.float() / 255, taps_for(size)), rng) for p in pixels.split(SIZES[size])]
    kinds = {key: {tap: torch.cat([p[key][tap] for p in pieces]) for tap in pieces[0][key]} for key in pieces[0]}
    return {"pixels": pixels} | kinds


def described(found, rng):
    """The teacher's features of a few images -> {"gram": {tap: ...}, "index": ..., "points": ...}."""
    kept = {"gram": {}, "index": {}, "points": {}}
    for tap, features in found.items():
        flat = rows(features)
        index = torch.randint(flat.shape[1], (len(flat), POINTS), generator=rng)
        kept["index"][tap], kept["points"][tap] = index.int(), at(flat, index).half()
        if tap in STYLE:
            kept["gram"][tap] = grams(flat).half()
    return kept


def write(thing, path):
    """Save beside, then rename: a file is there whole or not at all."""
    torch.save(thing, f"{path}.part")
    os.replace(f"{path}.part", path)


def shards(folder, name, count, make, stop):
    """The files name-0 ... of a folder, made where missing by make(k) -> shard; fewer when asked to stop."""
    found = []
    for k in range(count):
        path = folder / f"{name}-{k:03d}.pt"
        if not path.exists():
            write(make(k), path)
            print(f"{name}: {k + 1} of {count}", flush=True)
        found.append(torch.load(path, mmap=True, weights_only=True))
        if stop:
            break
    return found


def library(options, teacher, pictures, count, stop):
    """Size -> the first `count` shards of related pairs; 32 pictures of 256 px to a shard, 128 of 128 px."""

    def maker(size):
        def make(k):
            rng, pairs = random.Random(f"{options.seed} {size} {k}"), 16 * (256 // size) ** 2
            return record(teacher, torch.cat([draw_pair(pictures, size, rng) for _ in range(pairs)]), k)

        return make

    return {size: shards(options.work, f"drawn-{size}", count, maker(size), stop) for size in SIZES}


# ---- painting with the student -----------------------------------------------------------------------------------


def painting_loss(found, aims, target, content_weight):
    """Features of a batch of images -> style error over five layers plus weighted content error, summed over images."""
    loss = content_weight * ((found["relu4_2"] - target) ** 2).sum((1, 2, 3)) / (target**2).sum((1, 2, 3))
    for tap, aim in aims.items():
        loss = loss + ((grams(rows(found[tap])) - aim) ** 2).sum((1, 2)) / (aim**2).sum((1, 2)) / len(aims)
    return loss.sum()


def paint(layers, content, style, start, content_weight, evaluations):
    """Gatys' method with the student's layers, for a batch (N, 3, S, S) at once -> the images, in [0, 1]."""
    taps = [*STYLE, "relu4_2"]
    with torch.no_grad():
        aims = {tap: grams(rows(f)) for tap, f in chain(normalise(style), layers, STYLE).items()}
        target = chain(normalise(content), layers, ["relu4_2"])["relu4_2"]
    image = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image],
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        found = chain(normalise(image), layers, taps)
        total = painting_loss(found, aims, target, content_weight) + 0.1 * ((image - image.clamp(0, 1)) ** 2).sum()
        total.backward()
        return total

    optimizer.step(closure)
    return image.detach().clamp(0, 1)


def paint_pairs(layers, pictures, size, rng):
    """Images painted with the student, each beside the style it imitates: (2 N, 3, size, size)."""
    count, amount = SIZES[size], rng.choice((0.0, 0.5, 1.0))
    content = torch.stack([draw_one(pictures, size, rng) for _ in range(count)])
    style = torch.stack([draw_one(pictures, size, rng) for _ in range(count)])
    field = torch.stack([noise(size, rng) for _ in range(count)])
    start = (content + amount * (0.5 + 0.2 * field - content)).clamp(0, 1)
    done = paint(layers, content, style, start, rng.choice((0.0, 0.05, 0.05, 0.2)), rng.choice((25, 60, 120)))
    return torch.stack([done, style], 1).flatten(0, 1)


def paint_round(options, number, teacher, student, pictures, stop):
    """Size -> shards of painted pairs, at one moment of the training."""
    layers = {name: (w.detach(), b.detach()) for name, (w, b) in student.folded().items()}

    def maker(size):
        def make(k):
            rng = random.Random(f"{options.seed} painted {number} {size} {k}")
            return record(teacher, paint_pairs(layers, pictures, size, rng), k)

        return make

    return {
        size: shards(options.work, f"painted-{number}-{size}", options.paintings, maker(size), stop) for size in SIZES
    }


# ---- training ----------------------------------------------------------------------------------------------------


def draw_batch(drawn, painted, size, rng):
    """A batch of related pairs: {"pixels": (N, 3, S, S), "gram": {tap: ...}, "index": ..., "points": ...}."""
    picks = []
    for _ in range(SIZES[size] // 2):
        shard = rng.choice(painted[size] if painted[size] and rng.random() < 0.2 else drawn[size])
        k = 2 * rng.randrange(len(shard["pixels"]) // 2)
        picks.append((shard, slice(k, k + 2)))
    batch = {"pixels": torch.cat([shard["pixels"][pair] for shard, pair in picks]).float() / 255}
    for key in ("gram", "index", "points"):
        taps = [tap for tap in taps_for(size) if key != "gram" or tap in STYLE]
        kind = torch.int64 if key == "index" else torch.float32
        batch[key] = {tap: torch.cat([shard[key][tap][pair] for shard, pair in picks]).to(kind) for tap in taps}
    return batch


def log_distances(one, two):
    """Gram matrices (N, K), (M, K) flat -> log of (N, M) squared distances and log of (M,) squared norms.

    Both with a floor relative to the norms. Distances do not change when a common point is taken out; that saves
    digits in float32.
    """
    norms, others = one.square().sum(1), two.square().sum(1)
    floor = FLOOR * (norms[:, None] * others).sqrt() + 1e-20
    centre = two.mean(0).detach()
    a, b = one - centre, two - centre
    squared = (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * a @ b.T).clamp_min(0)
    return (squared + floor).log(), (others + 1e-20).log()


def distance_loss(student, teacher, queue):
    """How far log distances and log norms are from the teacher's plus one constant; 0 is perfect.

    Student (N, K) and teacher (N, L) are flat Gram matrices, queue holds both of earlier pictures. The constant is
    the median over all of them: a factor between the two networks costs nothing, anything else does, squared while
    small and linear beyond, or else the few pairs that the student confuses would outweigh all others.
    """
    earlier = list(queue)
    mine = torch.cat([student, *(s for s, _ in earlier)])
    theirs = torch.cat([teacher, *(t for _, t in earlier)])
    (near, norm), (true, size) = log_distances(student, mine), log_distances(teacher, theirs)
    gaps = (near - true)[~torch.eye(*near.shape, dtype=torch.bool)]
    scale = gaps.median()
    return sum(F.huber_loss(g, scale.expand_as(g), delta=0.5) for g in (gaps, norm - size))


def relative_error(found, wanted):
    """Sum of squares of the difference over that of what is wanted, per picture, averaged."""
    error = (found - wanted).flatten(1).square().sum(1)
    return (error / wanted.flatten(1).square().sum(1).clamp_min(1e-8)).clamp_max(4).mean()


def silence(features):
    """How near to dead channels (N, C, h, w) are: the logarithm below FAINT times the layer's mean energy, averaged."""
    energy = features.float().square().mean((0, 2, 3))
    return (FAINT * energy.mean() / (energy + 1e-6 * energy.mean())).log().clamp_min(0).mean()


def offset(features):
    """How far channels (N, C, h, w) are from rectifying: their mean squared over their energy, above OFFSET."""
    features = features.float()
    share = features.mean((0, 2, 3)).square() / features.square().mean((0, 2, 3)).clamp_min(1e-8)
    return (share - OFFSET).clamp_min(0).mean()


def losses(found, batch, maps, queues):
    """Student features and the teacher's records -> {"feature": ..., "gram": ..., "distance": {tap: loss}, ...}.

    The logarithm keeps large early errors in deep layers from drowning the first ones, and small late ones in view.
    """
    parts = {kind: {} for kind in ("feature", "gram", "distance", "silence", "offset")}
    for tap, features in found.items():
        flat = rows(features)
        guess = at(flat, batch["index"][tap]) @ maps.features[tap].T
        parts["silence"][tap] = 0.1 * silence(features)
        if tap > "relu3":  # the first layers see colour, which is never negative
            parts["offset"][tap] = 2.0 * offset(features)
        parts["feature"][tap] = TAPS[tap] * relative_error(guess, batch["points"][tap])
        if tap in STYLE:
            gram, true, w = grams(flat), batch["gram"][tap], maps.grams[tap]
            parts["gram"][tap] = STYLE_WEIGHTS[tap] * relative_error(w @ gram @ w.T, true)
            pair = gram.flatten(1), true.flatten(1)
            gap = distance_loss(*pair, queues[tap])
            parts["distance"][tap] = STYLE_WEIGHTS[tap] * (0.3 * (gap / 0.05).log1p() + 2 * gap)
            queues[tap].append((pair[0].detach(), pair[1]))
            while sum(len(s) for s, _ in queues[tap]) > QUEUE:
                queues[tap].popleft()
    return parts


def rate(step, options):
    """Learning rate: a short rise, then half a cosine to zero."""
    warm = min(300, options.steps // 10 + 1)
    if step < warm:
        return options.rate * (step + 1) / warm
    return options.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, options.steps - warm)))


class Training:
    """Everything that a checkpoint holds, and one step of it."""

    def __init__(self, options, teacher):
        torch.manual_seed(options.seed)
        self.options, self.step, self.spent = options, 0, 0.0
        self.student, self.average, self.maps = Student(), Student(), Maps(teacher)
        for name, parameter in self.student.named_parameters():
            parameter.requires_grad_(int(name.split(".")[1][4]) >= options.from_block)
        self.average.load_state_dict(self.student.state_dict())
        self.optimizer = torch.optim.Adam([*self.student.parameters(), *self.maps.parameters()], betas=(0.9, 0.99))
        self.rng = random.Random(options.seed)
        self.queues = {tap: collections.deque() for tap in STYLE}
        self.recent, self.parts = collections.deque(maxlen=201), {}

    def state(self):
        parts = {n: getattr(self, n).state_dict() for n in ("student", "average", "maps", "optimizer")}
        return parts | {"step": self.step, "spent": self.spent, "rng": self.rng.getstate()}

    def restore(self, state):
        for name in ("student", "average", "maps", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.spent = state["step"], state["spent"]
        self.rng.setstate(state["rng"])

    def advance(self, drawn, painted):
        """One step of Adam on one batch of pictures of one size."""
        began, progress = time.monotonic(), self.step / self.options.steps
        size = TURNS[self.step % len(TURNS)]
        batch = draw_batch(drawn, painted, size, self.rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=progress < EXACT):
            taps = [tap for tap in taps_for(size) if int(tap[4]) >= self.options.from_block]
            found = self.student(batch["pixels"], taps, frozen=progress >= FREEZE)
        if self.step == 0:
            self.maps.fit(found, batch)
        parts = losses(found, batch, self.maps, self.queues)
        self.optimizer.param_groups[0]["lr"] = rate(self.step, self.options)
        self.optimizer.zero_grad()
        sum(sum(part.values()) for part in parts.values()).backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self.blend()
        self.step += 1
        self.note(parts, time.monotonic() - began)

    @torch.no_grad()
    def blend(self):
        """Move the running average of the weights; it starts fast and settles at five hundred steps."""
        keep = min(0.998, (self.step + 1) / (self.step + 10))
        for mine, new in zip(self.average.state_dict().values(), self.student.state_dict().values(), strict=True):
            mine.lerp_(new, 1 - keep) if mine.is_floating_point() else mine.copy_(new)

    def note(self, parts, seconds):
        """Keep a running mean of the losses and the last step times, of which a report leaves out the slowest."""
        self.recent.append(seconds)
        self.spent += min(seconds, 10 * statistics.median(self.recent))
        for kind, values in parts.items():
            for tap, value in values.items():
                old = self.parts.get((kind, tap), value.item())
                self.parts[kind, tap] = old + 0.02 * (value.item() - old)

    def report(self):
        """One line: step, losses by layer, time left."""

        def listed(kind):
            return " ".join(f"{v:.3f}" for (k, _), v in self.parts.items() if k == kind)

        each = statistics.mean(sorted(self.recent)[: math.ceil(0.95 * len(self.recent))])
        left = each * (self.options.steps - self.step) / 60
        print(
            f"{time.strftime('%H:%M:%S')} step {self.step}/{self.options.steps} {each:.3f} s  "
            f"loss {sum(self.parts.values()):.3f}  feature {listed('feature')}  gram {listed('gram')}  "
            f"distance {listed('distance')}  offset {listed('offset')}  about {left:.0f} min left",
            flush=True,
        )


def export(student, path):
    """Write the folded network in torchvision's layout, float16."""
    layers, index = student.folded(), conv_indices()
    state = {}
    for name, (weight, bias) in layers.items():
        state[f"features.{index[name]}.weight"] = weight.detach().half().contiguous()
        state[f"features.{index[name]}.bias"] = bias.detach().half().contiguous()
    save_file(state, f"{path}.part", metadata={"format": "pt", "description": TAG})
    os.replace(f"{path}.part", path)


class Supply:
    """The training pictures at one moment of the run: more are drawn as it goes, and some are painted."""

    def __init__(self, options, teacher, stop):
        files, held = split(options.images, options.held_out_every)
        print(f"{len(files)} pictures to train on, {len(held)} held out: {' '.join(p.name for p in held)}", flush=True)
        self.options, self.teacher, self.stop = options, teacher, stop
        self.pictures = [read(p) for p in files]
        self.drawn, self.painted, self.rounds = {}, {size: [] for size in SIZES}, 0

    def grow(self, step, student):
        """Bring the supply to what a step asks for; True when something was made or loaded."""
        options = self.options
        count = min(math.ceil(options.pictures / 32), START + step // GROW)
        due = sum(step >= part * options.steps for part in PAINT)
        if self.drawn and count == len(self.drawn[256]) and due == self.rounds:
            return False
        self.drawn = library(options, self.teacher, self.pictures, count, self.stop)
        while self.rounds < due and not self.stop:
            fresh = paint_round(options, self.rounds, self.teacher, student, self.pictures, self.stop)
            self.painted = {size: self.painted[size] + more for size, more in fresh.items()}
            self.rounds += 1
        return True


def train(training, supply, stop):
    """Run to the last step or until asked to stop, saving as it goes."""
    options, saved, told = training.options, time.monotonic(), time.monotonic()
    while training.step < options.steps and not stop:
        if supply.grow(training.step, training.average) and stop:
            break
        training.advance(supply.drawn, supply.painted)
        if time.monotonic() - told > options.tell:
            training.report()
            told = time.monotonic()
        if time.monotonic() - saved > EVERY:
            write(training.state(), options.checkpoint)
            saved = time.monotonic()
    write(training.state(), options.checkpoint)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--images", required=True, type=Path, help="folder of pictures (jpg, png)")
    add("--out", required=True, type=Path, help="where the weights go (safetensors)")
    add("--teacher-dir", type=Path, help="folder with VGG19's first blocks and an encoder; else torchvision's VGG19")
    add("--steps", type=int, default=24000)
    add("--seed", type=int, default=0)
    add("--rate", type=float, default=2e-3, help="highest learning rate")
    add("--pictures", type=int, default=2048, help="training images of 256 px (and four times as many of 128 px)")
    add("--paintings", type=int, default=6, help="batches painted with the student, per round and size")
    add("--held-out-every", type=int, default=6, help="one picture in this many is never trained on")
    add("--checkpoint", type=Path, help="checkpoint file (default: beside --out)")
    add("--work", type=Path, help="folder for what the teacher said (default: beside --out)")
    add("--from-block", type=int, default=1, help="with --resume: leave the blocks before this one as they are")
    add("--threads", type=int, help="cores to use; on a busy machine fewer can be faster")
    add("--tell", type=float, default=20, help="seconds between progress lines")
    add("--resume", action="store_true", help="go on from the checkpoint")
    add("--export", action="store_true", help="only write the weights of the checkpoint")
    options = parser.parse_args()
    options.checkpoint = options.checkpoint or options.out.with_suffix(".checkpoint.pt")
    options.work = options.work or options.out.with_suffix(".work")
    return options


def main():
    options, stop = arguments(), []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    options.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(options.threads or torch.get_num_threads())
    teacher = Teacher(options.teacher_dir)
    training = Training(options, teacher)
    if (options.resume or options.export) and options.checkpoint.exists():
        training.restore(torch.load(options.checkpoint, weights_only=True))
    if not options.export:
        train(training, Supply(options, teacher, stop), stop)
    export(training.average, options.out)
    print(f"step {training.step} of {options.steps}, {training.spent / 60:.0f} min; wrote {options.out}")


if __name__ == "__main__":
    main()
