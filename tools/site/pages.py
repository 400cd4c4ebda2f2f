"""Executed notebooks as pages that need no network: formulas as MathML, pictures inside."""

import base64
import html
import json
import math
import mimetypes
import os
import re
from collections.abc import Iterable
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import jinja2
import nbformat
from bs4 import BeautifulSoup, Tag
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image

from helpers.files import write_file
from tools.endings import Mistake
from tools.site import outline
from tools.site.alive import Alive
from tools.site.front import Front
from tools.site.printed import tabulate

TEMPLATES = Path(__file__).resolve().parent / "templates"
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
# Which form of an output a page shows, the best first: never a live widget or a script.
FORMS = ["text/html", "text/markdown", "image/svg+xml", "text/latex", *EXTENSIONS, "text/plain"]
# nbconvert's plain HTML, and the two kinds of pictures it leaves out.
TEMPLATE = """{% extends "basic/index.html.j2" %}
{% block data_other %}
{% for kind in ["image/gif", "image/webp"] if kind in output.data %}
<div class="output_picture"><img src="data:{{ kind }};base64,{{ output.data[kind] }}"
alt="{{ output | get_metadata("alt", kind) | default("", true) | escape_html }}"></div>
{% endfor %}
{% endblock %}"""
NOT_RUN = {"pictures": [], "failure": None, "seconds": None, "stored": False}
MINUTES = re.compile(r"about (\d+) minutes to read.*?(\d+) minutes for the exercises", re.S)
MARK = ".paint-by-gradient"  # stands in a folder of pages, and says that they may be replaced
MARKED = "Pages of Paint by Gradient. Its next run may replace and remove files in this folder.\n"


def clock(seconds: float) -> str:
    """Write seconds as 1:23."""
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def claim(out: Path, is_ours: bool = False) -> None:
    """Make a folder for pages, and mark it, so that a later run knows it again.

    is_ours: whether it needs no mark. Raises FileExistsError, before anything is touched, where the
    folder holds what somebody else has put there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        sentence = f"{out} cannot be a folder, because a file is in its way: choose another."
        raise FileExistsError(sentence) from None
    # What was half written when a run was killed says nothing about whose the folder is.
    others = [path for path in out.iterdir() if path.suffix != ".part"]
    if others and not is_ours and not (out / MARK).is_file():
        raise FileExistsError(
            f"{out} holds files that are not pages of this series, such as {others[0].name}, and "
            "they stay as they are: choose an empty folder, or one that does not exist yet."
        )
    write_file(out / MARK, MARKED)


def read(path: Path, stored: bool = False) -> nbformat.NotebookNode:
    """Read a notebook as if nobody had run it, so that each output on a page is of this run.

    stored: whether the outputs that the notebook came with are kept. Raises Mistake where the file
    is no notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError:
        raise
    except Exception as error:  # nbformat has no common class for what is no notebook
        raise Mistake(
            f"{path.name} is damaged and cannot be read as a notebook; `git checkout` brings it "
            "back, and so does `python do.py build`"
        ) from error
    for cell in notebook.cells:
        if cell.cell_type == "code" and not stored:
            cell.outputs = []
            cell.execution_count = None
    return notebook


def formula(tex: str, display: str = "inline") -> str:
    """Translate TeX to MathML; what cannot be translated stays readable as it is."""
    plain = html.unescape(tex.strip())
    # The converter knows neither these environments nor \mathbb R without braces, nor space
    # between two lines.
    environments = r"(begin|end)\{(?:aligned|gathered|equation\*?)\}"
    plain = re.sub(environments, r"\1{align*}", plain)
    plain = re.sub(r"\\\\\[[^\]]*\]", r"\\\\", plain)
    plain = re.sub(r"\\(math[a-z]+|boldsymbol)\s+([A-Za-z])", r"\\\1{\2}", plain)
    try:
        math = convert(plain, display=display)
    except Exception:  # the converter has no common class for its errors
        return f"<code>{html.escape(tex)}</code>"
    # A bar keeps the height of its line, and a function's name has less space around it.
    math = re.sub(r"<mo>(?=&#x02016;|&#x0007C;)", '<mo stretchy="false">', math)
    return re.sub(r"<mo>(?=[A-Za-z]{2})", '<mo lspace="0.1em" rspace="0.1em">', math)


