"""A small series in place of ours."""

import pytest

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
test = ["pytest>=8.0"]

[project.urls]
Repository = "https://github.com/OWNER/small"
"""
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
    build.SOURCES.mkdir(parents=True)
    (build.SOURCES / "series.toml").write_text(SERIES, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
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
