"""What a page can do without a kernel: sliders over stored pictures, and tables that answer.

alive.toml says what stands where. Pictures go to the folder `alive` beside the pages; the behaviour
is templates/alive.js. Each part is written out whole and hidden, and the script shows it, so that
nothing dead is seen where scripts do not run.
"""

import base64
import io
import json
import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import jinja2
from bs4 import BeautifulSoup, Tag
from PIL import Image, ImageSequence

from helpers.files import write_file

LIST = Path(__file__).resolve().parent / "alive.toml"
KINDS = ("choices", "toy", "gram")
FOLDER = "alive"
SMALL = 144  # pixels of the short side of a picture on a button
SHOWN = 384  # pixels of the long side of the painting behind a table
QUALITY = 88


def listed(path: Path = LIST) -> list[dict[str, Any]]:
    """Return what alive.toml asks for, each with its kind."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    return [{"kind": kind, **part} for kind in KINDS for part in table.get(kind, [])]


class Alive:
    """The living parts of all pages.

    data: the folder of the pictures. out: the folder of the pages. templates: where alive.html is.
    """

    def __init__(self, data: Path, out: Path, templates: jinja2.Environment):
        """Take the folders and the templates."""
        self.data = data
        self.out = out
        self.templates = templates
        self.parts = listed()

    def place(self, soup: BeautifulSoup, page: str) -> None:
        """Put the parts of a page after their cells; the film of a cell becomes one as well."""
        for part in self.parts:
            cells = [] if part["page"] != page or "after" not in part else anchors(soup, part)
            if len(cells) == 1:
                insert(cells[0], self.html(part))
        for number, image in enumerate(films(soup), 1):
            html = self.html(self.film(image, f"{page}-film{number}"))
            insert(image.find_parent(class_="code_cell") or image, html)
            image.find_parent(class_="output_area")["class"].append("has-player")

    def of_index(self) -> dict[str, str]:
        """Return the parts of the front page: for each name its HTML."""
        return {part["name"]: self.html(part) for part in self.parts if part["page"] == "index"}

    def html(self, part: dict[str, Any]) -> str:
        """Return a part as HTML; nothing where its pictures are not there."""
        prepare = {"choices": self.choices, "toy": toy, "gram": self.gram, "film": dict}
        try:
            facts = prepare[part["kind"]](part)
        except FileNotFoundError:  # a folder of notebooks without our data
            return ""
        return self.templates.get_template("alive.html").render(part=part, **facts)

    def choices(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return the axes of a part, and its frames in the order of the axes, the last fastest."""
        axes = [{"start": 0, "words": axis["values"], **axis} for axis in part["axis"]]
        frames = []
        for number, numbers in enumerate(product(*(range(len(axis["values"])) for axis in axes))):
            chosen = list(zip(axes, numbers, strict=True))
            values = {axis["name"]: axis["values"][k] for axis, k in chosen}
            words = {axis["name"]: axis["words"][k] for axis, k in chosen}
            image = self.frame(part, number, values)
            frames.append({"src": image, "alt": part["alt"].format(**words)})
        for axis in axes:
            axis["small"] = [self.thumbnail(axis, value) for value in axis["values"]]
        first = 0
        for axis in axes:
            first = first * len(axis["values"]) + axis["start"]
        sizes = [Image.open(self.out / frame["src"]).size for frame in frames]
        facts = {"size": sizes[first], "widest": max(width for width, _ in sizes)}
        return {"axes": axes, "frames": frames, "first": first, **facts}

    def frame(self, part: dict[str, Any], number: int, values: dict[str, str]) -> str:
        """Write one frame beside the pages. Returns its address."""
        file = f"{FOLDER}/{part['page']}-{part['name']}-{number}.jpg"
        if "sheet" in part:
            left, top, width, height = part["boxes"][number]
            with Image.open(self.data / part["sheet"]) as sheet:
                self.write(file, sheet.crop((left, top, left + width, top + height)))
        else:
            write_file(self.out / file, (self.data / part["frames"].format(**values)).read_bytes())
        return file

    def thumbnail(self, axis: dict[str, Any], value: str) -> str:
        """Write the small picture of one value beside the pages. Returns its address, or ""."""
        if "pictures" not in axis:
            return ""
        file = f"{FOLDER}/small-{value}.jpg"
        with Image.open(self.data / axis["pictures"].format(**{axis["name"]: value})) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            self.write(file, square.resize((SMALL, SMALL), Image.Resampling.LANCZOS))
        return file

    def write(self, file: str, image: Image.Image) -> None:
        """Write a picture as JPEG beside the pages."""
        write_file(self.out / file, as_jpeg(image))

    def gram(self, part: dict[str, Any]) -> dict[str, Any]:
        """Return a table of numbers, and its pictures as addresses that hold them.

        They are inside the page, because a script may not read the pixels of another file.
        """
        table = json.loads((self.data / part["table"]).read_text(encoding="utf-8"))
        with Image.open(self.data / part["picture"]) as image:
            image = image.convert("RGB")
            image.thumbnail((SHOWN, SHOWN), Image.Resampling.LANCZOS)
            painting = address(as_jpeg(image))
        sheet = address((self.data / part["sheet"]).read_bytes())
        largest = max(max(row) for row in table["gram"])
        # By the square root, as on the notebook's scale, so that small numbers can be told apart.
        shades = [[round((number / largest) ** 0.5, 2) for number in row] for row in table["gram"]]
        return {"table": table, "shades": shades, "painting": painting, "maps": sheet}

    def film(self, image: Tag, name: str) -> dict[str, Any]:
        """Write the frames of a moving picture. Returns it as a part, with one slider."""
        frames = []
        with Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2]))) as moving:
            for number, frame in enumerate(ImageSequence.Iterator(moving)):
                file = f"{FOLDER}/{name}-{number}.jpg"
                self.write(file, frame.convert("RGB"))
                frames.append({"src": file, "alt": image.get("alt", "")})
            size = moving.size
        counts = [str(number) for number in range(1, len(frames) + 1)]
        axis = {"name": "frame", "label": "Picture", "values": counts, "words": counts, "start": 0}
        axis["small"] = [""] * len(frames)
        part = {"kind": "film", "name": name, "title": "The film, picture by picture"}
        facts = {"first": 0, "size": size, "widest": size[0]}
        return {**part, "axes": [axis], "frames": frames, **facts}


