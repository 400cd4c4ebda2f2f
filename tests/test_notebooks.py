"""The committed notebooks: equal to their sources, complete, and every exercise solvable by its own solution."""

import base64
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import build_notebooks as build  # noqa: E402

SLUGS = build.sources()
MARKERS = {"# NBVAL_CHECK_OUTPUT", "# NBVAL_IGNORE_OUTPUT", "# NBVAL_SKIP"}


@pytest.fixture(params=SLUGS)
def slug(request):
    return request.param


@pytest.fixture
def notebook(slug):
    return nbformat.read(ROOT / "notebooks" / f"{slug}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_the_notebooks_are_those_of_the_list():
    assert [f"{slug}.ipynb" for slug in SLUGS] == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert [f"{slug}.py" for slug in SLUGS] == sorted(path.name for path in (ROOT / "notebooks/src").glob("*.py"))
    assert "00_start_here" in SLUGS and "06_painting_with_adam" in SLUGS


def test_equal_to_the_source_cell_by_cell(slug):
    assert build.differences(slug) == []


def test_the_generated_pages_are_up_to_date():
    for path, text in build.pages().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name}: run python do.py build"


def test_a_changed_cell_is_noticed(slug, tmp_path, monkeypatch):
    """The comparison above can fail: change one letter of one cell, and it says which."""
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        changed = nbformat.read(path, as_version=4)
        changed.cells[3].source += " "
        nbformat.write(changed, tmp_path / path.name)
    monkeypatch.setattr(build, "NOTEBOOKS", tmp_path)
    assert build.differences(slug) == [f"{slug}: cell 3 differs from its source"]


def test_executed_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)
    assert "widgets" not in notebook.metadata and not any("execution" in cell.metadata for cell in cells)
    assert notebook.metadata.kernelspec.name == "python3"


def test_numbers_are_checked(notebook):
    """Markers spelled right, at least two checked cells, and each of them with a number to compare."""
    for cell in code_cells(notebook):
        wrong = [line for line in cell.source.splitlines() if "nbval" in line.lower() and line not in MARKERS]
        assert not wrong, wrong
    checked = [cell for cell in code_cells(notebook) if "# NBVAL_CHECK_OUTPUT" in cell.source.splitlines()]
    assert len(checked) >= 2
    for cell in checked:
        assert re.search(r"\d", "".join(output.get("text", "") for output in cell.outputs)), cell.source


def test_pictures_have_descriptions_and_are_not_blank(slug, notebook):
    found = [
        (o.data["image/jpeg"], o.metadata)
        for c in code_cells(notebook)
        for o in c.outputs
        if "image/jpeg" in o.get("data", {})
    ]
    assert found
    for data, metadata in found:
        assert len(metadata["image/jpeg"]["alt"]) >= 40
        low, high = Image.open(io.BytesIO(base64.b64decode(data))).convert("L").getextrema()
        assert high - low > 50, "a blank picture"
    for alt, path in re.findall(r"!\[([^\]]*)\]\((?!http)([^)]*)\)", "\n".join(c.source for c in notebook.cells)):
        assert len(alt) >= 40 and (ROOT / "notebooks" / path).is_file(), path


def test_links_resolve(notebook):
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([\w./-]+\.ipynb)", text):
        assert (ROOT / "notebooks" / target).is_file(), target
    assert "<!--" not in text and "<<" not in text, "an unfilled marker"


def test_size(slug, notebook):
    assert (ROOT / "notebooks" / f"{slug}.ipynb").stat().st_size < 2_000_000
    assert sum(path.stat().st_size for path in (ROOT / "notebooks").glob("*.ipynb")) < 16_000_000
    assert len(notebook.cells) <= (20 if slug.startswith("00") else 85)


def test_the_setup_cell_is_the_same_everywhere(notebook):
    assert [cell.source for cell in tagged(notebook, "setup")] == [build.setup_cell()]
    assert code_cells(notebook)[0].source == build.setup_cell()


def test_the_setup_cell_finds_the_series_or_clones_it(tmp_path):
    """Its text unchanged, in an empty folder, with git's insteadOf in place of the network; twice; and unreachable."""
    origin = tmp_path / "origin"
    (origin / "helpers").mkdir(parents=True)
    (origin / "helpers" / "transfer.py").write_text("here = 'cloned'")
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(origin)]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "series"]):
        subprocess.run([*git, *words], check=True)
    code = build.setup_cell() + "\nimport helpers.transfer; print(helpers.transfer.here)"
    alone, config = tmp_path / "empty folder", tmp_path / "config"
    alone.mkdir()
    (tmp_path / "colab" / "google" / "colab").mkdir(parents=True)  # a made-up google.colab, as Colab has a real one
    (tmp_path / "colab" / "google" / "colab" / "__init__.py").touch()
    config.write_text(f'[url "{origin.as_uri()}"]\n\tinsteadOf = {build.REPOSITORY}\n')
    for name, expected in ((str(config), "cloned"), ("/dev/null", "cloned")):
        run = run_alone("import google.colab\n" + code, alone, name, PYTHONPATH=str(tmp_path / "colab"))
        assert run.stdout.strip() == expected, run.stderr
    run = run_alone(code, tmp_path, "/dev/null", GIT_ALLOW_PROTOCOL="none")
    assert "check the network, run this again" in run.stderr


def run_alone(code, folder, config, **environment):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": config, "GIT_CONFIG_NOSYSTEM": "1", **environment}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)


def test_every_solution_passes_its_check_and_every_stub_is_only_noted(slug, capsys):
    """Cells tagged spec, exercise and check stand on their own: run them solved, then as the reader first meets them."""
    for solved, sentence in ((True, ": correct"), (False, ": not started yet")):
        notebook = build.assemble(slug, solved)
        cells = [c for c in code_cells(notebook) if {"spec", "exercise", "check"} & set(c.metadata.get("tags", []))]
        namespace = {}
        exec("import torch", namespace)
        for cell in cells:
            exec(cell.source, namespace)
        exercises = len(tagged(notebook, "exercise"))
        assert exercises == len(tagged(notebook, "check")) == capsys.readouterr().out.count(sentence)
        assert exercises >= (0 if slug.startswith("00") else 3)


def test_solutions_are_folded_and_stubs_hold_none(slug, notebook):
    for cell in tagged(notebook, "exercise"):
        assert "# solution" not in cell.source and "raise NotImplementedError" in cell.source
    for cell in tagged(build.assemble(slug, solved=True), "exercise"):
        code = "\n".join(line for line in cell.source.splitlines() if line.strip() != "# solution")
        assert any(code in c.source and "<details>" in c.source for c in notebook.cells if c.cell_type == "markdown")


def test_the_first_painting_has_its_style():
    """What 00 prints of the picture that it saved, as committed: a fiftieth on average, and strokes in the deepest layer."""
    notebook = nbformat.read(ROOT / "notebooks" / "00_start_here.ipynb", as_version=4)
    (cell,) = tagged(notebook, "errors")
    numbers = [float(number) for number in re.findall(r"\d\.\d+", "".join(o.get("text", "") for o in cell.outputs))]
    assert len(numbers) == 6 and numbers[-1] <= 0.02 and numbers[-2] <= 0.1, numbers


@pytest.mark.parametrize("slug", ["00_start_here", "06_painting_with_adam"])
def test_heroes_are_outputs(notebook):
    """A picture that is a link is missing on Colab and in a lone copy of the notebook."""
    (cell,) = tagged(notebook, "hero")
    assert any("image/jpeg" in output.get("data", {}) for output in cell.outputs)
