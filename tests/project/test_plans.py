"""The plans in teaching/: minutes add up, and every name and link leads somewhere."""

import re

import pytest

from tests.project.test_questions import OBJECTIVES, QUESTIONS, TEACHING, notebook_text
from tests.support import ROOT

PLANS = sorted((TEACHING / "plans").glob("*.md"))
PAGES = [*PLANS, *sorted(TEACHING.glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAME = re.compile(r"`(\d\d-[a-z0-9-]+)`")
RANGE = re.compile(r"(\d+)(?::(\d\d))?–(\d+)(?::(\d\d))?")
COLUMNS = 5
# The sections that somebody looks for who is in trouble.
SECTIONS = ["Who it is for", "Before the", "If something fails", "How to examine it"]
PARTS = ["Short of time", "Homework"]  # of a plan, or of each lesson of a unit


def by_name(path):
    return path.name


def read(path) -> str:
    return path.read_text(encoding="utf-8")


def tables(text: str) -> list[list[list[str]]]:
    """Return the time tables of a page: for each its rows, for each row its cells."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        lines = [line.strip().strip("|").split("|") for line in block.splitlines()]
        rows = [[cell.strip() for cell in line] for line in lines]
        if rows[0][0] in ("minutes", "time"):
            found.append(rows[2:])
    return found


def minutes(cell: str) -> tuple[int, int]:
    """Return start and end of "9:00–9:20" or "5–12", in minutes."""
    first, first_minutes, last, last_minutes = RANGE.fullmatch(cell).groups()
    if first_minutes is None:
        return int(first), int(last)
    return 60 * int(first) + int(first_minutes), 60 * int(last) + int(last_minutes)


def length_without_gaps(rows: list[list[str]]) -> int:
    """Return how long a table lasts; each row must begin where the one before ends."""
    times = [minutes(row[0]) for row in rows]
    for before, after in zip(times, times[1:], strict=False):
        assert before[1] == after[0], f"a gap or an overlap at {before} and {after}"
    assert all(start < end for start, end in times)
    return times[-1][1] - times[0][0]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [("lesson.md", [90]), ("unit.md", [90] * 4), ("workshop.md", [8 * 60])],
)
def test_minutes_add_up(plan, expected):
    lengths = [length_without_gaps(rows) for rows in tables(read(TEACHING / "plans" / plan))]
    assert lengths == expected


def test_a_gap_in_a_table_would_be_noticed():
    assert length_without_gaps([["0–5"], ["5–12"]]) == 12
    assert length_without_gaps([["9:50–10:05"], ["10:05–11:00"]]) == 70
    for second in ("6–12", "4–12"):
        with pytest.raises(AssertionError):
            length_without_gaps([["0–5"], [second]])


@pytest.mark.parametrize("path", PLANS, ids=by_name)
def test_a_row_says_what_to_do_to_show_to_ask_and_to_answer(path):
    for row in [row for rows in tables(read(path)) for row in rows]:
        assert len(row) == COLUMNS, row
        if not row[1].startswith(("Break", "Lunch")):
            assert all(row), row


@pytest.mark.parametrize("path", PLANS, ids=by_name)
def test_a_plan_has_what_somebody_in_trouble_looks_for(path):
    text = read(path)
    for section in SECTIONS:
        assert f"\n## {section}" in text, section
    lessons = len(tables(text))
    for part in PARTS:
        count = text.count(f"\n## {part}") + text.count(f"\n**{part}.**")
        assert count == lessons, part


@pytest.mark.parametrize("path", PAGES, ids=by_name)
def test_a_link_leads_to_a_file_and_a_section(path):
    for address in LINK.findall(read(path)):
        file, _, anchor = address.partition("#")
        target = (path.parent / file).resolve()
        assert target.exists(), address
        if anchor:
            _, headings = notebook_text(target.stem)
            assert anchor in {heading.replace(" ", "-") for heading in headings}, address


def test_every_name_is_that_of_a_question_or_an_objective():
    known = {entry["id"] for entry in [*QUESTIONS, *OBJECTIVES]}
    for path in PAGES:
        assert set(NAME.findall(read(path))) <= known, path


@pytest.mark.parametrize("path", PLANS, ids=by_name)
def test_a_plan_names_what_is_learned_asked_and_examined(path):
    text = read(path)
    names = set(NAME.findall(text))
    assert len(names & {objective["id"] for objective in OBJECTIVES}) >= 4
    assert len(names & {question["id"] for question in QUESTIONS}) >= 8
    examined = text.split("\n## How to examine it")[1]
    assert NAME.search(examined)


def test_the_points_of_a_paper_are_those_of_its_questions():
    points = {question["id"]: question["points"] for question in QUESTIONS}
    pairs = re.findall(r"`(\d\d-[a-z0-9-]+)` \((\d+)\)", read(TEACHING / "plans" / "unit.md"))
    assert len(pairs) >= 4
    for name, stated in pairs:
        assert points[name] == int(stated), name


def test_the_minutes_of_a_written_examination_are_those_of_its_questions():
    needed = {question["id"]: question["minutes"] for question in QUESTIONS}
    for path in PLANS:
        for name, stated in re.findall(r"`(\d\d-exam[a-z-]+)` \((\d+) minutes\)", read(path)):
            assert needed[name] == int(stated), name


def test_the_rubric_has_as_many_points_as_it_says():
    text = read(TEACHING / "projects.md")
    criteria = re.findall(r"^\| \*\*\w+\*\* \|", text, re.M)
    assert f"{4 * len(criteria)} in all" in text
    assert len(re.findall(r"^## \d\. ", text, re.M)) == 6


def test_every_page_is_named_on_the_first_one():
    listed = {
        (TEACHING / address).resolve() for address in LINK.findall(read(TEACHING / "README.md"))
    }
    files = {path for path in TEACHING.rglob("*") if path.is_file()}
    assert {path.resolve() for path in files} - {TEACHING / "README.md"} <= listed
    assert ROOT in TEACHING.parents
