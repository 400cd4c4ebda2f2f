"""Several pictures on one sheet of white paper."""

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from helpers.files import write_file
from helpers.images import to_pil

INK = "#222222"
LINE_HEIGHT = 17
LETTER_HEIGHT = 13


def contact_sheet(
    pictures: list[Tensor],
    columns: int,
    size: tuple[int, int],
    gap: int = 6,
) -> Image.Image:
    """Pictures (1, 3, H, W), cut to one size (width, height) and laid in rows on white."""
    tiles = []
    for picture in pictures:
        tiles.append(ImageOps.fit(to_pil(picture), size, Image.Resampling.LANCZOS))
    return in_rows(tiles, columns, gap)


def in_rows(tiles: list[Image.Image], columns: int, gap: int) -> Image.Image:
    """Tiles in rows on white; cells are as large as the largest, and tiles stand on their floor."""
    width = max(tile.width for tile in tiles)
    height = max(tile.height for tile in tiles)
    rows = (len(tiles) + columns - 1) // columns
    paper = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", paper, "white")
    for number, tile in enumerate(tiles):
        row, column = divmod(number, columns)
        top = row * (height + gap) + height - tile.height
        sheet.paste(tile, (column * (width + gap), top))
    return sheet


def captioned(picture: Tensor, lines: list[str]) -> Image.Image:
    """A picture (1, 3, H, W) with lines of text below it, on white."""
    image = to_pil(picture)
    tile = Image.new("RGB", (image.width, image.height + 8 + LINE_HEIGHT * len(lines)), "white")
    tile.paste(image, (0, 0))
    pen = ImageDraw.Draw(tile)
    font = ImageFont.load_default(LETTER_HEIGHT)
    for number, line in enumerate(lines):
        place = (image.width / 2, image.height + 4 + LINE_HEIGHT * number)
        pen.text(place, line, fill=INK, font=font, anchor="ma")
    return tile


def save_sheet(sheet: Image.Image, path: Path, quality: int = 88) -> None:
    """Write a sheet as JPEG."""
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=quality)
    write_file(path, buffer.getvalue())
