"""Make the pictures of data/results: what takes too long to paint each time a page is read.

    python tools/make_results.py [name ...]      all of them, or the named ones

Each file carries the settings that made it; `helpers.images.read_settings(path)` gives them back.
"""

import argparse
import inspect
import json
import sys
import time
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.fast import fast, matched_colour, pyramid  # noqa: E402
from helpers.images import as_saved, credit, load, names, noise, read_settings, save, to_pil, write_file  # noqa: E402
from helpers.recipes import RECIPES, paint, recipe  # noqa: E402
from helpers.show import show  # noqa: E402
from helpers.transfer import content_loss, gram, optimise, range_penalty, style_loss, total_variation  # noqa: E402
from helpers.vgg import VGG  # noqa: E402

RESULTS = ROOT / "data" / "results"
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
LARGE = ((256, 60), (512, 40), (1024, 25))  # (pixels of the long side, evaluations), from coarse to fine
MIDDLE = ((256, 40), (384, 20))


def mean_style(features, targets):
    """Mean style error over the five layers: features by layer name, targets their Gram matrices -> scalar."""
    return sum(style_loss(features[name], targets[name]) for name in STYLE) / len(STYLE)


def total_loss(vgg: VGG, photo: Tensor, style: Tensor, content_weight: float):
    """The loss of notebook 06 for one pair of pictures: image -> scalar."""
    targets = {name: gram(features) for name, features in vgg(style, STYLE).items()}
    content = vgg(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        features = vgg(image, [*STYLE, "relu4_2"])
        return mean_style(features, targets) + content_weight * content_loss(features["relu4_2"], content)

    return loss


def style_errors(painting: Tensor, style: Tensor, judge: VGG | None = None) -> list[float]:
    """The style error at relu1_1 ... relu5_1 of a painting as saved, measured in float32.

    judge: the network that measures; the original VGG19 with max pooling by default.
    """
    judge = judge or VGG(device=painting.device)
    with torch.no_grad():
        targets = {name: gram(features) for name, features in judge(style, STYLE).items()}
        features = judge(as_saved(painting), STYLE)
    return [style_loss(features[name], targets[name]).item() for name in STYLE]


def enlarged(image: Tensor, photo: Tensor) -> Tensor:
    """An image brought to the size of a photo."""
    return torch.nn.functional.interpolate(image, photo.shape[2:], mode="bicubic", antialias=True).clamp(0, 1)


def coarse_to_fine(vgg: VGG, content: str, style: str, content_weight: float, plan, style_scale: float = 1.0) -> Tensor:
    """Paint at growing sizes, each from the enlarged result before; the first begins with the photo in matched colours.

    plan: (pixels of the long side, evaluations of L-BFGS on a pyramid). style_scale: the style's long side, as a
    multiple of the painting's. Returns the image (1, 3, H, W) at the last size.
    """
    image = None
    for size, evaluations in plan:
        photo = load(content, size).to(vgg.device)
        painting = load(style, round(style_scale * size)).to(vgg.device)
        image = matched_colour(photo, painting) if image is None else enlarged(image, photo)
        loss = total_loss(vgg, photo, painting, content_weight)
        image = optimise(image, loss, evaluations, via=pyramid).image
    return image


def save_painting(image: Tensor, path: Path, vgg: VGG, settings: dict) -> None:
    """Save a painting with its settings, and print what a network like its own says of it in float32."""
    judge = VGG(vgg.name, pool=vgg.pool, device=image.device)
    size = round(settings["style_scale"] * max(image.shape[2:]))
    errors = style_errors(image, load(settings["style"], size).to(image.device), judge)
    note = {"network": vgg.name, "pool": vgg.pool, "method": "L-BFGS on a pyramid, from matched colours", **settings}
    save(image, path, {**note, "style_errors": [round(error, 4) for error in errors]}, quality=90)
    layers = " ".join(f"{error:.4f}" for error in errors)
    print(f"  {path.name}: mean style error {sum(errors) / 5:.4f}, from relu1_1 to relu5_1 {layers}", flush=True)


def hero(content: str, style: str, content_weight: float, style_scale: float = 1.0, plan=LARGE):
    """A function that paints one pair at 1,024 pixels and saves it."""
    settings = {
        "content": content,
        "style": style,
        "content_weight": content_weight,
        "style_scale": style_scale,
        "plan": plan,
    }

    def make(vgg: VGG, path: Path) -> None:
        net = fast(VGG(device=vgg.device))
        save_painting(coarse_to_fine(net, **settings), path, net, settings)

    return make


WALL_PHOTOS = {  # and the weight of their content
    "tubingen_neckarfront": 0.03,
    "roman_colosseum": 0.03,
    "lake_sherburne": 0.03,
    "river_otter": 0.05,
    "china": 0.03,
    "chelsea": 0.03,
}
WALL_STYLES = {  # and their long side, as a multiple of the painting's
    "starry_night": 1.25,
    "munch_the_scream": 1.25,
    "kandinsky_composition_vii": 1.25,
    "hokusai_great_wave": 1.5,
    "vangogh_wheat_field_cypresses": 1.25,
    "signac_la_calanque": 1.5,
    "mosaic": 1.25,
    "stained_glass": 1.25,
}


def wall(vgg: VGG, path: Path) -> None:
    """Six photos after eight styles, each painted at 384 pixels and kept in the folder `wall`; and all on one sheet.

    A painting that is there already, with the same settings, is not painted again.
    """
    net = fast(VGG(device=vgg.device))
    tiles = []
    for content, weight in WALL_PHOTOS.items():
        for style, scale in WALL_STYLES.items():
            file = path.parent / "wall" / f"{content}_{style}.jpg"
            pair = {"content": content, "style": style, "content_weight": weight}
            paint_once(net, file, MIDDLE, style_scale=scale, **pair)
            tiles.append(load(file, None))
    contact_sheet(tiles, len(WALL_STYLES), 240, 240).save(path, quality=88)


FIGURE = ((256, 60), (512, 40), (1024, 15), (1024, 20))  # twice at the last size: L-BFGS begins anew
FIGURE_STYLES = {  # of the paper's figure, in its order, and the weight of the content
    "turner_shipwreck_minotaur": 0.03,
    "starry_night": 0.03,
    "munch_the_scream": 0.03,
    "kandinsky_composition_vii": 0.03,
}


def paper_figure(vgg: VGG, path: Path) -> None:
    """Figure 3 of Gatys et al. (2016): Tübingen after four paintings, each kept in the folder `paper`; and on one sheet.

    As in the paper: the photo and the paintings, the network (VGG19 with mean activations of 1 and average pooling),
    the layers (after their ReLU), and the style at the painting's size. Not as in the paper: its fifth painting, by
    Picasso, is not in the public domain; our errors are relative; we start from the photo in matched colours and not
    from noise; and L-BFGS works on a pyramid, from coarse to fine.
    """
    net = fast(VGG(pool="avg", normalised=True, device=vgg.device))
    tiles = []
    for style, weight in FIGURE_STYLES.items():
        file = path.parent / "paper" / f"tubingen_{style}.jpg"
        paint_once(net, file, content="tubingen_neckarfront", style=style, content_weight=weight, plan=FIGURE)
        tiles.append(load(file, None))
    contact_sheet(tiles, 2, 800, 600).save(path, quality=90)


def paint_once(net: VGG, file: Path, plan, style_scale: float = 1.0, **pair) -> None:
    """Paint a pair from coarse to fine and save it, unless the file holds that very painting already."""
    settings = {**pair, "style_scale": style_scale, "plan": plan}
    if not is_painted(file, {"network": net.name, "pool": net.pool, **settings}):
        save_painting(coarse_to_fine(net, **settings), file, net, settings)


def is_painted(file: Path, settings: dict) -> bool:
    """Whether a file holds the painting with these settings."""
    if not file.is_file():
        return False
    known = read_settings(file)
    return all(json.dumps(known.get(key)) == json.dumps(value) for key, value in settings.items())


def contact_sheet(tiles: list[Tensor], columns: int, width: int, height: int, gap: int = 6):
    """Pictures cut to one size, in rows on white -> PIL image."""
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for i, tile in enumerate(tiles):
        down, across = divmod(i, columns)
        cut = ImageOps.fit(to_pil(tile), (width, height), Image.Resampling.LANCZOS)
        sheet.paste(cut, (across * (width + gap), down * (height + gap)))
    return sheet


INSIDE_FIELDS = {  # layer -> what a place of it sees, and how far the next place is, in pixels
    "relu1_1": (3, 1),
    "relu2_1": (10, 2),
    "relu3_1": (24, 4),
    "relu4_1": (68, 8),
    "relu5_1": (156, 16),
}
INSIDE_PICKED = {"relu1_1": 29, "relu2_1": 34, "relu3_1": 117, "relu4_1": 264, "relu5_1": 457}


def inside_patches(vgg: VGG, path: Path) -> None:
    """Notebook 01's question, asked of VGG19 (left) and of the same network with random weights (right).

    A row a layer; each patch is what one place of that layer sees where one channel is strongest in one picture. The
    channels of VGG19 are those picked in the notebook; the random network's are those that vary most in the photo.
    """
    untrained = randomised(VGG(device=vgg.device))
    pictures = {name: load(name, 384).to(vgg.device) for name in names()}
    with torch.no_grad():
        photo = untrained(load("astronaut", 256).to(vgg.device), STYLE)
    liveliest = {layer: f[0, :, 2:-2, 2:-2].std((1, 2)).argmax().item() for layer, f in photo.items()}
    sides = [exciting_patches(vgg, pictures, INSIDE_PICKED), exciting_patches(untrained, pictures, liveliest)]
    tile, gap, margin, top, between = 112, 6, 76, 34, 30
    columns = len(sides[0]["relu1_1"])
    half = columns * (tile + gap) - gap
    sheet = Image.new("RGB", (margin + 2 * half + between, top + len(STYLE) * (tile + gap) - gap), "white")
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(18)
    small = ImageFont.load_default(15)
    for side, title in enumerate(("VGG19", "the same network with random weights")):
        left = margin + side * (half + between)
        pen.text((left + half / 2, 6), title, fill="#222222", font=font, anchor="ma")
        for row, layer in enumerate(STYLE):
            down = top + row * (tile + gap)
            pen.text((0, down + tile / 2), layer, fill="#222222", font=small, anchor="lm")
            for column, patch in enumerate(sides[side][layer]):
                how = Image.Resampling.NEAREST if patch.shape[3] < 32 else Image.Resampling.LANCZOS
                square = to_pil(patch).resize((tile, tile), how)
                sheet.paste(square, (left + column * (tile + gap), down))
    sheet.save(path, quality=90)


def randomised(net: VGG) -> VGG:
    """A network with its weights drawn anew, as in notebook 01: He et al. (2015), and biases of zero."""
    generator = torch.Generator().manual_seed(0)
    for name, layer in net.layers.items():
        if name.startswith("conv"):
            spread = (2 / layer.weight[0].numel()) ** 0.5
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator) * spread)
            layer.bias.zero_()
    return net


