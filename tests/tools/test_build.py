"""tools.site.build: what becomes of a source, and what is noticed when the two differ."""

import asyncio
import os
import subprocess

import nbformat
import pytest

from tests.support import ROOT, run_python
from tools.site import build
from tools.site.environment import environment

FIRST = """\
# %% [markdown]
# <!-- top -->
#
# # Add one
#
# > **You will do** a sum.
# > **You need** nothing.

# %% tags=["setup"]
# <<setup>>

# %% tags=["spec", "folded"]
def plus_one(x):
    return x + 1


# %% tags=["exercise"]
def add_one(x):
    \"\"\"x + 1\"\"\"
    # solution
    return x + 1


# %% [markdown]
# <!-- solution: add_one -->
#
# <!-- map -->
#
# <!-- notation -->
#
# <!-- bottom -->
"""
SECOND = """\
# %% [markdown]
# # Look around

# %%
print(6 * 7)
"""
SERIES = {
    "notebook": [
        {"slug": "01_one", "question": "One?", "built": "a sum"},
        {"slug": "02_two", "question": "Two?", "built": "a view"},
        {"slug": "03_later", "question": "Three?", "built": "nothing yet"},
    ]
}
README = "Before.\n<!-- notebooks -->\nold\n<!-- end of notebooks -->\nAfter.\n"
PICTURES = """\
[grey]
kind = "style"
title = "Grey"
author = "Nobody"
year = 1900
licence = "public domain"
source = "a drawer"
"""


