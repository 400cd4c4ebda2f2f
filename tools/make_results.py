"""Make the pictures of data/results: what takes too long to paint each time a page is read.

    python tools/make_results.py [name ...]      all of them, or the named ones

Each file carries the settings that made it; `helpers.images.read_settings(path)` gives them back. With a GPU or the
weights of VGG19 at hand, NST_BACKBONE=vgg19 paints them with the full network.
"""

import argparse
import sys
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.fast import half_precision, pyramid  # noqa: E402
from helpers.images import as_saved, load, names, noise, save  # noqa: E402
from helpers.recipes import RECIPES, paint, recipe  # noqa: E402
from helpers.show import show  # noqa: E402
from helpers.transfer import content_loss, gram, optimise, range_penalty, style_loss, total_variation  # noqa: E402
from helpers.vgg import VGG  # noqa: E402

RESULTS = ROOT / "data" / "results"
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def mean_style(features, targets):
    """Mean style error over the five layers: features by layer name, targets their Gram matrices -> scalar."""
    return sum(style_loss(features[name], targets[name]) for name in STYLE) / len(STYLE)


def total_loss(vgg: VGG, photo, style, content_weight: float):
    """The loss of notebook 06 for one pair of pictures: image -> scalar."""
    targets = {name: gram(features) for name, features in vgg(style, STYLE).items()}
    content = vgg(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        features = vgg(image, [*STYLE, "relu4_2"])
        return mean_style(features, targets) + content_weight * content_loss(features["relu4_2"], content)

    return loss


def coarse_to_fine(
    vgg: VGG, content: str, style: str, content_weight: float, plan: list[tuple[int, int, int]], via=None
):
    """Paint at growing sizes, each from the enlarged result before. plan: (long side, style's long side, evaluations)."""
    image = load(content, plan[0][0]).to(vgg.device)
    for size, style_size, steps in plan:
        photo = load(content, size).to(vgg.device)
        image = torch.nn.functional.interpolate(image, photo.shape[2:], mode="bicubic", antialias=True).clamp(0, 1)
        loss = total_loss(vgg, photo, load(style, style_size).to(vgg.device), content_weight)
        image = optimise(image, loss, steps, via=via).image
        print(f"  {size} px, {steps} evaluations", flush=True)
    return image


def first_painting(vgg: VGG, path: Path) -> None:
    """The picture of the README and of notebook 00."""
    plan = [(256, 400, 150), (448, 640, 100), (640, 800, 80)]
    settings = {"content": "china", "style": "mosaic", "content_weight": 0.03, "plan": plan}
    save(coarse_to_fine(vgg, **settings), path, {"network": vgg.name, **settings})


def inside_patches(vgg: VGG, path: Path) -> None:
    """Notebook 01's question at five depths: what excites most the channel that is strongest in one photo?

    A row a layer; each patch is what one place of that layer sees (its receptive field), in seven pictures.
    """
    pictures = {name: load(name, 256).to(vgg.device) for name in names()}
    with torch.no_grad():
        library = {name: vgg(picture, STYLE) for name, picture in pictures.items()}
    tiles, titles = [], []
    for layer, field, jump in zip(STYLE, (3, 10, 24, 68, 156), (1, 2, 4, 8, 16), strict=True):
        maps = {name: features[layer][0] for name, features in library.items()}
        average = torch.stack([m.mean((1, 2)) for m in maps.values()]).mean(0)
        channel = (maps["astronaut"].mean((1, 2)) / (average + 0.05 * average.mean())).argmax().item()
        best = sorted(maps, key=lambda name: maps[name][channel].max().item(), reverse=True)[:7]  # noqa: B023
        for name in best:
            place = divmod(maps[name][channel].argmax().item(), maps[name].shape[2])
            sides = zip(place, pictures[name].shape[2:], strict=True)
            top, left = (min(max(i * jump - (field - jump) // 2, 0), side - field) for i, side in sides)
            tiles.append(pictures[name][..., top : top + field, left : left + field])
        titles += [f"{layer} · {channel}", f"{field} px", *[""] * (len(best) - 2)]
    sheet = show(
        tiles,
        titles,
        columns=7,
        height=98,
        alt="What excites one channel of each of five layers most, in seven pictures.",
    )
    sheet.pil.save(path, quality=88)


def depths(vgg: VGG, path: Path) -> None:
    """Notebook 02: one photo rebuilt from the first layer of each block, with more pixels and more evaluations."""
    vgg, size, evaluations = VGG(vgg.name.removeprefix("vgg19-"), pool="avg", device=vgg.device), 192, 300
    photo = load("astronaut", size).to(vgg.device)
    pictures = {"photo": photo}
    for layer in STYLE:  # the same five layers: relu1_1 ... relu5_1
        target = vgg(photo, [layer])[layer]

        def loss(image, layer=layer, target=target):
            return content_loss(vgg(image, [layer])[layer], target) + 0.2 * total_variation(image)

        pictures[layer] = optimise(noise(photo, seed=0), loss, evaluations).image
    sheet = show(
        list(pictures.values()), list(pictures), columns=3, alt="A photo, rebuilt from five depths of a network."
    )
    sheet.pil.save(path, quality=88)


def style_map(vgg: VGG, path: Path) -> None:
    """Notebook 03's map: every picture of data/ and the painting of notebook 00, placed by style distance."""
    files = {name: name for name in names()} | {"china in mosaic": RESULTS / "first_painting.jpg"}
    grams = [[gram(f) for f in vgg(load(file, 192).to(vgg.device), STYLE).values()] for file in files.values()]
    table = torch.tensor([[sum(map(apart, one, other)) / len(STYLE) for other in grams] for one in grams])
    centre = torch.eye(len(table)) - 1 / len(table)
    values, vectors = torch.linalg.eigh(-centre @ table @ centre / 2)
    places = (vectors * values.clamp_min(0).sqrt())[:, -2:].flip(1)
    rocket, coffee = places[list(files).index("rocket")], places[list(files).index("coffee")]
    places = places * torch.stack([rocket[0], coffee[1] - rocket[1]]).sign()
    places = (places - places.min(0).values) / (places.max(0).values - places.min(0).values)
    canvas = torch.ones(1, 3, 560, 960)
    for file, (across, up) in zip(files.values(), places.tolist(), strict=True):
        small = load(file, 84)
        top, left = round((1 - up) * (560 - 84)), round(across * (960 - 84))
        canvas[..., top : top + small.shape[2], left : left + small.shape[3]] = small
    show(canvas, alt="Sixteen pictures placed by their style distance.").pil.save(path, quality=88)


def apart(a, b) -> float:
    """Notebook 03's distance between two Gram matrices: 0 equal, 1 nothing in common."""
    return ((a - b).square().sum() / (a.square().sum() + b.square().sum())).item()


def textures(vgg: VGG, path: Path) -> None:
    """Four paintings, a piece of each, and below it a texture made from its Gram matrices alone (notebook 04)."""
    pieces, made = [], []
    for name, size in (("starry_night", 480), ("woodcut", 560), ("suminagashi", 560), ("marbling", 560)):
        painting = load(name, size).to(vgg.device)
        pieces.append(painting[..., :224, -224:])
        made.append(as_saved(optimise(quiet(pieces[-1], seed=0), texture_loss(vgg, painting), steps=300).image))
    titles = ["from the painting"] * 4 + ["from noise"] * 4
    sheet = show(pieces + made, titles, columns=4, height=144, alt="Four pieces of paintings and four textures.")
    sheet.pil.save(path, quality=88)


def quiet(like: torch.Tensor, seed: int) -> torch.Tensor:
    """Mid-grey with a fifth of the contrast of uniform noise: notebook 04's start."""
    return 0.5 + 0.2 * (noise(like, seed) - 0.5)


def texture_loss(vgg: VGG, painting):
    """The mean style error over the five layers: image -> scalar."""
    targets = {name: gram(features) for name, features in vgg(painting, STYLE).items()}

    return lambda image: mean_style(vgg(image, STYLE), targets)


def ratio(vgg: VGG, path: Path) -> None:
    """Notebook 05's walk along the front, larger: one photo, six content weights."""
    photo, style = load("rocket", 256).to(vgg.device), load("starry_night", 400).to(vgg.device)
    weights = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0)
    paintings = [as_saved(optimise(photo, total_loss(vgg, photo, style, w), 100).image) for w in weights]
    titles = [f"content weight {w:g}" for w in weights]
    sheet = show(paintings, titles, columns=3, height=160, alt="One photo, painted with six weights of its content.")
    sheet.pil.save(path, quality=88)


def iterations(vgg: VGG, path: Path) -> None:
    """Five moments of notebook 06's run, side by side."""
    photo, keep = load("chelsea", 256).to(vgg.device), (10, 30, 100, 300)
    moments = {0: photo}

    def look(step, image, value):
        if step - 1 in keep:  # what is seen at evaluation n + 1 is the picture after n steps
            moments[step - 1] = as_saved(image)

    loss = total_loss(vgg, photo, load("starry_night", 400).to(vgg.device), content_weight=0.02)
    optimise(photo, loss, max(keep) + 1, "adam", seen=look)
    sheet = show(list(moments.values()), [f"{step} steps" for step in moments], alt="Five moments of one painting.")
    sheet.pil.save(path, quality=88)


def nine_thousand(vgg: VGG, path: Path) -> None:
    """Notebook 06's run, thirty times as long, at the four moments of the seed project; prints their losses."""
    photo, keep = load("chelsea", 256).to(vgg.device), (1000, 3000, 6000, 9000)
    loss, moments = total_loss(vgg, photo, load("starry_night", 400).to(vgg.device), content_weight=0.02), {}

    def look(step, image, value):
        if step - 1 in keep:  # what is seen at evaluation n + 1 is the picture after n steps
            moments[f"{step - 1:,} steps, loss {value:.4f}"] = as_saved(image)
            print(f"  {step - 1} steps: loss {value:.5f}", flush=True)

    optimise(photo, loss, max(keep) + 1, "adam", seen=look)
    sheet = show(list(moments.values()), list(moments), columns=2, height=176, alt="Four moments of one long painting.")
    sheet.pil.save(path, quality=88)


def ten_steps(vgg: VGG, path: Path) -> None:
    """Notebook 07's gallery, larger: the photo and the picture after 1, 2, 5 and 10 steps of up to 20 evaluations."""
    photo, style = load("coffee", 256).to(vgg.device), load("stained_glass", 400).to(vgg.device)
    painted, moments = total_loss(vgg, photo, style, content_weight=0.05), {0: photo}
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
            moments[step] = as_saved(image)
    sheet = show(
        list(moments.values()),
        ["photo", "step 1", "step 2", "step 5", "step 10"],
        height=123,
        alt="Five moments of one painting.",
    )
    sheet.pil.save(path, quality=88)


def museum(vgg: VGG, path: Path) -> None:
    """Notebook 12: one photo and one style, a right program and seven bugs, all with 80 evaluations at 160 px."""
    photo, style = load("astronaut", 160).to(vgg.device), load("stained_glass", 256).to(vgg.device)
    convs, modules = [layer.replace("relu", "conv") for layer in STYLE], dict(vgg.layers.items())
    shallow = ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"]

    def undivided(image, layers):
        return vgg((image - vgg.mean) * vgg.std + vgg.mean, layers)

    def overwritten(image, layers):  # relu under the names of conv, but for the last
        found, x, last = {}, (image - vgg.mean) / vgg.std, max(list(modules).index(layer) for layer in layers)
        for name in list(modules)[: last + 1]:
            x = x.relu_() if name.startswith("relu") else modules[name](x)
            found[name] = x
        return {layer: found[layer] for layer in layers}

    def by_channels(features):  # divided by C C, and not by the places
        return gram(features) * features.shape[2] * features.shape[3] / features.shape[1] ** 2

    def one_axis(image):
        return 20 * (image[..., :, 1:] - image[..., :, :-1]).square().mean()

    def program(layers=STYLE, content="relu4_2", look=vgg, aim=None, smooth=total_variation):
        with torch.no_grad():
            targets = {name: gram(features) for name, features in (aim or look)(style, layers).items()}
            kept = (aim or look)(photo, [content])[content]

        def loss(image):
            features = look(image, [*layers, content])
            errors = [style_loss(features[name], targets[name]) for name in layers]
            return sum(errors) / len(layers) + 0.03 * content_loss(features[content], kept) + 0.3 * smooth(image)

        return loss

    def counted():
        kept, A = vgg(photo, ["relu4_2"])["relu4_2"], {name: by_channels(f) for name, f in vgg(style, STYLE).items()}

        def parts(image):
            features = vgg(image, [*STYLE, "relu4_2"])
            errors = [(by_channels(features[name]) - A[name]).square().mean() for name in STYLE]
            return sum(errors), 0.03 * content_loss(features["relu4_2"], kept) + 0.3 * total_variation(image)

        start = parts(photo)[0].detach()
        return lambda image: parts(image)[0] / start + parts(image)[1]

    def early(pixels):
        return torch.optim.LBFGS(pixels, max_iter=20)

    right, adam = program(), ("adam", 0.05)
    programs = {
        "the right one": (right, *adam),
        "1: names that lie": (program(shallow, "conv2_2"), *adam),
        "2: as named, conv": (program(convs, "conv4_2"), *adam),
        "2: as got, overwritten": (program(convs, "conv4_2", overwritten), *adam),
        "4: one side not divided": (program(look=undivided, aim=vgg), *adam),
        "5: the early stop": (lambda image: 1e-6 * right(image), early, 1.0),
        "6: divided by C C": (counted(), *adam),
        "one axis": (program(smooth=one_axis), *adam),
    }
    tiles = {}
    for name, (loss, method, lr) in programs.items():
        steps = 4 if method is early else 80  # four calls of `step`, each of which stops at once
        tiles[name] = as_saved(optimise(photo, loss, steps, method, lr).last)
    sheet = show(
        list(tiles.values()), list(tiles), columns=4, height=144, alt="One right program and seven bugs, on one photo."
    )
    sheet.pil.save(path, quality=88)


def recipes(vgg: VGG, path: Path) -> None:
    """Notebook 08's gallery: every recipe on one pair, a hundred evaluations each, with its style error in our unit."""
    photo, style = load("china", 192).to(vgg.device), load("woodcut", 224).to(vgg.device)
    with torch.no_grad():
        targets = {name: gram(features) for name, features in vgg(style, STYLE).items()}
    nets = {pool: VGG(vgg.name.removeprefix("vgg19-"), pool=pool, device=vgg.device) for pool in ("max", "avg")}
    paintings, titles = [photo], ["the photo"]
    for name, r in RECIPES.items():
        paintings.append(as_saved(paint(name, photo, style, nets[r.pool], steps=100).image))
        with torch.no_grad():
            titles.append(f"{name}: {mean_style(vgg(paintings[-1], STYLE), targets).item():.3f}")
        print(f"  {titles[-1]}", flush=True)
    sheet = show(paintings, titles, columns=5, alt="One photo, painted with every recipe, a hundred evaluations each.")
    sheet.pil.save(path, quality=68)  # twenty small paintings: at 88 the sheet has over 300 KB


def grid(vgg: VGG, path: Path) -> None:
    """Notebook 08's grid, as in figure 3 of Gatys et al. (2015): layers downwards, content weight to the right."""
    photo, style = load("china", 160).to(vgg.device), load("woodcut", 256).to(vgg.device)
    paintings, titles = [], []
    for depth in range(1, 6):
        for weight in (0.01, 0.1, 1.0, 10.0):
            layers = dict.fromkeys(STYLE[:depth], 1 / depth)
            made = recipe("ours", style=layers, content={"relu4_2": weight})
            paintings.append(as_saved(paint(made, photo, style, vgg, steps=80).image))
            titles.append(f"to {STYLE[depth - 1]}, content {weight:g}")
        print(f"  {depth} layers", flush=True)
    sheet = show(
        paintings, titles, columns=4, height=128, alt="One photo at five depths of style and four content weights."
    )
    sheet.pil.save(path, quality=72)


def large(vgg: VGG, path: Path) -> None:
    """Notebook 09: 1,024 pixels painted at once and from coarse to fine, for equal work; below, pixel for pixel."""
    net = half_precision(VGG(vgg.name.removeprefix("vgg19-"), device=vgg.device))
    plans = {
        "1024 px at once, 30 evaluations": [(1024, 640, 30)],
        "128 to 1024 px: 80, 60, 36, 16 evaluations": [(128, 160, 80), (256, 320, 60), (512, 640, 36), (1024, 640, 16)],
    }
    tiles = {
        title: as_saved(coarse_to_fine(net, "rocket", "starry_night", 0.05, p, pyramid)) for title, p in plans.items()
    }
    whole = [painting[..., 80:665, :] for painting in tiles.values()]  # two strips of sky and ground are cut off
    pieces = [painting[..., 215:487, 120:596] for painting in tiles.values()]  # shown without scaling: 476 px wide
    sheet = show(
        [*whole, *pieces],
        [*tiles, "a piece of it, pixel for pixel", "the same piece"],
        columns=2,
        alt="A rocket painted at once and from coarse to fine, whole and in part.",
    )
    sheet.pil.save(path, quality=56)  # strokes and grain everywhere: at 88 the sheet has over 250 KB


PICTURES = {
    "first_painting": first_painting,
    "01_inside_patches": inside_patches,
    "02_content_depths": depths,
    "03_style_map": style_map,
    "04_textures": textures,
    "05_ratio": ratio,
    "06_iterations": iterations,
    "06_nine_thousand": nine_thousand,
    "07_steps": ten_steps,
    "08_recipes": recipes,
    "08_grid": grid,
    "09_large": large,
    "12_museum": museum,
}


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
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
