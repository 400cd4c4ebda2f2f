"""Every picture of the series, full size, with what is to be seen, and whose it is.

A stored picture has its papers in data/images.toml; a painting in data/results carries the settings
that made it, and data/results/README.md tells about it. An output of a notebook has a description,
and is credited to all pictures that its notebook loads: rather one credit too many than too few.
"""

import ast
import csv
import html
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image

from tools.site import build
from tools.site.pages import EXTENSIONS, formula, picture_of
from tools.teach.shelf import Shelf

SETTINGS_KEY = "paint-by-gradient"  # of helpers.images, which would import PyTorch
OURS = "Paint by Gradient (CC BY 4.0)"
TOLD = ("recipe", "size", "content_weight", "style_scale", "network", "pool")  # in a caption
SUFFIXES = (".jpg", ".jpeg", ".png")
PART = re.compile(r"^## (\S+)\n\n!\[([^\]]*)\][^\n]*\n\n(.+?)\n\n", re.M | re.S)
HEADING = re.compile(r"^## (.+)$", re.M)


@dataclass
class Figure:
    """A picture. file: its name in the pack. where: the notebook and its section, or a folder."""

    file: str
    title: str
    caption: str
    alt: str
    credit: str
    where: str
    width: int
    height: int


class Source:
    """Where the bytes of a figure come from: a file, or an output."""

    def __init__(self, figure: Figure, content: bytes):
        """Keep both."""
        self.figure = figure
        self.content = content


def figures() -> list[Figure]:
    """Return what is known about every picture, without writing anything."""
    return [source.figure for source in sources()]


def sources() -> Iterator[Source]:
    """Return every picture: the stored ones, and the outputs of the notebooks."""
    yield from stored()
    yield from results()
    for slug in build.sources():
        yield from outputs(slug)


@cache
def manifest() -> dict[str, dict[str, Any]]:
    """Return the papers of the stored pictures."""
    return build.table(build.ROOT / "data" / "images.toml")


def credit(name: str) -> str:
    """Return whose a stored picture is, in a line."""
    entry = manifest()[name]
    return f"{entry['title']}, {entry['author']}, {entry['year']} ({entry['licence']})"


def measured(content: bytes) -> dict[str, int]:
    """Return width and height."""
    width, height = Image.open(io.BytesIO(content)).size
    return {"width": width, "height": height}


def stored() -> Iterator[Source]:
    """Return photos, paintings, textures and masks."""
    for name, entry in manifest().items():
        content = (build.ROOT / "data" / entry["file"]).read_bytes()
        yield Source(
            Figure(
                file=entry["file"],
                title=str(entry["title"]),
                caption=f"{entry['title']}, {entry['author']}, {entry['year']}.",
                alt=entry.get("alt", ""),
                credit=f"{credit(name)}. Source: {entry['source']}",
                where=f"data/{entry['file'].partition('/')[0]}",
                **measured(content),
            ),
            content,
        )


def results() -> Iterator[Source]:
    """Return the paintings of data/results, with their settings."""
    folder = build.ROOT / "data" / "results"
    page = (folder / "README.md").read_text(encoding="utf-8")
    told = {name: (alt, " ".join(text.split())) for name, alt, text in PART.findall(page)}
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES:
            content = path.read_bytes()
            name = path.relative_to(folder).with_suffix("").as_posix()
            alt, text = told.get(name.partition("/")[0], ("", ""))
            settings = settings_of(path)
            pair = [name for name in works_of(settings) if name in manifest()]
            if "/" in name:
                alt, text = of_a_part(name, settings, pair, text)
            yield Source(
                Figure(
                    file=f"results/{path.relative_to(folder).as_posix()}",
                    title=name,
                    caption=text,
                    alt=alt,
                    credit=credits(pair) if pair else made_from(name),
                    where="data/results",
                    **measured(content),
                ),
                content,
            )


def works_of(settings: dict) -> list[str]:
    """Return the names of the photo and of the styles, of which there may be several."""
    works = []
    for word in ("content", "style"):
        given = settings.get(word, [])
        works += [given] if isinstance(given, str) else given
    return [name for name in works if isinstance(name, str)]