@pytest.fixture
def series(tmp_path, monkeypatch):
    """A small series in place of ours: two notebooks, and a third that is only planned."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "notebooks" / "src")
    monkeypatch.setattr(build, "SERIES", SERIES)
    build.SOURCES.mkdir(parents=True)
    (build.SOURCES / "01_one.py").write_text(FIRST, encoding="utf-8")
    (build.SOURCES / "02_two.py").write_text(SECOND, encoding="utf-8")
    (build.SOURCES / "notation.md").write_text("G is a Gram matrix.\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images.toml").write_text(PICTURES, encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    return tmp_path


@pytest.fixture
def built(series):
    """The same series, written but not executed."""
    for slug in build.sources():
        build.write(build.assemble(slug), build.NOTEBOOKS / f"{slug}.ipynb")
    for path, text in build.generated_files().items():
        path.write_text(text, encoding="utf-8")
    return series


def texts(slug: str, **options) -> list[str]:
    return [cell.source for cell in build.assemble(slug, **options).cells]


def test_a_solution_is_cut_and_comes_back_folded(series):
    _, _, _, exercise, folded = texts("01_one")
    assert exercise.endswith('"""x + 1"""\n    raise NotImplementedError  # your turn')
    solution = 'def add_one(x):\n    """x + 1"""\n    return x + 1'
    expected = f"<details><summary>Solution</summary>\n\n```python\n{solution}\n```\n\n</details>"
    assert folded.startswith(expected)


def test_a_solved_notebook_has_the_solution(series):
    assert texts("01_one", solved=True)[3].endswith("# solution\n    return x + 1")


def test_a_solution_that_nobody_wrote_is_refused(series):
    source = build.SOURCES / "01_one.py"
    source.write_text(FIRST.replace("solution: add_one", "solution: add_two"), encoding="utf-8")
    with pytest.raises(ValueError, match="add_two"):
        build.assemble("01_one")


def test_generated_text_stands_where_it_is_asked_for(series):
    top, setup, _, _, bottom = texts("01_one")
    assert top.startswith("[![Open this notebook in Colab](https://colab.")
    assert "/notebooks/01_one.ipynb) [Look around](02_two.ipynb) →" in top
    assert "> **You will do** a sum.  \n> **You need** nothing." in top
    assert setup == build.setup_cell()
    assert "\n\nG is a Gram matrix.\n\n" in bottom
    assert bottom.endswith("[Look around](02_two.ipynb) →")


def test_what_tells_the_answer_is_shown_closed(series):
    _, _, spec, exercise, _ = build.assemble("01_one").cells
    assert spec.metadata == {"tags": ["spec", "folded"], **build.FOLDED}
    assert exercise.metadata == {"tags": ["exercise"]}


def test_the_links_lead_to_the_neighbours(series):
    assert build.links("02_two") == (
        "← [Add one](01_one.ipynb) · [map of the series](00_start_here.ipynb#The-map)"
    )


def test_what_is_only_planned_is_not_shown(series):
    assert build.series_table("notebooks/").splitlines()[2:] == [
        "| [01 · Add one](notebooks/01_one.ipynb) | One? | a sum |",
        "| [02 · Look around](notebooks/02_two.ipynb) | Two? | a view |",
    ]


def test_the_table_takes_its_place_in_the_readme(series):
    readme = build.generated_files()[series / "README.md"]
    assert readme.startswith("Before.\n<!-- notebooks -->\n| | question |")
    assert readme.endswith("| a view |\n<!-- end of notebooks -->\nAfter.\n")


def test_a_picture_becomes_a_row(series):
    page = build.generated_files()[series / "data" / "README.md"]
    assert "## Styles" in page and "## Photos" not in page
    assert "| `grey` | Grey | Nobody, 1900 | public domain | a drawer |" in page


def test_check_is_content_with_what_it_has_written(built, capsys):
    assert build.main(["--check"]) == 0
    assert capsys.readouterr().out == "Every notebook equals its source.\n"


def test_check_names_a_changed_cell(built, capsys):
    path = build.NOTEBOOKS / "02_two.ipynb"
    changed = nbformat.read(path, as_version=4)
    changed.cells[1].source += " "
    nbformat.write(changed, path)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "02_two: cell 1 differs from its source",
        "Run: python do.py build",
    ]


def test_check_names_what_is_missing_and_what_is_out_of_date(built, capsys):
    (build.NOTEBOOKS / "01_one.ipynb").unlink()
    (built / "environment.yml").write_text("name: another\n")
    (built / "README.md").write_text(README)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[:3] == [
        "01_one.ipynb is missing",
        "README.md is not up to date",
        "environment.yml is not up to date",
    ]


@pytest.mark.notebook
def test_build_executes_the_named_notebook_alone(series):
    assert build.main(["02"]) == 0
    assert not (build.NOTEBOOKS / "01_one.ipynb").exists()
    cell = nbformat.read(build.NOTEBOOKS / "02_two.ipynb", as_version=4).cells[1]
    assert cell.outputs[0].text == "42\n" and cell.execution_count == 1
    assert build.differences("02_two") == []
    assert (series / "environment.yml").is_file()


def test_solved_notebooks_go_to_a_folder_of_their_own(series):
    assert build.main(["--solved", str(series / "solved"), "01_one"]) == 0
    (path,) = (series / "solved").iterdir()
    assert "return x + 1" in nbformat.read(path, as_version=4).cells[2].source
    assert not list(build.NOTEBOOKS.glob("*.ipynb"))


def test_an_unknown_notebook_is_refused(series, capsys):
    with pytest.raises(SystemExit):
        build.main(["01", "77"])
    assert "no such notebook: 77; known: 01_one, 02_two" in capsys.readouterr().err


@pytest.fixture
def origin(tmp_path):
    """A repository that stands for the published series."""
    folder = tmp_path / "origin"
    (folder / "helpers").mkdir(parents=True)
    (folder / "helpers" / "transfer.py").write_text("here = 'cloned'")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(folder)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "series"]):
        subprocess.run([*git, *words], check=True)
    return folder


def test_the_setup_cell_clones_the_series_once(origin, tmp_path):
    """In an empty folder, its text unchanged; git's insteadOf stands for the network."""
    code = f"{build.setup_cell()}\nimport helpers.transfer\nprint(helpers.transfer.here)"
    config = tmp_path / "config"
    config.write_text(f'[url "{origin.as_uri()}"]\n\tinsteadOf = {build.REPOSITORY}\n')
    empty = tmp_path / "empty folder"
    empty.mkdir()
    env = {"GIT_CONFIG_GLOBAL": str(config), "GIT_CONFIG_NOSYSTEM": "1"}
    process = run_python(code, cwd=empty, env=env)
    assert process.stdout == "cloned\n", process.stderr
    config.unlink()
    process = run_python(code, cwd=empty, env={**env, "GIT_ALLOW_PROTOCOL": "none"})
    assert process.stdout == "cloned\n", process.stderr


