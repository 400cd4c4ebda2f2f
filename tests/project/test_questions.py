"""The question bank and the objectives in teaching/: form, numbers, and what notebooks say."""

import ast
import math
import operator
import re
import tomllib
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from itertools import combinations

import nbformat
import pytest
from latex2mathml.converter import convert

from tests.support import ROOT

TEACHING = ROOT / "teaching"


def table(name: str) -> dict:
    return tomllib.loads((TEACHING / name).read_text(encoding="utf-8"))


QUESTIONS = table("questions.toml")["question"]
OBJECTIVES = table("objectives.toml")["objective"]
KNOWLEDGE = table("objectives.toml")["knowledge"]
NOTEBOOKS = sorted({objective["notebook"] for objective in OBJECTIVES})
LEVELS = {"remember", "understand", "apply", "analyse", "evaluate", "create"}

SHARED = {"id", "notebook", "section", "objective", "kind", "difficulty", "minutes", "points"}
SHARED |= {"text"}
OWN = {
    "choice": {"option"},
    "short": {"answer", "mark"},
    "numeric": {"value", "tolerance", "check", "solution"},
    "exam": {"part"},
}
OPTIONAL = {"quotes", "number", "unit"}


def by_id(entry: dict) -> str:
    return entry["id"]


def of_kind(kind: str) -> list[dict]:
    return [question for question in QUESTIONS if question["kind"] == kind]


def parts_of(question: dict) -> list[dict]:
    """Return the question itself and its parts: each may have texts, marks and numbers."""
    return [question, *question.get("part", [])]


def texts_of(question: dict) -> list[str]:
    """Return everything of a question that somebody reads as Markdown."""
    texts = []
    for part in parts_of(question):
        texts += [part[key] for key in ("text", "answer", "solution") if key in part]
        texts += [mark["text"] for mark in part.get("mark", [])]
    for option in question.get("option", []):
        texts += [option["text"], option["feedback"], option.get("misconception", "")]
    return texts


# --- arithmetic on numbers, and on nothing else ---

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}
FUNCTIONS = {"abs": abs, "ceil": math.ceil, "max": max, "min": min, "sqrt": math.sqrt}


def calculate(expression: str) -> float:
    """Work out an expression of numbers, + - * / // % **, brackets and a few functions."""
    return value_of(ast.parse(expression, mode="eval").body)


def value_of(node: ast.AST) -> float:
    match node:
        case ast.Constant(value) if type(value) in (int, float):
            return value
        case ast.BinOp(left, kind, right) if type(kind) in OPERATORS:
            numbers = value_of(left), value_of(right)
            if isinstance(kind, ast.Pow) and abs(numbers[1]) > 64:
                raise ValueError(f"the exponent {numbers[1]} is too large")
            return OPERATORS[type(kind)](*numbers)
        case ast.UnaryOp(kind, operand) if type(kind) in OPERATORS:
            return OPERATORS[type(kind)](value_of(operand))
        case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
            return FUNCTIONS[name](*[value_of(argument) for argument in arguments])
    raise ValueError(f"this is no arithmetic: {ast.unparse(node)}")


def test_arithmetic_is_worked_out():
    assert calculate("-2 ** 2 + max(1, 7 // 2) * sqrt(16) / 4") == -1


@pytest.mark.parametrize(
    "expression",
    ["x", "'a' * 3", "open('a')", "(1).real", "[1][0]", "9 ** 99", "max(*[1])", "True"],
)
def test_what_is_no_arithmetic_is_refused(expression):
    with pytest.raises(ValueError):
        calculate(expression)


def agrees(shown: str, value: float) -> bool:
    """Tell whether a number that was rounded for readers comes from this value."""
    decimals = len(shown.partition(".")[2])
    return abs(float(shown) - value) <= 0.5 * 10**-decimals * (1 + 1e-9)


@pytest.mark.parametrize("question", of_kind("numeric"), ids=by_id)
def test_the_value_of_a_numeric_question_is_right(question):
    value = question["value"]
    assert math.isclose(calculate(question["check"]), value, abs_tol=0.5 * question["tolerance"])
    assert question["tolerance"] <= 0.07 * abs(value), "this would accept a wrong answer"
    assert f"{value:g}".lstrip("-") in question["solution"].replace(",", "")


def numbers() -> list:
    places = [(question["id"], part) for question in QUESTIONS for part in parts_of(question)]
    return [
        pytest.param(part, number, id=f"{name}: {number['shown']}")
        for name, part in places
        for number in part.get("number", [])
    ]


@pytest.mark.parametrize(("part", "number"), numbers())
def test_a_number_that_is_shown_is_right(part, number):
    assert agrees(number["shown"], calculate(number["check"]))
    assert number["shown"] in part.get("solution", "") + part.get("answer", "")


