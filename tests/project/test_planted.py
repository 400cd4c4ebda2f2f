"""Planted faults: each finds its place, a few are planted in every run, and planting works."""

import ast
import base64
import copy
import io
import tomllib
from collections import Counter

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from helpers.show import show
from tests.planted import __main__ as command
from tests.planted import operators, planting, values
from tests.planted.faults import FAULTS
from tests.planted.planting import Fault, caught_by, changed, copy_project, first_failure
from tests.planted.tree import NoPlace, make
from tests.support import ROOT

# One for each room, most of them faults that slipped through once, each with a test that takes a
# moment: they show in every run that a test can still fail in each room.
EVERY_RUN = [
    "Gram not divided",  # losses
    "the best image judged without its fence",  # transfer
    "a twin that says it pools as before",  # vgg
    "a photo of Pillow's on its side",  # images
    "a check that never raises",  # check
    "versions compared as text",  # install
    "gatys_2016: another ratio",  # a loss of data/recipes.toml, by its value on the real network
    "pystiche: twenty iterations a step",  # a run of data/recipes.toml
    "a digit of a hash",  # data
    "07: gradients that add up",  # a loop that a notebook writes out
    "descriptions of one another",  # what a notebook stores
    "tags that nobody compares",  # the builder
    "pictures whose names have spaces",  # the pages
    "a moving line in a log",  # the runner
    "failures that count as success",  # do.py
]


# ---- the faults ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_fault_finds_its_place():
    """Where one does not, the code has changed: adapt the fault, or find out why it cannot be."""
    problems = []
    for fault in FAULTS:
        try:
            changed(fault)
        except NoPlace as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


def test_every_fault_has_a_name_of_its_own_and_a_test():
    names = Counter(fault.name for fault in FAULTS)
    assert not [name for name in names if names[name] > 1]
    for fault in FAULTS:
        for test in fault.tests.split():
            assert (ROOT / test.partition("::")[0]).is_file(), f"{fault.name}: there is no {test}"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project, in which faults may be planted."""
    folder = tmp_path_factory.mktemp("planted") / "project"
    copy_project(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_RUN)
def test_a_planted_fault_is_caught(name, project):
    (fault,) = [fault for fault in FAULTS if fault.name == name]
    assert caught_by(fault, project), f"no test notices: {name}"


# ---- edits of Python -----------------------------------------------------------------------------

EDITS = {
    "a constant": (operators.constant(4, 2), "x = 4 * a(40)", "x = 2 * a(40)"),
    "a constant of one kind": (
        operators.constant(1, 2),
        "x = (1, True, 1.0)",
        "x = (2, True, 1.0)",
    ),
    "a name": (operators.other_name("mean", "sum"), "x.mean(a)", "x.sum(a)"),
    "a name everywhere": (
        operators.everywhere(operators.other_name("a", "b")),
        "b = 0\na.c(a)",
        "b = 0\nb.c(b)",
    ),
    "a definition": (operators.renamed("f", "g"), "def f():\n    f()", "def g():\n    f()"),
    "a value": (operators.becomes("(3, 2)"), "x = (2, 3)", "x = (3, 2)"),
    "an order": (operators.reversed_order("red"), "x = [red, blue]", "x = [blue, red]"),
    "an entry": (operators.entry("b", "2"), "x = {'a': 0, 'b': 1}", "x = {'a': 0, 'b': 2}"),
    "an entry lost": (operators.without_entry("a"), "x = {'a': 0, 'b': 1}", "x = {'b': 1}"),
    "an item lost": (operators.without_item("b"), "x = [a, *b, c]", "x = [a, c]"),
    "a slice lost": (operators.without_slice("n"), "x = y[: n + 1][2:]", "x = y[2:]"),
    "a method": (operators.without_method("detach"), "x.detach().clone()", "x.clone()"),
    "a function": (operators.without_function("ceil"), "torch.ceil(x + 1)", "x + 1"),
    "another call": (operators.instead_of_call("f", "x"), "y = f(x) + 1", "y = x + 1"),
    "an argument": (operators.argument("f", 1, "x"), "f(x, 2, k=3)", "f(x, x, k=3)"),
    "a keyword": (operators.argument("f", "k", "True"), "f(x, k=3, l=4)", "f(x, k=True, l=4)"),
    "a keyword lost": (operators.without_argument("f", "k"), "f(x, k=3, l=4)", "f(x, l=4)"),
    "arguments swapped": (operators.swapped_arguments("f"), "f(x, y, z)", "f(y, x, z)"),
    "a default": (
        operators.default("b", "2"),
        "def f(a, b=0, *, c=1):\n    pass",
        "def f(a, b=2, *, c=1):\n    pass",
    ),
    "a default of a keyword": (
        operators.default("c", "2"),
        "def f(a, b=0, *, c=1):\n    pass",
        "def f(a, b=0, *, c=2):\n    pass",
    ),
    "a sign": (operators.other_operator(">=", ">"), "x >= y > z", "x > y > z"),
    "a sign between words": (operators.other_operator("and", "or"), "x and y", "x or y"),
    "a summand": (operators.without_operand("+", "b"), "a + 2 * b + c", "a + c"),
    "a summand in front": (operators.without_operand("+", "a"), "a + b + c", "b + c"),
    "a part of a condition": (operators.without_operand("or", "b"), "a or b or c", "a or c"),
    "the right side": (operators.without_operand(">>"), "2 + (a >> b)", "2 + a"),
    "a division": (operators.without_division(), "2 * (a + b) / c", "2 * (a + b)"),
    "a guard": (operators.never("a"), "if a < 0:\n    b", "if False:\n    b"),
    "a guard that mentions nothing": (
        operators.never("a", "None"),
        "if a is None:\n    b\nif a > 0:\n    b",
        "if False:\n    b\nif a > 0:\n    b",
    ),
    "a choice": (operators.always("a"), "x = b if a else c", "x = b if True else c"),
    "a filter": (operators.always("a"), "[b for a in c if a]", "[b for a in c if True]"),
    "a condition turned": (operators.negated("a"), "while a:\n    b", "while not a:\n    b"),
    "a statement": (operators.dropped("append"), "a = b\na.append(b)", "a = b\npass"),
    "an order of statements": (
        operators.earlier("clamp", "step"),
        "for a in b:\n    o.step()\n    with c:\n        a.clamp()\n    d",
        "for a in b:\n    with c:\n        a.clamp()\n    o.step()\n    d",
    ),
    "an exception": (
        operators.uncaught("OSError"),
        "try:\n    a\nexcept (OSError, KeyError):\n    b",
        "try:\n    a\nexcept (KeyError,):\n    b",
    ),
    "a decorator": (
        operators.without_decorator("no_grad"),
        "@torch.no_grad()\n@a\ndef f():\n    pass",
        "@a\ndef f():\n    pass",
    ),
    "an import": (
        operators.other_import("helpers.images", "helpers.fast"),
        "from helpers.images import load",
        "from helpers.fast import load",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_changes_what_it_says(what):
    edit, before, after = EDITS[what]
    tree = ast.parse(before)
    make(edit, tree, [])
    assert ast.unparse(tree) == after


TOY = """
import torch

