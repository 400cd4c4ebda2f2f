"""Notebook 03: a map of styles, on which pictures with similar Gram matrices lie close together."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from helpers.images import load, names, to_pil
from helpers.losses import gram
from helpers.vgg import VGG
from tools.pictures.painting import RESULTS, STYLE
from tools.pictures.sheets import save_sheet

WIDTH = 1600
HEIGHT = 1100
STAMP = 150  # pixels of a picture's long side
GAP = 6
ROUNDS = 300


def style_map(vgg: VGG, path: Path) -> None:
    """Notebook 03's map, larger: every picture of data/ and the first painting, placed by style
    distance.
    """
    files = {name: name for name in names()}
    files["the painting"] = RESULTS / "first_painting.jpg"
    places = placed(distances(vgg, list(files.values())))
    labels = list(files)
    places = turned(places, labels.index("chelsea"), labels.index("starry_night"))
    stamps = [to_pil(load(file, STAMP)) for file in files.values()]
    sizes = torch.tensor([stamp.size for stamp in stamps]).float()
    corners = pushed_apart(on_paper(places), sizes) - sizes / 2
    paper = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for stamp, corner in zip(stamps, corners.round().int().tolist(), strict=True):
        paper.paste(stamp, tuple(corner))
    save_sheet(paper, path)


@torch.no_grad()
def distances(vgg: VGG, files: list) -> Tensor:
    """The style distances between all pictures (n, n): the mean over the five layers."""
    grams = []
    for file in files:
        features = vgg(load(file, 192).to(vgg.device), STYLE)
        grams.append([gram(layer) for layer in features.values()])
    table = torch.zeros(len(files), len(files))
    for i in range(len(files)):
        for j in range(i):
            pairs = zip(grams[i], grams[j], strict=True)
            distance = sum(gram_distance(G, A) for G, A in pairs) / len(STYLE)
            table[i, j] = distance
            table[j, i] = distance
    return table


def gram_distance(G: Tensor, A: Tensor) -> float:
    """Notebook 03's distance between two Gram matrices: 0 equal, 1 nothing in common."""
    return ((G - A).square().sum() / (G.square().sum() + A.square().sum())).item()


def placed(table: Tensor) -> Tensor:
    """Places on a plane (n, 2) whose distances are like those of a table (n, n).

    Classical multidimensional scaling (Torgerson 1952).
    """
    centre = torch.eye(len(table)) - 1 / len(table)
    values, vectors = torch.linalg.eigh(-centre @ table @ centre / 2)
    axes = vectors * values.clamp_min(0).sqrt()
    return axes[:, -2:].flip(1)  # the two longest, the longest across


def turned(places: Tensor, rightmost: int, top: int) -> Tensor:
    """The same places, mirrored so that one picture is at the right and another at the top."""
    signs = torch.stack([places[rightmost, 0], -places[top, 1]]).sign()
    return places * signs


def on_paper(places: Tensor) -> Tensor:
    """Places (n, 2), stretched over the paper: the middles of the pictures in pixels."""
    smallest = places.min(0).values
    largest = places.max(0).values
    unit = (places - smallest) / (largest - smallest)
    room = torch.tensor([WIDTH - STAMP, HEIGHT - STAMP])
    return unit * room + STAMP / 2


def pushed_apart(centres: Tensor, sizes: Tensor) -> Tensor:
    """Overlapping pictures moved away from each other.

    centres, sizes: (n, 2), in pixels.
    """
    for _ in range(ROUNDS):
        away = centres[:, None] - centres[None, :]
        overlap = (sizes[:, None] + sizes[None, :]) / 2 + GAP - away.abs()
        touching = (overlap > 0).all(2, keepdim=True)
        shorter_way = overlap == overlap.amin(2, keepdim=True)
        push = touching * shorter_way * overlap * away.sign() / 4
        centres = centres + push.sum(1)
        largest = torch.tensor([WIDTH, HEIGHT]) - sizes / 2
        centres = centres.maximum(sizes / 2).minimum(largest)
    return centres
