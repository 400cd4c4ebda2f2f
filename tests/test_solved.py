"""The notebooks as an instructor runs them: every exercise solved, every marked number as in the committed notebook."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import build_notebooks as build  # noqa: E402


@pytest.mark.parametrize("slug", build.sources())
def test_nbval_on_the_solved_form(slug):
    """The outputs of the committed notebook, under the cells of the solved one, compared by nbval."""
    solved = build.assemble(slug, solved=True)
    committed = nbformat.read(ROOT / "notebooks" / f"{slug}.ipynb", as_version=4)
    for cell, other in zip(solved.cells, committed.cells, strict=True):
        if cell.cell_type == "code" and cell.source == other.source:
            cell.outputs, cell.execution_count = other.outputs, other.execution_count
    path = ROOT / "build" / "solved" / f"{slug}.ipynb"
    build.write(solved, path)
    words = ["-q", "-n", "0", "-p", "tests.conftest", "-p", "no:cacheprovider", str(path)]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, env={**os.environ}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout[-3000:]
    assert f"{sum(cell.cell_type == 'code' for cell in solved.cells)} passed" in run.stdout
