"""Results -> a page in one file, a contact sheet to print, and a table of all numbers."""

import base64
import csv
import html
import io
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageOps

from helpers.exhibit.plan import Plan
from helpers.files import write_file
from helpers.images import credit, load, manifest, read_settings, to_pil

__all__ = ["SORTS", "Result", "filtered", "of_plan", "results", "sorted_by", "write_pages"]

SHEET = (1240, 1754)  # pixels of a sheet of A4
MARGIN = 60
GAP = 16  # right of a picture on the sheet
LINE = 40  # below it
USUAL_SHAPE = 1.5  # width by height of a photo
LICENCES = {
    "CC0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC BY 2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC BY 3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
}
WIDEST = 1600  # pixels of a picture on the page: sharp on a large screen
SORTS = {  # word: what is compared
    "plan": lambda result: 0,  # as they come
    "name": lambda result: result.path.name,
    "style": lambda result: result.settings.get("style_error", math.inf),
    "content": lambda result: result.settings.get("content_error", math.inf),
    "time": lambda result: result.settings.get("seconds", math.inf),
}
COLUMNS = (
    "job",
    "title",
    "content",
    "style",
    "recipe",
    "changes",
    "control",
    "size",
    "network",
    "precision",
    "evaluations",
    "seconds",
    "style_error",
    "style_errors",
    "content_error",
)


class Result(NamedTuple):
    """A finished painting, and what its file says."""

    path: Path
    settings: dict[str, Any]


def results(folder: Path) -> list[Result]:
    """Every painting of an exhibition in a folder, by name; other files are left alone."""
    found = []
    for path in sorted(folder.glob("*.png")):
        try:
            settings = read_settings(path)
        except (OSError, ValueError):  # no picture
            continue
        if settings.get("job") == path.stem:
            found.append(Result(path, settings))
    return found


def of_plan(plan: Plan) -> list[Result]:
    """What is finished of a plan, in its order, with the titles and labels that it has now.

    Other paintings in its folder, of an earlier state of the plan, are left out.
    """
    by_name = {result.path.stem: result for result in results(plan.out)}
    found = []
    for job in plan.jobs:
        if job.name in by_name:
            result = by_name[job.name]
            words = {"title": job.title, "label": job.label}
            found.append(result._replace(settings={**result.settings, **words}))
    return found


def filtered(found: list[Result], words: list[str]) -> list[Result]:
    """Those for which every word=value holds: style=mosaic, recipe=ours, size=512.

    Raises ValueError for what has not this form, and for an unknown word.
    """
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or name not in COLUMNS:
            known = ", ".join(COLUMNS)
            raise ValueError(f"a filter is word=value, such as style=mosaic, not {word!r}; {known}")
        found = [result for result in found if _is(result.settings.get(name), value)]
    return found


def _is(stored: Any, value: str) -> bool:
    if isinstance(stored, list):
        return any(_is(part, value) for part in stored)
    return str(stored) == value


def sorted_by(found: list[Result], word: str) -> list[Result]:
    """The results as they come (plan), or by name, style (error), content (error) or time.

    The smallest stands first. Raises ValueError for another word.
    """
    if word not in SORTS:
        raise ValueError(f"there is no order {word!r}; known: {', '.join(SORTS)}")
    return sorted(found, key=SORTS[word])


def write_pages(found: list[Result], out: Path, title: str, author: str = "") -> list[Path]:
    """index.html (one file, without network), contact_sheet.png and results.csv into a folder.

    Returns their paths. Raises ValueError where there is no painting.
    """
    if not found:
        raise ValueError(f"there is no painting in {out}: nothing to show")
    return [
        write_file(out / "index.html", page(found, title, author)),
        write_file(out / "contact_sheet.png", contact_sheet(found, title)),
        write_file(out / "results.csv", table(found)),
    ]