class Renderer(IPythonRenderer):
    """Markdown as notebooks have it, with formulas as MathML."""

    def inline_math(self, body: str) -> str:
        """Render $...$."""
        return formula(body)

    def block_math(self, body: str) -> str:
        """Render $$...$$."""
        return formula(body, "block")

    def latex_environment(self, name: str, body: str) -> str:
        r"""Render \begin{name}...\end{name}."""
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class Exporter(HTMLExporter):
    """nbconvert's plain HTML of a notebook, with our Markdown."""

    @jinja2.pass_context
    def markdown2html(self, context: jinja2.runtime.Context, source: str) -> str:
        """Render a Markdown cell with its attachments."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(escape=False, attachments=attachments)
        return MarkdownWithMath(renderer=renderer).render(source)


def render(notebook: nbformat.NotebookNode, folder: Path, out: Path) -> BeautifulSoup:
    """Return the body of a notebook that lies in `folder`, for a page that lies in `out`."""
    exporter = Exporter(template_name="basic", raw_template=TEMPLATE)
    exporter.log.disabled = True
    exporter.config.NbConvertBase.display_data_priority = FORMS
    body, _ = exporter.from_notebook_node(notebook)
    soup = BeautifulSoup(body, "html.parser")
    for foreign in soup.select("script[src], link[href], iframe[src]"):
        foreign.decompose()
    for image in soup.select("img[src]"):
        image["src"] = embedded(image["src"], folder)
        if not image["src"].startswith("data:"):  # a badge, say: a page must not call anybody
            image.replace_with(image.get("alt", ""))
    for link in soup.select("a[href]"):
        link["href"] = redirected(link["href"], folder, out)
    for code in soup.select(".celltag_folded .input"):
        outline.fold(soup, code, "What the check compares with (it tells the answer)", "answer")
    outline.arrange(soup)
    tabulate(soup)
    for corner in soup.select("th"):
        if not corner.get_text(strip=True):
            corner.name = "td"  # a heading without words is none
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "wide"}))
    return soup


def embedded(source: str, folder: Path) -> str:
    """Return the picture at a relative address as a data address; other addresses stay."""
    parts = urlsplit(source)
    path = Path(folder, unquote(parts.path))
    if parts.scheme or not path.is_file():
        return source
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def redirected(address: str, folder: Path, out: Path) -> str:
    """Return where a link of a notebook leads from its page.

    Notebooks become pages, and other files are found where they are.
    """
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return address
    target = Path(folder, unquote(parts.path))
    if target.suffix == ".ipynb" and target.parent.resolve() == folder.resolve():
        path = target.stem + ".html"
    else:
        path = os.path.relpath(target, out).replace(os.sep, "/")
    return parts._replace(path=quote(path)).geturl()


@cache
def template_text(name: str) -> str:
    """Return a file that goes into pages as it is: a style, or a script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def first_heading(path: Path) -> str:
    """Return the first heading of a notebook; nothing, where there is none."""
    try:
        cells = read(path, stored=True).cells
    except Mistake:
        return ""
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    heading = re.search(r"^# (.+)$", prose, re.M)
    return heading[1].strip() if heading else ""


def headline(soup: BeautifulSoup) -> tuple[str, str]:
    """Return the title of a page and the first sentence below it, as plain text."""
    title = soup.find("h1")
    texts = [without_label(paragraph) for paragraph in (title or soup).find_all_next("p")]
    about = next((text for text in texts if len(text) > 20), "")
    # Up to the end of the first sentence, unless that is very near or far away.
    sentence = re.match(r".{30,180}?[.!?](?=\s|$)|.{0,180}(?=\s|$)", about)[0]
    words = outline.heading_text(title) if title else ""
    return words, sentence[:1].upper() + sentence[1:]


def without_label(paragraph: Tag) -> str:
    """Return the text of a paragraph without the bold words that open it, as on a card's lines."""
    return plain(paragraph).removeprefix(plain(paragraph.strong)).strip()


def plain(tag: Tag | None) -> str:
    """Return the text of a tag on one line; nothing, if there is no tag."""
    return " ".join(tag.get_text().split()) if tag else ""