def test_a_wrong_digit_would_be_noticed():
    assert agrees("0.667", 2 / 3)
    assert not agrees("0.666", 2 / 3)


# --- the form of a question ---


def test_there_are_enough_questions_of_every_kind():
    assert len(QUESTIONS) >= 80
    assert len(of_kind("exam")) >= 12
    counts = Counter(question["notebook"] for question in QUESTIONS)
    assert set(counts) == set(NOTEBOOKS)
    assert min(counts.values()) >= 7


def test_no_two_entries_have_one_name():
    names = Counter(entry["id"] for entry in [*QUESTIONS, *OBJECTIVES, *KNOWLEDGE])
    assert [name for name, count in names.items() if count > 1] == []


def test_a_question_has_the_fields_of_its_kind():
    for question in QUESTIONS:
        own = OWN[question["kind"]]
        fields = set(question)
        assert SHARED | own <= fields <= SHARED | own | OPTIONAL, question["id"]
        assert re.fullmatch(r"\d\d(-[a-z0-9]+)+", question["id"]), question["id"]
        assert question["difficulty"] in (1, 2, 3), question["id"]
        shortest, longest = (15, 30) if question["kind"] == "exam" else (1, 8)
        assert shortest <= question["minutes"] <= longest, question["id"]
        assert question["text"].strip(), question["id"]


def test_points_add_up():
    for question in QUESTIONS:
        for part in parts_of(question):
            if "mark" in part:
                marks = sum(mark["points"] for mark in part["mark"])
                assert marks == part["points"], question["id"]
        if "part" in question:
            points = sum(part["points"] for part in question["part"])
            assert points == question["points"], question["id"]
            assert all(part["mark"] and part["solution"] for part in question["part"])
        assert question["points"] >= 1, question["id"]


def test_every_notebook_has_easier_and_harder_questions():
    for notebook in NOTEBOOKS:
        mine = [question for question in QUESTIONS if question["notebook"] == notebook]
        assert len({question["difficulty"] for question in mine}) >= 2
        assert len({question["kind"] for question in mine}) >= 3


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))


def likeness(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second)


def test_no_two_questions_are_alike():
    """Neither in their texts nor, where a text asks little, in their options."""
    texts = {}
    for question in QUESTIONS:
        options = " ".join(option["text"] for option in question.get("option", []))
        texts[question["id"]] = words(question["text"] + options)
    alike = [pair for pair in combinations(texts, 2) if likeness(*map(texts.get, pair)) > 0.6]
    assert alike == []


# --- the options of a choice ---


def right_places(question: dict) -> list[int]:
    return [place for place, option in enumerate(question["option"]) if option.get("right")]


def test_a_wrong_option_names_its_misconception():
    for question in of_kind("choice"):
        assert len(question["option"]) == 4, question["id"]
        assert 1 <= len(right_places(question)) <= 3, question["id"]
        for option in question["option"]:
            fields = {"right"} if option.get("right") else {"misconception"}
            assert set(option) == {"text", "feedback"} | fields, question["id"]
            assert len(option["feedback"].split()) >= 5, option["feedback"]
            assert len(option.get("misconception", "a b c d").split()) >= 4, option["text"]


def test_a_question_says_when_several_options_are_right():
    for question in of_kind("choice"):
        several = len(right_places(question)) > 1
        assert ("Choose all" in question["text"]) == several, question["id"]
        assert not several or question["points"] == 2, question["id"]


def test_the_length_of_an_option_gives_nothing_away():
    for question in of_kind("choice"):
        lengths = [len(option["text"]) for option in question["option"]]
        assert max(lengths) <= 1.4 * min(lengths) + 8, (question["id"], lengths)


def is_alone(place: int, lengths: list[int]) -> bool:
    return lengths.count(lengths[place]) == 1


def test_the_right_option_is_the_longest_no_more_often_than_by_chance():
    """Nor the shortest: chance would make it either in a quarter of the questions."""
    single = [question for question in of_kind("choice") if len(right_places(question)) == 1]
    longest = 0
    shortest = 0
    for question in single:
        lengths = [len(option["text"]) for option in question["option"]]
        (right,) = right_places(question)
        longest += lengths[right] == max(lengths) and is_alone(right, lengths)
        shortest += lengths[right] == min(lengths) and is_alone(right, lengths)
    assert max(longest, shortest) <= len(single) / 3, (longest, shortest, len(single))


def test_right_options_are_spread_over_the_positions():
    places = Counter(place for question in of_kind("choice") for place in right_places(question))
    share = sum(places.values()) / 4
    assert len(places) == 4
    assert all(0.7 * share <= count <= 1.3 * share for count in places.values()), places


def test_no_option_refers_to_the_others():
    escape = re.compile(r"\b(all|none|both|neither) of the (above|others?|options)\b", re.I)
    for question in of_kind("choice"):
        for option in question["option"]:
            assert not escape.search(option["text"]), question["id"]


