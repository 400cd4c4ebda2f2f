"""Turn executed notebooks into pages that need nothing from the network: formulas as MathML, pictures inside."""

import base64
import html
import json
import mimetypes
import os
import re
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import jinja2
import nbformat
from bs4 import BeautifulSoup
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from PIL import Image
from pygments.formatters import HtmlFormatter

TOOLS = Path(__file__).resolve().parent
EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}
# Which form of an output a page shows, the best first: never a live widget or a script.
FORMS = ["text/html", "text/markdown", "image/svg+xml", "text/latex", *EXTENSIONS, "text/plain"]
# nbconvert's plain HTML, and the two kinds of pictures it leaves out.
TEMPLATE = """{% extends "basic/index.html.j2" %}
{% block data_other %}{% for kind in ["image/gif", "image/webp"] if kind in output.data %}
<div class="output_picture"><img src="data:{{ kind }};base64,{{ output.data[kind] }}"
alt="{{ output | get_metadata("alt", kind) | default("", true) | escape_html }}"></div>
{% endfor %}{% endblock %}"""
NOT_RUN = {"cells": [], "pictures": [], "failure": None, "seconds": None}


def clock(seconds):
    """Write seconds as 1:23."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def write(path, content):
    """Write bytes or text beside the file and move it there, so that nobody ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(beside, path)


def read(path):
    """Read a notebook as if nobody had run it, so that no output of an earlier run is taken for this one's."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def formula(tex, display="inline"):
    """Translate TeX to MathML; what cannot be translated stays readable as it is."""
    plain = re.sub(r"(begin|end)\{(?:aligned|gathered|equation\*?)\}", r"\1{align*}", html.unescape(tex.strip()))
    plain = re.sub(r"\\(math[a-z]+|boldsymbol)\s+([A-Za-z])", r"\\\1{\2}", plain)
    try:
        math = convert(plain, display=display)
    except Exception:  # the converter has no common class for its errors
        return f"<code>{html.escape(tex)}</code>"
    math = re.sub(r"<mo>(?=&#x02016;|&#x0007C;)", '<mo stretchy="false">', math)  # a bar keeps the height of its line
    return re.sub(r"<mo>(?=[A-Za-z]{2})", '<mo lspace="0.1em" rspace="0.1em">', math)  # a function's name: less space


class Renderer(IPythonRenderer):
    """Markdown as notebooks have it, with formulas as MathML."""

    def inline_math(self, body):
        """Render $...$."""
        return formula(body)

    def block_math(self, body):
        """Render $$...$$."""
        return formula(body, "block")

    def latex_environment(self, name, body):
        r"""Render \begin{name}...\end{name}."""
        return formula(f"\\begin{{{name}}}{body}\\end{{{name}}}", "block")


class Exporter(HTMLExporter):
    """nbconvert's plain HTML of a notebook, with our Markdown."""

    @jinja2.pass_context
    def markdown2html(self, context, source):
        """Render a Markdown cell with its attachments."""
        attachments = context.get("cell", {}).get("attachments", {})
        return MarkdownWithMath(renderer=Renderer(escape=False, attachments=attachments)).render(source)


def render(notebook, folder, out):
    """Return the HTML of a notebook that lies in one folder, for a page that lies in another."""
    exporter = Exporter(template_name="basic", raw_template=TEMPLATE)
    exporter.log.disabled = True
    exporter.config.NbConvertBase.display_data_priority = FORMS
    soup = BeautifulSoup(exporter.from_notebook_node(notebook)[0], "html.parser")
    for foreign in soup.select("script[src], link[href], iframe[src]"):
        foreign.decompose()
    for image in soup.select("img[src]"):
        image["src"] = embedded(image["src"], folder)
        if not image["src"].startswith("data:"):  # a badge, say: a page must not call anybody
            image.replace_with(image.get("alt", ""))
    for link in soup.select("a[href]"):
        link["href"] = redirected(link["href"], folder, out)
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "wide"}))
    return str(soup)


