"""The committed notebooks: equal to their sources, executed, described; every exercise solvable."""

import ast
import base64
import io
import re

import nbformat
import pytest
from PIL import Image

from tests.support import ROOT
from tools.site import build

SLUGS = build.sources()
MARKERS = {"# NBVAL_CHECK_OUTPUT", "# NBVAL_IGNORE_OUTPUT", "# NBVAL_SKIP"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


@pytest.fixture(params=SLUGS)
def slug(request):
    return request.param


@pytest.fixture
def notebook(slug):
    return read(slug)


def read(slug: str) -> nbformat.NotebookNode:
    return nbformat.read(ROOT / "notebooks" / f"{slug}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook, *tags: str):
    return [cell for cell in notebook.cells if set(tags) & set(cell.metadata.get("tags", []))]


def printed(cell) -> str:
    return "".join(output.get("text", "") for output in cell.outputs)


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def links(notebook) -> list[tuple[str, str, str]]:
    """Return what stands for each markdown link: "!" for a picture, the text, the address."""
    return LINK.findall(prose(notebook))


def is_description(alt: str) -> bool:
    """Tell whether this says what is to be seen, as somebody would to a person who cannot."""
    return len(alt.split()) >= 6


def test_every_notebook_is_in_the_list():
    folder = ROOT / "notebooks"
    assert {path.stem for path in folder.glob("*.ipynb")} == set(SLUGS)
    assert {path.stem for path in (folder / "src").glob("*.py")} == set(SLUGS)


def test_equal_to_the_source_cell_by_cell(slug):
    assert build.differences(slug) == []


@pytest.mark.parametrize("name", ["README.md", "data/README.md", "environment.yml"])
def test_generated_files_are_up_to_date(name):
    expected = build.generated_files()[ROOT / name]
    assert (ROOT / name).read_text(encoding="utf-8") == expected, "run python do.py build"


def test_executed_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    for cell in code_cells(notebook):
        assert not [output for output in cell.outputs if output.output_type == "error"]


def test_nothing_is_stored_that_differs_in_every_run(notebook):
    """Widgets and times: they need a kernel, or make every build a change."""
    assert "widgets" not in notebook.metadata
    assert not [cell for cell in notebook.cells if "execution" in cell.metadata]
    assert notebook.metadata.kernelspec.name == "python3"


def test_markers_are_spelled_right(notebook):
    """nbval takes no notice of a marker that it does not know, and compares nothing."""
    for cell in code_cells(notebook):
        marks = {line for line in cell.source.splitlines() if "nbval" in line.lower()}
        assert marks <= MARKERS


def test_a_checked_cell_has_a_number_to_compare(notebook):
    checked = [cell for cell in code_cells(notebook) if "# NBVAL_CHECK_OUTPUT" in cell.source]
    assert checked
    for cell in checked:
        assert re.search(r"\d", printed(cell)), cell.source


def test_pictures_have_descriptions_and_are_not_blank(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    pictures = [output for output in outputs if "image/jpeg" in output.get("data", {})]
    assert pictures
    for picture in pictures:
        alt = picture.metadata["image/jpeg"]["alt"]
        assert is_description(alt), alt
        content = base64.b64decode(picture.data["image/jpeg"])
        low, high = Image.open(io.BytesIO(content)).convert("L").getextrema()
        assert high - low > 50, f"one grey all over: {alt}"


def descriptions_in(source: str) -> set[str]:
    """Return the descriptions that a cell writes out where it shows a picture."""
    code = re.sub(r"^\s*[%!].*$", "", source, flags=re.M)
    found = set()
    for statement in ast.parse(code).body:
        calls = ast.walk(statement) if isinstance(statement, ast.Expr) else []
        for call in calls:
            for keyword in getattr(call, "keywords", []):
                if keyword.arg == "alt" and isinstance(keyword.value, ast.Constant):
                    found.add(keyword.value.value)
    return found


def test_a_stored_picture_has_the_description_of_its_cell(notebook):
    """A screen reader says what is stored, and nbval compares no pictures."""
    for cell in code_cells(notebook):
        notes = [output.get("metadata", {}) for output in cell.outputs]
        stored = {note.get("alt") for kinds in notes for note in kinds.values()}
        assert descriptions_in(cell.source) <= stored


def test_linked_pictures_have_descriptions(notebook):
    for mark, alt, address in links(notebook):
        if mark and not address.startswith("http"):
            assert is_description(alt), alt


def test_links_lead_somewhere(notebook):
    for _, _, address in links(notebook):
        if not address.startswith(("http", "#")):
            assert (ROOT / "notebooks" / address.partition("#")[0]).is_file(), address


def test_generated_text_is_filled_in(notebook):
    for cell in notebook.cells:
        assert "<!--" not in cell.source and "<<setup>>" not in cell.source


def test_the_setup_cell_comes_first_and_is_the_same_everywhere(notebook):
    assert [cell.source for cell in tagged(notebook, "setup")] == [build.setup_cell()]
    assert code_cells(notebook)[0].source == build.setup_cell()


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("solved", "sentence"),
    [(True, ": correct"), (False, ": not started yet")],
    ids=["solved", "as a reader finds it"],
)
def test_every_solution_passes_and_every_stub_is_only_noted(slug, solved, sentence, capsys):
    """The cells of the exercises stand on their own, apart from `import torch`."""
    notebook = build.assemble(slug, solved)
    namespace = {}
    exec("import torch", namespace)
    for cell in tagged(notebook, "spec", "exercise", "check"):
        exec(cell.source, namespace)
    exercises = len(tagged(notebook, "exercise"))
    assert len(tagged(notebook, "check")) == exercises
    assert capsys.readouterr().out.count(sentence) == exercises


def test_solutions_are_folded_and_stubs_hold_none(slug, notebook):
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell in tagged(notebook, "exercise"):
        assert "# solution" not in cell.source and "raise NotImplementedError" in cell.source
    for cell in tagged(build.assemble(slug, solved=True), "exercise"):
        lines = [line for line in cell.source.splitlines() if line.strip() != "# solution"]
        solution = "\n".join(lines)
        assert any(solution in text and "<details>" in text for text in texts), solution


def test_heroes_are_outputs(notebook):
    """A picture that is a link is missing on Colab and in a lone copy of the notebook."""
    for cell in tagged(notebook, "hero"):
        assert any("image/jpeg" in output.get("data", {}) for output in cell.outputs)


def test_the_first_painting_has_its_style():
    """What 00 prints of the picture that it saved: a fiftieth on average, a tenth at the worst."""
    (cell,) = tagged(read("00_start_here"), "errors")
    numbers = [float(number) for number in re.findall(r"\d\.\d+", printed(cell))]
    *_, deepest, mean = numbers
    assert deepest <= 0.1 and mean <= 0.02, numbers
