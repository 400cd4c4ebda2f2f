"""Notebook 10: colours, places, scales and blends; and one painting that has all of it."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from helpers.colours import matched_colour
from helpers.control import Controls
from helpers.fast import fast, pyramid
from helpers.images import as_saved, load, save
from helpers.losses import gram, relative_error
from helpers.masks import load_mask, polygon
from helpers.recipes import Objective, Recipe, recipe
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, STYLE, enlarged, is_painted
from tools.pictures.sheets import contact_sheet, save_sheet

QUALITY = 92  # of the paintings whose errors are measured later
HOW = {"network": "vgg19", "pool": "max", "method": "L-BFGS on a pyramid"}


def painted(
    vgg: VGG,
    pictures: tuple[Tensor, Tensor],
    controls: Controls,
    evaluations: int,
    chosen: Recipe | str = "ours",
) -> Tensor:
    """One painting of a photo after one style, (1, 3, H, W), as a file keeps it."""
    photo, style = pictures
    content, target = controls.before(photo, style)
    uncoloured = replace(controls, colour="style")  # both pictures have their colours by now
    objective = Objective(chosen, vgg, content, target, uncoloured)
    start = matched_colour(content, target)
    image = optimise(start, objective, evaluations, parametrize=pyramid).image
    return as_saved(controls.after(photo, image))


# ---- whose colours -------------------------------------------------------------------------------

GATES = "fushimi_inari_gates"
WAVES = "konen_ocean_waves"
SIZE = 384  # pixels of the long side of the paintings below
COLOUR_EVALUATIONS = 30
COLOURS = ("style", "luminance", "matched", "afterwards")


def colour_settings(colour: str) -> dict:
    """What decides how one of the four paintings looks."""
    return {
        **HOW,
        "content": GATES,
        "style": WAVES,
        "content_weight": 0.03,
        "size": SIZE,
        "style_size": 480,
        "colour": colour,
        "evaluations": COLOUR_EVALUATIONS,
    }


def colours(vgg: VGG, path: Path) -> None:
    """The gates of Fushimi Inari after Uehara Konen's waves, with four answers to the question of
    whose colours they have: the style's (top left), lightness alone painted (top right), the style
    in the photo's colours (bottom left), and the photo's colours put back afterwards.

    30 evaluations each at 384 px, content weight 0.03. Kept in the folder `10_colours`.
    """
    folder = path.parent / path.stem
    files = {colour: folder / f"{colour}.jpg" for colour in COLOURS}
    missing = [name for name in COLOURS if not is_painted(files[name], colour_settings(name))]
    if missing:
        network = fast(VGG(device=vgg.device))
        photo = load(GATES, SIZE).to(vgg.device)
        style = load(WAVES, 480).to(vgg.device)
        countdown = Countdown(len(missing))
        for name in missing:
            controls = Controls(colour=name)
            image = painted(network, (photo, style), controls, COLOUR_EVALUATIONS)
            save(image, files[name], colour_settings(name), quality=QUALITY)
            countdown.step(name)
    tiles = [load(file, None) for file in files.values()]
    save_sheet(contact_sheet(tiles, columns=2, size=(480, 320)), path)


# ---- how large -----------------------------------------------------------------------------------

DUNE = "desert_dune"
GRID_STYLE = "woodcut"
STYLE_SIZES = (160, 400, 1000)  # of the painting's long side
DEPTHS = ("relu2_1", "relu4_1", "relu5_1")  # the deepest style layer
SCALE_EVALUATIONS = 20


def scale_settings(style_size: int, depth: str) -> dict:
    """What decides how one place of the grid looks."""
    return {
        **HOW,
        "content": DUNE,
        "style": GRID_STYLE,
        "content_weight": 0.03,
        "size": SIZE,
        "style_size": style_size,
        "deepest": depth,
        "evaluations": SCALE_EVALUATIONS,
    }


def scale_file(folder: Path, style_size: int, depth: str) -> Path:
    """Where one place of the grid is kept."""
    return folder / f"{style_size}_{depth}.jpg"


def up_to(depth: str) -> Recipe:
    """Our recipe with the style layers from relu1_1 to a deepest one."""
    layers = STYLE[: STYLE.index(depth) + 1]
    return recipe("ours", style={layer: 1 / len(layers) for layer in layers})


def scale(vgg: VGG, path: Path) -> None:
    """A dune in the cuts of a woodcut: the style image 160, 400 and 1,000 pixels
    high, downwards; the deepest style layer relu2_1, relu4_1 and relu5_1, to the right.

    20 evaluations each at 384 px, content weight 0.03. Kept in the folder `10_scale`.
    """
    folder = path.parent / path.stem
    places = [(style_size, depth) for style_size in STYLE_SIZES for depth in DEPTHS]
    files = [scale_file(folder, *place) for place in places]
    missing = [
        (place, file)
        for place, file in zip(places, files, strict=True)
        if not is_painted(file, scale_settings(*place))
    ]
    if missing:
        network = fast(VGG(device=vgg.device))
        photo = load(DUNE, SIZE).to(vgg.device)
        countdown = Countdown(len(missing))
        for (style_size, depth), file in missing:
            pair = (photo, load(GRID_STYLE, style_size).to(vgg.device))
            image = painted(network, pair, Controls(), SCALE_EVALUATIONS, up_to(depth))
            save(image, file, scale_settings(style_size, depth), quality=QUALITY)
            countdown.step(file.stem)
    save_sheet(contact_sheet([load(file, None) for file in files], 3, (384, 256)), path)


# ---- coarse forms, fine strokes ------------------------------------------------------------------

FORMS = "munch_the_scream"
STROKES = "signac_la_calanque"
FINE = ["relu1_1", "relu2_1"]
NEW_EVALUATIONS = 40
MIX_EVALUATIONS = 28
MIXES = ("forms", "naive", "new")


def mix_settings(name: str) -> dict:
    """What decides how the new style, or a painting after it, looks."""
    return {
        **HOW,
        "content": "lake_sherburne",
        "forms": FORMS,
        "strokes": STROKES,
        "content_weight": 0.03,
        "size": SIZE,
        "style_size": 480,
        "what": name,
        "evaluations": [NEW_EVALUATIONS, MIX_EVALUATIONS],
    }


def new_style(vgg: VGG, forms: Tensor, strokes: Tensor) -> Tensor:
    """An image that begins as `forms` and takes the two lowest Gram matrices of `strokes`.

    Gatys et al. (2017), section 6: there is no content term; where it begins is what keeps it.
    """
    targets = {layer: gram(features) for layer, features in vgg(strokes, FINE).items()}

    def loss(image: Tensor) -> Tensor:
        features = vgg(image, FINE)
        return sum(relative_error(gram(features[name]), targets[name]) for name in FINE) / len(FINE)

    return as_saved(optimise(forms, loss, NEW_EVALUATIONS, parametrize=pyramid).image)


def swapped(vgg: VGG, photo: Tensor, forms: Tensor, strokes: Tensor) -> Tensor:
    """The naive mix: two targets of the strokes and three of the forms, in one painting."""
    objective = Objective("ours", vgg, photo, forms)
    fine = {term.layer: term for term in Objective("ours", vgg, photo, strokes).terms}
    objective.terms = [fine[term.layer] if term.layer in FINE else term for term in objective.terms]
    start = matched_colour(photo, forms)
    return as_saved(optimise(start, objective, MIX_EVALUATIONS, parametrize=pyramid).image)


def mix(vgg: VGG, path: Path) -> None:
    """A lake in the forms of Munch's Scream and the touches of Signac's Calanque: on top the Scream
    alone and a Scream made of Signac's touches, below the lake after the Scream, with two targets
    swapped, and after the new style.

    40 evaluations for the new style, 28 for each painting, at 384 px. Kept in the folder `10_mix`.
    """
    folder = path.parent / path.stem
    files = {name: folder / f"{name}.jpg" for name in ("style", *MIXES)}
    missing = [name for name in files if not is_painted(files[name], mix_settings(name))]
    photo = load("lake_sherburne", SIZE).to(vgg.device)
    forms = load(FORMS, 480).to(vgg.device)
    strokes = matched_colour(load(STROKES, 480).to(vgg.device), forms)
    if missing:
        network = fast(VGG(device=vgg.device))
        countdown = Countdown(len(missing))
        for name in missing:
            if name == "style":
                image = new_style(network, forms, strokes)
            elif name == "naive":
                image = swapped(network, photo, forms, strokes)
            else:
                style = forms if name == "forms" else load(files["style"], None).to(vgg.device)
                image = painted(network, (photo, style), Controls(), MIX_EVALUATIONS)
            save(image, files[name], mix_settings(name), quality=QUALITY)
            countdown.step(name)
    save_sheet(contact_sheet([load(file, None) for file in files.values()], 2, (480, 300)), path)


# ---- several styles ------------------------------------------------------------------------------

CAT = "chelsea"
CUTS = "woodcut"
PANES = "stained_glass"
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the panes
BLEND_EVALUATIONS = 25
BLENDS = (*(f"{share:g}" for share in SHARES), "transport")


def blend_settings(name: str) -> dict:
    """What decides how one of the six blends looks."""
    return {
        **HOW,
        "content": CAT,
        "styles": [CUTS, PANES],
        "content_weight": 0.03,
        "size": SIZE,
        "style_size": 480,
        "blend": name,
        "evaluations": BLEND_EVALUATIONS,
    }


def halfway(first: Tensor, second: Tensor) -> Tensor:
    """The Gram matrix half way between the features (1, C, h, w) of two styles, by transport.

    Features are taken for normally distributed: means are averaged, and the covariance is that of
    the mean of the transport map and the identity (the Bures barycentre of two).
    """
    features = [maps[0].flatten(1).double() for maps in (first, second)]
    means = [F.mean(1) for F in features]
    C, D = (torch.cov(F) for F in features)
    root = power(C, 0.5)
    back = power(C, -0.5)
    M = back @ power(root @ D @ root, 0.5) @ back
    half = (torch.eye(len(C), dtype=C.dtype) + M) / 2
    mean = (means[0] + means[1]) / 2
    return (half @ C @ half.T + torch.outer(mean, mean)).float()


def power(matrix: Tensor, exponent: float) -> Tensor:
    """A power of a symmetric matrix (C, C); directions without variance stay without."""
    values, vectors = torch.linalg.eigh(matrix)
    least = 1e-6 * values[-1]
    powers = torch.where(values > least, values.clamp_min(least) ** exponent, 0.0)
    return (vectors * powers) @ vectors.T


def blend_targets(vgg: VGG, name: str, styles: list[Tensor]) -> dict[str, Tensor]:
    """The Gram matrices (C, C) of a blend, by layer."""
    first, second = (vgg(style, STYLE) for style in styles)
    targets = {}
    for layer in STYLE:
        if name == "transport":
            targets[layer] = halfway(first[layer].cpu(), second[layer].cpu()).to(vgg.device)
        else:
            share = float(name)
            targets[layer] = (1 - share) * gram(first[layer]) + share * gram(second[layer])
    return targets


def blends(vgg: VGG, path: Path) -> None:
    """A cat after mixed Gram matrices of a woodcut and of a glass window: 0, 1/4 and 1/2 of the
    window on top, 3/4 and all of it below; and, at the end, half way by transport.

    25 evaluations each at 384 px, content weight 0.03. Kept in the folder `10_blends`.
    """
    folder = path.parent / path.stem
    files = {name: folder / f"{name}.jpg" for name in BLENDS}
    missing = [name for name in BLENDS if not is_painted(files[name], blend_settings(name))]
    if missing:
        judge = VGG(device=vgg.device)
        network = fast(VGG(device=vgg.device))
        photo = load(CAT, SIZE).to(vgg.device)
        styles = [load(name, 480).to(vgg.device) for name in (CUTS, PANES)]
        objective = Objective("ours", network, photo, styles[0])
        countdown = Countdown(len(missing))
        for name in missing:
            with torch.no_grad():
                targets = blend_targets(judge, name, styles)
            objective.terms = [
                term._replace(target=targets.get(term.layer, term.target))
                for term in objective.terms
            ]
            image = optimise(photo, objective, BLEND_EVALUATIONS, parametrize=pyramid).image
            save(as_saved(image), files[name], blend_settings(name), quality=QUALITY)
            countdown.step(name)
    save_sheet(contact_sheet([load(file, None) for file in files.values()], 3, (384, 256)), path)


# ---- all of it -----------------------------------------------------------------------------------

TOWN = "tubingen_neckarfront"
RIVER = ((0, 0.73), (0.1, 0.735), (0.17, 0.755), (0.3, 0.79), (0.5, 0.81), (0.62, 0.87))
RIVER += ((0.78, 0.945), (0.92, 1), (0, 1))
TOWER = ((0.655, 0.14), (0.642, 0.24), (0.628, 0.28), (0.618, 0.365), (0.69, 0.375))
TOWER += ((0.69, 0.27), (0.672, 0.24))
STAGES = ((256, 45, "resized"), (512, 35, "resized"), (1024, 15, "inside"))  # px, evaluations, way
TOWN_SETTINGS = {
    **HOW,
    "content": TOWN,
    "styles": ["starry_night", "klimt_the_kiss", "konen_ocean_waves"],
    "content_weight": 0.03,
    "protected": 0.02,
    "stages": [list(stage) for stage in STAGES],
}


def town_pictures(size: int) -> tuple[Tensor, list[Tensor], Controls]:
    """The photo, the three styles, and what is controlled, at one size."""
    photo = load(TOWN, size)
    sky = load_mask(f"{TOWN}_sky", size)
    river = polygon(RIVER, photo) * (1 - sky)
    houses = (1 - sky - river).clamp(0, 1)
    night = piece(load("starry_night", round(1.25 * size)), (0, 0, 1, 0.7))
    gold = piece(load("klimt_the_kiss", round(1.25 * size)), (0.3, 0.08, 0.76, 0.8))
    waves = matched_colour(load("konen_ocean_waves", round(1.25 * size)), night)
    protected = (polygon(TOWER, photo), TOWN_SETTINGS["protected"])
    controls = Controls(masks=[sky, houses, river], protected=protected)
    return photo, [night, gold, waves], controls


def piece(image: Tensor, box: tuple[float, float, float, float]) -> Tensor:
    """A piece of an image: (left, top, right, bottom) as shares of its sides."""
    height, width = image.shape[2:]
    left, top, right, bottom = box
    rows = slice(round(top * height), round(bottom * height))
    columns = slice(round(left * width), round(right * width))
    return image[..., rows, columns]


def town(vgg: VGG, path: Path) -> None:
    """Tübingen at 1,024 px: the sky after The Starry Night, the houses after The Kiss, the river
    after Konen's waves in the colours of the sky, and the tower of the church protected.

    45 evaluations at 256 px and 35 at 512 with resized masks, 15 at 1,024 px with masks inside;
    content weight 0.03, and 0.02 more for the tower.
    """
    if is_painted(path, TOWN_SETTINGS):
        return
    network = fast(VGG(device=vgg.device))
    chosen = recipe("ours", content={CONTENT: TOWN_SETTINGS["content_weight"]})
    countdown = Countdown(sum(count * size**2 for size, count, _ in STAGES))
    image = None
    for size, evaluations, way in STAGES:
        photo, styles, controls = town_pictures(size)
        if image is None:
            image = region_by_region(photo, styles, controls.masks)
        objective = Objective(chosen, network, photo, styles, replace(controls, way=way))
        start = enlarged(image, photo)
        image = optimise(start, objective, evaluations, parametrize=pyramid).image
        countdown.step(f"{size} px", evaluations * size**2)
    save(as_saved(image), path, TOWN_SETTINGS, quality=88)


def region_by_region(photo: Tensor, styles: list[Tensor], masks: list[Tensor]) -> Tensor:
    """The photo with the colours of each style where its mask is."""
    pairs = zip(styles, masks, strict=True)
    return sum(mask * matched_colour(photo, style) for style, mask in pairs).clamp(0, 1)
