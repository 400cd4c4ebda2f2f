"""Paint training pictures for tools/distill.py with the network that is being trained.

    python tools/paint_pictures.py NETWORK.safetensors OUT --photos DIR [DIR ...] --styles DIR [DIR ...] --count 150

A painting that satisfies the small network may still be wrong for VGG19, in what only VGG19 sees: such pictures do not
occur in any folder, and are the ones that a student should be shown. One in five starts from noise and has no photo.
Pictures that tools/distill.py holds out are not used.
"""

import argparse
import random
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from helpers.images import save  # noqa: E402
from helpers.transfer import optimise  # noqa: E402
from helpers.vgg import VGG  # noqa: E402
from tools.distill import crop, split  # noqa: E402
from tools.distill import read as picture  # noqa: E402
from tools.make_results import total_loss  # noqa: E402

WEIGHTS = (0.01, 0.03, 0.05, 0.1)  # of the content, in the unit of the series


def painted(vgg, photo, style, weight, evaluations):
    """Two images (1, 3, H, W), RGB in [0, 1] -> a painting of the same size; weight 0: from noise."""
    start = photo if weight else torch.rand_like(photo)
    return optimise(start, total_loss(vgg, photo, style, weight), evaluations).image


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--photos", required=True, nargs="+", type=Path)
    parser.add_argument("--styles", required=True, nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--px", type=int, default=256)
    parser.add_argument("--evaluations", type=int, default=60)
    parser.add_argument("--held-out-every", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    rng, vgg = random.Random(options.seed), VGG(options.network, device="cpu")
    photos, styles = (split(folders, options.held_out_every)[0] for folders in (options.photos, options.styles))
    for number in range(options.count):
        photo, style = (crop(picture(rng.choice(rng.choice(f))), options.px, rng)[None] for f in (photos, styles))
        weight = rng.choice(WEIGHTS) if rng.random() < 0.8 else 0.0
        image = painted(vgg, photo, style, weight, options.evaluations)
        save(image, options.out / f"painted_{options.seed}_{number:03d}.png", {"weight": weight})
        print(f"{number + 1}/{options.count}", end="\r", flush=True)


if __name__ == "__main__":
    main()