def exciting_patches(net: VGG, pictures: dict[str, Tensor], channels: dict[str, int], n: int = 6):
    """{layer: what its channel sees where it is strongest, in the n pictures in which it gets strongest}."""
    with torch.no_grad():
        maps = {name: {la: f[0, channels[la]] for la, f in net(p, STYLE).items()} for name, p in pictures.items()}
    patches = {}
    for layer, (field, jump) in INSIDE_FIELDS.items():
        margin = -(-(field - jump) // (2 * jump))  # places nearer to the border see the frame of zeros
        inside = {name: found[layer][margin:-margin, margin:-margin] for name, found in maps.items()}
        best = sorted(inside, key=lambda name: inside[name].max().item(), reverse=True)[:n]  # noqa: B023
        patches[layer] = []
        for name in best:
            place = divmod(inside[name].argmax().item(), inside[name].shape[1])
            top, left = ((i + margin) * jump - (field - jump) // 2 for i in place)
            patches[layer].append(pictures[name][..., top : top + field, left : left + field])
    return patches


def depths(vgg: VGG, path: Path) -> None:
    """Notebook 02: one photo rebuilt from the first layer of each block, with more pixels and more evaluations."""
    net = fast(VGG(pool="avg", device=vgg.device))
    photo = load("tubingen_neckarfront", 320).to(vgg.device)
    pictures = {"photo": photo}
    for layer in STYLE:  # the same five layers: relu1_1 ... relu5_1
        with torch.no_grad():
            target = net(photo, [layer])[layer]

        def loss(image, layer=layer, target=target):
            return content_loss(net(image, [layer])[layer], target) + 2 * total_variation(image)

        pictures[layer] = optimise(quiet(photo, seed=0), loss, 100, via=pyramid).image
        print(f"  {layer}", flush=True)
    sheet = show(
        list(pictures.values()), list(pictures), columns=3, alt="A photo, rebuilt from five depths of a network."
    )
    sheet.pil.save(path, quality=88)


def style_map(vgg: VGG, path: Path) -> None:
    """Notebook 03's map, larger: every picture of data/ and the first painting, placed by style distance."""
    files = {name: name for name in names()} | {"the painting": RESULTS / "first_painting.jpg"}
    labels = list(files)
    with torch.no_grad():
        grams = [[gram(f) for f in vgg(load(file, 192).to(vgg.device), STYLE).values()] for file in files.values()]
    table = torch.zeros(len(grams), len(grams))
    for i in range(len(grams)):
        for j in range(i):
            table[i, j] = table[j, i] = sum(map(apart, grams[i], grams[j])) / len(STYLE)
    centre = torch.eye(len(table)) - 1 / len(table)
    values, vectors = torch.linalg.eigh(-centre @ table @ centre / 2)
    places = (vectors * values.clamp_min(0).sqrt())[:, -2:].flip(1)
    cat, night = places[labels.index("chelsea")], places[labels.index("starry_night")]
    places = places * torch.stack([cat[0], -night[1]]).sign()  # the cat at the right, the night at the top
    unit = (places - places.min(0).values) / (places.max(0).values - places.min(0).values)
    width, height, longest = 1600, 1100, 150
    stamps = [to_pil(load(file, longest)) for file in files.values()]
    sizes = torch.tensor([stamp.size for stamp in stamps]).float()
    room = torch.tensor([width - longest, height - longest])
    centres = pushed_apart(unit * room + longest / 2, sizes, width, height)
    canvas = Image.new("RGB", (width, height), "white")
    for stamp, corner in zip(stamps, (centres - sizes / 2).round().int().tolist(), strict=True):
        canvas.paste(stamp, tuple(corner))
    canvas.save(path, quality=88)


def pushed_apart(centres: Tensor, sizes: Tensor, width: int, height: int, rounds: int = 300) -> Tensor:
    """Overlapping pictures moved away from each other, as in notebook 03; centres and sizes (n, 2), in pixels."""
    for _ in range(rounds):
        away = centres[:, None] - centres[None, :]
        overlap = (sizes[:, None] + sizes[None, :]) / 2 + 6 - away.abs()
        touching = (overlap > 0).all(2, keepdim=True)
        shorter_way = overlap == overlap.amin(2, keepdim=True)
        centres = centres + (touching * shorter_way * overlap * away.sign() / 4).sum(1)
        centres = centres.maximum(sizes / 2).minimum(torch.tensor([width, height]) - sizes / 2)
    return centres


def apart(a, b) -> float:
    """Notebook 03's distance between two Gram matrices: 0 equal, 1 nothing in common."""
    return ((a - b).square().sum() / (a.square().sum() + b.square().sum())).item()


def textures(vgg: VGG, path: Path) -> None:
    """Notebook 04: a piece of four pictures, and below it a texture made from the Gram matrices of the whole."""
    net = fast(VGG(device=vgg.device))
    pieces, made = [], []
    for name in ("starry_night", "red_brick", "autumn_leaves", "morris_holland_park_carpet"):
        picture = load(name, 384).to(vgg.device)
        pieces.append(picture[..., :256, -256:])
        made.append(as_saved(optimise(quiet(pieces[-1], seed=0), texture_loss(net, picture), 60, via=pyramid).image))
        print(f"  {name}", flush=True)
    contact_sheet(pieces + made, 4, 256, 256).save(path, quality=88)


def quiet(like: torch.Tensor, seed: int) -> torch.Tensor:
    """Mid-grey with a fifth of the contrast of uniform noise: notebook 04's start."""
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)


def texture_loss(vgg: VGG, painting):
    """The mean style error over the five layers: image -> scalar."""
    targets = {name: gram(features) for name, features in vgg(painting, STYLE).items()}

    return lambda image: mean_style(vgg(image, STYLE), targets)


def ratio(vgg: VGG, path: Path) -> None:
    """Notebook 05's walk along the front, larger: one photo, six content weights."""
    net = fast(VGG(device=vgg.device))
    paintings, titles = [], []
    for weight in (0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        image = coarse_to_fine(net, "desert_dune", "hokusai_great_wave", weight, ((256, 45), (384, 25)), 1.25)
        paintings.append(as_saved(image))
        titles.append(f"content weight {weight:g}")
        print(f"  {titles[-1]}", flush=True)
    sheet = show(paintings, titles, columns=3, height=208, alt="One photo, painted with six weights of its content.")
    sheet.pil.save(path, quality=90)


def ten_steps(vgg: VGG, path: Path) -> None:
    """Notebook 07's gallery, larger: the photo and the picture after 1, 2, 5 and 10 steps of up to 20 evaluations."""
    net = fast(VGG(device=vgg.device))
    photo, style = load("coffee", 384).to(net.device), load("stained_glass", 480).to(net.device)
    painted, moments = total_loss(net, photo, style, content_weight=0.05), {"the photo": photo}
    image = photo.clone().requires_grad_()
    optimiser = torch.optim.LBFGS([image], max_iter=20, tolerance_grad=0, tolerance_change=0)

    def closure():
        image.grad = None
        loss = painted(image) + 0.3 * total_variation(image) + 100 * range_penalty(image)
        loss.backward()
        return loss

    for step in range(1, 11):
        optimiser.step(closure)
        if step in (1, 2, 5, 10):
            moments[f"step {step}"] = as_saved(image)
    tiles = [*moments.values(), style]
    sheet = show(
        tiles, [*moments, "the style"], columns=3, height=209, alt="Five moments of one painting, and its style."
    )
    sheet.pil.save(path, quality=90)


def museum(vgg: VGG, path: Path) -> None:
    """Notebook 12: one photo and one style, a right program and seven bugs, all with 45 evaluations at 256 px."""
    net = fast(VGG(device=vgg.device))
    photo, style = load("astronaut", 256)[..., :176, :].to(vgg.device), load("stained_glass", 320).to(vgg.device)
    start = matched_colour(photo, style)
    convs, modules = [layer.replace("relu", "conv") for layer in STYLE], dict(net.layers.items())
    shallow = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]

    def undivided(image, layers):
        return net((image - net.mean) * net.std + net.mean, layers)

    def overwritten(image, layers):  # relu under the names of conv, but for the last
        x = ((image - net.mean) / net.std).to(net.dtype)
        kept, last = {}, max(list(modules).index(layer) for layer in layers)
        for name in list(modules)[: last + 1]:
            x = x.relu_() if name.startswith("relu") else modules[name](x)
            kept[name] = x
        return {layer: kept[layer] for layer in layers}

    def by_channels(features):  # divided by C C, and not by the places
        return gram(features) * features.shape[2] * features.shape[3] / features.shape[1] ** 2

    def one_axis(image):
        return 20 * (image[..., :, 1:] - image[..., :, :-1]).square().mean()

    def program(layers=STYLE, content="relu4_2", look=net, targets_by=None, smooth=None):
        with torch.no_grad():
            targets = {name: gram(features) for name, features in (targets_by or look)(style, layers).items()}
            kept = (targets_by or look)(photo, [content])[content]

        def loss(image):
            features = look(image, [*layers, content])
            errors = [style_loss(features[name], targets[name]) for name in layers]
            total = sum(errors) / len(layers) + 0.03 * content_loss(features[content], kept)
            return total + smooth(image) if smooth else total

        return loss

    def counted():
        kept = net(photo, ["relu4_2"])["relu4_2"]
        targets = {name: by_channels(features) for name, features in net(style, STYLE).items()}

        def parts(image):
            features = net(image, [*STYLE, "relu4_2"])
            errors = [(by_channels(features[name]) - targets[name]).square().mean() for name in STYLE]
            return sum(errors), 0.03 * content_loss(features["relu4_2"], kept)

        unit = parts(start)[0].detach()

        def loss(image):
            style_part, content_part = parts(image)
            return style_part / unit + content_part

        return loss

    programs = {
        "the right one": program(),
        "1: names that lie": program(shallow, "conv2_2"),
        "2: as named, conv": program(convs, "conv4_2"),
        "2: as got, overwritten": program(convs, "conv4_2", overwritten),
        "4: one side not divided": program(look=undivided, targets_by=net),
        "5: the early stop": None,
        "6: divided by C C": counted(),
        "one axis": program(smooth=one_axis),
    }
    tiles = {}
    for name, loss in programs.items():
        if loss is None:  # PyTorch's tolerances, and a loss times a millionth: the first gradient counts as zero
            image = start.clone().requires_grad_()
            optimiser = torch.optim.LBFGS([image])
            tiles[name] = as_saved(optimise_alone(optimiser, image, programs["the right one"]))
        else:
            tiles[name] = as_saved(optimise(start, loss, 45, via=pyramid).image)
        print(f"  {name}: {sum(style_errors(tiles[name], style)) / 5:.4f}", flush=True)
    sheet = show(list(tiles.values()), list(tiles), columns=4, alt="One right program and seven bugs, on one photo.")
    sheet.pil.save(path, quality=90)


def optimise_alone(optimiser, image: Tensor, loss) -> Tensor:
    """Four steps of an optimiser on a millionth of a loss, with the optimiser's own tolerances."""

    def closure():
        optimiser.zero_grad()
        value = 1e-6 * loss(image)
        value.backward()
        return value

    for _ in range(4):
        optimiser.step(closure)
    return image.detach()


SEARCH = {"optimiser": {"name": "LBFGS", "lr": 1, "line_search_fn": "strong_wolfe"}}  # against a first leap
GALLERY = {  # recipes of notebook 08's sheet: evaluations, and what is changed for a short run at 256 pixels
    "ours": (60, {}),
    "gatys": (60, SEARCH),
    "gatys_2016": (  # the weights of its authors' own program for the normalised network, leongatys/NeuralImageSynthesis
        60,
        {
            **SEARCH,
            "network": "vgg19-normalised",
            "input": "torchvision",
            "content": {"relu4_2": 1e6},
            "content_error": "mean",
            "style": dict.fromkeys(STYLE, 2e8),
            "gram": "places",
            "style_error": "mean",
            "start": "content",
        },
    ),
    "gordicaleksa": (60, {}),
    "neural_style": (60, {**SEARCH, "start": "content"}),
    "pytorch_tutorial": (60, SEARCH),
    "crowsonkb": (100, {}),
    "tensorflow": (100, {}),
    "d2l": (100, {}),
    "keras": (  # the gradient of a pixel grows as there are fewer of them, and the rate has to shrink as much
        200,
        {
            "optimiser": {
                **RECIPES["keras"].optimiser,
                "lr": RECIPES["keras"].optimiser["lr"] * (256 * 171) / (600 * 400),
            }
        },
    ),
}


def recipe_tile(name: str, path: Path, device: torch.device) -> Image.Image:
    """One recipe on the pair of notebook 08, painted unless it is there already, with two lines of text below it."""
    evaluations, changes = GALLERY[name]
    file = path.parent / path.stem / f"{name}.jpg"
    settings = {
        "content": "china",
        "style": "kandinsky_composition_vii",
        "size": 256,
        "style_size": 384,
        "recipe": name,
        "changes": changes,
        "evaluations": evaluations,
    }
    if not is_painted(file, settings):
        made = recipe(name, **changes)
        net = fast(VGG(pool=made.pool, normalised=made.network == "vgg19-normalised", device=device))
        photo = load(settings["content"], settings["size"]).to(device)
        style = load(settings["style"], settings["style_size"]).to(device)
        # a Gram matrix that is not divided grows with the picture: both have to have one shape
        shown = enlarged(style, photo) if made.gram == "one" else style
        image = paint(made, photo, shown, net, steps=evaluations).image
        errors = style_errors(image, style)
        save(image, file, {**settings, "style_errors": [round(error, 4) for error in errors]}, quality=90)
    errors = read_settings(file)["style_errors"]
    below = f"{evaluations} of {RECIPES[name].steps:,} evaluations, style {sum(errors) / len(errors):.2f}"
    return captioned(load(file, None), [name, below])


def captioned(image: Tensor, lines: list[str]) -> Image.Image:
    """A picture with lines of text below it, on white."""
    picture = to_pil(image)
    tile = Image.new("RGB", (picture.width, picture.height + 8 + 17 * len(lines)), "white")
    tile.paste(picture, (0, 0))
    pen = ImageDraw.Draw(tile)
    for i, line in enumerate(lines):
        position = (picture.width / 2, picture.height + 4 + 17 * i)
        pen.text(position, line, fill="#222222", font=ImageFont.load_default(13), anchor="ma")
    return tile


def recipes(vgg: VGG, path: Path) -> None:
    """Notebook 08's gallery: ours and nine published recipes on one pair, each kept in the folder `08_recipes`."""
    tiles = [
        captioned(load("china", 256), ["the photo", "Summer Palace, Beijing"]),
        captioned(load("kandinsky_composition_vii", 256), ["the style", "Kandinsky, Composition VII"]),
    ]
    for name in GALLERY:
        tiles.append(recipe_tile(name, path, vgg.device))
        print(f"  {name}", flush=True)
    columns, gap = 4, 8
    height = max(tile.height for tile in tiles)
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (256 + gap) - gap, rows * (height + gap) - gap), "white")
    for i, tile in enumerate(tiles):
        down, across = divmod(i, columns)
        top = down * (height + gap) + height - tile.height
        sheet.paste(tile, (across * (256 + gap), top))
    sheet.save(path, quality=88)


