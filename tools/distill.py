"""Train vgg19-mini: a small network that sees style as VGG19 does.

The student has the topology and the layer names of VGG19 (Simonyan and Zisserman 2014) up to relu5_1 at a quarter of
its width, and starts from random weights. Student and teacher look at the same pictures; the loss adds, over layers,

- the error of the teacher's features as seen through the best linear map of the student's (where both are equally
  wide, through one number: there the student should become the teacher);
- in the layers that measure style, the same for Gram matrices, and for the means of features over squares of 32 px and
  over whole pictures (most of the error that VGG19 sees in a painting made with the student lies in the means), and
- the spread of the ratio between the student's and the teacher's style and content distances, over pairs of pictures.

The maps are never learnt by descent: for given features the best one is the solution of a least squares problem.

At the end channels get factors, which the next convolution takes out again: what the network sees stays the same, while
its Gram matrices weigh channels as VGG19's distances ask for, and each layer's features have a mean square of 1.

    python tools/distill.py --images DIR --out vgg19-mini.safetensors
    python tools/distill.py --images DIR --out vgg19-mini.safetensors --resume     # go on after an interruption
    python tools/distill.py --images DIR --out next.safetensors --start FILE       # begin with an earlier network
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

from helpers.vgg import MEAN, STD, VGG, layer_names  # noqa: E402

WIDTHS = (16, 32, 64, 128, 128)  # channels of the five blocks
STYLE = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT = ("relu3_1", "relu3_4", "relu4_2")  # where distances between the features themselves count too
FITTED = ("relu1_1", "relu5_1")  # where factors of the channels bring style distances nearer to the teacher's
TAPS = {
    "relu1_1": 1.0,
    "relu1_2": 0.3,
    "relu2_1": 2.0,
    "relu2_2": 0.5,
    "relu3_1": 6.0,
    "relu3_2": 0.3,
    "relu3_4": 4.0,
    "relu4_1": 2.5,
    "relu4_2": 1.0,
    "relu4_3": 0.4,
    "relu4_4": 0.6,
    "relu5_1": 2.0,
}  # where features are compared, and with which weight
SIZES = {128: 8, 256: 2}  # px of a training picture: pictures in a batch
TURNS = (128, 128, 256)  # the sizes of successive batches
DEEP = 3  # one batch in so many also asks the teacher for relu3_4, which costs it as much as all before
PLACES = 4096  # of a feature map are compared, evenly spread
QUEUE = 32  # pictures of earlier steps that the distances of a batch are measured to
CELL = 32  # px: over squares of this side means of features are compared
FAINT = 0.03  # part of a layer's mean energy that each of its channels should keep
OFFSET = 0.6  # part of a channel's energy that its mean may hold: above it the channel hardly ever rests at zero
FLOOR = 1e-3  # added to distances: below it two pictures count as of one style
START_SCALE = 0.2  # root mean square of each convolution's weights when training begins with an earlier network
FREEZE = 0.6  # part of the run after which the normalisation's statistics stand still
EXACT = 0.98  # part of the run after which the student computes in float32
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


def layers_of(vgg):
    """A VGG of the helpers -> {"relu1_1": (weight, bias), ...} up to relu5_1, as far as it goes, in order."""
    convs = ((name, vgg.layers[name.replace("relu", "conv")]) for name in conv_indices() if name in vgg.layers)
    return {name: (conv.weight, conv.bias) for name, conv in convs}


def halved(layers):
    """Layers {name: (weight, bias)} -> the same in bfloat16, with channels last: three times as fast on a CPU."""
    last = torch.channels_last
    return {k: (w.bfloat16().contiguous(memory_format=last), b.bfloat16()) for k, (w, b) in layers.items()}


class Teacher:
    """VGG19, with torchvision's weights or from a folder; call it with an image to get {tap: features}.

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
            self.vgg = layers_of(VGG("vgg19", device="cpu"))
        self.half = {"vgg": halved(self.vgg), "encoder": halved(self.encoder or {})}

    @torch.no_grad()
    def __call__(self, image, taps):
        """Image (N, 3, H, W), RGB in [0, 1] -> {tap: features (N, C, h, w), bfloat16}."""
        deep = [tap for tap in taps if tap not in self.vgg]
        found = chain(normalise(image).bfloat16(), self.half["vgg"], [tap for tap in taps if tap in self.vgg])
        if deep:
            x = F.conv2d(image, *self.first).bfloat16().contiguous(memory_format=torch.channels_last)
            found |= chain(x, self.half["encoder"], deep, padding="reflect")
        return found

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

    @torch.no_grad()
    def begin(self, layers, images):
        """Take over a network {"relu1_1": (weight, bias), ...}, with its statistics on images (N, 3, H, W)."""
        x = normalise(images)
        for name, (weight, bias) in layers.items():
            if name.endswith("_1") and name != "relu1_1":
                x = F.max_pool2d(x, 2)
            x, norm = F.conv2d(x, weight, padding=1), self.norms[name]
            factor = START_SCALE / weight.square().mean().sqrt()  # Adam's steps then mean the same in every layer
            norm.running_mean.copy_(factor * x.mean((0, 2, 3)))
            norm.running_var.copy_(factor**2 * x.var((0, 2, 3)))
            norm.weight.copy_((norm.running_var + norm.eps).sqrt() / factor)
            norm.bias.copy_(bias + norm.running_mean / factor)
            self.convs[name].weight.copy_(factor * weight)
            x = F.relu(x + bias.view(1, -1, 1, 1))

    def folded(self):
        """The same network without normalisation: {"relu1_1": (weight, bias), ...}, exact in evaluation."""
        layers = {}
        for name, conv in self.convs.items():
            norm = self.norms[name]
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            layers[name] = conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale
        return layers


