"""The kit for instructors: notebooks to give away, questions, figures, the map; and what drifts."""

import csv
import json
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from tests.support import ROOT, copy_project, run_python
from tools.endings import Mistake
from tools.site import build
from tools.teach import bank, drift, exercises, figures, handouts, kit, moodle, prerequisites, texts
from tools.teach.__main__ import main
from tools.teach.shelf import LIST, Shelf

SLUGS = build.sources()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def sources(notebook, kind="code") -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == kind]


# --- the notebooks to give away ---


@pytest.fixture(scope="module")
def learners(tmp_path_factory):
    """A folder with all notebooks without solutions."""
    folder = tmp_path_factory.mktemp("learners") / "out"
    assert main(["--without-solutions", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """A folder with all notebooks solved."""
    folder = tmp_path_factory.mktemp("solved") / "out"
    assert main(["--solved", str(folder)]) == 0
    return folder


def solution_lines(slug: str) -> list[str]:
    """The lines of a notebook's solutions that could not stand anywhere else."""
    found = []
    for cell in build.assemble(slug, solved=True).cells:
        if "exercise" in cell.metadata.get("tags", []):
            found += cell.source.partition("# solution\n")[2].splitlines()
    return [line.strip() for line in found if len(line.strip()) > 35]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_no_solution_is_left_and_every_exercise_check_and_hint_is(slug, learners):
    notebook = read(learners / f"{slug}.ipynb")
    original = build.assemble(slug)
    text = "\n".join([*sources(notebook), *sources(notebook, "markdown")])
    assert "Solution</summary>" not in text and "# solution" not in text
    for exercise in exercises.exercises(slug):
        assert exercise.check in sources(notebook)
        assert f"def {exercise.name}(" in text
    assert text.count("raise NotImplementedError") >= len(exercises.exercises(slug))
    assert text.count("<summary>Hint") == "\n".join(sources(original, "markdown")).count(
        "<summary>Hint"
    )
    for cell in original.cells:
        if {"spec", "folded"} <= set(cell.metadata.get("tags", [])):
            assert cell.source not in text and handouts.packed(cell.source) in text
    elsewhere = "\n".join(sources(original))
    own = [line for line in solution_lines(slug) if line not in elsewhere]
    assert not [line for line in own if line in text]


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_in_it_leads_to_the_repository(slug, learners, monkeypatch):
    text = (learners / f"{slug}.ipynb").read_text(encoding="utf-8")
    assert build.repository() not in text and "git clone" not in text
    monkeypatch.setattr(build, "repository", lambda: "https://github.com/q8z/painting")
    assert build.badge(slug)
    published = nbformat.writes(
        handouts.without_solutions_of(build.assemble(slug, told=False), slug)
    )
    assert "q8z" not in published


@pytest.mark.slow
@pytest.mark.parametrize("slug", SLUGS)
def test_outputs_are_those_that_are_stored(slug, learners, solved):
    stored = {cell.id: cell.outputs for cell in build.code_cells(build.committed(slug))}
    given = {cell.id: cell.outputs for cell in build.code_cells(read(learners / f"{slug}.ipynb"))}
    assert given == stored
    of_solved = read(solved / f"{slug}.ipynb")
    assert sum(len(cell.outputs) for cell in build.code_cells(of_solved)) > 3
    assert not any("not started" in str(cell.outputs) for cell in build.code_cells(of_solved))


@pytest.mark.slow
def test_what_learners_get_stands_alone(learners):
    """From the setup cell to a check, without the repository."""
    notebook = read(learners / "00_start_here.ipynb")
    tags = {"setup", "spec", "exercise", "check"}
    cells = [c.source for c in notebook.cells if tags & set(c.metadata.get("tags", []))]
    process = run_python("\n\n".join(cells), cwd=learners, env={"PYTHONPATH": ""})
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("not started yet") == 2
    assert {path.name for path in learners.iterdir()} >= {"helpers", "data", "README.md", "LICENSE"}
    wanted = (learners / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert set(PROJECT["project"]["dependencies"]) < set(wanted)
    assert any(line.startswith("jupyterlab") for line in wanted)


@pytest.mark.slow
def test_a_notebook_without_its_folder_says_what_is_missing(learners, tmp_path):
    setup = read(learners / "00_start_here.ipynb").cells[1].source
    process = run_python(setup, cwd=tmp_path, env={"PYTHONPATH": ""})
    assert "put this notebook beside them" in process.stderr


@pytest.mark.parametrize("slug", ["00_start_here"])
def test_a_packed_specification_does_what_it_did(slug, capsys):
    namespace = {}
    exec("import torch", namespace)
    for cell in build.assemble(slug, solved=True).cells:
        tags = set(cell.metadata.get("tags", []))
        if tags & {"spec", "exercise", "check"}:
            packed = {"spec", "folded"} <= tags
            exec(handouts.packed(cell.source) if packed else cell.source, namespace)
    assert capsys.readouterr().out.count(": correct") == len(exercises.exercises(slug))


@pytest.mark.slow
def test_links_to_notebooks_that_are_not_given_away_are_words(tmp_path):
    main(["--without-solutions", str(tmp_path / "some"), "00", "01"])
    text = (tmp_path / "some" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert "](01_inside_vgg19.ipynb)" in text
    assert "](03_gram_matrices.ipynb)" not in text and "notebook 03" in text


# --- refusals ---


@pytest.mark.slow
@pytest.mark.parametrize("option", ["--solved", "--without-solutions", "--no-pdf"])
def test_a_folder_of_somebody_else_is_left_alone(option, tmp_path):
    mine = tmp_path / "thesis.txt"
    mine.write_text("mine")
    with pytest.raises(FileExistsError, match="choose an empty folder"):
        main([option, str(tmp_path), "00"])
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["notebooks", "teaching", "data", "helpers/new", "."])
def test_folders_of_the_series_are_refused(name):
    with pytest.raises(Mistake, match="belongs to the series"):
        main(["--solved", str(ROOT / name), "00"])


def test_solved_notebooks_never_stay_among_those_of_the_learners(tmp_path):
    out = str(tmp_path / "out")
    main(["--solved", out, "00", "01"])
    with pytest.raises(Mistake, match="must not be mixed"):
        main(["--without-solutions", out, "00"])
    main(["--solved", out, "00"])
    assert [path.name for path in (tmp_path / "out").glob("*.ipynb")] == ["00_start_here.ipynb"]


def test_a_shelf_removes_what_it_wrote_and_nothing_else(tmp_path):
    (tmp_path / "outside.txt").write_text("mine")
    first = Shelf(tmp_path / "shelf", "things")
    first.write("a/old.txt", "old")
    first.close()
    listing = tmp_path / "shelf" / LIST
    facts = json.loads(listing.read_text())
    facts["files"] += ["../outside.txt", str(tmp_path / "outside.txt")]
    listing.write_text(json.dumps(facts))
    second = Shelf(tmp_path / "shelf", "things")
    second.write("new.txt", "new")
    second.close()
    assert (tmp_path / "outside.txt").is_file()
    assert not (tmp_path / "shelf" / "a" / "old.txt").exists()
    assert (tmp_path / "shelf" / "new.txt").read_text() == "new"


@pytest.mark.parametrize("words", [[], ["--solved"], ["x", "--solved", "--without-solutions"]])
def test_what_cannot_be_meant_is_refused(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "error" in capsys.readouterr().err


def test_a_notebook_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(Mistake, match="There is no notebook '77'"):
        main(["--solved", str(tmp_path / "x"), "77"])
    assert not (tmp_path / "x").exists()


# --- the question bank, as pages and for Moodle ---


@pytest.fixture(scope="module")
def quiz():
    """The bank as Moodle reads it."""
    return ElementTree.fromstring(moodle.bank(texts.questions()))


def of_type(quiz, *kinds):
    return [q for q in quiz.iter("question") if q.get("type") in kinds]


def test_every_question_goes_to_moodle_with_its_points_and_its_category(quiz):
    names = [question["id"] for question in texts.questions()]
    found = of_type(quiz, "multichoice", "numerical", "essay")
    assert [one.find("name/text").text for one in found] == names
    assert [one.find("idnumber").text for one in found] == names
    points = [float(one.find("defaultgrade").text) for one in found]
    assert points == [question["points"] for question in texts.questions()]
    assert len(of_type(quiz, "category")) == len(SLUGS)
    assert all(one.find("questiontext/text").text.strip() for one in found)


def test_right_options_add_up_and_a_wrong_one_explains_itself(quiz):
    for question in of_type(quiz, "multichoice"):
        shares = [float(answer.get("fraction")) for answer in question.findall("answer")]
        rights = [share for share in shares if share > 0]
        assert sum(rights) == pytest.approx(100, abs=0.01)
        assert question.find("single").text == ("true" if len(rights) == 1 else "false")
        if len(rights) > 1:
            assert min(shares) < 0, "to choose all would be worth everything"
        feedback = [answer.find("feedback/text").text for answer in question.findall("answer")]
        assert all(len(text) > 20 for text in feedback)


def test_numbers_are_written_out_and_keep_their_tolerance(quiz):
    wanted = {q["id"]: q for q in texts.questions() if q["kind"] == "numeric"}
    found = of_type(quiz, "numerical")
    assert len(found) == len(wanted)
    for question in found:
        original = wanted[question.find("name/text").text]
        (right,) = question.findall("answer")
        for number in (right.find("text").text, right.find("tolerance").text):
            assert re.fullmatch(r"-?\d+(\.\d+)?", number)
        assert float(right.find("text").text) == original["value"]
        assert float(right.find("tolerance").text) == original["tolerance"]
        solution = question.find("generalfeedback/text").text
        assert texts.to_tex_html(original["solution"]) in solution


def test_who_marks_an_essay_sees_the_answer_and_the_learner_does_not(quiz):
    for question in of_type(quiz, "essay"):
        (original,) = [q for q in texts.questions() if q["id"] == question.find("idnumber").text]
        told = question.find("graderinfo/text").text
        parts = original.get("part", [original])
        for part in parts:
            for mark in part["mark"]:
                assert f"{mark['points']}: {texts.inline(mark['text'], texts.to_tex_html)}" in told
        asked = question.find("questiontext/text").text
        assert asked not in told and told not in asked


def test_formulas_are_tex_between_brackets():
    html = texts.to_tex_html("From $a_1 < b$ to\n\n$$\\frac{a}{b} & c$$\n\n`$x`")
    assert r"\(a_1 &lt; b\)" in html
    assert r"\[\frac{a}{b} &amp; c\]" in html
    assert "<code>$x</code>" in html
    text = "".join(ElementTree.fromstring(moodle.bank(texts.questions())).itertext())
    text = re.sub(r"<code>.*?</code>", "", text, flags=re.S)
    assert "$" not in text.replace("$course$", "")
    assert text.count(r"\(") == text.count(r"\)") > 100


def test_a_title_with_a_slash_opens_no_category_of_its_own(monkeypatch):
    monkeypatch.setattr(build, "title_of", lambda slug: "Now/Then")
    root = ElementTree.Element("quiz")
    moodle.category(root, "00_start_here")
    assert root.find(".//text").text.endswith("Now//Then")


def test_a_page_without_answers_tells_none():
    for question in texts.questions():
        told = bank.block(question, with_answers=False)
        hidden = [option["feedback"] for option in question.get("option", [])]
        hidden += [part.get("solution", "") for part in question.get("part", [])]
        hidden += [question.get("solution", ""), question.get("answer", "")]
        for text in filter(None, hidden):
            assert texts.to_html(text).removeprefix("<p>").removesuffix("</p>") not in told
        assert len(bank.block(question, with_answers=True)) > len(told)


# --- figures ---


@pytest.fixture(scope="module")
def pack():
    return figures.figures()


@pytest.mark.slow
def test_every_stored_picture_and_every_output_is_in_the_pack(pack):
    files = {figure.file for figure in pack}
    assert len(files) == len(pack)
    for path in (ROOT / "data").rglob("*.*"):
        if path.suffix in figures.SUFFIXES:
            assert path.relative_to(ROOT / "data").as_posix() in files
    for slug in SLUGS:
        outputs = [out for cell in build.code_cells(build.committed(slug)) for out in cell.outputs]
        count = sum(
            any(kind.startswith("image/") for kind in out.get("data", {})) for out in outputs
        )
        assert sum(file.startswith(slug) for file in files) == count


def test_a_figure_says_what_is_to_be_seen_and_whose_it_is(pack):
    for figure in pack:
        assert len(figure.alt) > 15 and figure.caption and figure.title, figure.file
        assert re.search(r"CC|public domain", figure.credit), figure.file
        assert figure.width > 10 and figure.height > 10


def test_a_painting_is_credited_to_its_photo_and_its_style(pack):
    (wall,) = [figure for figure in pack if figure.file == "results/wall/chelsea_mosaic.jpg"]
    assert "Stéfan van der Walt" in wall.credit and "painted after" in wall.alt
    (first,) = [figure for figure in pack if figure.file == "00_start_here/01.jpg"]
    assert "Andreas Praefcke, 2003 (CC BY 3.0)" in first.credit
    assert first.caption.startswith("The houses stand where the photo has them")


# --- the map ---


def test_the_map_has_every_box_and_every_line():
    goals, knowledge = texts.objectives(), texts.knowledge()
    drawing = ElementTree.fromstring(prerequisites.drawn(goals, knowledge))
    space = "{http://www.w3.org/2000/svg}"
    boxes = {link.get("data-id") for link in drawing.iter(f"{space}a")}
    assert boxes == {entry["id"] for entry in [*goals, *knowledge]}
    lines = {(p.get("data-from"), p.get("data-to")) for p in drawing.iter(f"{space}path")}
    assert lines == {(need, goal["id"]) for goal in goals for need in goal["needs"]}
    places = [(box.get("x"), box.get("y")) for box in drawing.iter(f"{space}rect")]
    assert len(set(places)) == len(places)


def test_a_circle_is_named():
    with pytest.raises(Mistake, match="circle"):
        prerequisites.check_order({"a": ["b"], "b": ["c"], "c": ["a"]})


# --- drift ---


@pytest.mark.slow
def test_kit_and_notebooks_fit():
    assert drift.faults() == []


def test_what_a_question_names_and_what_is_gone_is_named(monkeypatch):
    lost = {"id": "q", "notebook": "00_start_here", "section": "Lost", "objective": "00-two-errors"}
    other = lost | {"id": "r", "notebook": "99_gone", "objective": "99-gone"}
    monkeypatch.setattr(texts, "questions", lambda: [lost, other])
    assert drift.in_questions() == [
        'questions.toml, q: 00_start_here has no section "Lost"',
        "questions.toml, r: there is no notebook 99_gone",
        "questions.toml, r: there is no objective 99-gone",
    ]


def test_a_plan_that_leads_nowhere_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(texts, "teaching", lambda: ROOT / "teaching")
    page = tmp_path / "plan.md"
    book = (ROOT / "notebooks" / "00_start_here.ipynb").as_posix()
    page.write_text(f"[a]({book}#The-map) [b]({book}#Gone) [c](gone.md) `00-gone`", "utf-8")
    monkeypatch.setattr(drift, "pages", lambda: [page])
    monkeypatch.setattr(texts, "teaching", lambda: tmp_path)
    for name in ("questions", "objectives"):
        monkeypatch.setattr(texts, name, lambda: [])
    assert drift.in_pages() == [
        "plan.md: nothing has the name 00-gone",
        "plan.md: 00_start_here.ipynb has no section Gone",
        "plan.md: there is no gone.md",
    ]


def test_a_figure_without_its_papers_is_named(monkeypatch):
    bare = figures.Figure("a.jpg", "a", "A caption.", "", " ", "here", 1, 1)
    monkeypatch.setattr(figures, "figures", lambda: [bare])
    assert drift.in_pictures() == ["a.jpg: it has no alt", "a.jpg: it has no credit"]


def test_a_kit_that_would_not_fit_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(drift, "faults", lambda: ["questions.toml, q: there is no section"])
    with pytest.raises(Mistake, match="would not fit the notebooks"):
        kit.make(tmp_path / "kit", ["00_start_here"])
    assert not (tmp_path / "kit").exists()


@pytest.mark.slow
def test_another_heading_in_a_source_is_noticed_wherever_it_is_named(tmp_path):
    """A heading changes, the notebook is built again, and teaching/ still has the old one."""
    copy_project(tmp_path)
    source = tmp_path / "notebooks" / "src" / "03_gram_matrices.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("# ## Forget where", "# ## Forget the place"), "utf-8")
    process = run_python(
        "from tools.site.build import main; main(['--texts', '03'])\n"
        "from tools.teach.__main__ import main; main(['kit', '03'])",
        cwd=tmp_path,
    )
    assert process.returncode != 0
    for name in ("questions.toml", "lesson.md", "slides.toml"):
        assert re.search(rf"{name}.*Forget.where", process.stderr + process.stdout), name
    assert not (tmp_path / "kit").exists()


# --- the whole kit ---


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A kit with the slides and pages of two notebooks."""
    folder = tmp_path_factory.mktemp("kit") / "kit"
    kit.make(folder, ["00_start_here", "03_gram_matrices"], with_pdf=False)
    return folder


@pytest.mark.slow
def test_every_link_of_the_kit_leads_to_a_file_and_a_place(whole):
    pages = {path: path.read_text(encoding="utf-8") for path in whole.rglob("*.html")}
    del (
        pages[whole / "slides" / "00_start_here.html"],
        pages[whole / "slides" / "03_gram_matrices.html"],
    )
    written = {"00_start_here.html", "03_gram_matrices.html"}
    for path, text in pages.items():
        for address in re.findall(r'(?:href|src)="([^"]+)"', text):
            if address.startswith(("http", "data:", "#")):
                continue
            file, _, anchor = address.partition("#")
            target = (path.parent / file).resolve()
            if target.parent.name in ("notebooks", "slides") and target.name not in written:
                continue  # of a notebook that this kit leaves out
            assert target.is_file(), (path.name, address)
            if anchor and target in pages:
                assert f'id="{anchor}"' in pages[target], (path.name, address)


@pytest.mark.slow
def test_pages_call_nobody_and_know_no_machine(whole):
    for path in whole.rglob("*.html"):
        text = re.sub(r"<script>.*?</script>", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.search(r'(src|<link[^>]+href)="http', text), path
        assert str(ROOT) not in text, path


@pytest.mark.slow
def test_the_lists_of_figures_say_the_same(whole, pack):
    rows = json.loads((whole / "figures" / "figures.json").read_text(encoding="utf-8"))
    with (whole / "figures" / "figures.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [line["file"] for line in lines]
    assert len(rows) == len(pack)
    assert all((whole / "figures" / row["file"]).is_file() for row in rows)


@pytest.mark.slow
def test_a_plan_tells_the_minutes_of_its_notebooks(whole):
    lesson = (whole / "plans" / "lesson.html").read_text(encoding="utf-8")
    assert re.search(r"03 · Measure style with Gram matrices</a>: \d+ minutes to read", lesson)
    assert 'href="../answers.html#03-gram-by-hand"' in lesson
    assert 'href="../notebooks/03_gram_matrices.html#Forget-where"' in lesson