def grid(vgg: VGG, path: Path) -> None:
    """Notebook 08's grid, as in figure 3 of Gatys et al. (2015): layers downwards, content weight to the right."""
    net = fast(VGG(device=vgg.device))
    photo = load("china", 256).to(vgg.device)
    style = load("kandinsky_composition_vii", 384).to(vgg.device)
    paintings, titles = [], []
    for depth in range(1, 6):
        for weight in (0.01, 0.1, 1.0):
            layers = dict.fromkeys(STYLE[:depth], 1 / depth)
            made = recipe("ours", style=layers, content={"relu4_2": weight})
            paintings.append(as_saved(paint(made, photo, style, net, steps=40).image))
            titles.append(f"to {STYLE[depth - 1]}, content {weight:g}")
        print(f"  {depth} layers", flush=True)
    sheet = show(paintings, titles, columns=3, alt="One photo at five depths of style and three content weights.")
    sheet.pil.save(path, quality=88)


def large(vgg: VGG, path: Path) -> None:
    """Notebook 09: 1,024 pixels painted at once and from coarse to fine, for equal work; below, pixel for pixel.

    Both paintings are kept in the folder `large`; one that is there already, with the same settings, is not painted
    again.
    """
    plans = {"at_once": ((1024, 39),), "coarse_to_fine": LARGE}  # 39 is 60 / 16 + 40 / 4 + 25
    pair = {"content": "desert_dune", "style": "hokusai_great_wave", "content_weight": 0.03}
    net = fast(VGG(device=vgg.device))
    paintings = {}
    for name, plan in plans.items():
        file = path.parent / "large" / f"{name}.jpg"
        paint_once(net, file, plan, style_scale=1.25, **pair)
        paintings[name] = load(file, None)
    pieces = [painting[..., 60:377, 480:956] for painting in paintings.values()]  # 476 px wide, shown unscaled
    titles = ["at once: 39 evaluations at 1,024 px", "coarse to fine: 60, 40 and 25 evaluations"]
    sheet = show(
        [*paintings.values(), *pieces],
        [*titles, "a piece of it, pixel for pixel", "the same piece"],
        columns=2,
        alt="A dune painted at once and from coarse to fine, whole and in part.",
    )
    sheet.pil.save(path, quality=88)


