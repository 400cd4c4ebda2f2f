"""Grading: who handed in what, what counts, what was edited, what an answer may not do."""

import csv
import os
import socket
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.tools.handed_in import CASES, CHANGED, MOVED, NO_NOTEBOOK, START, hand_in, notebook_of
from tools.endings import Mistake
from tools.site import build
from tools.teach import exercises, grade, report, runner
from tools.teach.grade import Desk, Graded, Result, main
from tools.teach.submissions import Submission, learner_of, submissions

# Those that are run each time. `python -m tests.tools.handed_in FOLDER` writes all of them.
RUN = [
    "a magic",
    "cells merged",
    "a helper elsewhere",
    "broken earlier cells",
    "the check edited",
    "the specification edited",
    "the check replaced",
    "what the check calls replaced",
    "a verdict written by hand",
    "the hard end of Python",
    "a fork",
    "too much memory",
]


def handed_in(folder: Path, *names: str) -> list[Submission]:
    hand_in(folder, list(names))
    return submissions(folder)


def cells_of(name: str) -> list[str]:
    notebook = nbformat.reads(CASES[name].make().decode(), as_version=4)
    return [cell.source for cell in build.code_cells(notebook)]


# --- what was handed in ---


@pytest.mark.slow
@pytest.mark.parametrize("name", NO_NOTEBOOK)
def test_what_is_no_notebook_is_said_to_be_none(name, tmp_path):
    (one,) = handed_in(tmp_path, name)
    assert one.problem.startswith("no notebook")
    assert CASES[name].problem in one.problem


@pytest.mark.parametrize("name", ["right", "right in another", *MOVED])
def test_a_notebook_is_known_by_what_is_in_it(name, tmp_path):
    (one,) = handed_in(tmp_path, name)
    assert one.problem == ""
    assert one.slug == ("03_gram_matrices" if name == "right in another" else START)


@pytest.mark.parametrize(
    ("path", "learner"),
    [
        ("anna.ipynb", "anna"),
        ("anna_03_gram_matrices.ipynb", "anna"),
        ("03_gram_matrices - Anna Berg.ipynb", "Anna Berg"),
        ("Anna Berg_1234_assignsubmission_file_/03_gram_matrices.ipynb", "Anna Berg"),
        ("anna/week1/03_gram_matrices.ipynb", "anna"),
        ("03_gram_matrices.ipynb", "03_gram_matrices"),
    ],
)
def test_whose_a_file_is(path, learner):
    assert learner_of(Path(path)) == learner


def test_what_systems_leave_behind_is_not_handed_in(tmp_path):
    for name in (".DS_Store", "__MACOSX/x.ipynb", ".ipynb_checkpoints/a-checkpoint.ipynb"):
        path = tmp_path / "anna" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "anna" / "painting.png").write_bytes(b"x")
    hand_in(tmp_path / "anna", ["right"])
    (tmp_path / "ben").mkdir()
    (tmp_path / "ben" / "essay.pdf").write_bytes(b"x")
    found = submissions(tmp_path)
    assert [(one.learner, bool(one.problem)) for one in found] == [("anna", False), ("ben", True)]


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_to_the_work_of_another_is_no_submission(tmp_path):
    hand_in(tmp_path, ["right"])
    (tmp_path / "copy.ipynb").symlink_to(tmp_path / "right.ipynb")
    (tmp_path / "whole").symlink_to(tmp_path, target_is_directory=True)
    problems = {one.learner: one.problem for one in submissions(tmp_path)}
    assert "a link" in problems["copy"] and "a link" in problems["whole"]
    assert problems["right"] == ""


# --- what counts ---


@pytest.mark.slow
@pytest.mark.parametrize("slug", build.sources())
def test_in_a_solved_notebook_nothing_is_changed_and_nothing_is_missing(slug):
    cells = [cell.source for cell in build.code_cells(build.assemble(slug, solved=True))]
    assert exercises.exercises(slug)
    for exercise in exercises.exercises(slug):
        assert exercises.changes(exercise, cells) == []
        (answer,) = exercises.answers(exercise.name, cells)
        others = [source for source in cells if source != answer]
        assert exercises.prelude(slug, answer, exercise.specs, others) == []


@pytest.mark.parametrize("name", [*MOVED, *CHANGED])
def test_only_what_was_edited_or_deleted_is_said_to_be(name):
    said = []
    for exercise in exercises.exercises(START):
        said += exercises.changes(exercise, cells_of(name)) if name != "an old format" else []
    expected = CASES[name].remark
    assert said == ([expected] if expected.split()[-1:] in (["edited"], ["deleted"]) else [])


