"""Make data/weights from the original files: VGG19 in float16, and the factors of the normalised network.

    python tools/weights.py vgg19-oxford.safetensors vgg19-normalisation.safetensors

Checks the hashes of both sources, rounds the convolutions to float16 (biases stay float32), writes both files into
data/weights, and prints their hashes and what the rounding changes in the features of real pictures. The card,
data/weights/README.md, says where the sources come from.
"""

import argparse
import copy
import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from helpers.images import load, names, write_file  # noqa: E402
from helpers.vgg import VGG  # noqa: E402
from helpers.weights import FACTORS, ORIGINAL  # noqa: E402

SOURCES = {  # what is made from which file
    ORIGINAL: "6bc5295c5776bf36bc91357de7e991284657f00465dc28c5b3496680adfe890c",
    FACTORS: "4ad122cdf31dc06f719ab453e5736003c166413970943ba5c7db80658cd7af79",
}
LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu5_4"]


def check_source(path: Path, sha256: str) -> None:
    """Refuse a file that is not the one on the card."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{path} has the SHA-256 {found}, not {sha256}: take the file that data/weights/README.md names.")


def halved(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Convolutions in float16, biases in float32."""
    return {k: v.half() if k.endswith(".weight") else v.float() for k, v in weights.items()}


def rounding(exact: VGG, size: int = 256) -> dict[str, float]:
    """‖F' − F‖ / ‖F‖ for some layers: the largest over all pictures of data/, {layer: number}."""
    rounded = copy.deepcopy(exact)
    for name, parameter in rounded.named_parameters():
        if name.endswith(".weight"):
            parameter.copy_(parameter.half())
    worst = dict.fromkeys(LAYERS, 0.0)
    for name in names():
        image = load(name, size)
        before = exact(image, LAYERS)
        after = rounded(image, LAYERS)
        for layer in LAYERS:
            error = (after[layer] - before[layer]).norm() / before[layer].norm()
            worst[layer] = max(worst[layer], error.item())
    return worst


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("network", type=Path, help="the original VGG19, float32")
    parser.add_argument("factors", type=Path, help="the factors of the normalised network")
    options = parser.parse_args(arguments)
    check_source(options.network, SOURCES[ORIGINAL])
    check_source(options.factors, SOURCES[FACTORS])
    files = {
        ORIGINAL: save(halved(load_file(options.network)), {"network": "VGG19, Simonyan and Zisserman 2014"}),
        FACTORS: save(load_file(options.factors), {"of": "VGG19, mean activation 1, after Gatys et al. 2016"}),
    }
    for path, content in files.items():
        write_file(path, content)
        digest = hashlib.sha256(content).hexdigest()
        print(f"{path.name}: {len(content):,} bytes, SHA-256 {digest}")
    for layer, error in rounding(VGG(options.network, device="cpu")).items():
        print(f"{layer}: rounding changes the features by at most {error:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
