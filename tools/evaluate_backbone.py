"""Measure networks for style transfer against VGG19, in one table.

    python tools/evaluate_backbone.py mini random other.safetensors --images DIR --teacher-dir DIR
    python tools/evaluate_backbone.py mini --images DIR --only style,size --json table.json

A network is `mini` (the embedded one), a file in torchvision's layout, `random` (the shape of mini with random
weights), `encoder` (the published small encoder in --teacher-dir) or `vgg19`. What they are measured against is
torchvision's VGG19, or, with --teacher-dir, VGG19's first three blocks and the encoder where the blocks end (layers
judged by the encoder carry a star).

    style    Spearman rank correlation of style distances over all pairs of held-out pictures
    content  the same for content distances
    cross    style error, measured in VGG19's layers, of pictures painted with the network
    speed    ms per evaluation: the five style layers and the gradient of the image
    size     parameters, bytes, channels that fire on no picture
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers.transfer import content_loss, gram, optimise, style_loss  # noqa: E402
from helpers.vgg import MINI, VGG  # noqa: E402
from tools.distill import STYLE, WIDTHS, Teacher, chain, conv_indices, read, resize, split  # noqa: E402

CONTENT = ("relu3_1", "relu3_4", "relu4_2")
TRUE = ("relu1_1", "relu2_1", "relu3_1")  # where the painted pictures are measured
EVALUATIONS, CONTENT_WEIGHT = 150, 0.05
TOPICS = ("style", "content", "cross", "speed", "size")


# ---- networks ----------------------------------------------------------------------------------------------------


class Encoder:
    """The small encoder behind the same call as VGG: encoder(image, layers) -> {layer: (1, C, h, w)}."""

    def __init__(self, folder):
        teacher = Teacher(folder)
        self.first, self.layers = teacher.first, teacher.encoder

    def __call__(self, image, layers):
        return chain(F.conv2d(image, *self.first), self.layers, layers, padding="reflect")


class Reference:
    """VGG19 as far as it is at hand, and the encoder beyond; layers of the latter are in `stood_in`."""

    def __init__(self, folder):
        self.vgg = VGG(Path(folder) / "vgg19-blocks1-3.safetensors" if folder else "vgg19", device="cpu")
        self.encoder = Encoder(folder) if folder else None
        self.stood_in = [name for name in (*STYLE, *CONTENT) if name not in self.vgg.layers]

    def __call__(self, image, layers):
        near = [name for name in layers if name not in self.stood_in]
        deep = [name for name in layers if name in self.stood_in]
        found = self.vgg(image, near) if near else {}
        return found | (self.encoder(image, deep) if deep else {})


def random_file(folder, seed=0):
    """Write a network of the mini's shape with He-initialised weights -> its path."""
    torch.manual_seed(seed)
    state, before = {}, 3
    for name, index in conv_indices().items():
        conv = torch.nn.Conv2d(before, WIDTHS[int(name[4]) - 1], 3)
        torch.nn.init.kaiming_normal_(conv.weight)
        state[f"features.{index}.weight"], state[f"features.{index}.bias"] = conv.weight.data, 0 * conv.bias.data
        before = conv.out_channels
    path = Path(folder) / "random.safetensors"
    save_file(state, path)
    return path


def network(name, teacher_dir):
    """A name from the command line -> (something to call with an image and layers, its file or None)."""
    if name == "encoder":
        return Encoder(teacher_dir), None
    if name == "random":
        with tempfile.TemporaryDirectory() as folder:
            return VGG(random_file(folder), device="cpu"), None
    path = MINI if name == "mini" else Path(name)
    return VGG(name, device="cpu"), path if path.exists() else None


# ---- pictures and statistics -------------------------------------------------------------------------------------


def square(path, size):
    """A picture file -> its middle as a square (1, 3, size, size), RGB in [0, 1]."""
    image = read(path)
    height, width = (max(size, round(n * size / min(image.shape[1:]))) for n in image.shape[1:])
    y, x = (height - size) // 2, (width - size) // 2
    return resize(image, height, width)[None, :, y : y + size, x : x + size].contiguous()


def ranks(values):
    """(n,) -> the place of each value in ascending order, (n,), float."""
    return values.argsort().argsort().double()


def spearman(one, two):
    """Spearman's rank correlation of two lists of values, -1 to 1."""
    return torch.corrcoef(torch.stack([ranks(one), ranks(two)]))[0, 1].item()


