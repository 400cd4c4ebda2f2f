"""Make data/weights from the original files: VGG19 in float16, and its normalisation's factors.

    python -m tools.weights vgg19-oxford.safetensors vgg19-normalisation.safetensors

Checks the hashes of both sources, rounds the convolutions to float16 (biases stay float32), writes
both files into data/weights, and prints their hashes and what the rounding changes in the features
of real pictures. The card, data/weights/README.md, says where the sources come from.
"""

import argparse
import copy
import hashlib
import sys
from pathlib import Path

from safetensors.torch import load_file, save
from torch import Tensor

from helpers.files import write_file
from helpers.images import load, names
from helpers.vgg import VGG
from helpers.weights import FACTORS, ORIGINAL

SOURCE_HASHES = {  # what is made -> the SHA-256 of what it is made from
    ORIGINAL: "6bc5295c5776bf36bc91357de7e991284657f00465dc28c5b3496680adfe890c",
    FACTORS: "4ad122cdf31dc06f719ab453e5736003c166413970943ba5c7db80658cd7af79",
}
LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "relu5_4"]


def check_source(path: Path, sha256: str) -> None:
    """Refuse a file that is not the one on the card."""
    actual = hashlib.sha256(path.read_bytes()).hexdigest()
    if actual != sha256:
        advice = "take the file that data/weights/README.md names"
        sys.exit(f"{path} has the SHA-256 {actual}, not {sha256}: {advice}.")


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Convolutions in float16, biases in float32."""
    rounded = {}
    for key, values in weights.items():
        rounded[key] = values.half() if key.endswith(".weight") else values.float()
    return rounded


def rounding_errors(exact: VGG, size: int = 256) -> dict[str, float]:
    """What float16 changes in the features of some layers: ‖F′ − F‖ / ‖F‖, {layer: number}.

    size: pixels of the pictures. The number is the largest over all pictures of data/.
    """
    rounded = copy.deepcopy(exact)
    for name, parameter in rounded.named_parameters():
        if name.endswith(".weight"):
            parameter.copy_(parameter.half())
    largest = dict.fromkeys(LAYERS, 0.0)
    for name in names():
        image = load(name, size)
        before = exact(image, LAYERS)
        after = rounded(image, LAYERS)
        for layer in LAYERS:
            error = (after[layer] - before[layer]).norm() / before[layer].norm()
            largest[layer] = max(largest[layer], error.item())
    return largest


def main(arguments: list[str]) -> int:
    """Make both files."""
    summary = __doc__.split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tools.weights", description=summary)
    parser.add_argument("network", type=Path, help="the original VGG19, float32")
    parser.add_argument("factors", type=Path, help="the factors of the normalised network")
    options = parser.parse_args(arguments)
    check_source(options.network, SOURCE_HASHES[ORIGINAL])
    check_source(options.factors, SOURCE_HASHES[FACTORS])
    network = {"network": "VGG19, Simonyan and Zisserman 2014"}
    factors = {"of": "VGG19, mean activation 1, after Gatys et al. 2016"}
    files = {
        ORIGINAL: save(halved(load_file(options.network)), network),
        FACTORS: save(load_file(options.factors), factors),
    }
    for path, content in files.items():
        write_file(path, content)
        digest = hashlib.sha256(content).hexdigest()
        print(f"{path.name}: {len(content):,} bytes, SHA-256 {digest}")
    for layer, error in rounding_errors(VGG(options.network, device="cpu")).items():
        print(f"{layer}: rounding changes the features by at most {error:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
