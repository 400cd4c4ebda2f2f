"""Weights: a network's name -> its state dict. Only this file knows weight files.

The original VGG19 (Simonyan and Zisserman 2014) lies in data/weights: nothing is downloaded.
torchvision's VGG16 and VGG19, which are other trainings of the same layers, are fetched once when
somebody asks for them.
"""

import hashlib
import importlib
import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

__all__ = ["NAMES", "load_weights", "load_factors"]

FOLDER = Path(__file__).resolve().parent.parent / "data" / "weights"
ORIGINAL = FOLDER / "vgg19.safetensors"
FACTORS = FOLDER / "vgg19-normalisation.safetensors"
SHA256 = {  # of the files in data/weights
    ORIGINAL: "2e2bc43106e7388b24120e4f26d3eeaf697c36c5913dcc7333fa0fc8314a8cb0",
    FACTORS: "1cd23fdc0a84f3a5111004dcbafe54b3917073125a1c72a74620d6f60431300b",
}
DOWNLOADS = {  # our name: torchvision's name, and megabytes
    "torchvision-vgg19": ("vgg19", 548),
    "torchvision-vgg16": ("vgg16", 528),
}
NAMES = ("vgg19", *DOWNLOADS)
ENDINGS = (".safetensors", ".pth", ".pt")
CHOICES = (
    'VGG() is the original VGG19; there are also "torchvision-vgg19", "torchvision-vgg16", or a '
    "file's path"
)


def load_weights(name: str | os.PathLike) -> tuple[str, dict[str, Tensor]]:
    """A network's name or the path of a weight file -> its full name, and its state dict.

    name: "vgg19" (in data/weights), "torchvision-vgg19" or "torchvision-vgg16" (downloaded once),
        or the path of a .safetensors, .pth or .pt file in torchvision's layout, with keys
        `features.0.weight`, ...

    The full name gives the same network again. Tensors are as the file holds them: convolutions
    (C_out, C_in, 3, 3), biases (C_out,). Raises ValueError for an unknown name or a file that holds
    no weights, OSError where weights cannot be had.
    """
    if not isinstance(name, str | os.PathLike):
        raise ValueError(f"there is no network {name!r}. {CHOICES} ({', '.join(ENDINGS)}).")
    if name == "vgg19":
        return "vgg19", read_weights(ORIGINAL)
    if name in DOWNLOADS:
        return str(name), _download(str(name))
    path = Path(str(name)).expanduser()
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"there is no network {str(name)!r}. {CHOICES} ({', '.join(ENDINGS)}).")
    return str(path), read_weights(path)


def load_factors() -> dict[str, Tensor]:
    """A positive factor for each channel of the original VGG19: {"conv1_1": (64,), ...}.

    A feature after its ReLU times its factor has a mean of 1 over natural images and places: the
    normalised network of Gatys, Ecker and Bethge (2016), section 2.
    """
    return read_weights(FACTORS)


def read_weights(path: Path) -> dict[str, Tensor]:
    """A weight file -> {key: tensor}; those of data/weights have to be the ones that belong here.

    Pickles are read with `weights_only`, so that no file can run code. Raises FileNotFoundError, or
    ValueError for a file that cannot be read.
    """
    restore = f"restore it: git checkout -- data/weights/{path.name}"
    if not path.is_file():
        advice = restore if path in SHA256 else CHOICES
        raise FileNotFoundError(f"there is no weight file {path}; {advice}")
    if path in SHA256 and _sha256(path) != SHA256[path]:
        raise ValueError(f"{path} is not the file that belongs to this version; {restore}")
    try:
        if path.suffix.lower() == ".safetensors":
            weights = load_file(path)
        else:
            weights = torch.load(path, "cpu", weights_only=True)
        return {str(key): value for key, value in weights.items() if isinstance(value, Tensor)}
    except Exception as error:
        reason = (str(error) or repr(error)).splitlines()[0]
        if "weights_only" in str(error):
            reason = "it is no state dict of tensors alone; save one, best as .safetensors"
        raise ValueError(f"{path} cannot be read as weights: {reason}") from error


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(name: str):
    """torchvision's record of some weights, with their address. Only this needs torchvision."""
    models = importlib.import_module("torchvision.models")
    return models.get_model_weights(DOWNLOADS[name][0]).IMAGENET1K_V1


def _cached(name: str) -> Path:
    """Where torch keeps the weights of a network of torchvision."""
    return Path(torch.hub.get_dir(), "checkpoints", Path(_record(name).url).name)


def _download(name: str, patience: float = 30) -> dict[str, Tensor]:
    """torchvision's weights, from torch's cache or its server.

    A file with a wrong hash is neither kept nor read.

    patience: seconds without a byte before a silent server counts as gone.
    """
    record = _record(name)
    path = _cached(name)
    mark = os.urandom(4).hex()
    partial = f"{path.stem}.{mark}.partial"
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(patience)
    try:
        # torchvision's file names end in the first eight digits of the hash
        if not path.is_file() or not _sha256(path).startswith(path.stem[-8:]):
            record.get_state_dict(file_name=partial, check_hash=True, weights_only=True)
            path.with_name(partial).replace(path)
        return read_weights(path)
    except Exception as error:
        reason = str(error) or repr(error)
        megabytes = DOWNLOADS[name][1]
        raise OSError(
            f"{name}'s weights ({megabytes} MB) could not be had: {reason}. Try again, or save "
            f"{record.url} as {path} by hand; VGG() needs no download."
        ) from None
    finally:
        socket.setdefaulttimeout(before)
        with suppress(OSError):
            for left in path.parent.glob(f"{path.stem}.*.partial"):
                # ours, or those of a process that was killed: half files must not pile up
                if mark in left.name or left.stat().st_mtime < time.time() - 3600:
                    left.unlink()