def distances(vectors, measure):
    """Flat statistics (n, K) of n pictures -> (n (n - 1) / 2,) distances over all pairs.

    measure: "symmetric" |a - b|^2 / (|a| |b|), "relative" |a - b|^2 / |b|^2, "plain" |a - b|^2.
    """
    pairs = list(itertools.combinations(range(len(vectors)), 2))
    squared = torch.stack([(vectors[a] - vectors[b]).square().sum() for a, b in pairs])
    norm = vectors.square().sum(1)
    a, b = torch.tensor(pairs).T
    return squared / {"symmetric": (norm[a] * norm[b]).sqrt(), "relative": norm[b], "plain": 1.0}[measure]


@torch.no_grad()
def statistics_of(net, images, layers, form):
    """{layer: (n, K)} of n images: form(features) flat, for the layers that the network has."""
    rows = [{name: form(f).flatten() for name, f in net(image, layers).items()} for image in images]
    return {name: torch.stack([row[name] for row in rows]) for name in layers}


# ---- the topics --------------------------------------------------------------------------------------------------


def style(net, reference, images, known):
    """Rank correlation of style distances with the reference's, per layer and for blocks 1 to 3 together."""
    own, true = statistics_of(net, images, STYLE, gram), known["gram"]
    table = {}
    for measure in ("symmetric", "relative", "plain"):
        mine, theirs = ({name: distances(s[name], measure) for name in STYLE} for s in (own, true))
        for name in STYLE:
            star = "*" if name in reference.stood_in else ""
            table[f"style {measure} {name}{star}"] = spearman(mine[name], theirs[name])
        if measure != "plain":
            both = [sum(d[name] for name in TRUE) for d in (mine, theirs)]
            table[f"style {measure} blocks 1-3"] = spearman(*both)
    return table


def content(net, reference, images, known):
    """Rank correlation of content distances with the reference's."""
    own, table = statistics_of(net, images, CONTENT, lambda f: f), {}
    for name in CONTENT:
        mine, theirs = (distances(s[name], "symmetric") for s in (own, known["features"]))
        table[f"content {name}{'*' if name in reference.stood_in else ''}"] = spearman(mine, theirs)
    return table


def paint(net, photo, painting):
    """Gatys' method with the network's five style layers and relu4_2 -> the image as saved, in 8 bits."""
    with torch.no_grad():
        aims = {name: gram(f) for name, f in net(painting, list(STYLE)).items()}
        target = net(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        found = net(image, [*STYLE, "relu4_2"])
        wrong = sum(style_loss(found[name], aim) for name, aim in aims.items()) / len(aims)
        return wrong + CONTENT_WEIGHT * content_loss(found["relu4_2"], target)

    done = optimise(photo, loss, EVALUATIONS).image
    return (done.clamp(0, 1) * 255).round() / 255


def cross(net, reference, pairs):
    """Style error in the reference's layers after painting with the network, for (name, photo, painting) triples."""
    table = {}
    for title, photo, painting in pairs:
        image = paint(net, photo, painting)
        with torch.no_grad():
            found, aims = reference(image, TRUE), reference(painting, TRUE)
        for name in TRUE:
            table[f"cross {title} {name}"] = style_loss(found[name], gram(aims[name])).item()
    return table


def evaluation(net, image, exact):
    """One evaluation as painting does it: five style layers, and the gradient of the image; seconds."""
    began = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=not exact):
        found = net(image, list(STYLE))
    sum(gram(f).square().mean() for f in found.values()).backward()
    return time.perf_counter() - began


def speed(nets, rounds):
    """{network: {row: ms}}: medians over interleaved rounds, beside a VGG19 whose weights do not matter."""
    import torchvision

    plain = torchvision.models.vgg19(weights=None).state_dict()
    with tempfile.TemporaryDirectory() as folder:
        save_file({k: v for k, v in plain.items() if k.startswith("features")}, f"{folder}/vgg19.safetensors")
        nets = nets | {"VGG19": VGG(f"{folder}/vgg19.safetensors", device="cpu")}
    runs = {}
    for number, size, exact, name in itertools.product(range(rounds + 1), (256, 512), (True, False), nets):
        layout = torch.contiguous_format if exact else torch.channels_last
        image = torch.rand(1, 3, size, size).contiguous(memory_format=layout).requires_grad_()
        seconds = evaluation(nets[name], image, exact)
        if number:  # the first round warms up
            runs.setdefault((name, f"{size} px {'float32' if exact else 'bf16'}"), []).append(1000 * seconds)
    return speed_table({key: statistics.median(times) for key, times in runs.items()})


