"""Stored outputs are compared with a tolerance, so that they hold on another machine too."""

import shutil
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from conftest import Approximately
from tests.support import ROOT


@pytest.mark.parametrize(
    "text",
    ["mean 0.384  Gram 1.0e-4", "mean 0.387  Gram 1.0e-4", "mean 0.38  Gram 0.000101"],
)
def test_decimal_numbers_may_differ_a_little(text):
    assert Approximately("mean 0.384  Gram 1.0e-4") == text


@pytest.mark.parametrize(
    "text",
    [
        "mean 0.41 of 24 cells",  # too far away
        "mean -0.384 of 24 cells",
        "mean 0.384 of 23 cells",  # a whole number
        "median 0.384 of 24 cells",  # a word
        "mean 0.384 of 24 cells, 0.1",  # one number more
        "mean nan of 24 cells",
    ],
)
def test_everything_else_is_compared_exactly(text):
    assert Approximately("mean 0.384 of 24 cells") != text


@pytest.mark.notebook
def test_nbval_compares_checked_cells_that_way(tmp_path):
    """A notebook whose stored outputs are right, nearly right, wrong, and wrong but not checked."""
    mark = "# NBVAL_CHECK_OUTPUT\n"
    sources = [mark + "print(0.5)", mark + "print(0.501)", mark + "print(0.6)", "print(0.7)"]
    cells = []
    for number, source in enumerate(sources, 1):
        stored = new_output("stream", text="0.5\n")
        cells.append(new_code_cell(source, execution_count=number, outputs=[stored]))
    nbformat.write(new_notebook(cells=cells), tmp_path / "numbers.ipynb")
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    words = ["-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    command = [sys.executable, "-m", "pytest", *words, "-m", "notebook", "numbers.ipynb"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert "1 failed, 3 passed" in process.stdout, process.stdout + process.stderr
    assert "print(0.6)" in process.stdout
