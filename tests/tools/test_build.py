"""tools.site.build: what becomes of a source, and what is noticed when the two differ."""

import asyncio
import os

import nbformat
import pytest

from tests.support import ROOT
from tests.tools.conftest import FIRST, PICTURES, README
from tools.endings import Mistake
from tools.site import build
from tools.site.environment import binder, environment
from tools.site.lab import LANGUAGE, keep_language

HEAD = "# %% [markdown]\n# # Title\n\n"


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
    assert top.startswith("[Look around](02_two.ipynb) →\n\n# Add one\n")
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
    assert "\nBefore.\n<!-- notebooks -->\n| | question |" in readme
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
        "Run: python do.py build (with --texts, if only text has changed)",
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


def test_an_unknown_notebook_is_refused(series):
    with pytest.raises(Mistake, match="There is no notebook '77'; there are: 01_one, 02_two"):
        build.main(["01", "77"])


def test_the_notebooks_of_the_learners_are_not_replaced_by_solved_ones(built):
    with pytest.raises(Mistake, match="holds the notebooks of the learners"):
        build.main(["--solved", str(build.NOTEBOOKS)])
    assert build.main(["--check"]) == 0


def test_solved_notebooks_go_to_the_folder_of_the_caller(series, monkeypatch):
    monkeypatch.setenv("NST_CALLER", str(series / "caller"))
    assert build.main(["--solved", "mine", "01"]) == 0
    assert (series / "caller" / "mine" / "01_one.ipynb").is_file()


def test_check_names_damage_and_other_metadata(built, capsys):
    (build.NOTEBOOKS / "01_one.ipynb").write_text('{"cells": [')
    path = build.NOTEBOOKS / "02_two.ipynb"
    changed = nbformat.read(path, as_version=4)
    changed.metadata["language_info"] = {"name": "python", "version": "3.99"}
    nbformat.write(changed, path)
    assert build.main(["--check"]) == 1
    assert capsys.readouterr().out.splitlines()[:2] == [
        "01_one.ipynb is damaged",
        "02_two: the metadata of the notebook differ",
    ]


@pytest.mark.notebook
def test_a_notebook_that_fails_stays_as_it_was_and_the_others_are_built(built, capsys):
    (build.SOURCES / "01_one.py").write_text(f"{HEAD}# %%\nraise ValueError('no\\nreason')")
    old = (build.NOTEBOOKS / "01_one.ipynb").read_text("utf-8")
    (build.NOTEBOOKS / "02_two.ipynb").unlink()
    assert build.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "01_one stays as it was. Cell 01-001 (raise ValueError('no\\nreason')): ValueError: reason"
    )
    assert (build.NOTEBOOKS / "01_one.ipynb").read_text("utf-8") == old
    assert lines[1].startswith("02_two: 2 cells")


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        ("notebooks/src/series.toml", "[[", "series.toml is no TOML"),
        ("pyproject.toml", "\x00", "pyproject.toml is no TOML"),
        ("notebooks/src/01_one.py", f'{HEAD}# %% tags=["exercise"]\n1', "no line `# solution"),
        ("notebooks/src/01_one.py", "# %%\n1", "01_one.py has no heading"),
    ],
)
def test_a_file_that_somebody_has_spoiled_is_named(built, file, text, sentence):
    (built / file).write_text(text)
    with pytest.raises(Mistake, match=sentence):
        build.main(["--check"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--solved", ""], "a folder needs a name"),
        (["--check", "--solved", "x"], "not allowed with argument"),
        (["--texts", "--lists"], "not allowed with argument"),
    ],
)
def test_words_that_mean_nothing(series, capsys, words, sentence):
    with pytest.raises(SystemExit):
        build.main(words)
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"language_info": {"name": "python", "version": "3.14.1"}}, LANGUAGE),
        ({"language_info": {"name": "julia"}}, {"name": "julia"}),
        ({}, None),
    ],
)
def test_jupyterlab_saves_no_python_of_its_own(metadata, language):
    model = {"type": "notebook", "content": {"cells": [], "metadata": metadata}}
    keep_language(model, path="01.ipynb", contents_manager=None)
    assert model["content"]["metadata"].get("language_info") == language
    keep_language({"type": "file", "content": "text"})


def test_binder_gets_what_notebooks_need_and_nothing_for_a_gpu():
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lines = binder(pyproject).partition("dependencies:\n")[2].splitlines()
    names = [line.split()[1] for line in lines]
    assert lines[0] == "  - python =3.12" and names[1] == "pytorch-cpu"
    assert names[-1] == "jupyterlab" and "ipywidgets" in names and "pytest" not in names
    assert lines[2:-1] == environment(pyproject).splitlines()[10:18]


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
