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

from helpers.images import as_saved, load, save  # noqa: E402
from helpers.show import show  # noqa: E402
from helpers.transfer import content_loss, gram, optimise, style_loss  # noqa: E402
from helpers.vgg import VGG  # noqa: E402

RESULTS = ROOT / "data" / "results"
STYLE = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


def total_loss(vgg: VGG, photo, style, content_weight: float):
    """The loss of notebook 06 for one pair of pictures: image -> scalar."""
    targets = {name: gram(features) for name, features in vgg(style, STYLE).items()}
    content = vgg(photo, ["relu4_2"])["relu4_2"]

    def loss(image):
        features = vgg(image, [*STYLE, "relu4_2"])
        style_error = sum(style_loss(features[name], targets[name]) for name in STYLE) / len(STYLE)
        return style_error + content_weight * content_loss(features["relu4_2"], content)

    return loss


def coarse_to_fine(vgg: VGG, content: str, style: str, content_weight: float, plan: list[tuple[int, int, int]]):
    """Paint at growing sizes, each from the enlarged result before. plan: (long side, style's long side, evaluations)."""
    image = load(content, plan[0][0]).to(vgg.device)
    for size, style_size, steps in plan:
        photo = load(content, size).to(vgg.device)
        image = torch.nn.functional.interpolate(image, photo.shape[2:], mode="bicubic", antialias=True).clamp(0, 1)
        loss = total_loss(vgg, photo, load(style, style_size).to(vgg.device), content_weight)
        image = optimise(image, loss, steps).image
        print(f"  {size} px, {steps} evaluations", flush=True)
    return image


def first_painting(vgg: VGG, path: Path) -> None:
    """The picture of the README and of notebook 00."""
    plan = [(256, 400, 150), (448, 640, 100), (640, 800, 80)]
    settings = {"content": "china", "style": "mosaic", "content_weight": 0.03, "plan": plan}
    save(coarse_to_fine(vgg, **settings), path, {"network": vgg.name, **settings})


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


PICTURES = {"first_painting": first_painting, "06_iterations": iterations}


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
