"""What stands in teaching/, and Markdown as HTML: with MathML for pages, with TeX for Moodle."""

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from tools.site import build
from tools.site.pages import Renderer

KINDS = {
    "choice": "choose",
    "short": "in a few sentences",
    "numeric": "a number",
    "exam": "an examination",
}


def teaching() -> Path:
    """Return the folder of the texts for instructors."""
    return build.ROOT / "teaching"


def questions() -> list[dict[str, Any]]:
    """Return the question bank."""
    return build.table(teaching() / "questions.toml")["question"]


def objectives() -> list[dict[str, Any]]:
    """Return what a learner can do after each notebook."""
    return build.table(teaching() / "objectives.toml")["objective"]


def knowledge() -> list[dict[str, Any]]:
    """Return what is expected from elsewhere."""
    return build.table(teaching() / "objectives.toml")["knowledge"]


def anchor(heading: str) -> str:
    """Return the name by which a link leads to a heading, as Jupyter makes it."""
    return heading.strip().replace(" ", "-")


class TexRenderer(IPythonRenderer):
    r"""Markdown as HTML; formulas stay TeX, between \( \) or \[ \], as Moodle reads them."""

    def inline_math(self, body: str) -> str:
        """Render $...$."""
        return rf"\({escaped(body)}\)"

    def block_math(self, body: str) -> str:
        """Render $$...$$."""
        return rf"\[{escaped(body)}\]"

    def latex_environment(self, name: str, body: str) -> str:
        r"""Render \begin{name}...\end{name}."""
        return rf"\[\begin{{{name}}}{escaped(body)}\end{{{name}}}\]"

    def block_code(self, code: str, info: str | None = None) -> str:
        """Render code without colours: a platform has no stylesheet of ours."""
        return f"<pre><code>{html.escape(code)}</code></pre>\n"


def escaped(tex: str) -> str:
    """Escape TeX that may or may not have been escaped before."""
    return html.escape(html.unescape(tex.strip()), quote=False)


@cache
def parser(kind: type[IPythonRenderer]) -> MarkdownWithMath:
    """Return the parser that renders with this class."""
    return MarkdownWithMath(renderer=kind(escape=False))


def to_html(markdown: str) -> str:
    """Return Markdown as HTML with MathML."""
    return parser(Renderer).render(markdown.strip()).strip()


def to_tex_html(markdown: str) -> str:
    """Return Markdown as HTML with TeX."""
    return parser(TexRenderer).render(markdown.strip()).strip()


def inline(markdown: str, render=to_html) -> str:
    """Return one paragraph of Markdown as HTML without its <p>."""
    found = re.fullmatch(r"<p>(.*)</p>", render(markdown), re.S)
    return found[1] if found and "<p>" not in found[1] else render(markdown)


def letter(place: int) -> str:
    """Return the letter of an option: A for the first."""
    return "ABCDEFGH"[place]


def corrections() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what slides.toml says of notebooks, and there of sections."""
    path = teaching() / "slides.toml"
    return build.table(path) if path.is_file() else {}