def test_a_helper_comes_from_the_learner_and_what_the_notebook_has_from_the_notebook():
    answer = "def my_loss(a, b, c):\n    return mine(a) + loss(b) + torch.sum(c) + len(a)"
    others = ["x = 1\ndef mine(a):\n    return twice(a)", "import os\ndef twice(a): return 2 * a"]
    others.append("def loss(image):\n    return 'a loss of my own'")
    found = exercises.prelude(START, answer, [], others)
    text = "\n".join(found)
    assert "def mine" in text and "def twice" in text
    assert "x = 1" not in text and "import os" not in text
    assert "style_errors, content_error = errors(image)" in text and "of my own" not in text


def test_the_last_answer_counts_and_a_stub_is_none():
    stub = "def f():\n    'What to do.'\n    raise NotImplementedError"
    first, last = "def f():\n    return 1", "def f():\n    return 2"
    assert grade.chosen([first, last, stub], "f") == last
    assert grade.chosen([stub], "f") == stub


def test_the_own_checks_of_a_cell_are_left_out_and_nothing_else_is():
    answer = "def f():\n    return 1\n\nprint(f())\nfrom helpers.check import check\ncheck(f, g);"
    left = exercises.without_checks(answer)
    assert "check(f" not in left and "print(f())" in left
    assert exercises.without_checks("def f(:") == "def f(:"


def test_a_check_keeps_its_answer():
    kept = exercises.with_verdict("from helpers.check import check\n\ncheck(f, g, each(1, 2));")
    assert kept.splitlines()[-1] == f"{runner.VERDICT} = check(f, g, each(1, 2))"


# --- the fence ---


@pytest.fixture
def fence(tmp_path):
    (tmp_path / "inside").mkdir()
    return runner.Fence(tmp_path / "inside")


def test_inside_its_folder_an_answer_may_do_what_it_likes(fence):
    inside = Path(fence.folder) / "a.txt"
    fence.asked("open", (str(inside), "w", os.O_WRONLY | os.O_CREAT))
    fence.asked("os.remove", (str(inside), -1))
    fence.asked("open", (os.devnull, "w", os.O_WRONLY))
    fence.asked("open", ("/etc/hosts", "r", os.O_RDONLY))
    fence.asked("import", ("os",))
    assert fence.tried == []


@pytest.mark.parametrize(
    ("event", "arguments", "what"),
    [
        ("open", ("/tmp/x", "w", 0), "write outside its folder"),
        ("open", ("/tmp/x", None, os.O_RDWR), "write outside its folder"),
        ("open", ("{}/../x", "a", 0), "write outside its folder"),
        ("os.remove", ("/tmp/x", -1), "change files outside its folder"),
        ("os.rename", ("{}/a", "/tmp/a", -1, -1), "change files outside its folder"),
        ("shutil.rmtree", ("{}-beside", None), "change files outside its folder"),
        ("socket.connect", (None, ("127.0.0.1", 1)), "reach the network"),
        ("socket.getaddrinfo", ("example.org",), "reach the network"),
        ("os.fork", (), "start or end processes"),
        ("os.kill", (1, 9), "start or end processes"),
        ("subprocess.Popen", ("ls", [], None, None), "start or end processes"),
        ("os.system", ("ls",), "start or end processes"),
    ],
)
def test_what_leaves_the_folder_is_refused(fence, event, arguments, what):
    given = [a.format(fence.folder) if isinstance(a, str) else a for a in arguments]
    with pytest.raises(PermissionError, match=what):
        fence.asked(event, tuple(given))
    assert fence.tried == [what]


def test_python_asks_before_each_of_these_things(fence, tmp_path):
    """The names of the events are Python's own: a name that is wrong would refuse nothing."""
    heard = []
    sys.addaudithook(lambda event, arguments: heard.append(event) if is_on else None)
    is_on = True
    path = tmp_path / "a"
    path.write_text("x")
    path.rename(tmp_path / "b")
    (tmp_path / "b").unlink()
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))
    is_on = False
    assert {"open", "os.rename", "os.remove", "socket.connect"} <= set(heard)


class Owner:
    def kept(self):
        return 1

    def changed(self):
        return 1


def test_what_was_replaced_is_named():
    snapshot = runner.Snapshot([Owner])
    Owner.new = lambda self: 2
    assert snapshot.changed() == []
    Owner.changed = lambda self: 2
    assert "Owner.changed" in snapshot.changed()
    snapshot = runner.Snapshot([Owner])
    Owner.kept.__code__ = Owner.changed.__code__
    assert snapshot.changed() == ["Owner.kept()"]


