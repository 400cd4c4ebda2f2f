"""Make the pictures of data/results: what takes too long to paint each time a page is read.

    python -m tools.pictures.results [name ...]     all of them, or the named ones
    python -m tools.pictures.results --page         only the page that tells about them

Each painting carries the settings that made it; `helpers.images.read_settings(path)` gives them
back. A new picture is a function in one of the files beside this one, and a line in PICTURES.
"""

import argparse
import inspect
import sys
import time

from helpers.fast import keep_memory
from helpers.files import write_file
from helpers.images import credit, read_settings
from helpers.vgg import VGG
from tools.countdown import duration
from tools.pictures.beyond import ladder, order, paintings
from tools.pictures.channels import excited_channels
from tools.pictures.control import blends, colours, mix, scale, town
from tools.pictures.depth_grid import depth_grid
from tools.pictures.exhibition import exhibition
from tools.pictures.galleries import hero, paper_figure, wall
from tools.pictures.gram_maps import gram_maps
from tools.pictures.large import equal_work, large, three_causes
from tools.pictures.lessons import content_depths, content_ratio, ten_steps, textures
from tools.pictures.museum import museum
from tools.pictures.nine_thousand import nine_thousand
from tools.pictures.painting import RESULTS, Settings
from tools.pictures.panel import portrait
from tools.pictures.race import race
from tools.pictures.sixteen import sixteen
from tools.pictures.style_map import style_map
from tools.pictures.systems import systems

COMMAND = "python -m tools.pictures.results"
PICTURES = {  # (network, path) -> None
    "first_painting": hero(Settings("tubingen_neckarfront", "starry_night", 0.03, 1.25)),
    "wall": wall,
    "paper_figure": paper_figure,
    "01_channels": excited_channels,
    "02_content_depths": content_depths,
    "03_gram": gram_maps,
    "03_style_map": style_map,
    "04_textures": textures,
    "05_ratio": content_ratio,
    "06_painting": hero(Settings("chelsea", "vangogh_wheat_field_cypresses", 0.03, 1.25)),
    "06_adam_9000": nine_thousand,
    "07_steps": ten_steps,
    "07_race": race,
    "07_vgg16": sixteen,
    "08_systems": systems,
    "08_grid": depth_grid,
    "08_explorer": portrait,
    "09_large": large,
    "09_equal_work": equal_work,
    "09_three_causes": three_causes,
    "10_town": town,
    "10_colours": colours,
    "10_scale": scale,
    "10_mix": mix,
    "10_blends": blends,
    "11_ladder": ladder,
    "11_order": order,
    "11_paintings": paintings,
    "12_museum": museum,
    "13_exhibition": exhibition,
}


def page() -> str:
    """data/results/README.md: each picture with what it is, and the command that makes it again."""
    lines = ["# The stored pictures", ""]
    lines.append(f"Made by `{COMMAND}`, which also writes this page. All are VGG19's own work.")
    lines.append("")
    for name in PICTURES:
        if (RESULTS / f"{name}.jpg").is_file():
            text = description(name)
            alt = text.split(". ")[0].rstrip(".")
            lines += [f"## {name}", "", f"![{alt}.]({name}.jpg)", "", text, ""]
            lines += [f"Again: `{COMMAND} {name}`", ""]
    return "\n".join(lines)


def description(name: str) -> str:
    """What a picture is and how it was made: from its file, or else from its function."""
    settings = read_settings(RESULTS / f"{name}.jpg")
    if "plan" in settings:
        return caption(settings)
    return " ".join(inspect.getdoc(PICTURES[name]).split())


def caption(settings: dict) -> str:
    """The settings of a painting as sentences."""
    rounds = [f"{evaluations} evaluations at {size} px" for size, evaluations in settings["plan"]]
    errors = [f"{error:.3f}" for error in settings["style_errors"]]
    pair = f"{credit(settings['content'])}, painted after {credit(settings['style'])}."
    content = f"content weight {settings['content_weight']}"
    style = f"the style {settings['style_scale']} times as large as the painting"
    network = f"{settings['network']}, {settings['pool']} pooling"
    return (
        f"{pair} {settings['method']}: {', '.join(rounds)}; {content}, {style}; {network}. "
        "Style errors at relu1_1 to relu5_1, measured by the same network in float32: "
        f"{', '.join(errors)}."
    )


def make(names: list[str]) -> None:
    """Make some pictures, and say after each how long it took."""
    keep_memory()
    vgg = VGG()
    for name in names:
        print(f"{name}.jpg ...", flush=True)
        start = time.monotonic()
        PICTURES[name](vgg, RESULTS / f"{name}.jpg")
        print(f"{name}.jpg took {duration(time.monotonic() - start)}", flush=True)


def main(arguments: list[str]) -> int:
    """Make what the command line names, and write the page."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PICTURES)} (all by default)")
    parser.add_argument("--page", action="store_true", help="write only README.md")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in PICTURES]
    if unknown:
        parser.error(f"there is no picture {', '.join(unknown)}; known: {', '.join(PICTURES)}")
    if options.page:
        names = []
    elif options.names:
        names = options.names
    else:
        names = list(PICTURES)
    if names:
        make(names)
    write_file(RESULTS / "README.md", page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