# ---- pictures ----------------------------------------------------------------------------------------------------


def thumbnail(path):
    """A picture file -> (768,) of unit length: what it looks like from afar, to find near duplicates."""
    pixels = torch.tensor(list(Image.open(path).convert("RGB").resize((16, 16)).tobytes())).float()
    return F.normalize(pixels - pixels.mean(), dim=0)


def split(folders, every, likeness=0.9):
    """Folders -> (a list of training files for each, held-out files): of every `every` files the fifth is held out.

    Files that look like a held-out one are dropped, so that no version of a held-out picture is trained on.
    """
    listed = [sorted(p for p in Path(f).iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png")) for f in folders]
    looks, held = {p: thumbnail(p) for files in listed for p in files}, []
    for path in (p for files in listed for p in files[4 % every :: every]):
        if all(looks[path] @ looks[h] < likeness for h in held):
            held.append(path)
    return [[p for p in files if all(looks[p] @ looks[h] < likeness for h in held)] for files in listed], held


def read(path):
    """A picture file -> (3, H, W), RGB in bytes."""
    image = Image.open(path).convert("RGB")
    flat = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return flat.view(image.height, image.width, 3).permute(2, 0, 1)


def resize(image, height, width):
    """(3, H, W), RGB in [0, 1] or bytes -> (3, height, width), in [0, 1], antialiased."""
    image = image if image.is_floating_point() else image.float() / 255
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
    return resize(flat.permute(2, 0, 1), size, size)


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


def draw_one(pictures, size, rng):
    """One training image (3, size, size): a piece of a picture, sometimes spoilt, sometimes drawn by a procedure.

    pictures: a list for each folder; every folder is drawn from as often as the others.
    """
    if rng.random() < 0.12:
        return rng.choice((leaves, leaves, gratings, clouds, blobs))(size, rng)
    piece = crop(rng.choice(rng.choice(pictures)), size, rng)
    return rng.choice((noisy, noisy, blurred))(piece, rng) if rng.random() < 0.2 else piece


def draw_batch(pictures, size, rng):
    """A batch of training images (N, 3, size, size), RGB in [0, 1] in steps of 1/255."""
    return (torch.stack([draw_one(pictures, size, rng) for _ in range(SIZES[size])]) * 255).round() / 255


# ---- what is compared --------------------------------------------------------------------------------------------


def rows(features, places=PLACES):
    """Features (N, C, h, w) -> (N, P, C), float32, at no more than about `places` evenly spread places."""
    stride = max(1, math.isqrt(features.shape[2] * features.shape[3] // places))
    return features[:, :, ::stride, ::stride].permute(0, 2, 3, 1).flatten(1, 2).float()


def gram(flat):
    """Features (N, P, C) -> Gram matrices F F' / P, (N, C, C)."""
    return flat.transpose(1, 2) @ flat / flat.shape[1]


def moments(mine, theirs):
    """Features of both (N, P, C), (N, P, D) -> the student's Gram matrices and the products of both (N, C, D)."""
    return gram(mine), mine.transpose(1, 2) @ theirs / mine.shape[1]


class Map:
    """The best linear map from a layer's features to the teacher's, by least squares over recent batches."""

    def __init__(self):
        self.gram, self.product, self.count = 0.0, 0.0, 0

    @torch.no_grad()
    def fit(self, own, product):
        """Moments of a batch (N, C, C), (N, C, D) -> the map (C, D); a multiple of the identity where C is D."""
        self.count += 1
        keep = min(0.95, 1 - 1 / self.count)
        self.gram = keep * self.gram + (1 - keep) * own.mean(0)
        self.product = keep * self.product + (1 - keep) * product.mean(0)
        one = torch.eye(len(self.gram))
        if self.product.shape[0] == self.product.shape[1]:
            return one * self.product.trace() / self.gram.trace()
        return torch.linalg.solve(self.gram + 1e-4 * self.gram.trace() / len(one) * one, self.product)


def feature_error(own, product, size, best):
    """Relative squared error of the mapped features, averaged over pictures, from moments.

    own: the student's Gram matrices (N, C, C); product: student's times teacher's features over places (N, C, D);
    size: the teacher's mean squared length (N,); best: the map (C, D).
    """
    error = ((own @ best) * best).sum((1, 2)) - 2 * (product * best).sum((1, 2)) + size
    return (error / size.clamp_min(1e-8)).clamp(0, 4).mean()


def gram_error(own, true, best):
    """Relative squared error of the mapped Gram matrices, averaged over pictures."""
    error = (best.T @ own @ best - true).square().sum((1, 2))
    return (error / true.square().sum((1, 2)).clamp_min(1e-12)).clamp_max(4).mean()


def log_distances(one, two):
    """Flat Gram matrices (N, K), (M, K) -> (N, M) log of squared distances over the product of the norms."""
    norms, others = one.norm(dim=1), two.norm(dim=1)
    squared = one.square().sum(1)[:, None] + two.square().sum(1) - 2 * one @ two.T
    return ((squared / (norms[:, None] * others).clamp_min(1e-12)).clamp_min(0) + FLOOR).log()


def distance_error(own, true, queue):
    """How much the ratio of the student's to the teacher's style distances varies; 0 when it is one constant."""
    mine, theirs = own.flatten(1), true.flatten(1)
    near = log_distances(mine, torch.cat([mine.detach(), *(m for m, _ in queue)]))
    far = log_distances(theirs, torch.cat([theirs, *(t for _, t in queue)]))
    gaps = (near - far)[~torch.eye(*near.shape, dtype=torch.bool)]
    queue.append((mine.detach(), theirs))
    while sum(len(m) for m, _ in queue) > QUEUE:
        queue.popleft()
    return F.huber_loss(gaps, gaps.mean().detach().expand_as(gaps), delta=0.5)


def cells(features, stride):
    """Features (N, C, h, w) of a layer with this stride -> their means over squares of CELL px, (N, P, C), float32."""
    return rows(F.avg_pool2d(features.float(), CELL // stride))


def mean_error(own, true, best):
    """Relative squared error of mapped means (N, P, C), (N, P, D): over cells, and four times over whole pictures."""
    gaps = own @ best - true
    near = gaps.square().sum((1, 2)) / true.square().sum((1, 2)).clamp_min(1e-8)
    far = gaps.mean(1).square().sum(1) / true.mean(1).square().sum(1).clamp_min(1e-8)
    return (near + 4 * far).clamp_max(4).mean()


def silence(flat):
    """How near to dead channels (N, P, C) are: the logarithm below FAINT times the layer's mean energy, averaged."""
    energy = flat.square().mean((0, 1))
    return (FAINT * energy.mean() / (energy + 1e-6 * energy.mean())).log().clamp_min(0).mean()


def offset(flat):
    """How far channels (N, P, C) are from rectifying: their mean squared over their energy, above OFFSET."""
    share = flat.mean((0, 1)).square() / flat.square().mean((0, 1)).clamp_min(1e-8)
    return (share - OFFSET).clamp_min(0).mean()


# ---- training ----------------------------------------------------------------------------------------------------


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
        self.options, self.teacher, self.step, self.spent = options, teacher, 0, 0.0
        self.student, self.average = Student(), Student()
        self.average.load_state_dict(self.student.state_dict())
        self.optimizer = torch.optim.Adam(self.student.parameters(), betas=(0.9, 0.99))
        self.rng = random.Random(options.seed)
        self.maps, self.means = {tap: Map() for tap in TAPS}, {tap: Map() for tap in STYLE}
        self.queues = collections.defaultdict(collections.deque)
        self.recent, self.parts, self.still = collections.deque(maxlen=201), {}, False

    def state(self):
        parts = {n: getattr(self, n).state_dict() for n in ("student", "average", "optimizer")}
        return parts | {"step": self.step, "spent": self.spent, "rng": self.rng.getstate(), "still": self.still}

    def restore(self, state):
        for name in ("student", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.spent, self.still = state["step"], state["spent"], state["still"]
        self.rng.setstate(state["rng"])

    def begin(self, layers, pictures):
        """Start from a network {"relu1_1": (weight, bias), ...}, whose statistics stand still from the first step."""
        rng = random.Random(self.options.seed)
        images = torch.stack([crop(rng.choice(rng.choice(pictures)), 128, rng) for _ in range(128)])
        self.student.begin(layers, images)
        self.still = True
        self.average.load_state_dict(self.student.state_dict())

    def losses(self, found, true, size):
        """Features of both -> {(kind, tap): weighted loss}."""
        parts = {}
        for tap, features in found.items():
            places = PLACES if tap in STYLE else PLACES // 4
            mine = rows(features, places)
            parts["silence", tap] = 0.05 * silence(mine)
            parts["scale", tap] = 0.02 * mine.square().mean().log().square()  # left free, features grow a millionfold
            if "relu3" < tap < "relu4":  # earlier layers see colour, never negative; later ones follow the encoder
                parts["offset", tap] = 10.0 * offset(mine)
            if tap in true:
                theirs = rows(true[tap], places)
                own, product = moments(mine, theirs)
                best, length = self.maps[tap].fit(own, product), theirs.square().sum(2).mean(1)
                parts["feature", tap] = TAPS[tap] * feature_error(own, product, length, best)
                if tap in STYLE:
                    aim = gram(theirs)
                    parts["gram", tap] = 0.3 * TAPS[tap] * gram_error(own, aim, best)
                    parts["distance", tap] = 2.0 * TAPS[tap] * distance_error(own, aim, self.queues[tap, size])
                    mine, theirs = (cells(f, 2 ** (int(tap[4]) - 1)) for f in (features, true[tap]))
                    best = self.means[tap].fit(*moments(mine, theirs))
                    parts["mean", tap] = TAPS[tap] * mean_error(mine, theirs, best)
                if tap in CONTENT:
                    mine, theirs = rows(features, PLACES // 16), rows(true[tap], PLACES // 16)
                    parts["content", tap] = TAPS[tap] * distance_error(mine, theirs, self.queues["content", tap, size])
        return parts

    def advance(self, pictures):
        """One step of Adam on one batch of pictures of one size."""
        began, progress = time.monotonic(), self.step / self.options.steps
        size = TURNS[self.step % len(TURNS)]
        images = draw_batch(pictures, size, self.rng)
        deep = self.step // len(TURNS) % DEEP == 0
        taps = [tap for tap in TAPS if deep or tap not in ("relu3_2", "relu3_4")]
        with torch.autocast("cpu", torch.bfloat16, enabled=progress < EXACT):
            found = self.student(images, list(TAPS), frozen=self.still or progress >= FREEZE)
        parts = self.losses(found, self.teacher(images, taps), size)
        self.optimizer.param_groups[0]["lr"] = rate(self.step, self.options)
        self.optimizer.zero_grad()
        sum(parts.values()).backward()
        nn.utils.clip_grad_norm_(self.student.parameters(), 5.0)
        self.optimizer.step()
        self.blend()
        self.step += 1
        self.note(parts, time.monotonic() - began)

    @torch.no_grad()
    def blend(self):
        """Move the running average of the weights; it starts fast and settles at three hundred steps."""
        keep = min(0.997, (self.step + 1) / (self.step + 10))
        for mine, new in zip(self.average.state_dict().values(), self.student.state_dict().values(), strict=True):
            mine.lerp_(new, 1 - keep) if mine.is_floating_point() else mine.copy_(new)

    def note(self, parts, seconds):
        """Keep a running mean of the losses and the last step times, of which a report leaves out the slowest."""
        self.recent.append(seconds)
        self.spent += min(seconds, 10 * statistics.median(self.recent))
        for (kind, tap), loss in parts.items():
            value = loss.item() / TAPS[tap]
            old = self.parts.get((kind, tap), value)
            self.parts[kind, tap] = old + 0.02 * (value - old)

    def report(self):
        """One line: step, losses by layer, time left."""

        def listed(kind):
            return " ".join(f"{v:.3f}" for (k, t), v in sorted(self.parts.items()) if k == kind)

        each = statistics.mean(sorted(self.recent)[: math.ceil(0.95 * len(self.recent))])
        left = each * (self.options.steps - self.step) / 60
        print(
            f"{time.strftime('%H:%M:%S')} step {self.step}/{self.options.steps} {each:.3f} s  "
            f"feature {listed('feature')}  gram {listed('gram')}  distance {listed('distance')}  "
            f"mean {listed('mean')}  content {listed('content')}  offset {listed('offset')}  "
            f"silence {sum(v for (k, _), v in self.parts.items() if k == 'silence'):.3f}  "
            f"about {left:.0f} min left",
            flush=True,
        )


def write(thing, path):
    """Save beside, then rename: a file is there whole or not at all."""
    torch.save(thing, f"{path}.part")
    os.replace(f"{path}.part", path)


def train(training, pictures, stop):
    """Run to the last step or until asked to stop, saving as it goes."""
    options, saved, told = training.options, time.monotonic(), time.monotonic()
    while training.step < options.steps and not stop:
        training.advance(pictures)
        if time.monotonic() - told > options.tell:
            training.report()
            told = time.monotonic()
        if time.monotonic() - saved > EVERY:
            write(training.state(), options.checkpoint)
            saved = time.monotonic()
    write(training.state(), options.checkpoint)


# ---- the channels' factors, and the file -------------------------------------------------------------------------


def pair_distances(vectors):
    """Flat statistics (n, K) -> (n (n - 1) / 2,) logarithms of symmetric distances over all pairs."""
    upper = torch.triu_indices(len(vectors), len(vectors), 1)
    return log_distances(vectors, vectors)[upper[0], upper[1]]


def factors(grams, true, steps=400):
    """Gram matrices of both (n, C, C), (n, D, D) -> (C,) factors of the channels that fit the distances best."""
    logs = torch.zeros(grams.shape[1], requires_grad=True)
    aims, optimizer = pair_distances(true.flatten(1)), torch.optim.Adam([logs], lr=0.02)
    for _ in range(steps):
        factor = logs.exp()
        gaps = pair_distances((grams * factor[:, None] * factor).flatten(1)) - aims
        loss = gaps.var(correction=0) + 1e-3 * logs.square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (logs - logs.mean()).detach().exp()


def calibrate(layers, teacher, pictures, count, rng):
    """Give each channel its factor, from `count` crops, and take it out in the next convolution.

    In the layers of FITTED the factors fit the style distances (in the others that gained nothing); all of them bring the
    mean square of a layer's features to 1, which training leaves free.
    """
    seen, energy = {tap: [] for tap in FITTED}, dict.fromkeys(layers, 0.0)
    for _ in range(count):
        image = crop(rng.choice(rng.choice(pictures)), 256, rng)[None]
        found, true = chain(normalise(image), layers, list(layers)), teacher(image, FITTED)
        for name, features in found.items():
            energy[name] = energy[name] + features.square().mean((0, 2, 3)) / count
        for tap in FITTED:
            seen[tap].append((gram(rows(found[tap])), gram(rows(true[tap]))))
    before = torch.ones(3)
    for name, (weight, bias) in layers.items():
        factor = torch.ones(len(bias))
        if name in FITTED:
            factor = factors(*(torch.cat(grams) for grams in zip(*seen[name], strict=True)))
        factor = factor / (energy[name] * factor.square()).mean().clamp_min(1e-12).sqrt()
        layers[name] = weight * factor.view(-1, 1, 1, 1) / before.view(1, -1, 1, 1), bias * factor
        before = factor
    return layers


def export(student, options, teacher, pictures):
    """Write the folded and calibrated network in torchvision's layout, float16."""
    layers, index = {name: (w.detach(), b.detach()) for name, (w, b) in student.folded().items()}, conv_indices()
    layers, path = calibrate(layers, teacher, pictures, options.calibration, random.Random(options.seed)), options.out
    state = {}
    for name, (weight, bias) in layers.items():
        state[f"features.{index[name]}.weight"] = weight.detach().half().contiguous()
        state[f"features.{index[name]}.bias"] = bias.detach().half().contiguous()
    save_file(state, f"{path}.part", metadata={"format": "pt", "description": TAG})
    os.replace(f"{path}.part", path)


def earlier(path):
    """A weight file of an earlier student -> {"relu1_1": (weight, bias), ...}; exits with a message for any other."""
    try:
        layers = layers_of(VGG(path, device="cpu"))
    except (OSError, ValueError) as problem:
        sys.exit(f"--start: {path}: {problem}")
    shapes = {name: conv.weight.shape for name, conv in Student().convs.items()}
    if {name: weight.shape for name, (weight, _) in layers.items()} != shapes:
        sys.exit(f"--start: {path} holds other shapes than vgg19-mini's; name a file that this tool wrote")
    return layers


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--images", required=True, type=Path, nargs="+", help="folders of pictures, used equally often")
    add("--out", required=True, type=Path, help="where the weights go (safetensors)")
    add("--teacher-dir", type=Path, help="folder with VGG19's first blocks and an encoder; else torchvision's VGG19")
    add("--steps", type=int, default=18500)
    add("--seed", type=int, default=0)
    add("--rate", type=float, default=3e-3, help="highest learning rate")
    add("--held-out-every", type=int, default=6, help="one picture in this many is never trained on")
    add("--calibration", type=int, default=160, help="crops of 256 px for the channels' factors")
    add("--checkpoint", type=Path, help="checkpoint file (default: beside --out)")
    add("--threads", type=int, help="cores to use; on a busy machine fewer can be faster")
    add("--tell", type=float, default=20, help="seconds between progress lines")
    add("--start", type=Path, help="weights of an earlier network to begin with (default: random ones)")
    add("--resume", action="store_true", help="go on from the checkpoint")
    add("--export", action="store_true", help="only write the weights of the checkpoint")
    options = parser.parse_args()
    options.checkpoint = options.checkpoint or options.out.with_suffix(".checkpoint.pt")
    return options


def main():
    options, stop = arguments(), []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    torch.set_num_threads(options.threads or torch.get_num_threads())
    start = options.start and earlier(options.start)
    teacher = Teacher(options.teacher_dir)
    training = Training(options, teacher)
    if (options.resume or options.export) and options.checkpoint.exists():
        training.restore(torch.load(options.checkpoint, weights_only=True))
    for folder in options.images:
        if not folder.is_dir():
            sys.exit(f"--images: {folder} is no folder; name one that holds pictures (jpg, png)")
    files, held = split(options.images, options.held_out_every)
    for folder, found in zip(options.images, files, strict=True):
        if not found:
            sys.exit(f"--images: {folder} holds no picture (jpg, png) to train on beside those held out")
    print(f"{sum(map(len, files))} pictures to train on, {len(held)} held out", flush=True)
    pictures = [[read(p) for p in folder] for folder in files]
    if start and not training.step:
        training.begin(start, pictures)
    if not options.export:
        train(training, pictures, stop)
    export(training.average, options, teacher, pictures)
    print(f"step {training.step} of {options.steps}, {training.spent / 60:.0f} min; wrote {options.out}")


if __name__ == "__main__":
    main()
