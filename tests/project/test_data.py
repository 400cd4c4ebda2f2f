"""The files in data/: each is the one that its list, or its card, speaks of."""

import hashlib
import tomllib

import pytest
from PIL import Image

from helpers.weights import SHA256
from tests.support import ROOT

DATA = ROOT / "data"
PICTURES = tomllib.loads((DATA / "images.toml").read_text(encoding="utf-8"))
MASKS = [name for name, entry in PICTURES.items() if entry["kind"] == "mask"]
FOLDERS = ("content", "style", "texture", "masks")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_has_the_hash_of_its_entry(name):
    entry = PICTURES[name]
    content = (DATA / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_every_picture_is_listed():
    listed = {DATA / entry["file"] for entry in PICTURES.values()}
    assert {path for folder in FOLDERS for path in (DATA / folder).iterdir()} == listed


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_is_black_and_white_and_as_large_as_its_picture(name):
    mask = Image.open(DATA / PICTURES[name]["file"]).convert("L")
    picture = Image.open(DATA / PICTURES[PICTURES[name]["of"]]["file"])
    assert mask.size == picture.size
    counts = mask.histogram()
    assert counts[0] and counts[255]
    assert sum(counts[32:224]) < 0.01 * mask.width * mask.height  # the soft edge of a JPEG


@pytest.mark.parametrize("path", SHA256, ids=lambda path: path.name)
def test_the_network_has_one_hash(path):
    """In the code that loads it, on its card, and of the file."""
    sha256 = SHA256[path]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert sha256 in (DATA / "weights" / "README.md").read_text(encoding="utf-8")
