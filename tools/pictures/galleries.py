"""Paintings that are a point of their own: heroes, the wall, and the figure of the paper.

Every function here and in the files beside it makes one picture of data/results. It takes a network
(for its device) and the path, and its docstring is the text below the picture in
data/results/README.md.
"""

from collections.abc import Callable
from pathlib import Path

from helpers.fast import fast
from helpers.images import load
from helpers.vgg import VGG
from tools.pictures.painting import (
    Plan,
    Settings,
    coarse_to_fine,
    paint_missing,
    save_painting,
)
from tools.pictures.sheets import contact_sheet, save_sheet


def hero(settings: Settings) -> Callable[[VGG, Path], None]:
    """A function that paints one pair and saves it."""

    def paint_hero(vgg: VGG, path: Path) -> None:
        """One painting."""
        network = fast(VGG(device=vgg.device))
        image = coarse_to_fine(network, settings)
        print(f"  {save_painting(image, path, network, settings)}", flush=True)

    return paint_hero


WALL_PLAN: Plan = ((256, 40), (384, 20))
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


def wall_paintings(folder: Path) -> dict[Path, Settings]:
    """The files of the wall, row by row, and how each is painted."""
    paintings = {}
    for photo, content_weight in WALL_PHOTOS.items():
        for style, style_scale in WALL_STYLES.items():
            settings = Settings(photo, style, content_weight, style_scale, WALL_PLAN)
            paintings[folder / f"{photo}_{style}.jpg"] = settings
    return paintings


def wall(vgg: VGG, path: Path) -> None:
    """Six photos after eight styles, each painted at 384 pixels and kept in the folder `wall`; and
    all on one sheet.

    A painting that is there already, with the same settings, is not painted again.
    """
    paintings = wall_paintings(path.parent / "wall")
    paint_missing(fast(VGG(device=vgg.device)), paintings)
    tiles = [load(file, None) for file in paintings]
    sheet = contact_sheet(tiles, columns=len(WALL_STYLES), size=(240, 240))
    save_sheet(sheet, path)


# twice at the last size: L-BFGS begins anew
FIGURE_PLAN: Plan = ((256, 60), (512, 40), (1024, 15), (1024, 20))
FIGURE_CONTENT_WEIGHT = 0.03
FIGURE_STYLES = (  # of the paper's figure, in its order
    "turner_shipwreck_minotaur",
    "starry_night",
    "munch_the_scream",
    "kandinsky_composition_vii",
)


def figure_paintings(folder: Path) -> dict[Path, Settings]:
    """The files of the paper's figure, and how each is painted."""
    paintings = {}
    for style in FIGURE_STYLES:
        settings = Settings(
            "tubingen_neckarfront",
            style,
            FIGURE_CONTENT_WEIGHT,
            plan=FIGURE_PLAN,
        )
        paintings[folder / f"tubingen_{style}.jpg"] = settings
    return paintings


def paper_figure(vgg: VGG, path: Path) -> None:
    """Figure 3 of Gatys, Ecker and Bethge (2016): Tübingen after four paintings, each kept in the
    folder `paper`; and on one sheet.

    As in the paper: the photo and the paintings, the network (VGG19 with mean activations of 1 and
    average pooling), the layers (after their ReLU), and the style at the painting's size. Not as in
    the paper: its fifth painting, by Picasso, is not in the public domain; our errors are relative;
    we start from the photo in matched colours and not from noise; and L-BFGS works on a pyramid,
    from coarse to fine.
    """
    paintings = figure_paintings(path.parent / "paper")
    paint_missing(fast(VGG(pool="avg", normalised=True, device=vgg.device)), paintings)
    tiles = [load(file, None) for file in paintings]
    save_sheet(contact_sheet(tiles, columns=2, size=(800, 600)), path, quality=90)
