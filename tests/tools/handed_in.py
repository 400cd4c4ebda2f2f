"""What learners hand in: right, wrong, careless and malicious, made from the notebooks as they are.

python -m tests.tools.handed_in FOLDER    write all of them, to grade by hand and to take times
"""

import json
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat.v4 import new_code_cell

from tools.site import build
from tools.teach.handouts import without_solutions

START = "00_start_here"
ADAM = "06_painting_with_adam"
GRAMS = "03_gram_matrices"
RIGHT = 'def my_prediction():\n    return {"image": 230_400, "network": 0}'
RIGHT_LOSS = (
    "def my_loss(style_errors, content_error, content_weight):\n"
    "    return sum(style_errors) / 5 + content_weight * content_error"
)


class Case(NamedTuple):
    """A submission. file: its name. make: its content. expected: verdicts, in the exercises' order.

    remark: words that have to be said beside the verdicts. problem: why it is no notebook.
    """

    file: str
    make: Callable[[], bytes]
    expected: list[str]
    remark: str = ""
    problem: str = ""


@cache
def original(slug: str) -> str:
    """A notebook as learners get it, without its outputs, as text: it is parsed anew each time."""
    notebook = without_solutions(slug)
    for cell in build.code_cells(notebook):
        cell.outputs = []
    return nbformat.writes(notebook)


def notebook_of(slug: str = START, **answers: str) -> nbformat.NotebookNode:
    """A notebook in which some exercises hold these cells."""
    notebook = nbformat.reads(original(slug), as_version=4)
    for name, answer in answers.items():
        (cell,) = [c for c in build.code_cells(notebook) if f"def {name}(" in c.source]
        cell.source = answer
    return notebook


def solved(slug: str) -> nbformat.NotebookNode:
    return build.assemble(slug, solved=True)