def speed_table(medians):
    """{(network, setting): ms} -> {network: {row: ms or how many times as fast as VGG19}}."""
    table = {}
    for (name, setting), ms in medians.items():
        rows = table.setdefault(name, {})
        rows[f"speed ms {setting}"] = ms
        rows[f"speed VGG19 / this {setting}"] = medians["VGG19", setting] / ms
    return table


@torch.no_grad()
def size(net, file, images):
    """Parameters, bytes on disk, and by layer the channels that fire on no picture."""
    table, layers = {}, list(conv_indices())
    if isinstance(net, VGG):
        table["size parameters"] = sum(p.numel() for p in net.parameters())
    if file:
        table["size bytes"] = file.stat().st_size
    rows = statistics_of(net, images, layers, lambda f: f.amax((2, 3)))
    dead = {name: int((peak.amax(0) <= 0).sum()) for name, peak in rows.items()}
    table["size dead channels"] = sum(dead.values())
    if any(dead.values()):
        table["size where dead"] = ", ".join(f"{count} in {name}" for name, count in dead.items() if count)
    return table


# ---- the table ---------------------------------------------------------------------------------------------------


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("networks", nargs="+", help="mini, random, encoder, vgg19 or a file in torchvision's layout")
    add("--images", type=Path, required=True, help="folder of pictures of which the held-out ones are used")
    add("--held-out-every", type=int, default=6, help="as in distill.py; 1 takes all pictures of the folder")
    add("--teacher-dir", type=Path, help="folder with VGG19's first blocks and the encoder; else torchvision's VGG19")
    add(
        "--pair",
        action="append",
        nargs=2,
        type=Path,
        default=[],
        metavar=("PHOTO", "PAINTING"),
        help="two picture files for cross evaluation; may be given several times",
    )
    add("--only", default=",".join(TOPICS), help=f"some of {','.join(TOPICS)}")
    add("--px", type=int, default=256, help="side of the squares")
    add("--rounds", type=int, default=7, help="repetitions for the times")
    add("--json", type=Path, help="also write the table here")
    return parser.parse_args()


def pictures(options):
    """The held-out pictures, each (1, 3, px, px)."""
    every = options.held_out_every
    files = sorted(options.images.iterdir()) if every == 1 else split([options.images], every)[1]
    return [square(path, options.px) for path in files]


def reference_statistics(reference, images, topics):
    """What the reference makes of the pictures, once for all networks."""
    known = {}
    if "style" in topics:
        known["gram"] = statistics_of(reference, images, STYLE, gram)
    if "content" in topics:
        known["features"] = statistics_of(reference, images, CONTENT, lambda f: f)
    return known


def measure(options):
    """The options -> {network: {row: value}}."""
    topics, images, reference = options.only.split(","), pictures(options), Reference(options.teacher_dir)
    print(f"{len(images)} pictures of {options.px} px, {len(images) * (len(images) - 1) // 2} pairs", flush=True)
    known = reference_statistics(reference, images, topics)
    pairs = [(f"{a.stem} x {b.stem}", square(a, options.px), square(b, options.px)) for a, b in options.pair]
    nets = {name: network(name, options.teacher_dir) for name in options.networks}
    table = {name: {} for name in nets}
    for name, (net, file) in nets.items():
        for topic, work in {
            "style": lambda net=net: style(net, reference, images, known),
            "content": lambda net=net: content(net, reference, images, known),
            "cross": lambda net=net: cross(net, reference, pairs),
            "size": lambda net=net, file=file: size(net, file, images),
        }.items():
            table[name] |= work() if topic in topics else {}
    if "speed" in topics:
        for name, rows in speed({name: net for name, (net, _) in nets.items()}, options.rounds).items():
            table.setdefault(name, {}).update(rows)
    return table


def show(table):
    """Print {network: {row: value}} with a line for each row and a column for each network."""
    heads = {name: Path(name).stem if "/" in name else name for name in table}
    lines = list(dict.fromkeys(row for rows in table.values() for row in rows))
    wide = max(map(len, lines))
    print(f"| {'':{wide}} | " + " | ".join(f"{head:>12}" for head in heads.values()) + " |")
    print(f"|{'-' * (wide + 2)}|" + "|".join("-" * 13 + ":" for _ in heads) + "|")
    for row in lines:
        cells = (table[name].get(row, "") for name in heads)
        print(
            f"| {row:{wide}} | "
            + " | ".join(f"{cell:>12.4g}" if isinstance(cell, float) else f"{cell!s:>12}" for cell in cells)
            + " |"
        )


def main():
    options = arguments()
    table = measure(options)
    show(table)
    if options.json:
        options.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