LIMIT = 3

def sides(box):
    limit = 2
    if box is None:
        raise ValueError(3)
    return max(box, limit)

class Box:
    size: int = 3

    def area(self):
        self.unit = 3

        def scaled(x):
            return 3 * x

        return scaled(self.size)
"""
PLACES = {
    "a variable of the file": (["LIMIT"], "LIMIT = 4"),
    "a function": (["sides"], "raise ValueError(4)"),
    "a field": (["Box", "size"], "size: int = 4"),
    "an attribute": (["Box", "area", "unit"], "self.unit = 4"),
    "the result of an inner function": (["Box", "area", "scaled", "return"], "return 4 * x"),
}


@pytest.mark.parametrize("what", PLACES)
def test_an_edit_is_made_in_the_place_that_is_named(what):
    names, line = PLACES[what]
    tree = ast.parse(TOY)
    make(operators.constant(3, 4), tree, names)
    changed = set(ast.unparse(tree).splitlines()) - set(TOY.splitlines())
    assert [text.strip() for text in changed] == [line]


MISSING = {
    "what is not there": (["sides"], operators.without_division(), "sides holds no division"),
    "what is there twice": (
        ["Box"],
        operators.constant(3, 4),
        "Box holds 3 times a constant 3, and one is meant",
    ),
    "words": ([], operators.never("lid"), "the file holds no condition that mentions lid"),
    "a name": (["Box", "lid"], operators.never(), "Box has 0 times 'lid', and one is meant"),
    "a change": (
        ["LIMIT"],
        operators.becomes("3"),
        "LIMIT holds no .* that the fault would change",
    ),
    "a variable of the fault": (
        ["sides", "return"],
        operators.becomes("min(box, edge)"),
        "sides.return holds no variable edge, which the fault uses",
    ),
    "a variable of another function": (
        ["sides", "return"],
        operators.becomes("min(box, scaled)"),
        "no variable scaled",
    ),
}


@pytest.mark.parametrize("what", MISSING)
def test_a_missing_place_gets_a_sentence(what):
    names, edit, words = MISSING[what]
    with pytest.raises(NoPlace, match=words):
        make(edit, ast.parse(TOY), names)


SENTENCES = {
    "a file": ("helpers.lost.gram", operators.never(), "there is no file helpers/lost.py"),
    "a function": ("helpers.losses.lost", operators.never(), "the file has 0 times 'lost'"),
    "a field": ("data/recipes.toml", values.field("ours", "lost", to=1), "no ours.lost"),
    "a change": (
        "data/recipes.toml",
        values.field("ours", "steps", to=150),
        "the fault changes nothing",
    ),
}


@pytest.mark.parametrize("what", SENTENCES)
def test_a_fault_without_its_place_is_named(what):
    place, mistake, words = SENTENCES[what]
    with pytest.raises(NoPlace, match=f"'a toy' cannot be planted in {place}: .*{words}"):
        changed(Fault("a toy", place, mistake, "tests"))


# ---- edits of tables and notebooks ---------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["data/recipes.toml", "data/images.toml", "notebooks/src/series.toml", "pyproject.toml"]
)
def test_a_table_is_written_as_it_was_read(path):
    table = tomllib.loads((ROOT / path).read_text(encoding="utf-8"))
    assert tomllib.loads(values.as_toml(table)) == table


def test_a_field_or_a_line_is_changed_and_nothing_else():
    table = {"a": {"b": {"c": 1, "d": 2}}}
    values.field("a", "b", "c", to=[0.5])(table)
    assert table == {"a": {"b": {"c": [0.5], "d": 2}}}
    dependencies = ["torch>=2.6", "numpy>=1.26"]
    values.requirement("torch", to="torch==2.6")({"project": {"dependencies": dependencies}})
    assert dependencies == ["torch==2.6", "numpy>=1.26"]
    lines = ["dependencies:", "  - pytorch >=2.6 # every notebook", "  - nbval >=0.11"]
    values.conda_line("nbval", to="nbval >=0.10")(lines)
    assert lines == ["dependencies:", "  - pytorch >=2.6 # every notebook", "  - nbval >=0.10"]


@pytest.fixture
def notebook():
    """A text with a link, an exercise with its solution, and a checked cell with its output."""
    output = new_output("stream", text="loss 17")
    exercise = "def double(x):\n    # solution\n    return 2 * x"
    return new_notebook(
        cells=[
            new_markdown_cell("See [the next](02_next.ipynb) and [a page](page.html)."),
            new_code_cell(exercise),
            new_code_cell("# NBVAL_CHECK_OUTPUT\nprint(loss)", outputs=[output]),
        ]
    )


NOTEBOOK_EDITS = {  # a change, the number of the cell that it changes, and what stands there then
    "a digit": (values.other_digit, 2, "loss 67"),
    "a link": (values.broken_link, 0, "[the next](02_nowhere.ipynb)"),
    "a marker": (values.misspelled_marker, 2, "# NBVAL_CHEK_OUTPUT"),
    "a text": (values.more_prose, 0, "One sentence more."),
    "a solution": (values.in_solution("double", operators.constant(2, 3)), 1, "    return 3 * x"),
    "a function": (
        values.in_cell("double", operators.renamed("double", "twice")),
        1,
        "def twice(x)",
    ),
    "a loop": (
        values.in_cell_with("print(loss)", operators.instead_of_call("print", "[loss]")),
        2,
        "[loss]",
    ),
}


@pytest.mark.parametrize("what", NOTEBOOK_EDITS)
def test_a_notebook_is_changed_in_one_cell(what, notebook):
    change, place, words = NOTEBOOK_EDITS[what]
    before = copy.deepcopy(notebook.cells)
    change(notebook)
    changed = [number for number in range(3) if notebook.cells[number] != before[number]]
    assert changed == [place]
    assert words in nbformat.writes(notebook)


def test_a_picture_becomes_white_and_loses_its_description(notebook, ramp):
    data, metadata = show(ramp, alt="Two ramps of red and green.")._repr_mimebundle_()
    output = new_output("display_data", data, metadata=metadata)
    notebook.cells.append(new_code_cell("show(ramp)", outputs=[output]))
    values.white_picture(notebook)
    values.without_description(notebook)
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/jpeg"])))
    assert picture.convert("L").getextrema() == (255, 255)
    assert output.metadata["image/jpeg"]["alt"] == ""


def test_a_notebook_without_a_place_gets_a_sentence(notebook):
    for change, words in (
        (values.white_picture, "no picture"),
        (values.without_description, "no picture with a description"),
        (
            values.in_solution("triple", operators.constant(2, 3)),
            "no cell of the notebook defines triple",
        ),
        (
            values.in_cell_with("triple", operators.constant(2, 3)),
            "0 cells of the notebook hold 'triple', and one is meant",
        ),
    ):
        with pytest.raises(NoPlace, match=words):
            change(notebook)


# ---- planting ------------------------------------------------------------------------------------


@pytest.fixture
def toy(tmp_path):
    """A folder with a test that passes, and one that fails."""
    (tmp_path / "test_good.py").write_text("def test_a():\n    assert 1 + 1 == 2\n")
    (tmp_path / "test_bad.py").write_text("def test_a():\n    assert 1 + 1 == 3\n")
    return tmp_path


@pytest.mark.slow
def test_the_first_failure_is_named(toy):
    assert first_failure("test_good.py", toy) is None
    assert first_failure("test_good.py test_bad.py", toy) == "test_bad.py::test_a"
    with pytest.raises(RuntimeError, match="file or directory not found: test_lost.py"):
        first_failure("test_lost.py", toy)


def test_an_interrupt_that_ends_pytest_is_a_failure(toy):
    (toy / "test_ctrl_c.py").write_text("def test_a():\n    raise KeyboardInterrupt\n")
    assert first_failure("test_ctrl_c.py", toy) == "the end of pytest itself, in test_ctrl_c.py"


def test_a_run_that_somebody_ended_tells_nothing(toy):
    (toy / "test_ended.py").write_text("import os\nos._exit(77)\n")
    with pytest.raises(RuntimeError, match="pytest ended with 77"):
        first_failure("test_ended.py", toy)


@pytest.mark.slow
def test_a_test_that_does_not_end_is_caught_by_the_clock(toy, monkeypatch):
    (toy / "test_long.py").write_text("while True:\n    pass\n")
    monkeypatch.setattr(planting, "PATIENCE", 1)
    assert first_failure("test_long.py", toy).startswith("the clock: test_long.py did not end")


TOY_FAULT = Fault("a toy", "helpers.losses.gram", operators.without_division(), "tests")


def test_a_copy_is_whole_again_and_the_project_is_not_touched(tmp_path, monkeypatch):
    place = tmp_path / "helpers" / "losses.py"
    place.parent.mkdir()
    original = (ROOT / "helpers" / "losses.py").read_bytes()
    place.write_bytes(original)
    texts = []

    def remember(tests, project):
        texts.append(place.read_text(encoding="utf-8"))
        raise KeyboardInterrupt

    monkeypatch.setattr(planting, "first_failure", remember)
    with pytest.raises(KeyboardInterrupt):
        caught_by(TOY_FAULT, tmp_path)
    assert len(texts) == 1
    assert texts[0].encode() != original
    assert place.read_bytes() == original == (ROOT / "helpers" / "losses.py").read_bytes()


VERDICTS = {  # words, the test that fails with the fault and that without, what is said, exit code
    "caught": (["a toy"], "test_x", None, "s  a toy: caught by test_x\n1 of 1 caught", 0),
    "survived": (["helpers.losses"], None, None, "s  a toy: SURVIVED\n0 of 1 caught", 1),
    "failing before": ([], "test_x", "test_y", "without it test_y fails as well\n0 of 1", 1),
}


@pytest.mark.parametrize("what", VERDICTS)
def test_the_command_says_what_became_of_each_fault(what, monkeypatch, capsys):
    words, failure, before, lines, code = VERDICTS[what]
    monkeypatch.setattr(command, "FAULTS", [TOY_FAULT])
    monkeypatch.setattr(command, "copy_project", lambda folder: None)
    monkeypatch.setattr(command, "located", lambda *_: (None, []))
    monkeypatch.setattr(command, "caught_by", lambda *_: failure)
    monkeypatch.setattr(command, "failure_before", lambda *_: before)
    assert command.main(words) == code
    assert lines in capsys.readouterr().out


def test_a_fault_that_nobody_knows_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["helpers.lost"])
    assert "no fault has this name or place: helpers.lost" in capsys.readouterr().err
