"""Notebook 08: the paper's figure of layers and ratios, in relative errors."""

from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate

from helpers.fast import fast, pyramid
from helpers.images import as_saved, load, noise, save, to_pil
from helpers.losses import content_loss, style_loss
from helpers.transfer import optimise
from helpers.vgg import VGG
from tools.countdown import Countdown
from tools.pictures.painting import CONTENT, STYLE, gram_targets, is_painted
from tools.pictures.sheets import INK, in_rows, save_sheet

PHOTO = "tubingen_neckarfront"
PAINTING = "kandinsky_composition_vii"
SIZE = 256  # pixels of the photo's long side
STYLE_SIZE = 320
WEIGHTS = (0.003, 0.03, 0.3, 3.0)  # of content, to the right
EVALUATIONS = 45
COLOURS = (6, 8)  # rows and columns that are left of the photo at the start
GAP = 6
MARGIN = 30  # pixels for the words above and beside the tiles


class Place(NamedTuple):
    """One painting of the grid: its last style layer, and its content weight."""

    layer: str
    weight: float


PLACES = [Place(layer, weight) for layer in STYLE for weight in WEIGHTS]


def file_of(place: Place, folder: Path) -> Path:
    """Where a painting of the grid is kept."""
    return folder / f"{place.layer}_{place.weight:g}.jpg"


def settings_of(place: Place) -> dict:
    """What the file of a painting keeps of how it was made."""
    return {
        "network": "vgg19",
        "pool": "max",
        "method": "L-BFGS on a pyramid, from the blurred photo",
        "content": PHOTO,
        "style": PAINTING,
        "size": SIZE,
        "style_size": STYLE_SIZE,
        "style_layers": STYLE[: STYLE.index(place.layer) + 1],
        "content_weight": place.weight,
        "evaluations": EVALUATIONS,
    }


def depth_grid(vgg: VGG, path: Path) -> None:
    """Tübingen after Kandinsky's Composition VII, as in figure 3 of Gatys, Ecker and Bethge (2015):
    more and more style layers downwards, the content weights 0.003, 0.03, 0.3 and 3 to the right.

    With relative errors, max pooling, and from a photo that is blurred until nothing can be told
    apart; the paper has its own sums, average pooling, and noise. Each painting is kept in the
    folder `08_grid`.
    """
    folder = path.parent / path.stem
    missing = [
        place for place in PLACES if not is_painted(file_of(place, folder), settings_of(place))
    ]
    if missing:
        paint_places(missing, folder, vgg)
    tiles = [load(file_of(place, folder), None) for place in PLACES]
    save_sheet(labelled(tiles), path, quality=90)


def paint_places(places: list[Place], folder: Path, vgg: VGG) -> None:
    """Paint some places of the grid, and save each with its settings."""
    network = fast(VGG(device=vgg.device))
    photo = load(PHOTO, SIZE).to(vgg.device)
    targets = gram_targets(network, load(PAINTING, STYLE_SIZE).to(vgg.device))
    content = network(photo, CONTENT)[CONTENT]
    start = blurred(photo)
    countdown = Countdown(len(places))
    for place in places:
        layers = STYLE[: STYLE.index(place.layer) + 1]

        def loss(image: Tensor, layers=layers, weight=place.weight) -> Tensor:
            features = network(image, [*layers, CONTENT])
            errors = [style_loss(features[layer], targets[layer]) for layer in layers]
            return sum(errors) / len(errors) + weight * content_loss(features[CONTENT], content)

        painted = optimise(start, loss, EVALUATIONS, parametrize=pyramid).image
        save(as_saved(painted), file_of(place, folder), settings_of(place), quality=92)
        countdown.step(f"to {place.layer}, content weight {place.weight:g}")


def blurred(photo: Tensor) -> Tensor:
    """The photo as 8 × 6 colours, enlarged, with a trace of noise: (1, 3, H, W)."""
    colours = interpolate(photo, COLOURS, mode="area")
    smooth = interpolate(colours, photo.shape[2:], mode="bicubic").clamp(0, 1)
    return (smooth + 0.04 * (noise(photo, seed=0) - 0.5)).clamp(0, 1)


def labelled(tiles: list[Tensor]) -> Image.Image:
    """The tiles in rows, with the weights above and the layers beside them."""
    grid = in_rows([to_pil(tile) for tile in tiles], columns=len(WEIGHTS), gap=GAP)
    sheet = Image.new("RGB", (grid.width + MARGIN, grid.height + MARGIN), "white")
    sheet.paste(grid, (MARGIN, MARGIN))
    font = ImageFont.load_default(18)
    height, width = tiles[0].shape[2:]
    pen = ImageDraw.Draw(sheet)
    for column, weight in enumerate(WEIGHTS):
        middle = MARGIN + column * (width + GAP) + width / 2
        pen.text((middle, 4), f"content weight {weight:g}", fill=INK, font=font, anchor="ma")
    for row, layer in enumerate(STYLE):
        word = Image.new("RGB", (height, MARGIN), "white")
        text = layer if row == 0 else f"relu1_1 to {layer}"
        place = (height / 2, 4)
        ImageDraw.Draw(word).text(place, text, fill=INK, font=font, anchor="ma")
        top = MARGIN + row * (height + GAP)
        sheet.paste(word.transpose(Image.Transpose.ROTATE_90), (0, top))
    return sheet
