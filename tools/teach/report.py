"""The verdicts: two CSV files, and a page."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2

from helpers.files import write_file
from tools.site import build, pages

if TYPE_CHECKING:
    from tools.teach.grade import Graded

TEMPLATES = Path(__file__).resolve().parent / "templates"
GRADES = ["learner", "notebook", "passed", "exercises", "percent", "verdicts", "remarks", "file"]
EXERCISES = ["learner", "notebook", "exercise", "verdict", "sentence", "remarks", "file"]


def templates() -> jinja2.Environment:
    """Return the templates of this folder and those of the pages, which they extend."""
    folders = [TEMPLATES, pages.TEMPLATES]
    loader = jinja2.FileSystemLoader(folders)
    found = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    found.globals["text"] = pages.template_text
    return found


def write(everything: list["Graded"], out: Path, protection: str) -> None:
    """Write grades.csv, exercises.csv and index.html."""
    write_file(out / "grades.csv", table(GRADES, [row(one) for one in everything]))
    rows = [line for one in everything for line in rows_of(one)]
    write_file(out / "exercises.csv", table(EXERCISES, rows))
    groups = [
        {"slug": slug, "title": build.title_of(slug), "graded": theirs, "heads": heads(theirs)}
        for slug, theirs in by_notebook(everything).items()
    ]
    page = (
        templates()
        .get_template("grades.html")
        .render(
            groups=groups,
            unreadable=[one for one in everything if one.submission.problem],
            protection=protection,
            count=len(everything),
        )
    )
    write_file(out / "index.html", page)


def by_notebook(everything: list["Graded"]) -> dict[str, list["Graded"]]:
    """Return the submissions that could be graded, by their notebook."""
    found: dict[str, list[Graded]] = {}
    for one in sorted(everything, key=lambda one: one.submission.slug):
        if not one.submission.problem:
            found.setdefault(one.submission.slug, []).append(one)
    return found


def heads(theirs: list["Graded"]) -> list[str]:
    """Return the exercises of a notebook."""
    return [result.title for result in theirs[0].results]


def row(one: "Graded") -> list[Any]:
    """Return a line of grades.csv."""
    submission = one.submission
    if submission.problem:
        return [submission.learner, "", 0, "", 0, submission.problem, "", submission.file]
    verdicts = [f"{result.title}: {said(result)}" for result in one.results]
    percent = round(100 * one.passed / len(one.results)) if one.results else 0
    numbers = [one.passed, len(one.results), percent]
    texts = ["; ".join(verdicts), "; ".join(one.remarks), submission.file]
    return [submission.learner, submission.slug, *numbers, *texts]


def said(result: Any) -> str:
    """Return a verdict with its sentence."""
    return f"{result.verdict} ({result.words})" if result.words else result.verdict


def rows_of(one: "Graded") -> list[list[Any]]:
    """Return the lines of exercises.csv for a submission."""
    submission = one.submission
    if submission.problem:
        return [
            [submission.learner, "", "", "no notebook", submission.problem, "", submission.file]
        ]
    return [
        [submission.learner, submission.slug, result.title, result.verdict, result.words]
        + ["; ".join(result.remarks), submission.file]
        for result in one.results
    ]


def table(heads: list[str], rows: list[list[Any]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([[harmless(value) for value in row] for row in rows])
    return text.getvalue()


def harmless(value: Any) -> Any:
    """Return a text that no spreadsheet takes for a formula, and that stays on its line."""
    if not isinstance(value, str):
        return value
    plain = " ".join(value.encode("utf-8", "replace").decode().split())
    return f"'{plain}" if plain[:1] in ("=", "+", "-", "@") else plain