class Picture(NamedTuple):
    """A picture of a notebook's output, as the gallery shows it."""

    kind: str  # its MIME type
    content: bytes
    alt: str
    caption: str


def pictures(notebook: nbformat.NotebookNode) -> list[Picture]:
    """Return the pictures of the cells tagged `painting`; the last picture, if none is tagged."""
    tagged = []
    last = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            picture = picture_of(output, cell.metadata)
            if picture:
                last = [picture]
                if "painting" in cell.metadata.get("tags", []):
                    tagged.append(picture)
    return tagged or last


def picture_of(output: nbformat.NotebookNode, metadata: dict[str, Any]) -> Picture | None:
    """Return the picture of an output, if it has one; metadata is that of the cell."""
    for kind in EXTENSIONS:
        if kind in output.get("data", {}):
            notes = {**metadata, **output.metadata, **output.metadata.get(kind, {})}
            alt = notes.get("alt", "")
            content = base64.b64decode(output.data[kind])
            return Picture(kind, content, alt, notes.get("caption") or alt)
    return None


def save_pictures(notebook: nbformat.NotebookNode, name: str, out: Path) -> list[dict[str, Any]]:
    """Write the gallery's pictures of one notebook and remove those of earlier runs.

    Returns what the gallery needs of each: file, alt, caption, width and height.
    """
    saved = []
    for number, picture in enumerate(pictures(notebook), 1):
        file = f"pictures/{name}-{number}.{EXTENSIONS[picture.kind]}"
        write_file(out / file, picture.content)
        width, height = Image.open(BytesIO(picture.content)).size
        size = {"width": width, "height": height}
        saved.append({"file": file, "alt": picture.alt, "caption": picture.caption, **size})
    files = [picture["file"] for picture in saved]
    for path in (out / "pictures").glob(f"{name}-*"):
        if f"pictures/{path.name}" not in files:
            path.unlink()
    return saved


def known_results(out: Path) -> dict[str, dict[str, Any]]:
    """Return what results.json knows of earlier runs; what is spoiled or foreign is left out."""
    try:
        results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(results, dict):
        return {}
    known = {}
    for name, result in results.items():
        if is_result(result) and re.fullmatch(r"[\w-]+", name):
            # A run that was killed may have replaced its pictures.
            there = [one for one in result["pictures"] if (out / one["file"]).is_file()]
            known[name] = {**result, "pictures": there}
    return known


def is_result(result: Any) -> bool:
    """Tell whether this is what `Site.page` notes of a notebook."""
    kinds = {"title": str, "about": str, "seconds": float | int | None}
    kinds |= {"failure": dict | None, "pictures": list, "stored": bool, "minutes": list}
    of_picture = {"file": str, "alt": str, "caption": str, "width": int, "height": int}
    return (
        has(result, kinds)
        and 0 <= (result["seconds"] or 0) < math.inf
        and all(has(picture, of_picture) and picture["height"] for picture in result["pictures"])
    )


def has(facts: Any, kinds: dict[str, Any]) -> bool:
    """Tell whether this is a dictionary that has these keys, each with a value of its kind."""
    return isinstance(facts, dict) and all(
        key in facts and isinstance(facts[key], kind) for key, kind in kinds.items()
    )


