"""A small series in place of ours, and a project that nobody has set up."""

import os
import zipfile

import pytest

from tests.tools.small_project import STAND_IN, load, make_project
from tools.site import build

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
SERIES = """\
[[notebook]]
slug = "01_one"
question = "One?"
built = "a sum"

[[notebook]]
slug = "02_two"
question = "Two?"
built = "a view"

[[notebook]]
slug = "03_later"
question = "Three?"
built = "nothing yet"
"""
PYPROJECT = """\
[project]
requires-python = ">=3.11"
dependencies = ["numpy>=1.26"]

[project.optional-dependencies]
test = ["pytest>=8.0", "jupyterlab>=4.0"]

[project.urls]
Repository = "https://github.com/OWNER/small"
"""
README = """\
<!-- start -->
<!-- end of start -->
Before.
<!-- notebooks -->
old
<!-- end of notebooks -->
After.
"""
CITATION = 'title: "A small series"\nversion: 0.2.0\ntype: software\n'
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
    build.SOURCES.mkdir(parents=True)
    (build.SOURCES / "series.toml").write_text(SERIES, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (build.SOURCES / "01_one.py").write_text(FIRST, encoding="utf-8")
    (build.SOURCES / "02_two.py").write_text(SECOND, encoding="utf-8")
    (build.SOURCES / "notation.md").write_text("G is a Gram matrix.\n", encoding="utf-8")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "images.toml").write_text(PICTURES, encoding="utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text(CITATION, encoding="utf-8")
    return tmp_path


@pytest.fixture
def built(series):
    """The same series, written but not executed."""
    for slug in build.sources():
        build.write(build.assemble(slug), build.NOTEBOOKS / f"{slug}.ipynb")
    for path, text in build.generated_files().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return series


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """A package with stand-ins for pytest and JupyterLab, so that no index is asked."""
    path = tmp_path_factory.mktemp("wheel") / "tiny-1.0-py3-none-any.whl"
    about = "tiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("pytest", "jupyterlab"):
            file.writestr(f"{name}.py", STAND_IN.format(name=name))
        file.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{about}/WHEEL", tag)
        file.writestr(f"{about}/RECORD", "")
    return f"tiny @ {path.as_uri()}"


@pytest.fixture
def bare(tmp_path, wheel, monkeypatch):
    """A project that nobody has set up, as a module that cannot replace this process.

    It knows of no index but the usual one.
    """

    def refuse(*command):
        pytest.fail(f"do.py went on to {command}")

    monkeypatch.setattr(os, "execv", refuse)
    module = load(make_project(tmp_path / "project", wheel))
    monkeypatch.setattr(module, "OWN_INDEXES", {})
    return module


@pytest.fixture
def commands(bare, monkeypatch):
    """The commands that `bare` would have run; each stands for a success."""
    made = []

    def pretend(command, env=None):
        made.append(command)
        bare.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        bare.PYTHON.touch()

    monkeypatch.setattr(bare, "run", pretend)
    return made