def test_nothing_of_the_graders_surroundings_is_handed_on(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    given = grade.environment(tmp_path)
    assert "SECRET_TOKEN" not in given and given["HOME"] == str(tmp_path)


# --- the verdicts, as files ---

ONE = Submission("=anna", "=anna.ipynb", START, [], "")
TWO = Submission("<b>ben</b>", "ben.txt", "", [], "no notebook: a file that ends in .txt")
GRADED = [
    Graded(
        ONE,
        [
            Result("1 · f", "passed", "", []),
            Result("2 · g", "failed", "<script>alert()\nno", ["+edited"]),
        ],
        1.0,
    ),
    Graded(TWO, [], 0.0),
]


def rows(path: Path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_submission_and_for_each_exercise(tmp_path):
    report.write(GRADED, tmp_path, "Nothing held them back.")
    first, second = rows(tmp_path / "grades.csv")
    assert (first["passed"], first["exercises"], first["percent"]) == ("1", "2", "50")
    assert first["verdicts"] == "1 · f: passed; 2 · g: failed (<script>alert() no)"
    assert first["remarks"] == "2 · g: +edited"
    assert (second["percent"], second["verdicts"]) == ("0", TWO.problem)
    verdicts = [row["verdict"] for row in rows(tmp_path / "exercises.csv")]
    assert verdicts == ["passed", "failed", "no notebook"]


def test_no_text_of_a_learner_becomes_a_formula_or_a_program(tmp_path):
    report.write(GRADED, tmp_path, "")
    assert rows(tmp_path / "grades.csv")[0]["learner"] == "'=anna"
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page and "&lt;b&gt;ben" in page


# --- the command ---


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["{}/nowhere"], "is no folder"),
        (["{}"], "There is nothing in"),
        (["{}", "--out", "{}"], "holds the submissions"),
        (["{}", "--notebook", "77"], "There is no notebook '77'"),
    ],
)
def test_what_cannot_be_graded_gets_a_sentence(words, sentence, tmp_path):
    with pytest.raises(Mistake, match=sentence):
        main([word.format(tmp_path) for word in words])


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    hand_in(tmp_path / "in", ["an empty file"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="choose an empty folder"):
        main([str(tmp_path / "in"), "--out", str(tmp_path / "mine")])


@pytest.fixture(scope="module")
def desk():
    with Desk() as one:
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN)
def test_a_submission_gets_its_verdict(name, desk, tmp_path):
    case = CASES[name]
    (one,) = handed_in(tmp_path, name)
    graded = grade.grade(one, desk, seconds=30)
    assert [result.verdict for result in graded.results] == case.expected, graded
    assert case.remark in " ".join(graded.remarks)


@pytest.mark.slow
def test_bad_submissions_harm_nothing_and_none_is_forgotten(tmp_path, capsys):
    """Three that run, two of them bad ones, and all that are no notebooks."""
    names = ["right", "an endless loop", "files deleted", *NO_NOTEBOOK]
    hand_in(tmp_path / "in", names)
    before = {path: path.stat().st_mtime for path in (build.ROOT / "data").rglob("*")}
    folder, out = str(tmp_path / "in"), str(tmp_path / "in" / "verdicts")
    assert main([folder, "--out", out, "--seconds", "3"]) == 0
    found = {row["file"]: row for row in rows(tmp_path / "in" / "verdicts" / "grades.csv")}
    assert set(found) == {CASES[name].file for name in names}
    assert found["right.ipynb"]["percent"] == "100"
    assert "endless" in found["endless.ipynb"]["verdicts"]
    assert {path: path.stat().st_mtime for path in (build.ROOT / "data").rglob("*")} == before
    assert "right: 00_start_here, 2 of 2" in capsys.readouterr().out
    again = submissions(tmp_path / "in", leave_out=tmp_path / "in" / "verdicts")
    assert len(again) == len(names), "the verdicts are not handed in"


@pytest.mark.slow
def test_where_the_system_lends_nothing_python_refuses(tmp_path):
    """As on Windows and macOS: without namespaces."""
    with Desk() as desk:
        desk.wrap = []
        assert "only Python itself" in desk.protection()
        for name in ("files deleted", "the network"):
            (one,) = handed_in(tmp_path / name, name)
            graded = grade.grade(one, desk, 25)
            assert [result.verdict for result in graded.results] == CASES[name].expected
            assert CASES[name].remark in " ".join(graded.remarks)
    assert not desk.top.exists()


def test_an_empty_notebook_of_the_series_is_not_attempted_without_starting_anything(monkeypatch):
    monkeypatch.setattr(grade, "Job", None)
    cells = ["def f(): pass"]
    graded = grade.grade(Submission("a", "a.ipynb", START, cells, ""), None, 1)
    assert {result.words for result in graded.results} == {"its cell is missing"}


def test_a_notebook_with_other_cells_keeps_its_exercises():
    notebook = new_notebook(cells=[new_code_cell("1 + 1"), *notebook_of().cells])
    cells = [cell.source for cell in build.code_cells(notebook)]
    assert all(exercises.answers(one.name, cells) for one in exercises.exercises(START))
