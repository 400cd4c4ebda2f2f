"""Notebook 13: an exhibition of three pictures, and the room where it hangs."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

from helpers.exhibit import Plan, exhibit
from helpers.exhibit.page import Result, of_plan
from helpers.files import write_file
from helpers.images import DATA, load, save
from helpers.vgg import VGG

PLAN = DATA / "exhibition.toml"
NAMES = ("morning", "noon", "night")  # in the order of the plan
ROOM = (1600, 620)  # pixels
WALL = (226, 222, 213)
FLOOR = (158, 134, 108)
HUNG = 288  # height of a picture
MAT = 12  # white around a picture, inside its frame
FRAME = 7
LINE_OF_EYES = 268  # the middles of all pictures


def exhibition(vgg: VGG, path: Path) -> None:
    """Three paintings on a wall: a lake after Signac's Calanque, a pavilion after Van Gogh's wheat
    field, and the Colosseum with a sky after The Starry Night and stones after the wheat field.

    The plan data/exhibition.toml says how they were painted, at 800 px, and `python do.py exhibit
    data/exhibition.toml` carries it out. Each is kept in the folder `13_exhibition`, with all its
    settings.
    """
    plan = Plan.read(PLAN)
    exhibit(plan, workers=1)
    folder = path.parent / path.stem
    shown = of_plan(plan)
    for name, result in zip(NAMES, shown, strict=True):
        save(load(result.path, None), folder / f"{name}.jpg", result.settings, quality=90)
    buffer = io.BytesIO()
    room(shown).save(buffer, "JPEG", quality=90, subsampling=0)
    write_file(path, buffer.getvalue())


def room(shown: list[Result]) -> Image.Image:
    """A wall with framed pictures at one height, a card beside each, and a floor."""
    image = Image.new("RGB", ROOM, WALL)
    pen = ImageDraw.Draw(image)
    floor = round(0.87 * ROOM[1])
    pen.rectangle((0, floor, *ROOM), fill=FLOOR)
    pen.rectangle((0, floor - 14, ROOM[0], floor), fill=(240, 237, 231))
    pictures = [hung(result) for result in shown]
    gap = (ROOM[0] - sum(picture.width for picture in pictures)) // (len(pictures) + 1)
    left = gap
    for result, picture in zip(shown, pictures, strict=True):
        corner = (left, LINE_OF_EYES - picture.height // 2)
        cast_shadow(image, corner, picture.size)
        image.paste(picture, corner)
        put_card(image, (left + picture.width // 2, 462), result.settings["title"])
        left += picture.width + gap
    return image


def hung(result: Result) -> Image.Image:
    """A painting with a mat and a dark frame."""
    with Image.open(result.path) as file:
        picture = file.convert("RGB")
    size = (round(picture.width * HUNG / picture.height), HUNG)
    size = tuple(round(side * 0.88) for side in size)
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    border = MAT + FRAME
    framed = Image.new("RGB", (size[0] + 2 * border, size[1] + 2 * border), (52, 42, 34))
    mat = Image.new("RGB", (size[0] + 2 * MAT, size[1] + 2 * MAT), (250, 249, 246))
    framed.paste(mat, (FRAME, FRAME))
    framed.paste(picture, (border, border))
    return framed


def cast_shadow(image: Image.Image, corner: tuple[int, int], size: tuple[int, int]) -> None:
    """Darken the wall below and to the right of a frame, softly."""
    mask = Image.new("L", image.size, 0)
    left, top = corner[0] + 5, corner[1] + 9
    ImageDraw.Draw(mask).rectangle((left, top, left + size[0], top + size[1]), fill=120)
    dark = Image.new("RGB", image.size, (70, 62, 52))
    image.paste(dark, (0, 0), mask.filter(ImageFilter.GaussianBlur(9)))


def put_card(image: Image.Image, middle: tuple[int, int], title: str) -> None:
    """A white card with a title, on the wall."""
    font = ImageFont.load_default(17)
    pen = ImageDraw.Draw(image)
    half = round(pen.textlength(title, font=font) / 2) + 14
    box = (middle[0] - half, middle[1] - 17, middle[0] + half, middle[1] + 17)
    pen.rectangle(box, fill=(253, 253, 251), outline=(200, 195, 186))
    pen.text(middle, title, fill=(40, 38, 36), font=font, anchor="mm")