# --- what is written in TeX, and what the notebooks say ---

CODE = re.compile(r"```.*?```|`[^`\n]*`", re.S)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+?)\$", re.S)


def formulas(text: str) -> list[str]:
    """Return the formulas of a Markdown text; an error if a dollar sign has no partner."""
    text = CODE.sub("", text)
    assert FORMULA.sub("", text).count("$") == 0, "a dollar sign is left over"
    return [display or inline for display, inline in FORMULA.findall(text)]


def is_balanced(tex: str) -> bool:
    """Tell whether brackets close, environments end, and a converter can read the formula."""
    depth = 0
    for bracket in re.findall(r"(?<!\\)[{}]", tex):
        depth += 1 if bracket == "{" else -1
        if depth < 0:
            return False
    pairs = [(r"\\left\b", r"\\right\b"), (r"\\begin\b", r"\\end\b"), (r"\\lVert", r"\\rVert")]
    if depth or any(len(re.findall(a, tex)) != len(re.findall(b, tex)) for a, b in pairs):
        return False
    return "<math" in convert(tex)


def test_formulas_are_balanced():
    for question in QUESTIONS:
        for text in texts_of(question):
            for tex in formulas(text):
                assert is_balanced(tex), (question["id"], tex)
                assert "\n" not in tex.strip(), "Markdown may take the next line for a list"


@pytest.mark.parametrize(
    "tex", [r"\frac{1}{2", "a}{b", r"\left(a", r"\begin{pmatrix} 1", r"\lVert a"]
)
def test_a_broken_formula_would_be_noticed(tex):
    assert not is_balanced(tex)


def test_a_lonely_dollar_sign_would_be_noticed():
    with pytest.raises(AssertionError):
        formulas("from $a to b, and `$c` is code")


@cache
def notebook_text(slug: str) -> tuple[str, set[str]]:
    """Return what a notebook says and prints, with single spaces, and its headings."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{slug}.ipynb", as_version=4)
    pieces = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        pieces += [output.get("text", "") for output in cell.get("outputs", [])]
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = {heading.strip() for heading in re.findall(r"^#+ (.+)$", prose, re.M)}
    return " ".join("\n".join(pieces).split()), headings


def test_a_question_belongs_to_a_section_and_an_objective_of_its_notebook():
    objectives = {entry["id"]: entry["notebook"] for entry in OBJECTIVES}
    for question in QUESTIONS:
        notebook = question["notebook"]
        assert objectives[question["objective"]] == notebook, question["id"]
        assert question["id"][:2] == notebook[:2], question["id"]
        assert question["section"] in notebook_text(notebook)[1], question["id"]


@pytest.mark.parametrize("question", [q for q in QUESTIONS if "quotes" in q], ids=by_id)
def test_what_is_quoted_stands_in_the_notebook(question):
    for quote in question["quotes"]:
        assert quote in notebook_text(question["notebook"])[0], quote


def test_nothing_is_written_that_no_reader_should_see():
    """One spelling, and no word of who made it."""
    strange = re.compile(r"\b(TODO|FIXME|analyz\w+|behavior|optimizer|color|gray)\b")
    for path in sorted(TEACHING.rglob("*.*")):
        assert not strange.search(path.read_text(encoding="utf-8")), path


# --- objectives ---


def test_a_notebook_has_three_to_five_objectives_and_each_is_examined():
    counts = Counter(objective["notebook"] for objective in OBJECTIVES)
    assert set(counts.values()) <= {3, 4, 5}
    examined = {question["objective"] for question in QUESTIONS}
    assert {objective["id"] for objective in OBJECTIVES} == examined


@pytest.mark.parametrize("objective", OBJECTIVES, ids=by_id)
def test_an_objective_begins_with_what_the_learner_does(objective):
    assert set(objective) == {"id", "notebook", "level", "text", "needs"}
    assert objective["level"] in LEVELS
    assert re.match(r"[a-z]+s\b", objective["text"])
    assert not re.match(r"(knows|understands|learns)\b", objective["text"]), "nobody can watch this"


def test_prerequisites_exist_and_nothing_needs_itself():
    known = {entry["id"] for entry in [*OBJECTIVES, *KNOWLEDGE]}
    needs = {objective["id"]: set(objective["needs"]) for objective in OBJECTIVES}
    assert set().union(*needs.values()) <= known
    TopologicalSorter(needs).prepare()  # raises CycleError
    assert {entry["id"] for entry in KNOWLEDGE} <= set().union(*needs.values())


def test_no_objective_needs_a_later_notebook():
    for objective in OBJECTIVES:
        for needed in objective["needs"]:
            assert not needed[:2].isdigit() or needed[:2] <= objective["id"][:2], objective["id"]