def packed_up(notebook: nbformat.NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode()


def with_answer(body: str) -> Callable[[], bytes]:
    """The first exercise of 00 does this and then answers rightly; the second is right."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    answer = RIGHT.replace("():\n", f"():\n{lines}\n")
    return lambda: packed_up(notebook_of(my_prediction=answer, my_loss=RIGHT_LOSS))


def with_cells(change: Callable[[list], None], **answers: str) -> Callable[[], bytes]:
    """A notebook with answers whose list of cells is changed."""

    def make() -> bytes:
        notebook = notebook_of(**answers)
        change(notebook.cells)
        return packed_up(notebook)

    return make


def cell_with(cells: list, words: str):
    (cell,) = [cell for cell in cells if cell.cell_type == "code" and words in cell.source]
    return cell


BOTH = {"my_prediction": RIGHT, "my_loss": RIGHT_LOSS}


def edit_the_check(cells: list) -> None:
    cell_with(
        cells, "check(my_prediction"
    ).source = 'print("my_prediction: correct.")  # check(my_prediction)'


def delete_the_check(cells: list) -> None:
    cells.remove(cell_with(cells, "judge(my_loss"))


def edit_the_spec(cells: list) -> None:
    unpacked = "def changed_numbers():\n    return my_prediction()"
    [first] = [c for c in cells if "zlib" in c.source][:1]
    first.source = unpacked


def define_the_spec_again(cells: list) -> None:
    cell = cell_with(cells, "def loss_of_a_friend")
    cells.insert(
        cells.index(cell) + 2,
        new_code_cell("def loss_of_a_friend(a, b, c):\n    return 1e9"),
    )


def other_order(cells: list) -> None:
    cells.reverse()


def twice(cells: list) -> None:
    cell = cell_with(cells, "def my_prediction")
    cells.append(new_code_cell('def my_prediction():\n    return {"image": 1, "network": 0}'))
    cells.append(new_code_cell(cell.source))


def without_anything(cells: list) -> None:
    """As Colab and others leave it: no ids, no tags, no outputs."""
    for cell in cells:
        cell.metadata = nbformat.from_dict({})
        cell.pop("id", None)


def other_names(cells: list) -> None:
    for number, cell in enumerate(cells):
        cell.id = f"renamed-{number}"
        cell.metadata = nbformat.from_dict({"tags": ["mine"]})


def merge(cells: list) -> None:
    """Answer, a trial of it, and check in one cell."""
    check = cell_with(cells, "check(my_prediction")
    answer = cell_with(cells, "def my_prediction")
    answer.source += "\n\nprint(my_prediction())\n" + check.source
    cells.remove(check)


def own_helper(cells: list) -> None:
    cells.insert(
        3, new_code_cell("import math\n\n\ndef count(*sides):\n    return math.prod(sides)")
    )


def break_earlier_cells(cells: list) -> None:
    for cell in cells:
        if cell.cell_type == "code" and "import" in cell.source and "check" not in cell.source:
            if "zlib" not in cell.source and "def loss_of" not in cell.source:
                cell.source = "this is no Python any more"


def as_version_3() -> bytes:
    cells = []
    for cell in build.code_cells(notebook_of(**BOTH)):
        part = {"cell_type": "code", "input": cell.source, "language": "python"}
        cells.append(part | {"outputs": [], "metadata": {}, "collapsed": False})
    sheet = {"cells": cells, "metadata": {}}
    return json.dumps(
        {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]}
    ).encode()


def other_language() -> bytes:
    notebook = notebook_of()
    notebook.metadata.kernelspec = {"display_name": "R", "language": "R", "name": "ir"}
    notebook.metadata.language_info = {"name": "R"}
    return packed_up(notebook)


def plain(**answers: str) -> Callable[[], bytes]:
    return lambda: packed_up(notebook_of(**answers))


def passes(first: str = "passed", second: str = "passed") -> list[str]:
    return [first, second]


UNTOUCHED = {
    "right": Case("right.ipynb", lambda: packed_up(solved(START)), passes()),
    "right in another": Case("a.ipynb", lambda: packed_up(solved(GRAMS)), ["passed"] * 4),
    "right in a third": Case("b.ipynb", lambda: packed_up(solved(ADAM)), ["passed"] * 6),
    "empty": Case("empty.ipynb", plain(), passes("not attempted", "not attempted")),
    "half": Case("half.ipynb", plain(my_loss=RIGHT_LOSS), passes("not attempted")),
}
WRONG = {
    "a wrong number": Case(
        "number.ipynb",
        plain(my_prediction='def my_prediction():\n    return {"image": 76_800, "network": 0}'),
        passes("failed", "not attempted"),
    ),
    "the friend's mistake": Case(
        "friend.ipynb",
        plain(
            my_loss=RIGHT_LOSS.replace("sum(", "content_weight * sum(").replace(
                "+ content_weight *", "+"
            )
        ),
        passes("not attempted", "failed"),
    ),
    "nothing returned": Case(
        "nothing.ipynb",
        plain(my_prediction="def my_prediction():\n    answer = 230_400"),
        passes("failed", "not attempted"),
    ),
    "no Python": Case(
        "syntax.ipynb",
        plain(my_prediction="def my_prediction()\n    return 1", my_loss=RIGHT_LOSS),
        passes("failed"),
    ),
    "an error": Case("error.ipynb", with_answer("import nowhere"), passes("failed")),
    "no end of calls": Case(
        "recursion.ipynb",
        plain(my_prediction="def my_prediction():\n    return my_prediction()", my_loss=RIGHT_LOSS),
        passes("failed"),
    ),
    "a class in place of a number": Case(
        "form.ipynb", plain(my_loss="class my_loss:\n    pass"), passes("not attempted", "failed")
    ),
    "text for a browser": Case(
        "=cmd.ipynb",
        with_answer("raise ValueError('<script>alert(1)</script>')"),
        passes("failed"),
    ),
}
MOVED = {
    "other names of cells": Case("names.ipynb", with_cells(other_names, **BOTH), passes()),
    "another order": Case("order.ipynb", with_cells(other_order, **BOTH), passes()),
    "cells twice": Case("twice.ipynb", with_cells(twice, **BOTH), passes(), "3 answers"),
    "no tags and no ids": Case("bare.ipynb", with_cells(without_anything, **BOTH), passes()),
    "cells merged": Case("merged.ipynb", with_cells(merge, **BOTH), passes()),
    "a helper elsewhere": Case(
        "helper.ipynb",
        with_cells(
            own_helper,
            my_prediction=RIGHT.replace("230_400", "count(3, 240, 320)"),
            my_loss=RIGHT_LOSS,
        ),
        passes(),
    ),
    "broken earlier cells": Case("broken.ipynb", with_cells(break_earlier_cells, **BOTH), passes()),
    "a magic": Case(
        "magic.ipynb",
        plain(my_prediction=f"%matplotlib inline\n{RIGHT}"),
        ["passed", "not attempted"],
    ),
    "an old format": Case("old.ipynb", as_version_3, passes()),
    "the name of a notebook": Case(f"zoe_{START}.ipynb", plain(**BOTH), passes()),
}
CHANGED = {
    "the check edited": Case(
        "check.ipynb",
        with_cells(edit_the_check, my_prediction="def my_prediction():\n    return 1"),
        passes("failed", "not attempted"),
        "check edited",
    ),
    "the check deleted": Case(
        "nocheck.ipynb", with_cells(delete_the_check, **BOTH), passes(), "check deleted"
    ),
    "the specification edited": Case(
        "spec.ipynb",
        with_cells(edit_the_spec, my_prediction="def my_prediction():\n    return 1"),
        passes("failed", "not attempted"),
        "specification edited",
    ),
    "the specification defined again": Case(
        "spec2.ipynb", with_cells(define_the_spec_again, **BOTH), passes(), "specification edited"
    ),
    "the check replaced": Case(
        "patch.ipynb",
        plain(
            my_prediction="import helpers.check\n\nhelpers.check.check = lambda *a, **k: True\n\n\n"
            "def my_prediction():\n    return 1",
            my_loss=RIGHT_LOSS,
        ),
        passes("tampered"),
        "",
    ),
    "what the check calls replaced": Case(
        "patch2.ipynb",
        plain(
            my_prediction="def my_prediction():\n    import helpers.check as c\n"
            "    c._compare_prediction.__code__ = (lambda n, a, e, t: None).__code__\n    return 1",
            my_loss=RIGHT_LOSS,
        ),
        passes("tampered"),
    ),
    "the answer of the check printed": Case(
        "prints.ipynb",
        plain(
            my_prediction='print("my_prediction: correct.")\n\n\ndef my_prediction():\n'
            '    print("my_prediction: correct.")\n    return 1',
            my_loss=RIGHT_LOSS,
        ),
        passes("failed"),
    ),
    "a verdict written by hand": Case(
        "forged.ipynb",
        with_answer(
            "import os\nfor number in range(3, 40):\n    try:\n"
            '        os.write(number, b\'{"end": 0, "verdict": "passed"}\\n\')\n'
            "    except OSError:\n        pass\nreturn 1"
        ),
        passes("failed"),
    ),
    "the specification called": Case(
        "calls.ipynb",
        plain(my_prediction="def my_prediction():\n    return changed_numbers()"),
        passes("failed", "not attempted"),
    ),
}
HARMFUL = {
    "an endless loop": Case(
        "endless.ipynb", with_answer("while True:\n    pass"), passes("endless")
    ),
    "a loop that cannot be interrupted": Case(
        "stubborn.ipynb",
        with_answer(
            "while True:\n    try:\n        while True:\n            pass\n"
            "    except BaseException:\n        pass"
        ),
        passes("endless"),
    ),
    "a sleeper": Case(
        "sleeps.ipynb", with_answer("import time\ntime.sleep(10**6)"), passes("endless")
    ),
    "files deleted": Case(
        "deletes.ipynb",
        with_answer(
            "import shutil, pathlib\n"
            "for place in ['../data', '../../data', '/tmp', str(pathlib.Path.home())]:\n"
            "    shutil.rmtree(place, ignore_errors=True)\nshutil.rmtree('/tmp')"
        ),
        passes("failed"),
        "tried to change files outside its folder",
    ),
    "a file outside": Case(
        "writes.ipynb",
        with_answer("open('/tmp/paint-by-gradient-was-here', 'w').write('x')"),
        passes("failed"),
        "tried to write outside its folder",
    ),
    "the end of Python": Case(
        "exits.ipynb", with_answer("import sys\nsys.exit()"), passes("ended Python")
    ),
    "the hard end of Python": Case(
        "dies.ipynb", with_answer("import os\nos._exit(0)"), passes("ended Python")
    ),
    "a fork": Case(
        "forks.ipynb",
        with_answer("import os\nwhile True:\n    os.fork()"),
        passes("failed"),
        "tried to start or end processes",
    ),
    "a shell": Case(
        "shell.ipynb",
        with_answer("import subprocess\nsubprocess.run(['kill', '-9', '-1'])"),
        passes("failed"),
        "tried to start or end processes",
    ),
    "the grader killed": Case(
        "kills.ipynb",
        with_answer("import os\nos.kill(os.getppid(), 9)"),
        passes("failed"),
        "tried to start or end processes",
    ),
    "the network": Case(
        "network.ipynb",
        with_answer("import urllib.request\nurllib.request.urlopen('http://example.org')"),
        passes("failed"),
        "tried to reach the network",
    ),
    "much output": Case(
        "output.ipynb", with_answer("for i in range(10**6):\n    print('x' * 1000)"), passes()
    ),
    "too much memory": Case(
        "memory.ipynb",
        with_answer("blocks = [bytearray(10**9) for _ in range(100)]"),
        passes("failed"),
    ),
}
NO_NOTEBOOK = {
    "a text": Case("text.txt", lambda: b"I could not do it.", [], problem="ends in .txt"),
    "an archive": Case("zip.zip", lambda: b"PK\x03\x04", [], problem="ends in .zip"),
    "an archive with another name": Case(
        "z.ipynb", lambda: b"PK\x03\x04", [], problem="zip archive"
    ),
    "half a file": Case(
        "truncated.ipynb", lambda: packed_up(notebook_of())[:5000], [], problem="damaged"
    ),
    "an empty file": Case("zero.ipynb", lambda: b"", [], problem="an empty file"),
    "a list": Case("list.ipynb", lambda: b"[1, 2]", [], problem="damaged"),
    "deep brackets": Case("deep.ipynb", lambda: b"[" * 10**5, [], problem="damaged"),
    "no text at all": Case("bytes.ipynb", lambda: bytes(range(256)), [], problem="damaged"),
    "another language": Case("r.ipynb", other_language, [], problem="its language is R"),
    "another course": Case(
        "other.ipynb",
        lambda: packed_up(nbformat.v4.new_notebook(cells=[new_code_cell("1 + 1")])),
        [],
        problem="no notebook of this series",
    ),
}
CASES = UNTOUCHED | WRONG | MOVED | CHANGED | HARMFUL | NO_NOTEBOOK


def hand_in(folder: Path, names: list[str] | None = None) -> None:
    """Write submissions into a folder; all of them, if none is named."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or CASES:
        (folder / CASES[name].file).write_bytes(CASES[name].make())


if __name__ == "__main__":
    hand_in(Path(sys.argv[1]))
