"""One call sets the address of the repository everywhere, and executes nothing."""

import nbformat
import pytest
from nbformat.v4 import new_output

from tests.support import ROOT
from tools.endings import Mistake
from tools.site import build, publish

ADDRESS = "https://github.com/ada/paint"
BADGE = "[![Open this notebook in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"


@pytest.fixture
def executed(built, monkeypatch):
    """The small series with outputs; whoever executes a notebook now fails."""
    path = build.NOTEBOOKS / "02_two.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].outputs = [new_output("stream", text="42\n")]
    notebook.cells[1].execution_count = 1
    build.write(notebook, path)
    monkeypatch.setattr(build, "execute", None)
    return built


def everything(folder) -> dict[str, str]:
    """All files of the series, as text."""
    return {str(path): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


def cells(slug: str):
    return nbformat.read(build.NOTEBOOKS / f"{slug}.ipynb", as_version=4).cells


def test_nobody_sees_a_badge_before_there_is_an_address(executed):
    text = "".join(cell.source for slug in ("01_one", "02_two") for cell in cells(slug))
    assert "colab" not in text.replace("on Colab, for example", "").lower()


def test_the_address_goes_everywhere(executed):
    assert publish.main([ADDRESS]) == 0
    assert f'Repository = "{ADDRESS}"\n' in (executed / "pyproject.toml").read_text()
    top, setup, *_ = cells("01_one")
    colab = "https://colab.research.google.com/github/ada/paint/blob/main/notebooks/01_one.ipynb"
    assert top.source.startswith(f"{BADGE}({colab}) [Look around](02_two.ipynb) →\n")
    assert f'\nREPOSITORY = "{ADDRESS}"\n' in setup.source
    assert "OWNER" not in "".join(everything(executed).values())
    assert build.main(["--check"]) == 0


def test_outputs_stay(executed):
    publish.main([ADDRESS])
    _, cell = cells("02_two")
    assert cell.outputs[0].text == "42\n" and cell.execution_count == 1


def test_a_second_call_changes_nothing_and_another_address_everything(executed):
    publish.main([ADDRESS])
    once = everything(executed)
    publish.main([f"{ADDRESS}.git/"])  # as one copies it
    assert everything(executed) == once
    publish.main(["https://github.com/bob/art"])
    assert "ada/paint" not in "".join(everything(executed).values())
    assert build.main(["--check"]) == 0


def test_away_from_github_there_is_no_badge(executed):
    assert publish.main(["https://gitlab.com/group/inner/paint"]) == 0
    top, setup, *_ = cells("01_one")
    assert "colab" not in top.source
    assert "https://gitlab.com/group/inner/paint" in setup.source


@pytest.mark.parametrize(
    "text",
    [
        "",
        "paint",
        "github.com/ada/paint",
        "http://github.com/ada/paint",
        "git@github.com:ada/paint.git",
        "https://github.com/ada",
        "https://github.com//paint",
        "https://github.com/ada/..",
        "https://github.com/ada/.git",
        "https://github.com/ada/paint/tree/main",
        "https://github.com/ada/paint?tab=readme",
        "https://github.com/ada/paint#readme",
        "https://ada:secret@github.com/ada/paint",
        "https://github.com/ada/paint and more",
        'https://github.com/ada/paint"',
        "https://github.com/ada/paint\nx",
        "https://github.com/ада/paint",
        "https://localhost/ada/paint",
        "https://github.com/OWNER/paint",
        "https://github.com/NAME/REPOSITORY",
    ],
)
def test_what_is_no_address_is_refused(executed, text):
    before = everything(executed)
    with pytest.raises(Mistake, match="is no address|write your own"):
        publish.main([text])
    assert everything(executed) == before


def test_code_that_has_to_run_is_left_alone_and_named(executed, capsys):
    source = build.SOURCES / "02_two.py"
    source.write_text(source.read_text().replace("6 * 7", "6 * 8"))
    assert publish.main([ADDRESS]) == 1
    assert "02_two: its code has changed, and has to run: python do.py build" in (
        capsys.readouterr().out
    )
    assert cells("02_two")[1].source == "print(6 * 7)"
    assert ADDRESS in cells("01_one")[1].source


def test_new_text_and_new_places_of_cells_need_no_execution(executed):
    source = build.SOURCES / "02_two.py"
    more = "# # Look around\n\n# %% [markdown]\n# A sentence more.\n"
    source.write_text(source.read_text().replace("# # Look around\n", more))
    assert build.main(["--check"]) == 1
    assert build.main(["--texts"]) == 0
    assert build.main(["--check"]) == 0
    _, text, code = cells("02_two")
    assert text.source == "A sentence more." and code.outputs[0].text == "42\n"


def test_our_own_line_can_be_found():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert len(publish.LINE.findall(text)) == 1
