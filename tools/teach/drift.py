"""What in teaching/ names something that is gone, or that is not there yet.

The kit is made from the notebooks and from teaching/. If a section gets another heading, and a
question, a plan or a slide still names the old one, nothing is written: the sentences say what to
mend. A test calls the same function.
"""

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

from tools.site import build
from tools.teach import texts

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAME = re.compile(r"`(\d\d-[a-z0-9-]+)`")
HEADING = re.compile(r"^#{1,3} (.+)$", re.M)


def faults() -> list[str]:
    """Return what does not fit together any more, as sentences."""
    headings.cache_clear()
    found = []
    for slug in build.sources():
        found += build.differences(slug)
    if found:
        return found  # what follows would only repeat it
    return [*in_questions(), *in_objectives(), *in_pages(), *in_slides(), *in_pictures()]


@cache
def headings(slug: str) -> frozenset[str]:
    """Return the headings of a notebook; none, where there is no such notebook."""
    if slug not in build.sources():
        return frozenset()
    cells = build.committed(slug).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown"]
    return frozenset(heading.strip() for text in prose for heading in HEADING.findall(text))


def in_questions() -> list[str]:
    """Return which questions name a notebook, section or objective that is gone."""
    known = {objective["id"] for objective in texts.objectives()}
    found = []
    for question in texts.questions():
        where = f"questions.toml, {question['id']}:"
        if question["notebook"] not in build.sources():
            found.append(f"{where} there is no notebook {question['notebook']}")
        elif question["section"] not in headings(question["notebook"]):
            section = f'"{question["section"]}"'
            found.append(f"{where} {question['notebook']} has no section {section}")
        if question["objective"] not in known:
            found.append(f"{where} there is no objective {question['objective']}")
    return found


def in_objectives() -> list[str]:
    """Return which objectives name a notebook, or need something, that is gone."""
    known = {entry["id"] for entry in [*texts.objectives(), *texts.knowledge()]}
    found = []
    for objective in texts.objectives():
        where = f"objectives.toml, {objective['id']}:"
        if objective["notebook"] not in build.sources():
            found.append(f"{where} there is no notebook {objective['notebook']}")
        lost = [name for name in objective["needs"] if name not in known]
        found += [f"{where} it needs {name}, which is nowhere" for name in lost]
    return found


def pages() -> list[Path]:
    """Return the texts for instructors."""
    return sorted(texts.teaching().rglob("*.md"))


def in_pages() -> list[str]:
    """Return which links and names in plans lead nowhere."""
    known = {entry["id"] for entry in [*texts.questions(), *texts.objectives()]}
    found = []
    for path in pages():
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(texts.teaching()).as_posix()
        found += [
            f"{name}: nothing has the name {one}" for one in NAME.findall(text) if one not in known
        ]
        for address in LINK.findall(text):
            found += [f"{name}: {words}" for words in [lost(path, address)] if words]
    return found


def lost(path: Path, address: str) -> str:
    """Say why a link leads nowhere; "", if it leads somewhere."""
    file, _, anchor = address.partition("#")
    if "://" in file or not file:
        return ""
    target = (path.parent / unquote(file)).resolve()
    if not target.exists():
        return f"there is no {address}"
    anchors = {texts.anchor(heading) for heading in headings(target.stem)}
    if target.suffix == ".ipynb" and anchor and unquote(anchor) not in anchors:
        return f"{target.name} has no section {anchor}"
    return ""


def in_slides() -> list[str]:
    """Return which corrections of the slides name a notebook or a section that is gone."""
    found = []
    for slug, sections in texts.corrections().items():
        if slug not in build.sources():
            found.append(f"slides.toml: there is no notebook {slug}")
            continue
        names = [section for section in sections if section not in headings(slug) | {"top"}]
        found += [f'slides.toml: {slug} has no section "{section}"' for section in names]
        known = {cell.id for cell in build.committed(slug).cells}
        ids = [
            name
            for one in sections.values()
            for key in ("hide", "show")
            for name in one.get(key, [])
        ]
        found += [f"slides.toml: {slug} has no cell {name}" for name in ids if name not in known]
    return found


def in_pictures() -> list[str]:
    """Return which pictures lack a description, or the papers that they have to have."""
    from tools.teach.figures import figures

    return [
        f"{figure.file}: it has no {what}"
        for figure in figures()
        for what in ("alt", "caption", "credit")
        if not getattr(figure, what).strip()
    ]