def of_a_part(name: str, settings: dict, pair: list[str], text: str) -> tuple[str, str]:
    """Return description and caption of a picture that is one of a row."""
    first = text.split(". ")[0].rstrip(".")
    row = f" One of: {first}." if first else ""
    alt = f"One picture of a row, called {name.rpartition('/')[2]}.{row}"
    if len(pair) == 2:
        photo, style = (manifest()[one]["title"] for one in pair)
        alt = f"{photo}, painted after {style}."
    own = {key: settings[key] for key in TOLD if key in settings}
    facts = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in own.items())
    return alt, f"{alt.removesuffix(row)}{row} {facts}{'.' if facts else ''}".strip()


def made_from(name: str) -> str:
    """Return the credit of a sheet without settings of its own.

    That is the credit of the paintings on it, where they lie in a folder, or else of all pictures
    that its notebook loads.
    """
    folder = build.ROOT / "data" / "results"
    for part in (name, name[3:], name.removesuffix("_figure")):
        pairs = [settings_of(path) for path in (folder / part).glob("*.jpg")] if part else []
        found = {name for pair in pairs for name in works_of(pair)}
        if found & set(manifest()):
            return credits(sorted(found & set(manifest())))
    slugs = [slug for slug in build.sources() if slug[:2] == name[:2]]
    return credits(names_in(slugs[0]) if slugs else sorted(manifest()))


def settings_of(path: Path) -> dict[str, Any]:
    """Return the settings that a painting carries; none, where it carries none."""
    note = Image.open(path).info.get("comment", b"{}")
    try:
        settings = json.loads(note)[SETTINGS_KEY]
    except (ValueError, TypeError, LookupError):
        return {}
    return settings if isinstance(settings, dict) else {}


def outputs(slug: str) -> Iterator[Source]:
    """Return the pictures that a notebook shows, in their order."""
    notebook = build.committed(slug)
    heading = build.title_of(slug)
    number = 0
    whose = credits(names_in(slug))
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            found = HEADING.findall(cell.source)
            heading = found[-1] if found else heading
        for output in cell.get("outputs", []):
            picture = picture_of(output, cell.metadata)
            if picture:
                number += 1
                yield Source(
                    Figure(
                        file=f"{slug}/{number:02d}.{EXTENSIONS[picture.kind]}",
                        title=f"{slug[:2]} · {heading}",
                        caption=reading(notebook.cells[place + 1 :]) or picture.alt,
                        alt=picture.alt,
                        credit=whose,
                        where=f"notebooks/{slug}.html#{heading.replace(' ', '-')}",
                        **measured(picture.content),
                    ),
                    picture.content,
                )


def reading(cells: list[nbformat.NotebookNode]) -> str:
    """Return the first sentences under a picture, which say how it is to be read."""
    if not cells or cells[0].cell_type != "markdown":
        return ""
    paragraph = cells[0].source.strip().split("\n\n")[0]
    if paragraph.startswith(("#", "$$", "<", "|", "**Your turn", "**Exercise", "- ")):
        return ""
    return " ".join(paragraph.split())


def credits(names: list[str]) -> str:
    """Return the credit of something that was made from some pictures."""
    if not names:
        return OURS
    return f"{OURS}, made from: " + "; ".join(credit(name) for name in names)


@cache
def names_in(slug: str) -> list[str]:
    """Return the stored pictures that a notebook's code names, or asks for by their kind."""
    found = set()
    for cell in build.code_cells(build.committed(slug)):
        try:
            tree = ast.parse(re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.M))
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in manifest():
                found.add(node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "names":
                kinds = [
                    ast.literal_eval(word) for word in node.args if isinstance(word, ast.Constant)
                ]
                found |= {n for n, e in manifest().items() if not kinds or e["kind"] in kinds}
    return sorted(found)


def pack(shelf: Shelf) -> list[Figure]:
    """Write the pack into a shelf, under figures/. Returns what is in it."""
    everything = []
    for source in sources():
        shelf.write(f"figures/{source.figure.file}", source.content)
        everything.append(source.figure)
    rows = [asdict(figure) for figure in everything]
    shelf.write("figures/figures.json", json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    shelf.write("figures/figures.csv", text.getvalue())
    return everything


def shown(markdown: str) -> str:
    """Return a caption as HTML: formulas, emphasis and code; links become words."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", markdown)
    pieces = re.split(r"\$([^$]+)\$", text)
    done = [
        formula(piece) if number % 2 else html.escape(piece, quote=False)
        for number, piece in enumerate(pieces)
    ]
    text = "".join(done)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", text)
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", text)