PICTURES = {
    "first_painting": hero("tubingen_neckarfront", "starry_night", 0.03, 1.25),
    "wall": wall,
    "paper_figure": paper_figure,
    "01_inside_patches": inside_patches,
    "02_content_depths": depths,
    "03_style_map": style_map,
    "04_textures": textures,
    "05_ratio": ratio,
    "06_painting": hero("chelsea", "vangogh_wheat_field_cypresses", 0.03, 1.25),
    "07_steps": ten_steps,
    "08_recipes": recipes,
    "08_grid": grid,
    "09_large": large,
    "12_museum": museum,
}


def page() -> str:
    """data/results/README.md: each picture with what it is, how it was made, and the command that makes it again."""
    lines = ["# The stored pictures", ""]
    lines += ["Made by `python tools/make_results.py`, which also writes this page. All are VGG19's own work.", ""]
    for name, make in PICTURES.items():
        path = RESULTS / f"{name}.jpg"
        if path.is_file():
            about = caption(read_settings(path)) or " ".join(inspect.getdoc(make).split())
            lines += [f"## {name}", "", f"![{about.split('. ')[0].rstrip('.')}.]({name}.jpg)", "", about, ""]
            lines += [f"Again: `python tools/make_results.py {name}`", ""]
    return "\n".join(lines)