def toy(part: dict[str, Any]) -> dict[str, Any]:
    """Return the Gram matrix of a small matrix of features, and each entry as a sum in words."""
    rows = part["features"]
    numbers = [[sum(map(int.__mul__, one, other)) for other in rows] for one in rows]
    sums = []
    for one in rows:
        products = [[f"{a}·{b}" for a, b in zip(one, other, strict=True)] for other in rows]
        sums.append([" + ".join(terms) for terms in products])
    return {"numbers": numbers, "sums": sums}


def anchors(soup: BeautifulSoup, part: dict[str, Any]) -> list[Tag]:
    """Return the code cells that hold the line after which a part stands."""
    cells = soup.select(".code_cell")
    return [cell for cell in cells if part["after"] in cell.select_one(".input").get_text()]


def films(soup: BeautifulSoup) -> list[Tag]:
    """Return the moving pictures of a page."""
    found = []
    for image in soup.select(".output_area img"):
        kind, _, data = image["src"].partition(";base64,")
        if kind in ("data:image/png", "data:image/gif", "data:image/webp") and moves(data):
            found.append(image)
    return found


def moves(data: str) -> bool:
    """Tell whether a picture, in base64, has several frames."""
    try:
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return getattr(image, "n_frames", 1) > 1
    except OSError:  # not a picture that Pillow knows
        return False


def insert(place: Tag, html: str) -> None:
    """Put HTML after a tag."""
    place.insert_after(BeautifulSoup(html, "html.parser"))


def as_jpeg(image: Image.Image) -> bytes:
    """Return a picture as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def address(content: bytes) -> str:
    """Return a JPEG file as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