def test_the_setup_cell_says_what_to_do_without_a_network(tmp_path):
    env = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "none"}
    process = run_python(build.setup_cell(), cwd=tmp_path, env=env)
    assert process.returncode and "check the network, run this again" in process.stderr


def test_environment_takes_over_names_bounds_and_comments():
    pyproject = (
        '[project]\nrequires-python = ">=3.11"\n'
        'dependencies = [\n  "torch>=2.6",  # every notebook\n  "numpy>=1.26",\n]\n'
        '[project.optional-dependencies]\ntest = [\n  "matplotlib>=3.8",\n]\n'
    )
    assert environment(pyproject).partition("dependencies:\n")[2].splitlines() == [
        "  - python >=3.11",
        "  - pytorch >=2.6 # every notebook",
        "  - numpy >=1.26",
        "  # What runs, builds and tests the notebooks.",
        "  - matplotlib-base >=3.8",
    ]


@pytest.mark.parametrize("bound", ["==2.6", ">=2.6,<3", "", "~=2.6"])
def test_environment_refuses_what_is_no_lower_bound(bound):
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="lower bounds such as"):
        environment(pyproject.replace('"torch>=2.6"', f'"torch{bound}"'))


def test_check_notices_a_tag_that_differs_from_the_source(built):
    path = build.NOTEBOOKS / "01_one.ipynb"
    changed = nbformat.read(path, as_version=4)
    (exercise,) = [cell for cell in changed.cells if "exercise" in cell.metadata.get("tags", [])]
    exercise.metadata["tags"] = ["build"]
    nbformat.write(changed, path)
    (line,) = build.differences("01_one")
    assert line.endswith("differs from its source")


def test_a_solved_notebook_has_its_exercises_solved(series):
    build.main(["--solved", str(series / "solved"), "01"])
    cells = nbformat.read(series / "solved" / "01_one.ipynb", as_version=4).cells
    (exercise,) = [cell for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    assert "# solution" in exercise.source and "NotImplementedError" not in exercise.source


def test_notebooks_are_built_on_the_processor_and_keep_no_live_widget(series, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("NST_QUIET", "0")
    widget = "application/vnd.jupyter.widget-view+json"
    seen = {}

    async def execute(notebook, folder, timeout):
        seen.update(os.environ)
        data = {widget: {"model_id": "7"}, "text/plain": "a slider"}
        notebook.cells[1].outputs = [nbformat.v4.new_output("display_data", data)]

    monkeypatch.setattr(build.kernel, "execute", execute)
    notebook = build.assemble("02_two")
    build.execute(notebook)
    assert (seen["CUDA_VISIBLE_DEVICES"], seen["NST_QUIET"]) == ("", "1")
    assert list(notebook.cells[1].outputs[0].data) == ["text/plain"]


def test_what_a_cell_prints_becomes_one_output_however_it_arrives(monkeypatch):
    """Else chance decides where a stream is cut, and each build is a change."""
    settings = {}

    class Client:
        def __init__(self, notebook, **words):
            settings.update(words)
            raise LookupError("far enough")

    monkeypatch.setattr(build.kernel, "NotebookClient", Client)
    with pytest.raises(LookupError):
        asyncio.run(build.kernel.execute(nbformat.v4.new_notebook(), ROOT, 1))
    assert settings["coalesce_streams"] is True


def test_masks_have_their_part_on_the_page_of_the_pictures(series):
    mask = PICTURES.replace("[grey]", "[sky]").replace('"style"', '"mask"')
    (series / "data" / "images.toml").write_text(PICTURES + mask, encoding="utf-8")
    lines = build.pictures_page().splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## Styles", "## Masks"]
    assert sum(line.startswith("| `") for line in lines) == 2
