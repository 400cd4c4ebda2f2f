"""The kit: pages for instructors that need no network, made from notebooks/ and teaching/."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from bs4 import BeautifulSoup

from tools.endings import Mistake
from tools.site import build, minutes, pages
from tools.teach import bank, deck, drift, figures, handouts, moodle, pdf, prerequisites, texts
from tools.teach.report import templates
from tools.teach.shelf import Shelf

KIT = "the kit for instructors"
# Where a text of teaching/ stands in the kit.
PLACES = {"README.md": "guide.html", "questions.toml": "questions.html"}
PLACES |= {"objectives.toml": "objectives.html", "slides.toml": "index.html"}


def make(out: Path, slugs: list[str], with_pdf: bool = True) -> None:
    """Write the kit into a folder. Raises Mistake, before anything is written, for what drifted."""
    handouts.refuse_own(out)
    faults = drift.faults()
    if faults:
        raise Mistake("The kit would not fit the notebooks:\n" + "\n".join(faults))
    shelf = Shelf(out, KIT)
    for slug in slugs:
        notebook(shelf, slug)
        shelf.write(f"slides/{slug}.html", deck.deck(slug))
    questions(shelf)
    objectives(shelf)
    packed = figures.pack(shelf)
    page(shelf, "figures/index.html", "figures.html", figures=packed, shown=figures.shown)
    for path in drift.pages():
        text(shelf, path)
    printed = slides_as_pdf(shelf, slugs) if with_pdf else []
    rows = [row(slug, slug in printed) for slug in slugs]
    page(shelf, "index.html", "kit.html", rows=rows, counts=counts(packed))
    shelf.close()


def page(shelf: Shelf, file: str, template: str, **facts: Any) -> None:
    """Fill a template into a file of the kit."""
    up = "../" * file.count("/")
    filled = templates().get_template(template).render(up=up, **facts)
    shelf.write(file, filled)


def counts(packed: list[figures.Figure]) -> dict[str, int]:
    """Return how much there is of everything."""
    return {"questions": len(texts.questions()), "figures": len(packed)}


def row(slug: str, has_pdf: bool) -> dict[str, Any]:
    """Return what the entrance says of a notebook."""
    needed = minutes.of_notebook(build.committed(slug))
    stacks = deck.slides(slug)
    return {
        "slug": slug,
        "title": build.title_of(slug),
        "reading": needed.reading,
        "exercises": needed.exercises,
        "slides": sum(len(stack) for stack in stacks),
        "pdf": has_pdf,
    }


def notebook(shelf: Shelf, slug: str) -> None:
    """Write a notebook as a page, with the outputs that are stored."""
    body = pages.render(build.committed(slug), build.NOTEBOOKS, shelf.folder / "notebooks")
    page(shelf, f"notebooks/{slug}.html", "text.html", title=build.title_of(slug), body=body)


def questions(shelf: Shelf) -> None:
    """Write the question bank: to hand out, with answers, and for Moodle."""
    everything = texts.questions()
    for file, with_answers in (("questions.html", False), ("answers.html", True)):
        sheets = bank.sheets(everything, with_answers)
        page(shelf, file, "questions.html", sheets=sheets, with_answers=with_answers)
    shelf.write("questions.xml", moodle.bank(everything))


def objectives(shelf: Shelf) -> None:
    """Write the map of prerequisites, and what it says in words."""
    goals, knowledge = texts.objectives(), texts.knowledge()
    drawing = prerequisites.drawn(goals, knowledge)
    shelf.write("prerequisites.svg", drawing)
    groups: dict[str, list[dict[str, Any]]] = {}
    for goal in goals:
        groups.setdefault(build.title_of(goal["notebook"]), []).append(goal)
    facts = {"drawing": drawing, "groups": groups, "knowledge": knowledge}
    page(shelf, "objectives.html", "objectives.html", inline=texts.inline, **facts)


def text(shelf: Shelf, path: Path) -> None:
    """Write a text of teaching/ as a page; its links lead to the pages of the kit."""
    name = path.relative_to(texts.teaching()).as_posix()
    file = PLACES.get(name, name.removesuffix(".md") + ".html")
    soup = BeautifulSoup(texts.to_html(path.read_text(encoding="utf-8")), "html.parser")
    for heading in soup.select("h1, h2, h3"):
        heading["id"] = texts.anchor(heading.get_text())
    for link in soup.select("a[href]"):
        link["href"] = led(link["href"], path, file)
        if not link["href"]:
            link.unwrap()
    for table in soup.select("table"):
        table.wrap(soup.new_tag("div", attrs={"class": "wide"}))
    name_links(soup, "../" * file.count("/"))
    title = soup.h1.get_text() if soup.h1 else name
    used = used_notebooks(path) if path.parent.name == "plans" else []
    page(shelf, file, "text.html", title=title, body=str(soup), used=used)


def used_notebooks(path: Path) -> list[dict[str, Any]]:
    """Return the notebooks that a plan leads to, with their minutes."""
    found = re.findall(r"notebooks/(\w+)\.ipynb", path.read_text(encoding="utf-8"))
    return [row(slug, False) for slug in build.sources() if slug in found]


def led(address: str, path: Path, file: str) -> str:
    """Return where a link of a text leads from its page in the kit; "", where that is not in it."""
    target, _, anchor = address.partition("#")
    if "://" in target or not target:
        return address
    goal = (path.parent / unquote(target)).resolve()
    if goal.suffix == ".ipynb":
        place = f"notebooks/{goal.stem}.html"
    elif goal.is_relative_to(texts.teaching().resolve()):
        name = goal.relative_to(texts.teaching().resolve()).as_posix()
        place = PLACES.get(name, name.removesuffix(".md") + ".html")
    else:
        return ""
    relative = os.path.relpath(place, os.path.dirname(file) or ".").replace(os.sep, "/")
    return f"{quote(relative)}#{anchor}" if anchor else quote(relative)


def name_links(soup: BeautifulSoup, up: str) -> None:
    """Let the names of questions and objectives lead to them; the soup is changed."""
    places = {question["id"]: "answers.html" for question in texts.questions()}
    places |= {goal["id"]: "objectives.html" for goal in texts.objectives()}
    for code in soup.select("code"):
        name = code.get_text()
        if name in places and code.find_parent("a") is None:
            code.wrap(soup.new_tag("a", href=f"{up}{places[name]}#{name}"))


def slides_as_pdf(shelf: Shelf, slugs: list[str]) -> list[str]:
    """Print the decks, or say why not. Returns the notebooks whose deck was printed."""
    browser = pdf.chromium()
    if browser is None:
        print(pdf.NONE)
        return []
    done = []
    for slug in slugs:
        content = pdf.printed(deck.paper(slug), browser)
        if content is None:
            print(f"{browser} could not print the slides of {slug}: print them from your browser.")
        else:
            shelf.write(f"slides/{slug}.pdf", content)
            done.append(slug)
    return done