def caption(settings: dict) -> str:
    """The settings of a painting as sentences; nothing where there are none."""
    if "plan" not in settings:
        return ""
    rounds = ", ".join(f"{evaluations} evaluations at {size} px" for size, evaluations in settings["plan"])
    errors = ", ".join(f"{error:.3f}" for error in settings["style_errors"])
    return (
        f"{credit(settings['content'])}, painted after {credit(settings['style'])}. "
        f"{settings['method']}: {rounds}; content weight {settings['content_weight']}, the style "
        f"{settings['style_scale']} times as large as the painting; {settings['network']}, {settings['pool']} pooling. "
        f"Style errors at relu1_1 to relu5_1, measured by the same network in float32: {errors}."
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)} (all by default)")
    chosen = parser.parse_args(arguments).names or list(PICTURES)
    unknown = [name for name in chosen if name not in PICTURES]
    if unknown:
        parser.error(f"no picture {', '.join(unknown)}; known: {', '.join(PICTURES)}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    vgg = VGG()
    for name in chosen:
        begin = time.monotonic()
        PICTURES[name](vgg, RESULTS / f"{name}.jpg")
        print(f"{name}.jpg: {time.monotonic() - begin:.0f} s", flush=True)
    write_file(RESULTS / "README.md", page().encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