def embedded(source, folder):
    """Return the picture of a relative address as a data address; other addresses stay."""
    path = Path(folder, unquote(urlsplit(source).path))
    if urlsplit(source).scheme or not path.is_file():
        return source
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def redirected(address, folder, out):
    """Return where a link of a notebook leads from its page: notebooks become pages, files are found where they are."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc or not parts.path:
        return address
    target = Path(folder, unquote(parts.path))
    if target.suffix == ".ipynb" and target.parent.resolve() == Path(folder).resolve():
        path = target.stem + ".html"
    else:
        path = os.path.relpath(target, out).replace(os.sep, "/")
    return parts._replace(path=quote(path)).geturl()


def stylesheet():
    """Return the style of all pages, colours of code included."""
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("friendly", "github-dark"))
    css = (TOOLS / "page.css").read_text("utf-8")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{css}"


def headline(body):
    """Return the title of a page and the first sentence of its text, as plain text."""
    soup = BeautifulSoup(body, "html.parser")
    for link in soup.select("a.anchor-link, summary"):
        link.decompose()
    title = soup.find("h1")
    texts = (" ".join(part.get_text().split()) for part in (title or soup).find_all_next("p"))
    about = next((text for text in texts if len(text) > 20), "")
    short = re.match(r".{30,180}?[.!?](?=\s|$)|.{0,180}(?=\s|$)", about)[0].removeprefix("You will do ")
    short = short[:1].upper() + short[1:]
    return " ".join(title.get_text().split()) if title else "", short


def pictures(notebook):
    """Return the images of the cells tagged painting, else the last image: (MIME type, bytes, alt text, caption)."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            kind = next((kind for kind in EXTENSIONS if kind in output.get("data", {})), None)
            if kind:
                notes = {**cell.metadata, **output.metadata, **output.metadata.get(kind, {})}
                data = base64.b64decode(output.data[kind])
                picture = kind, data, notes.get("alt", ""), notes.get("caption") or notes.get("alt", "")
                found.append(("painting" in cell.metadata.get("tags", []), picture))
    return [picture for tagged, picture in found if tagged] or [picture for _, picture in found[-1:]]


def save_pictures(notebook, name, out):
    """Write the gallery's pictures of one notebook beside the pages and return what the gallery shows of each."""
    saved = []
    for number, (kind, data, alt, caption) in enumerate(pictures(notebook), 1):
        file = f"pictures/{name}-{number}.{EXTENSIONS[kind]}"
        width, height = Image.open(BytesIO(data)).size
        saved.append({"file": file, "alt": alt, "caption": caption, "width": width, "height": height})
        write(out / file, data)
    for path in (out / "pictures").glob(f"{name}-*"):
        if f"pictures/{path.name}" not in [picture["file"] for picture in saved]:
            path.unlink()
    return saved


class Site:
    """The pages in build/, and what is known about them in build/results.json."""

    def __init__(self, folder, out):
        """Take the folder of the notebooks and that of the pages."""
        self.folder, self.out = folder, out
        self.paths = {path.stem: path for path in sorted(folder.glob("*.ipynb"))}
        try:
            self.results = json.loads((out / "results.json").read_text("utf-8"))
        except (OSError, ValueError):
            self.results = {}
        loader = jinja2.FileSystemLoader(TOOLS)
        self.templates = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
        self.templates.filters["clock"] = clock

    def clean(self):
        """Remove what earlier runs left of notebooks that are gone, and let every link find a page."""
        for name in set(self.results) - set(self.paths):
            del self.results[name]
            for stale in [self.out / f"{name}.html", *(self.out / "pictures").glob(f"{name}-*")]:
                stale.unlink(missing_ok=True)
        for name in self.paths:
            if name not in self.results or not (self.out / f"{name}.html").exists():
                self.page(name, read(self.paths[name]), NOT_RUN)

    def page(self, name, notebook, result):
        """Write one notebook's page and note what is known about it."""
        body = render(notebook, self.folder, self.out)
        title, about = headline(body)
        self.results[name] = result = {"title": title or name, "about": about, **result}
        names = [None, *self.paths, None]
        place = names.index(name)
        near = {"before": names[place - 1], "after": names[place + 1]}
        titles = {other: self.results.get(other, {}).get("title", other) for other in self.paths}
        self.fill("notebook.html", f"{name}.html", body=body, result=result, titles=titles, **near)

    def index(self):
        """Write the index page, and the results it was made from."""
        self.results = {name: self.results[name] for name in self.paths}
        write(self.out / "results.json", json.dumps(self.results, indent=1))
        ran = [result["seconds"] for result in self.results.values() if result["seconds"] is not None]
        self.fill("index.html", "index.html", results=self.results, ran=len(ran), total=sum(ran))

    def fill(self, template, file, **facts):
        """Fill a template into a file."""
        write(self.out / file, self.templates.get_template(template).render(css=stylesheet(), **facts))