def table(found: list[Result]) -> str:
    """All numbers, a row for each painting; a spreadsheet opens it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", *COLUMNS))
    for result in found:
        cells = [result.settings.get(column, "") for column in COLUMNS]
        writer.writerow((result.path.name, *map(_cell, cells)))
    return text.getvalue()


def _cell(value: Any) -> str:
    """A value as a cell; a formula of a spreadsheet stays text."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def contact_sheet(found: list[Result], title: str) -> bytes:
    """All paintings on one sheet of A4 (210 x 297 mm at 150 dots an inch), as a PNG."""
    from PIL import ImageDraw, ImageFont

    columns, cell = _grid(len(found))
    sheet = Image.new("RGB", SHEET, "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((MARGIN, MARGIN // 2), title, fill="black", font=ImageFont.load_default(28))
    font = ImageFont.load_default(max(9, min(18, cell[0] // 18)))
    room = (cell[0] - GAP, cell[1] - LINE)
    for number, result in enumerate(found):
        left = MARGIN + number % columns * cell[0]
        top = 2 * MARGIN + number // columns * cell[1]
        with Image.open(result.path) as image:
            tile = ImageOps.contain(image.convert("RGB"), room, Image.Resampling.LANCZOS)
        sheet.paste(tile, (left, top))
        label = _shortened(_heading(result), pen, font, room[0])
        pen.text((left, top + tile.height + 6), label, fill="black", font=font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", dpi=(150, 150), optimize=True)
    return buffer.getvalue()


def _grid(number: int) -> tuple[int, tuple[int, int]]:
    """Columns, and the size of a cell, that make pictures of the usual shape largest."""
    grids = {}
    for columns in range(1, number + 1):
        rows = math.ceil(number / columns)
        cell = ((SHEET[0] - 2 * MARGIN) // columns, (SHEET[1] - 3 * MARGIN) // rows)
        grids[min(cell[0] - GAP, USUAL_SHAPE * (cell[1] - LINE))] = columns, cell
    return grids[max(grids)]


def _shortened(text: str, pen, font, width: int) -> str:
    """A line that fits."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _heading(result: Result) -> str:
    settings = result.settings
    styles = " and ".join(map(_title, settings["style"]))
    return settings.get("title") or f"{_title(settings['content'])} after {styles}"


def _title(picture: str) -> str:
    """What a picture is called: in the manifest, or as a file."""
    if picture in manifest():
        return manifest()[picture]["title"]
    return Path(picture).stem.replace("_", " ")


CSS = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --ink: #1d1d1f; --quiet: #5c5c60; --line: #d9d6cf;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #17171a; --ink: #ececee; --quiet: #a5a5ab; --line: #36363c; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.05rem/1.6 Georgia, serif; }
header, article, footer { max-width: 64rem; margin: 0 auto; padding: 2rem 1.25rem; }
h1 { font-size: 2.4rem; line-height: 1.15; margin: 1rem 0 0.25rem; }
h2 { font-size: 1.5rem; margin: 0.75rem 0 0.25rem; }
article { border-top: 1px solid var(--line); }
figure { margin: 0; }
img { display: block; width: 100%; height: auto; max-height: 94vh; object-fit: contain; }
h1, h2 { overflow-wrap: anywhere; }
.label { max-width: 40rem; }
.facts { color: var(--quiet); font: 0.9rem/1.5 system-ui, sans-serif; }
.facts dt { float: left; clear: left; width: 8.5rem; }
.facts dd { margin: 0 0 0 9rem; overflow-wrap: anywhere; }
nav ol { columns: 18rem; column-gap: 3rem; padding-left: 1.5rem; }
nav li { break-inside: avoid; }
a { color: inherit; }
@media (max-width: 30rem) {
  .facts dt { float: none; width: auto; font-weight: 600; }
  .facts dd { margin: 0 0 0.4rem; }
}
@media print {
  :root { --paper: white; --ink: black; --quiet: #333; --line: #bbb; }
  article { break-inside: avoid; border: 0; }
  article + article { break-before: page; }
  header, article, footer { max-width: none; padding: 0.5rem 0; }
  img { max-height: 14cm; object-position: left; }
  nav { display: none; }
}
"""


FOOTER = (
    "Each picture was painted by a program, from the photo and after the pictures that are named "
    "with it; the photo was changed by that. Made with Paint by Gradient."
)


def page(found: list[Result], title: str, author: str = "") -> str:
    """One HTML file that holds everything: large pictures, labels, settings, credits."""
    shown = html.escape(title)
    by = f"<p>{html.escape(author)}</p>" if author else ""
    entries = "".join(
        f'<li><a href="#p{number}">{html.escape(_heading(result))}</a></li>'
        for number, result in enumerate(found, start=1)
    )
    articles = "".join(_article(result, number) for number, result in enumerate(found, start=1))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{shown}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{CSS}</style></head><body><header><h1>{shown}</h1>{by}"
        f'<nav aria-label="Paintings"><ol>{entries}</ol></nav></header><main>{articles}</main>'
        f"<footer><p>{FOOTER}</p></footer></body></html>\n"
    )


def _article(result: Result, number: int) -> str:
    settings = result.settings
    heading = html.escape(_heading(result))
    picture, width, height = _embedded(result.path)
    label = html.escape(settings.get("label", ""))
    paragraphs = "".join(f"<p>{part}</p>" for part in label.split("\n") if part.strip())
    facts = "".join(
        f"<dt>{html.escape(word)}</dt><dd>{_with_licences(html.escape(value))}</dd>"
        for word, value in _facts(settings).items()
    )
    return (
        f'<article id="p{number}"><figure><img src="{picture}" width="{width}" height="{height}" '
        f'alt="{html.escape(_alt(settings))}"><figcaption><h2>{heading}</h2>'
        f'<div class="label">{paragraphs}</div><dl class="facts">{facts}</dl>'
        "</figcaption></figure></article>"
    )


def _embedded(path: Path) -> tuple[str, int, int]:
    """A picture as a data address, with its width and height."""
    picture = to_pil(load(path, None))
    if max(picture.size) > WIDEST:
        picture.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90, subsampling=0)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/jpeg;base64,{encoded}", *picture.size


def _alt(settings: dict) -> str:
    """What is to be seen, as far as the sources tell."""
    return f"{_described(settings['content'])} Painted after: " + " ".join(
        _described(style) for style in settings["style"]
    )


def _described(picture: str) -> str:
    return manifest()[picture]["alt"] if picture in manifest() else f"{Path(picture).stem}."


def _credit(picture: str) -> str:
    return credit(picture) if picture in manifest() else picture


def _facts(settings: dict) -> dict[str, str]:
    """What stands under a painting."""
    facts = {
        "Photo": _credit(settings["content"]),
        "Style": "; ".join(_credit(style) for style in settings["style"]),
        "Recipe": settings["recipe"],
        "Network": f"{settings['network']}, {settings['precision']}",
        "Size": f"{settings['size']} px, {settings['evaluations']} evaluations, "
        f"{settings['seconds']:g} s of one core",
        "Style error": f"{settings['style_error']:.3f}",
        "Content error": f"{settings['content_error']:.3f}",
    }
    for word in ("changes", "control"):
        if settings.get(word):
            facts[word.capitalize()] = _told(settings[word])
    return facts


def _told(value: Any) -> str:
    """A table as people write it: colour matched; stages 40 steps at size 256, ..."""
    if isinstance(value, dict):
        return "; ".join(f"{word} {_told(inner)}" for word, inner in value.items())
    if isinstance(value, list):
        return ", ".join(
            _told(inner).replace(";", "") if isinstance(inner, dict) else _told(inner)
            for inner in value
        )
    return str(value)


def _with_licences(text: str) -> str:
    """Credits whose licences are links, as these licences ask for."""
    for name, address in LICENCES.items():
        text = text.replace(f"({name})", f'(<a href="{address}" rel="license">{name}</a>)')
    return text