class Site:
    """The pages in a folder, and what is known about them, in its results.json.

    results: for each notebook its title, a sentence about it, the seconds it took or None, its
    failure (cell and message) or None, whether its outputs are those that it came with, the
    minutes that its card states (to read, for the exercises; or none), and its pictures for the
    gallery. The cell is 0 where the notebook could not even be read.
    """

    def __init__(self, folder: Path, out: Path):
        """Take the folder of the notebooks and that of the pages."""
        self.folder = folder
        self.out = out
        self.paths = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
        self.results = known_results(out)
        loader = jinja2.FileSystemLoader(TEMPLATES)
        self.templates = jinja2.Environment(
            loader=loader,
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters["clock"] = clock
        self.templates.globals["text"] = template_text
        self.alive = Alive(folder.parent / "data", out, self.templates)
        self.front = Front(folder.parent / "data", out)

    def clean(self, again: Iterable[str] = ()) -> None:
        """Remove what earlier runs left of notebooks that are gone; let every link find a page.

        again: the notebooks that get a page with stored outputs even if they have a page.
        """
        for name in set(self.results) - set(self.paths):
            del self.results[name]
            own = [self.out / f"{name}.html", self.out / "search" / f"{name}.js"]
            for stale in [*own, *(self.out / "pictures").glob(f"{name}-*")]:
                stale.unlink(missing_ok=True)
        for path in [*(TEMPLATES / "fonts").glob("*.woff2"), TEMPLATES / "fonts" / "OFL.txt"]:
            if not (self.out / "fonts" / path.name).is_file():
                write_file(self.out / "fonts" / path.name, path.read_bytes())
        for name in self.paths:
            is_there = name in self.results and (self.out / f"{name}.html").exists()
            if name in again or not is_there:
                self.stored(name)

    def stored(self, name: str) -> None:
        """Write the page of a notebook that was not run: with the outputs that it came with."""
        try:
            notebook = read(self.paths[name], stored=True)
        except Mistake as mistake:
            self.damaged(name, str(mistake))
            return
        outputs = [cell for cell in notebook.cells if cell.get("outputs")]
        pictures = save_pictures(notebook, name, self.out)
        self.page(name, notebook, {**NOT_RUN, "stored": bool(outputs), "pictures": pictures})

    def damaged(self, name: str, message: str) -> None:
        """Write the page of a notebook that cannot be read."""
        heading = nbformat.v4.new_markdown_cell(f"# {name}")
        failure = {"cell": 0, "message": message}
        empty = nbformat.v4.new_notebook(cells=[heading])
        self.page(name, empty, {**NOT_RUN, "failure": failure})

    def page(self, name: str, notebook: nbformat.NotebookNode, result: dict[str, Any]) -> None:
        """Write one notebook's page, and its part of the search; note what is known about it."""
        soup = render(notebook, self.folder, self.out)
        title, about = headline(soup)
        stated = MINUTES.search(plain(soup.find("blockquote")))
        minutes = [int(number) for number in stated.groups()] if stated else []
        facts = {"title": title or name, "about": about, "minutes": minutes, "stored": False}
        self.results[name] = {**facts, **result}
        outline.set_card(soup)
        self.index_words(name, soup)
        self.alive.place(soup, name)
        names = [None, *self.paths, None]
        place = names.index(name)
        self.fill(
            "notebook.html",
            f"{name}.html",
            body=str(soup),
            contents=outline.contents(soup),
            result=self.results[name],
            titles={other: self.title(other) for other in self.paths},
            before=names[place - 1],
            after=names[place + 1],
        )

    def index_words(self, name: str, soup: BeautifulSoup) -> None:
        """Write what search knows of a page, as a script: pages that are files may load no data."""
        words = json.dumps([name, self.title(name), outline.sections(soup)], ensure_ascii=False)
        write_file(self.out / "search" / f"{name}.js", f"addPage(...{words})\n")

    def title(self, name: str) -> str:
        """Return the title of a notebook, also of one that has no page yet."""
        return self.results[name]["title"] if name in self.results else self.headings[name]

    @cached_property
    def headings(self) -> dict[str, str]:
        """The first heading of each notebook; its name, where it has none or cannot be read."""
        return {name: first_heading(path) or name for name, path in self.paths.items()}

    def index(self) -> None:
        """Write the front page, and the results it was made from."""
        self.results = {name: self.results[name] for name in self.paths}  # in reading order
        write_file(self.out / "results.json", json.dumps(self.results, indent=1))
        known = [result["seconds"] for result in self.results.values()]
        times = [seconds for seconds in known if seconds is not None]
        self.fill(
            "index.html",
            "index.html",
            results=self.results,
            parts=self.front.parts(list(self.paths)),
            paintings=self.front.paintings(),
            wipe=self.front.wipe(),
            alive=self.alive.of_index(),
            minutes=[sum(column) for column in zip(*self.known_minutes(), strict=True)],
            ran=len(times),
            total=sum(times),
        )

    def known_minutes(self) -> list[list[int]]:
        """Return the minutes to read and for the exercises of each notebook that states them."""
        return [result["minutes"] for result in self.results.values() if result["minutes"]]

    def fill(self, template: str, file: str, **facts: Any) -> None:
        """Fill a template into a file."""
        page = self.templates.get_template(template).render(pages=list(self.paths), **facts)
        write_file(self.out / file, page)
