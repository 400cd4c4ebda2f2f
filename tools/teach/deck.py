"""Slides as one page of reveal.js, which needs no network and no other file.

templates/reveal holds reveal.js 5.2.1 and its speaker notes, under the MIT licence (see LICENSE
there). The stage is 1,280 x 720 pixels; a picture gets the size that it can have on it.
"""

import base64
import html
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image
from pygments.formatters import HtmlFormatter

from tools.site import build
from tools.teach.cut import Slide, slides
from tools.teach.report import templates

REVEAL = Path(__file__).resolve().parent / "templates" / "reveal"
STAGE = (1280, 720)
WIDTH = 1176  # pixels of a picture at most: the stage without its margins
HEIGHT = 612
CAPTION = 62  # pixels of a line under a picture
TITLE = 48  # pixels of the small title
LARGEST = 2.0  # how many times a picture may be enlarged
LETTERS = 69  # of a line of code in its largest size
LONG, VERY_LONG = 330, 560  # letters of a text that is set smaller


def deck(slug: str) -> str:
    """Return the slides of a notebook as a page that shows them one by one."""
    css = "\n".join([reveal("reset.css"), reveal("reveal.css"), colours(), own_css()])
    return filled("slides.html", slug, css=css, scripts=[reveal("reveal.js"), reveal("notes.js")])


def paper(slug: str) -> str:
    """Return the same slides below each other, each on a page of its own, to be printed.

    It needs no script, which a browser without a window may or may not have run when it prints.
    """
    return filled("paper.html", slug, css="\n".join([reveal("reset.css"), colours(), own_css()]))


def filled(template: str, slug: str, **facts: Any) -> str:
    """Fill a template with the slides of a notebook."""
    own = templates()
    stage = own.get_template("stage.html")
    stacks = []
    number = 0
    for stack in slides(slug):
        stacks.append([])
        for slide in stack:
            number += 1
            stacks[-1].append({**rendered(slide), "number": number})
    return own.get_template(template).render(
        title=f"{slug[:2]} · {build.title_of(slug)}",
        stacks=stacks,
        stage=lambda slide: Markup(stage.render(slide=slide)),
        **facts,
    )


@cache
def reveal(name: str) -> str:
    """Return a file of reveal.js, without the line that leads to a file for its developers."""
    text = (REVEAL / name).read_text(encoding="utf-8")
    return re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.M)


@cache
def own_css() -> str:
    """Return our own style of slides."""
    return (REVEAL.parent / "slides.css").read_text(encoding="utf-8")


@cache
def colours() -> str:
    """Return the colours of code, for a light stage."""
    return HtmlFormatter(style="friendly").get_style_defs(".highlight")


def rendered(slide: Slide) -> dict[str, Any]:
    """Return what the template needs of a slide."""
    body = slide.body
    if slide.picture:
        body = picture(slide) + body
    elif slide.kind == "formula":
        body = f'<div class="text" style="--formula: {size_of_formula(body)}px">{body}</div>'
    elif slide.kind == "program":
        body = f'<div class="text" style="--code: {size_of_code(body)}px">{body}</div>'
    else:
        body = f'<div class="text {density(body)}">{body}</div>'
    return {"kind": slide.kind, "title": slide.title, "body": body, "notes": "\n".join(slide.notes)}


def density(body: str) -> str:
    """Return the class of a text by its length."""
    letters = len(plain(body)) + 40 * body.count("<li>")
    if letters > VERY_LONG:
        return "very-long"
    return "long" if letters > LONG else ""


def plain(body: str) -> str:
    """Return what is read of some HTML."""
    return html.unescape(re.sub(r"<[^>]+>", "", body))


def size_of_code(body: str) -> int:
    """Return the size of letters at which every line of code fits on the stage, and all of them."""
    lines = [
        plain(line)
        for part in re.findall(r"<pre.*?</pre>", body, re.S)
        for line in part.split("\n")
    ]
    widest = max(len(line) for line in lines)
    by_width = 26 * LETTERS / max(widest, LETTERS)
    by_height = 520 / (1.45 * (len(lines) + 2.5))
    return int(min(26, by_width, by_height))


def size_of_formula(body: str) -> int:
    """Return the size of letters at which the longest formula fits on the stage."""
    formulas = re.findall(r"<math.*?</math>", body, re.S)
    longest = max((len(plain(one)) for one in formulas), default=1)
    return int(min(54, 1350 / longest))


def picture(slide: Slide) -> str:
    """Return a picture in the size that it has on the stage."""
    width, height = placed(slide)
    kind = slide.picture.kind
    data = base64.b64encode(slide.picture.content).decode()
    alt = html.escape(slide.picture.alt, quote=True)
    style = f"width: {width}px; height: {height}px"
    return f'<img src="data:{kind};base64,{data}" alt="{alt}" style="{style}">'


def placed(slide: Slide) -> tuple[int, int]:
    """Return width and height of a slide's picture on the stage."""
    width, height = Image.open(io.BytesIO(slide.picture.content)).size
    room = HEIGHT - (CAPTION if slide.body else 0) - (TITLE if slide.title else 0)
    scale = min(WIDTH / width, room / height, LARGEST)
    return round(width * scale), round(height * scale)
